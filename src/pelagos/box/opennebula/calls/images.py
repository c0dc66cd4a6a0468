"""Images and templates."""

from __future__ import annotations

from collections.abc import Iterator

from pelagos.box.opennebula import machine
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.box.opennebula.guard import check_unique, checked_name
from pelagos.box.opennebula.kinds import DATASTORE, IMAGE, TEMPLATE, USER, VM
from pelagos.box.opennebula.rights import CREATE, MANAGE, USE
from pelagos.box.opennebula.world import Thing

_TYPES = ("OS", "CDROM", "DATABLOCK", "KERNEL", "RAMDISK", "CONTEXT", "BACKUP", "FILESYSTEM")
_READY, _USED, _DISABLED = 1, 2, 3
BACKUP = _TYPES.index("BACKUP")
_FILES = {"KERNEL", "RAMDISK", "CONTEXT"}
_IMAGE_STORE, _FILE_STORE, _BACKUP_STORE = 0, 2, 3  # types of datastores
_SIZE = 1024


def methods(cloud: Cloud) -> Iterator[Method]:
    """The methods of images and templates that not all kinds have."""
    calls = _Images(cloud)
    yield Method.of("one.image.allocate", "si|b", calls.allocate)
    yield Method.of("one.image.clone", "is|i", calls.clone)
    yield Method.of("one.image.delete", "i|b", calls.delete)
    yield Method.of("one.image.enable", "ib", calls.enable)
    yield Method.of("one.image.persistent", "ib", calls.persistent)
    yield Method.of("one.image.chtype", "is", calls.change_type)
    yield Method.of("one.image.snapshotdelete", "ii", calls.drop_snapshot)
    yield Method.of("one.image.snapshotrevert", "ii", calls.revert)
    yield Method.of("one.image.snapshotflatten", "ii", calls.flatten)
    yield Method.of("one.template.allocate", "s", calls.allocate_template)
    yield Method.of("one.template.clone", "is|b", calls.clone_template)
    yield Method.of("one.template.delete", "i|b", calls.delete_template)
    yield Method.of("one.template.instantiate", "is|bsb", calls.instantiate)


def new_image(cloud: Cloud, caller: int, template: Attributes, datastore: int) -> Thing:
    """An image in a datastore.

    Raises:
        Failure: the template, the name or the datastore will not do.
    """
    name = checked_name(template.take("NAME"))
    check_unique(cloud.world, IMAGE, name, caller)
    kind = template.take("TYPE").upper() or "OS"
    if kind not in _TYPES:
        raise Failure(Code.INTERNAL, "Unknown type in template")
    path, size = template.take("PATH"), template.take("SIZE")
    if size and not size.isdigit():
        raise Failure(Code.INTERNAL, "Wrong number in SIZE attribute.")
    if kind == "DATABLOCK" and not size and not path:
        raise Failure(Code.INTERNAL, "SIZE attribute is mandatory for DATABLOCK.")
    store = cloud.guard.need(caller, DATASTORE, datastore, USE)
    wanted = _FILE_STORE if kind in _FILES else _IMAGE_STORE
    wanted = _BACKUP_STORE if kind == "BACKUP" else wanted
    if store.more["type"] != wanted:
        said = {_IMAGE_STORE: "an image", _FILE_STORE: "a file", _BACKUP_STORE: "a backup"}
        raise Failure(Code.INTERNAL, f"Datastore [{datastore}] is not {said[wanted]} datastore")
    persistent = template.take("PERSISTENT").upper() == "YES"
    template.take("DATASTORE_ID")
    owner = cloud.world.get(USER, caller)
    more = {
        "type": _TYPES.index(kind), "persistent": int(persistent), "path": path, "vms": [],
        "size": int(size or _SIZE), "state": _READY, "datastore": datastore,
        "time": int(cloud.world.now),
    }  # fmt: skip
    return cloud.world.add(
        IMAGE,
        lambda number: Thing(
            IMAGE.word, number, name, caller, owner.gid, template=template, more=more
        ),
    )


def new_template(cloud: Cloud, caller: int, template: Attributes) -> Thing:
    """A template of machines.

    Raises:
        Failure: the name will not do.
    """
    name = checked_name(template.take("NAME"))
    check_unique(cloud.world, TEMPLATE, name, caller)
    owner = cloud.world.get(USER, caller)
    more = {"time": int(cloud.world.now)}
    return cloud.world.add(
        TEMPLATE,
        lambda number: Thing(
            TEMPLATE.word, number, name, caller, owner.gid, template=template, more=more
        ),
    )


