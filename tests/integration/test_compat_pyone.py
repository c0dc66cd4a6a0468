"""Programs written for pyone: its import paths, its names, the ways that people use it."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.compat import pyone

WAIT = 60

#: The examples of pyone's own documentation, and what the modules for Ansible do.
_PROGRAM = """
import json, ssl, sys
from pelagos.compat import pyone
pyone.install()
pyone.install()

import pyone
from pyone import OneServer, OneException, OneNoExistsException, VM_STATE, LCM_STATE
from pyone.server import OneServer as same
from pyone.util import cast2one, one2dict
from pyone.acl import OneAcl
assert same is OneServer and isinstance(OneServer(sys.argv[1], session=sys.argv[2]), OneServer)

class Server(OneServer):
    pass

context = ssl._create_unverified_context()
with Server(sys.argv[1], session=sys.argv[2], context=context, protocol="xml-rpc") as one:
    hostpool = one.hostpool.info()
    host = hostpool.HOST[0]
    assert isinstance(host.ID, int) and isinstance(host.NAME, str)
    one.host.update(0, {"LABELS": "HD"}, 1)
    assert one.host.info(0).TEMPLATE["LABELS"] == "HD"
    template = one.template.allocate({"TEMPLATE": {
        "NAME": "test100", "MEMORY": "1024", "CPU": "1",
        "DISK": [{"IMAGE_ID": "0"}], "NIC": {"NETWORK_ID": 0}, "EMPTY": "",
    }})
    info = one.template.info(template)
    assert info.TEMPLATE["NIC"]["NETWORK_ID"] == "0" and info.TEMPLATE["EMPTY"] == ""
    one.template.update(template, one2dict(info.TEMPLATE), 0)
    assert one.template.info(template).TEMPLATE == info.TEMPLATE

    # as Ansible's modules do
    number = one.template.instantiate(template, "web", False, 'LABELS="x"', False)
    vm = one.vm.info(number)
    assert VM_STATE(vm.STATE) in (VM_STATE.PENDING, VM_STATE.ACTIVE)
    assert LCM_STATE(one.vm.info(number).LCM_STATE) == LCM_STATE.RUNNING
    assert isinstance(vm.TEMPLATE, dict) and "NIC" in vm.TEMPLATE
    nic = vm.TEMPLATE.get("NIC")
    if isinstance(nic, dict):
        nic = [nic]
    assert [net.get("IP") for net in nic if net.get("IP")]
    assert json.loads(json.dumps(vm.TEMPLATE))["NIC"]["NETWORK_ID"] == "0"
    found = vm.USER_TEMPLATE
    found["name"], found["LABELS"] = vm.NAME, []
    assert dict(vm.USER_TEMPLATE) == {"EMPTY": "", "LABELS": [], "name": "web"}
    assert [vm.ID for vm in one.vmpool.infoextended(-2, -1, -1, 3).get_VM()] == [number]
    assert one.imagepool.info(-2, -1, -1, -1).IMAGE[0].ID == 0  # one argument too many
    assert one.templatepool.info(-2, -1, -1, -1).VMTEMPLATE[0].NAME == "test100"
    assert one.server_retry_interval() > 0
    one.vm.chmod(number, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    vms = [vm for vm in one.vmpool.info(-2, -1, -1, -1).VM if vm.USER_TEMPLATE["LABELS"] == "x"]
    assert [vm.ID for vm in vms] == [number] and vms[0].PERMISSIONS is None
    one.vm.action("terminate-hard", number)
    assert one.vmpool.infoextended(-2, -1, -1, -1).VM == []
    try:
        one.vm.info(number + 1)
    except OneNoExistsException as error:
        assert isinstance(error, pyone.OneException) and "[one.vm.info]" in str(error)
    else:
        raise AssertionError
    market = one.market.allocate('NAME="m"\\nMARKET_MAD="http"')
    text = 'NAME="app"\\nTYPE="IMAGE"\\nAPPTEMPLATE64="U0laRT0iNSIK"'
    app = one.marketapp.allocate(text, market)
    assert one.marketapp.export(app, 1, "exported") == {"image": 1, "vmtemplate": -1}
    assert one.image.info(1).NAME == "exported"
    rule = one.acl.addrule(*OneAcl().parse_rule("@1 VM+NET/* USE+MANAGE *"))
    assert "@1 VM+NET/* USE+MANAGE *" in [one.STRING for one in one.acl.info().ACL]
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0) as box:
        yield box


def test_programs_for_pyone_run_unchanged(box: Box) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, box.one_url, box.one.session()],
        capture_output=True, text=True, timeout=WAIT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_names_are_there() -> None:
    assert all(hasattr(pyone, name) for name in pyone.__all__)
    assert pyone.HISTORY_ACTION["live-migrate"] == 2
    assert pyone.bindings.parseString(b"<VM><ID>3</ID></VM>").ID == 3


def test_parameters_are_cast_as_before_where_that_was_right() -> None:
    cast = pyone.util.cast2one
    assert cast({"A": "1", "B": 2}) == 'A="1"\nB="2"\n'
    assert cast(pyone.VM_STATE.ACTIVE) == 3 and cast([1, 2]) == [1, 2] and cast("x") == "x"
    assert cast({"TEMPLATE": {"A": ["1", "2"]}}) == "<TEMPLATE><A>1</A><A>2</A></TEMPLATE>"
    assert cast({"_root": {"TEMPLATE": {"A": "1"}}}) == "<TEMPLATE><A>1</A></TEMPLATE>"


