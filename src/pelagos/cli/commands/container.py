"""`pelagos container …`: the containers of object storage."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import (
    Argument,
    DataSizeArgument,
    DateArgument,
    FlagArgument,
    IntArgument,
    KeyValueArgument,
    Operand,
    RepeatableArgument,
    ValueArgument,
)
from pelagos.cli.cloud.showing import show_record, since, size
from pelagos.cli.cloud.storage import CONTAINER, STORAGE, Spot, StorageCommand, count_of
from pelagos.cli.failures import USAGE, CommandError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_container_commands = CommandTree("container", "Containers of object storage")

_LIMIT = DataSizeArgument("bytes that may be in it; 0 is no limit", "--size-limit")
_VERSIONING = ValueArgument(
    "whether former versions of objects are kept", "--versioning", metavar="POLICY",
    choices=("auto", "none"),
)  # fmt: skip
_META = KeyValueArgument("metadata to set; may be given several times", "--meta")
_PROJECT = ValueArgument(
    "id of the project that it is charged to (Synnefo)",
    "--project",
    metavar="ID",
    complete="cloud:project-id",
)
_RECURSIVE: Argument = FlagArgument("with all that is in it", "-r", "--recursive")
_YES = FlagArgument("really", "--yes")


@command(_container_commands)
class ContainerList(StorageCommand):
    """List the containers: those of your account, or of somebody's who shares with you."""

    shows = True
    lists = True
    keys = ("pelagos.clients.storage.types:Container",)
    arguments = {
        **STORAGE,
        "prefix": ValueArgument("only those whose names begin so", "--prefix", metavar="TEXT"),
        "limit": IntArgument("at the most so many", "-n", "--limit", least=1, default=None),
        "until": DateArgument(
            "as they were at a time, as 2026-07-14T09:30 (Pithos)", "--until", metavar="TIME"
        ),
        "shared": FlagArgument("only with something that is shared (Pithos)", "--shared"),
        "public": FlagArgument("only with something that is published (Pithos)", "--public"),
    }

    def main(self) -> None:
        """Print them."""
        until = self["until"]
        if until is not None or self["shared"] or self["public"]:
            self.only_pithos("--until, --shared and --public")
        found = self.client.list_containers(
            self["limit"],
            prefix=self["prefix"],
            show_only_shared=self["shared"],
            public=self["public"],
            until=None if until is None else int(until),
            account=self.account,
        )
        columns = (
            Column("name", "container"),
            Column("count", "objects", lambda count: "" if count is None else f"{count:,}"),
            Column("bytes", "size", size),
            since(self, "last_modified", "changed"),
        )
        empty = "no containers yet; make one: pelagos container create NAME"
        self.context.output.show_list(found, columns, empty=empty)


@command(_container_commands)
class ContainerInfo(StorageCommand):
    """Show a container: what is in it, its limit, its policies, its metadata."""

    shows = True
    arguments = STORAGE
    operands = {"container": CONTAINER}

    def main(self, container: str) -> None:
        """Print it."""
        spot = self.container(container)
        with self.looking(spot):
            info = self.client.get_container_info(spot.container, account=spot.account)
        record = _told(spot.container, info)
        limit = record["size_limit"]
        head = {
            "container": record["name"],
            "objects": None if record["count"] is None else f"{record['count']:,}",
            "size": size(record["bytes"]),
            "size limit": size(limit) if limit else "none",
            "versioning": record["versioning"],
            "project": record["project"],
            "read": record["read"],
            "write": record["write"],
            "block": size(record["block_size"]),
            **{f"meta {key}": value for key, value in record["meta"].items()},
        }
        show_record(self, record, {key: value for key, value in head.items() if value})


def _told(name: str, info: dict[str, str]) -> dict[str, Any]:
    meta = "x-container-meta-"
    policy = "x-container-policy-"
    own = {"x-container-meta-quota-bytes", "x-container-meta-temp-url-key"}
    return {
        "name": name,
        "count": _number(info.get("x-container-object-count")),
        "bytes": _number(info.get("x-container-bytes-used")),
        "size_limit": _number(info.get(policy + "quota")) or 0,
        "versioning": info.get(policy + "versioning"),
        "project": info.get(policy + "project"),
        "read": info.get("x-container-read"),
        "write": info.get("x-container-write"),
        "block_size": _number(info.get("x-container-block-size")),
        "block_hash": info.get("x-container-block-hash"),
        "meta": {
            key.removeprefix(meta): value
            for key, value in info.items()
            if key.startswith(meta) and key not in own
        },
    }


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


