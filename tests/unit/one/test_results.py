"""Typed results: what programs rely on; the committed code is what its description says."""

import copy
import json
import pickle
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import pelagos.one
from pelagos.one import methods
from pelagos.one.constants import (
    DATASTORE_TYPES,
    HISTORY_ACTION,
    HOST_STATES,
    IMAGE_TYPES,
    LCM_STATE,
    VM_STATE,
)
from pelagos.one.errors import OneConfigException
from pelagos.one.generate import code, description, stubs
from pelagos.one.generate.schemas import read_schemas
from pelagos.one.generate.shapes import Shape, joined, with_members
from pelagos.one.results import Element, Template, class_of, parse
from pelagos.one.results.types.vm import Vm, VmPool
from support.one_answers import DATA, sample, samples, server, text_answer

HERE = Path(pelagos.one.__file__).parent
KNOWN = description.read((HERE / "generate/description.txt").read_text(encoding="utf-8"))
ADDED = description.read((HERE / "generate/additions.txt").read_text(encoding="utf-8"))


def test_the_description_is_what_all_schemas_say_and_what_we_add() -> None:
    said = joined(with_members(read_schemas(DATA / "xsd")), ADDED)
    assert description.paths(KNOWN) == description.paths(said)
    assert said == KNOWN


def test_each_schema_alone_is_covered(tmp_path: Path) -> None:
    known = description.paths(KNOWN)
    shared = (DATA / "xsd/shared.xsd").read_bytes()
    for path in sorted((DATA / "xsd").glob("*.xsd")):
        for old in tmp_path.iterdir():
            old.unlink()
        (tmp_path / "shared.xsd").write_bytes(shared)
        (tmp_path / path.name).write_bytes(path.read_bytes())
        alone = read_schemas(tmp_path)
        for root, shape in alone.roots.items():
            assert list(_uncovered(known, root, shape)) == []


def _uncovered(known: Any, path: str, shape: Shape) -> Iterator[str]:
    """The paths of a shape whose values have no place in what is known."""
    found = known.get(path)
    if found is None or (shape.is_list and not found.is_list):
        yield path
        return
    if found.kind == "free":
        return
    if shape.kind not in {"free", found.kind} and found.kind not in {"text", "decimal"}:
        yield path
    for name, below in shape.fields.items():
        yield from _uncovered(known, f"{path}/{name}", below)


def test_the_committed_code_is_what_the_description_says() -> None:
    sources = code.write_modules(KNOWN)
    committed = {path.stem: path.read_text("utf-8") for path in HERE.glob("results/types/*.py")}
    assert sources == committed
    stub = stubs.write_stub(methods.all_methods(), KNOWN)
    assert (HERE / "resources.pyi").read_text(encoding="utf-8") == stub


def test_a_description_survives_its_text() -> None:
    assert description.read(description.write(KNOWN)) == KNOWN


@pytest.mark.parametrize("text", ["VM\n    ID int\n", "VM\n  ID number\n", "VM int x\n"])
def test_a_description_that_is_not_right(text: str) -> None:
    with pytest.raises(OneConfigException, match="line"):
        description.read(text)


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_fields_of_recorded_answers_have_their_types(path: Path) -> None:
    kinds = {"int": int, "decimal": Decimal, "real": float}

    def walk(value: Any, path: str) -> None:
        for name in value.to_dict():
            shape = known.get(f"{path}/{name}")
            for inner in value.get_list(name):
                if isinstance(inner, Element):
                    walk(inner, f"{path}/{name}")
                elif shape is not None and shape.kind in kinds and inner is not None:
                    assert isinstance(inner, kinds[shape.kind]), f"{path}/{name}: {inner!r}"
            if shape is not None and shape.is_list:
                assert isinstance(getattr(value, name), list)

    known = description.paths(KNOWN)
    root = parse(path.read_text(encoding="utf-8"))
    walk(root, root._tag)


