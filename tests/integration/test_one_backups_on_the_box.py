"""Backups, guests, snapshots of images, zones, plans and SQL of the box's OpenNebula."""

from collections.abc import Iterator

import pytest

from pelagos.box import Box
from pelagos.core.clock import ManualClock
from pelagos.one import OneServer
from pelagos.one.constants import LCM_STATE, VM_STATE
from pelagos.one.errors import (
    OneActionException,
    OneAuthorizationException,
    OneException,
    OneInternalException,
    OneNoExistsException,
)


class Site:
    def __init__(self, box: Box, clock: ManualClock) -> None:
        self.clock = clock
        self.box = box
        self.one = OneServer(box.one_url, session=box.one.session())

    def states(self, vm: int) -> tuple[int, int]:
        info = self.one.vm.info(vm)
        return info.STATE, info.LCM_STATE

    def pass_time(self) -> None:
        self.clock.advance(20)

    def machine(self, text: str = "") -> int:
        vm: int = self.one.template.instantiate(0, "m", False, text)
        self.pass_time()
        assert self.states(vm) == (VM_STATE.ACTIVE, LCM_STATE.RUNNING)
        return vm

    def backup_store(self) -> int:
        made: int = self.one.datastore.allocate(
            {"NAME": "safe", "TYPE": "BACKUP_DS", "DS_MAD": "restic", "TM_MAD": "-"}, -1
        )
        return made


@pytest.fixture
def site() -> Iterator[Site]:
    clock = ManualClock()
    with Box(clock=clock) as box:
        site = Site(box, clock)
        with site.one:
            yield site


def test_a_machine_is_backed_up_and_brought_back(site: Site) -> None:
    one, store, vm = site.one, site.backup_store(), site.machine()
    with pytest.raises(OneActionException, match="say which datastore"):
        one.vm.backup(vm)
    one.vm.backup(vm, store)
    assert site.states(vm) == (VM_STATE.ACTIVE, LCM_STATE.BACKUP)
    site.pass_time()
    info = one.vm.info(vm)
    assert (info.STATE, info.LCM_STATE) == (VM_STATE.ACTIVE, LCM_STATE.RUNNING)
    [backup] = info.BACKUPS.BACKUP_IDS.ID
    assert str(store) == info.BACKUPS.BACKUP_CONFIG.LAST_DATASTORE_ID
    image = one.image.info(backup)
    assert image.TYPE == 6 and image.BACKUP_DISK_IDS.ID == [0]
    with pytest.raises(OneActionException, match="not available for state RUNNING"):
        one.vm.restore(vm, backup, -1, -1)
    one.vm.action("poweroff", vm)
    site.pass_time()
    with pytest.raises(OneActionException, match="no disk 7"):
        one.vm.restore(vm, backup, -1, 7)
    one.vm.restore(vm, backup, -1, -1)
    assert site.states(vm) == (VM_STATE.ACTIVE, LCM_STATE.RESTORE)
    site.pass_time()
    assert site.states(vm)[0] == VM_STATE.POWEROFF

    template, *images = map(int, one.image.restore(backup, 1, 'NAME="again"\nNO_IP="YES"').split())
    assert one.template.info(template).TEMPLATE.DISK[0]["IMAGE_ID"] == str(images[0])
    assert one.image.info(images[0]).NAME == "again-disk-0"
    copy = one.template.instantiate(template, "copy")
    site.pass_time()
    assert site.states(copy) == (VM_STATE.ACTIVE, LCM_STATE.RUNNING)

    one.image.delete(backup)
    assert not one.vm.info(vm).BACKUPS.BACKUP_IDS.ID


def test_increments_grow_one_image_and_full_ones_are_kept_in_number(site: Site) -> None:
    one, store, vm = site.one, site.backup_store(), site.machine()
    one.vm.updateconf(vm, 'BACKUP_CONFIG=[MODE="INCREMENT"]')
    for _ in range(2):
        one.vm.backup(vm, store)
        site.pass_time()
    [backup] = one.vm.info(vm).BACKUPS.BACKUP_IDS.ID
    kinds = [increment.TYPE for increment in one.image.info(backup).BACKUP_INCREMENTS.INCREMENT]
    assert kinds == ["FULL", "INCREMENT"]
    one.vm.backup(vm, store)
    one.vm.backupcancel(vm)
    assert site.states(vm) == (VM_STATE.ACTIVE, LCM_STATE.RUNNING)
    assert len(one.image.info(backup).BACKUP_INCREMENTS.INCREMENT) == 2
    with pytest.raises(OneActionException):
        one.vm.backupcancel(vm)

    one.vm.updateconf(vm, 'BACKUP_CONFIG=[MODE="FULL", KEEP_LAST="2"]')
    for _ in range(3):
        one.vm.backup(vm, store, True)
        site.pass_time()
    kept = one.vm.info(vm).BACKUPS.BACKUP_IDS.ID
    assert len(kept) == 2 and backup not in kept


