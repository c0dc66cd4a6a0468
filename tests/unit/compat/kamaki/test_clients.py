"""Clients of the ancestor, made and used as its programs do."""

from __future__ import annotations

import http.client
import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pelagos.clients import cyclades as ours
from pelagos.clients.errors import ClientError as OurError
from pelagos.compat.kamaki import transports
from pelagos.compat.kamaki.clients import (
    Client,
    ClientError,
    KamakiSSLError,
    RequestManager,
    ResponseManager,
    SilentEvent,
    connection,
)
from pelagos.compat.kamaki.clients.astakos import (
    AstakosClient,
    CachedAstakosClient,
    OriginalAstakosClient,
)
from pelagos.compat.kamaki.clients.connection.kamakicon import KamakiHTTPConnection
from pelagos.compat.kamaki.clients.cyclades import CycladesClient, CycladesNetworkClient
from pelagos.compat.kamaki.clients.pithos import PithosClient
from pelagos.compat.kamaki.clients.storage import StorageClient
from pelagos.compat.kamaki.clients.utils import https, list2str, path4url, readall
from pelagos.core.http import ClientTls, FakeTransport, HttpTlsError, Request, Response

TOKEN = "s3cr3t-t0k3n"


def answer(body: Any = None, status: int = 200, **headers: str) -> Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, told, b"" if body is None else json.dumps(body).encode())


def test_a_class_is_one_class_under_all_its_names() -> None:
    program = (
        "from pelagos.compat import kamaki; kamaki.install(); kamaki.install()\n"
        "from kamaki.clients.pithos import PithosClient, ClientError\n"
        "from kamaki.clients import ClientError as same, Client\n"
        "import kamaki.clients.cyclades, kamaki.clients.utils.https as https\n"
        "from pelagos.compat.kamaki.clients.pithos import PithosClient as other\n"
        "from pelagos.clients import ClientError as ours\n"
        "assert ClientError is same is ours and PithosClient is other\n"
        "assert issubclass(PithosClient, Client) and kamaki.__version__\n"
        "assert other.__module__.startswith('pelagos.compat.kamaki')\n"
        "try:\n"
        "    import kamaki.clients.absent\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "No module named 'kamaki.clients.absent'\n"), (
        done.stderr
    )


def test_an_address_is_taken_by_both_names() -> None:
    one = Client("http://c/x/v1.1/", TOKEN)
    other = Client(base_url="http://c/x/v1.1", token=TOKEN)
    assert one.base_url == other.endpoint_url == "http://c/x/v1.1"
    assert (one.token, one.api_version) == (TOKEN, "1.1")
    assert issubclass(CycladesClient, ours.CycladesClient)


def test_account_and_container_come_in_order_and_before_the_connection() -> None:
    wire = KamakiHTTPConnection()
    client = PithosClient("http://c/v1", TOKEN, "me", "pithos", wire)
    assert (client.account, client.container, client.http_client) == ("me", "pithos", wire)
    client.container = "other"
    assert client.container_path() == "/me/other"


def test_threads_are_bounded_under_either_name() -> None:
    class Wide(PithosClient):
        POOL_SIZE = 9

    client = Wide("http://c/v1", TOKEN)
    assert (Wide.MAX_THREADS, client.MAX_THREADS, client.POOL_SIZE) == (9, 9, 9)
    client.POOL_SIZE = 2
    assert client.MAX_THREADS == 2
    client._init_thread_limit(3)
    busy = SilentEvent(lambda: 1)
    assert client._watch_thread_limit([busy]) == [busy]


def test_what_no_verb_knows_is_left_out_and_an_answer_has_both_kinds_of_status() -> None:
    http_ = FakeTransport({"GET /v1/x": answer({"a": 1}, 404)})
    reply = Client("http://c/v1", TOKEN, http=http_).get("/x", success=404, delimiter="/")
    assert reply.status_code == 404
    assert reply.status == 404
    assert reply.status == "Not Found"
    assert f"{reply.status_code} {reply.status}" == "404 Not Found"
    assert reply.json == {"a": 1}
    reply.release()


