"""Backups of machines: made into images of a datastore for backups, and brought back from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pelagos.box.opennebula.calls.images import BACKUP, new_image, new_template
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, Value, parse
from pelagos.box.opennebula.kinds import DATASTORE, IMAGE, TEMPLATE, VM
from pelagos.box.opennebula.rights import ADMIN, CREATE, USE
from pelagos.box.opennebula.states import POWEROFF, RUNNING, Lcm, State, Step, name_of
from pelagos.box.opennebula.world import Thing

_CONFIG = "BACKUP_CONFIG"
_NEWEST, _ALL = -1, -1
_WAYS: dict[Step, Lcm] = {RUNNING: Lcm.BACKUP, POWEROFF: Lcm.BACKUP_POWEROFF}
_ENDS = {lcm: step for step, lcm in _WAYS.items()}
#: What a machine has that its template does not.
_OWN = ("VMID", "AUTOMATIC_REQUIREMENTS", "TEMPLATE_ID", "TM_MAD_SYSTEM", "SECURITY_GROUP_RULE",
        "SNAPSHOT", _CONFIG)  # fmt: skip
_OF_A_DISK = ("TARGET", "DEV_PREFIX", "DRIVER")
_OF_A_NIC = ("NETWORK", "NETWORK_ID", "SECURITY_GROUPS")


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods that make and use backups."""
    calls = _Backups(cloud)
    yield Method.of("one.vm.backup", "i|ib", calls.backup)
    yield Method.of("one.vm.backupcancel", "i", calls.cancel)
    yield Method.of("one.vm.restore", "iiii", calls.restore)
    yield Method.of("one.image.restore", "iis", calls.rebuild)


class _Backups:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def backup(self, caller: int, number: int, datastore: int = -1, reset: bool = False) -> int:
        vm = self._cloud.guard.need(caller, VM, number, ADMIN)
        at = (State(vm.more["state"]), Lcm(vm.more["lcm"]))
        if at not in _WAYS:
            raise _wrong(vm, "backup")
        config = _config(vm)
        if datastore < 0:
            datastore = _told(config, "LAST_DATASTORE_ID")
        if datastore < 0:
            raise Failure(Code.ACTION, f"VM [{number}] has no backup yet: say which datastore")
        self._cloud.guard.need(caller, DATASTORE, datastore, USE)
        image = self._grown(vm, config, datastore, is_new=reset)
        if image is None:
            image = self._made(caller, vm, datastore)
        if config.get("MODE") == "INCREMENT":
            config["INCREMENTAL_BACKUP_ID"] = str(image.id)
            config["LAST_INCREMENT_ID"] = image.more["increments"][-1]["ID"]
        config["LAST_BACKUP_ID"] = str(image.id)
        config["LAST_BACKUP_SIZE"] = str(image.more["size"])
        config["LAST_DATASTORE_ID"] = str(datastore)
        self._drop_oldest(vm, config)
        self._cloud.life.go(vm, [(State.ACTIVE, _WAYS[at]), at], "backup", caller)
        return number

    def cancel(self, caller: int, number: int) -> int:
        vm = self._cloud.guard.need(caller, VM, number, ADMIN)
        end = _ENDS.get(Lcm(vm.more["lcm"]))
        if vm.more["state"] != State.ACTIVE or end is None:
            raise _wrong(vm, "backup-cancel")
        config = _config(vm)
        image = self._world.find(IMAGE, _told(config, "LAST_BACKUP_ID"))
        for name in ("LAST_BACKUP_ID", "LAST_INCREMENT_ID", "LAST_BACKUP_SIZE"):
            config.pop(name, None)
        if image is not None and len(image.more["increments"]) > 1:
            self._world.save(image)
            image.more["increments"].pop()
        elif image is not None:
            vm.more["backups"].remove(image.id)
            self._world.remove(image)
        self._cloud.life.go(vm, [end], "backup-cancel", caller)
        return number

    def restore(self, caller: int, number: int, backup: int, increment: int, disk: int) -> int:
        vm = self._cloud.guard.need(caller, VM, number, ADMIN)
        if vm.more["state"] != State.POWEROFF:
            raise _wrong(vm, "restore")
        image = self._backup(caller, backup)
        if image.more["backup_of"] != number:
            raise Failure(Code.ACTION, f"Image [{backup}] is no backup of VM [{number}]", backup)
        _check_increment(image, increment)
        if disk != _ALL:
            _disk(image, disk)
        self._cloud.life.go(vm, [(State.ACTIVE, Lcm.RESTORE), POWEROFF], "restore", caller)
        return number

    def rebuild(self, caller: int, backup: int, datastore: int, text: str) -> str:
        """Images of the disks, and a template; their ids, the template's first (-1: none)."""
        image = self._backup(caller, backup)
        options = parse(text) if text.strip() else Attributes()
        _check_increment(image, _whole(options.get("INCREMENT_ID", str(_NEWEST))))
        wanted = _whole(options.get("DISK_ID", str(_ALL)))
        disks = image.more["disks"] if wanted == _ALL else [_disk(image, wanted)]
        self._cloud.guard.need_kind(caller, IMAGE, CREATE)
        name = options.get("NAME") or f"{image.name}-{int(self._world.now)}"
        made = []
        for disk in disks:
            parts = Attributes([("NAME", f"{name}-disk-{disk['DISK_ID']}"), ("TYPE", "OS")])
            parts.add("SIZE", disk["SIZE"])
            parts.add("FROM_BACKUP_IMAGE_ID", str(backup))
            made.append(new_image(self._cloud, caller, parts, datastore))
        if wanted != _ALL:
            return f"-1 {made[0].id}"
        self._cloud.guard.need_kind(caller, TEMPLATE, CREATE)
        template = _template_of(image, options)
        template.put("NAME", name)
        for disk, one in zip(disks, made, strict=True):
            kept = {key: disk[key] for key in _OF_A_DISK if key in disk}
            template.add("DISK", {"IMAGE_ID": str(one.id), **kept})
        ids = [new_template(self._cloud, caller, template).id, *(one.id for one in made)]
        return " ".join(map(str, ids))

    def _backup(self, caller: int, number: int) -> Thing:
        image = self._cloud.guard.need(caller, IMAGE, number, USE)
        if image.more["type"] != BACKUP or "disks" not in image.more:
            raise Failure(Code.ACTION, f"Image [{number}] is no backup", number)
        return image

    def _made(self, caller: int, vm: Thing, datastore: int) -> Thing:
        template = Attributes([("NAME", f"{vm.id} {int(self._world.now)}"), ("TYPE", "BACKUP")])
        disks = [dict(disk) for disk in vm.template.vectors("DISK")]
        template.add("SIZE", str(sum(max(_told(disk, "SIZE"), 0) for disk in disks)))
        taken = {one.name for one in self._world.named(IMAGE, template.get("NAME"))}
        if taken:  # a second one within the same second
            template.put("NAME", f"{template.get('NAME')}-{len(vm.more.get('backups', ()))}")
        image = new_image(self._cloud, caller, template, datastore)
        image.uid, image.gid = vm.uid, vm.gid
        increments = [self._increment(image, [])] if _config(vm).get("MODE") == "INCREMENT" else []
        image.more |= {
            "backup_of": vm.id, "disks": disks, "increments": increments,
            "machine": vm.template.copy(),
        }  # fmt: skip
        vm.more.setdefault("backups", []).append(image.id)
        return image

    def _grown(
        self, vm: Thing, config: dict[str, str], datastore: int, *, is_new: bool
    ) -> Thing | None:
        """The image of an incremental backup with one increment more; None: there is none."""
        image = self._world.find(IMAGE, _told(config, "INCREMENTAL_BACKUP_ID"))
        if config.get("MODE") != "INCREMENT" or is_new or image is None:
            return None
        if image.more["datastore"] != datastore or vm.id != image.more.get("backup_of"):
            return None
        self._world.save(image)
        image.more["increments"].append(self._increment(image, image.more["increments"]))
        return image

    def _increment(self, image: Thing, before: list[dict[str, Any]]) -> dict[str, str]:
        number = len(before)
        return {
            "DATE": str(int(self._world.now)), "ID": str(number), "PARENT_ID": str(number - 1),
            "SIZE": str(image.more["size"]), "SOURCE": f"{image.id}-{number}",
            "TYPE": "INCREMENT" if number else "FULL",
        }  # fmt: skip

    def _drop_oldest(self, vm: Thing, config: dict[str, str]) -> None:
        keep = config.get("KEEP_LAST", "")
        if config.get("MODE") == "INCREMENT" or not keep.isdigit() or not int(keep):
            return
        backups = vm.more["backups"]
        while len(backups) > int(keep):
            oldest = self._world.find(IMAGE, backups.pop(0))
            if oldest is not None:
                self._world.remove(oldest)