def test_what_users_write_as_numbers_of_backups_breaks_nothing(site: Site) -> None:
    one, store, vm = site.one, site.backup_store(), site.machine('DISK=[IMAGE_ID="0", SIZE="x"]')
    one.vm.updateconf(
        vm,
        'BACKUP_CONFIG=[MODE="INCREMENT", INCREMENTAL_BACKUP_ID="0", LAST_DATASTORE_ID="²"]',
    )
    with pytest.raises(OneActionException):
        one.vm.backup(vm)
    one.vm.backup(vm, store)
    assert one.vm.info(vm).LCM_STATE == LCM_STATE.BACKUP


def test_a_command_in_a_guest_takes_its_time(site: Site) -> None:
    one, vm = site.one, site.machine()
    one.vm.exec(vm, "uname -a", "")
    assert one.vm.info(vm).TEMPLATE["QEMU_GA_EXEC"]["STATUS"] == "EXEC"
    with pytest.raises(OneActionException, match="runs a command already"):
        one.vm.exec(vm, "id", "")
    one.vm.cancelexec(vm)
    assert one.vm.info(vm).TEMPLATE["QEMU_GA_EXEC"]["STATUS"] == "CANCELLED"
    one.vm.retryexec(vm)
    site.pass_time()
    ended = one.vm.info(vm).TEMPLATE["QEMU_GA_EXEC"]
    assert (ended["STATUS"], ended["COMMAND"], ended["RETURN_CODE"]) == ("DONE", "uname -a", "0")
    with pytest.raises(OneActionException, match="runs no command"):
        one.vm.cancelexec(vm)


def test_devices_come_and_go_while_the_machine_is_off(site: Site) -> None:
    one, vm = site.one, site.machine()
    device = 'PCI=[SHORT_ADDRESS="02:00.0"]'
    with pytest.raises(OneActionException, match="wrong state RUNNING"):
        one.vm.attachpci(vm, device)
    one.vm.action("poweroff", vm)
    site.pass_time()
    one.vm.attachpci(vm, device)
    assert one.vm.info(vm).TEMPLATE.get_list("PCI")[0]["PCI_ID"] == "0"
    one.vm.detachpci(vm, 0)
    assert not one.vm.info(vm).TEMPLATE.get_list("PCI")


def test_snapshots_of_a_persistent_disk_stay_with_the_image(site: Site) -> None:
    one = site.one
    image = one.image.allocate('NAME="kept"\nSIZE="10"\nPERSISTENT="YES"\nPATH="/x"', 1)
    vm = site.machine(f'DISK=[IMAGE_ID="{image}"]')
    for name in ("a", "b"):
        one.vm.disksnapshotcreate(vm, 0, name)
    with pytest.raises(OneActionException, match="no snapshot"):
        one.image.snapshotrevert(image, 0)  # they are the machine's while it has the disk
    one.vm.action("terminate-hard", vm)
    site.pass_time()
    assert [one_.NAME for one_ in one.image.info(image).SNAPSHOTS.SNAPSHOT] == ["a", "b"]
    with pytest.raises(OneActionException, match="active snapshot"):
        one.image.snapshotdelete(image, 1)
    one.image.snapshotrevert(image, 0)
    one.image.snapshotdelete(image, 1)
    one.image.snapshotflatten(image, 0)
    assert not one.image.info(image).SNAPSHOTS.SNAPSHOT


def test_a_reserved_range_is_given_back(site: Site) -> None:
    one = site.one
    reserved = one.vn.reserve(0, 'NAME="mine"\nSIZE="5"')
    assert one.vn.info(0).USED_LEASES == 5
    one.vn.free_ar(reserved, 0)
    assert one.vn.info(0).USED_LEASES == 0
    assert not one.vn.info(reserved).AR_POOL.AR
    with pytest.raises(OneInternalException, match="not reserved"):
        one.vn.free_ar(0, 0)
    with pytest.raises(OneActionException, match="state READY"):
        one.vn.recover(0, 3)
    one.vn.recover(reserved, 2)
    with pytest.raises(OneNoExistsException):
        one.vn.info(reserved)


