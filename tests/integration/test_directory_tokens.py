"""Tokens of wazo-auth at a directory behind real servers: asked little, never for too long."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pelagos.core import logs
from pelagos.core.clock import ManualClock
from pelagos.core.http import HttpClient, Response
from pelagos.core.web import Server
from pelagos.directory import Directory
from pelagos.directory.auth.remembered import TRUST, Remembered
from pelagos.directory.auth.settings import AuthSettings
from support.directory import config
from support.tcp_proxy import TcpProxy
from support.wazo_auth import WazoAuth

pytestmark = pytest.mark.integration

LOOKUP = "0.1/directories/lookup/default"
TOKENS = {
    "valid-token": {"auth_id": "uuid", "xivo_user_uuid": "uuid", "acl": ["dird.#"]},
    "valid-token-no-acl": {"auth_id": "uuid", "xivo_user_uuid": "uuid", "acl": []},
    "valid-token-1": {
        "auth_id": "uuid-1",
        "xivo_user_uuid": "uuid-1",
        "acl": ["dird.directories.lookup.default.read", "dird.directories.reverse.*.me.read"],
        "metadata": {"uuid": "uuid-1", "tenant_uuid": "own", "pbx_user_uuid": "uuid-1"},
        "tenants": ["own", "sub"],
    },
}


class Site:
    """A wazo-auth, and a directory that asks it."""

    def __init__(self, stack: ExitStack, *, tells_rights: bool) -> None:
        self.auth = stack.enter_context(WazoAuth(TOKENS, tells_rights=tells_rights))
        self.clock = ManualClock()
        whole = config({"fixed": {"type": "sample"}})
        whole["services"]["reverse"] = {"default": {"sources": ["fixed"], "timeout": 60}}
        whole["auth"] = {"type": "wazo", "url": self.auth.url, "timeout": 60}
        settings = AuthSettings.from_mapping(whole)
        asking = settings.verifier()
        assert asking is not None
        self.verify = Remembered(asking, seconds=settings.trust, clock=self.clock)
        directory = stack.enter_context(Directory(whole, verify=self.verify))
        server = Server(directory.app)
        server.start()
        stack.callback(server.stop)
        self.http = HttpClient(server.url)
        stack.callback(self.http.close)

    def get(self, path: str, token: str | None = "valid-token", **headers: str) -> Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["X-Auth-Token"] = token
        return self.http.request("GET", path, headers=sent, params={"term": "j", "exten": "5"})


@pytest.fixture(params=[True, False], ids=["GET tells rights", "only HEAD knows them"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tells_rights=request.param)


def test_rights_are_those_that_wazo_auth_gives(site: Site) -> None:
    for token, path, status in (
        ("valid-token", LOOKUP, 200),
        ("valid-token", "0.1/config", 200),
        ("valid-token-1", LOOKUP, 200),
        ("valid-token-1", "0.1/directories/reverse/default/uuid-1", 200),
        ("valid-token-1", "0.1/directories/reverse/default/uuid-2", 401),
        ("valid-token-1", "0.1/config", 401),
        ("valid-token-no-acl", LOOKUP, 401),
        ("unknown", LOOKUP, 401),
        ("../token/valid-token", LOOKUP, 401),
        ("valid-token?scope=", LOOKUP, 401),
        (None, LOOKUP, 401),
    ):
        if token == "valid-token-1" and "reverse" in path and not site.auth.tells_rights:
            continue  # the pattern `me` is a matter of whoever knows the owner
        answer = site.get(path, token)
        assert answer.status == status, f"{token} {path}: {answer.text}"


def test_wazo_auth_is_asked_once_for_many_requests(site: Site) -> None:
    for _ in range(20):
        assert site.get(LOOKUP).status == 200
    assert len(site.auth.asked) == (1 if site.auth.tells_rights else 2)
    site.clock.advance(TRUST)
    assert site.get(LOOKUP).status == 200
    assert len(site.auth.asked) == (2 if site.auth.tells_rights else 4)


def test_a_token_that_was_taken_back_works_for_seconds_only(site: Site) -> None:
    assert site.get(LOOKUP).status == 200
    del site.auth.tokens["valid-token"]
    assert site.get(LOOKUP).status == 200
    site.clock.advance(TRUST)
    assert site.get(LOOKUP).status == 401


def test_a_tenant_below_is_reached_and_a_foreign_one_is_not(site: Site) -> None:
    assert site.get(LOOKUP, "valid-token-1", Wazo_Tenant="own").status == 200
    assert site.get(LOOKUP, "valid-token-1", Wazo_Tenant="sub").status == 200
    assert site.get(LOOKUP, "valid-token-1", Wazo_Tenant="foreign").status == 401


def test_without_wazo_auth_the_directory_says_so_and_is_well_when_it_is_back(site: Site) -> None:
    assert site.get(LOOKUP).status == 200
    site.auth.server.stop()
    assert site.get(LOOKUP).status == 200, "what was said a moment ago is still good"
    site.clock.advance(TRUST)
    answer = site.get(LOOKUP)
    assert answer.status == 503 and answer.json()["status_code"] == 503
    assert "valid-token" not in answer.text
    assert site.http.request("GET", "0.1/api/api.yml").status == 200


def test_no_token_is_in_a_log_however_much_is_logged(site: Site) -> None:
    text = io.StringIO()
    root = logging.getLogger()
    level = root.level
    logs.configure(logging.DEBUG, stream=text)
    try:
        for token in ("valid-token", "valid-token-1", "un.known~token-2"):
            site.get(LOOKUP, token)
            site.get("0.1/config", token, Wazo_Tenant="sub")
        site.auth.server.stop()
        site.clock.advance(TRUST)
        assert site.get(LOOKUP).status == 503
    finally:
        for handler in [one for one in root.handlers if getattr(one, "pelagos", False)]:
            root.removeHandler(handler)
        root.setLevel(level)
    logged = text.getvalue()
    assert "/token/***" in logged and "cannot verify a token" in logged
    assert "valid-token" not in logged and "un.known" not in logged


def test_a_hung_wazo_auth_holds_up_one_thread_and_no_known_token() -> None:
    """Twice as many unknown tokens as the server has threads do not stop a known one."""
    with ExitStack() as stack:
        auth = stack.enter_context(WazoAuth(TOKENS, tells_rights=True))
        proxy = stack.enter_context(TcpProxy("127.0.0.1", auth.server.port))
        whole: dict[str, Any] = config({"fixed": {"type": "sample"}})
        url = f"http://127.0.0.1:{proxy.port}/0.1"
        whole["auth"] = {"type": "wazo", "url": url, "timeout": 3, "trust": 60}
        settings = AuthSettings.from_mapping(whole)
        asking = settings.verifier()
        assert asking is not None
        verify = Remembered(asking, seconds=settings.trust)
        directory = stack.enter_context(Directory(whole, verify=verify))
        server = Server(directory.app)
        server.start()
        stack.callback(server.stop)

        def get(token: str) -> Response:
            http = HttpClient(server.url)
            try:
                return http.request(
                    "GET", LOOKUP, headers={"X-Auth-Token": token}, params={"term": "j"}
                )
            finally:
                http.close()

        assert get("valid-token").status == 200
        proxy.hold()
        assert get("unknown-0").status == 503, "the first one notices"
        refused: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: refused.append(get(f"unknown-{n}").status))
            for n in range(1, 25)
        ]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        assert get("valid-token").status == 200
        for thread in threads:
            thread.join(60)
        assert refused == [503] * 24
        # One after the other they would have waited for 72 seconds.
        assert time.monotonic() - begin < 50