def test_nothing_that_pyone_drops_is_lost() -> None:
    vm = parse(sample("vmpool_infoextended_1.xml")).VM[0]
    assert vm.PERMISSIONS.OWNER_U == 1 and vm.PREV_STATE == 3 and vm.BACKUPS.BACKUP_IDS.ID == []
    host = parse(sample("host_monitoring.xml")).MONITORING[0]
    assert host.CAPACITY.FREE_CPU == 600 and len(host.NUMA_NODE[0].HUGEPAGE) == 2
    rows = parse(sample("system_sqlquery.xml")).RESULT.ROW
    assert rows[0].to_dict() == {"oid": "2", "name": "alice"}
    assert parse(sample("userquota.xml")).VM_QUOTA.VM == []
    assert parse(sample("hooklog.xml")).HOOK_EXECUTION_RECORD == []


def test_a_pool_is_a_list_and_its_members_are_of_their_own_type() -> None:
    one, _ = server(text_answer(sample("vmpool_info_100.xml")))
    pool = one.vmpool.info(-2, -1, -1, -1)
    assert isinstance(pool, VmPool) and len(pool) == len(pool.VM) == 100
    assert all(isinstance(vm, Vm) for vm in pool) and pool[0] is pool.VM[0]
    assert [vm.ID for vm in pool[:3]] == [99, 98, 97]
    assert repr(pool) == "<VmPool of 100>" and repr(pool[0]) == "<Vm ID=99 NAME='vm-099' STATE=2>"


def test_lists_are_lists_and_what_is_missing_is_none() -> None:
    vm = parse(
        "<VM><ID>7</ID><HISTORY_RECORDS><HISTORY><SEQ>0</SEQ></HISTORY></HISTORY_RECORDS></VM>"
    )
    assert [record.SEQ for record in vm.HISTORY_RECORDS.HISTORY] == [0]
    assert vm.LOCK is None and vm.SNAPSHOTS == []
    assert parse("<CLUSTER><HOSTS><ID>3</ID></HOSTS></CLUSTER>").HOSTS.ID == [3]
    assert parse("<CLUSTER><HOSTS></HOSTS></CLUSTER>").HOSTS.ID == []
    with pytest.raises(AttributeError, match="VM has no STAET; did you mean STATE"):
        _ = vm.STAET


def test_what_no_schema_knows_is_there() -> None:
    vm = parse("<VM><ID>x7</ID><NEW>1</NEW><MORE><A>1</A><A>2</A></MORE><N2>a</N2><N2>b</N2></VM>")
    assert (vm.ID, vm.NEW, vm.MORE.A, vm.N2) == ("x7", "1", ["1", "2"], ["a", "b"])
    assert vm.get_list("NEW") == ["1"] and vm.get_list("NOTHING") == []
    other = parse("<SOMETHING><A>1</A></SOMETHING>")
    assert type(other) is Element and other.A == "1" and repr(other) == "<SOMETHING>"
    assert {"NEW", "STATE"} <= set(dir(vm))


def test_results_are_values() -> None:
    for name in ("vmpool_info_100.xml", "vm_info_snapshot.xml", "host_info.xml", "userpool.xml"):
        first, second = parse(sample(name)), parse(sample(name))
        assert first == second and first != parse("<VM/>") and first != 1
        for again in (pickle.loads(pickle.dumps(first)), copy.copy(first), copy.deepcopy(first)):
            assert again == first and type(again) is type(first)
        assert json.loads(first.to_json()) == json.loads(
            json.dumps(first.to_dict(), default=float)
        )
        assert parse(first.to_xml()) == first
    with pytest.raises(AttributeError, match="cannot be set"):
        first.ID = 1
    with pytest.raises(TypeError):
        hash(first)


def test_a_repr_shows_no_secret() -> None:
    user = parse("<USER><ID>2</ID><NAME>ann</NAME><PASSWORD>s3cret</PASSWORD></USER>")
    assert repr(user) == "<User ID=2 NAME='ann'>"