def _config(vm: Thing) -> dict[str, str]:
    """The vector that says how backups are made; a change of it changes the machine."""
    if not vm.template.vectors(_CONFIG):
        plain = {"BACKUP_VOLATILE": "NO", "FS_FREEZE": "NONE", "KEEP_LAST": "0", "MODE": "FULL"}
        vm.template.put(_CONFIG, plain)
    return vm.template.vectors(_CONFIG)[0]


def _template_of(image: Thing, options: Attributes) -> Attributes:
    """The template of the machine as it was, without its disks."""
    machine: Attributes = image.more["machine"]
    pairs: list[tuple[str, Value]] = []
    for name, value in machine.pairs:
        if name in {*_OWN, "DISK"} or (name == "NIC" and options.get("NO_NIC").upper() == "YES"):
            continue
        kept = value
        if name == "NIC" and isinstance(value, dict):
            names = _OF_A_NIC if options.get("NO_IP").upper() == "YES" else (*_OF_A_NIC, "IP")
            kept = {key: value[key] for key in names if key in value}
        pairs.append((name, kept))
    return Attributes(pairs)


def _check_increment(image: Thing, number: int) -> None:
    known = [int(one["ID"]) for one in image.more["increments"]]
    if number != _NEWEST and number not in known:
        raise Failure(Code.ACTION, f"Image [{image.id}] has no increment {number}", number)


def _disk(image: Thing, number: int) -> dict[str, str]:
    for disk in image.more["disks"]:
        if disk["DISK_ID"] == str(number):
            found: dict[str, str] = disk
            return found
    raise Failure(Code.ACTION, f"Image [{image.id}] has no disk {number}", number)


def _told(vector: dict[str, str], name: str) -> int:
    """A number that users may have written, too; -1: it is none."""
    text = vector.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else -1


def _whole(text: str) -> int:
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise Failure(Code.INTERNAL, f"{text} is no number")
    return int(text)


def _wrong(vm: Thing, action: str) -> Failure:
    return Failure(
        Code.ACTION,
        f'Error performing action "{action}": This action is not available for state '
        f"{name_of(vm.more['state'], vm.more['lcm'])}",
    )