class _Images:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._world = cloud.world

    def allocate(self, caller: int, text: str, datastore: int, _: bool = False) -> int:
        template = machine.without_empty(parse(text).pairs)
        self._cloud.guard.need_kind(caller, IMAGE, CREATE)
        return new_image(self._cloud, caller, template, datastore).id

    def clone(self, caller: int, number: int, name: str, datastore: int = -1) -> int:
        image = self._cloud.guard.need(caller, IMAGE, number, USE)
        self._cloud.guard.need_kind(caller, IMAGE, CREATE)
        template = image.template.copy()
        template.put("NAME", name)
        template.put("TYPE", _TYPES[image.more["type"]])
        template.put("SIZE", str(image.more["size"]))
        template.put("PATH", image.more["path"])
        where = image.more["datastore"] if datastore < 0 else datastore
        return new_image(self._cloud, caller, template, where).id

    def delete(self, caller: int, number: int, force: bool = False) -> int:
        image = self._cloud.guard.need(caller, IMAGE, number, MANAGE)
        if image.more["vms"] and not force:
            raise Failure(
                Code.ACTION, f"Image {number} is in use by VMs, and cannot be removed", number
            )
        self._world.remove(image)
        of = self._world.find(VM, image.more.get("backup_of", -1))
        if of is not None:
            self._world.save(of)
            of.more["backups"] = [one for one in of.more["backups"] if one != number]
        return number

    def enable(self, caller: int, number: int, wished: bool) -> int:
        image = self._cloud.guard.need(caller, IMAGE, number, MANAGE)
        if image.more["vms"]:
            raise Failure(Code.INTERNAL, "Image is in use")
        self._world.save(image)
        image.more["state"] = _READY if wished else _DISABLED
        return number

    def persistent(self, caller: int, number: int, wished: bool) -> int:
        image = self._cloud.guard.need(caller, IMAGE, number, MANAGE)
        if image.more["vms"]:
            raise Failure(Code.INTERNAL, "Image is in use")
        self._world.save(image)
        image.more["persistent"] = int(wished)
        return number

    def change_type(self, caller: int, number: int, kind: str) -> int:
        image = self._cloud.guard.need(caller, IMAGE, number, MANAGE)
        if kind.upper() not in _TYPES:
            raise Failure(Code.INTERNAL, "Unknown type")
        self._world.save(image)
        image.more["type"] = _TYPES.index(kind.upper())
        return number

    def allocate_template(self, caller: int, text: str) -> int:
        template = machine.without_empty(parse(text).pairs)
        self._cloud.guard.need_kind(caller, TEMPLATE, CREATE)
        return new_template(self._cloud, caller, template).id

    def clone_template(self, caller: int, number: int, name: str, recursive: bool = False) -> int:
        source = self._cloud.guard.need(caller, TEMPLATE, number, USE)
        self._cloud.guard.need_kind(caller, TEMPLATE, CREATE)
        template = source.template.copy()
        template.put("NAME", name)
        for at, disk in enumerate(template.vectors("DISK") if recursive else ()):
            image = machine.find_named(self._cloud, caller, IMAGE, disk, "IMAGE")
            disk["IMAGE_ID"] = str(self.clone(caller, image.id, f"{name}-disk-{at}"))
            disk.pop("IMAGE", None)
        return new_template(self._cloud, caller, template).id

    def delete_template(self, caller: int, number: int, recursive: bool = False) -> int:
        template = self._cloud.guard.need(caller, TEMPLATE, number, MANAGE)
        for disk in template.template.vectors("DISK") if recursive else ():
            image = machine.find_named(self._cloud, caller, IMAGE, disk, "IMAGE")
            self.delete(caller, image.id)
        self._world.remove(template)
        return number

    def instantiate(
        self, caller: int, number: int, name: str, hold: bool = False, extra: str = "",
        persistent: bool = False,
    ) -> int:  # fmt: skip
        source = self._cloud.guard.need(caller, TEMPLATE, number, USE)
        self._cloud.guard.need_kind(caller, VM, CREATE)
        if persistent:
            copy = name or f"{source.name}-copy"
            number = self.clone_template(caller, number, copy, recursive=True)
            source = self._world.get(TEMPLATE, number)
        wished = parse(extra) if extra else Attributes()
        template = machine.merged(source.template, wished)
        name = name or wished.get("NAME")
        template.put("TEMPLATE_ID", str(source.id))
        vm = machine.make(self._cloud, caller, template, name=name or source.name, on_hold=hold)
        if not name:
            vm.name = f"{source.name}-{vm.id}"
        return vm.id

    def drop_snapshot(self, caller: int, number: int, snapshot: int) -> int:
        image, found = self._snapshot(caller, number, snapshot)
        if "ACTIVE" in found:
            raise Failure(Code.ACTION, "Cannot delete the active snapshot", snapshot)
        image.more["snapshots"].remove(found)
        return number

    def revert(self, caller: int, number: int, snapshot: int) -> int:
        image, found = self._snapshot(caller, number, snapshot)
        for one in image.more["snapshots"]:
            one.pop("ACTIVE", None)
        found["ACTIVE"] = "YES"
        return number

    def flatten(self, caller: int, number: int, snapshot: int) -> int:
        image, _ = self._snapshot(caller, number, snapshot)
        image.more["snapshots"] = []
        return number

    def _snapshot(self, caller: int, number: int, snapshot: int) -> tuple[Thing, dict[str, str]]:
        image = self._cloud.guard.need(caller, IMAGE, number, MANAGE)
        found = [one for one in image.more.get("snapshots", ()) if one["ID"] == str(snapshot)]
        if not found:
            raise Failure(Code.ACTION, f"Image has no snapshot with the id {snapshot}", snapshot)
        if image.more["state"] != _READY:
            raise Failure(Code.ACTION, f"Image {number} is not ready, or in use", number)
        self._world.save(image)
        return image, found[0]
