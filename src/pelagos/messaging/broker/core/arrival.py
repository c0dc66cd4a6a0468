"""A message that arrives: what is kept of it, its keys, and what its publisher is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from pelagos.messaging.broker.core.dead import texts_of
from pelagos.messaging.broker.core.queues import Link
from pelagos.messaging.broker.core.rules import LONGEST_TIME, refused
from pelagos.messaging.errors import MessagingError, PublishRefusedError, unroutable
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Envelope


class Routed(NamedTuple):
    """A message whose queues are known.

    Attributes:
        envelope: as it is kept.
        keys: its own routing key and those of CC and BCC.
        queues: the names of those that take it.
        answers: how many got it as an answer, straight to them.
    """

    envelope: Envelope
    keys: tuple[str, ...]
    queues: tuple[str, ...]
    answers: int = 0


class Verdict(NamedTuple):
    """What became of a message.

    Attributes:
        routed: the queues that were to take it.
        refused: why it is not where it should be, or None. UnroutableError: it was mandatory and
            no queue takes it. PublishRefusedError: a queue is full. TopologyError and
            ConnectionLostError: nothing was done with it.
    """

    routed: int
    refused: MessagingError | None


#: One queue has it.
TAKEN: Final = Verdict(1, None)


def prepared(envelope: Envelope, publisher: Link) -> tuple[Envelope, tuple[str, ...]]:
    """The message as it is kept, and all of its keys: without BCC, and with the true reply_to.

    Raises:
        TopologyError, PublishRefusedError: something in its header cannot be.
    """
    headers = envelope.properties.headers
    if not 0 <= (envelope.properties.expiration or 0) * 1000 <= LONGEST_TIME:
        raise _timeless(envelope)
    keys: tuple[str, ...] = (envelope.key,)
    changed: dict[str, Any] = {}
    for name in ("CC", "BCC"):
        told = headers.get(name, [])
        if not isinstance(told, list):
            raise refused(
                f"the header {name} of a message is not a list of routing keys", envelope.exchange
            )
        keys += tuple(texts_of(told))
    if "BCC" in headers:
        changed["headers"] = without_bcc(headers)
    if envelope.properties.reply_to == DIRECT_REPLY_TO:
        if publisher.reply_name is None:
            raise refused(
                "an answer is wanted directly, but nobody waits for direct answers",
                DIRECT_REPLY_TO,
                f"consume {DIRECT_REPLY_TO} over the same connection first",
            )
        changed["reply_to"] = publisher.reply_name
    if changed:
        envelope = replace(envelope, properties=replace(envelope.properties, **changed))
    return envelope, keys


def without_bcc(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers as a receiver sees them."""
    return {name: value for name, value in headers.items() if name != "BCC"}


def unrouted(envelope: Envelope) -> Verdict:
    """No queue takes it."""
    if not envelope.mandatory:
        return Verdict(0, None)
    message_id = envelope.properties.message_id
    return Verdict(0, unroutable(envelope.exchange, envelope.key, message_id))


def full(envelope: Envelope) -> PublishRefusedError:
    """The error for a message that one of its queues has no room for."""
    return PublishRefusedError(
        f"a queue behind exchange {envelope.exchange!r} is full",
        message_id=envelope.properties.message_id,
        hint="its consumer is away or too slow",
        retry_after=1.0,
    )


def _timeless(envelope: Envelope) -> PublishRefusedError:
    return PublishRefusedError(
        f"a message cannot live for {envelope.properties.expiration} seconds",
        message_id=envelope.properties.message_id,
        hint="give an expiration from 0 seconds to ten years, or none",
    )
