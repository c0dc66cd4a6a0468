"""`pelagos quota|project|user|group|role …` on a box: Keystone, and Astakos where it has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_FOUND, USAGE


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        running.person("bob")
        yield running


@pytest.fixture
def ann(box: Box, tmp_path: Path) -> Lines:
    lines = Lines(box, tmp_path / "home")
    lines.environ["PELAGOS_CLOUD"] = "swift"
    return lines


@pytest.fixture
def admin(ann: Lines) -> Lines:
    ann.environ["PELAGOS_CLOUD"] = "admin"
    return ann


@pytest.fixture
def synnefo(ann: Lines) -> Lines:
    ann.environ["PELAGOS_CLOUD"] = "pithos"
    return ann


def test_who_am_i(ann: Lines, box: Box) -> None:
    me = ann.done("user", "info", "-j").data
    assert (me["name"], me["id"]) == ("ann", box.person("ann").user_id)
    assert me["projects"] == ["ann"]
    assert "ann" in ann.done("user", "info").out
    ann.environ["PELAGOS_CLOUD"] = "pithos"
    assert ann.done("user", "info", "-j").data["id"] == me["id"]


def test_a_user_from_his_making_to_his_end(admin: Lines) -> None:
    made = admin.done(
        "user", "create", "eve", "--email", "eve@example.org", "--generate-password", "-j"
    ).data
    assert (made["name"], made["email"]) == ("eve", "eve@example.org")
    assert len(made["password"]) >= 16
    assert "eve" in {one["name"] for one in admin.done("user", "list", "-j").data}
    assert [one["name"] for one in admin.done("user", "list", "--name", "ev*", "-j").data] == [
        "eve"
    ]
    admin.done("user", "modify", "eve", "--email", "e@example.org", "--disable")
    info = admin.done("user", "info", "eve", "-j").data
    assert (info["email"], info["enabled"]) == ("e@example.org", False)
    assert admin.run("user", "modify", "eve").code == USAGE
    assert admin.run("user", "modify", "eve", "--enable", "--disable").code == USAGE
    found = admin.run("user", "find", "eve", "nobody")
    assert found.code == NOT_FOUND
    assert made["id"] in found.out
    assert "nobody is called nobody" in found.err
    asked = admin.run("user", "delete", "eve")
    assert asked.code == USAGE
    assert "with --yes" in asked.err
    admin.done("user", "delete", "eve", "--yes")
    gone = admin.run("user", "info", "eve")
    assert gone.code == NOT_FOUND
    assert "there is no user eve" in gone.err


def test_a_password_is_changed_by_who_has_it(admin: Lines, ann: Lines, box: Box) -> None:
    admin.environ["PELAGOS_CLOUD"] = "admin"
    admin.done("user", "create", "kim", "--password", stdin=b"first secret\n")
    kim = Lines(box, ann.home / "kim", who="ann")
    text = kim.file.read_text().replace('"ann"', '"kim"')
    secret = box.person("ann").password
    kim.file.write_text(text.replace(secret, "first secret").replace('project_name = "kim"', ""))
    kim.environ["PELAGOS_CLOUD"] = "swift"
    kim.done("user", "password", stdin=b"first secret\nsecond secret\n")
    refused = kim.run("user", "info")
    assert refused.code != 0
    admin.done("user", "delete", "kim", "--yes")


def test_a_project_and_who_is_in_it(admin: Lines) -> None:
    made = admin.done("project", "create", "web", "--description", "the web site", "-j").data
    assert (made["name"], made["description"]) == ("web", "the web site")
    admin.done("role", "assign", "member", "--user", "bob", "--project", "web")
    members = admin.done("project", "members", "web", "-j").data
    assert [(one["name"], one["roles"]) for one in members] == [("bob", ["member"])]
    rows = admin.done("role", "assignments", "--project", "web", "-j").data
    assert [(one["who"], one["where"]) for one in rows] == [("bob", "project web")]
    assert "web" in {one["name"] for one in admin.done("project", "list", "--all", "-j").data}
    admin.done("project", "modify", "web", "--description", "old", "--disable")
    info = admin.done("project", "info", "web", "-j").data
    assert (info["description"], info["enabled"]) == ("old", False)
    admin.done("role", "unassign", "member", "--user", "bob", "--project", "web")
    assert admin.done("role", "assignments", "--project", "web", "-j").data == []
    synnefo_only = admin.run("project", "modify", "web", "--end-date", "2030-01-01")
    assert synnefo_only.code == FAILED
    assert "is an OpenStack" in synnefo_only.err
    admin.done("project", "delete", "web", "--yes")
    missing = admin.run("project", "info", "web")
    assert missing.code == NOT_FOUND


def test_roles_are_made_given_and_removed(admin: Lines) -> None:
    admin.done("role", "create", "painter")
    assert "painter" in {one["name"] for one in admin.done("role", "list", "-j").data}
    for words, said in (
        ((), "give (--user or --group) and (--project or --domain or --system)"),
        (("--user", "bob"), "give (--user or --group) and"),
        (
            ("--user", "bob", "--project", "ann", "--system"),
            "--project and --system exclude each other",
        ),
    ):
        refused = admin.run("role", "assign", "painter", *words)
        assert refused.code == USAGE
        assert said in refused.err
    admin.done("role", "assign", "painter", "--user", "bob", "--project", "bob")
    asked = admin.run("role", "delete", "painter")
    assert asked.code == USAGE
    assert "given 1 times" in asked.err
    admin.done("role", "delete", "painter", "--yes")
    guessed = admin.run("role", "assign", "membr", "--user", "bob", "--project", "bob")
    assert guessed.code == NOT_FOUND
    assert "did you mean member?" in guessed.err


def test_a_program_gets_a_login(ann: Lines) -> None:
    made = ann.done("user", "credential", "create", "robot", "--until", "2040-01-01T00:00").out
    assert "secret" in made
    assert [one["name"] for one in ann.done("user", "credential", "list", "-j").data] == ["robot"]
    ann.done("user", "credential", "delete", "robot")
    assert ann.done("user", "credential", "list", "-j").data == []
    assert ann.run("user", "credential", "delete", "robot").code == NOT_FOUND


def test_names_are_completed(admin: Lines) -> None:
    admin.environ["PELAGOS_COMPLETION_TIMEOUT"] = "30"

    def offered(cloud: str, *words: str) -> set[str]:
        admin.environ["PELAGOS_CLOUD"] = cloud
        answer, _ = admin.start("__complete", *words).communicate(timeout=120)
        return {line.split("\t")[0] for line in answer.decode().splitlines()}

    assert {"ann", "bob"} <= offered("admin", "user", "info", "")
    assert "bob" in offered("admin", "role", "assign", "member", "--user", "b")
    assert "ann" in offered("admin", "project", "info", "")
    assert "member" in offered("admin", "role", "delete", "")
    assert offered("admin", "user", "list", "--domain", "D") == {"Default"}
    admin.done("user", "credential", "create", "nightly")
    assert offered("admin", "user", "credential", "delete", "") == {"nightly"}
    missing = admin.run("user", "credential", "delete", "nightyl")
    assert (missing.code, "did you mean nightly?" in missing.err) == (NOT_FOUND, True)
    admin.environ["PELAGOS_CLOUD"] = "pithos"
    projects = {one["id"] for one in admin.done("project", "list", "-j").data}
    assert projects
    assert projects <= offered("pithos", "container", "create", "c", "--project", "")
    members = {str(one["id"]) for one in admin.done("membership", "list", "-j").data}
    assert members == offered("pithos", "membership", "info", "")


def test_what_is_not_allowed_is_said(ann: Lines) -> None:
    refused = ann.run("user", "create", "x", "--generate-password")
    assert refused.code == 5
    assert "pelagos:" in refused.err


def test_quotas_of_both_families(ann: Lines) -> None:
    rows = ann.done("quota", "list", "-j").data
    named = {one["resource"]: one for one in rows}
    assert named["object storage"]["used"] >= 0
    assert {"networks", "rbac policies"} <= named.keys()
    assert "RESOURCE" in ann.done("quota", "list").out
    ann.environ["PELAGOS_CLOUD"] = "pithos"
    rows = ann.done("quota", "list", "--resource", "pithos", "-j").data
    assert {one["resource"] for one in rows} == {"pithos.diskspace"}
    none = ann.done("quota", "list", "--resource", "zz").out
    assert none == "no resource begins with zz\n"
    assert rows[0]["limit"] > 0
    assert "GiB" in ann.done("quota", "list").out
    assert "pithos.diskspace" in ann.done("quota", "resources").out


def test_synnefo_says_what_it_has_not(synnefo: Lines, box: Box) -> None:
    for words in (("user", "list"), ("role", "list"), ("user", "create", "x")):
        refused = synnefo.run(*words)
        assert refused.code == FAILED
        assert "is a Synnefo" in refused.err
    bob = box.person("bob").user_id
    assert synnefo.done("user", "find", bob, "-j").data[0]["id"] == bob
    missing = synnefo.run("user", "info", "nobody@example.org")
    assert missing.code == NOT_FOUND


def test_a_project_of_synnefo_is_applied_for_approved_and_joined(
    synnefo: Lines, box: Box, tmp_path: Path
) -> None:
    made = synnefo.done(
        "project", "create", "lab.example.org", "--end-date", "2040-01-31",
        "--resource", "cyclades.vm=2,10", "--description", "the lab", "-j",
    ).data  # fmt: skip
    chief = Lines(box, tmp_path / "chief", who="admin")
    chief.environ["PELAGOS_CLOUD"] = "pithos"
    chief.done("project", "approve", made["id"])
    info = synnefo.done("project", "info", "lab.example.org", "-j").data
    assert (info["state"], info["description"]) == ("active", "the lab")
    assert info["resources"]["cyclades.vm"] == {"member_capacity": 2, "project_capacity": 10}
    bob = Lines(box, tmp_path / "bob", who="bob")
    bob.environ["PELAGOS_CLOUD"] = "pithos"
    bob.done("project", "join", made["id"])
    asked = synnefo.done("project", "members", made["id"], "-j").data
    number = next(one["id"] for one in asked if one["state"] == "requested")
    synnefo.done("membership", "accept", str(number))
    rows = synnefo.done("project", "members", made["id"], "-j").data
    assert {one["user"] for one in rows} >= {box.person("bob").user_id}
    assert [one["project"] for one in bob.done("membership", "list", "-j").data].count(
        made["id"]
    ) == 1
    bob.done("membership", "leave", str(number))
    chief.done("project", "suspend", made["id"], "--reason", "for a while")
    assert synnefo.done("project", "info", made["id"], "-j").data["state"] == "suspended"
    wrong = synnefo.run("project", "create", "x.example.org")
    assert wrong.code == USAGE
    assert "--end-date" in wrong.err
