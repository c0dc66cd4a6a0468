"""Which keys rows may have is declared: a wrong one is refused where there are no rows, too."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from pelagos.cli import failures
from pelagos.cli.failures import UsageError
from pelagos.cli.keys import Keys, may_be, names_of
from pelagos.cli.launch import load
from pelagos.cli.output import Column, Output
from pelagos.cli.selection import FilterArgument, Selection, SortArgument
from pelagos.cli.tree import Node, pelagos_tree
from pelagos.core.http import Response

LISTS = [node for node in pelagos_tree().root.walk() if load(node).lists]
#: Whose rows have what people wrote into them: an image has its properties at the top.
OPEN = {"contact list", "image list", "phonebook show"}
SERVICE = ("pelagos.slap.model:Service",)
SERVER = ("pelagos.clients.compute.types:Server", "ips")
VM = ("pelagos.one.results.types.vm:Vm", "state")


@pytest.mark.parametrize("node", LISTS, ids=lambda node: node.line)
def test_every_list_declares_what_its_rows_may_have(node: Node) -> None:
    keys = load(node).keys
    if node.line in OPEN:
        assert keys is None
    else:
        assert keys is not None
        assert len(names_of(keys)) >= len(keys)
        assert not may_be(keys, "nosuchkey")


@pytest.mark.parametrize(
    ("keys", "right", "wrong"),
    [
        (SERVICE, "reference cause cause.code connection.url", "refernce cause.cod status.x"),
        (SERVER, "ips name metadata.role flavor.id OS-EXT-SRV-ATTR:host", "nmae ip created.x"),
        (VM, "NAME TEMPLATE.CPU state", "name NMAE stat"),
        (("a", "b.c"), "a a.b b.c", "b c aa"),
        ((), "", "a"),
    ],
)
def test_keys_are_those_of_the_class_and_of_what_is_inside(
    keys: Keys, right: str, wrong: str
) -> None:
    assert [one for one in right.split() if not may_be(keys, one)] == []
    assert [one for one in wrong.split() if may_be(keys, one)] == []


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        (
            "pelagos.clients.compute.types:VolumeAttachment",
            "tag delete_on_termination attachment_id bdm_uuid",
        ),
        ("pelagos.clients.identity.types:ApplicationCredential", "system user_id"),
        ("pelagos.clients.image.types:Member", "schema"),
    ],
)
def test_what_rows_of_clouds_have_is_declared(keys: str, rows: str) -> None:
    assert [one for one in rows.split() if not may_be([keys], one)] == []


def _shown(rows: list[Any], keys: Keys | None, *, form: str = "json", **how: Any) -> str:
    stream = io.StringIO()
    columns = (Column("reference", "name"), Column("cause.code", "state"))
    Output(stream, form, keys=keys, **how).show_list(rows, columns, empty="none")
    return stream.getvalue()


def _choices(key: str) -> list[dict[str, Any]]:
    condition = FilterArgument("x", "--filter").parse_one(f"{key}=x")
    order = SortArgument("x", "--sort").parse_one(key)
    selections: list[Selection] = [Selection([condition]), Selection((), order)]
    return [{"selection": one} for one in selections] + [{"columns": [key]}]


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_wrong_key_is_refused_in_an_empty_list_with_the_nearest(form: str) -> None:
    for how in _choices("refernce"):
        with pytest.raises(UsageError, match="no column refernce") as caught:
            _shown([], SERVICE, form=form, **how)
        assert caught.value.hint == "did you mean reference?"


@pytest.mark.parametrize("key", ["reference", "name", "NAME", "state", "guid", "connection.x"])
def test_a_right_key_passes_whether_rows_have_it_or_not(key: str) -> None:
    row = {"reference": "a", "cause": {"code": "ok"}}
    for rows in ([], [row]):
        for how in _choices(key):
            assert isinstance(json.loads(_shown(rows, SERVICE, **how)), list)


def test_where_nothing_is_declared_an_empty_list_takes_any_key() -> None:
    for how in _choices("whatever"):
        assert json.loads(_shown([], None, **how)) == []


def test_a_list_of_the_master_that_is_empty_refuses_a_slip(world) -> None:
    world.routes["GET /v1/services"] = world.page([])
    ran = world.run("service", "list", "--filter", "stauts=started")
    assert ran.code == failures.USAGE
    assert "there is no column stauts" in ran.err and "did you mean status?" in ran.err
    assert world.run("service", "list", "--filter", "status=started", "-j").data == []


# ---- commands that show one thing, or a list of it


@pytest.mark.parametrize(
    "line",
    ["server info", "image info", "computer info", "cloud check", "person certificate"],
)
def test_a_command_that_lists_by_an_option_takes_the_options_of_lists(line: str) -> None:
    options = load(pelagos_tree().get_command(line.split())).all_arguments()
    assert {"conditions", "sorting", "no_pager", "columns"} <= set(options)


def test_partitions_are_listed_and_narrowed(world) -> None:
    world.routes["GET /v1/computers/COMP"] = world.answer(world.computer())
    listed = world.run("computer", "info", "COMP", "--partitions", "-j").data
    assert [one["partition_id"] for one in listed] == ["slappart0", "slappart1"]
    words = ("computer", "info", "COMP", "--partitions", "--filter", "service=hello", "-j")
    assert [one["partition_id"] for one in world.run(*words).data] == ["slappart0"]
    whole = world.run("computer", "info", "COMP", "--filter", "service=hello")
    assert whole.code == failures.USAGE
    assert "--filter and --sort are for lists" in whole.err


# ---- machines on demand, where there are none


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("words", [(), ("--places",)])
def test_a_plane_that_makes_no_machines_has_an_empty_list(
    world, words: tuple[str, ...], is_terminal: bool
) -> None:
    world.routes["GET /v1/capacity"] = world.refusal(404, "this plane makes no machines")
    world.is_terminal = is_terminal
    ran = world.run("capacity", "list", *words)
    assert (ran.code, ran.out) == (failures.OK, "")
    assert ("[capacity.named.NAME]" in ran.err) is is_terminal
    assert world.run("capacity", "list", *words, "-j").data == []
    assert world.run("capacity", "make", "north").code == failures.FAILED


def test_what_is_no_master_is_not_taken_for_a_plane_without_machines(world) -> None:
    world.routes["GET /v1/capacity"] = Response(404, {}, b"<h1>Not Found</h1>")
    for words in (("list",), ("check",), ("make", "north")):
        ran = world.run("capacity", *words)
        assert ran.code == failures.UNREACHABLE
        assert "address of a Pelagos master" in ran.err
        assert "makes no machines" not in ran.err


def test_a_wrong_key_of_machines_is_refused_where_there_are_none(world) -> None:
    world.routes["GET /v1/capacity"] = world.refusal(404, "this plane makes no machines")
    assert world.run("capacity", "list", "--filter", "sttae=x").code == failures.USAGE
    assert world.run("capacity", "list", "--places", "--sort", "drver").code == failures.USAGE
    assert world.run("capacity", "list", "--places", "--sort", "driver", "-j").data == []
