"""`pelagos one …` on the OpenNebula of a box."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.cli import complete
from pelagos.cli.commands.one_things import class_name
from pelagos.cli.failures import NOT_ALLOWED, NOT_FOUND, UNREACHABLE, USAGE
from pelagos.cli.index import COMMANDS
from pelagos.cli.keys import may_be
from pelagos.cli.one.command import Kind
from pelagos.cli.one.kinds import KINDS
from pelagos.core.clock import ManualClock
from support.cloud_cli import CloudShell, Ran

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, clock: ManualClock) -> Iterator[CloudShell]:
    with Box(clock=clock) as box:
        environ = {"ONE_XMLRPC": box.one_url, "ONE_AUTH": str(box.one.one_auth)}
        yield CloudShell(tmp_path_factory.mktemp("shell"), environ, clock)


def _made(shell: CloudShell, *words: str, stdin: str = "") -> str:
    made: int = shell.ok("one", *words, "-j", stdin=stdin).data["id"]
    return str(made)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_every_kind_is_listed_and_shown(shell: CloudShell, kind: Kind) -> None:
    listed = shell.ok("one", kind.word, "list", "-j").data
    assert [thing["id"] for thing in listed] == sorted(thing["id"] for thing in listed)
    for thing in listed:
        assert thing["id"] == thing["ID"] and thing["name"] == thing["NAME"]
        shown = shell.ok("one", kind.word, "show", thing["name"], "-j").data
        assert shown["ID"] == thing["id"]
        rows = shell.ok("one", kind.word, "show", str(thing["id"])).rows
        assert rows["NAME"] == thing["name"] and "PASSWORD" not in rows
        assert [key for key in thing if not may_be(kind.keys, key)] == []
        assert set(kind.columns) <= set(thing)
    wrong = shell.run("one", kind.word, "list", "--sort", "nmae")
    assert wrong.code == USAGE and "there is no column nmae" in wrong.err


def test_a_machine_is_made_watched_and_ended(shell: CloudShell, clock: ManualClock) -> None:
    number = _made(
        shell, "template", "instantiate", "tiny", "--name", "web", "--set", "MEMORY=256", "--wait"
    )
    [row] = shell.ok("one", "vm", "list", "--filter", "NAME=web", "-j").data
    assert row["state"] == "running" and row["memory"] == "256" and row["host"].endswith(".box")
    assert row["address"].startswith("10.10.1.")
    assert "web" in shell.ok("one", "vm", "list").out
    shell.ok("one", "vm", "rename", "web", "shop")
    shell.ok("one", "vm", "update", "shop", "--set", "LABELS=a & b")
    shell.ok("one", "vm", "chmod", "shop", "640")
    shown = shell.ok("one", "vm", "show", "shop", "-j").data
    assert shown["USER_TEMPLATE"]["LABELS"] == "a & b"
    assert [shown["PERMISSIONS"][key] for key in ("OWNER_U", "OWNER_M", "GROUP_U")] == [1, 1, 1]
    shell.ok("one", "vm", "action", "poweroff", "shop", "--wait")
    assert shell.ok("one", "vm", "list", "-o", "value", "--columns", "state").out == "poweroff\n"
    shell.ok("one", "vm", "action", "resume", "shop", "--wait")
    shell.ok("one", "vm", "migrate", "shop", "node03.box", "--live", "--wait")
    clock.advance(2)
    assert shell.ok("one", "call", "vm.info", number, "-j").data["STATE"] == 3
    shell.ok("one", "vm", "delete", number, "--hard", "--wait")
    assert "there is no machine" in shell.ok("one", "vm", "list").out
    assert shell.ok("one", "vm", "list", "--done", "-j").data[0]["state"] == "done"


def test_things_are_made_of_files_and_settings(shell: CloudShell, tmp_path: Path) -> None:
    file = tmp_path / "template"
    file.write_text('NAME="big"\nCPU="2"\nMEMORY="512"\n')
    number = _made(shell, "template", "create", str(file))
    shell.ok("one", "template", "update", "big", "-", "--replace", stdin="CPU=4\nMEMORY=1\n")
    assert shell.ok("one", "template", "show", number, "-j").data["TEMPLATE"] == {
        "CPU": "4",
        "MEMORY": "1",
    }
    _made(
        shell,
        "image",
        "create",
        "--set",
        "NAME=data",
        "--set",
        "SIZE=10",
        "--datastore",
        "default",
    )
    nowhere = shell.run("one", "vnet", "create", "--set", "NAME=n", "--cluster", "defalt")
    assert nowhere.code == NOT_FOUND and "did you mean default" in nowhere.err
    _made(shell, "host", "create", "node09", "--im", "dummy", "--vm", "dummy")
    shell.ok("one", "host", "status", "node09", "disable")
    assert shell.ok("one", "host", "show", "node09", "-j").data["STATE"] == 4
    _made(shell, "cluster", "create", "lab")
    _made(shell, "group", "create", "engineers")
    _made(shell, "user", "create", "alice", "--group", "engineers", stdin="s3cret\n")
    shell.ok("one", "template", "chown", "big", "alice", "engineers")
    assert shell.ok("one", "template", "show", "big", "-j").data["UNAME"] == "alice"
    rule = _made(shell, "acl", "create", "@100 VM+NET/* USE+MANAGE *")
    assert "@100 VM+NET/* USE+MANAGE *" in shell.ok("one", "acl", "list").out
    shell.ok("one", "acl", "delete", rule)
    shell.ok("one", "template", "lock", "big", "--level", "manage", "--new")
    assert shell.ok("one", "template", "show", "big", "-j").data["LOCK"]["LOCKED"] == 2
    assert shell.run("one", "template", "lock", "big", "--new").code != 0
    assert shell.run("one", "template", "lock", "big", "--level", "all").code == USAGE
    shell.ok("one", "template", "unlock", "big")
    shell.ok("one", "template", "delete", "big")


def test_slips_are_told(shell: CloudShell) -> None:
    missing = shell.run("one", "vm", "show", "shp")
    assert missing.code == NOT_FOUND and "there is no machine shp" in missing.err
    near = shell.run("one", "template", "show", "tinny")
    assert "did you mean tiny?" in near.err
    assert "99" in shell.run("one", "vm", "show", "99").err
    unknown = shell.run("one", "call", "vm.inof", "1")
    assert unknown.code != 0 and "info" in unknown.err
    assert shell.run("one", "call", "vm.info", "seven").code == USAGE
    for words in (["call", "vm.allocate", "@/none"], ["vm", "create", "/none"]):
        lost = shell.run("one", *words)
        assert lost.code == USAGE and "/none cannot be read: No such file" in lost.err
    assert shell.run("one", "template", "create").code == USAGE
    refused = shell.run("one", "template", "create", "--set", "NAME=x]]>y")
    assert refused.code != 0 and "NAME" in refused.err and "Traceback" not in refused.err


def test_ways_that_lead_nowhere_have_the_exit_codes_of_all_commands(
    shell: CloudShell, tmp_path: Path
) -> None:
    def ended(*words: str, **environ: str) -> Ran:
        environ = {"ONE_XMLRPC": shell.environ["ONE_XMLRPC"], **environ}
        return CloudShell(tmp_path, environ, shell.clock).run("one", *words)

    nobody = ended("vm", "list")
    assert nobody.code == USAGE and "one_auth" in nobody.err
    assert "--auth FILE" in nobody.err and "session=" not in nobody.err
    (tmp_path / "wrong").write_text("oneadmin:wrong")
    assert ended("vm", "list", ONE_AUTH=str(tmp_path / "wrong")).code == NOT_ALLOWED
    right = shell.environ["ONE_AUTH"]
    assert (
        ended("vm", "list", ONE_AUTH=right, ONE_XMLRPC="http://127.0.0.1:1/").code == UNREACHABLE
    )
    assert ended("vm", "show", "99", ONE_AUTH=right).code == NOT_FOUND
    assert ended("call", "vm.info", "99", ONE_AUTH=right).code == NOT_FOUND
    assert ended("call", "vm.info", ONE_AUTH=right).code == USAGE
    assert ended("call", "vm.inof", "1", ONE_AUTH=right).code == USAGE


def test_any_method_can_be_called(shell: CloudShell) -> None:
    assert shell.ok("one", "call", "system.version").out == "7.5.80\n"
    assert shell.ok("one", "call", "one.system.version", "-j").data == {"answer": "7.5.80"}
    made = shell.ok("one", "call", "template.allocate", "@-", stdin='NAME="t"\nCPU="1"').out
    assert shell.ok("one", "call", "template.delete", made.strip(), "false").out == made
    named = shell.ok("one", "call", "imagepool.info", "-2", "-1", "-1", "-j").data
    assert named == shell.ok("one", "call", "imagepool.info", "-j", "--", "-2", "-1", "-1").data
    assert 0 in [one["ID"] for one in named["IMAGE"]]
    listed = shell.ok("one", "call", "hostpool.info", "-j").data
    assert json.dumps(listed).count("node0") > 3


def test_the_table_has_the_classes_of_all_kinds() -> None:
    targets = {target for _, target, _ in COMMANDS}
    assert all(f"one_things:{class_name(kind.word, 'list')}" in targets for kind in KINDS)


def test_names_are_completed(
    shell: CloudShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in shell.environ.items():
        monkeypatch.setenv(name, value)
    complete.complete(["one", "host", "show", "node0"])
    offered = capsys.readouterr().out.splitlines()
    assert {"node00.box\t0", "node01.box\t1"} <= set(offered)
    complete.complete(["one", "template", "instantiate", ""])
    assert "tiny\t0" in capsys.readouterr().out.splitlines()
    monkeypatch.setenv("ONE_XMLRPC", "http://127.0.0.1:9/RPC2")
    complete.complete(["one", "host", "show", ""])
    assert capsys.readouterr().out == ""