def test_a_template_knows_its_name() -> None:
    vm = pyone.bindings.parseString("<VM><USER_TEMPLATE><A>1</A></USER_TEMPLATE></VM>")
    assert vm.USER_TEMPLATE == {"A": "1"}
    assert pyone.util.one2dict(vm.USER_TEMPLATE) == {"USER_TEMPLATE": {"A": "1"}}
    assert pyone.util.cast2one(vm.USER_TEMPLATE) == 'A="1"\n'


def test_results_have_the_ancestors_ways() -> None:
    pool = pyone.bindings.parseString(
        "<HOST_POOL><HOST><ID>3</ID><TEMPLATE><A>1</A></TEMPLATE></HOST></HOST_POOL>"
    )
    [host] = pool.get_HOST()
    assert type(host.get_ID()) is int and pool.HOST[0] is host and pool[0] is host
    host.NAME = "node"
    host.set_ID(4)
    pool.add_HOST(host)
    assert (host.NAME, host.ID, len(pool.HOST)) == ("node", 4, 2)
    with pytest.raises(AttributeError):
        host.get_NOTHING()
    assert pickle.loads(pickle.dumps(pool)).HOST[0].TEMPLATE == {"A": "1"}
    assert pool.to_dict()["HOST"][0]["TEMPLATE"] == {"A": "1"}


def test_answers_are_true_and_can_be_in_sets() -> None:
    read = pyone.bindings.parseString
    assert read("<VM_POOL></VM_POOL>", silence=True, print_warnings=False)
    one, same = (
        read(f"<VM><ID>3</ID><NAME>{name}</NAME></VM>") for name in ("a", "<![CDATA[a]]>")
    )
    assert len({one, same, read("<VM><ID>4</ID></VM>"), read("<VM/>")}) == 3


def test_a_template_is_an_ordered_dictionary() -> None:
    template = pyone.bindings.parseString(
        "<VM><TEMPLATE><B>1</B><A>2</A></TEMPLATE></VM>"
    ).TEMPLATE
    assert isinstance(template, OrderedDict) and list(template) == ["B", "A"]
    assert repr(template) == "{'B': '1', 'A': '2'}"
    for one in (template.copy(), copy.deepcopy(template), pickle.loads(pickle.dumps(template))):
        one["C"] = "3"
        assert one._root == {"TEMPLATE": {"B": "1", "A": "2", "C": "3"}}
    assert "C" not in template


def test_the_class_behind_the_factory_has_its_name() -> None:
    from pelagos.compat.pyone.server_xrpc import OneServerXRPC  # noqa: PLC0415  # few ask for it

    assert isinstance(pyone.OneServer("http://127.0.0.1:9/RPC2", session="a:b"), OneServerXRPC)


def test_parts_of_access_rules_are_numbers() -> None:
    ids = [pyone.acl.OneAcl().calculate_ids(one) for one in ("#3", "@100", "*", "%5")]
    assert ids == [4294967299, 8589934692, 17179869184, 34359738373]
    assert pyone.acl.OneAcl().parse_rule(rule_str="#1 VM/* USE") == (
        "0x100000001", "0x1400000000", "0x1",
    )  # fmt: skip


def test_another_protocol_is_refused() -> None:
    with pytest.raises(pyone.OneException, match="grpc"):
        pyone.OneServer("http://127.0.0.1:9/RPC2", session="a:b", protocol="grpc")


@pytest.mark.parametrize("value", [{}, {"A": "x]]>y"}, {'A"\nB': "1"}])
def test_what_would_be_stored_wrong_is_refused(value: dict[str, str]) -> None:
    with pytest.raises(pyone.OneException):
        pyone.util.cast2one(value)


_RECORDED = """
import os, sys
from pelagos.compat import pyone
pyone.install()
import pyone
one = pyone.OneServer(os.environ["URI"], session=os.environ["SESSION"])
one.set_fixture_unit_test("hosts")
print(type(one).__name__, one.hostpool.info().HOST[0].NAME)
one.server_close()
"""


def test_the_environment_makes_every_server_a_recorded_one(box: Box, tmp_path: Path) -> None:
    def ran(**environ: str) -> str:
        said = subprocess.run(
            [sys.executable, "-c", _RECORDED],
            env={
                "PYONE_TEST_FIXTURE": "True",
                "PYONE_TEST_FIXTURE_FILE": str(tmp_path / "fixture.json.gz"),
                "PYONE_TEST_FIXTURE_UNIT": "first",
                "PYTHONPATH": os.pathsep.join(sys.path),
                **environ,
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return said.stdout

    real = {"URI": box.one_url, "SESSION": box.one.session()}
    recorded = ran(PYONE_TEST_FIXTURE_REPLAY="False", **real)
    played = ran(URI="http://127.0.0.1:9/RPC2", SESSION="nobody:x")
    assert recorded == played and played.startswith("OneServerTester node")


def test_the_tester_takes_the_ancestors_arguments(box: Box, tmp_path: Path) -> None:
    file = tmp_path / "fixture.json"
    common = {"fixture_file": file, "fixture_unit": "a", "timeout": 20, "protocol": "xml-rpc"}
    one = pyone.tester.OneServerTester(
        box.one_url, session=box.one.session(), fixture_replay=False, **common
    )
    version = one.system.version()
    one.server_close()
    again = pyone.tester.OneServerTester(box.one_url, "x:y", fixture_replay=True, **common)
    assert again.system.version() == version
