"""Whatever somebody without a right sends, they reach nothing, and nothing breaks."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.core.web import Server
from support.whole_directory import VALUES, WholeDirectory

pytestmark = pytest.mark.integration

#: What headers can carry: WSGI's latin-1, without what ends a line.
HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)
#: Parts of a path; the valid ones, odd ones and hostile ones.
PART = st.sampled_from([
    *VALUES.values(), "directories", "lookup", "reverse", "favorites", "personal", "tenants",
    "phonebooks", "contacts", "config", "0.1", "..", ".", "%2e%2e", "%2f", "%00", "*", "#", "me",
    "!", "a.b", "%ff", "é", "import", "headers", "stream", "sources", "",
])  # fmt: skip
METHOD = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDirectory]:
    site = WholeDirectory(tmp_path_factory.mktemp("whole"))
    yield site
    site.directory.close()


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(METHOD, st.lists(PART, max_size=7), HEADER, HEADER, HEADER, st.binary(max_size=40))
def test_strangers_reach_nothing_with_whatever_they_send(
    site: WholeDirectory,
    method: str,
    parts: list[str],
    token: str,
    tenant: str,
    origin: str,
    body: bytes,
) -> None:
    headers = {"X-Auth-Token": token, "Wazo-Tenant": tenant, "Origin": origin}
    cookie = {"Cookie": "pelagos_directory=ann's; X-Auth-Token=ann's"}
    path = "/0.1/" + "/".join(parts)
    answer = site.http.open(path, method=method, headers={**headers, **cookie}, data=body)
    # 308: the same address without doubled slashes.
    assert answer.status_code in {308, 400, 401, 404, 405}, f"{method} {path}"


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(METHOD, st.lists(PART, max_size=7), HEADER, st.binary(max_size=60), st.booleans())
def test_whoever_has_a_right_breaks_nothing_with_whatever_they_send(
    site: WholeDirectory, method: str, parts: list[str], text: str, body: bytes, is_csv: bool
) -> None:
    site.rights = ["dird.#", "!dird.config.#"]
    headers = {"Content-Type": "text/csv; charset=" + text if is_csv else text}
    path = "/0.1/" + "/".join(parts)
    query = {"term": text, "exten": text, "limit": text, "offset": text, "order": text}
    answer = site.call(method, path, headers=headers, data=body, query_string=query)
    assert answer.status_code < 500, f"{method} {path}: {answer.text}"
    assert not (path == "/0.1/config" and answer.status_code == 200)


def test_a_token_is_taken_from_one_header_and_from_nowhere_else(site: WholeDirectory) -> None:
    site.rights = None
    server = Server(site.directory.app)
    server.start()
    try:
        ways: list[tuple[str, list[tuple[str, str]]]] = [
            ("/0.1/personal?token=ann's&X-Auth-Token=ann's", []),
            ("/0.1/personal", [("Cookie", "X-Auth-Token=ann's; token=ann's")]),
            ("/0.1/personal", [("Authorization", "Bearer ann's")]),
            ("/0.1/personal", [("X-Auth-Token", "nobody's, ann's")]),
            ("/0.1/personal", [("X-HTTP-Method-Override", "OPTIONS")]),
            ("/0.1/api/../personal", []),
            ("/0.1/api/api.yml/../../personal", []),
            ("//0.1/personal", []),
        ]
        for path, headers in ways:
            assert _status(server, path, headers) in {308, 400, 401, 404}, (path, headers)
        assert _status(server, "/0.1/personal", [("x-auth-token", "ann's")]) == 200
    finally:
        server.stop()


def _status(server: Server, path: str, headers: list[tuple[str, str]]) -> int:
    """The status of a request whose address and headers are sent as they are."""
    where = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)
    with contextlib.closing(connection):
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        with connection.getresponse() as answer:
            answer.read()
            return answer.status


def test_a_body_that_is_too_large_is_refused_before_it_is_read(site: WholeDirectory) -> None:
    site.rights = None
    answer = site.call("POST", "/0.1/personal", data=b"[" + b" " * (2 * 1024 * 1024))
    assert answer.status_code == 413 and answer.get_json()["status_code"] == 413
