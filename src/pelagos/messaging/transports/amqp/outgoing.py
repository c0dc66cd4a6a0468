"""What is to be written, by whichever thread is at it.

A thread that has something for the broker writes it itself when nobody else is writing, so that
nothing waits for the thread that reads. While one thread writes, others only add: what they
added goes with the next write, many frames in one call. What need not leave at once is left to
the thread that reads, which writes all of it together; after it had something to read or
write, it looks again a moment later unbidden, as waking it costs more than many messages do. Where
nothing is left to it, as when all is written by who reads, it does not look in vain.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from pelagos.messaging.transports.amqp.stream import Stream

_MUCH: Final = 32_768  # bytes; so many are written by the thread that brings them
_AT_ONCE: Final = 262_144  # bytes for one call to the operating system
_LOOKS: Final = 2  # so many in vain, and there are no more of them until something is left again


class Outgoing:
    """Bytes on their way, in order.

    Attributes:
        lock: guards this and what must happen in the order of the bytes.
        sleeping: whether the thread that reads will not look here without a sign.
        stuck: whether the socket is full; the thread that reads goes on when it can.
        written: set whenever bytes left; the heartbeat clears it.
        size: bytes that wait to be written.
        reader: the thread that reads, by number, while it gives out what it has read: what
            it adds meanwhile is written when it has given out all of it.
        late: called inside the lock before each write, to add what was held back.
    """

    def __init__(self, stream: Stream, wake: Callable[[], None]) -> None:
        self.lock = threading.Lock()
        self.sleeping = False
        self.stuck = False
        self.written = False
        self.reader = 0
        self.late: Callable[[], None] = lambda: None
        self._stream = stream
        self._wake = wake
        self._woken = False
        self._looks = 0  # a guess, so without the lock
        self._writing = False
        self._over = False
        self._writes = 0
        self._parts: deque[bytes | memoryview] = deque()
        self.size = 0

    def add(self, data: bytes) -> None:
        """Put bytes at the end; inside the lock. `send` or `send_soon` must follow."""
        self._parts.append(data)
        self.size += len(data)

    def send_soon(self) -> None:
        """Let what was added go with whatever goes next, and at the latest very soon."""
        self._looks = _LOOKS
        if self.size >= _MUCH:
            self.send()
        elif self.sleeping and not self._woken:
            self._woken = True
            self._wake()

    def send(self) -> None:
        """Write what was added, or leave it to the thread that is writing or will be."""
        if not self.reader or self.reader != threading.get_ident():
            self.send_now()

    def send_now(self) -> None:
        """As `send`, also by the thread that reads."""
        if not self.stuck and self._drain():
            self._wake()

    def send_from_loop(self, *, writable: bool, expecting: bool = False) -> bool:
        """As `send`, in the thread that reads, which may sleep when `sleeping` is set.

        Args:
            writable: the socket is not full any more.
            expecting: something came, and who got it is likely to say something soon.

        Returns:
            whether to look again in a moment, for more is likely to be added.
        """
        self._woken = False
        if writable:
            self.stuck = False
        before = self._writes
        if not self.stuck:
            self._drain()
        with self.lock:
            self.late()
            idle = self.stuck or self._writing or not self._parts
            busy = expecting or self._writes != before
            soon = busy and idle and not self.stuck and self._looks > 0
            self.sleeping = idle and not soon
        return soon

    def awake(self, *, in_vain: bool) -> None:
        """The thread that reads waits no longer; `in_vain`: a moment, and nothing came."""
        self.sleeping = False
        self._looks -= in_vain

    def _drain(self) -> bool:
        """Write until nothing is left, or the socket is full; whether it is."""
        while True:
            mine = False
            try:
                with self.lock:
                    if self._writing or self._over:
                        return False
                    self.late()
                    if not self._parts:
                        return False
                    self._writing = mine = True
                    data = self._next()
                self._write(data)
            except BaseException:  # what a signal's handler raises: who knows how much has left
                if mine:
                    self._give_up()
                raise
            if self.stuck:
                return True

    def _give_up(self) -> None:
        self._stream.break_off()
        with self.lock:
            self._writing = False
            if self._over:
                self._stream.close()

    def _next(self) -> bytes | memoryview:
        parts = self._parts
        if len(parts) == 1:
            self.size = 0
            return parts.popleft()
        taken = []
        size = 0
        while parts and size < _AT_ONCE:
            size += len(parts[0])
            taken.append(parts.popleft())
        self.size -= size
        return b"".join(taken)

    def _write(self, data: bytes | memoryview) -> None:
        try:
            count = self._stream.write(data)
        except OSError:
            count = len(data)  # the connection is over, and its own thread finds that out
            self._stream.break_off()
        with self.lock:
            self._writing = False
            self._writes += 1
            self.written = True
            if self._over:
                self._stream.close()
            if count < len(data):
                rest = memoryview(data)[count:]
                self._parts.appendleft(rest)
                self.size += len(rest)
                self.stuck = True

    def close(self) -> None:
        """Write no more, and close the stream when nobody is at it any more.

        A socket that is closed under a writer could be another one's by the time he writes.
        """
        with self.lock:
            self._over = True
            if not self._writing:
                self._stream.close()

    @property
    def count(self) -> int:
        """Pieces, each of them a message or an answer, that wait to be written."""
        return len(self._parts)

    @property
    def is_empty(self) -> bool:
        """Whether everything was handed to the operating system."""
        return not self._parts and not self._writing
