"""Everything that can go wrong between two components that talk.

    MessagingError
    ├── BusUrlError            the URL of a bus cannot be used
    ├── BrokerUnreachableError no connection could be opened (retry_after is set)
    ├── LoginError             the broker refuses the user or the virtual host
    ├── ConnectionLostError    an open connection ended (retry_after is set)
    ├── TopologyError          an exchange, queue or binding is refused (code, name)
    ├── PublishError           the broker does not have the message (message_id)
    │   ├── PublishTimeoutError    no confirmation in time: it may still arrive
    │   ├── PublishRefusedError    the broker said no, or a bounded queue is full
    │   ├── UnroutableError        no queue takes it; only when asked for
    │   └── PublishManyError       some of many were not accepted (failed: which, and why)
    ├── EncodingError          content that cannot be written, or a body that cannot be read
    │   └── PoisonError        a body that is no message of ours (cause)
    ├── InboxBusyError         another copy of the message is still in work (retry_after is set)
    │   └── InboxAwayError         the inbox's database is away: nothing was tried
    ├── BufferFullError        too much waits for a broker that is away
    ├── RejectMessage          raised by a handler: this message is refused, do not bring it back
    ├── FilterError            raised by a filter: the handler is not for this message
    ├── AckAndRestart          raised by a handler: done; start this program anew
    └── ExitScheduler          raised by a microthread: end the scheduler after this round

What can be cured by waiting carries `retry_after`; the producer and the consumer use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pelagos.core.errors import PelagosError

_MISSING: Final = 404


class MessagingError(PelagosError):
    """The root of this room's errors."""


class BusUrlError(MessagingError):
    """The URL of a bus has an unknown scheme, option or form."""


class BrokerUnreachableError(MessagingError):
    """No connection to the broker could be opened."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, retry_after=1.0)


class LoginError(MessagingError):
    """The broker refuses this user, password or virtual host."""


class ConnectionLostError(MessagingError):
    """A connection that was open is not open any more."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, retry_after=0.0)


class TopologyError(MessagingError):
    """The broker refuses to declare, bind, consume or delete something.

    Attributes:
        code: AMQP's reply code: 403 forbidden, 404 missing, 405 locked, 406 declared differently.
        name: the exchange or queue that it is about.
    """

    def __init__(self, message: str, *, code: int, name: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.name = name

    @property
    def is_missing(self) -> bool:
        """Whether what it is about is not there."""
        return self.code == _MISSING


class PublishError(MessagingError):
    """A message was not accepted.

    Attributes:
        message_id: the id that the message carried, for logs and for removing duplicates.
    """

    def __init__(
        self,
        message: str,
        *,
        message_id: str,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.message_id = message_id


class PublishTimeoutError(PublishError):
    """The broker did not confirm in time; the message may or may not be there."""


class PublishRefusedError(PublishError):
    """The broker answered that it does not take the message."""


class UnroutableError(PublishError):
    """The message was to be delivered at once, and no queue is bound for it."""


class PublishManyError(PublishError):
    """Some of many messages were not accepted, or not confirmed in time; the others are safe.

    Attributes:
        failed: the error of each such message, by its place in what was handed over (from 0).
    """

    def __init__(self, failed: Mapping[int, MessagingError]) -> None:
        first = next(iter(failed.values()))
        super().__init__(
            f"{len(failed)} of the messages were not confirmed; the first: {first}",
            message_id=getattr(first, "message_id", ""),
            hint=first.hint,
            retry_after=first.retry_after,
        )
        self.failed = dict(failed)


class EncodingError(MessagingError):
    """Content that the encoder cannot write, or bytes that it cannot read."""


class PoisonError(EncodingError):
    """A body that arrived is not a message.

    Attributes:
        cause: what is wrong with it, in a few words without its content.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"this is not a message: {cause}")
        self.cause = cause


class RejectMessage(MessagingError):
    """Raised by a handler to refuse a message for good; it goes to the dead letters, if any."""

    def __init__(self, message: str = "refused by the handler") -> None:
        super().__init__(message)


class InboxBusyError(MessagingError):
    """Another copy of this message is still in work: let it come again."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)


class InboxAwayError(InboxBusyError):
    """The inbox's database cannot be reached: let the message come again."""


class BufferFullError(MessagingError):
    """Nothing more can be kept for a broker that is away; nothing of this message was sent."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, retry_after=1.0)


class FilterError(MessagingError):
    """Raised by a filter: this handler does not get this message."""

    def __init__(self, message: str = "filtered") -> None:
        super().__init__(message)


class AckAndRestart(MessagingError):
    """Raised by a handler: acknowledge the message and replace this process by a fresh one."""

    def __init__(self, message: str = "restart") -> None:
        super().__init__(message)


class ExitScheduler(MessagingError):
    """Raised by a microthread: let the scheduler end after this round."""

    def __init__(self, message: str = "exit") -> None:
        super().__init__(message)


def as_ours(error: Exception) -> MessagingError:
    """Any failure as one of these: a defect, or what the code of others raised, by its name.

    For threads that others rely on: they report it and try again, instead of ending.
    """
    if isinstance(error, MessagingError):
        return error
    if isinstance(error, PelagosError):
        return MessagingError(error.message, hint=error.hint, retry_after=error.retry_after)
    said = f"{type(error).__name__}: {error}"
    return MessagingError(said, hint="the log says where it comes from", retry_after=1.0)


def unroutable(exchange: str, key: str, message_id: str) -> UnroutableError:
    """The error for a mandatory message that came back."""
    return UnroutableError(
        f"no queue takes the key {key!r} of exchange {exchange!r}",
        message_id=message_id,
        hint="start a consumer first, or compare its binding with this key",
    )
