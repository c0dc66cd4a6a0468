"""The way out of a connection: bytes from any thread, in order, and a slow client is noticed."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable


class Output:
    """What is to be sent to one client.

    Args:
        limit: bytes that may wait; beyond, `is_full` is true until most of it is sent.
        on_room: called in the loop's thread when there is room again.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limit: int, on_room: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._limit = limit
        self._on_room = on_room
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._scheduled = False
        self._relieving = False
        self.is_full = False
        self.frozen = False
        self.gathering = False  # somebody will flush soon

    def open(self, transport: asyncio.Transport) -> None:
        """Send over this."""
        transport.set_write_buffer_limits(high=self._limit // 4, low=self._limit // 4)
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send it soon, after what was written before; from any thread."""
        self._waiting.append(data)
        self._size += len(data)
        if self._size > self._limit:
            self.is_full = True
        if self._scheduled:
            return
        if threading.get_ident() != self._thread:
            self._scheduled = True
            self._loop.call_soon_threadsafe(self.flush)
        elif not self.gathering:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what waits; in the loop's thread."""
        self._scheduled = False
        transport = self._transport
        if transport is None or self.frozen:
            return
        waiting = self._waiting
        if waiting:
            parts = []
            while waiting:
                parts.append(waiting.popleft())
            if not transport.is_closing():
                transport.write(b"".join(parts))
        self.drained()

    def drained(self) -> None:
        """Some of it was sent."""
        if self._transport is None:
            return
        self._size = self._transport.get_write_buffer_size()
        if self.is_full and self._size <= self._limit // 4 and not self._relieving:
            self._relieving = True
            self._loop.call_soon(self._relieve)

    def _relieve(self) -> None:
        self._relieving = False
        self.is_full = False
        self._on_room()
