"""What a test lets go wrong in a broker: no real one offers it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from pelagos.messaging import codec

#: Frames that are remembered; then the oldest are forgotten.
FRAMES_KEPT = 100_000


class SeenFrame(NamedTuple):
    """One method that went over the wire, with its message if it has one.

    Attributes:
        connection: counted from 1 in the order in which clients came.
        sender: "client" or "broker".
        method: its name, such as "BasicPublish".
    """

    connection: int
    sender: Literal["client", "broker"]
    channel: int
    method: str


class _Confirming(Protocol):
    def confirm(self, number: int, *, taken: bool) -> None:
        """Say that a message is taken or not."""

    def flush(self) -> None:
        """Tell what has been confirmed."""


class Faults:
    """The faults of a broker; nothing goes wrong unless told.

    Attributes:
        confirms: "now"; "withhold": messages are taken and nobody is told until `release`;
            "refuse": every message that would be confirmed is refused and not taken.
        confirm_delay: seconds by which confirms come late.
        drop_at: the number of the client's method, counted from 1 in each connection, at which
            its connection is cut before the method is looked at; None: never. Once; then None.
        frozen: clients stay connected, and nothing is read or written any more.
        frames: what went over the wire, the oldest first; None: nothing is remembered.
    """

    def __init__(self, later: Callable[[float, Callable[[], None]], None]) -> None:
        self.confirms: Literal["now", "withhold", "refuse"] = "now"
        self.confirm_delay = 0.0
        self.drop_at: int | None = None
        self.frozen = False
        self.frames: deque[SeenFrame] | None = None
        self._later = later
        self._withheld: list[tuple[_Confirming, int, bool]] = []

    def record(self) -> None:
        """Remember from now on, and forget what was."""
        self.frames = deque(maxlen=FRAMES_KEPT)

    def see(
        self, connection: int, sender: Literal["client", "broker"], frame: codec.Frame
    ) -> None:
        """Remember what goes over the wire."""
        if self.frames is not None:
            self.frames.append(SeenFrame(connection, sender, frame[0], type(frame[1]).__name__))

    def see_sent(self, connection: int, data: bytes) -> None:
        """Remember what the broker sends: whole frames, or its header."""
        if data != codec.PROTOCOL_HEADER:
            for frame in codec.Decoder(len(data)).feed(data):
                self.see(connection, "broker", frame)

    def drops(self, number: int) -> bool:
        """Whether the connection is cut at this method."""
        if self.drop_at != number:
            return False
        self.drop_at = None
        return True

    def confirm(self, publishing: _Confirming, number: int, *, taken: bool) -> None:
        """Let a message be confirmed when it should be."""
        if self.confirms == "withhold":
            self._withheld.append((publishing, number, taken))
        elif self.confirm_delay:
            self._later(self.confirm_delay, lambda: _tell(publishing, number, taken=taken))
        else:
            publishing.confirm(number, taken=taken)

    def let_go(self) -> None:
        """Confirm what was withheld, and no longer withhold; in the broker's thread."""
        self.confirms = "now"
        withheld, self._withheld = self._withheld, []
        for publishing, number, taken in withheld:
            _tell(publishing, number, taken=taken)


def _tell(publishing: _Confirming, number: int, *, taken: bool) -> None:
    publishing.confirm(number, taken=taken)
    publishing.flush()
