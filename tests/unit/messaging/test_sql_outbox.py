"""What an outbox refuses, and which of its relays may send."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from pelagos.messaging import Exchange, MessageStatus
from pelagos.messaging.errors import EncodingError, MessagingError
from pelagos.messaging.sql import Outbox
from pelagos.messaging.sql.relay import FileLead, OutboxLetters, ServerLead


class Events(Exchange):
    name = "events"


def put(engine: sa.Engine, **options: Any) -> str:
    with engine.begin() as transaction:
        return Outbox().send(transaction, MessageStatus("x"), Events, "k", **options)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object()])
def test_headers_that_would_not_come_out_as_they_went_in_are_refused(
    engine: sa.Engine, value: object
) -> None:
    with pytest.raises(EncodingError, match="the headers of a message") as refused:
        put(engine, headers={"a": value})
    assert refused.value.hint
    with engine.connect() as connection:
        assert Outbox().waiting(connection) == 0


def test_a_database_without_the_tables_is_told_in_our_words() -> None:
    engine = sa.create_engine("sqlite://")
    with pytest.raises(MessagingError, match="cannot be used"):
        put(engine)
    with engine.connect() as connection, pytest.raises(MessagingError, match="cannot be used"):
        Outbox().waiting(connection)
    letters = OutboxLetters(engine)
    with pytest.raises(MessagingError, match="cannot be used"):
        letters.read(1)
    with pytest.raises(MessagingError, match="cannot be used"):
        letters.done([])
    engine.dispose()


def test_just_what_was_sent_is_removed(engine: sa.Engine) -> None:
    """An earlier one may have been committed after those that were read."""
    for name in "abc":
        put(engine, message_id=name)
    letters = OutboxLetters(engine)
    read = letters.read(2)
    assert [one.envelope.properties.message_id for one in read] == ["a", "b"]
    letters.done(read[1:])
    assert [one.envelope.properties.message_id for one in letters.read(9)] == ["a", "c"]


# Who may send.


def test_of_two_on_one_file_one_leads_until_it_lets_go(engine: sa.Engine) -> None:
    first, second = OutboxLetters(engine), OutboxLetters(engine)
    other = OutboxLetters(engine, "other_")
    assert [first.lead(), second.lead(), first.lead(), second.lead()] == [True, False] * 2
    assert other.lead()  # another outbox
    second.close()  # which had nothing to let go
    assert (first.lead(), second.lead()) == (True, False)
    first.close()
    first.close()
    assert (second.lead(), first.lead()) == (True, False)
    second.close()
    other.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true"])
def test_a_database_in_memory_is_led_without_a_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    letters = OutboxLetters(sa.create_engine(url))
    assert letters.lead() and letters.lead()
    letters.close()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    letters = OutboxLetters(sa.create_engine(f"sqlite:///{tmp_path}/no/state.db"))
    with pytest.raises(MessagingError, match="No such file") as refused:
        letters.lead()
    assert "locks this file" in str(refused.value.hint)


class Server:
    """As much of a database server as the lock needs; `free` tells whether it can be taken."""

    def __init__(self) -> None:
        self.free = True
        self.away = False
        self.connected = 0
        self.said: list[str] = []

    def execution_options(self, **_options: Any) -> Server:
        return self

    def connect(self) -> Server:
        self._answer("connect")
        self.connected += 1
        return self

    def execute(self, _statement: Any, _parameters: Any) -> Server:
        self._answer("lock")
        return self

    def scalar_one(self) -> bool:
        return self.free

    def exec_driver_sql(self, statement: str) -> None:
        self._answer(statement.partition("(")[0].split()[-1])

    def invalidate(self) -> None:
        self.said.append("invalidate")

    def close(self) -> None:
        self.said.append("close")

    def _answer(self, what: str) -> None:
        self.said.append(what)
        if self.away:
            raise exc.OperationalError("", {}, Exception("gone"))


ENDED = ["pg_advisory_unlock_all", "invalidate", "close"]


def test_the_lock_of_a_server_is_taken_once_and_held_by_its_connection() -> None:
    server = Server()
    lead = ServerLead(cast("sa.Engine", server), "outbox")
    server.free = False
    assert [lead.has(), lead.has()] == [False, False]
    server.free = True
    assert [lead.has(), lead.has()] == [True, True]
    assert server.said == ["connect", "lock", "lock", "lock", "1"]
    server.said.clear()
    lead.release()
    lead.release()
    assert server.said == ENDED
    server.free = False
    assert lead.has() is False


@pytest.mark.parametrize("state", ["new", "waits", "leads"])
def test_who_loses_the_server_has_lost_the_lock(state: str) -> None:
    server = Server()
    lead = ServerLead(cast("sa.Engine", server), "outbox")
    server.free = state == "leads"
    if state != "new":
        assert lead.has() is (state == "leads")
    server.away = True
    with pytest.raises(exc.OperationalError):
        lead.has()
    assert state == "new" or server.said[-3:] == ENDED
    server.away = server.free = False
    server.said.clear()
    assert lead.has() is False  # another one may have taken it
    assert server.said == ["connect", "lock"]


def test_a_lead_that_was_given_back_is_free_though_a_fork_has_it_open(tmp_path: Path) -> None:
    lead, other = (FileLead(str(tmp_path / "lock")) for _ in range(2))
    assert lead.has() and not other.has()
    assert lead._file is not None
    of_a_fork = os.dup(lead._file)
    try:
        lead.release()
        assert other.has()
    finally:
        other.release()
        os.close(of_a_fork)


@pytest.mark.parametrize("column", ["properties", "exchange"])
@pytest.mark.parametrize("text", ["{", "[]", '{"of_another_version": 1}'])
def test_a_row_that_cannot_be_read_is_named(engine: sa.Engine, column: str, text: str) -> None:
    put(engine)
    with engine.begin() as connection:
        table = f"UPDATE messaging_outbox SET {column} = :text"
        connection.execute(sa.text(table), {"text": text})
    letters = OutboxLetters(engine)
    with pytest.raises(MessagingError, match="message 1 of the outbox cannot be read") as caught:
        letters.read(1)
    assert "another version wrote it" in str(caught.value.hint)
