"""The bindings that everybody uses, unmodified, at the OpenNebula of a box."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.box import Box
from support import pyone_peer
from support.peer_environment import PeerMissingError
from support.require import Require

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return pyone_peer.install()
    except PeerMissingError as error:
        Require().missing(str(error))
        raise


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0) as box:
        yield box


def _told(python: Path, box: Box, script: str, name: str = "oneadmin") -> dict[str, Any]:
    return pyone_peer.run(python, script, box.one_url, box.one.session(name))


def test_a_machine_lives_and_ends(python: Path, box: Box) -> None:
    facts = _told(
        python,
        box,
        """
number = one.template.instantiate(0, "web", False, {"MEMORY": "256", "LABELS": "a & b"}, False)
vm = one.vm.info(number)
state = pyone.VM_STATE(vm.STATE), pyone.LCM_STATE(vm.LCM_STATE)
facts["state"] = [one.name for one in state]
facts["name"], facts["memory"] = vm.NAME, vm.TEMPLATE["MEMORY"]
facts["labels"] = vm.USER_TEMPLATE["LABELS"]
facts["ip"] = vm.TEMPLATE["NIC"]["IP"]
facts["host"] = vm.HISTORY_RECORDS.HISTORY[0].HOSTNAME
facts["vms"] = one.host.info(vm.HISTORY_RECORDS.HISTORY[0].HID).VMS.ID
facts["leases"] = [lease.VM for lease in one.vn.info(0).AR_POOL.AR[0].LEASES.LEASE]
one.vm.action("poweroff", number)
facts["off"] = pyone.VM_STATE(one.vm.info(number).STATE).name
one.vm.action("resume", number)
facts["on"] = pyone.LCM_STATE(one.vm.info(number).LCM_STATE).name
one.vm.attach(number, {"TEMPLATE": {"DISK": {"SIZE": 10, "TYPE": "fs"}}})
facts["disks"] = [disk["SIZE"] for disk in one.vm.info(number).TEMPLATE["DISK"]]
facts["snapshot"] = one.vm.snapshotcreate(number, "first")
one.vm.action("terminate-hard", number)
facts["end"] = pyone.VM_STATE(one.vm.info(number).STATE).name
facts["listed"] = [vm.ID for vm in one.vmpool.info(-2, -1, -1, -1).VM]
facts["done"] = [vm.ID for vm in one.vmpool.infoextended(-2, -1, -1, 6).VM]
facts["number"] = number
""",
    )
    assert facts["state"] == ["ACTIVE", "RUNNING"]
    assert (facts["name"], facts["memory"], facts["labels"]) == ("web", "256", "a & b")
    assert facts["ip"].startswith("10.10.1.") and facts["host"].endswith(".box")
    assert facts["number"] in facts["vms"] and facts["number"] in facts["leases"]
    assert (facts["off"], facts["on"], facts["end"]) == ("POWEROFF", "RUNNING", "DONE")
    assert facts["disks"] == ["1024", "10"] and facts["snapshot"] == 0
    assert facts["number"] not in facts["listed"] and facts["number"] in facts["done"]


def test_every_list_and_thing_can_be_read(python: Path, box: Box) -> None:
    facts = _told(
        python,
        box,
        """
one.vmgroup.allocate('NAME="ha"\\nROLE=[NAME="front"]')
one.vntemplate.allocate('NAME="vnt"\\nVN_MAD="dummy"')
one.vrouter.allocate('NAME="r"\\nNIC=[NETWORK="private", FLOATING_IP="YES"]')
one.hook.allocate('NAME="h"\\nTYPE="api"\\nCOMMAND="/bin/true"')
one.backupjob.allocate('NAME="b"')
market = one.market.allocate('NAME="m"\\nMARKET_MAD="http"')
app = one.marketapp.allocate('NAME="app"\\nTYPE="IMAGE"\\nAPPTEMPLATE64="U0laRT0iNSIK"', market)
facts["export"] = one.marketapp.export(app, 1, "exported")
one.document.allocate('NAME="svc"\\nBODY="{}"', 100)
kinds = {
    "host": (), "cluster": (), "datastore": (), "user": (), "group": (), "zone": (), "vdc": (),
    "image": (-2, -1, -1), "vn": (-2, -1, -1), "template": (-2, -1, -1),
    "secgroup": (-2, -1, -1), "vntemplate": (-2, -1, -1), "vmgroup": (-2, -1, -1),
    "document": (-2, -1, -1, 100), "vrouter": (-2, -1, -1), "marketapp": (-2, -1, -1),
    "market": (), "hook": (), "backupjob": (-2, -1, -1),
}
roots = {
    "vn": "VNET", "template": "VMTEMPLATE", "secgroup": "SECURITY_GROUP", "vmgroup": "VM_GROUP",
    "market": "MARKETPLACE", "marketapp": "MARKETPLACEAPP",
}
for kind, arguments in kinds.items():
    pool = getattr(one, kind + "pool").info(*arguments)
    listed = getattr(pool, roots.get(kind, kind.upper()))
    facts[kind] = [[thing.NAME, getattr(one, kind).info(thing.ID).NAME] for thing in listed]
