"""What clients may have of a broker, and who counts what they declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pelagos.messaging import codec
from pelagos.messaging.broker.core import Broker
from pelagos.messaging.broker.server.refusals import Refusal

_COUNTED_EVERY: Final = 100


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the broker lets a client have.

    Attributes:
        frame: bytes of the largest frame.
        channels: the highest number of a channel.
        heartbeat: seconds that are proposed; the client decides.
        message: bytes of the largest body; a larger one ends its channel.
        memory: bytes of all messages together; beyond, publishers are blocked.
        things: queues, exchanges, bindings and consumers of a virtual host, about; beyond, a
            connection that wants more of them is closed.
        arguments: bytes of the arguments of one of them; longer ones end the channel.
        transaction: bytes that a channel may hold in a transaction.
        unfinished: bytes of the messages that a connection has begun and not ended; all of them
            together may have begun as much as `memory`.
        output: bytes that may wait for a slow client; beyond, its consumers get nothing more.
        connections: how many there may be; others are turned away at once.
        login: seconds within which a client must be logged in.
    """

    frame: int = 131_072
    channels: int = 2047
    heartbeat: int = 60
    message: int = 16 * 1024 * 1024
    memory: int = 512 * 1024 * 1024
    things: int = 100_000
    arguments: int = 8192
    transaction: int = 64 * 1024 * 1024
    unfinished: int = 64 * 1024 * 1024
    output: int = 1024 * 1024
    connections: int = 1000
    login: float = 10.0


class Crowd:
    """Sees to that not too much is declared; counts anew only now and then."""

    def __init__(self, limit: int, arguments: int) -> None:
        self._limit = limit
        self._arguments = arguments
        self._since = 0

    def check(self, broker: Broker, arguments: Mapping[str, Any] | None) -> None:
        """One more is wanted.

        Raises:
            Refusal: there are too many, or its arguments are too long.
        """
        if arguments and (size := len(codec.encode_table(arguments))) > self._arguments:
            said = f"arguments of {size} bytes; at most {self._arguments} are taken"
            raise Refusal(said, code=406)
        self._since += 1
        if self._since < _COUNTED_EVERY:
            return
        if broker.size() >= self._limit:
            raise Refusal(f"more than {self._limit} queues, exchanges, bindings…", code=506)
        self._since = 0