def test_headers_and_parameters_are_kept_for_one_call() -> None:
    http_ = FakeTransport({"GET /v1/x": answer({})})
    client = Client("http://c/v1", TOKEN, http=http_)
    client.set_header("X-One", False)
    client.set_header("X-No", 1, iff=False)
    client.set_header("X-None", None)
    client.set_default_header("X-One", "again")
    client.set_param("shared")
    client.set_param("limit", 3)
    client.get("/x", async_headers={"X-Two": "2"}, async_params={"format": "json"})
    client.get("/x")
    first, second = http_.requests
    assert first.headers["X-One"] == "False" and first.headers["X-Two"] == "2"
    assert "X-No" not in first.headers and "X-None" not in first.headers
    assert first.url.endswith("/x?shared&limit=3&format=json")
    assert "X-One" not in second.headers and second.url.endswith("/x")


def test_a_subclass_says_which_fields_are_quoted() -> None:
    class Mine(Client):
        def __init__(self, *args: Any, **how: Any) -> None:
            super().__init__(*args, **how)
            self.request_header_prefices_to_quote.append("X-Mine-")
            self.response_header_prefices.append("x-mine-")

    http_ = FakeTransport({"GET /v1/x": answer({}, x_mine_name="%C3%A9")})
    client = Mine("http://c/v1", TOKEN, http=http_)
    reply = client.get("/x", async_headers={"X-Mine-Name": "é", "X-Other": "a b"})
    assert http_.requests[0].headers["X-Mine-Name"] == "%C3%A9"
    assert http_.requests[0].headers["X-Other"] == "a b"
    assert reply.headers["X-Mine-Name"] == "é"
    assert Client("http://c/v1", TOKEN, http=http_).request_header_prefices_to_quote == []
    fields = {"X-Meta-a b": 1, "Other a": 2}
    Client._quote_header_keys(fields, ("x-meta-",))
    assert fields == {"X-Meta-a%20b": 1, "Other a": 2}
    Client._unquote_header_keys(fields, ("x-meta-",))
    assert fields == {"X-Meta-a b": 1, "Other a": 2}


def test_calls_are_tried_again_as_often_as_the_limit_says() -> None:
    http_ = FakeTransport({"GET /v1/x": answer({}, 503, retry_after="0")})
    client = Client("http://c/v1", TOKEN, http=http_)
    client.CONNECTION_RETRY_LIMIT = 1
    with pytest.raises(ClientError):
        client.get("/x")
    assert len(http_.requests) == 2


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What is written to the ancestor's loggers."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    listener = Listener()
    transports.log.addHandler(listener)
    transports.log.setLevel(logging.DEBUG)
    yield lines
    transports.log.removeHandler(listener)
    transports.log.setLevel(logging.NOTSET)


def test_exchanges_are_logged_without_the_token(heard: list[str]) -> None:
    body = {"auth": {"token": {"id": TOKEN}}, "name": "a\x1b[31m"}
    http_ = FakeTransport({"POST /v1/x": answer({"id": TOKEN}, x_auth_token=TOKEN)})
    client = Client("http://c/v1", TOKEN, http=http_)
    client.post("/x", json=body)
    assert heard[0] == "POST http://c/v1/x"
    assert "  X-Auth-Token: ..." in heard and "200 OK" in heard
    assert not any(TOKEN in line for line in heard)
    assert any(line.startswith("data size: ") for line in heard)
    heard.clear()
    client.LOG_DATA = client.LOG_TOKEN = client.LOG_PID = True
    client.post("/x", json=body)
    assert any('"id":"..."' in line for line in heard)
    assert any("(sha256 " in line for line in heard)
    assert not any(TOKEN in line or "\x1b" in line for line in heard)
    assert heard[0].startswith("POST http://c/v1/x (")


def test_the_first_versions_loggers_are_heard_by_whoever_listens_there() -> None:
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    former = logging.getLogger("clients.send")
    listener = Listener()
    former.addHandler(listener)
    former.setLevel(logging.DEBUG)
    try:
        Client("http://c/v1", TOKEN, http=FakeTransport({"GET /v1/x": answer({})})).get("/x")
    finally:
        former.removeHandler(listener)
        former.setLevel(logging.NOTSET)
    assert lines[0] == "GET http://c/v1/x" and not any(TOKEN in line for line in lines)


class Counting(connection.HTTPConnection):
    """A connection of a program's own, which answers by itself."""

    def __init__(self, fail: Exception | None = None) -> None:
        super().__init__()
        self.calls: list[tuple[str, str, Any, Mapping[str, Any]]] = []
        self._fail = fail

    def perform_request(
        self,
        method: str | None = None,
        data: Any = None,
        async_headers: Mapping[str, Any] | None = None,
        async_params: Mapping[str, Any] | None = None,
    ) -> Any:
        self.calls.append(
            (f"{method} {self.url}{self.path}", str(data), async_headers, async_params)  # type: ignore[arg-type]  # ours gives them
        )
        if self._fail:
            raise self._fail

        class Answer:
            status_code = 200
            headers: Mapping[str, str] = {"x-server": "mine"}
            content = '{"servers": []}'

        return Answer()


