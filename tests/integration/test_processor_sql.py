"""Processors with a memory in SQL: one effect for each message and call, whoever remembers it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pelagos.messaging import (
    MessageHandler,
    MessageProcessor,
    ReceivedMessage,
    Retry,
    RpcCommand,
    RpcHandler,
    connect,
)
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.sql import SqlInbox, create_tables
from pelagos.messaging.transports.memory import MemoryTransport
from support import mortal_server
from support.bus_desk import Desk

pytestmark = pytest.mark.integration
_names = itertools.count()


class Billing(MessageProcessor):
    """Writes bills in the transaction that its inbox gives it."""

    desk: Desk
    retry = Retry(attempts=3, first=0.01)

    def bill(self, what: str) -> None:
        self.current.transaction.execute(
            sa.text("INSERT INTO effects VALUES (:what)"), {"what": what}
        )

    @MessageHandler("command", "bill")
    def msg_bill(self, content: Any) -> None:
        self.bill(content["parameters"])
        self.desk.got.put(self.current.message.attempt)

    @MessageHandler("command", "late")
    def msg_late(self, content: Any) -> None:
        self.bill(content["parameters"])
        self.desk.got.put(self.current.message.attempt)
        if self.current.message.attempt == 1:
            raise OSError("after the effect")

    @RpcHandler("command", "charge")
    def rpc_charge(self, content: Any) -> str:
        self.bill(content["parameters"])
        return f"charged {content['parameters']}"

    @RpcHandler("command", "overcharge")
    def rpc_overcharge(self, content: Any) -> None:
        self.bill(content["parameters"])
        raise OSError("after the effect")


class Later(Billing):
    """A program that would answer otherwise."""

    @RpcHandler("command", "charge")
    def rpc_charge(self, content: Any) -> str:
        self.bill(content["parameters"])
        return "again"


Later.__qualname__ = "Billing"  # the same component, in a newer version


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/state.db")
    create_tables(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE effects (what TEXT)")
    yield engine
    engine.dispose()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport(f"sql-{next(_names)}"))
    yield made
    made.close()


def effects(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT what FROM effects").scalars())


def test_a_message_that_comes_again_has_one_effect(desk: Desk, engine: sa.Engine) -> None:
    desk.run(Billing, inbox=SqlInbox(engine))
    for _ in range(3):
        desk.tell("bill", "a", message_id="m1")
    desk.tell("bill", "b", message_id="m2")
    assert [desk.take(), desk.take()] == [1, 1]
    desk.settled()
    assert effects(engine) == ["a", "b"]


def test_a_message_whose_acknowledgement_is_lost_has_one_effect(
    desk: Desk, engine: sa.Engine
) -> None:
    cut: list[int] = []

    class Cut(Billing):
        """Loses its connection when it acknowledges for the first time."""

        def dispatch(self, message: ReceivedMessage) -> Any:
            if not cut:
                cut.append(1)
                broker: Any = desk.bus.broker  # type: ignore[attr-defined]
                link: Any = message.connection
                acknowledge = link.ack
                link.ack = lambda delivery: (broker.cut(link), acknowledge(delivery))
            return super().dispatch(message)

    desk.run(Cut, inbox=SqlInbox(engine))
    desk.tell("bill", "a", message_id="m1")
    desk.tell("bill", "b", message_id="m2")
    assert [desk.take(), desk.take()] == [1, 1]
    broker: Any = desk.bus.broker  # type: ignore[attr-defined]
    desk.until(lambda: not (desk.waiting() or broker.queues()[desk.queue].unsettled))
    assert cut and effects(engine) == ["a", "b"]


def test_an_effect_whose_handler_fails_is_undone_and_tried_again(
    desk: Desk, engine: sa.Engine
) -> None:
    desk.run(Billing, inbox=SqlInbox(engine))
    desk.tell("late", "a", message_id="m1")
    assert [desk.take(), desk.take()] == [1, 2]
    desk.settled()
    assert effects(engine) == ["a"]


def test_an_answer_is_remembered_beyond_the_process(desk: Desk, engine: sa.Engine) -> None:
    desk.run(Billing, inbox=SqlInbox(engine))
    assert desk.ask("charge", "x", message_id="c1")["value"] == "charged x"
    desk.stop()
    desk.run(Later, inbox=SqlInbox(engine))
    assert desk.ask("charge", "x", message_id="c1")["value"] == "charged x"
    assert desk.ask("charge", "y", message_id="c2")["value"] == "again"
    assert effects(engine) == ["x", "y"]


def test_a_call_that_fails_leaves_no_effect_and_one_answer(desk: Desk, engine: sa.Engine) -> None:
    desk.run(Billing, inbox=SqlInbox(engine))
    answers = [desk.ask("overcharge", "x", message_id="c1") for _ in range(2)]
    assert answers[0] == answers[1]
    assert (answers[0]["value"], answers[0]["message"]) == ("OSError", "after the effect")
    assert effects(engine) == []


def test_calls_to_servers_that_are_killed_have_one_effect(
    embedded_broker: EmbeddedBroker, engine: sa.Engine, tmp_path: Path
) -> None:
    """The server dies before and after its effect, its commit, its answer and its ack."""
    desk = Desk(connect(embedded_broker.url))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    asked: dict[str, str] = {}
    died = 0
    desk.link.declare_exchange(desk.exchange)
    desk.link.declare_queue(mortal_server.queue(desk.queue))
    desk.link.bind(desk.exchange.name, desk.queue, "k")
    for last in range(1, 13):
        call = uuid.uuid4().hex
        server = subprocess.Popen(
            [
                sys.executable,
                mortal_server.__file__,
                *(embedded_broker.url, str(tmp_path / "state.db"), desk.queue, str(last)),
            ],
            env=environment,
        )
        send_call(desk, call)
        died += server.wait(60) == -signal.SIGKILL
        asked[call] = ""
    last_one = subprocess.Popen(
        [
            sys.executable,
            mortal_server.__file__,
            *(embedded_broker.url, str(tmp_path / "state.db"), desk.queue, "0"),
        ],
        env=environment,
    )
    try:
        for call in asked:
            send_call(desk, call)
        while not all(asked.values()):
            answer = desk.answer()
            call = str(answer.properties.correlation_id)
            body = answer.body.decode()
            assert asked[call] in ("", body)  # every answer to a call is the same
            asked[call] = body
    finally:
        last_one.kill()
        last_one.wait()
        desk.link.close()
    assert died == 12
    assert sorted(effects(engine)) == sorted(asked)


def send_call(desk: Desk, call: str) -> None:
    desk.send(
        RpcCommand("charge", call),
        message_id=call,
        correlation_id=call,
        reply_to=desk.reply_queue,
    )
