"""Files of the caller as places of bytes that many threads may read and write at once."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Any, Self, cast

from pelagos.clients.errors import ClientError

_PIECE = 1024 * 1024


class Source:
    """Bytes of a file from where it stands, however it is held.

    Attributes:
        size: bytes that there are.
    """

    def __init__(self, file: Any, start: int, size: int) -> None:
        self.size = size
        self._file = file
        self._start = start
        self._descriptor = _descriptor(file)
        self._lock = threading.Lock()

    @classmethod
    @contextlib.contextmanager
    def of(
        cls, file: IO[bytes] | bytes | bytearray | memoryview, size: int | None = None
    ) -> Iterator[Self]:
        """What is to be sent; a stream that cannot be read twice is kept on disk meanwhile.

        Args:
            size: bytes from the file's position on; None: up to its end.

        Raises:
            ClientError: the file gives text, or fewer bytes than `size`.
        """
        if isinstance(file, bytes | bytearray | memoryview):
            file = io.BytesIO(file)
        if isinstance(cast("Any", file), io.TextIOBase):
            raise ClientError("the file is open as text", hint="open it in a binary mode: 'rb'")
        if _is_seekable(file):
            start = file.tell()
            there = file.seek(0, os.SEEK_END) - start
            file.seek(start)
            yield cls(file, start, _checked(there, size))
            file.seek(start + (there if size is None else size))
            return
        with tempfile.TemporaryFile() as spool:
            _spool(file, spool, size)
            there = spool.tell()
            spool.flush()
            yield cls(spool, 0, _checked(there, size))

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes; safe in threads.

        Raises:
            ClientError: the file has become shorter.
        """
        place = self._start + offset
        if self._descriptor is not None:
            data = _pread(self._descriptor, place, length)
        else:
            with self._lock:
                self._file.seek(place)
                data = _read_fully(self._file, length)
        if len(data) < length:
            raise ClientError(
                "the file became shorter while it was being sent",
                hint="send it again when nobody writes to it",
            )
        return data

    def file(self) -> IO[bytes]:
        """All of it as a file of its own."""
        return cast("IO[bytes]", self.part(0, self.size))

    def part(self, offset: int, length: int) -> SourcePart:
        """A part as a file of its own, for a request's body."""
        return SourcePart(self, offset, length)


class SourcePart(io.RawIOBase):
    """A part of a source as a file; each reader has one of its own."""

    def __init__(self, source: Source, offset: int, length: int) -> None:
        super().__init__()
        self._source = source
        self._offset = offset
        self._length = length
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Stand elsewhere."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes."""
        left = max(0, self._length - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._source.read(self._offset + self._at, wanted) if wanted else b""
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """The next bytes, into a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Sink:
    """A file that receives an object from where it stands.

    Attributes:
        is_positional: whether pieces may come in any order; else they must come one after another.
    """

    def __init__(self, file: IO[bytes]) -> None:
        if isinstance(cast("Any", file), io.TextIOBase):
            raise ClientError("the file is open as text", hint="open it in a binary mode: 'wb'")
        self._file = file
        self._descriptor = _descriptor(file)
        self._lock = threading.Lock()
        self.is_positional = (
            _is_seekable(file) and not _appends(self._descriptor) and not _is_tty(file)
        )
        self._start = file.tell() if self.is_positional else 0
        if self._descriptor is not None:
            file.flush()

    @property
    def size(self) -> int:
        """Bytes that are there already and can be read; 0 when none can."""
        if not self.is_positional or not _is_readable(self._file):
            return 0
        with self._lock:
            at = self._file.tell()
            end = self._file.seek(0, os.SEEK_END)
            self._file.seek(at)
        return max(0, end - self._start)

    def read(self, offset: int, length: int) -> bytes:
        """What is there; less at the end."""
        place = self._start + offset
        if self._descriptor is not None:
            return _pread(self._descriptor, place, length)
        with self._lock:
            self._file.seek(place)
            return _read_fully(self._file, length)

    def write(self, offset: int, data: bytes) -> None:
        """Write at an offset; safe in threads when the sink is positional."""
        if not self.is_positional:
            _write_fully(self._file, data)
        elif self._descriptor is not None:
            _pwrite(self._descriptor, self._start + offset, data)
        else:
            with self._lock:
                self._file.seek(self._start + offset)
                _write_fully(self._file, data)

    def cut(self, size: int) -> None:
        """End the object there, and leave the file standing behind it."""
        if self.is_positional:
            self._file.seek(self._start + size)
            self._file.truncate()

    def stand_behind(self, size: int) -> None:
        """Leave the file standing behind so many bytes of the object."""
        if self.is_positional:
            self._file.seek(self._start + size)


def _descriptor(file: Any) -> int | None:
    """Where the kernel can read and write at offsets; None for what only looks like a file."""
    inner = getattr(file, "file", file)  # what `tempfile` wraps
    raw = getattr(inner, "raw", inner)
    if isinstance(
        inner, io.BufferedReader | io.BufferedWriter | io.BufferedRandom | io.FileIO
    ) and isinstance(raw, io.FileIO):
        return raw.fileno() if raw.seekable() else None
    return None


def _is_seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return hasattr(file, "seek") and hasattr(file, "tell")


def _is_readable(file: Any) -> bool:
    try:
        return bool(file.readable())
    except AttributeError:
        return hasattr(file, "read")


def _is_tty(file: Any) -> bool:
    return bool(getattr(file, "isatty", bool)())


def _appends(descriptor: int | None) -> bool:
    """Whether the kernel writes at the end whatever offset is asked for."""
    return descriptor is not None and bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND)


def _checked(there: int, size: int | None) -> int:
    if size is None:
        return max(0, there)
    if size < 0 or size > there:
        raise ClientError(
            f"{size:,} bytes are to be sent, but the file has {max(0, there):,} from there on"
        )
    return size


def _spool(stream: Any, spool: IO[bytes], size: int | None) -> None:
    if size is None:
        shutil.copyfileobj(stream, spool, _PIECE)
        return
    left = size
    while left and (piece := stream.read(min(left, _PIECE))):
        spool.write(piece)
        left -= len(piece)


def _pread(descriptor: int, place: int, length: int) -> bytes:
    data = os.pread(descriptor, length, place)
    while 0 < len(data) < length and (
        more := os.pread(descriptor, length - len(data), place + len(data))
    ):
        data += more
    return data


def _pwrite(descriptor: int, place: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, place)
        place += written
        view = view[written:]


def _read_fully(file: Any, length: int) -> bytes:
    data: bytes = file.read(length) or b""
    while 0 < len(data) < length and (more := file.read(length - len(data))):
        data += more
    return data


def _write_fully(file: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = file.write(view)
        view = view[len(view) if written is None else written :]
