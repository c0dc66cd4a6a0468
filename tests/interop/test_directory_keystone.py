"""A directory that asks a real Keystone about its people's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pelagos.core.clock import ManualClock, SystemClock
from pelagos.core.http import HttpClient, Response
from pelagos.core.web import Server
from pelagos.directory import Directory
from pelagos.directory.auth.remembered import TRUST, Remembered
from pelagos.directory.auth.settings import AuthSettings
from support.directory import config
from support.keystone import Keystone, PeerMissingError
from support.require import Require

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

LOOKUP = "0.1/directories/lookup/default"
UNSCOPED = "unscoped"


@pytest.fixture(scope="module")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    """With the users ann (member) and eve (observer), each in a project of the same name."""
    try:
        keystone = Keystone(tmp_path_factory.mktemp("keystone"))
    except PeerMissingError as error:
        Require().missing(str(error))
    with keystone:
        keystone.add("role", name="observer")
        roles = {role["name"]: role["id"] for role in keystone.call("GET", "roles")["roles"]}
        for name, role in (("ann", "member"), ("eve", "observer")):
            project = keystone.add("project", name=name, domain_id="default")
            user = keystone.add("user", name=name, password="secret", domain_id="default")
            keystone.call("PUT", f"projects/{project}/users/{user}/roles/{roles[role]}")
        yield keystone


class Site:
    """A directory of its own, and the time of its memory."""

    def __init__(self, stack: ExitStack, url: str, **auth: Any) -> None:
        whole = config({"fixed": {"type": "sample"}})
        whole["services"]["reverse"] = {"default": {"sources": ["fixed"], "timeout": 20}}
        whole["auth"] = {"type": "keystone", "url": url, "timeout": 30, **auth}
        settings = AuthSettings.from_mapping(whole)
        asking = settings.verifier(clock=SystemClock())
        assert asking is not None
        self.clock = ManualClock()
        self.verify = Remembered(asking, seconds=settings.trust, clock=self.clock)
        directory = stack.enter_context(Directory(whole, verify=self.verify))
        server = Server(directory.app)
        server.start()
        stack.callback(server.stop)
        self._http = HttpClient(server.url)
        stack.callback(self._http.close)

    def get(self, path: str, token: str) -> Response:
        params = {"term": "j", "exten": "5"}
        headers = {"X-Auth-Token": token}
        return self._http.request("GET", path, params=params, headers=headers)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_person_may_what_the_roles_of_the_project_give(
    keystone: Keystone, stack: ExitStack
) -> None:
    site = Site(stack, keystone.url)
    ann, eve, admin = (keystone.token(name) for name in ("ann", "eve", "admin"))
    infos = site.verify(ann)
    assert infos is not None and infos["metadata"]["name"] == "ann"
    assert 0 < infos["expires_in"] <= 3600
    me = infos["xivo_user_uuid"]
    for token, path, status in (
        (ann, LOOKUP, 200),
        (ann, f"0.1/directories/reverse/default/{me}", 200),
        (ann, "0.1/directories/reverse/default/somebody", 401),
        (ann, "0.1/config", 401),
        (eve, LOOKUP, 401),
        (admin, "0.1/config", 200),
        (admin, "0.1/directories/reverse/default/somebody", 200),
    ):
        answer = site.get(path, token)
        assert answer.status == status, f"{path}: {answer.text}"


def test_a_token_without_a_project_gives_no_right(keystone: Keystone, stack: ExitStack) -> None:
    site = Site(stack, keystone.url)
    token = keystone.token("ann", scope=UNSCOPED)
    infos = site.verify(token)
    assert infos is not None and infos["acls"] == []
    assert site.get(LOOKUP, token).status == 401


@pytest.mark.parametrize("token", ["nonsense", "gAAAAABnonsense", "..", "a/b?c#d", "x" * 5000])
def test_what_is_no_token_is_nobodys(keystone: Keystone, stack: ExitStack, token: str) -> None:
    assert Site(stack, keystone.url).get(LOOKUP, token).status == 401


def test_a_token_that_was_taken_back_works_for_seconds_only(
    keystone: Keystone, stack: ExitStack
) -> None:
    site = Site(stack, keystone.url)
    token = keystone.token("ann")
    assert site.get(LOOKUP, token).status == 200
    keystone.call("DELETE", "auth/tokens", token)
    site.clock.advance(TRUST)
    assert site.get(LOOKUP, token).status == 401


def test_only_the_projects_that_are_named_come_in(keystone: Keystone, stack: ExitStack) -> None:
    projects = {p["name"]: p["id"] for p in keystone.call("GET", "projects")["projects"]}
    site = Site(stack, keystone.url, projects=[projects["ann"]], rights={"observer": ["#"]})
    assert site.get(LOOKUP, keystone.token("ann")).status == 200
    assert site.get(LOOKUP, keystone.token("eve")).status == 401
    other = Site(stack, keystone.url, rights={"observer": ["dird.directories.lookup.#"]})
    assert other.get(LOOKUP, keystone.token("eve")).status == 200


def test_without_keystone_the_directory_says_so_and_is_well_when_it_is_back(
    keystone: Keystone, stack: ExitStack
) -> None:
    site = Site(stack, keystone.url)
    token = keystone.token("ann")
    keystone.stop()
    try:
        answer = site.get(LOOKUP, token)
        assert answer.status == 503 and token not in answer.text
    finally:
        keystone.start()
    assert site.get(LOOKUP, token).status == 200


def test_an_address_without_its_version_is_no_keystone(
    keystone: Keystone, stack: ExitStack
) -> None:
    site = Site(stack, keystone.url.removesuffix("/v3"))
    assert site.get(LOOKUP, keystone.token("ann")).status in {401, 503}
