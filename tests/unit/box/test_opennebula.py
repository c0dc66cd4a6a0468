"""OpenNebula in a box: every call, states by the clock, rights, lists, what survives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.box.database import Database
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Fault
from pelagos.box.opennebula.service import OpenNebula
from pelagos.box.opennebula.states import ACTIONS, Lcm, State
from pelagos.box.opennebula.world import TABLES
from pelagos.core.clock import ManualClock
from support.one_answers import DATA

_WRONG = {"i": ["1", True, 1.5, [], None], "s": [1, False, []], "b": [1, "yes"], "a": [1, ["1"]]}
_RIGHT: dict[str, Any] = {"i": 0, "s": "", "b": False, "a": []}


class _Site:
    """An OpenNebula without a network around it."""

    def __init__(self, folder: Path, *, pace: float = 1.0) -> None:
        self.clock = ManualClock()
        self.database = Database(folder / "one.db", is_durable=False, tables=TABLES)
        self.one = OpenNebula(self.database, folder, self.clock, pace)
        self.session = self.one.session()
        locks_out = {"one.user.passwd", "one.user.chauth"}
        self.methods = [one for one in self.one.methods() if one.name not in locks_out]

    def raw(self, name: str, *arguments: object, session: str = "") -> list[Any]:
        return self.one.daemon.call(f"one.{name}", session or self.session, *arguments)

    def __call__(self, name: str, *arguments: object, session: str = "") -> Any:
        answer = self.raw(name, *arguments, session=session)
        assert answer[0], answer[1]
        return answer[1]

    def refused(self, name: str, *arguments: object, session: str = "") -> tuple[int, str]:
        answer = self.raw(name, *arguments, session=session)
        assert not answer[0] and len(answer) == 5
        assert answer[1].startswith(f"[one.{name}] ")
        return answer[2], answer[1].partition("] ")[2]

    def machine(self, extra: str = "", *, hold: bool = False) -> int:
        number: int = self("template.instantiate", 0, "", hold, extra, False)
        return number

    def state(self, number: int) -> str:
        text = self("vm.info", number)
        state, lcm = _first(text, "STATE"), _first(text, "LCM_STATE")
        return Lcm(int(lcm)).name if int(state) == State.ACTIVE else State(int(state)).name

    def running(self, extra: str = "") -> int:
        number = self.machine(extra)
        self.clock.advance(3)
        assert self.state(number) == "RUNNING"
        return number

    def ids(self, name: str, *arguments: object, session: str = "") -> list[int]:
        text = self(name, *arguments, session=session)
        return [int(one) for one in re.findall(r"<(?:VM|IMAGE|HOST|USER)><ID>(\d+)</ID>", text)]


def _first(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</{tag}>", text, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[_Site]:
    made = _Site(tmp_path)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Site]:
    made = _Site(tmp_path_factory.mktemp("one"), pace=0)
    yield made
    made.database.close()


def _faults(work: Callable[[], object]) -> int:
    with pytest.raises(Fault) as caught:
        work()
    return caught.value.number


def test_parameters_are_checked_in_every_call(shared: _Site) -> None:
    methods = shared.one.methods()
    assert len({method.name for method in methods}) == len(methods) > 200
    for method in methods:
        right = [_RIGHT[kind] for kind in method.types]
        if method.needed:
            short = right[: method.needed - 1]
            assert _faults(lambda m=method, a=short: _call(shared, m, a)) == -501
        for at, kind in enumerate(method.types):
            for wrong in _WRONG[kind]:
                given = [*right[:at], wrong, *right[at + 1 :]]
                assert _faults(lambda m=method, a=given: _call(shared, m, a)) == -501
    assert _faults(lambda: shared.raw("nosuch.method")) == -506


def _call(site: _Site, method: Method, arguments: list[object]) -> list[Any]:
    return site.one.daemon.call(method.name, site.session, *arguments)


_TEXTS = st.sampled_from(
    [
        "", "x", 'NAME="n"', "NAME=", 'DISK=[IMAGE_ID="0"]', 'DISK=[IMAGE_ID="x"]', "<T><A>",
        'NIC=[NETWORK="private"]', 'NIC=[NETWORK_ID="77"]', "terminate", "resume", 'CPU="-1"',
        'NAME="v"\nCPU="1"\nMEMORY="64"', 'AR=[TYPE="IP4",IP="x",SIZE="2"]', 'ROLE=[A="1"]',
        'SCHED_ACTION=[ACTION="poweroff",TIME="9"]', 'LEASES=[IP="10.10.1.9"]', 'VM=[VMS="x"]',
        'AR=[TYPE="IP4",IP="10.9.9.9",SIZE="2"]', 'AR=[AR_ID="0",SIZE="0"]', "oneadmin", "0x1",
    ]
)  # fmt: skip
_BY_KIND = {
    "i": st.integers(-12, 4) | st.sampled_from([100, 2**31 - 1]),
    "s": _TEXTS,
    "b": st.booleans(),
    "a": st.lists(st.integers(-1, 2), max_size=2),
}


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_call_is_answered_or_refused(shared: _Site, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(shared.methods))
    arguments = [data.draw(_BY_KIND[kind]) for kind in method.types]
    answer = _call(shared, method, arguments)
    assert len(answer) == (3 if answer[0] else 5)
    assert answer[0] or answer[2] in {0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000}


def test_arguments_beyond_the_last_are_ignored(shared: _Site) -> None:
    assert shared("system.version", 1, "2", []) == "7.5.80"


def test_a_machine_starts_by_the_clock(site: _Site) -> None:
    number = site.machine()
    seen = [site.state(number)]
    for _ in range(3):
        site.clock.advance(1)
        seen.append(site.state(number))
    assert seen == ["PENDING", "PROLOG", "BOOT", "RUNNING"]
    assert number in site.ids("vmpool.info", -2, -1, -1, 3)
    assert f"<VMS><ID>{number}</ID></VMS>" in site("host.info", 0)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_an_action_goes_its_way_or_says_the_state(site: _Site, action: str) -> None:
    running, held = site.running(), site.machine(hold=True)
    for number, state in ((running, "RUNNING"), (held, "HOLD")):
        way = ACTIONS[action].get(state)
        if way is None:
            code, text = site.refused("vm.action", action, number)
            assert code == 0x800
            assert text == (
                f'Error performing action "{action}": This action is not available for state '
                f"{state}"
            )
            continue
        site("vm.action", action, number)
        site.clock.advance(5)
        last = way[-1] if way else None
        after = state if last is None else Lcm(last[1]).name if last[1] else last[0].name
        assert site.state(number) == ("RUNNING" if after == "PENDING" else after)


def test_what_a_machine_held_is_free_when_it_is_done(site: _Site) -> None:
    number = site.running()
    assert "<USED_LEASES>1<" in site("vn.info", 0)
    site("vm.action", "terminate", number)
    site.clock.advance(3)
    assert site.state(number) == "DONE"
    assert "<USED_LEASES>0<" in site("vn.info", 0)
    assert "<RUNNING_VMS>0<" in site("image.info", 0) and "<VMS></VMS>" in site("host.info", 0)
    assert "<CPU_USAGE>0<" in site("host.info", 0)


def test_a_machine_waits_until_a_host_has_room(site: _Site) -> None:
    for host in (1, 2, 3):
        site("host.status", host, 1)
    first = site.running('CPU="8"')
    waiting = site.machine('CPU="1"')
    site.clock.advance(10)
    assert site.state(waiting) == "PENDING"
    assert "No hosts with enough capacity" in site("vm.info", waiting)
    site("vm.action", "terminate-hard", first)
    site.clock.advance(10)
    assert site.state(waiting) == "RUNNING"


def test_a_machine_can_fail_on_purpose_and_be_recovered(site: _Site) -> None:
    number = site.machine('BOX_FAILS="BOOT"')
    site.clock.advance(5)
    assert site.state(number) == "BOOT_FAILURE"
    site("vm.recover", number, 2)
    site.clock.advance(5)
    assert site.state(number) == "RUNNING"


def test_a_machine_moves_between_hosts(site: _Site) -> None:
    number = site.running()
    site("vm.migrate", number, 2, True)
    site.clock.advance(1)
    text = site("vm.info", number)
    assert site.state(number) == "RUNNING" and text.count("<HISTORY>") == 2
    assert f"<ID>{number}</ID>" in site("host.info", 2)
    assert site.refused("vm.migrate", number, 2, True)[0] == 0x800


def test_devices_come_and_go(site: _Site) -> None:
    number = site.running()
    site("vm.attachnic", number, 'NIC=[NETWORK_ID="0"]')
    assert site.state(number) == "HOTPLUG_NIC"
    site.clock.advance(1)
    assert "<USED_LEASES>2<" in site("vn.info", 0)
    site("vm.detachnic", number, 1)
    site.clock.advance(1)
    assert "<USED_LEASES>1<" in site("vn.info", 0)
    site("vm.action", "poweroff", number)
    site.clock.advance(1)
    site("vm.resize", number, 'MEMORY="512"', True)
    assert _first(site("vm.info", number), "MEMORY") == "512"
    assert "<MEM_USAGE>524288<" in site("host.info", 0)
    plan = site("vm.schedadd", number, 'SCHED_ACTION=[ACTION="resume", TIME="99"]')
    assert f"<SCHED_ACTIONS><ID>{plan}</ID>" in site("vm.info", number)


def test_pages_are_ranges_of_ids_or_rows(site: _Site) -> None:
    for _ in range(8):
        site.machine(hold=True)
    pages = {
        (-1, -1): [7, 6, 5, 4, 3, 2, 1, 0],
        (2, 4): [4, 3, 2],
        (5, -1): [7, 6, 5],
        (-1, 3): [7, 6, 5, 4, 3, 2, 1, 0],
        (0, -3): [7, 6, 5],
        (6, -5): [1, 0],
        (9, -5): [],
    }
    for (start, end), wanted in pages.items():
        assert site.ids("vmpool.info", -2, start, end, -2) == wanted
    assert site("vmpool.info", -2, 90, 91, -2) == "<VM_POOL></VM_POOL>"
    assert site.ids("vmpool.infoset", "1,3,77", True) == [3, 1]
    assert site.refused("vmpool.info", -2, -1, -1, -1, "A=b")[0] == 0x2000


def test_filters_show_whose_they_say(site: _Site) -> None:
    alice, bob = site.one.session("alice"), site.one.session("bob")
    site.machine(hold=True)
    hers = site("template.instantiate", 0, "hers", True, session=alice)
    his = site("template.instantiate", 0, "his", True, session=bob)
    site("vm.chmod", his, -1, -1, -1, 1, -1, -1, -1, -1, -1, session=bob)
    wanted = {-4: {hers, his}, -3: {hers}, -2: {hers, his}, -1: {hers, his}, 0: set()}
    for flag, seen in wanted.items():
        assert set(site.ids("vmpool.info", flag, -1, -1, -1, session=alice)) == seen
    code, text = site.refused("vm.action", "terminate", his, session=alice)
    assert (code, text) == (0x200, f"User [2] : Not authorized to perform MANAGE VM [{his}].")
    site("acl.addrule", "100000002", "1400000000", "2")
    site("vm.action", "terminate", his, session=alice)


def test_locks_hold_off_everybody(site: _Site) -> None:
    number = site.machine(hold=True)
    site("vm.lock", number, 4)
    assert site.refused("vm.action", "release", number) == (
        0x200,
        f"User [0] : VM is locked. [{number}].",
    )
    assert site.refused("vm.lock", number, 1, True)[0] == 0x800
    site("vm.unlock", number)
    site("vm.action", "release", number)


def test_quotas_are_held(site: _Site) -> None:
    alice = site.one.session("alice")
    site("user.quota", 2, 'VM=[VMS="1"]')
    number = site("template.instantiate", 0, "one", True, session=alice)
    code, text = site.refused("template.instantiate", 0, "two", True, session=alice)
    assert code == 0x200 and "VMS quota" in text
    site("vm.action", "terminate", number, session=alice)
    site("template.instantiate", 0, "two", True, session=alice)


def test_a_call_that_fails_leaves_nothing(site: _Site) -> None:
    before = site("vn.info", 0)
    wrong = 'NIC=[NETWORK_ID="0"]\nDISK=[IMAGE_ID="0"]\nNIC=[NETWORK_ID="99"]'
    assert site.refused("template.instantiate", 0, "x", False, wrong)[0] == 0x400
    assert site("vn.info", 0) == before
    assert site("vmpool.info", -2, -1, -1, -2) == "<VM_POOL></VM_POOL>"
    assert "<RUNNING_VMS>0<" in site("image.info", 0)


def test_everything_is_there_again_the_next_time(tmp_path: Path) -> None:
    before = _Site(tmp_path)
    number = before.machine('NOTE="ü"')
    before.clock.advance(1)
    shown = before("vm.info", number)
    pools = [before(f"{one}pool.info") for one in ("host", "user", "group", "datastore", "vdc")]
    before.database.close()
    after = _Site(tmp_path)
    assert after.session == before.session
    assert after.one.one_auth.read_text() == f"{after.session}\n"
    after.clock.advance(1)
    assert after("vm.info", number) == shown
    assert pools == [
        after(f"{one}pool.info") for one in ("host", "user", "group", "datastore", "vdc")
    ]
    after.clock.advance(5)
    assert after.state(number) == "RUNNING"
    after.database.close()


def test_names_are_checked(site: _Site) -> None:
    assert site.refused("vm.rename", site.machine(hold=True), "a<b") == (
        0x2000,
        "Invalid NAME, char '<' is not allowed",
    )
    assert site.refused("cluster.allocate", "default") == (
        0x4000,
        "Error allocating a new cluster. NAME is already taken by CLUSTER 0.",
    )
    assert site.refused("template.allocate", 'NAME="tiny"\nCPU="1"')[1].startswith("NAME is")


def test_routers_hold_addresses_and_machines(site: _Site) -> None:
    router = site("vrouter.allocate", 'NAME="r"\nNIC=[NETWORK="private", FLOATING_IP="YES"]')
    text = site("vrouter.info", router)
    assert _first(text, "VROUTER_IP") == "10.10.1.1"
    assert f"<VROUTER><![CDATA[{router}]]></VROUTER>" in site("vn.info", 0)
    site("vrouter.instantiate", router, 2, 0, "gate-%i", True, "")
    assert site("vrouter.info", router).count("<ID>") == 3
    assert site.refused("vrouter.delete", router)[0] == 0x800
    for number in (0, 1):
        site("vm.action", "terminate", number)
    site("vrouter.delete", router)
    assert "<USED_LEASES>0<" in site("vn.info", 0)


def test_apps_are_in_marketplaces(site: _Site) -> None:
    market = site("market.allocate", 'NAME="local"\nMARKET_MAD="http"')
    app = site("marketapp.allocate", 'NAME="app"\nTYPE="IMAGE"\nAPPTEMPLATE64="QQ=="', market)
    assert f"<MARKETPLACEAPPS><ID>{app}</ID>" in site("market.info", market)
    assert "<STATE>1</STATE><TYPE>1</TYPE>" in site("marketapppool.info", -2, -1, -1)
    assert site.refused("market.delete", market)[0] == 0x800


def test_disks_have_snapshots(site: _Site) -> None:
    number = site.running()
    assert [site("vm.disksnapshotcreate", number, 0, name) for name in ("a", "b")] == [0, 1]
    site("vm.disksnapshotrename", number, 0, 0, "first")
    site("vm.disksnapshotrevert", number, 0, 0)
    site("vm.disksnapshotdelete", number, 0, 1)
    assert "<NAME><![CDATA[first]]></NAME>" in site("vm.info", number)
    assert site.refused("vm.disksnapshotdelete", number, 0, 0)[0] == 0x800


def test_security_groups_of_a_nic_change(site: _Site) -> None:
    group = site("secgroup.allocate", 'NAME="web"\nRULE=[PROTOCOL="TCP", RULE_TYPE="inbound"]')
    number = site.running()
    site("vm.attachsg", number, 0, group)
    assert f"<UPDATED_VMS><ID>{number}</ID>" in site("secgroup.info", group)
    assert "<SECURITY_GROUP_NAME><![CDATA[web]]>" in site("vm.info", number)
    site("vm.detachsg", number, 0, group)
    assert "[web]" not in site("vm.info", number)
    site("secgroup.delete", group)


_ANSWERS: dict[str, tuple[str, tuple[object, ...]]] = {
    "vm_info_running": ("vm.info", (0,)),
    "vmpool_info_1": ("vmpool.info", (-2, -1, -1, -1)),
    "vmpool_infoextended_1": ("vmpool.infoextended", (-2, -1, -1, -1)),
    "vmpool_accounting": ("vmpool.accounting", (-2, -1, -1)),
    "vmpool_monitoring": ("vmpool.monitoring", (-2, -1)),
    "host_info": ("host.info", (0,)),
    "hostpool": ("hostpool.info", ()),
    "hostpool_monitoring": ("hostpool.monitoring", (-1,)),
    "image_info": ("image.info", (0,)),
    "user_info": ("user.info", (0,)),
    "userpool": ("userpool.info", ()),
    "group_info": ("group.info", (0,)),
    "grouppool": ("grouppool.info", ()),
    "template_info": ("template.info", (0,)),
    "vn_info": ("vn.info", (0,)),
    "vnpool": ("vnpool.info", (-2, -1, -1)),
    "datastore_info": ("datastore.info", (1,)),
    "cluster_info": ("cluster.info", (0,)),
    "zone_info": ("zone.info", (0,)),
    "secgroup_info": ("secgroup.info", (0,)),
    "vdc_info": ("vdc.info", (0,)),
    "acl": ("acl.info", ()),
    "userquota": ("userquota.info", ()),
    "vrouter_info": ("vrouter.info", (0,)),
    "market_info": ("market.info", (100,)),
    "hook_info": ("hook.info", (0,)),
    "backupjob_info": ("backupjob.info", (0,)),
}
#: What depends on the hardware, on drivers, or on what somebody wrote into a template.
_MAY_LACK = re.compile(
    "PCI|NUMA|TEMPLATE/|VROUTERS/|VROUTER$|IP6|PREFIX|AR/ALLOCATED|_QUOTA/|OUTDATED|HISTORY/VM/"
)


@pytest.mark.parametrize("sample", sorted(_ANSWERS))
def test_answers_have_the_elements_of_the_real_server(site: _Site, sample: str) -> None:
    site.running()
    site("vrouter.allocate", 'NAME="r"\nNIC=[NETWORK="private", FLOATING_IP="YES"]')
    site("market.allocate", 'NAME="m"\nMARKET_MAD="http"')
    site("hook.allocate", 'NAME="h"\nTYPE="api"\nCOMMAND="/bin/true"')
    site("backupjob.allocate", 'NAME="b"')
    name, arguments = _ANSWERS[sample]
    mine = _paths(ET.fromstring(site(name, *arguments)))
    real = _paths(ET.fromstring((DATA / f"samples/{sample}.xml").read_text("utf-8")))
    assert mine <= real
    assert {path for path in real - mine if not _MAY_LACK.search(path)} == set()


def _paths(node: ET.Element, above: str = "") -> set[str]:
    path = f"{above}{node.tag}"
    return {path}.union(*(_paths(child, f"{path}/") for child in node))
