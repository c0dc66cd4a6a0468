"""`pelagos image …`: the images that servers of a cloud start from, looked at and shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    KeyValueArgument,
    Operand,
    RepeatableArgument,
    ValueArgument,
)
from pelagos.cli.cloud.command import CLOUD, NAMED, CloudCommand, Record, named, not_both
from pelagos.cli.cloud.showing import show_record, size, when
from pelagos.cli.cloud.things import IMAGE
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_image_commands = CommandTree("image", "Images that servers start from")

WHICH = Operand("id or name of the image", complete="cloud:image")


@command(_image_commands)
class ImageList(CloudCommand):
    """List the images that you can use."""

    shows = True
    lists = True
    arguments = {
        **CLOUD,
        **NAMED,
        "status": ValueArgument("only those in this status", "--status"),
        "disk_format": ValueArgument("only those of this format, e.g. qcow2", "--disk-format"),
        "container_format": ValueArgument("only those of this one", "--container-format"),
        "size_min": IntArgument("only from so many bytes on", "--size-min", metavar="BYTES"),
        "size_max": IntArgument("only up to so many bytes", "--size-max", metavar="BYTES"),
        "property": KeyValueArgument("only those with this property", "-p", "--property"),
        "owner": ValueArgument("only those of this owner, by id", "--owner", metavar="ID"),
        "shared": FlagArgument("only those that others share with you", "--shared"),
        "order": ValueArgument(
            "sort by this field; --order=-FIELD the other way round",
            "--order",
            metavar="FIELD",
            default="name",
        ),
        "limit": IntArgument("at the most so many", "-n", "--limit", least=1),
    }
    examples = ("pelagos image list --name '*debian*'", "pelagos image list --order=-size")

    def main(self) -> None:
        """Print them."""
        names = ("status", "disk_format", "container_format", "size_min", "size_max")
        filters = {name: self[name] for name in names if self[name] is not None}
        found = named(self, self.cloud.image.list_public(True, filters, self["order"]))
        found = [one for one in found if self._is_meant(one)]
        if self["shared"]:
            ours = self.cloud.access.user_id, self.cloud.access.project_id
            theirs = {
                one.get("image_id") for one in self.cloud.image.list_shared(ours[1] or ours[0])
            }
            found = [one for one in found if one.get("id") in theirs]
        columns = (
            Column("id"),
            Column("name"),
            Column("status"),
            Column("size", "size", size),
            Column("disk_format", "format"),
            Column("is_public", "public"),
        )
        empty = "there are no such images"
        self.context.output.show_list(found, columns, empty=empty, limit=self["limit"])

    def _is_meant(self, image: Record) -> bool:
        if self["owner"] and str(image.get("owner")) != self["owner"]:
            return False
        has: Mapping[str, Any] = image.get("properties") or {}
        lower = {str(key).lower(): str(value) for key, value in has.items()}
        wanted = (self["property"] or {}).items()
        return all(lower.get(key.lower()) == value for key, value in wanted)


@command(_image_commands)
class ImageInfo(CloudCommand):
    """Show all about an image, and with whom it is shared."""

    shows = True
    lists = True
    keys = ("pelagos.clients.image.types:Member",)
    arguments = {
        **CLOUD,
        "members": FlagArgument("list with whom it is shared instead", "--members"),
    }
    operands = {"image": WHICH}

    def main(self, image: str) -> None:
        """Print it."""
        found = self.find(IMAGE, image)
        if self["members"]:
            columns = (Column("member_id", "member"), Column("status"), Column("can_share"))
            members = self.cloud.image.list_members(str(found["id"]))
            self.context.output.show_list(members, columns, empty="it is shared with nobody")
            return
        show_record(self, found, image_head(self, found))


@command(_image_commands)
class ImageModify(CloudCommand):
    """Change an image, or who may use it: name, formats, properties, members."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name"),
        "disk_format": ValueArgument("its disk format", "--disk-format"),
        "container_format": ValueArgument("its container format", "--container-format"),
        "status": ValueArgument("its status; on OpenStack active or deactivated", "--status"),
        "public": FlagArgument("let everybody use it", "--public"),
        "private": FlagArgument("let nobody else use it", "--private"),
        "set": KeyValueArgument("set this property", "-p", "--property-set"),
        "del": RepeatableArgument("remove this property", "--property-del", metavar="KEY"),
        "share": RepeatableArgument(
            "share it with this project, on a Synnefo with this user",
            "--member-add",
            metavar="ID",
        ),
        "unshare": RepeatableArgument("share it no longer with this one", "--member-del"),
    }
    required = [name for name in arguments if name != "cloud"]
    operands = {"image": WHICH}
    examples = ("pelagos image modify debian --name debian-12 --property-set os=debian",)

    def main(self, image: str) -> None:
        """Change and print it."""
        not_both(self, "public", "private")
        both = set(self["set"] or ()) & set(self["del"])
        if both:
            raise UsageError(f"{', '.join(sorted(both))} cannot be both set and removed")
        which, client = self.find_id(IMAGE, image), self.cloud.image
        for one in self["share"]:
            client.add_member(which, one)
        for one in self["unshare"]:
            client.remove_member(which, one)
        if self._is_changed():
            properties = {**(self["set"] or {}), **dict.fromkeys(self["del"])}
            client.update_image(
                which,
                self["name"],
                self["disk_format"],
                self["container_format"],
                self["status"],
                True if self["public"] else False if self["private"] else None,
                None,
                **properties,
            )
        found = client.get_meta(which)
        show_record(self, found, image_head(self, found))

    def _is_changed(self) -> bool:
        names = set(self.arguments) - {"cloud", "share", "unshare"}
        return any(self[name] for name in names)


@command(_image_commands)
class ImageDelete(CloudCommand):
    """Delete images; servers that were made of them run on."""

    arguments = CLOUD
    operands = {"images": Operand("ids or names of images", complete="cloud:image")}

    def main(self, *images: str) -> None:
        """Delete them."""
        if not images:
            raise UsageError("no image is named", hint="see: pelagos image list")
        found = [self.find(IMAGE, one) for one in images]
        for one in found:
            self.cloud.image.unregister(str(one["id"]))
            self.context.say(f"the image {one.get('name') or one['id']} is gone")


def image_head(command: CloudCommand, image: Record) -> dict[str, Any]:
    """What a person reads of an image."""
    return {
        "id": image.get("id"),
        "name": image.get("name"),
        "status": image.get("status"),
        "size": size(image.get("size")),
        "format": image.get("disk_format"),
        "container": image.get("container_format"),
        "visibility": image.get("visibility")
        or ("public" if image.get("is_public") else "private"),
        "owner": image.get("owner"),
        "location": image.get("location"),
        "checksum": image.get("checksum"),
        "needs memory": f"{image['min_ram']} MiB" if image.get("min_ram") else None,
        "needs disk": f"{image['min_disk']} GiB" if image.get("min_disk") else None,
        "properties": image.get("properties"),
        "tags": image.get("tags"),
        "created": when(command, image.get("created_at")),
        "changed": when(command, image.get("updated_at")),
    }