def test_zones_have_servers(site: Site) -> None:
    one = site.one
    zone = one.zone.allocate({"NAME": "south", "ENDPOINT": "http://south:2633/RPC2"})
    one.zone.addserver(zone, 'SERVER=[NAME="a", ENDPOINT="http://a:2633/RPC2"]')
    one.zone.enable(zone, False)
    info = one.zone.info(zone)
    assert (info.STATE, [server.NAME for server in info.SERVER_POOL.SERVER]) == (1, ["a"])
    one.zone.resetserver(zone, 0)
    one.zone.delserver(zone, 0)
    with pytest.raises(OneInternalException, match="no server 0"):
        one.zone.resetserver(zone, 0)
    one.zone.delete(zone)
    with pytest.raises(OneInternalException):
        one.zone.delete(0)


def test_a_plan_spreads_machines_over_hosts(site: Site) -> None:
    one = site.one
    for host in (1, 2, 3):
        one.host.status(host, 1)
    machines = [site.machine() for _ in range(4)]
    for host in (1, 2, 3):
        one.host.status(host, 0)
    with pytest.raises(OneNoExistsException, match="no plan"):
        one.cluster.planexecute(0)
    one.cluster.optimize(0)
    assert one.cluster.info(0).PLAN.STATE == 0
    one.cluster.planexecute(0)
    site.pass_time()
    assert sorted(one.vm.info(vm).HISTORY_RECORDS.HISTORY[-1].HID for vm in machines) == [
        0,
        1,
        2,
        3,
    ]
    with pytest.raises(OneActionException, match="was carried out"):
        one.cluster.planexecute(0)
    one.cluster.plandelete(0)
    assert one.cluster.info(0).PLAN is None


def test_a_group_has_its_vlans(site: Site) -> None:
    site.one.group.vlan(1, 'RULE=[ID="100-120", SCOPE="outer", VNTEMPLATE="3"]')
    assert site.one.group.info(1).VLAN_RULES.RULE[0].ID == "100-120"
    with pytest.raises(OneInternalException):
        site.one.group.vlan(1, 'RULE=[ID="all"]')


def test_sql_is_asked_by_operators_and_reaches_nothing_else(site: Site) -> None:
    one = site.one
    found = one.system.sqlquery("SELECT oid, name FROM host_pool ORDER BY oid LIMIT 2")
    assert found.to_dict()["RESULT"] == {
        "ROW": [{"oid": "0", "name": "node00.box"}, {"oid": "1", "name": "node01.box"}]
    }
    assert one.system.sql("UPDATE host_pool SET name = 'x' WHERE oid = 0", False) == 0
    assert one.host.info(0).NAME == "node00.box"
    for statement in (
        "SELECT * FROM one_things",
        "ATTACH '/tmp/other.db' AS other",
        "PRAGMA writable_schema = 1",
        "DELETE FROM host_pool",
        "SELECT 1; SELECT 2",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
        "SELECT hex(zeroblob(100000000))",
    ):
        with pytest.raises(OneInternalException, match="SQL"):
            one.system.sqlquery(statement)
    alice = OneServer(site.box.one_url, session=site.box.one.session("alice"))
    with alice, pytest.raises(OneAuthorizationException):
        alice.system.sqlquery("SELECT 1")


def test_users_may_not_do_what_operators_do(site: Site) -> None:
    vm = site.machine()
    alice = OneServer(site.box.one_url, session=site.box.one.session("alice"))
    with alice:
        for call in (
            lambda: alice.vm.backup(vm, 0),
            lambda: alice.vm.backupcancel(vm),
            lambda: alice.vm.exec(vm, "id", ""),
            lambda: alice.vm.attachpci(vm, 'PCI=[SHORT_ADDRESS="02:00.0"]'),
            lambda: alice.cluster.optimize(0),
            lambda: alice.zone.enable(0, False),
            lambda: alice.group.vlan(1, ""),
            lambda: alice.vn.recover(0, 2),
        ):
            with pytest.raises(OneException, match="Not authorized"):
                call()
