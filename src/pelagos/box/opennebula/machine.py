"""Makes machines of templates: which attributes are whose, disks, NICs, context."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from pelagos.box.opennebula import addresses, quotas
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, Value
from pelagos.box.opennebula.guard import checked_name
from pelagos.box.opennebula.kinds import (
    DATASTORE,
    GROUP,
    IMAGE,
    NETWORK,
    SECGROUP,
    USER,
    VM,
    Kind,
)
from pelagos.box.opennebula.life import quota_of
from pelagos.box.opennebula.rights import USE
from pelagos.box.opennebula.states import HOLD, PENDING
from pelagos.box.opennebula.world import Thing

#: The attributes of the machine itself; all others are its user's.
_OWN = frozenset(
    {"BACKUP_CONFIG", "CONTEXT", "CPU", "CPU_COST", "CPU_MODEL", "DISK", "DISK_COST", "EMULATOR"}
    | {"FEATURES", "GRAPHICS", "INPUT", "MEMORY", "MEMORY_COST", "MEMORY_MAX", "MEMORY_SLOTS"}
    | {"NIC", "NIC_ALIAS", "NIC_DEFAULT", "NUMA_NODE", "OS", "PCI", "RAW", "TM_MAD_SYSTEM"}
    | {"TOPOLOGY", "TPM", "VCPU", "VCPU_MAX", "VIDEO", "VMGROUP", "VROUTER_ID", "TEMPLATE_ID"}
)
_USER_VALUE = re.compile(r"\$USER\[([A-Z0-9_]+)\]", re.ASCII | re.IGNORECASE)
_READY = {1, 2}  # an image that can be used
_PERSISTENT = 8
_SIZES = ("MEMORY", "CPU")


def make(
    cloud: Cloud, caller: int, template: Attributes, *, name: str = "", on_hold: bool = False
) -> Thing:
    """A machine that waits to be placed, or is held.

    Raises:
        Failure: the template is wrong, or something of it cannot be had.
    """
    _check_sizes(template)
    owner = cloud.world.get(USER, caller)
    name = checked_name(name or template.take("NAME"))
    template.take("NAME")
    taken = quota_of(template)
    holders = [(USER, owner), (GROUP, cloud.world.get(GROUP, owner.gid))]
    for kind, holder in holders:
        if not cloud.guard.who(caller).is_admin and (
            reason := quotas.exceeded(holder.more, taken)
        ):
            raise Failure(
                Code.AUTHORIZATION, f"User [{caller}] : {kind.right} [{holder.id}] {reason}."
            )
    vm = cloud.world.add(VM, lambda number: _new(number, name, owner, cloud.world.now))
    for attribute, value in template.pairs:
        (vm.template if attribute in _OWN else vm.more["user"]).add(attribute, value)
    disks = vm.template.vectors("DISK")
    nics = vm.template.vectors("NIC")
    for at, disk in enumerate(disks):
        fill_disk(cloud, caller, vm, disk, at)
    for at, nic in enumerate(nics):
        fill_nic(cloud, caller, vm, nic, at)
    _complete(vm, owner)
    for _, holder in holders:
        quotas.use(holder.more, taken, 1)
        cloud.world.save(holder)
    cloud.life.go(vm, [HOLD if on_hold else PENDING])
    return vm


def _new(number: int, name: str, owner: Thing, now: float) -> Thing:
    return Thing(
        VM.word, number, name, owner.id, owner.gid,
        more={
            "user": Attributes(), "state": 0, "lcm": 0, "prev_state": 1, "prev_lcm": 0,
            "resched": 0, "stime": int(now), "etime": 0, "polled": 0, "deploy_id": "", "host": -1,
            "history": [], "plan": [], "due": None, "from": "PENDING", "scheduled": [],
        },
    )  # fmt: skip


def _check_sizes(template: Attributes) -> None:
    for name in _SIZES:
        try:
            number = float(template.get(name))
        except ValueError:
            number = 0
        if not 0 < number < 1e9 or (name == "MEMORY" and number != int(number)):  # noqa: PLR2004
            kind = "integer" if name == "MEMORY" else "float or integer"
            raise Failure(Code.INTERNAL, f"{name} attribute must be a positive {kind} value")
    template.put("MEMORY", str(int(float(template.get("MEMORY")))))


def find_named(
    cloud: Cloud, caller: int, kind: Kind, vector: Mapping[str, str], word: str
) -> Thing:
    """The image or network that a vector names by id, or by name (and owner).

    Raises:
        Failure: there is none, or the caller may not use it.
    """
    number = vector.get(f"{word}_ID", "")
    if not number:
        name, owner = vector.get(word, ""), vector.get(f"{word}_UNAME", "")
        users = cloud.world.named(USER, owner) if owner else iter(())
        uid = next((one.id for one in users), caller)
        found = next(cloud.world.named(kind, name, uid), None)
        if found is None:
            raise Failure(
                Code.INTERNAL, f'User {uid} does not own {kind.label} with name: "{name}".'
            )
        return cloud.guard.need(caller, kind, found.id, USE)
    if not number.isdigit():
        raise Failure(Code.INTERNAL, f"{word}_ID attribute must be an integer")
    return cloud.guard.need(caller, kind, int(number), USE)


def fill_disk(cloud: Cloud, caller: int, vm: Thing, disk: dict[str, str], number: int) -> None:
    """Complete the vector of a disk, and take its image.

    Raises:
        Failure: the image cannot be used.
    """
    disk["DISK_ID"] = str(number)
    if "IMAGE_ID" not in disk and "IMAGE" not in disk:
        if not disk.get("SIZE", "").isdigit():
            raise Failure(Code.INTERNAL, "DISK needs IMAGE_ID, IMAGE or SIZE")
        disk.setdefault("TYPE", "fs")
        _aim(disk, "sd", number)
        return
    image = find_named(cloud, caller, IMAGE, disk, "IMAGE")
    if image.more["state"] not in _READY:
        raise Failure(Code.ACTION, f"Image {image.id} is not ready, or in use", image.id)
    image.more["vms"].append(vm.id)
    image.more["state"] = _PERSISTENT if image.more["persistent"] else 2
    cloud.world.save(image)
    if taken := image.more.pop("snapshots", None):
        vm.more.setdefault("disk_snapshots", {})[str(number)] = taken
    disk.pop("IMAGE_UNAME", None)
    disk |= {
        "IMAGE": image.name,
        "IMAGE_ID": str(image.id),
        "CLONE": "NO" if image.more["persistent"] else "YES",
        "SAVE": "YES" if image.more["persistent"] else "NO",
        "ORIGINAL_SIZE": str(image.more["size"]),
        "SIZE": disk.get("SIZE") or str(image.more["size"]),
        "DATASTORE_ID": str(image.more["datastore"]),
        "DATASTORE": cloud.world.get(DATASTORE, image.more["datastore"]).name,
        "CLONE_TARGET": "SYSTEM", "LN_TARGET": "NONE", "DISK_SNAPSHOT_TOTAL_SIZE": "0",
        "TYPE": "CDROM" if image.more["type"] == 1 else "FILE", "DISK_TYPE": "FILE",
        "READONLY": "NO", "IMAGE_STATE": "2", "TM_MAD": "dummy", "FORMAT": "raw",
        "DRIVER": disk.get("DRIVER", "raw"), "CLUSTER_ID": "0", "ALLOW_ORPHANS": "NO",
        "PERSISTENT_SNAPSHOTS": "YES",
    }  # fmt: skip
    if number == 0:
        disk["ORDER"] = "1"
    _aim(disk, image.template.get("DEV_PREFIX", "sd"), number)


def _aim(disk: dict[str, str], prefix: str, number: int) -> None:
    disk.setdefault("DEV_PREFIX", prefix)
    disk.setdefault("TARGET", f"{disk['DEV_PREFIX']}{chr(ord('a') + number % 26)}")


def fill_nic(cloud: Cloud, caller: int, vm: Thing, nic: dict[str, str], number: int) -> None:
    """Complete the vector of a NIC, and take an address.

    Raises:
        Failure: the network cannot be used, or has no address left.
    """
    nic["NIC_ID"] = str(number)
    nic.setdefault("NAME", f"NIC{number}")
    if "NETWORK_ID" not in nic and "NETWORK" not in nic:
        return  # NETWORK_MODE = auto: found when it is placed
    network = find_named(cloud, caller, NETWORK, nic, "NETWORK")
    lease = addresses.take(network.more["ars"], ("VM", vm.id), nic.get("IP", ""))
    cloud.world.save(network)
    nic.pop("NETWORK_UNAME", None)
    groups = [group for group in nic.get("SECURITY_GROUPS", "").split(",") if group]
    if "0" not in groups:
        groups.insert(0, "0")
    nic |= {
        **lease,
        "NETWORK": network.name,
        "NETWORK_ID": str(network.id),
        "BRIDGE": network.template.get("BRIDGE"),
        "BRIDGE_TYPE": network.template.get("BRIDGE_TYPE", "linux"),
        "VN_MAD": network.template.get("VN_MAD"),
        "CLUSTER_ID": "0",
        "SECURITY_GROUPS": ",".join(groups),
        "TARGET": f"one-{vm.id}-{number}",
    }
    nic |= {
        name: network.template.get(name)
        for name in ("DNS", "GATEWAY")
        if network.template.has(name)
    }
    for group in groups:
        let_in(cloud, caller, vm, group)


def let_in(cloud: Cloud, caller: int, vm: Thing, number: str) -> None:
    """Give a machine the rules of a security group.

    Raises:
        Failure: there is none, or the caller may not use it.
    """
    if not number.isdigit():
        raise Failure(Code.INTERNAL, "SECURITY_GROUPS has to be a list of ids")
    group = cloud.guard.need(caller, SECGROUP, int(number), USE)
    if vm.id in group.more["vms"]:
        return
    group.more["vms"].append(vm.id)
    cloud.world.save(group)
    for rule in group.template.vectors("RULE"):
        named = {"SECURITY_GROUP_ID": str(group.id), "SECURITY_GROUP_NAME": group.name}
        vm.template.add("SECURITY_GROUP_RULE", {**rule, **named})


def _complete(vm: Thing, owner: Thing) -> None:
    """What the daemon adds, and its variables."""
    template = vm.template
    template.put("VMID", str(vm.id))
    template.put("AUTOMATIC_REQUIREMENTS", "(CLUSTER_ID = 0) & !(PIN_POLICY = PINNED)")
    for graphics in template.vectors("GRAPHICS"):
        graphics.setdefault("PORT", str(5900 + vm.id % 59_636))
    systems = template.vectors("OS")
    if not systems:
        template.add("OS", {})
        systems = template.vectors("OS")
    systems[0].setdefault("UUID", str(uuid.uuid4()))
    for context in template.vectors("CONTEXT"):
        complete_context(vm, owner, context)


def complete_context(vm: Thing, owner: Thing, context: dict[str, str]) -> None:
    """What the guest is told: its addresses when NETWORK says so, values in place of variables."""
    for key, value in context.items():
        told = _USER_VALUE.sub(lambda found: owner.template.get(found[1].upper()), value)
        told = told.replace("$VMID", str(vm.id)).replace("$NAME", vm.name)
        context[key] = told.replace("$UNAME", owner.name)
    if context.get("NETWORK", "").upper() == "YES":
        for at, nic in enumerate(vm.template.vectors("NIC")):
            for name in ("IP", "MAC", "DNS", "GATEWAY"):
                if name in nic:
                    context[f"ETH{at}_{name}"] = nic[name]
    context.setdefault("DISK_ID", str(len(vm.template.vectors("DISK"))))
    context.setdefault("TARGET", "hda")


def merged(template: Attributes, extra: Attributes) -> Attributes:
    """A template with what a caller gives besides: each name replaces what was there."""
    kept = template.copy()
    kept.merge(extra)
    return kept


def without_empty(pairs: list[tuple[str, Value]]) -> Attributes:
    """What is stored of what was sent."""
    return Attributes(pair for pair in pairs if pair[1] != {})