facts["rules"] = [rule.STRING for rule in one.acl.info().ACL]
facts["version"] = one.system.version()
facts["owner"] = one.userpool.info().USER[-1].NAME
facts["share"] = one.hostpool.info().HOST[0].HOST_SHARE.MAX_CPU
facts["size"] = one.imagepool.info(-2, -1, -1).IMAGE[0].SIZE
networks = {network.ID: network for network in one.vnpool.info(-2, -1, -1).VNET}
facts["range"] = networks[0].AR_POOL.AR[0].IP  # others may have been reserved from it
facts["role"] = one.vmgrouppool.info(-2, -1, -1).VM_GROUP[0].ROLES.ROLE[0].NAME
""",
    )
    for kind in ("host", "cluster", "datastore", "user", "group", "zone", "vdc", "image", "vn"):
        assert facts[kind]
        assert all(listed == alone for listed, alone in facts[kind]), kind
    for kind in ("vrouter", "market", "marketapp", "hook", "backupjob"):
        assert len(facts[kind]) == 1, kind
    assert facts["export"]["vmtemplate"] == -1
    assert facts["vmgroup"] == [["ha", "ha"]] and facts["document"] == [["svc", "svc"]]
    assert "@1 HOST/* MANAGE #0" in facts["rules"]
    assert facts["owner"] == "oneadmin" and facts["share"] == 800
    assert facts["range"] == "10.10.1.1" and facts["role"] == "front"


def test_errors_have_the_classes_of_the_real_server(python: Path, box: Box) -> None:
    facts = _told(
        python,
        box,
        """
