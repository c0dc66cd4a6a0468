"""HTTPS by doing: good peers, silent ones, hung ones, and such as speak something else."""

from __future__ import annotations

import contextlib
import errno
import http.client
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from pelagos.core.certificate import Authority, describe, save_pair
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient, HttpTlsError
from pelagos.core.web import PEER_CERTIFICATE, Server, ServerTls, connections
from support.tls_site import DAY, Site, serve_tls

pytestmark = pytest.mark.integration


def app(environ: dict[str, object], start: Callable[..., object]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/large":
        start("200 OK", [("Content-Length", str(1 << 20))])
        return [bytes(1 << 20)]
    shown = environ.get(PEER_CERTIFICATE)
    who = describe(shown).serial if isinstance(shown, bytes) else "nobody"
    body = f"{environ['wsgi.url_scheme']} {who}".encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = serve_tls(tmp_path, app)
    yield site
    site.server.stop()


@pytest.fixture
def no_tracebacks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    bad = [r for r in caplog.records if r.exc_info or r.levelno >= logging.WARNING]
    assert not bad, bad


def test_the_url_says_https_and_a_stranger_is_served_as_nobody(site: Site):
    assert site.server.url == f"https://127.0.0.1:{site.port}"
    assert site.ask() == "https nobody"


def test_a_client_certificate_reaches_the_application(site: Site):
    serial = site.issue("COMP-1")
    assert site.ask("COMP-1") == f"https {serial}"


def test_nobody_is_asked_for_a_certificate_without_an_authority(tmp_path: Path):
    site = serve_tls(tmp_path, app, client_authority=False)
    site.issue("COMP-1")
    try:
        assert site.ask("COMP-1") == "https nobody"
    finally:
        site.server.stop()


def test_a_header_cannot_pretend_to_be_a_certificate(site: Site):
    with contextlib.closing(site.client()) as client:
        answer = client.request("GET", "who", headers={"Pelagos.Peer_Certificate": "x"})
    assert answer.text == "https nobody"


def test_a_certificate_that_ends_on_a_kept_connection_counts_no_longer(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    serial = site.issue("COMP-1", lifetime=3600)
    ends = time.time() + 3600
    with contextlib.closing(site.client("COMP-1")) as client:
        assert client.request("GET", "who").text == f"https {serial}"
        monkeypatch.setattr(time, "time", lambda: ends + 1)
        assert client.request("GET", "who").text == "https nobody"


def test_old_versions_of_tls_are_refused(site: Site):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with site.connect() as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_serve_many_requests_on_one_connection(
    site: Site, version: ssl.TLSVersion
):
    context = ssl.create_default_context(cafile=site.folder / "ca/ca.pem")
    context.maximum_version = context.minimum_version = version
    peer = http.client.HTTPSConnection("localhost", site.port, context=context, timeout=60)
    with contextlib.closing(peer):
        for path, size in (("/who", 12), ("/large", 1 << 20), ("/who", 12)) * 3:
            peer.request("GET", path)
            assert len(peer.getresponse().read()) == size


def test_requests_sent_ahead_are_all_answered(site: Site):
    context = ssl.create_default_context(cafile=site.folder / "ca/ca.pem")
    with context.wrap_socket(site.connect(), server_hostname="127.0.0.1") as peer:
        peer.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        seen = b""
        while seen.count(b"https nobody") < 5:
            piece = peer.recv(4096)
            assert piece
            seen += piece


@pytest.mark.usefixtures("no_tracebacks")
def test_hung_peers_hold_up_nobody(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "HANDSHAKE_TIMEOUT", 1.5)
    site.issue("COMP-1")
    hello = client_hello()
    threads, files = threading.active_count(), open_files()
    with contextlib.ExitStack() as hung:
        for number in range(90):
            peer = hung.enter_context(site.connect())
            # silent; in the middle of the first word; after it; with half a head of HTTP
            peer.sendall((b"", hello[:50], hello)[number % 3])
        before = time.monotonic()
        for _ in range(20):
            assert site.ask("COMP-1").startswith("https ")
        assert time.monotonic() - before < 12
        assert threading.active_count() <= threads
        assert open_files() >= files + 90
        wait_until(lambda: open_files() <= files + 90)  # only our own ends are left
    wait_until(lambda: open_files() <= files)


@pytest.mark.usefixtures("no_tracebacks")
def test_slow_heads_hold_up_nobody(site: Site):
    context = ssl.create_default_context(cafile=site.folder / "ca/ca.pem")
    with contextlib.ExitStack() as slow:
        for _ in range(20):
            peer = slow.enter_context(
                context.wrap_socket(site.connect(), server_hostname="127.0.0.1")
            )
            peer.sendall(b"GET /who HTTP/1.1\r\nHost:")
        assert site.ask() == "https nobody"
        peer.sendall(b" x\r\n\r\n")
        assert peer.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("no_tracebacks")
def test_peers_that_vanish_or_talk_rubbish_leave_nothing_behind(site: Site):
    files, hello = open_files(), client_hello()
    for words in (b"", b"\x16\x03\x01", hello[:80], hello, b"\x16" + os.urandom(400), b"\0" * 99):
        for _ in range(5):
            with site.connect() as peer:
                peer.sendall(words)
    assert site.ask() == "https nobody"
    wait_until(lambda: open_files() <= files)


@pytest.mark.usefixtures("no_tracebacks")
def test_plain_http_gets_a_clear_answer(site: Site):
    client = HttpClient(site.server.url.replace("https:", "http:"), timeout=60)
    with contextlib.closing(client):
        answer = client.request("POST", "who", json={"a": "x" * 200_000})
    assert answer.status == 400
    assert answer.json()["error"]["code"] == "tls-required"
    assert "https://" in answer.json()["error"]["hint"]


@pytest.mark.usefixtures("no_tracebacks")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_of_a_stranger_is_refused_in_words(
    site: Site, tmp_path: Path, version: ssl.TLSVersion
):
    other = Authority.open(tmp_path / "other", name="other", now=time.time())
    site.issue("stranger", authority=other)
    context = ssl.create_default_context(cafile=site.folder / "ca/ca.pem")
    context.maximum_version = version
    context.load_cert_chain(tmp_path / "stranger.pem", tmp_path / "stranger.key")

    def ask() -> None:
        with context.wrap_socket(site.connect(), server_hostname="127.0.0.1") as peer:
            peer.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
            peer.recv(10)

    with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
        ask()


def test_a_renewed_certificate_is_shown_without_a_pause(site: Site):
    def shown() -> str:
        pem = ssl.get_server_certificate(("127.0.0.1", site.port), timeout=60)
        return describe(pem).serial

    with contextlib.closing(site.client()) as kept:
        assert kept.request("GET", "who").status == 200
        former, stop, errors = shown(), threading.Event(), []

        def hammer() -> None:
            while not stop.is_set():
                try:
                    site.ask()
                except PelagosError as error:
                    errors.append(error)

        thread = threading.Thread(target=hammer)
        thread.start()
        issued = site.authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=DAY)
        save_pair(issued, site.folder / "server.pem", site.folder / "server.key")
        site.server.renew_certificate()
        assert shown() == issued.serial != former
        assert kept.request("GET", "who").status == 200
        stop.set()
        thread.join()
    assert not errors


def test_files_that_do_not_fit_leave_the_former_in_use(site: Site):
    issued = site.authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=DAY)
    key = site.folder / "server.key"
    key.write_text(str(issued.key))
    with pytest.raises(PelagosError, match="is not that of the certificate") as caught:
        site.server.renew_certificate()
    assert caught.value.hint
    assert site.ask() == "https nobody"


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("server.key", "s3cret", "do not hold a certificate and its key"),
        ("server.pem", "s3cret", "do not hold a certificate and its key"),
        ("ca/ca.pem", "s3cret", "does not hold the certificate of an authority"),
        ("server.key", None, "cannot read .*server.key: No such file"),
    ],
)
def test_a_wrong_file_stops_the_start_with_its_name(
    tmp_path: Path, file: str, content: str | None, says: str
):
    site = serve_tls(tmp_path, app)
    site.server.stop()
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(content)
    tls = ServerTls(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "ca/ca.pem")
    with pytest.raises(PelagosError, match=says) as caught:
        Server(app, tls=tls).start()
    assert caught.value.hint and "s3cret" not in str(caught.value)


