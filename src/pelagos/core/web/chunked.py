"""A body that comes in chunks (RFC 9112, 7.1), read bit by bit."""

from __future__ import annotations

from typing import BinaryIO

from pelagos.core.web.connection import PeerGone

#: Bytes of the line that says a chunk's size, and of the trailers together.
_LINE_LIMIT = 1024
_TRAILER_LIMIT = 16 * 1024
_SIZE_DIGITS = 15


class BadChunk(PeerGone):
    """What came is no chunk: nothing after it can be understood."""


class ChunkedBody:
    """The bytes of a body in chunks, as a file; never more in memory than is asked for.

    Attributes:
        remaining: bytes that are known to come; at least 1 until the last chunk was read.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = 0  # of the chunk that is being read
        self._ended = False

    @property
    def remaining(self) -> int:
        """See the class."""
        return 0 if self._ended else max(self._left, 1)

    def read(self, size: int | None = None) -> bytes:
        """At most `size` bytes; fewer only at the end, where it is empty.

        Raises:
            BadChunk: it cannot be understood, or ends too early.
        """
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(64 * 1024), b""))
        kept = bytearray()
        while len(kept) < size:
            if not self._left and not self._next():
                break
            piece = self._stream.read(min(self._left, size - len(kept)))
            if not piece:
                raise BadChunk("the body ended too early")
            kept += piece
            self._left -= len(piece)
            if not self._left:
                self._line(2)
        return bytes(kept)

    def _next(self) -> bool:
        """Begin the next chunk; False at the end."""
        if self._ended:
            return False
        size = self._line(_LINE_LIMIT).partition(b";")[0].strip(b" \t")
        digits = size.strip(b"0123456789abcdefABCDEF")
        if not size or digits or len(size) > _SIZE_DIGITS:
            raise BadChunk("a chunk does not say its size")
        self._left = int(size, 16)
        if self._left:
            return True
        left = _TRAILER_LIMIT
        while line := self._line(left):
            left -= len(line)
        self._ended = True
        return False

    def _line(self, limit: int) -> bytes:
        line = self._stream.readline(limit + 2)
        if not line.endswith(b"\r\n"):
            raise BadChunk("a chunk does not end where it should")
        return line[:-2]
