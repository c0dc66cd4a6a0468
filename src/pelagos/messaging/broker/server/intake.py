"""What a client has sent: bytes that become frames, one after the other, unless it has to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pelagos.messaging import codec
from pelagos.messaging.broker.server.house import House
from pelagos.messaging.broker.server.output import Output

_SHARE: Final = 100  # who has begun less than this part of what he may is not looked at


class Intake:
    """The frames of one client that are still to be done.

    Args:
        house: for its bounds, and for what the others have begun.
        output: while it is full, nothing more is done.
        must_wait: whether this frame cannot be done now.
    """

    def __init__(
        self, house: House, output: Output, must_wait: Callable[[codec.Frame], bool]
    ) -> None:
        self._house = house
        self._output = output
        self._must_wait = must_wait
        self._decoder = codec.Decoder(codec.FRAME_MIN, house.bounds.message, skip_large=True)
        self._frames: Iterator[codec.Frame] | None = None
        self._stuck: codec.Frame | None = None

    def agree(self, frame_max: int) -> None:
        """Frames may be as large from now on."""
        self._decoder.frame_max = frame_max

    @property
    def header(self) -> bytes:
        """The properties of the last message as they came."""
        return self._decoder.header

    @property
    def begun(self) -> int:
        """Bytes of messages of which not all has come."""
        return self._decoder.held

    @property
    def waits(self) -> bool:
        """Whether something has come that is not done yet."""
        return self._frames is not None or self._stuck is not None

    def feed(self, data: bytes) -> None:
        """More has come; all before must be done."""
        self._frames = self._decoder.feed(data)

    def drop(self) -> None:
        """Forget what is not done."""
        self._frames = None

    def close(self) -> None:
        """Nothing will be done any more."""
        self._frames = self._stuck = None

    def ready(self) -> Iterator[codec.Frame]:
        """The frames that can be done now; each is done before the next is asked for.

        Raises:
            CodecError: what has come is no frame.
        """
        if self._stuck is not None and not self._must_wait(self._stuck):
            stuck, self._stuck = self._stuck, None
            yield stuck
        if self._stuck is not None:
            return
        while self._frames is not None and not self._is_held():
            frame = next(self._frames, None)
            if frame is None:
                self._frames = None
            elif self._must_wait(frame):
                self._stuck = frame
                return
            else:
                yield frame

    def _is_held(self) -> bool:
        return self._output.is_full or self._house.room.faults.frozen

    def has_begun_too_much(self) -> bool:
        """Whether this client has begun too much, or most of what all of them have together."""
        bounds, begun = self._house.bounds, self.begun
        if begun <= bounds.unfinished // _SHARE:
            return False
        everything = sum(other.unfinished for other in self._house.connections)
        return begun > bounds.unfinished or everything > bounds.memory
