"""A database that goes away under an inbox: its messages wait for it, and none is counted out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pelagos.core.clock import ManualClock
from pelagos.messaging import JsonEncoder, MessageHandler, Retry, RpcCommand, RpcHandler
from pelagos.messaging.errors import InboxAwayError
from pelagos.messaging.processor import MessageProcessor
from pelagos.messaging.processor.dispatch import pause_ms
from pelagos.messaging.sql import SqlInbox, create_tables
from pelagos.messaging.transports.memory import MemoryTransport
from support.bus_desk import Desk
from support.postgresql import Server

pytestmark = pytest.mark.integration


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(MemoryTransport("away"))
    yield desk
    desk.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pelagos.messaging.sql.inbox.PAUSES", ((0.0, 0.05),))


class Keeper(MessageProcessor):
    """Keeps what it is told; its server may be ended in the midst of it."""

    retry = Retry(attempts=1)
    dead_letters = "dead"
    desk: Desk
    server: Server | None = None

    @MessageHandler("command", "keep")
    def keep(self, content: Any) -> None:
        self.insert(content)

    @MessageHandler("command", "keep_in_loop")
    async def keep_in_loop(self, content: Any) -> None:
        self.insert(content)

    @MessageHandler("command", "lose")
    def lose(self, content: Any) -> None:
        self.end_server()
        self.insert(content)

    @RpcHandler("command", "count")
    def count(self, _content: Any) -> Any:
        self.end_server()
        found = self.current.transaction.exec_driver_sql("SELECT count(*) FROM effects")
        return found.scalar()

    def end_server(self) -> None:
        """While its connection is in use, which is lost by that."""
        if self.server:
            server, self.server = self.server, None
            server.stop()

    def insert(self, content: Any) -> None:
        what = content["parameters"]
        self.current.transaction.execute(
            sa.text("INSERT INTO effects VALUES (:what)"), {"what": what}
        )
        self.desk.got.put((what, self.current.message.attempt))


@pytest.fixture
def engine(own_postgresql: Server) -> Iterator[sa.Engine]:
    url = sa.make_url(own_postgresql.create_database()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    create_tables(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE effects (what INTEGER)")
    yield engine
    engine.dispose()


def test_messages_wait_for_a_server_that_is_stopped_and_count_no_attempt(
    desk: Desk, own_postgresql: Server, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    keeper = desk.run(Keeper, inbox=SqlInbox(engine))
    keeper.server = own_postgresql
    desk.tell("lose", 1)
    desk.until(lambda: "database is away" in caplog.text)
    desk.tell("keep", 2)
    desk.tell("keep_in_loop", 3)
    tries: list[Any] = []
    sa.event.listen(engine, "do_connect", lambda *_: tries.append(1))
    desk.until(lambda: len(tries) >= 8)
    own_postgresql.start()
    assert sorted([desk.take(), desk.take(), desk.take()]) == [(1, 1), (2, 1), (3, 1)]
    assert desk.ask("count")["value"] == 3
    desk.settled()
    assert desk.dead.count() == 0
    said = [r for r in caplog.records if r.name.startswith("pelagos.messaging")]
    assert [r.levelname for r in said if "away" in r.getMessage()] == ["WARNING"]
    assert any("is back" in r.getMessage() for r in said)
    assert not [r for r in said if r.exc_info]


def test_a_call_waits_for_its_answer_until_the_server_is_back(
    desk: Desk, own_postgresql: Server, engine: sa.Engine
) -> None:
    inbox = SqlInbox(engine)
    desk.run(Keeper, inbox=inbox)
    own_postgresql.stop()
    with pytest.raises(InboxAwayError), inbox.receive("m", "c"):
        pass
    tries: list[Any] = []
    sa.event.listen(engine, "do_connect", lambda *_: tries.append(1))
    desk.send(RpcCommand("count"), reply_to=desk.reply_queue, message_id="call")
    desk.until(lambda: len(tries) >= 3)
    own_postgresql.start()
    assert JsonEncoder.decode(desk.answer().body)["content"]["value"] == 0


def test_a_call_that_loses_its_server_is_answered_when_it_is_back(
    desk: Desk, own_postgresql: Server, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = desk.run(Keeper, inbox=SqlInbox(engine))
    keeper.server = own_postgresql
    desk.send(RpcCommand("count"), reply_to=desk.reply_queue, message_id="call")
    desk.until(lambda: "database is away" in caplog.text)
    own_postgresql.start()
    assert JsonEncoder.decode(desk.answer().body)["content"]["value"] == 0
    assert not [r for r in caplog.records if r.exc_info and r.name.startswith("pelagos")]


def test_the_pause_grows_while_the_database_is_away(
    own_postgresql: Server, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    clock = ManualClock()
    inbox = SqlInbox(engine, clock=clock)
    own_postgresql.stop()
    pauses = []
    for seconds in (0.0, 6.0, 60.0):
        clock.advance(seconds)
        with pytest.raises(InboxAwayError) as caught, inbox.receive("m", "c"):
            pass
        pauses.append(pause_ms(caught.value))
    assert pauses == [1000, 4000, 16_000]


def test_statements_of_the_program_count_as_before(desk: Desk, tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/state.db")
    create_tables(engine)
    desk.run(Keeper, inbox=SqlInbox(engine))
    desk.tell("keep", 1)  # into a table that is not there
    (letter,) = desk.letters()
    assert "no such table" in letter.cause
    engine.dispose()
