"""What an inbox in SQL remembers, forgets, and says of a database that is held or away."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import AbstractContextManager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from pelagos.core.clock import ManualClock
from pelagos.messaging.errors import (
    InboxAwayError,
    InboxBusyError,
    MessagingError,
    RejectMessage,
)
from pelagos.messaging.sql import SqlInbox
from pelagos.messaging.sql import inbox as module


def keys(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT key FROM messaging_inbox ORDER BY id")
        return list(found.scalars())


def fill(inbox: SqlInbox, *names: str) -> None:
    for name in names:
        with inbox.receive(name, "c"):
            pass


# Answers.


def test_each_consumer_has_its_own_answer_and_the_first_one_stays(engine: sa.Engine) -> None:
    inbox = SqlInbox(engine)
    for consumer in ("billing", "audit"):
        with inbox.receive("m1", consumer) as receipt:
            receipt.remember(consumer.encode())
    for consumer in ("billing", "audit"):
        with inbox.receive("m1", consumer) as receipt:
            assert (receipt.first, receipt.reply) == (False, consumer.encode())
            receipt.remember(b"another")
    with inbox.receive("m1", "billing") as receipt:
        assert receipt.reply == b"billing"
    with inbox.receive("", "billing") as receipt:
        receipt.remember(b"of nothing")
    assert keys(engine) == ["m1", "m1"]


# What is forgotten.


def test_it_forgets_by_itself_now_and_then(engine: sa.Engine) -> None:
    clock = ManualClock()
    inbox = SqlInbox(engine, lifetime=15.0, clock=clock)
    fill(inbox, "a")
    clock.advance(16.0)  # it is old, and it is time to look
    fill(inbox, "b")
    assert keys(engine) == ["b"]
    clock.advance(9.9)
    fill(inbox, "c")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE messaging_inbox SET at = 0")
    fill(inbox, "d")
    assert keys(engine) == ["b", "c", "d"]  # the last look was less than ten seconds ago
    clock.advance(0.1)
    fill(inbox, "e")
    assert keys(engine) == ["d", "e"]


def test_much_is_forgotten_in_steps_with_each_message_and_then_rests(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STEP", 2)
    clock = ManualClock()
    inbox = SqlInbox(engine, lifetime=100.0, clock=clock)
    fill(inbox, *"abcde")
    clock.advance(101.0)
    for name, left in [("1", "cde1"), ("2", "e12"), ("3", "123"), ("4", "1234")]:
        fill(inbox, name)
        assert "".join(keys(engine)) == left


def test_only_one_at_a_time_looks_for_what_is_old(engine: sa.Engine) -> None:
    inbox: Any = SqlInbox(engine, lifetime=0.0)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO messaging_inbox (consumer, key, at) VALUES ('c', 'a', 0)"
        )
    with inbox._trimming:
        assert inbox.trim() == 0
    assert inbox.trim() == 1
    assert inbox.trim() == 0


def test_a_database_that_cannot_be_trimmed_is_told_in_our_words(engine: sa.Engine) -> None:
    inbox = SqlInbox(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE messaging_inbox")
    with pytest.raises(MessagingError, match="cannot be used"):
        inbox.trim()
    with pytest.raises(MessagingError):  # and its right to look was given back
        inbox.trim()


# A database that is held, or away.


class Said(Exception):
    """What a driver raises."""

    def __init__(
        self,
        sqlstate: str | None = None,
        name: str | None = None,
        text: str = "driver: gone\n  at once",
    ) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate
        if name is not None:
            self.sqlite_errorname = name


def problem(
    sqlstate: str | None = None, name: str | None = None, *, lost: bool = False
) -> exc.DBAPIError:
    return exc.OperationalError(
        "SELECT 'secret'", {}, Said(sqlstate, name), connection_invalidated=lost
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (problem("55P03"), InboxBusyError),  # lock_not_available
        (problem("40P01"), InboxBusyError),  # deadlock_detected
        (problem("40001"), InboxBusyError),  # serialization_failure
        (problem(name="SQLITE_BUSY"), InboxBusyError),
        (problem(name="SQLITE_BUSY_SNAPSHOT"), InboxBusyError),
        (problem(name="SQLITE_LOCKED_SHAREDCACHE"), InboxBusyError),
        (exc.TimeoutError("the pool is empty"), InboxBusyError),
        (problem("08006"), InboxAwayError),  # connection_failure
        (problem("57P01"), InboxAwayError),  # admin_shutdown
        (problem("57P03"), InboxAwayError),  # cannot_connect_now
        (problem("53300"), InboxAwayError),  # too_many_connections
        (problem(name="SQLITE_CANTOPEN"), InboxAwayError),
        (problem(lost=True), InboxAwayError),
        (problem("57014"), MessagingError),  # query_canceled
        (problem("42P01"), MessagingError),  # undefined_table
        (problem(name="SQLITE_FULL"), MessagingError),
    ],
)
def test_what_is_held_or_away_is_waited_for_and_all_else_is_a_failure(
    engine: sa.Engine, error: Exception, kind: type[Exception]
) -> None:
    inbox: Any = SqlInbox(engine)
    with pytest.raises(MessagingError) as caught, inbox._held("m1"):
        raise error
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (problem(), InboxAwayError),
        (exc.InterfaceError("", {}, Said()), InboxAwayError),
        (exc.ProgrammingError("", {}, Said()), MessagingError),
        (problem("55P03"), InboxBusyError),
    ],
)
def test_whoever_cannot_connect_is_away(
    engine: sa.Engine, error: Exception, kind: type[Exception]
) -> None:
    inbox: Any = SqlInbox(engine)
    with pytest.raises(MessagingError) as caught, inbox._held("m1", connecting=True):
        raise error
    assert type(caught.value) is kind


def test_a_server_that_refuses_without_a_word_is_away() -> None:
    def refuse() -> Any:
        raise sqlite3.OperationalError("connection refused")

    inbox = SqlInbox(sa.create_engine("sqlite://", creator=refuse))
    with pytest.raises(InboxAwayError, match="refused"), inbox.receive("m1", "c"):
        pass


def _connecting(inbox: Any) -> AbstractContextManager[None]:
    held: AbstractContextManager[None] = inbox._held("m1", connecting=True)
    return held


def on_server(text: str) -> exc.DBAPIError:
    return exc.OperationalError("", {}, Said(text=f"connection to the server failed: {text}"))


@pytest.mark.parametrize(
    "error",
    [
        problem("28P01"),  # invalid_password
        problem("28000"),  # invalid_authorization_specification
        exc.ProgrammingError("", {}, Said("3D000")),  # invalid_catalog_name
        on_server('FATAL:  password authentication failed for user "sea"'),
        on_server('FATAL:  database "sea" does not exist'),
        on_server('FATAL:  role "sea" does not exist'),
        on_server('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "sea"'),
        on_server("fe_sendauth: no password supplied"),
        on_server('FATAL:  permission denied for database "sea"'),
    ],
)
def test_a_refused_login_is_told_apart_and_waited_for(
    engine: sa.Engine, error: exc.DBAPIError, caplog: pytest.LogCaptureFixture
) -> None:
    inbox: Any = SqlInbox(engine)
    with pytest.raises(InboxAwayError, match="refuses the login") as caught, _connecting(inbox):
        raise error
    assert caught.value.retry_after == 1.0
    assert "user, password or database in its URL" in str(caught.value.hint)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    "text", ["Connection refused", "FATAL:  the database system is starting up", "timeout expired"]
)
def test_a_server_that_is_away_refuses_no_login(engine: sa.Engine, text: str) -> None:
    inbox: Any = SqlInbox(engine)
    with (
        pytest.raises(InboxAwayError, match="cannot be reached"),
        inbox._held("m1", connecting=True),
    ):
        raise on_server(text)


def test_the_state_counts_before_the_words_and_only_where_one_connects(engine: sa.Engine) -> None:
    inbox: Any = SqlInbox(engine)
    words = "authentication failed in the column of a person"
    known = exc.OperationalError("", {}, Said("57P03", text=words))
    with (
        pytest.raises(InboxAwayError, match="cannot be reached"),
        inbox._held("m", connecting=True),
    ):
        raise known
    with pytest.raises(MessagingError) as caught, inbox._held("m"):
        raise on_server(words)
    assert type(caught.value) is MessagingError


def test_the_log_has_a_refusal_once_also_after_an_outage(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    inbox: Any = SqlInbox(engine)
    refused, gone = on_server('FATAL:  role "sea" does not exist'), problem("57P01")

    def fail(error: exc.DBAPIError) -> None:
        with pytest.raises(InboxAwayError), inbox._held("m1", connecting=True):
            raise error

    for error in (gone, refused, gone, refused):
        fail(error)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert 'role "sea" does not exist; mend the user' in caplog.text
    fill(inbox, "a")
    fail(refused)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR", "ERROR"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_effect_that_loses_its_database_comes_again(engine: sa.Engine, wrapped: bool) -> None:
    inbox = SqlInbox(engine)
    error: Exception = problem("57P01")
    if wrapped:
        error, error.__cause__ = RuntimeError("cannot store"), error
    with pytest.raises(InboxAwayError, match="gone at once"), inbox.receive("m1", "c"):
        raise error
    assert keys(engine) == []


def work_without_database(inbox: SqlInbox, error: Exception) -> None:
    """The connection goes while a handler works, which raises then."""
    with inbox.receive("m1", "c") as receipt:
        receipt.transaction.invalidate()
        raise error


def test_an_effect_whose_connection_is_gone_comes_again_whatever_it_raised(
    engine: sa.Engine,
) -> None:
    inbox = SqlInbox(engine)
    with pytest.raises(InboxAwayError, match="the connection was lost"):
        work_without_database(inbox, ValueError("what now"))


def test_a_decision_of_a_handler_stands_without_the_database(engine: sa.Engine) -> None:
    inbox = SqlInbox(engine)
    with pytest.raises(RejectMessage):
        work_without_database(inbox, RejectMessage())
    with pytest.raises(ValueError, match="its own"), inbox.receive("m1", "c"):
        raise ValueError("its own")


def test_the_log_has_once_that_it_is_away_and_once_that_it_is_back(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    inbox: Any = SqlInbox(engine, clock=clock)
    pauses = []
    with caplog.at_level(logging.INFO, "pelagos.messaging"):
        for seconds in (0, 4.9, 0.1, 54.9, 0.1):
            clock.advance(seconds)
            with pytest.raises(InboxAwayError) as away, inbox._held("m1"):
                raise problem("57P01")
            pauses.append(away.value.retry_after)
        for name in ("a", "b"):
            fill(inbox, name)
        with pytest.raises(InboxAwayError), inbox._held("m1"):
            raise problem("57P01")
    assert pauses == [1.0, 1.0, 4.0, 4.0, 16.0]
    away_text = "the inbox's database is away, its messages come again: driver: gone at once"
    assert [record.getMessage() for record in caplog.records] == [
        away_text,
        "the inbox's database is back after 60 s",
        away_text,
    ]
