"""What services of a Synnefo do by a token of their own; where a cloud's services are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_ALLOWED, NOT_FOUND, USAGE


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


@pytest.fixture
def ann(box: Box, tmp_path: Path) -> Lines:
    lines = Lines(box, tmp_path / "home")
    lines.environ["PELAGOS_CLOUD"] = "pithos"
    return lines


@pytest.fixture
def service(ann: Lines, box: Box, tmp_path: Path) -> Lines:
    """Somebody who has the token of a service, and nothing else that is good."""
    (tmp_path / "token").write_text(box.service_token("cyclades") + "\n")
    text = ann.file.read_text().replace('token = "', 'token = "wrong')
    ann.file.write_text(text)
    ann.environ["PELAGOS_SERVICE_TOKEN"] = (tmp_path / "token").read_text()
    return ann


def serial(lines: Lines, *words: str) -> str:
    return str(lines.done("commission", "issue", *words, "-j").data["serial"])


def pending(lines: Lines) -> list[str]:
    return [str(one["serial"]) for one in lines.done("commission", "pending", "-j").data]


def test_a_commission_is_begun_and_decided(service: Lines, box: Box, tmp_path: Path) -> None:
    ann = box.person("ann").user_id
    one = serial(service, "--user", ann, "cyclades.vm=2", "--description", "two servers")
    assert pending(service) == [one]
    told = service.done("commission", "info", one, "-j").data
    assert (told["name"], {each["quantity"] for each in told["provisions"]}) == (
        "two servers",
        {2},
    )
    service.done("commission", "accept", one)
    assert pending(service) == []
    file = tmp_path / "provisions.json"
    file.write_text(json.dumps({"cyclades.vm": 3, "cyclades.cpu": 1}))
    two = serial(service, "--user", ann, "--provisions-file", str(file), "cyclades.vm=1")
    quantities = service.done("commission", "info", two, "-j").data["provisions"]
    assert {each["quantity"] for each in quantities} == {1}
    service.done("commission", "reject", two)
    again = service.run("commission", "accept", two)
    assert (again.code, "no commission" in again.err) == (NOT_FOUND, True)
    rows = service.done("quota", "users", ann, "--resource", "cyclades.vm", "-j").data
    assert [row["used"] for row in rows] == [2]
    whole = service.done("quota", "users", "--projects", "--project", ann, "-j").data
    assert {row["resource"] for row in whole} >= {"cyclades.vm", "cyclades.ram"}
    serial(service, "--user", ann, "--accept", "cyclades.vm=-2")


def test_some_are_accepted_and_others_rejected(service: Lines, box: Box) -> None:
    ann = box.person("ann").user_id
    a, b, c = (serial(service, "--user", ann, "cyclades.vm=1") for _ in range(3))
    ran = service.run("commission", "resolve", "--accept", f"{a},999", "--reject", b, "-j")
    became = {str(one["serial"]): one["became"] for one in ran.data}
    assert (ran.code, became) == (FAILED, {a: "accepted", b: "rejected", "999": "failed"})
    service.done("commission", "resolve", "--reject", c)
    serial(service, "--user", ann, "--accept", "cyclades.vm=-1")


def test_what_a_quota_does_not_allow_is_said(service: Lines, box: Box) -> None:
    ann = box.person("ann").user_id
    ran = service.run("commission", "issue", "--user", ann, "cyclades.vm=1000")
    assert (ran.code, "has no more for you" in ran.err) == (FAILED, True)
    forced = serial(service, "--user", ann, "cyclades.vm=1000", "--force")
    service.done("commission", "reject", forced)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("issue", "cyclades.vm=1"), "--user"),
        (("issue", "--user", "u"), "nothing is charged"),
        (("issue", "--user", "u", "cyclades.vm"), "RESOURCE=N"),
        (("issue", "--user", "u", "cyclades.vm=x"), "RESOURCE=N"),
        (("accept", "x"), "no number"),
        (("resolve",), "--accept or --reject"),
    ],
)
def test_slips_are_explained(words: tuple[str, ...], told: str, service: Lines) -> None:
    ran = service.run("commission", *words)
    assert (ran.code, told in ran.err) == (USAGE, True), ran.err


def test_without_a_token_of_a_service_it_is_said_what_to_give(ann: Lines, tmp_path: Path) -> None:
    ran = ann.run("commission", "pending")
    assert (ran.code, "--service-token-file" in ran.err) == (USAGE, True)
    (tmp_path / "wrong").write_text("wrong")
    ran = ann.run("commission", "pending", "--service-token-file", tmp_path / "wrong")
    assert (ran.code, "refuses the login" in ran.err) == (NOT_ALLOWED, True)
    for wrong in (b"\x80\xff", b"two words", b"a\nX-Other: b"):
        (tmp_path / "wrong").write_bytes(wrong)
        ran = ann.run("commission", "pending", "--service-token-file", tmp_path / "wrong")
        assert (ran.code, "does not hold a token" in ran.err) == (FAILED, True), ran.err
    ann.environ["PELAGOS_CLOUD"] = "swift"
    ran = ann.run("commission", "pending")
    assert (ran.code, "is an OpenStack" in ran.err) == (FAILED, True)


def test_a_service_finds_users(service: Lines, box: Box) -> None:
    ann = box.person("ann")
    for word in (ann.name, ann.user_id):
        assert service.done("user", "find", word, "-j").data == [
            {"name": ann.name, "id": ann.user_id}
        ]
    assert service.run("user", "find", "nobody").code == NOT_FOUND


def test_where_the_services_are(ann: Lines, box: Box) -> None:
    rows = ann.done("endpoint", "list", "-j").data
    assert {"compute", "object-store", "identity"} <= {row["type"] for row in rows}
    assert all(row["url"].startswith(box.url) for row in rows)
    one = ann.done("endpoint", "list", "--name", "*plankton", "-j").data
    assert [row["type"] for row in one] == ["image"]
    pages = ann.done("cloud", "services", "-j").data
    assert [one["name"] for one in pages] == ["astakos", "pithos", "cyclades"]
    assert "pithos/ui" in ann.done("cloud", "services", "pithos").out
    ann.environ["PELAGOS_CLOUD"] = "swift"
    stores = ann.done("endpoint", "list", "--type", "object-store", "-j").data
    assert [row["interface"] for row in stores] == ["public"]
    every = ann.done("endpoint", "list", "--type", "object-store", "--all", "-j").data
    assert {row["interface"] for row in every} == {"public", "internal", "admin"}
    assert ann.run("cloud", "services").code == FAILED


def test_a_cloud_and_a_project_become_the_ones_that_are_meant(ann: Lines) -> None:
    del ann.environ["PELAGOS_CLOUD"]
    assert ann.run("user", "info").code == USAGE  # there are several
    assert "swift is meant" in ann.done("cloud", "use", "swift").err
    assert ann.done("user", "info", "-j").data["name"] == "ann"
    ran = ann.run("cloud", "use", "swfit")
    assert (ran.code, "swift" in ran.err) == (USAGE, True)
    ann.environ["PELAGOS_CLOUD"] = "pithos"
    assert "goes before" in ann.done("cloud", "use", "swift").err
    project = ann.done("project", "default").out.strip()
    ann.done("project", "default", project)
    assert ann.done("user", "info", "-j").data["project_id"] == project


def test_an_account_as_a_whole(ann: Lines, box: Box) -> None:
    for kind in ("pithos", "swift"):
        ann.environ["PELAGOS_CLOUD"] = kind
        ann.done("container", "create", f"c-{kind}")
        ann.done("object", "upload", "-", f"c-{kind}/o", stdin=b"abc")
        told = ann.done("object", "account", "--meta", "color=blue", "-j").data
        assert (told["bytes"] >= 3, told["meta"]) == (True, {"color": "blue"})
        assert "meta color" in ann.done("object", "account").out
        told = ann.done("object", "account", "--unset", "color", "-j").data
        assert told["meta"] == {}
    ann.environ["PELAGOS_CLOUD"] = "pithos"
    bob = Lines(box, ann.home / "bob", who="bob", environ={"PELAGOS_CLOUD": "pithos"})
    ann.done("object", "share", "c-pithos/o", "--read", "bob")
    assert bob.done("object", "account", "ann", "-j").data["bytes"] is None
