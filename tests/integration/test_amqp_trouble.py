"""Our connection where the system lacks something, a broker is curt, or we are interrupted."""

from __future__ import annotations

import contextlib
import pathlib
import queue
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.messaging import (
    BrokerUnreachableError,
    ConnectionLostError,
    LoginError,
    MessagingError,
    codec,
    connect,
)
from pelagos.messaging.codec import Method, methods
from pelagos.messaging.transports.amqp import stream
from pelagos.messaging.transports.base import Envelope, Properties
from support.fake_broker import OPEN_OK, START, TUNE, WAIT, FakeBroker, Peer


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


def frames(*said: Method) -> bytes:
    return b"".join(codec.encode_method(0, method) for method in said)


def opening(*, after_tune: bytes = b"", after_open: bytes = b"") -> Callable[[Peer], None]:
    """A broker that says more than it is asked for."""

    def script(peer: Peer) -> None:
        assert peer.link.recv(8) == codec.PROTOCOL_HEADER
        peer.send(START)
        peer._await(methods.ConnectionStartOk)
        peer.send(TUNE + after_tune)
        peer._await(methods.ConnectionOpen)
        peer.send(OPEN_OK + after_open)
        peer.serve()

    return script


def opened(broker: FakeBroker) -> tuple[Any, Peer]:
    return connect(broker.url()).open(WAIT), broker.peer()


# Opening.


@pytest.mark.parametrize("host", ["a" * 64, "a..b", ".x", "ü" * 70])
def test_a_name_that_no_host_can_have_is_an_unreachable_broker(host: str) -> None:
    with pytest.raises(BrokerUnreachableError, match="label"):
        connect(f"amqp://{host}/").open(WAIT)


def test_an_address_of_a_kind_that_the_system_lacks_leaves_the_others(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = stream._resolve

    def resolve_both(*asked: Any) -> list[Any]:
        return [(99, socket.SOCK_STREAM, 0, "", ("::1", broker.port)), *resolve(*asked)]

    monkeypatch.setattr(stream, "_resolve", resolve_both)
    link = connect(broker.url()).open(WAIT)
    assert link.is_open
    link.close()


def test_why_a_broker_hangs_up_is_told_though_it_waits_for_no_answer() -> None:
    refused = threading.Event()

    def script(peer: Peer) -> None:
        assert peer.link.recv(8) == codec.PROTOCOL_HEADER
        peer.send(START + TUNE + frames(methods.ConnectionClose(403, "ACCESS_REFUSED")))
        peer.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer._await(methods.ConnectionStartOk)
        peer.link.close()
        refused.set()

    class Late(stream.Stream):
        """Writes its second time when the broker has gone."""

        def write_all(self, data: bytes) -> None:
            if data[7:11] == struct.pack(">HH", *methods.ConnectionTuneOk.INDEX):
                assert refused.wait(WAIT)
            super().write_all(data)

    with FakeBroker(script) as broker, pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "Stream", Late)
        with pytest.raises(LoginError, match="ACCESS_REFUSED"):
            connect(broker.url()).open(WAIT)


def test_what_a_broker_says_right_behind_the_handshake_is_heard() -> None:
    blocked = frames(methods.ConnectionBlocked("low on disk"))
    with FakeBroker(opening(after_open=blocked)) as broker:
        link = connect(broker.url()).open(WAIT)
        assert link.blocked == "low on disk"
        link.close()
    closing = frames(methods.ConnectionClose(320, "CONNECTION_FORCED"))
    with (
        FakeBroker(opening(after_open=closing)) as broker,
        pytest.raises(BrokerUnreachableError, match="320 CONNECTION_FORCED"),
    ):
        connect(broker.url()).open(WAIT)


def test_a_system_without_threads_costs_an_attempt_and_nothing_else(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name == "amqp":
            raise RuntimeError("can't start new thread")
        start(thread)

    bus = connect(broker.url())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        before = open_signs()
        with pytest.raises(RuntimeError, match="can't start"):
            bus.open(WAIT)
        assert open_signs() == before
        while broker.peer().heard.get(timeout=WAIT) is not None:
            pass
    bus.open(WAIT).close()


def open_signs() -> int:
    found = 0
    for file in pathlib.Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += "eventfd" in str(file.readlink())
    return found


# Interruptions.


class _StopError(Exception):
    pass


def _stop(*_: object) -> None:
    raise _StopError


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Lets a signal's handler raise in the main thread."""
    handler = signal.signal(signal.SIGUSR1, _stop)
    main = threading.main_thread().ident
    assert main is not None
    yield lambda: signal.pthread_kill(main, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, handler)


def test_nobody_is_given_the_answer_for_who_was_interrupted(
    broker: FakeBroker, interrupt: Callable[[], None]
) -> None:
    link, peer = opened(broker)
    peer.silent = True

    def answer() -> None:
        peer.take(methods.QueuePurge)
        while not link._requests._waiting._condition._waiters:
            pass  # who asked has still to wait
        interrupt()
        heard = iter(peer.heard.get, None)
        if any(isinstance(frame[1], methods.QueuePurge) for frame in heard):
            peer.say(2, methods.QueuePurgeOk(111))

    threading.Thread(target=answer).start()
    with pytest.raises(_StopError):
        link.purge_queue("one")
    with pytest.raises(ConnectionLostError):
        link.purge_queue("two")
    link.close()


def test_nothing_is_delivered_to_a_consumer_of_who_was_interrupted(
    broker: FakeBroker, interrupt: Callable[[], None]
) -> None:
    link, peer = opened(broker)
    peer.silent = True
    ended: queue.SimpleQueue[MessagingError] = queue.SimpleQueue()
    got: queue.SimpleQueue[object] = queue.SimpleQueue()

    def answer() -> None:
        peer.take(methods.BasicConsume)
        while not link._consumers._subscriptions[5, "pelagos.1"].future._condition._waiters:
            pass
        interrupt()

    threading.Thread(target=answer).start()
    with pytest.raises(_StopError):
        link.consume("q", got.put, ended.put, prefetch=1)
    peer.say(5, methods.BasicConsumeOk("pelagos.1"))
    peer.send(peer.deliver(5, "pelagos.1", 1, 1))
    link.close()
    assert not link.is_open and got.empty()


def test_a_callback_that_fails_ends_the_connection_and_is_told(
    broker: FakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    link, peer = opened(broker)
    peer.silent = True
    others: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()

    def leave(_problem: MessagingError | None) -> None:
        raise SystemExit(3)

    for number, done in enumerate((leave, others.put)):
        link.publish(Envelope("", "q", b"", Properties(str(number))), done)
    peer.say(1, methods.BasicAck(1))
    problem = others.get(timeout=WAIT)
    assert isinstance(problem, ConnectionLostError) and "SystemExit: 3" in str(problem)
    link.close()
    assert "failed" in caplog.text
