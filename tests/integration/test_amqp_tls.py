"""Encrypted connections to a broker, with both implementations."""

from __future__ import annotations

import contextlib
import os
import pty
import queue
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pelagos.core.certificate import Authority, save_pair
from pelagos.messaging import BrokerUnreachableError, BusUrlError, MessagingError, connect
from pelagos.messaging.transports.amqp.stream import Stream
from pelagos.messaging.transports.base import Delivery, Envelope, Properties, Queue
from support.fake_broker import WAIT, FakeBroker

DAY = 86_400.0


@pytest.fixture
def pems(tmp_path: Path) -> Path:
    """A folder with an authority, a broker's certificate and a client's."""
    authority = Authority.open(tmp_path / "ca", name="tests", now=time.time())
    server = authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=DAY)
    save_pair(server, tmp_path / "server.pem", tmp_path / "server.key")
    elsewhere = authority.issue_server(["elsewhere"], now=time.time(), lifetime=DAY)
    save_pair(elsewhere, tmp_path / "elsewhere.pem", tmp_path / "elsewhere.key")
    client = authority.issue("me", "computer", now=time.time(), lifetime=DAY)
    save_pair(client, tmp_path / "client.pem", tmp_path / "client.key")
    return tmp_path


@pytest.fixture
def serve(pems: Path) -> Iterator[Callable[..., FakeBroker]]:
    brokers: list[FakeBroker] = []

    def start(name: str = "server", *, asks: bool = False) -> FakeBroker:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pems / f"{name}.pem", pems / f"{name}.key")
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(pems / "ca/ca.pem")
        brokers.append(FakeBroker(context=context))
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.close()


@pytest.mark.parametrize("engine", ["amqps", "amqps+pika"])
def test_messages_of_any_size_go_both_ways(
    serve: Callable[..., FakeBroker], pems: Path, engine: str
) -> None:
    broker = serve(asks=True)
    options = f"?ca={pems}/ca/ca.pem&cert={pems}/client.pem&key={pems}/client.key"
    link = connect(broker.url(options).replace("amqps", engine, 1)).open(WAIT)
    peer = broker.peer()
    assert link.declare_queue(Queue("q")).name == "q"
    answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    for size in (0, 1, 40_000, 3_000_000):
        link.publish(Envelope("", "q", bytes(size), Properties("m")), answers.put)
    assert [answers.get(timeout=WAIT) for _ in range(4)] == [None] * 4
    items: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    name = link.consume("q", items.put, print, prefetch=100)
    channel = 5 if engine == "amqps" else 3
    peer.send(peer.deliver(channel, name, 1, 50, b"y" * 50_000))
    for _ in range(50):
        delivery = items.get(timeout=WAIT)
        assert delivery.body == b"y" * 50_000
        link.ack(delivery)
    link.close()


@pytest.mark.parametrize("engine", ["amqps", "amqps+pika"])
def test_a_broker_that_is_somebody_else_is_refused_unless_nobody_looks(
    serve: Callable[..., FakeBroker], pems: Path, engine: str
) -> None:
    unknown, elsewhere = serve(), serve("elsewhere")
    for broker, options, hint in (
        (unknown, "", "ca=FILE"),
        (elsewhere, f"?ca={pems}/ca/ca.pem", "name the host"),
    ):
        with pytest.raises(BrokerUnreachableError, match="certificate is refused") as caught:
            connect(broker.url(options).replace("amqps", engine, 1)).open(5)
        assert hint in str(caught.value.hint)
    link = connect(elsewhere.url("?verify=no").replace("amqps", engine, 1)).open(WAIT)
    assert link.is_open
    link.close()


@pytest.mark.parametrize("is_slow", [False, True])
def test_a_broker_that_asks_for_a_certificate_refuses_who_has_none(
    serve: Callable[..., FakeBroker], pems: Path, monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    write_all = Stream.write_all

    def write_slowly(stream: Stream, data: bytes) -> None:
        time.sleep(0.3)  # the broker has gone by then
        write_all(stream, data)

    if is_slow:
        monkeypatch.setattr(Stream, "write_all", write_slowly)
    with pytest.raises(BrokerUnreachableError, match="certificate required") as caught:
        connect(serve(asks=True).url(f"?ca={pems}/ca/ca.pem")).open(5)
    assert "cert=FILE" in str(caught.value.hint)


@pytest.mark.parametrize("engine", ["amqps", "amqps+pika"])
def test_files_that_hold_no_certificates_are_said_at_once(pems: Path, engine: str) -> None:
    (pems / "empty.pem").write_text("")
    for options in (f"ca={pems}/absent", f"ca={pems}/empty.pem", f"cert={pems}/ca/ca.pem"):
        with pytest.raises(BusUrlError, match="certificates"):
            connect(f"{engine}://127.0.0.1:1/?{options}").open(5)


@pytest.mark.parametrize(
    ("scheme", "answer", "said", "hint"),
    [
        ("amqps", b"AMQP\0\0\x09\x01", "speaks no TLS", "amqp:"),
        ("amqps+pika", b"AMQP\0\0\x09\x01", "speaks no TLS", "amqp:"),
        ("amqp", b"\x15\x03\x01\0\x02\x02\x46", "the port speaks TLS", "amqps:"),
        ("amqp", b"", "without a word", "amqps:"),
    ],
)
def test_a_port_that_is_encrypted_otherwise_than_the_url_says_is_told(
    scheme: str, answer: bytes, said: str, hint: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        thread = threading.Thread(target=answer_once, args=(server, answer))
        thread.start()
        with pytest.raises(BrokerUnreachableError, match=said) as caught:
            connect(f"{scheme}://127.0.0.1:{port}/").open(5)
        thread.join(WAIT)
    assert hint in str(caught.value.hint)


def answer_once(server: socket.socket, answer: bytes) -> None:
    """What a real one says to a greeting that it does not know."""
    link, _ = server.accept()
    with link, contextlib.suppress(OSError):
        link.recv(1 << 16)
        link.sendall(answer)
        if answer:
            link.recv(1 << 16)


def test_nobody_is_asked_for_the_password_of_a_key(pems: Path) -> None:
    key = serialization.load_pem_private_key((pems / "client.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    (pems / "locked.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    program = (
        "import os, sys; os.login_tty(0)\n"
        "from pelagos.messaging import BusUrlError, connect\n"
        "try: connect(sys.argv[1]).open(5)\n"
        "except BusUrlError as error: sys.exit(9)\n"
    )
    url = f"amqps://127.0.0.1:1/?cert={pems}/client.pem&key={pems}/locked.key"
    ours, theirs = pty.openpty()  # a terminal at which nobody sits
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program, url],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            timeout=WAIT,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert ended.returncode == 9
