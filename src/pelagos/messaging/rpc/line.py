"""One connection with an address for answers: what goes over it without being confirmed."""

from __future__ import annotations

from typing import Final

from pelagos.messaging.errors import ConnectionLostError
from pelagos.messaging.rpc.call import Request
from pelagos.messaging.transports.base import Connection, Envelope

#: Ways (exchange and key) that are remembered as proven.
_LIMIT: Final = 1000

#: Seconds within which callers who got their answers together ask again together.
_MOMENT: Final = 0.001


class Line:
    """Sends requests as soon as a confirmed one has shown that the broker takes such.

    A request needs no confirmation: who waits for its answer sends it again.
    """

    __slots__ = ("_address", "_answered", "_awaited", "_connection", "_proven")

    def __init__(self, connection: Connection, address: str) -> None:
        self._connection = connection
        self._address = address
        self._proven: set[tuple[str, str]] = set()
        self._awaited = 0  # callers who got an answer a moment ago; a guess, so without a lock
        self._answered = 0.0

    def prove(self, request: Request) -> None:
        """The broker has confirmed this one."""
        if len(self._proven) < _LIMIT:
            self._proven.add((request.exchange.name, request.key))

    def answered(self, now: float) -> None:
        """An answer came: whoever waited for it is likely to ask again."""
        self._awaited += 1
        self._answered = now

    def _others_follow(self, now: float) -> bool:
        """Whether to leave it to the last of those who were answered together to write it all."""
        if now - self._answered > _MOMENT:
            self._awaited = 0
        self._awaited -= self._awaited > 0
        return self._awaited > 0

    def post(self, envelope: Envelope, now: float) -> bool:
        """Whether it was taken; if not, let it be confirmed."""
        if (
            self._address != envelope.properties.reply_to
            or (envelope.exchange, envelope.key) not in self._proven
        ):
            return False
        try:
            return self._connection.post(envelope, at_once=not self._others_follow(now))
        except ConnectionLostError:
            return True  # who connects asks again