@command(_container_commands)
class ContainerCreate(StorageCommand):
    """Make a container; one that is there already keeps what is in it."""

    arguments = {
        **STORAGE,
        "limit": _LIMIT,
        "versioning": _VERSIONING,
        "meta": _META,
        "project": _PROJECT,
    }
    operands = {"container": Operand("name of the new container: no slash")}
    examples = (
        "pelagos container create photos",
        "pelagos container create photos --versioning auto --size-limit 10GiB",
    )

    def main(self, container: str) -> None:
        """Make it."""
        spot = self.container(container)
        is_there = self._has_container(spot)
        self.client.create_container(
            spot.container,
            self["limit"],
            self["versioning"],
            self["meta"] or None,
            self["project"],
            account=spot.account,
        )
        already = "is there already; its policies are as you said" if is_there else "is there"
        self.context.say(f"the container {spot.container} {already}")


@command(_container_commands)
class ContainerModify(StorageCommand):
    """Change limit, policies, metadata or rights of a container."""

    arguments = {
        **STORAGE,
        "limit": _LIMIT,
        "versioning": _VERSIONING,
        "meta": _META,
        "unset": RepeatableArgument("metadata to remove", "--unset", metavar="KEY"),
        "project": _PROJECT,
        "read": ValueArgument(
            "who may read all of it, in the words of Swift; '' is nobody else", "--read",
            metavar="ACL", may_be_empty=True,
        ),
        "write": ValueArgument(
            "who may write into it, the same", "--write", metavar="ACL", may_be_empty=True,
        ),
    }  # fmt: skip
    required = ["limit", "versioning", "meta", "unset", "project", "read", "write"]
    operands = {"container": CONTAINER}
    examples = (
        "pelagos container modify photos --size-limit 0 --meta owner=ann",
        "pelagos container modify photos --read '.r:*,.rlistings'",
    )

    def main(self, container: str) -> None:
        """Change it."""
        spot = self.container(container)
        client, account = self.client, spot.account
        with self.looking(spot):
            if self["limit"] is not None:
                client.set_container_limit(self["limit"], **spot.where)
            if self["versioning"]:
                client.set_container_versioning(self["versioning"], **spot.where)
            if self["project"]:
                client.reassign_container(self["project"], **spot.where)
            meta = {**dict.fromkeys(self["unset"], ""), **(self["meta"] or {})}
            if meta:
                client.set_container_meta(meta, **spot.where)
            if self["read"] is not None or self["write"] is not None:
                if not self.is_swift:
                    raise CommandError(
                        "containers of Pithos have no rights of their own",
                        hint="share objects, or a folder's mark: pelagos object share",
                    )
                client.set_container_acl(
                    self["read"], self["write"], container=spot.container, account=account
                )
        self.context.say(f"the container {spot.container} is changed")


@command(_container_commands)
class ContainerEmpty(StorageCommand):
    """Remove all objects of a container; the container stays."""

    arguments = {**STORAGE, "yes": _YES}
    operands = {"container": CONTAINER}

    def main(self, container: str) -> int | None:
        """Empty it."""
        spot = self.container(container)
        with self.looking(spot):
            info = _told(
                spot.container,
                self.client.get_container_info(spot.container, account=spot.account),
            )
        if not self["yes"]:
            what = f"{count_of(info['count'] or 0, 'object')}, {size(info['bytes'])}"
            self.context.say(f"{spot.container} has {what}; with --yes they are removed")
            return USAGE
        self.client.del_container(delimiter="/", **spot.where)
        self.context.say(f"the container {spot.container} is empty")
        return None


@command(_container_commands)
class ContainerDelete(StorageCommand):
    """Remove an empty container; with -r one with all that is in it.

    The former versions of all that was ever in it are gone with it.
    """

    arguments = {**STORAGE, "recursive": _RECURSIVE, "yes": _YES}
    operands = {"container": CONTAINER}
    examples = ("pelagos container delete photos", "pelagos container delete -r photos --yes")

    def main(self, container: str) -> int | None:
        """Remove it."""
        spot = self.container(container)
        with self.looking(spot):
            info = _told(
                spot.container,
                self.client.get_container_info(spot.container, account=spot.account),
            )
        what = f"{count_of(info['count'] or 0, 'object')}, {size(info['bytes'])}"
        if info["count"] and not self["recursive"]:
            raise CommandError(
                f"{spot.container} is not empty: {what}",
                hint=f"with all that is in it: pelagos container delete -r {spot.container} --yes",
            )
        if info["count"] and not self["yes"]:
            self.context.say(f"{spot.container} has {what}; with --yes they are removed")
            return USAGE
        if info["count"]:
            self.client.del_container(delimiter="/", **spot.where)
        self._remove(spot)
        self.context.say(f"the container {spot.container} is gone")
        return None

    def _remove(self, spot: Spot) -> None:
        from pelagos.clients.errors import Conflict

        try:
            self.client.delete_container(spot.container, account=spot.account)
        except Conflict as error:
            if not self.is_swift:
                raise
            if not (self["recursive"] and self["yes"]):
                raise CommandError(
                    f"{spot.container} has former versions of objects",
                    hint="to remove them for good with it: "
                    f"pelagos container delete -r {spot.container} --yes",
                ) from error
            self.client.purge_versions(spot.container, account=spot.account)
            self.client.delete_container(spot.container, account=spot.account)
