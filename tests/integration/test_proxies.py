"""Requests that go through a proxy, because the environment says so."""

import base64
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pelagos.core.http import HttpTlsError, HttpUnreachable, Request
from pelagos.core.http.proxy import Proxies
from pelagos.core.http.transports.base import Transport
from pelagos.core.http.transports.lean import LeanTransport
from pelagos.core.http.transports.pooled import PooledTransport
from pelagos.core.http.types import ClientTls
from pelagos.one import OneServer, errors
from support.one_answers import text_answer
from support.tls_site import serve_tls

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
REFUSAL = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


class Proxy:
    """Notes the head of each request; answers by itself, or joins a CONNECT with a port."""

    def __init__(self, answer: bytes = ANSWER, joined: int | None = None) -> None:
        self.heads: list[str] = []
        self._answer, self._joined = answer, joined
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # until it is closed
            while True:
                threading.Thread(
                    target=self._serve, args=[self._listener.accept()[0]], daemon=True
                ).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received:
                received += client.recv(65536)
            self.heads.append(received.decode())
            if self._joined is None or not received.startswith(b"CONNECT"):
                client.sendall(self._answer)
                client.recv(65536)  # until it has been read
                return
            with socket.create_connection(("127.0.0.1", self._joined)) as server:
                client.sendall(b"HTTP/1.1 200 Joined\r\n\r\n")
                threading.Thread(target=_pass_on, args=[client, server], daemon=True).start()
                _pass_on(server, client)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it is closed already
            self._listener.shutdown(socket.SHUT_RDWR)  # else one more would be let in
        self._listener.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


Make = Callable[..., Proxy]


@pytest.fixture
def proxy() -> Iterator[Make]:
    made: list[Proxy] = []

    def make(answer: bytes = ANSWER, joined: int | None = None) -> Proxy:
        made.append(Proxy(answer, joined))
        return made[-1]

    yield make
    for one in made:
        one.close()


TRANSPORTS = [PooledTransport, LeanTransport]


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_plain_requests_are_handed_to_the_proxy(
    proxy: Make, kind: type[PooledTransport | LeanTransport]
) -> None:
    site = proxy()
    transport: Transport = kind(proxies=Proxies({"http_proxy": f"http://u:p%40ss@{site.address}"}))
    response = transport.send(Request("GET", "http://cloud.example/v2?a=b", {}, None, 10))
    assert response.body == b"hi"
    stream = transport.open(Request("GET", "http://cloud.example/v3", {}, None, 10))
    assert stream.read(10) == b"hi"
    stream.close()
    transport.close()
    assert site.heads[0].startswith("GET http://cloud.example/v2?a=b HTTP/1.1")
    said = base64.b64encode(b"u:p@ss").decode()
    assert f"proxy-authorization: basic {said.lower()}" in site.heads[0].lower()


@pytest.mark.parametrize("password", ["s€cret", "s%E2%82%ACcret"])
def test_a_password_of_a_proxy_may_have_any_character(proxy: Make, password: str) -> None:
    site = proxy()
    transport = PooledTransport(
        proxies=Proxies({"http_proxy": f"http://u:{password}@{site.address}"})
    )
    assert transport.send(Request("GET", "http://cloud.example/", {}, None, 10)).status == 200
    transport.close()
    said = base64.b64encode("u:s€cret".encode()).decode()
    assert f"proxy-authorization: basic {said.lower()}" in site.heads[0].lower()


def test_a_proxy_whose_name_cannot_be_one_is_said() -> None:
    transport = PooledTransport(proxies=Proxies({"http_proxy": "http://u:secret@a host:3128"}))
    with pytest.raises(HttpUnreachable, match="its proxy") as caught:
        transport.send(Request("GET", "http://cloud.example/", {}, None, 10))
    assert "secret" not in str(caught.value) and "no_proxy" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_a_proxy_that_is_not_there_or_refuses_is_said(
    proxy: Make, kind: type[PooledTransport | LeanTransport]
) -> None:
    gone = proxy()
    gone.close()
    for environment in (
        {"https_proxy": f"http://u:secret@{gone.address}"},
        {"https_proxy": f"http://u:secret@{proxy(REFUSAL).address}"},
    ):
        transport = kind(proxies=Proxies(environment))
        with pytest.raises(HttpUnreachable, match="through its proxy") as caught:
            transport.send(Request("GET", "https://cloud.example/", {}, None, 10))
        assert "secret" not in str(caught.value) and "no_proxy" in (caught.value.hint or "")
        transport.close()


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_tls_goes_through_a_tunnel_to_the_real_server(
    proxy: Make, kind: type[PooledTransport | LeanTransport], tmp_path: Path
) -> None:
    def app(_: object, start: Callable[..., object]) -> list[bytes]:
        start("200 OK", [("Content-Length", "2")])
        return [b"hi"]

    site = serve_tls(tmp_path, app, client_authority=False)
    tunnel = proxy(joined=int(site.server.url.rpartition(":")[2]))
    trusted = ClientTls(authority=tmp_path / "ca/ca.pem", is_verified=False)
    transport = kind(tls=trusted, proxies=Proxies({"https_proxy": tunnel.address}))
    try:
        response = transport.send(Request("GET", "https://cloud.example/", {}, None, 30))
        assert response.body == b"hi"
        assert tunnel.heads[0].startswith("CONNECT cloud.example:443 HTTP/1.")
        # With the right authority, but of another name.
        verified = kind(
            tls=ClientTls(authority=tmp_path / "ca/ca.pem"),
            proxies=Proxies({"https_proxy": tunnel.address}),
        )
        with pytest.raises(HttpTlsError):
            verified.send(Request("GET", "https://cloud.example/", {}, None, 30))
        verified.close()
    finally:
        transport.close()
        site.server.stop()


def test_opennebula_is_reached_through_the_proxy_of_its_environment(proxy: Make) -> None:
    body = text_answer("7.5.80")
    site = proxy(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    environment = {"http_proxy": site.address}
    with OneServer("http://one.example:2633/RPC2", "a:b", environment=environment) as one:
        assert one.system.version() == "7.5.80"
    assert site.heads[0].startswith("POST http://one.example:2633/RPC2 ")
    nowhere = {"http_proxy": "socks5://127.0.0.1:9"}
    with (
        OneServer("http://one.example:2633/RPC2", "a:b", environment=nowhere, retries=0) as one,
        pytest.raises(errors.OneUnreachableException, match="neither http nor https"),
    ):
        one.system.version()
