"""Back-end csv_ws against real servers: both charsets, TLS, one that stalls, one that lies."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.core.errors import PelagosError
from pelagos.core.web import Server
from pelagos.directory.backends.csv_ws import CsvWsBackend
from pelagos.directory.errors import SourceError
from support.tls_site import Site, serve_tls

pytestmark = pytest.mark.integration

PEOPLE = (("1", "Céline", "2041"), ("2", "Bob", "20"), ("3", "Zoë Bob", "3000"))
PATIENCE = 60.0


class Service:
    """A web service with people; what it was asked is in `asked`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[tuple[str, str]], str | None]] = []
        self.etag: str | None = None

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        query = parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)
        path = environ["PATH_INFO"]
        self.asked.append((path, query, environ.get("HTTP_AUTHORIZATION")))
        status, kind, body = getattr(self, path.strip("/"))(query)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        if self.etag and path == "/all":
            headers.append(("ETag", self.etag))
            if environ.get("HTTP_IF_NONE_MATCH") == self.etag:
                status, body = "304 Not Modified", b""
                headers = headers[-1:]
        if path == "/packed":
            headers.append(("Content-Encoding", "gzip"))
        start(status, headers)
        return [body]

    def utf8(self, query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv; charset=UTF-8", written(query, "|").encode()

    def latin(self, query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", 'text/csv; charset="ISO-8859-1"', written(query).encode("iso-8859-1")

    def silent(self, query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv", written(query).encode("iso-8859-1")

    def packed(self, query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv", gzip.compress(written(query).encode())

    def all(self, _query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv", written([]).encode()

    def france(self, _query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv", b"id|tel\n6|41\n7|01 23 45 67 89\n"

    def empty(self, _query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv", b""

    def nothing(self, _query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "204 No Content", "text/csv", b""

    def broken(self, _query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "500 Internal Server Error", "text/html", b"<h1>oops</h1>"

    def odd(self, _query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv; charset=klingon", b"id\n1\n"

    def partly(self, _query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv; charset=utf-8", b"id,name\n1,Ada,x\n2,\xff\n3,Cleo\n"

    def huge(self, _query: list[tuple[str, str]]) -> tuple[str, str, bytes]:
        return "200 OK", "text/csv", b"id\n" + b"1\n" * 1_000_000


def written(query: list[tuple[str, str]], delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["id", "name", "tel"])
    term = query[0][1].lower() if query else ""
    writer.writerows(row for row in PEOPLE if any(term in cell.lower() for cell in row))
    return text.getvalue()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    server = Server(service, threads=4)
    server.start()
    yield server.url
    server.stop()


@contextlib.contextmanager
def source(lookup_url: str, **config: Any) -> Iterator[CsvWsBackend]:
    plugin = CsvWsBackend()
    plugin.name = "web"
    own = {"lookup_url": lookup_url, "searched_columns": ["name"], "timeout": PATIENCE}
    plugin.load({"config": own | config})
    try:
        yield plugin
    finally:
        plugin.unload()


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["id"] for row in rows]


def test_a_term_is_asked_once_for_each_searched_column(url: str, service: Service) -> None:
    with source(f"{url}/utf8", delimiter="|", searched_columns=["name", "tel"]) as plugin:
        assert plugin.search("bob&é =") == []
        assert plugin.search("céline") == [{"id": "1", "name": "Céline", "tel": "2041"}]
        assert ids(plugin.search("")) == ["1", "2", "3"]
    assert service.asked[0] == ("/utf8", [("name", "bob&é ="), ("tel", "bob&é =")], None)


@pytest.mark.parametrize("path", ["latin", "silent", "packed"])
def test_the_text_is_decoded_as_the_answer_says_or_else_as_it_can_be(url: str, path: str) -> None:
    with source(f"{url}/{path}") as plugin:
        assert [row["name"] for row in plugin.search("")] == ["Céline", "Bob", "Zoë Bob"]


def test_a_charset_of_the_source_overrules_the_answer(url: str) -> None:
    with source(f"{url}/latin", charset="cp1252") as plugin:
        assert plugin.search("")[0]["name"] == "Céline"


@pytest.mark.parametrize("path", ["empty", "nothing"])
def test_an_empty_answer_is_an_empty_list(url: str, path: str) -> None:
    with source(f"{url}/{path}", first_matched_columns=["tel"]) as plugin:
        assert plugin.search("bob") == [] and plugin.first_match("20") is None


def test_a_match_is_compared_again(url: str, service: Service) -> None:
    with source(f"{url}/utf8", delimiter="|", first_matched_columns=["tel"]) as plugin:
        assert plugin.first_match("20") == {"id": "2", "name": "Bob", "tel": "20"}
        assert plugin.first_match("204") is None and plugin.first_match("") is None
        assert set(plugin.match_all(["20", "3000", "x"])) == {"20", "3000"}
    assert service.asked[0][1] == [("tel", "20")]


def test_a_number_matches_in_any_of_its_forms_when_the_region_is_known(url: str) -> None:
    own = {"delimiter": "|", "first_matched_columns": ["tel"]}
    with source(f"{url}/france", **own, region="FR") as plugin:
        assert ids([plugin.first_match("+33123456789") or {}]) == ["7"]
        assert plugin.first_match("+33123456780") is None
    with source(f"{url}/france", **own) as plugin:
        assert plugin.first_match("+33123456789") is None


def test_entries_are_listed_from_all_of_them(url: str, service: Service) -> None:
    with source(f"{url}/utf8", list_url=f"{url}/all", unique_column="id") as plugin:
        assert ids(plugin.list(["3", "1", "nobody"])) == ["1", "3"]
        assert plugin.list([]) == []
    assert [path for path, *_ in service.asked] == ["/all"]
    with source(f"{url}/utf8", unique_column="id") as plugin:
        assert plugin.list(["1"]) == []
    with source(f"{url}/utf8", list_url=f"{url}/all") as plugin:
        assert plugin.list(["1"]) == []


def test_an_unchanged_list_is_not_sent_again(url: str, service: Service) -> None:
    service.etag = '"1"'
    with source(f"{url}/utf8", list_url=f"{url}/all", unique_column="id") as plugin:
        assert ids(plugin.list(["2"])) == ids(plugin.list(["2"])) == ["2"]
        service.etag = '"2"'
        assert ids(plugin.list(["1"])) == ["1"]
    assert len(service.asked) == 3


def test_userinfo_goes_to_its_own_server_only_and_no_error_shows_it(
    url: str, service: Service
) -> None:
    secret = url.replace("http://", "http://joe:s3cret@")
    other = Server(service, threads=2)
    other.start()
    try:
        with source(
            f"{secret}/utf8?key=1", list_url=f"{other.url}/all", unique_column="id"
        ) as own:
            own.search("bob")
            own.list(["1"])
            assert "s3cret" not in repr(own._settings)
        with source(f"{secret}/broken") as own, pytest.raises(SourceError) as caught:
            own.search("private")
    finally:
        other.stop()
    assert service.asked[0] == ("/utf8", [("key", "1"), ("name", "bob")], "Basic am9lOnMzY3JldA==")
    assert service.asked[1][2] is None
    assert "s3cret" not in str(caught.value) and "private" not in str(caught.value)


def test_the_list_has_a_userinfo_of_its_own(url: str, service: Service) -> None:
    place = url.removeprefix("http://")
    ways = {  # of the lookup, of the list, and what the list gets
        ("ann:1@", ""): "YW5uOjE=", ("ann:1@", "joe:s3cret@"): "am9lOnMzY3JldA==",
        ("", "joe:s3cret@"): "am9lOnMzY3JldA==", ("", ""): None,
    }  # fmt: skip
    for (of_lookup, of_list), expected in ways.items():
        with source(
            f"http://{of_lookup}{place}/utf8",
            list_url=f"http://{of_list}{place}/all",
            unique_column="id",
        ) as own:
            assert ids(own.list(["1"])) == ["1"]
            assert "s3cret" not in repr(own._settings)
        assert service.asked[-1][2] == (expected and f"Basic {expected}")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("broken", "status 500"),
        ("odd", "there is no charset 'klingon'"),
        ("huge", "larger than 1,000,000 bytes"),
    ],
)
def test_an_answer_that_is_none_fails_and_says_why(url: str, path: str, message: str) -> None:
    with (
        source(f"{url}/{path}", max_size=1_000_000) as plugin,
        pytest.raises(SourceError, match=message),
    ):
        plugin.search("bob")


def test_a_check_tells_what_the_source_cannot_do(url: str) -> None:
    own = {"delimiter": "|", "list_url": f"{url}/all", "unique_column": "id"}
    with source(f"{url}/utf8", **own) as plugin:
        assert list(plugin.check()) == ["the service's list has no column id"]  # commas, no bars
    own |= {"searched_columns": ["name", "mail"], "delimiter": ",", "unique_column": "ref"}
    with source(f"{url}/latin", **own) as plugin:
        assert list(plugin.check()) == [
            "the service's answers have no column mail",
            "the service's list has no column ref",
        ]
    with source(f"{url}/latin", list_url=f"{url}/all", unique_column="id") as plugin:
        assert list(plugin.check()) == []
    with source(f"{url}/latin", searched_columns=[]) as plugin:
        assert "never asked" in next(iter(plugin.check()))
    with source(f"{url}/broken") as plugin, pytest.raises(SourceError, match="status 500"):
        list(plugin.check())


def test_bad_lines_of_an_answer_are_left_out_and_named(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with source(f"{url}/partly") as plugin:
        assert plugin.search("a") == [{"id": "3", "name": "Cleo"}]
    assert "line 2: 3 values" in caplog.text and "line 3: the bytes" in caplog.text


def test_nobody_there_fails_without_naming_whom_one_looked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        source(f"http://127.0.0.1:{port}/x") as plugin,
        pytest.raises(SourceError, match="nobody answers") as caught,
    ):
        plugin.search("private")
    assert "private" not in str(caught.value)


# ---- servers that stall


@contextlib.contextmanager
def stalling(speech: bytes) -> Iterator[str]:
    """A server that says this at each connection, and then nothing, until the test is over."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            while not over.is_set():
                connection, _ = listener.accept()
                held.enter_context(connection)
                connection.recv(65536)
                connection.sendall(speech)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/people"
        finally:
            over.set()
            with contextlib.suppress(OSError):
                socket.create_connection(listener.getsockname(), timeout=5).close()
            thread.join(PATIENCE)


@pytest.mark.parametrize(
    "speech",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nid,name\n1,"],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_server_that_stalls_is_left_after_the_timeout(speech: bytes) -> None:
    with stalling(speech) as url, source(url, timeout=0.3) as plugin:
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"within 0\.3 s"):
            plugin.search("bob")
        assert time.monotonic() - began < PATIENCE / 2


def test_a_server_that_speaks_something_else_fails() -> None:
    with (
        stalling(b"220 mail.example ESMTP\r\n") as url,
        source(url, timeout=5) as plugin,
        pytest.raises(SourceError, match="broke off"),
    ):
        plugin.search("bob")


# ---- TLS


@pytest.fixture
def site(tmp_path: Path, service: Service) -> Iterator[Site]:
    site = serve_tls(tmp_path, service, client_authority=False)
    yield site
    site.server.stop()


def test_a_certificate_is_verified_unless_told_otherwise(site: Site) -> None:
    address = f"{site.server.url}/utf8"
    for verify in (True, None):
        own = {} if verify is None else {"verify_certificate": verify}
        with (
            source(address, delimiter="|", **own) as plugin,
            pytest.raises(SourceError, match="not from an authority"),
        ):
            plugin.search("bob")
    for own in ({"verify_certificate": False}, {"verify_certificate": f"{site.folder}/ca/ca.pem"}):
        with source(address, delimiter="|", **own) as plugin:
            assert ids(plugin.search("céline")) == ["1"]


def test_a_name_that_the_certificate_has_not_is_refused(tmp_path: Path, service: Service) -> None:
    site = serve_tls(tmp_path, service, client_authority=False, names=("elsewhere.example",))
    try:
        address, own = f"{site.server.url}/utf8", {"verify_certificate": f"{tmp_path}/ca/ca.pem"}
        with source(address, **own) as plugin, pytest.raises(SourceError, match="other"):
            plugin.search("bob")
        with source(address, delimiter="|", verify_certificate=False) as plugin:
            assert ids(plugin.search("céline")) == ["1"]
    finally:
        site.server.stop()


# ---- configuration and hostile input


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"lookup_url": None}, "lookup_url: an http or https address"),
        ({"lookup_url": "ftp://x/"}, "lookup_url: an http or https address"),
        ({"lookup_url": "http://"}, "lookup_url: an http or https address"),
        ({"lookup_url": "http://x:99999/"}, "lookup_url: an http or https address"),
        ({"lookup_url": "http://[x/"}, "lookup_url: an http or https address"),
        ({"lookup_url": "http://x/\r\nA: b"}, "lookup_url: an http or https address"),
        ({"list_url": 7}, "list_url: an http or https address"),
        ({"delimiter": "ab"}, "delimiter: one character"),
        ({"timeout": 0}, "timeout: "),
        ({"timeout": "1"}, "timeout: "),
        ({"verify_certificate": 1}, "verify_certificate: true, false or the path"),
        ({"charset": "klingon"}, "there is no charset"),
        ({"separator": ";"}, "unknown key 'separator'"),
        ({"region": "Atlantis"}, "region: 'Atlantis'"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(
    config: dict[str, Any], message: str
) -> None:
    with pytest.raises(PelagosError, match=message):
        CsvWsBackend().load({"config": {"lookup_url": "http://x/"} | config})


class Saying(Service):
    """Answers with whatever it was told to."""

    said = b""
    kind = "text/csv"

    def __call__(self, _environ: Any, start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Type", self.kind), ("Content-Length", str(len(self.said)))])
        return [self.said]


@pytest.fixture(scope="module")
def saying() -> Iterator[tuple[Saying, CsvWsBackend]]:
    service = Saying()
    server = Server(service, threads=2)
    server.start()
    own = {"first_matched_columns": ["a"], "searched_columns": ["a"], "unique_column": "a"}
    with source(f"{server.url}/x", list_url=f"{server.url}/all", **own) as plugin:
        yield service, plugin
    server.stop()


KINDS = st.sampled_from(["", "text/csv", "charset=", "a; charset=utf-16", 'a; charset="utf-7'])
HOSTILE = st.text(alphabet='ab",;\n\r \x00é\x1b', max_size=40).map(str.encode) | st.binary(
    max_size=40
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(HOSTILE, KINDS, st.text(max_size=8))
def test_whatever_a_server_says_is_read_or_fails_as_this_source(
    saying: tuple[Saying, CsvWsBackend], said: bytes, kind: str, term: str
) -> None:
    service, plugin = saying
    service.said, service.kind = said, kind
    for ask in (plugin.search, lambda uid: plugin.list([uid])):
        with contextlib.suppress(SourceError):
            assert all(isinstance(row, dict) for row in ask(term))
    with contextlib.suppress(SourceError):
        assert isinstance(plugin.first_match(term), dict | None)
