"""OpenStack's own clients, unmodified, at a box."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from support import openstack_clients
from support.box_site import openstack_environ
from support.peer_environment import PeerMissingError
from support.require import Require

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def programs() -> Path:
    try:
        return openstack_clients.install()
    except PeerMissingError as error:
        Require().missing(str(error))
        raise


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as box:
        yield box


def _openstack(programs: Path, box: Box, *words: str, person: str = "demo") -> object:
    who = box.admin if person == "admin" else box.person(person)
    done = openstack_clients.run(
        programs / "openstack", *words, "-f", "json", environ=openstack_environ(box, who)
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout or "null")


def test_openstack_logs_in(programs: Path, box: Box) -> None:
    shown = _openstack(programs, box, "token", "issue")
    assert isinstance(shown, dict) and shown["user_id"] == box.person("demo").user_id


def test_openstack_keeps_users_and_projects(programs: Path, box: Box) -> None:
    _openstack(programs, box, "project", "create", "lab", person="admin")
    _openstack(
        programs, box, "user", "create", "eve", "--password", "pw", "--project", "lab",
        person="admin",
    )  # fmt: skip
    listed = _openstack(programs, box, "user", "list", person="admin")
    assert isinstance(listed, list) and "eve" in {one["Name"] for one in listed}
    shown = _openstack(programs, box, "application", "credential", "create", "robot")
    assert isinstance(shown, dict)
    done = openstack_clients.run(
        programs / "openstack", "token", "issue",
        environ={
            "OS_AUTH_URL": box.auth_url,
            "OS_AUTH_TYPE": "v3applicationcredential",
            "OS_APPLICATION_CREDENTIAL_ID": shown["ID"],
            "OS_APPLICATION_CREDENTIAL_SECRET": shown["Secret"],
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
