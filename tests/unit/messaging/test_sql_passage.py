"""An outbox as a bus: what can be sent within a transaction, and what is refused there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from pelagos.messaging import Exchange, GenericProducer, MessagingError
from pelagos.messaging.errors import BufferFullError
from pelagos.messaging.sql import Outbox
from pelagos.messaging.sql.relay import OutboxLetters
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Properties, Queue


class Town(Exchange):
    name = "town"
    exchange_type = "topic"


class Sender(GenericProducer):
    eks = ((Town, "a.b"),)


def envelope(exchange: str = "town") -> Envelope:
    return Envelope(exchange, "a.b", b"{}", Properties("m", headers={}))


def test_what_a_producer_sends_leaves_with_the_commit(engine: sa.Engine) -> None:
    outbox = Outbox()
    with engine.connect() as transaction, transaction.begin() as undone:
        Sender(bus=outbox.bus(transaction)).message_paid(1)
        assert outbox.waiting(transaction) == 1
        undone.rollback()
    with engine.begin() as transaction:
        Sender(bus=outbox.bus(transaction)).message_paid(2)
    (letter,) = OutboxLetters(engine).read(10)
    assert (letter.exchange.name, letter.exchange.exchange_type) == ("town", "topic")
    assert (letter.envelope.key, b'"paid"' in letter.envelope.body) == ("a.b", True)


def test_each_message_is_answered_once(engine: sa.Engine) -> None:
    answers: list[MessagingError | None] = []
    with engine.begin() as transaction:
        connection = Outbox(limit=2).bus(transaction).open()
        connection.publish(envelope(), answers.append)
        connection.publish(envelope(""), answers.append)
        connection.declare_exchange(Town)
        connection.publish(envelope(), answers.append)
        connection.publish(envelope(), answers.append)
    undeclared, first, second, third = answers
    assert "town was not declared" in str(undeclared)
    assert (first, second) == (None, None)
    assert isinstance(third, BufferFullError)


def test_it_is_open_as_long_as_its_transaction(engine: sa.Engine) -> None:
    with engine.connect() as transaction:
        connection = Outbox().bus(transaction).open()
        connection.close()  # it is its owner's
        assert connection.is_open
    assert not connection.is_open


_LETTER: Any = Delivery("inbox", "", "k", b"", Properties("m", headers={}), False, 1)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda c: c.declare_queue(Queue("inbox")), "declare the queue inbox"),
        (lambda c: c.delete_exchange("town"), "delete the exchange town"),
        (lambda c: c.bind("town", "inbox", "k"), "bind inbox to town with k"),
        (lambda c: c.unbind("town", "inbox", "k"), "unbind inbox from town with k"),
        (lambda c: c.bind_exchange("a", "b", "k"), "bind the exchange b to a"),
        (lambda c: c.delete_queue("inbox"), "delete the queue inbox"),
        (lambda c: c.purge_queue("inbox"), "purge the queue inbox"),
        (lambda c: c.get("inbox"), "read the queue inbox"),
        (lambda c: c.consume("inbox", print, print, prefetch=1), "consume inbox"),
        (lambda c: c.cancel("me"), "cancel me"),
        (lambda c: c.ack(_LETTER), "acknowledge a message of inbox"),
        (lambda c: c.reject(_LETTER, requeue=True), "reject a message of inbox"),
    ],
)
def test_what_needs_a_broker_is_refused(
    engine: sa.Engine, what: Callable[[Connection], object], said: str
) -> None:
    with engine.connect() as transaction:
        connection = Outbox().bus(transaction).open()
        with pytest.raises(MessagingError, match=f"an outbox cannot {said}") as caught:
            what(connection)
        assert caught.value.hint == "call and consume on the bus itself"
        assert connection.holds(_LETTER) is False