def test_a_connection_of_ones_own_carries_the_requests() -> None:
    wire = Counting()
    client = CycladesClient("http://c/compute/v2.0", TOKEN, http_client=wire)
    wire.set_header("X-Mine", "1")
    assert client.list_servers() == []
    call, _, headers, params = wire.calls[0]
    assert call == "GET http://c/compute/v2.0/servers"
    assert headers["X-Auth-Token"] == TOKEN and headers["X-Mine"] == "1" and params == {}
    failing = CycladesClient("http://c/compute/v2.0", TOKEN, Counting(RuntimeError("no line")))
    with pytest.raises(ClientError, match="no line"):
        failing.list_servers()


def test_the_usual_connection_can_be_used_by_itself() -> None:
    class Here(KamakiHTTPConnection):
        transport = FakeTransport({"PUT /v1/a%20b": answer({"n": 1}, 201)})

    wire = Here("GET", "http://c/v1")
    wire.set_path("/a b")
    wire.set_param("update")
    wire.set_header("X-A", 1)
    reply = wire.perform_request("put", data="x", async_params={"format": "json"})
    assert (reply.status_code, reply.status, reply.json) == (201, "Created", {"n": 1})
    assert reply.content and reply.text and reply.headers == {}
    reply.release()
    sent = Here.transport.requests[0]
    assert (sent.url, sent.body) == ("http://c/v1/a%20b?update&format=json", b"x")
    wire.remove_param("update")
    wire.remove_header("X-A")
    assert (wire.params, wire.headers) == ({}, {})
    wire.url = "http://absent"
    with pytest.raises(ClientError):
        wire.perform_request("GET")


def test_a_request_and_its_answer_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = FakeTransport({"GET /v1/x": answer({"a": 1}, x_b="2")})
    monkeypatch.setattr(transports.SHARED, "send", wire.send)
    request = RequestManager("get", "http://c/v1/", "/x", params={"q": "ü"}, headers={"A": "ü"})
    request.headers_to_quote.append("a")
    assert (request.scheme, request.netloc, request.path) == ("http", "c", "/v1/x?q=%C3%BC")
    reply = ResponseManager(request)
    assert not wire.requests
    assert (reply.status_code, reply.status, reply.json) == (200, "OK", {"a": 1})
    assert (reply.headers["X-B"], reply.text, reply.content) == ("2", '{"a": 1}', b'{"a": 1}')
    assert len(wire.requests) == 1 and wire.requests[0].headers["A"] == "%C3%BC"
    with pytest.raises(AssertionError):
        RequestManager("BREW", "http://c", "/")


def test_a_request_over_a_connection_of_the_standard_library() -> None:
    class Slow:
        waits = 1

        def request(self, **how: Any) -> None:
            self.how = how

        def getresponse(self) -> str:
            if self.waits:
                self.waits -= 1
                raise http.client.ResponseNotReady
            return "answer"

    line = Slow()
    assert RequestManager("POST", "http://c", "x", data="é").perform(line) == "answer"
    assert line.how["body"] == "é".encode() and line.how["headers"]["Content-Length"] == "2"
    assert (line.how["method"], line.how["url"]) == ("POST", "/x")


@pytest.fixture
def trust() -> Iterator[transports.SharedConnections]:
    """What the process believes in, put back afterwards."""
    former = transports.SHARED.tls
    yield transports.SHARED
    transports.SHARED.tls = former


def test_whom_the_process_believes_is_said_once_for_all(
    trust: transports.SharedConnections, tmp_path: Path
) -> None:
    assert trust.tls == ClientTls()
    https.patch_with_certs(str(tmp_path / "ca.pem"))
    assert trust.tls == ClientTls(authority=tmp_path / "ca.pem")
    with pytest.raises(KamakiSSLError) as caught:
        Client("https://127.0.0.1:1/v1", TOKEN).get("/x")
    assert isinstance(caught.value, OurError)
    https.patch_ignore_ssl()
    assert not trust.tls.is_verified
    https.patch_ignore_ssl(False)
    assert trust.tls.is_verified