def test_templates_are_multi_mappings() -> None:
    template = parse(
        "<VM><TEMPLATE><A/><DISK><ID><![CDATA[0]]></ID></DISK><B>1</B><DISK><ID>1</ID></DISK>"
        "<NIC><IP>x</IP></NIC><SNAPSHOT><ID>1</ID></SNAPSHOT></TEMPLATE></VM>"
    ).TEMPLATE
    assert isinstance(template, Template)
    assert list(template) == ["A", "DISK", "B", "NIC", "SNAPSHOT"] and len(template) == 5
    assert template["A"] == "" and template.B == "1" and template.get("C") is None
    assert [disk["ID"] for disk in template["DISK"]] == ["0", "1"]
    assert template["NIC"]["IP"] == "x" and template.NIC == [{"IP": "x"}] and template.PCI == []
    assert template["SNAPSHOT"] == [{"ID": "1"}] and template.get_list("B") == ["1"]
    assert [name for name, _ in template.multi_items()] == [
        "A",
        "DISK",
        "B",
        "DISK",
        "NIC",
        "SNAPSHOT",
    ]
    with pytest.raises(AttributeError, match="did you mean DISK"):
        _ = template.DIKS
    with pytest.raises(KeyError):
        _ = template["C"]


def test_templates_can_be_changed() -> None:
    template = Template({"A": "1", "D": [{"X": "0"}, {"X": "1"}]}, B="2")
    before = copy.deepcopy(template)
    template["D"] = {"X": "7"}
    template["C"] = "3"
    del template["A"]
    template.add("B", "4")
    assert template.to_dict() == {"D": {"X": "7"}, "B": ["2", "4"], "C": "3"}
    assert before == {"A": "1", "D": [{"X": "0"}, {"X": "1"}], "B": "2"} and before != template
    assert pickle.loads(pickle.dumps(before)) == before == Template(before)
    with pytest.raises(KeyError):
        del template["A"]
    assert repr(template) == "Template({'D': {'X': '7'}, 'B': ['2', '4'], 'C': '3'})"


def test_constants_are_those_of_the_server() -> None:
    assert [LCM_STATE(number).name for number in (3, 69, 70, 71)] == [
        "RUNNING",
        "BACKUP",
        "BACKUP_POWEROFF",
        "RESTORE",
    ]
    assert (IMAGE_TYPES.BACKUP, IMAGE_TYPES.FILESYSTEM, DATASTORE_TYPES.BACKUP) == (6, 7, 3)
    assert HISTORY_ACTION["nic-attach"] == 23 and HISTORY_ACTION(37).name == "snapshot-create"
    assert HISTORY_ACTION["vmgroup-del"] == 65 and HISTORY_ACTION["backup"] == 50
    assert HOST_STATES.OFFLINE == 8 and VM_STATE["DONE"] == 6
    assert VM_STATE(77).name == "UNKNOWN_77" and VM_STATE(77) == 77


def test_every_root_has_a_class_that_loads() -> None:
    for root in KNOWN.roots:
        assert class_of(root) is not Element
    assert class_of("NO_SUCH_ROOT") is Element


def test_schemas_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OneConfigException, match="there are no"):
        read_schemas(tmp_path)
    (tmp_path / "a.xsd").write_text("<a>")
    with pytest.raises(OneConfigException, match="not well-formed"):
        read_schemas(tmp_path)
    (tmp_path / "a.xsd").write_text('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(OneConfigException, match="document type"):
        read_schemas(tmp_path)


def test_a_wrong_name_is_told_each_right_one_once() -> None:
    answer = parse("<SQL_COMMAND><QUERY>q</QUERY><RESULT></RESULT></SQL_COMMAND>")
    with pytest.raises(AttributeError, match=r"there are: QUERY, RESULT$"):
        _ = answer.rows
