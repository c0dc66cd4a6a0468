"""What a broker of AMQP says no with, in our words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pelagos.messaging.errors import (
    ConnectionLostError,
    LoginError,
    MessagingError,
    PublishRefusedError,
    TopologyError,
)
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Envelope

_MISSING: Final = 404
_LOGIN_CODES: Final = (403, 530)  # access refused, not allowed (no such virtual host)

_TAKEN_BACK: Final = re.compile("delivery acknowledgement .* timed out")

#: The codes with which a broker says no to a request, and not that something else went wrong.
_REFUSALS: Final = {
    402: None,
    403: "ask the broker's administrator for the permission",
    404: None,
    405: "another connection owns it exclusively; it may be a lost one that will time out",
    406: "use the same attributes on all sides, or delete it first",
    503: None,
    530: None,
    540: None,
}


def refusal(code: int, text: str, url: str, name: str) -> MessagingError:
    """A request's failure: refused by the broker, or lost with the connection."""
    if _TAKEN_BACK.search(text):
        return ConnectionLostError(
            f"{url} took back what was not settled in time: {text}",
            hint="a handler takes longer, or more messages wait for it, than the broker has"
            " patience for: raise its consumer_timeout, or lower prefetch",
        )
    if code not in _REFUSALS:
        return ConnectionLostError(f"the connection to {url} ended: {text}")
    return TopologyError(f"{url} refuses: {text}", code=code, name=name, hint=_REFUSALS[code])


def refused_publishes(
    code: int, text: str, sent: Sequence[Envelope], lost: ConnectionLostError
) -> list[MessagingError]:
    """What became of each message that was on its way when the broker closed their channel.

    It means one of them, and which can only be read from its text. Those that it cannot mean are
    lost with the channel, to be sent again. When it may mean any, all are refused: sent again, the
    bad one would take the others down with it each time.
    """
    if code == _MISSING:  # an exchange, which can be declared again
        return [lost] * len(sent)
    meant = [_is_meant(envelope, text) for envelope in sent]
    if any(meant) or len(sent) == 1:
        return [
            PublishRefusedError(text, message_id=envelope.properties.message_id)
            if guilty or len(sent) == 1
            else lost
            for envelope, guilty in zip(sent, meant, strict=True)
        ]
    return [
        PublishRefusedError(
            f"the broker refused one of {len(sent)} messages that were on their way: {text}",
            message_id=envelope.properties.message_id,
            hint="send them one by one to see which",
            retry_after=1.0,
        )
        for envelope in sent
    ]


def refused_publish(envelope: Envelope) -> PublishRefusedError:
    """The error for a message that the broker has not taken (`basic.nack`)."""
    return PublishRefusedError(
        f"the broker refused a message for exchange {envelope.exchange!r}",
        message_id=envelope.properties.message_id,
        hint="a queue behind it is full, or the broker is in trouble: see its log",
        retry_after=1.0,
    )


def unwritable(error: Exception, envelope: Envelope) -> PublishRefusedError:
    """The error for a message that AMQP has no form for."""
    return PublishRefusedError(
        f"the message cannot be written: {error}",
        message_id=envelope.properties.message_id,
        hint="the body is bytes; use text, whole numbers, lists and mappings in headers",
    )


def _is_meant(envelope: Envelope, text: str) -> bool:
    properties = envelope.properties
    return (
        f"'{envelope.exchange or 'amq.default'}'" in text
        or f"user_id property set to '{properties.user_id}'" in text
        or (properties.expiration is not None and "expiration" in text)
        or (properties.reply_to == DIRECT_REPLY_TO and re.search("repl|answer", text) is not None)
        or any(n in properties.headers and re.search(rf"\b{n}\b", text) for n in ("CC", "BCC"))
        or (
            ("size" in text or "bytes" in text)
            and re.search(rf"\b{len(envelope.body)}\b", text) is not None
        )
    )


def is_login_refusal(code: int, text: str) -> bool:
    """Whether the user or the virtual host is wrong; too many connections are so for a while."""
    return code in _LOGIN_CODES and "limit" not in text


def login_refusal(text: str, url: str) -> LoginError:
    """The broker does not let us in."""
    return LoginError(
        f"the broker at {url} refuses the login: {text}",
        hint="check the user, the password and the virtual host of the bus URL",
    )