def test_a_stop_in_the_middle_gives_all_sockets_back(tmp_path: Path):
    files = open_files()
    site = serve_tls(tmp_path, app)
    with site.connect() as silent, site.connect() as hung:
        hung.sendall(client_hello())
        assert site.ask() == "https nobody"
        site.server.stop()
        assert silent.recv(10) == b""
    wait_until(lambda: open_files() <= files)


class Full:
    """A listener that finds no socket left for the first peer."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.refused = 0

    def fileno(self) -> int:
        return self._listener.fileno()

    def accept(self) -> object:
        if not self.refused:
            self.refused += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._listener.accept()


def test_without_sockets_the_peer_nearest_its_end_makes_room(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    waiting = site.server._server._connections
    with site.connect() as silent:
        wait_until(lambda: len(waiting._waiting) == 1)
        full = Full(waiting._listener)
        monkeypatch.setattr(waiting, "_listener", full)
        assert site.ask() == "https nobody"
        assert full.refused == 1
        assert silent.recv(10) == b""
    assert "no room for another connection: Too many open files" in caplog.text


def test_a_refused_peer_that_goes_on_speaking_is_cut_off(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connections, "_LINGER", 0.3)

    def speak(peer: socket.socket) -> None:
        before = time.monotonic()
        while time.monotonic() - before < 10:
            peer.sendall(b"GET / HTTP/1.1\r\n" * 1000)

    with site.connect() as peer:
        with pytest.raises(ConnectionError):
            speak(peer)
        assert site.ask() == "https nobody"


def test_an_expired_own_certificate_is_told(site: Site):
    site.issue("COMP-1", lifetime=0.2)
    time.sleep(1.2)
    with pytest.raises(HttpTlsError, match="our certificate has expired") as caught:
        site.ask("COMP-1")
    assert caught.value.problem == "own-expired"


def client_hello() -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    sent = ssl.MemoryBIO()
    half = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    return sent.read()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
