"""`pelagos container check`: whether folders of a container have their marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import FlagArgument
from pelagos.cli.cloud.storage import CONTAINER, STORAGE, Spot, StorageCommand, count_of
from pelagos.cli.failures import FAILED
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from pelagos.clients.folder.check import Fault

_container_commands = CommandTree("container")

_MARK = "application/directory"
_TOLD = {
    "no mark": "the folder has no mark",
    "slash": "the folder's mark has a name that ends with a slash",
    "twice": "the folder has another mark, without the slash",
    "not a folder": "an object stands where a folder is",
}


@command(_container_commands)
class ContainerCheck(StorageCommand):
    """Find folders without a mark, wrong marks, objects in the way.

    Objects in folders need no marks, but programs that show folders miss them, and rights of
    Pithos are inherited from marks alone. With --fix marks are made, and those whose names end
    with a slash get their right name (Pithos). An object that stands where a folder is stays: its
    owner moves it. Ends with 1 when faults are left.
    """

    shows = True
    lists = True
    keys = ("folder",)
    arguments = {**STORAGE, "fix": FlagArgument("make the marks right", "--fix")}
    operands = {"container": CONTAINER}
    examples = ("pelagos container check photos", "pelagos container check photos --fix")

    def main(self, container: str) -> int | None:
        """Look, and mend when told."""
        from pelagos.clients.folder import Place
        from pelagos.clients.folder.check import faults_of
        from pelagos.clients.folder.remote import listing

        spot = self.container(container)
        count = 0

        def records() -> Any:
            nonlocal count
            for page in listing(self.client, Place(spot.container, "", spot.account)):
                count += len(page)
                yield from page

        with self.looking(spot):
            faults = faults_of(records(), takes_slashes=self.is_swift)
        rows = [self._row(spot, fault) for fault in faults]
        columns = (Column("name"), Column("fault", show=_TOLD.__getitem__), Column("mended"))
        empty = f"{count_of(count, 'object')}, and every folder has its mark"
        self.context.output.show_list(rows, columns, empty=empty)
        left = [row for row in rows if not row["mended"]]
        if not left:
            return None
        if not self["fix"] and any(fault.is_mendable for fault in faults):
            self.context.say(f"marks are made right by: pelagos container check {container} --fix")
        stuck = next((fault for fault in faults if not fault.is_mendable), None)
        if stuck is not None:
            place = f"{spot.container}/{stuck.name}"
            self.context.say(f"move what is in the way: pelagos object move {place} {place}.moved")
        return FAILED

    def _row(self, spot: Spot, fault: Fault) -> dict[str, Any]:
        mended = bool(self["fix"]) and fault.is_mendable and self._mend(spot, fault)
        return {"name": fault.name, "fault": fault.kind, "folder": fault.folder, "mended": mended}

    def _mend(self, spot: Spot, fault: Fault) -> bool:
        """Mend a fault; False when somebody was quicker, and what is there is left alone."""
        client = self.client
        if fault.kind == "twice":
            client.delete_object(fault.name, **spot.where)
            return True
        if fault.kind == "slash":
            client.move_object(
                spot.container, fault.name, spot.container, fault.folder,
                content_type=_MARK, account=spot.account,
            )  # fmt: skip
            return True
        path = client.object_path(fault.folder, spot.container, spot.account)
        headers = {"Content-Type": _MARK, "If-None-Match": "*"}
        reply = client.put(path, data=b"", headers=headers, success=(201, 412))
        return reply.status == 201  # noqa: PLR2004  # RFC 9110: Created
