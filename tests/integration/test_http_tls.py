"""The pooled transport over TLS: whom it trusts, as whom it comes, and what it says otherwise."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.core.certificate import Authority, describe
from pelagos.core.http import (
    ClientTls,
    HttpClient,
    HttpProtocolError,
    HttpTimeout,
    HttpTlsError,
    HttpUnreachable,
)
from pelagos.core.web import PEER_CERTIFICATE, Server
from pelagos.slap.client import SlapClient
from support.tls_site import DAY, Site, serve_tls

pytestmark = pytest.mark.integration


def app(environ: dict[str, object], start: Callable[..., object]) -> Iterable[bytes]:
    shown = environ.get(PEER_CERTIFICATE)
    who = describe(shown).serial if isinstance(shown, bytes) else "nobody"
    body = f"{who} {environ['REMOTE_PORT']}".encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = serve_tls(tmp_path, app)
    yield site
    site.server.stop()


def ask(url: str, tls: ClientTls | None) -> str:
    with contextlib.closing(HttpClient(url, tls=tls, timeout=60)) as client:
        return client.request("GET", "who").text.split()[0]


def test_connections_are_kept(site: Site):
    with contextlib.closing(site.client()) as client:
        assert len({client.request("GET", "who").text for _ in range(5)}) == 1


def refused(url: str, tls: ClientTls | None, says: str) -> HttpTlsError:
    with pytest.raises(HttpTlsError, match=says) as caught:
        ask(url, tls)
    assert caught.value.retry_after is None
    assert caught.value.hint
    assert url in caught.value.url
    return caught.value


def test_a_server_is_not_believed_without_its_authority(site: Site, tmp_path: Path):
    url = site.server.url
    assert (
        refused(url, None, "not from an authority that is trusted here").problem
        == "unknown-authority"
    )
    Authority.open(tmp_path / "other", name="other", now=time.time())
    other = ClientTls(tmp_path / "other/ca.pem")
    assert (
        refused(url, other, "not from an authority that is trusted here").problem
        == "unknown-authority"
    )


def test_a_server_under_another_name_is_not_believed(tmp_path: Path):
    site = serve_tls(tmp_path, app, names=("master.example.com",))
    try:
        error = refused(site.server.url, site.trust(), "for other (names|addresses)")
        assert error.problem == "wrong-name"
        assert "127.0.0.1" in str(error.hint)
        url = f"https://localhost:{site.port}"
        error = refused(url, site.trust(), "for other names")
        assert error.problem == "wrong-name" and "localhost" in str(error.hint)
    finally:
        site.server.stop()


def test_a_server_whose_certificate_ended_is_not_believed(tmp_path: Path):
    site = serve_tls(tmp_path, app, lifetime=0.1)
    time.sleep(1.2)
    try:
        error = refused(site.server.url, site.trust(), "certificate has expired")
        assert error.problem == "server-expired"
        assert "clock" in str(error.hint)
    finally:
        site.server.stop()


def test_an_own_certificate_of_a_stranger_is_told(site: Site, tmp_path: Path):
    other = Authority.open(tmp_path / "other", name="other", now=time.time())
    site.issue("stranger", authority=other)
    assert (
        refused(site.server.url, site.trust("stranger"), "does not know the authority").problem
        == "own-unknown"
    )


def test_an_own_certificate_that_ended_is_told(site: Site):
    site.issue("me", lifetime=0.1)
    time.sleep(1.2)
    assert (
        refused(site.server.url, site.trust("me"), "our certificate has expired").problem
        == "own-expired"
    )


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("ca/ca.pem", None, "cannot read .*ca.pem: No such file"),
        ("ca/ca.pem", "s3cret", "ca.pem does not hold the certificate of an authority"),
        ("me.pem", None, "cannot read .*me.pem"),
        ("me.pem", "s3cret", "do not hold a certificate and its key"),
        ("me.key", "s3cret", "do not hold a certificate and its key"),
    ],
)
def test_a_wrong_file_is_named_and_not_quoted(
    site: Site, file: str, content: str | None, says: str
):
    site.issue("me")
    path = site.folder / file
    path.unlink() if content is None else path.write_text(content)
    error = refused(site.server.url, site.trust("me"), says)
    assert error.problem == "wrong-file" and "s3cret" not in str(error)


def test_http_where_tls_is_meant_is_told():
    server = Server(app)
    server.start()
    try:
        url = server.url.replace("http:", "https:")
        error = refused(url, None, "does not speak TLS")
        assert error.problem == "no-tls" and "http://" in str(error.hint)
    finally:
        server.stop()


def test_tls_where_http_is_meant_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):  # a GET is sent once more
                peer, _ = listener.accept()
                with peer:
                    peer.recv(4096)
                    peer.sendall(b"\x15\x03\x01\x00\x02\x02\x46")  # alert: protocol version

        thread = threading.Thread(target=serve)
        thread.start()
        client = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=5)
        with pytest.raises(HttpProtocolError) as caught, contextlib.closing(client):
            client.request("GET", "x")
        thread.join()
    assert "https://" in str(caught.value.hint)


@pytest.mark.parametrize("pin", [None, "0" * 64])
def test_a_silent_server_is_a_timeout(pin: str | None):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        client = HttpClient(url, tls=ClientTls(fingerprint=pin), timeout=0.3)
        before = time.monotonic()
        with pytest.raises(HttpTimeout, match=r"within 0.3 s"):
            client.request("GET", "x")
        assert time.monotonic() - before < 30
        client.close()


def test_nobody_there_is_unreachable_with_a_pin_too():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{free.getsockname()[1]}"
        for tls in (None, ClientTls(fingerprint="0" * 64)):
            with pytest.raises(HttpUnreachable, match="nobody answers"):
                ask(url, tls)


def test_a_fingerprint_is_enough_to_trust_a_server(site: Site):
    pin = site.authority.fingerprint
    spelt = ":".join(pin[at : at + 2] for at in range(0, 64, 2)).upper()
    for tls in (
        ClientTls(fingerprint=pin),
        ClientTls(fingerprint=spelt),
        replace(site.trust(), fingerprint=pin),
    ):
        assert ask(site.server.url, tls) == "nobody"


def test_another_fingerprint_is_refused(site: Site):
    leaf = ssl.get_server_certificate(("127.0.0.1", site.port))
    pins = ["0" * 64, hashlib.sha256(b"x").hexdigest()]
    for pin in pins:
        assert (
            refused(site.server.url, ClientTls(fingerprint=pin), "has the finger").problem
            == "unknown-authority"
        )
        tls = replace(site.trust(), fingerprint=pin)
        assert (
            refused(site.server.url, tls, "ca.pem has the fingerprint").problem
            == "unknown-authority"
        )
    # A leaf is no authority, even where somebody pinned it.
    tls = ClientTls(fingerprint=describe(leaf).fingerprint)
    assert refused(site.server.url, tls, "not from an authority").problem == "unknown-authority"


def test_a_chain_with_a_foreign_authority_in_it_is_refused(tmp_path: Path):
    site = serve_tls(tmp_path / "good", app)
    evil = serve_tls(tmp_path / "evil", app)
    try:
        shown = tmp_path / "evil/server.pem"
        leaf = shown.read_text().partition("-----END CERTIFICATE-----\n")
        shown.write_text(leaf[0] + leaf[1] + site.authority.certificate)
        evil.server.renew_certificate()
        tls = ClientTls(fingerprint=site.authority.fingerprint)
        assert (
            refused(evil.server.url, tls, "not from an authority").problem == "unknown-authority"
        )
    finally:
        evil.server.stop()
        site.server.stop()


def test_a_replaced_certificate_is_used_without_a_restart(site: Site):
    first = site.issue("me")
    with contextlib.closing(site.client("me")) as client:
        assert client.request("GET", "who").text.split()[0] == first
        second = site.issue("me")
        assert client.request("GET", "who").text.split()[0] == second


def test_half_a_renewal_keeps_the_former(site: Site, caplog: pytest.LogCaptureFixture):
    first = site.issue("me")
    with contextlib.closing(site.client("me")) as client:
        assert client.request("GET", "who").text.split()[0] == first
        certificate = site.folder / "me.pem"
        former = certificate.read_text()
        second = site.issue("me")
        renewed = certificate.read_text()
        certificate.write_text(former)  # the key is new already
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                assert client.request("GET", "who").text.split()[0] == first
        assert len(caplog.records) == 1
        certificate.write_text(renewed)
        assert client.request("GET", "who").text.split()[0] == second


def test_a_key_may_stand_in_the_file_of_its_certificate(site: Site):
    serial = site.issue("me")
    both = site.folder / "both.pem"
    both.write_text((site.folder / "me.key").read_text() + (site.folder / "me.pem").read_text())
    assert ask(site.server.url, ClientTls(site.trust().authority, both)) == serial


def test_the_slap_client_keeps_its_certificate_as_somebody_else(site: Site):
    site.issue("me")
    client = SlapClient(site.server.url, tls=site.trust("me"), timeout=60)
    other = client.with_token("token")
    with contextlib.closing(other._http) as http:
        assert http.request("GET", "who").text.split()[0] != "nobody"


def test_threads_share_a_client_while_its_certificate_changes(site: Site):
    serials = [site.issue("me", lifetime=DAY)]
    seen: set[str] = set()
    with contextlib.closing(site.client("me")) as client:

        def work() -> None:
            for _ in range(30):
                seen.add(client.request("GET", "who").text.split()[0])

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            serials.append(site.issue("me"))
            time.sleep(0.02)
        for thread in threads:
            thread.join()
        assert client.request("GET", "who").text.split()[0] == serials[-1]
    assert seen <= set(serials)