def failed(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:
        return [type(error).__name__, str(error)]
facts["missing"] = failed(one.vm.info, 99999)
facts["action"] = failed(one.vm.action, "resume", one.template.instantiate(0, "x", True))
facts["filter"] = failed(one.vmpool.info, -5, -1, -1, -1)
facts["state"] = failed(one.vmpool.info, -2, -1, -1, 99)
facts["template"] = failed(one.vm.allocate, "<VM><A>")
facts["name"] = failed(one.template.allocate, "")
facts["taken"] = failed(one.cluster.allocate, "default")
facts["type"] = failed(one.vm.info, "0")
facts["few"] = failed(one.vm.info)
facts["method"] = failed(one.nosuch.method)
stranger = pyone.OneServer(sys.argv[1], session="oneadmin:wrong")
facts["stranger"] = failed(stranger.hostpool.info)
""",
    )
    assert facts["missing"] == [
        "OneNoExistsException",
        "[one.vm.info] Error getting virtual machine [99999].",
    ]
    assert facts["action"] == [
        "OneActionException",
        (
            '[one.vm.action] Error performing action "resume": This action is not available for '
            "state HOLD"
        ),
    ]
    assert facts["filter"] == ["OneApiException", "[one.vmpool.info] Incorrect filter_flag"]
    assert facts["state"] == ["OneApiException", "[one.vmpool.info] Incorrect state filter 99"]
    assert facts["template"] == [
        "OneInternalException",
        "[one.vm.allocate] Parse error: XML Template malformed.",
    ]
    assert facts["name"][1].endswith("Invalid NAME, it cannot be empty")
    assert facts["taken"] == [
        "OneException",
        (
            "[one.cluster.allocate] Error allocating a new cluster. NAME is already taken by "
            "CLUSTER 0."
        ),
    ]
    for kind, number in (("type", -501), ("few", -501), ("method", -506)):
        assert facts[kind][0] == "OneException" and f"Fault {number}" in facts[kind][1]
    assert facts["stranger"] == [
        "OneAuthenticationException",
        "[one.hostpool.info] User couldn't be authenticated, aborting call.",
    ]


def test_a_user_does_what_he_may(python: Path, box: Box) -> None:
    facts = _told(
        python,
        box,
        """
def failed(call, *arguments):
    try:
        call(*arguments)
    except pyone.OneException as error:
        return [type(error).__name__, str(error)]
me = one.user.info(-1)
facts["me"], facts["group"] = me.ID, me.GNAME
facts["delete"] = failed(one.host.delete, 0)
facts["hosts"] = len(one.hostpool.info().HOST)
mine = one.template.instantiate(0, "mine", False, "", False)
facts["mine"] = [vm.ID == mine for vm in one.vmpool.info(-2, -1, -1, -1).VM]
one.vm.chmod(mine, -1, -1, -1, 1, -1, -1, -1, -1, -1)
facts["mode"] = one.vm.info(mine).PERMISSIONS.GROUP_U
one.vm.lock(mine, 1)
facts["locked"] = failed(one.vm.action, "poweroff", mine)
one.vm.unlock(mine)
one.vm.action("poweroff", mine)
facts["password"] = failed(one.user.passwd, 0, "mine-now")
token = one.user.login(me.NAME, "", 60)
again = pyone.OneServer(sys.argv[1], session=f"{me.NAME}:{token}")
facts["token"] = again.user.info(-1).NAME
""",
        name="alice",
    )
    assert facts["group"] == "users"
    assert facts["delete"] == [
        "OneAuthorizationException",
        f"[one.host.delete] User [{facts['me']}] : Not authorized to perform ADMIN HOST [0].",
    ]
    assert facts["hosts"] == 0 and facts["mine"] == [True]
    assert facts["mode"] == 1 and "is locked" in facts["locked"][1]
    assert facts["password"][0] == "OneAuthorizationException"
    assert facts["token"] == "alice"


def test_what_is_written_is_read(python: Path, box: Box) -> None:
    facts = _told(
        python,
        box,
        """
number = one.template.allocate({"TEMPLATE": {
    "NAME": "t", "NOTE": 'l1\\nl2 "q" <b> & c', "EMPTY": "",
    "DISK": [{"SIZE": 1}, {"SIZE": 2}], "OS": {"ARCH": "x86_64"},
}})
one.template.update(number, {"MORE": "yes"}, 1)
facts["read"] = dict(one.template.info(number).TEMPLATE)
one.template.rename(number, "renamed")
facts["clone"] = one.template.info(one.template.clone(number, "copy")).NAME
one.template.delete(number)
facts["rule"] = one.acl.addrule("0x200000001", "0x5400000000", "0x3")
facts["rules"] = [rule.STRING for rule in one.acl.info().ACL]
one.acl.delrule(facts["rule"])
network = one.vn.reserve(0, 'NAME="own"\\nSIZE="4"')
facts["reserved"] = one.vn.info(network).AR_POOL.AR[0].SIZE
image = one.image.allocate('NAME="data"\\nTYPE="DATABLOCK"\\nSIZE="64"', 1)
facts["image"] = pyone.IMAGE_STATES(one.image.info(image).STATE).name
user = one.user.allocate("carol", "s3cret", "core", [1])
one.user.quota(user, 'VM=[VMS="1"]')
facts["quota"] = one.user.info(user).VM_QUOTA.VM[0].VMS
""",
    )
    del facts["read"]["EMPTY"]  # pyone makes None of it
    assert facts["read"] == {
        "NOTE": 'l1\nl2 "q" <b> & c',
        "DISK": [{"SIZE": "1"}, {"SIZE": "2"}],
        "OS": {"ARCH": "x86_64"},
        "MORE": "yes",
    }
    assert facts["clone"] == "copy" and "@1 VM+NET/* USE+MANAGE *" in facts["rules"]
    assert facts["reserved"] in {4, "4"} and facts["image"] == "READY" and facts["quota"] == "1"
