"""An outbox: messages that leave if and only if the transaction in which they were put commits."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from time import time
from typing import Any

import sqlalchemy as sa

from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.errors import BufferFullError, EncodingError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.fingerprint import Fingerprint
from pelagos.messaging.message import Message, RpcCommand
from pelagos.messaging.sending.identity import Identity, given_facts
from pelagos.messaging.sql.passage import OutboxTransport
from pelagos.messaging.sql.tables import PREFIX, our_errors, tables
from pelagos.messaging.transports.base import Envelope, Properties, Transport


class Outbox:
    """Puts messages into a table of the program's own database; an `OutboxRelay` sends them.

        with engine.begin() as transaction:
            transaction.execute(...)
            outbox.send(transaction, MessageStatus("paid"), Invoices, "invoice.paid")

    A producer does the same with its own words, on the bus that `bus` gives:

            InvoiceProducer(bus=outbox.bus(transaction)).message_paid(...)

    Args:
        fingerprint: who sends, as producers have it.
        prefix: how the tables' names begin.
        limit: messages that may wait at the most.
        encoder: how bodies are written.
    """

    def __init__(
        self,
        fingerprint: Fingerprint | Mapping[str, Any] | None = None,
        *,
        prefix: str = PREFIX,
        limit: int = 1_000_000,
        encoder: type[Encoder] = JsonEncoder,
    ) -> None:
        self._identity = Identity(given_facts(fingerprint))
        self._table = tables(prefix).outbox
        self._limit = limit
        self._encoder = encoder

    def send(
        self,
        transaction: sa.Connection,
        message: Message,
        exchange: type[Exchange],
        key: str,
        *,
        message_id: str | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """Put a message; it leaves after the commit.

        Args:
            transaction: a connection with an open transaction.
            message: gets this outbox's fingerprint.
            exchange: declared before it is sent.
            key: the routing key.
            message_id: made when not given.
            headers: of the message.

        Returns:
            the message's id.

        Raises:
            TypeError: one of these is something else, or the message is a call.
            EncodingError: its content cannot be written.
            BufferFullError: too many wait.
            MessagingError: the database cannot be used.
        """
        _check(transaction, message, exchange)
        message.is_from(self._identity.facts())
        encoded = self._encoder.encode(message.body)
        name = message_id or uuid.uuid4().hex
        properties = Properties(
            message_id=name,
            content_type=self._encoder.content_type,
            headers=dict(headers or {}),
            timestamp=int(time()),
        )
        body = encoded.encode() if isinstance(encoded, str) else bytes(encoded)
        self.put(transaction, exchange, Envelope(exchange.name, key, body, properties))
        return name

    def put(
        self, transaction: sa.Connection, exchange: type[Exchange], envelope: Envelope
    ) -> None:
        """Put a message that is written already; as `send`."""
        row = self._table.c
        with our_errors():
            ends = sa.select(sa.func.min(row.id), sa.func.max(row.id))
            first, last = transaction.execute(ends).one()
            if first is not None and last - first + 1 >= self._limit:
                raise BufferFullError(
                    f"{self._limit} messages wait in the table {self._table.name}",
                    hint="see that a relay runs and that the broker takes messages",
                )
            transaction.execute(
                sa.insert(self._table),
                {
                    "exchange": describe(exchange),
                    "key": envelope.key,
                    "properties": write_properties(envelope.properties),
                    "mandatory": envelope.mandatory,
                    "body": envelope.body,
                },
            )

    def bus(self, transaction: sa.Connection) -> Transport:
        """A bus for producers: what they send on it is put here, within the transaction."""
        return OutboxTransport(transaction, self.put)

    def waiting(self, transaction: sa.Connection) -> int:
        """How many messages have not left."""
        with our_errors():
            count = sa.select(sa.func.count()).select_from(self._table)
            return int(transaction.execute(count).scalar_one())


def _check(transaction: object, message: object, exchange: object) -> None:
    if not isinstance(message, Message) or message.body["category"] == RpcCommand.category:
        raise TypeError(f"an outbox takes messages that want no answer, not {message!r}")
    if not hasattr(exchange, "exchange_type"):
        raise TypeError(f"{exchange!r} is no exchange class")
    if not isinstance(transaction, sa.Connection):
        raise TypeError(f"transaction is what engine.begin() gives, not {transaction!r}")


def describe(exchange: type[Exchange]) -> str:
    """How an exchange is declared, as JSON."""
    facts = dict(exchange.parameters)
    return _text({"name": facts.pop("exchange"), **facts}, "the arguments of an exchange")


@lru_cache(maxsize=1024)
def described(text: str) -> type[Exchange]:
    """The exchange of a description."""
    facts = json.loads(text)
    return type("DescribedExchange", (Exchange,), {"name": facts["name"], **facts})


def write_properties(properties: Properties) -> str:
    """Properties as JSON, without those that say nothing.

    Raises:
        EncodingError: a header holds what JSON cannot.
    """
    facts = {item.name: getattr(properties, item.name) for item in fields(properties)}
    facts = {name: value for name, value in facts.items() if value is not None}
    facts["headers"] = dict(properties.headers)
    return _text(facts, "the headers of a message")


def read_properties(text: str) -> Properties:
    """What `write_properties` wrote."""
    return Properties(**json.loads(text))


def _text(value: Any, what: str) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EncodingError(
            f"{what} cannot be kept in the outbox: {error}",
            hint="use text, numbers, booleans, lists and mappings",
        ) from error