def test_a_connection_that_cannot_be_trusted_is_an_error_of_its_own() -> None:
    def refuse(request: Request) -> Response:
        raise HttpTlsError("not trusted", url=request.url, problem="handshake", hint=None)

    http_ = FakeTransport({"GET /v1/x": refuse})
    with pytest.raises(KamakiSSLError):
        Client("https://c/v1", TOKEN, http=http_).get("/x")


ACCESS = {
    "access": {
        "token": {"id": TOKEN, "expires": "2030-01-01T00:00:00+00:00", "tenant": {"id": "p"}},
        "user": {"id": "u-1", "name": "ann@example.org"},
        "serviceCatalog": [
            {
                "type": "compute",
                "name": "cyclades_compute",
                "endpoints": [{"versionId": "v2.0", "publicURL": "http://c/compute/v2.0"}],
            }
        ],
    }
}


def test_a_login_says_the_user_in_both_shapes() -> None:
    http_ = FakeTransport({"POST /identity/v2.0/tokens": answer(ACCESS)})
    client = AstakosClient("http://c/identity/v2.0", TOKEN, http=http_)
    found = client.authenticate()
    assert found["access"]["user"]["id"] == found["uniq"] == "u-1"
    assert (found["username"], found["auth_token"]) == ("ann@example.org", TOKEN)
    assert found["auth_token_expires"].startswith("2030")
    assert client.get_endpoint_url("compute") == "http://c/compute/v2.0"
    assert client.user_term("name") == "ann@example.org"
    client.authenticate("another")
    assert client.token == "another"


def test_the_other_clients_of_astakos() -> None:
    http_ = FakeTransport({"POST /identity/v2.0/tokens": answer(ACCESS)})
    cached = CachedAstakosClient("http://c/identity/v2.0", [TOKEN, "second"], http=http_)
    assert cached.user_term("id") == cached.term("id") == "u-1"
    assert cached.list_users()[0]["auth_token"] == TOKEN
    turned = OriginalAstakosClient(TOKEN, "http://c/identity/v2.0", http=http_)
    assert turned.endpoint_url == "http://c/identity/v2.0" and turned.token == TOKEN
    assert turned.user_info["id"] == "u-1"


def test_objects_are_named_as_in_either_version() -> None:
    content = Response(200, {"Content-Length": "3", "X-Object-Meta-A": "1"}, b"abc")
    http_ = FakeTransport(
        {
            "GET /v1/me/c/o": content,
            "HEAD /v1/me/c/o": content,
            "POST /v1/me/c/o": answer(status=202),
        }
    )
    storage = StorageClient("http://c/v1", TOKEN, "me", "c", http=http_)
    assert storage.get_object("o") == storage.get_object(object="o") == (b"abc", 3)
    assert storage.get_object_meta(object="o") == {"a": "1"}
    pithos = PithosClient("http://c/v1", TOKEN, "me", "c", http=http_)
    pithos.del_object_meta(metakey="A", object="o")
    assert http_.requests[-1].headers["X-Object-Meta-A"] == ""
    assert pithos.object_get(object="o").content == b"abc"
    with pytest.raises(ClientError, match="no container"):
        PithosClient("http://c/v1", TOKEN, "me").assert_container()
    with pytest.raises(ClientError, match="no account"):
        StorageClient("http://c/v1", TOKEN).assert_account()


def test_a_server_says_its_system_where_the_first_document_looks_for_it() -> None:
    server = {"server": {"id": 42, "name": "srv", "metadata": {"os": "debian"}}}
    http_ = FakeTransport({"GET /compute/v2.0/servers/42": answer(server)})
    client = CycladesClient("http://c/compute/v2.0", TOKEN, http=http_)
    found = client.get_server_info(42)
    assert (found["name"], found["os"]) == ("srv", "debian")
    networks = CycladesNetworkClient("http://c/network/v2.0", TOKEN)
    assert networks.network_types[0] == "CUSTOM"


def test_small_functions() -> None:
    class Drip:
        def __init__(self) -> None:
            self.left = [b"a", b"", b"bc"]

        def read(self, size: int) -> bytes:
            return self.left.pop(0)[:size] if self.left else b""

    assert readall(Drip(), 3) == b"abc"  # type: ignore[arg-type]  # as much of a file as is needed
    with pytest.raises(OSError, match="ended"):
        readall(Drip(), 4)  # type: ignore[arg-type]  # the same
    assert path4url("a", "/b/", 1) == "/a/b/1"
    assert list2str(["b", "a"]) == "a,b"
