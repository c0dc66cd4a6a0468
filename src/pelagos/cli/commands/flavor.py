"""`pelagos flavor …`: what servers of a cloud may be made of."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, IntArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, NAMED, CloudCommand, Record, like, named, not_both
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.cloud.things import FLAVOR
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_flavor_commands = CommandTree("flavor", "What servers of a cloud may be made of")

_STEP = 1024


@command(_flavor_commands)
class FlavorList(CloudCommand):
    """List the flavours, the smallest first."""

    shows = True
    lists = True
    keys = ("pelagos.clients.compute.types:Flavor",)
    arguments = {
        **CLOUD,
        **NAMED,
        "ram": IntArgument("only with at least so much memory", "--ram", metavar="MiB"),
        "vcpus": IntArgument("only with at least so many processors", "--vcpus"),
        "disk": IntArgument("only with at least so much disk", "--disk", metavar="GiB"),
        "template": ValueArgument("only with this kind of disk (Synnefo)", "--disk-template"),
        "public": FlagArgument("only those that everybody may use", "--public"),
        "project": ValueArgument(
            "only those that this project may use (Synnefo)",
            "--project",
            complete="cloud:project-id",
        ),
    }
    examples = ("pelagos flavor list --vcpus 2 --ram 4096",)

    def main(self) -> None:
        """Print them."""
        found = [one for one in named(self, self._asked()) if self._is_enough(one)]
        if self["template"]:
            found = like(found, "SNF:disk_template", self["template"])
        found.sort(key=lambda one: (one.get("ram") or 0, one.get("vcpus") or 0))
        columns = [
            Column("id"),
            Column("name"),
            Column("vcpus"),
            Column("ram", "memory", memory),
            Column("disk", "disk", lambda one: f"{one} GiB" if one is not None else ""),
        ]
        if self.cloud.dialect == "synnefo":
            columns.append(Column("SNF:disk_template", "template"))
        self.context.output.show_list(found, columns, empty="there are no such flavours")

    def _asked(self) -> list[Any]:
        not_both(self, "public", "project")
        compute: Any = self.cloud.compute
        if self.cloud.dialect != "synnefo":
            if self["project"]:
                raise UsageError("--project: an OpenStack cannot tell that")
            found = compute.list_flavors(detail=True)
            key = "os-flavor-access:is_public"
            return [one for one in found if one.get(key, True)] if self["public"] else found
        return compute.list_flavors(  # type: ignore[no-any-return]  # of the Synnefo's client
            detail=True, is_public=self["public"] or None, project_id=self["project"]
        )

    def _is_enough(self, flavor: Record) -> bool:
        return all(
            (flavor.get(key) or 0) >= self[key] for key in ("ram", "vcpus", "disk") if self[key]
        )


@command(_flavor_commands)
class FlavorInfo(CloudCommand):
    """Show a flavour."""

    shows = True
    arguments = CLOUD
    operands = {"flavor": Operand("id or name of the flavour", complete="cloud:flavor")}

    def main(self, flavor: str) -> None:
        """Print it."""
        found = self.find(FLAVOR, flavor)
        disk, ephemeral = found.get("disk"), found.get("OS-FLV-EXT-DATA:ephemeral")
        head = {
            "id": found.get("id"),
            "name": found.get("name"),
            "vcpus": found.get("vcpus"),
            "memory": memory(found.get("ram")),
            "disk": f"{disk} GiB" if disk is not None else None,
            "second disk": f"{ephemeral} GiB" if ephemeral else None,
            "swap": memory(found.get("swap")) if found.get("swap") else None,
            "template": found.get("SNF:disk_template"),
            "for everybody": found.get("os-flavor-access:is_public"),
            "properties": found.get("extra_specs"),
        }
        show_record(self, found, head)


def memory(mib: Any) -> str:
    """Memory as people say it.

    >>> memory(512), memory(4096), memory(None)
    ('512 MiB', '4 GiB', '')
    """
    if not isinstance(mib, int):
        return "" if mib is None else str(mib)
    return f"{mib / _STEP:g} GiB" if mib >= _STEP else f"{mib} MiB"
