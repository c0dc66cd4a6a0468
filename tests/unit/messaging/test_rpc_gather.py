"""Answers that many give, and requests that are posted: what is kept, and what is not."""

from __future__ import annotations

import threading

import pytest

from pelagos.core.clock import ManualClock, SystemClock
from pelagos.messaging import ConnectionLostError, codec
from pelagos.messaging.rpc.gather import LIFE, Gather, surplus
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.posting import Posting
from pelagos.messaging.transports.amqp.stream import Stream
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Delivery, Envelope, Properties

WAIT = 60.0


def answer(body: bytes) -> Delivery:
    return Delivery("q", "", "q", body, Properties(""), False, None)


def test_only_the_oldest_of_too_many_and_the_too_old_go() -> None:
    clock = ManualClock()
    gathers = []
    for number in range(1001):
        gathers.append(Gather(f"q{number}", [], clock))
        clock.advance(0.001)
    now = clock.monotonic()
    assert surplus(gathers[:999], now) == []
    assert surplus(reversed(gathers), now) == gathers[:2]
    assert surplus(gathers[:3], gathers[1].opened + LIFE + 0.0005) == gathers[:2]


def test_who_waits_gets_what_came_and_once() -> None:
    gather = Gather("q", [], SystemClock())
    gather.add(answer(b"1"))
    gather.add(answer(b"1"))  # of another server
    threading.Timer(0.02, gather.add, [answer(b"2")]).start()
    until = SystemClock.monotonic() + WAIT
    assert [one.body for one in gather.take(3, until)] == [b"1", b"1", b"2"]
    assert SystemClock.monotonic() < until - WAIT / 2
    gather.add(answer(b"3"))
    gather.asked_again()
    for body in (b"3", b"4", b"4"):
        gather.add(answer(body))
    assert [one.body for one in gather.take(9, 0.0)] == [b"3", b"4"]
    assert gather.take(9, 0.0) == []


class Sink(Stream):
    def __init__(self) -> None:
        self.count = 0

    def write(self, data: bytes | memoryview) -> int:
        self.count += 1
        return len(data)


def test_a_request_is_posted_only_where_it_may_be_lost_and_others_count_it() -> None:
    sink = Sink()
    outgoing = Outgoing(sink, lambda: None)
    posting = Posting(outgoing, codec.FRAME_MAX)

    def post(body: bytes = b"x", *, at_once: bool = True, reply_to: str = "q") -> bool:
        envelope = Envelope("", "work", body, Properties("id", reply_to=reply_to))
        return posting.post(envelope, at_once=at_once)

    assert post() and sink.count == 1
    assert post(at_once=False) and sink.count == 1, "it waits for others"
    assert not post(reply_to=DIRECT_REPLY_TO)
    outgoing.stuck = True
    assert post(bytes(1_048_576))
    assert not post(), "a broker that is busy"
    outgoing.send_from_loop(writable=True)
    assert post()
    posting.give_up(ConnectionLostError("first"))
    posting.give_up(ConnectionLostError("second"))
    with pytest.raises(ConnectionLostError, match="first"):
        post()
