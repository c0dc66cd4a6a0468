"""The life of projects and memberships of a Synnefo: each verb, and what it ends in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from support.cloud_lines import Lines

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


def _lines(box: Box, folder: Path, who: str) -> Lines:
    found = Lines(box, folder / who, who=who)
    found.environ["PELAGOS_CLOUD"] = "pithos"
    return found


@pytest.fixture
def ann(box: Box, tmp_path: Path) -> Lines:
    return _lines(box, tmp_path, "ann")


@pytest.fixture
def bob(box: Box, tmp_path: Path) -> Lines:
    return _lines(box, tmp_path, "bob")


@pytest.fixture
def chief(box: Box, tmp_path: Path) -> Lines:
    return _lines(box, tmp_path, "admin")


def _applied(lines: Lines, name: str, *words: str) -> str:
    end = ("--end-date", "2040-01-31")
    return str(lines.done("project", "create", name, *end, *words, "-j").data["id"])


def _state(lines: Lines, project: str) -> str:
    return str(lines.done("project", "info", project, "-j").data["state"])


def _application(lines: Lines, project: str) -> str:
    told = lines.done("project", "info", project, "-j").data["last_application"]
    return str(told["state"])


def test_a_project_ends_and_comes_back(ann: Lines, chief: Lines) -> None:
    project = _applied(ann, "ends.example.org")
    chief.done("project", "approve", project)
    for verb, state in (
        ("suspend", "suspended"), ("unsuspend", "active"),
        ("terminate", "terminated"), ("reinstate", "active"),
    ):  # fmt: skip
        done = chief.done("project", verb, project, "--reason", "a test")
        assert done.err == f"{project}: {verb}\n"
        assert _state(ann, project) == state
        again = chief.run("project", verb, project)
        assert again.code != 0 and again.err  # it is so already
        refused = ann.run("project", verb, project)
        assert refused.code != 0  # its owner may not
        assert _state(ann, project) == state


def test_an_application_is_denied_put_away_or_taken_back(ann: Lines, chief: Lines) -> None:
    denied = _applied(ann, "denied.example.org")
    assert ann.run("project", "approve", denied).code != 0
    chief.done("project", "deny", denied, "--reason", "no room")
    assert _application(ann, denied) == "denied"
    assert chief.run("project", "approve", denied).code != 0
    ann.done("project", "dismiss", denied)
    assert _application(ann, denied) == "dismissed"
    taken = _applied(ann, "taken.example.org")
    number = ann.done("project", "info", taken, "-j").data["last_application"]["id"]
    ann.done("project", "cancel", taken, "--application", str(number))
    assert _application(ann, taken) == "cancelled"
    assert chief.run("project", "approve", taken).code != 0


def test_members_are_put_in_and_out(box: Box, ann: Lines, bob: Lines, chief: Lines) -> None:
    project = _applied(ann, "club.example.org", "--join-policy", "moderated")
    chief.done("project", "approve", project)
    person = box.person("bob")

    def rows() -> dict[int, str]:
        found = ann.done("project", "members", project, "-j").data
        return {one["id"]: one["state"] for one in found if one["user"] == person.user_id}

    assert bob.run("project", "enroll", project, "bob").code != 0  # he does not lead it
    ann.done("project", "enroll", project, person.name)
    [(first, state)] = rows().items()
    assert state == "accepted"
    assert bob.run("membership", "remove", str(first)).code != 0
    ann.done("membership", "remove", str(first))
    assert rows()[first] == "removed"
    bob.done("project", "join", project)
    asked = next(key for key, one in rows().items() if one == "requested")
    assert bob.run("membership", "accept", str(asked)).code != 0
    ann.done("membership", "reject", str(asked), "--reason", "full")
    assert rows()[asked] == "rejected"
    bob.done("project", "join", project)
    last = next(key for key, one in rows().items() if one == "requested")
    assert ann.run("membership", "cancel", str(last)).code != 0  # who asked takes it back
    bob.done("membership", "cancel", str(last))
    assert rows()[last] == "cancelled"
    info = bob.done("membership", "info", str(last), "-j").data
    assert (info["project"], info["allowed_actions"]) == (project, [])
