"""Sockets that are empty, full or ended, plain and encrypted; a broker of few or wrong words."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.certificate import Authority, save_pair
from pelagos.messaging import BrokerUnreachableError, LoginError, MessagingError, codec, connect
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.amqp.stream import CHUNK, Stream, TlsStream
from pelagos.messaging.transports.base import Envelope, Properties
from support.fake_broker import CAPABILITIES, START, WAIT, FakeBroker, Peer


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    """A server's, with a certificate for 127.0.0.1."""
    authority = Authority.open(tmp_path / "ca", name="tests", now=time.time())
    pair = authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=86_400.0)
    save_pair(pair, tmp_path / "server.pem", tmp_path / "server.key")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    return made


@pytest.fixture(params=["plain", "encrypted"])
def ends(
    request: pytest.FixtureRequest, context: ssl.SSLContext
) -> Iterator[tuple[Stream, socket.socket]]:
    """A released stream, and the other end of it."""
    ours, theirs = socket.socketpair()
    stream = Stream(ours)
    if request.param == "encrypted":
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        wrapped: queue.SimpleQueue[ssl.SSLSocket] = queue.SimpleQueue()
        plain = theirs
        thread = threading.Thread(
            target=lambda: wrapped.put(context.wrap_socket(plain, server_side=True))
        )
        thread.start()
        stream = TlsStream(trusting.wrap_socket(ours))
        theirs = wrapped.get(timeout=WAIT)
        thread.join(WAIT)
    stream.release()
    yield stream, theirs
    stream.close()
    theirs.close()


def test_nobody_waits_for_a_socket_that_is_empty_or_full(
    ends: tuple[Stream, socket.socket],
) -> None:
    stream, theirs = ends
    while (data := stream.read()) is not None:  # tickets of TLS
        assert data
    assert not stream.has_more
    written = 0
    piece = bytes(range(256)) * 64
    parts = [memoryview(piece)]
    heard: list[bytes] = []
    while count := stream.write(parts[0]):
        written += count
        parts = [parts[0][count:] or memoryview(piece)]
    assert stream.write(parts[0]) == 0
    while sum(map(len, heard)) < written:
        heard.append(theirs.recv(CHUNK))
    assert stream.write(parts[0]) > 0
    whole = b"".join(heard)
    assert whole[:written] == (piece * (written // len(piece) + 1))[:written]


def test_all_that_came_is_read_before_the_next_sign_is_waited_for(
    ends: tuple[Stream, socket.socket],
) -> None:
    stream, theirs = ends
    theirs.sendall(bytes(CHUNK) + b"rest")
    heard = b""
    while len(heard) < CHUNK + 4:
        data = stream.read()
        heard += data or b""
        if data is not None and len(data) == CHUNK:
            assert stream.has_more
    while stream.read() is not None:
        pass
    assert not stream.has_more
    with contextlib.suppress(OSError):
        theirs.shutdown(socket.SHUT_RDWR)
    assert stream.read() == b""


def test_an_encrypted_broker_that_reads_late_gets_all_of_it(
    context: ssl.SSLContext, tmp_path: Path
) -> None:
    with FakeBroker(context=context) as broker:
        link = connect(broker.url(f"?ca={tmp_path / 'ca/ca.pem'}")).open(WAIT)
        peer = broker.peer()
        peer.held.set()
        answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
        for number in range(100):
            link.publish(Envelope("", "q", bytes(100_000), Properties(str(number))), answers.put)
        peer.held.clear()
        peer.released.set()
        assert [answers.get(timeout=WAIT) for _ in range(100)] == [None] * 100
        link.close()


# Words.


def test_a_broker_without_passwords_refuses_the_login() -> None:
    def script(peer: Peer) -> None:
        start = methods.ConnectionStart(
            server_properties={"capabilities": CAPABILITIES}, mechanisms=b"EXTERNAL GSSAPI"
        )
        peer.say(0, start)
        peer.released.wait(WAIT)

    with FakeBroker(script) as broker, pytest.raises(LoginError, match="EXTERNAL GSSAPI"):
        connect(broker.url()).open(WAIT)


def test_a_broker_that_speaks_too_slowly_is_given_up_in_time() -> None:
    def script(peer: Peer) -> None:
        for at in range(len(START)):
            peer.send(START[at : at + 1])
            if peer.released.wait(0.05):
                return

    with FakeBroker(script) as broker, pytest.raises(BrokerUnreachableError, match="in time"):
        connect(broker.url()).open(0.3)


def test_a_broker_is_told_what_was_wrong_with_its_bytes() -> None:
    with FakeBroker() as broker:
        link, peer = connect(broker.url()).open(WAIT), broker.peer()
        peer.silent = True
        answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
        link.publish(Envelope("", "q", b"x", Properties("1")), answers.put)
        peer.send(b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x1e\xff")
        close = peer.take(methods.ConnectionClose)
        assert close.reply_code == 501 and "does not end" in close.reply_text
        assert "does not end" in str(answers.get(timeout=WAIT))
        link.close()


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ((0, 0, 0), (65_535, 131_072, 7)),
        ((100, 4096, 3), (100, 4096, 3)),
        ((65_535, 131_073, 60), (65_535, 131_072, 7)),
    ],
)
def test_each_side_keeps_within_the_limits_of_the_other(
    offer: tuple[int, int, int], agreed: tuple[int, int, int]
) -> None:
    heard: queue.SimpleQueue[object] = queue.SimpleQueue()

    def script(peer: Peer) -> None:
        assert peer.link.recv(8) == codec.PROTOCOL_HEADER
        peer.send(START)
        peer._await(methods.ConnectionStartOk)
        peer.say(0, methods.ConnectionTune(*offer))
        while not peer._backlog:
            peer._backlog += peer.decoder.feed(peer.link.recv(4096))
        heard.put(peer._backlog[0][1])
        peer.say(0, methods.ConnectionClose(530, "NOT_ALLOWED - no such virtual host"))
        peer._await(methods.ConnectionCloseOk)
        heard.put("agreed to the end")

    with FakeBroker(script) as broker:
        with pytest.raises(LoginError, match="no such virtual host"):
            connect(broker.url("?heartbeat=7")).open(WAIT)
        assert heard.get(timeout=WAIT) == methods.ConnectionTuneOk(*agreed)
        assert heard.get(timeout=WAIT) == "agreed to the end"
