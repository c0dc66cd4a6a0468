"""The thread of a connection, with a clock and a socket that a test owns."""

from __future__ import annotations

import errno
import os
import select
from types import SimpleNamespace
from typing import Any

import pytest

from pelagos.messaging import ConnectionLostError, MessagingError, codec
from pelagos.messaging.codec import Heartbeat, methods
from pelagos.messaging.transports.amqp import loop as module
from pelagos.messaging.transports.amqp.handshake import Link
from pelagos.messaging.transports.amqp.loop import Loop
from pelagos.messaging.transports.amqp.stream import Stream

FD = 1_000_000  # of a socket that is not there
BEAT = codec.HEARTBEAT_BYTES


class Wire(Stream):
    """Writes what there is room for; time passes while it is polled, until something comes."""

    def __init__(self) -> None:
        self.has_more = False
        self.now = 0.0
        self.waits: list[float] = []
        self.arrivals: list[tuple[float, bytes | OSError]] = []
        self.written: list[tuple[float, bytes]] = []
        self.room = 1_000_000
        self.room_at: float | None = None  # when there is room again
        self.watched = 0

    def fileno(self) -> int:
        return FD

    def read(self) -> bytes:
        _, data = self.arrivals.pop(0)
        if isinstance(data, OSError):
            raise data
        return data

    def write(self, data: bytes | memoryview) -> int:
        count = min(self.room, len(data))
        self.room -= count
        if count:
            self.written.append((self.now, bytes(data[:count])))
        return count

    def break_off(self) -> None:
        pass

    def close(self) -> None:
        pass

    # As what polls.

    def register(self, fd: int, events: int) -> None:
        if fd == FD:
            self.watched = events

    modify = register

    def poll(self, milliseconds: float) -> list[tuple[int, int]]:
        self.waits.append(milliseconds / 1000)
        until = self.now + milliseconds / 1000
        if self.watched & select.POLLOUT and self.room_at is not None and self.room_at <= until:
            self.now, self.room, self.room_at = max(self.now, self.room_at), 1_000_000, None
            return [(FD, select.POLLOUT)]
        if self.arrivals and self.arrivals[0][0] <= until:
            self.now = max(self.now, self.arrivals[0][0])
            return [(FD, select.POLLIN)]
        self.now = until
        return []


class Case:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.wire = Wire()
        patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.wire.now))
        patch.setattr(module, "select", SimpleNamespace(poll=lambda: self.wire))
        self.frames: list[codec.Frame] = []
        self.answer = b""
        self.losses: list[MessagingError] = []
        link = Link(self.wire, codec.Decoder(), 10, codec.FRAME_MAX, 10)
        self.loop = Loop(link, "amqp:", self._on_frame, self.losses.append)

    def _on_frame(self, frame: codec.Frame) -> None:
        self.frames.append(frame)
        if self.answer:
            with self.loop.outgoing.lock:
                self.loop.outgoing.add(self.answer)

    def run(self, *arrivals: tuple[float, Any]) -> str:
        """Until it ends; why it did."""
        self.wire.arrivals = list(arrivals)
        self.wire.watched = select.POLLIN
        self.loop._run()
        [loss] = self.losses
        assert isinstance(loss, ConnectionLostError)
        return str(loss)


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    return Case(monkeypatch)


def test_who_hears_nothing_for_two_heartbeats_ends_it_and_says_something_twice_in_each(
    case: Case,
) -> None:
    assert "silent for 20 s" in case.run()
    assert case.wire.now == 20
    assert case.wire.written == [(5, BEAT), (10, BEAT), (15, BEAT)]
    assert case.wire.waits == [5, 5, 5, 5]


def test_who_is_heard_now_and_then_is_there(case: Case) -> None:
    said = [(seconds, BEAT) for seconds in (19, 38, 57)]
    assert "the broker closed it" in case.run(*said, (76, b""))
    assert [type(method) for _, method, _ in case.frames] == [Heartbeat] * 3
    assert [seconds for seconds, _ in case.wire.written] == list(range(5, 76, 5))


def test_what_else_was_said_is_a_sign_of_life_too(case: Case) -> None:
    case.answer = b"answer"
    case.run((3, BEAT), (6, BEAT), (14, b""))
    assert case.wire.written == [(3, b"answer"), (6, b"answer")]


def test_a_full_socket_gets_no_more_until_there_is_room(case: Case) -> None:
    case.wire.room, case.wire.room_at = 4, 12
    case.answer = b"answer"
    case.run((3, BEAT), (16, BEAT), (17, b""))
    assert case.wire.written == [(3, b"answ"), (12, b"er"), (16, b"answer")]
    assert case.wire.watched == select.POLLIN


def test_why_reading_failed_is_told(case: Case) -> None:
    timed_out = OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    assert "Connection timed out" in case.run((3, timed_out))


def test_broken_bytes_are_told_to_who_sent_them_and_what_came_before_counts(case: Case) -> None:
    case.answer = b"answer"
    assert "broken bytes" in case.run((3, BEAT + b"\x01\x00\x00\x00\x00\x00\x01x\xff"))
    assert len(case.frames) == 1
    [(_, answer), (_, last)] = case.wire.written
    [(channel, close, _)] = codec.Decoder().feed(last)
    assert answer == b"answer" and channel == 0
    assert isinstance(close, methods.ConnectionClose) and close.reply_code == 501


def test_who_ended_it_is_told_as_the_reason(case: Case) -> None:
    case.loop.break_off(ConnectionLostError("first"))
    case.loop.break_off(ConnectionLostError("second"))
    assert case.run() == "first"
    case.loop.break_off(ConnectionLostError("late"))
    assert len(case.losses) == 1
