"""Inbox and outbox on both kinds of database: effects once, messages with their transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pelagos.core.backoff import Backoff
from pelagos.core.clock import ManualClock
from pelagos.messaging import Exchange, GenericProducer, MessageCommand, MessageStatus
from pelagos.messaging.errors import (
    BufferFullError,
    ConnectionLostError,
    EncodingError,
    InboxBusyError,
    MessagingError,
    PublishRefusedError,
)
from pelagos.messaging.sql import Outbox, OutboxRelay, SqlInbox, create_tables
from pelagos.messaging.sql.relay import OutboxLetters
from pelagos.messaging.transports.base import Envelope, Properties
from support.recording_bus import RecordingBus

pytestmark = pytest.mark.integration


class Events(Exchange):
    name = "events"
    exchange_type = "topic"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        url = sa.make_url(f"sqlite:///{tmp_path}/state.db")
    else:
        url = sa.make_url(request.getfixturevalue("postgresql_url"))
        url = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    create_tables(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE effects (what TEXT)")
    yield engine
    engine.dispose()


def effects(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT what FROM effects").scalars())


def act(transaction: sa.Connection, what: str) -> None:
    transaction.execute(sa.text("INSERT INTO effects VALUES (:what)"), {"what": what})


def fail(transaction: sa.Connection) -> None:
    transaction.exec_driver_sql("SELECT nothing FROM nowhere")


def relay(engine: sa.Engine, bus: RecordingBus, **options: float) -> OutboxRelay:
    return OutboxRelay(engine, bus, poll=0.02, backoff=Backoff(0.01, 1.0, 0.01), **options)


# Inbox.


def test_a_message_that_comes_again_has_no_second_effect(engine):
    inbox = SqlInbox(engine)
    seen = []
    for _ in range(3):
        with inbox.receive("m1", "billing") as receipt:
            seen.append((receipt.first, receipt.reply))
            if receipt.first:
                act(receipt.transaction, "m1")
                receipt.remember(b"\x00answer")
    assert seen == [(True, None), (False, b"\x00answer"), (False, b"\x00answer")]
    assert effects(engine) == ["m1"]


def test_a_failure_undoes_effect_and_memory(engine):
    inbox = SqlInbox(engine)
    with pytest.raises(sa.exc.SQLAlchemyError), inbox.receive("m1", "billing") as receipt:
        act(receipt.transaction, "m1") or fail(receipt.transaction)
    assert effects(engine) == []
    with inbox.receive("m1", "billing") as receipt:
        assert receipt.first


def test_each_consumer_has_its_own_effect(engine):
    inbox = SqlInbox(engine)
    for consumer in ("billing", "audit"):
        with inbox.receive("m1", consumer) as receipt:
            assert receipt.first


def test_a_message_without_an_id_is_always_the_first(engine):
    inbox = SqlInbox(engine)
    for _ in range(2):
        with inbox.receive("", "billing") as receipt:
            assert receipt.first


def test_copies_at_once_have_one_effect(engine):
    inbox = SqlInbox(engine)
    barrier = threading.Barrier(6)
    firsts: list[bool] = []

    def work() -> None:
        barrier.wait(30)
        with inbox.receive("m1", "billing") as receipt:
            if receipt.first:
                act(receipt.transaction, "m1")
            firsts.append(receipt.first)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(firsts) == [False] * 5 + [True]
    assert effects(engine) == ["m1"]


def test_a_copy_gives_up_when_the_database_is_held_too_long(engine):
    url = engine.url
    if engine.dialect.name == "sqlite":
        other = sa.create_engine(url, connect_args={"timeout": 0.05})
    else:
        other = sa.create_engine(url, connect_args={"options": "-c lock_timeout=50"})
    with (
        SqlInbox(engine).receive("m1", "billing"),
        pytest.raises(InboxBusyError),
        SqlInbox(other).receive("m1", "billing"),
    ):
        pass
    other.dispose()


def test_the_memory_is_bounded_in_time_and_number(engine):
    clock = ManualClock()
    inbox = SqlInbox(engine, lifetime=100.0, limit=5, clock=clock)
    for number in range(3):
        with inbox.receive(f"old{number}", "c"):
            pass
    clock.advance(101.0)
    for number in range(8):
        with inbox.receive(f"new{number}", "c"):
            pass
        clock.advance(1.0)
    while inbox.trim():
        pass
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT key FROM messaging_inbox ORDER BY id").scalars()
        assert list(kept) == [f"new{n}" for n in range(3, 8)]


def test_an_effect_stays_when_what_is_old_cannot_be_forgotten_now(engine, monkeypatch, caplog):
    inbox = SqlInbox(engine, lifetime=0.0)

    def held() -> int:
        raise MessagingError("the database is locked")

    monkeypatch.setattr(inbox, "_trim", held)
    for number in range(2):
        with inbox.receive(str(number), "c") as receipt:
            act(receipt.transaction, str(number))
    assert effects(engine) == ["0", "1"]
    assert caplog.text.count("stay for now") == 1  # not with every message


def test_a_database_without_the_tables_is_told_so(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE messaging_inbox")
    with (
        pytest.raises(MessagingError, match="cannot be used") as caught,
        SqlInbox(engine).receive("m1", "billing"),
    ):
        pass
    assert "create_tables" in str(caught.value.hint)


# Outbox.


def test_a_message_leaves_if_and_only_if_the_transaction_commits(engine):
    outbox, bus = Outbox({"name": "shop"}), RecordingBus()
    with engine.begin() as transaction:
        kept = outbox.send(transaction, MessageStatus("paid"), Events, "invoice.paid")
    with engine.connect() as transaction:
        outbox.send(transaction, MessageStatus("lost"), Events, "invoice.lost")
        transaction.rollback()
    with relay(engine, bus) as running:
        assert running.flush()
    assert bus.published == [kept]
    envelope = bus.envelopes[0]
    assert (envelope.exchange, envelope.key) == ("events", "invoice.paid")
    assert b'"shop"' in envelope.body
    assert bus.declared[0].parameters == Events.parameters
    with engine.connect() as connection:
        assert outbox.waiting(connection) == 0


def test_properties_arrive_as_they_were_put(engine):
    bus = RecordingBus()
    properties = Properties(
        message_id="m",
        content_type="text/plain",
        persistent=False,
        headers={"a": [1, {"b": None}]},
        expiration=2.5,
        correlation_id="c",
        reply_to="r",
        timestamp=7,
    )
    envelope = Envelope("events", "k", b"\x00\xff", properties, mandatory=True)
    with engine.begin() as transaction:
        Outbox().put(transaction, Events, envelope)
    with relay(engine, bus) as running:
        assert running.flush()
    assert bus.envelopes == [envelope]


def test_what_cannot_be_kept_is_refused_before_the_commit(engine):
    with engine.begin() as transaction, pytest.raises(EncodingError):
        Outbox().send(transaction, MessageStatus("x"), Events, "k", headers={"a": object()})


def test_the_outbox_is_bounded(engine):
    outbox = Outbox(limit=3)
    with engine.begin() as transaction:
        for _ in range(3):
            outbox.send(transaction, MessageStatus("x"), Events, "k")
        with pytest.raises(BufferFullError):
            outbox.send(transaction, MessageStatus("x"), Events, "k")


def test_messages_leave_in_order_through_losses_and_refusals(engine):
    outbox, bus = Outbox(), RecordingBus()
    names = []
    for _ in range(20):
        with engine.begin() as transaction:
            names += [outbox.send(transaction, MessageStatus("n"), Events, "k") for _ in range(50)]
    lost = iter([100, 400, 401, 700])
    at = [next(lost)]

    def plan(number: int) -> MessagingError | None:
        if number == at[0]:
            at[0] = next(lost, -1)
            return ConnectionLostError("cut")
        return None

    bus.plan = plan
    with relay(engine, bus) as running:
        assert running.flush()
    firsts = list(dict.fromkeys(bus.published))
    assert firsts == names
    assert bus.opened == 5


def test_a_refused_message_waits_and_says_why(engine):
    outbox, bus = Outbox(), RecordingBus()
    bus.plan = lambda _n: PublishRefusedError("the queue is full", message_id="m")
    with engine.begin() as transaction:
        name = outbox.send(transaction, MessageStatus("x"), Events, "k")
    with relay(engine, bus) as running:
        bus.wait_for(3)
        assert "full" in str(running.problem)
        bus.plan = lambda _n: None
        assert running.flush()
        assert running.problem is None
    assert set(bus.published) == {name}


def test_what_stands_behind_a_refused_message_does_not_go_each_time(engine):
    outbox, bus = Outbox(), RecordingBus()
    with engine.begin() as transaction:
        for number in range(20):
            outbox.send(transaction, MessageStatus("x"), Events, "k", message_id=str(number))
    refused = PublishRefusedError("not that one", message_id="0")
    bus.plan = lambda number: refused if number == 0 or number >= 20 else None
    with relay(engine, bus) as running:
        bus.wait_for(25)
        bus.plan = lambda _n: None
        assert running.flush()
    assert {bus.published.count(str(number)) for number in range(1, 20)} == {2}


def test_a_relay_lives_on_whatever_fails(engine):
    outbox, bus = Outbox(), RecordingBus()
    with engine.begin() as transaction:
        name = outbox.send(transaction, MessageStatus("x"), Events, "k")
        row = transaction.exec_driver_sql("SELECT properties FROM messaging_outbox").scalar_one()
        transaction.exec_driver_sql("UPDATE messaging_outbox SET properties = '{\"later\": 1}'")
    with relay(engine, bus) as running:
        while running.problem is None:
            pass
        assert "message 1 of the outbox cannot be read" in str(running.problem)
        assert running.is_running
        with engine.begin() as transaction:
            repair = sa.text("UPDATE messaging_outbox SET properties = :row")
            transaction.execute(repair, {"row": row})
        assert running.flush()
    assert bus.published == [name]


def test_a_broker_that_is_away_is_waited_for(engine):
    outbox, bus = Outbox(), RecordingBus()
    bus.away = True
    with engine.begin() as transaction:
        name = outbox.send(transaction, MessageStatus("x"), Events, "k")
    with relay(engine, bus) as running:
        while running.problem is None:
            pass
        bus.away = False
        assert running.flush()
    assert bus.published == [name]


def test_two_relays_neither_double_nor_reorder(engine):
    outbox, bus = Outbox(), RecordingBus()
    names: list[str] = []
    relays = [relay(engine, bus).start() for _ in range(2)]
    for _ in range(100):
        with engine.begin() as transaction:
            names += [outbox.send(transaction, MessageStatus("n"), Events, "k") for _ in range(3)]
    bus.wait_for(100)
    leader = next(one for one in relays if one._leads)
    leader.stop()
    bus.wait_for(300)
    for one in relays:
        one.stop()
    assert bus.published == names


def test_a_relay_takes_over_when_the_leader_goes(engine):
    first, second = OutboxLetters(engine), OutboxLetters(engine)
    assert first.lead() and first.lead()
    assert not second.lead()
    first.close()
    assert second.lead()
    second.close()


def test_an_earlier_message_that_commits_late_is_not_lost(engine):
    if engine.dialect.name == "sqlite":
        return  # its writers come one after another
    outbox, bus = Outbox(), RecordingBus()
    with relay(engine, bus) as running, engine.connect() as slow:
        slow.begin()
        late = outbox.send(slow, MessageStatus("late"), Events, "k")
        with engine.begin() as transaction:
            early = outbox.send(transaction, MessageStatus("early"), Events, "k")
        assert bus.wait_for(1) == [early]
        slow.commit()
        assert running.flush()
    assert bus.published == [early, late]


def test_effect_and_message_are_one(engine):
    inbox, outbox, bus = SqlInbox(engine), Outbox(), RecordingBus()
    for _ in range(2):
        with inbox.receive("order-1", "shop") as receipt:
            if receipt.first:
                act(receipt.transaction, "order-1")
                outbox.send(receipt.transaction, MessageCommand("ship"), Events, "ship")
    with relay(engine, bus) as running:
        assert running.flush()
    assert effects(engine) == ["order-1"]
    assert len(bus.published) == 1


def test_another_prefix_is_another_outbox(engine):
    create_tables(engine, "other_")
    create_tables(engine, "other_")
    bus = RecordingBus()
    with engine.begin() as transaction:
        Outbox(prefix="other_").send(transaction, MessageStatus("x"), Events, "k")
    with relay(engine, bus) as running:
        assert running.flush()
    assert bus.published == []


# Producers within a transaction.


class Invoices(GenericProducer):
    eks = ((Events, "invoice"),)

    def build_message_paid(self, number: int) -> MessageStatus:
        return MessageStatus(f"paid-{number}")


def test_a_producer_sends_within_the_transaction(engine):
    outbox, bus = Outbox(), RecordingBus()
    with engine.begin() as transaction, Invoices(bus=outbox.bus(transaction)) as producer:
        producer.message_paid(7, _key="invoice.paid", _headers={"a": 1})
        producer.message_reminded({"number": 8})
        act(transaction, "paid")
    with engine.connect() as transaction:
        producer = Invoices(bus=outbox.bus(transaction))
        producer.message_paid(9)
        producer.close()
        transaction.rollback()
    with relay(engine, bus) as running:
        assert running.flush()
    assert [one.key for one in bus.envelopes] == ["invoice.paid", "invoice"]
    assert b'"paid-7"' in bus.envelopes[0].body
    assert bus.envelopes[0].properties.headers == {"a": 1}
    assert effects(engine) == ["paid"]


def test_what_a_producer_does_not_wait_for_is_in_the_transaction_all_the_same(engine):
    class Producer(GenericProducer):
        eks = ((Events, "k"),)

    outbox = Outbox()
    for number in range(10):
        with engine.begin() as transaction:
            producer = Producer(bus=outbox.bus(transaction))
            producer.message_go(number, _wait=False)
            producer.message_go(number, _future=True)
    with engine.connect() as connection:
        assert outbox.waiting(connection) == 20


def test_nothing_comes_back_from_an_outbox(engine):
    with engine.connect() as transaction:
        connection = Outbox().bus(transaction).open()
        with pytest.raises(MessagingError, match="nothing comes back") as caught:
            connection.get("queue")
        assert caught.value.hint
        told = []
        envelope = Envelope("unknown", "k", b"", Properties(message_id="m"))
        connection.publish(envelope, told.append)
        assert "was not declared" in str(told[0])


def test_a_relay_that_did_not_send_all_says_why(tmp_path, caplog):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/state.db")
    create_tables(engine)
    with engine.begin() as transaction:
        Outbox().send(transaction, MessageStatus("x"), Events, "a")
    bus = RecordingBus()
    bus.away = True
    waiting = relay(engine, bus)
    assert not waiting.flush(0.01)
    assert "it does not run: start() it" in caplog.text
    with waiting:
        while waiting.problem is None:
            threading.Event().wait(0.01)
        caplog.clear()
        assert not waiting.flush(0.01)
        assert "not all is sent after 0.01 s: the broker is away" in caplog.text
        rival = relay(engine, bus)
        with rival:
            assert not rival.flush(0.3)
        assert "another relay works on it" in caplog.text
    assert not waiting.flush(0.01)
    assert "it was stopped" in caplog.text
    engine.dispose()
