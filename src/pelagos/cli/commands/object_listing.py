"""`pelagos object list|info|versions|shared`: what is in object storage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pelagos.cli.argument import (
    DateArgument,
    FlagArgument,
    IntArgument,
    Operand,
    RepeatableArgument,
    ValueArgument,
)
from pelagos.cli.cloud.showing import instant, show_record, since, size
from pelagos.cli.cloud.storage import PLACE, STORAGE, Spot, StorageCommand, count_of
from pelagos.cli.failures import CommandError
from pelagos.cli.moment import clock_and_ago, local
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_object_commands = CommandTree(
    "object", "Objects in object storage; `file` is the same", aliases=("file",)
)

VERSION = ValueArgument("a former version; see pelagos object versions", "--version", metavar="ID")
_META = "x-object-meta-"
_PAGE = 1000


@command(_object_commands)
class ObjectList(StorageCommand):
    """List the objects of a container or of a folder in it; folders end with a slash.

    How many they are, and how large together, is said on stderr.
    """

    shows = True
    lists = True
    keys = ("pelagos.clients.storage.types:StoredObject",)
    arguments = {
        **STORAGE,
        "recursive": FlagArgument("what is in the folders, too", "-r", "--recursive"),
        "limit": IntArgument("at the most so many", "--limit", least=1),
        "until": DateArgument(
            "as it was at a time, as 2026-07-14T09:30 (Pithos)", "--until", metavar="TIME"
        ),
        "meta": RepeatableArgument(
            "only what has this metadata: KEY, !KEY, KEY=VALUE, KEY!=VALUE (Pithos); of several, "
            "one is enough",
            "--meta",
            metavar="TERM",
        ),
        "shared": FlagArgument("only what is shared with somebody (Pithos)", "--shared"),
        "public": FlagArgument("only what is published (Pithos)", "--public"),
    }
    operands = {"place": Operand("CONTAINER, or CONTAINER/FOLDER/", complete="cloud:place")}
    examples = ("pelagos object list photos", "pelagos object list -r photos/2026/ -o csv")

    def main(self, place: str) -> None:
        """Print them."""
        spot = self.spot(place)
        self._count, self._bytes = 0, 0
        columns = (
            Column("name", "object"),
            Column("bytes", "size", size),
            since(self, "last_modified", "changed"),
            Column("content_type", "type"),
        )
        found = (self._counted(one) for page in self._pages(spot) for one in page)
        with self.looking(spot._replace(name="")):
            self.context.output.show_list(
                found, columns, empty="nothing is there", limit=self["limit"]
            )
        output = self.context.output
        if output.is_table and self._count and not output.is_selective:
            counted = f"{count_of(self._count, 'object')}, {size(self._bytes)}"
            self.context.say(counted)

    def _pages(self, spot: Spot) -> Iterator[list[Any]]:
        """What the service has, page for page; no more of them than --limit needs."""
        from pelagos.clients.folder.remote import listing

        most = None if self.context.output.is_selective else self["limit"]
        count = 0
        for page in listing(self.client, self.below(spot), **self._query()):
            yield page if most is None else page[: most - count]
            count += len(page)
            if most is not None and count >= most:
                return

    def _query(self) -> dict[str, Any]:
        """What the service is asked for beside the place."""
        most = None if self.context.output.is_selective else self["limit"]
        query: dict[str, Any] = {"limit": min(most, _PAGE) if most else None}
        if not self["recursive"]:
            query["delimiter"] = "/"
        if self["until"] is not None:
            self.only_pithos("--until")
            query["until"] = int(self["until"])
        if self["meta"]:
            self.only_pithos("--meta")
            query["meta"] = ",".join(self["meta"])
        if self["shared"] or self["public"]:
            self.only_pithos("--shared and --public")
            query |= {key: "" for key in ("shared", "public") if self[key]}
        return query

    def _counted(self, one: Mapping[str, Any]) -> Mapping[str, Any]:
        if "subdir" in one:
            return {"name": one["subdir"], "bytes": None, **one}
        self._count += 1
        self._bytes += int(one.get("bytes") or 0)
        return one


@command(_object_commands)
class ObjectInfo(StorageCommand):
    """Show an object: size, type, hash, metadata, who may read it, its public address."""

    shows = True
    arguments = {
        **STORAGE,
        "version": VERSION,
        "hashmap": FlagArgument("show its blocks by their hashes instead (Pithos)", "--hashmap"),
    }
    operands = {"object": PLACE}

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """Print it."""
        spot = self.object(object)
        if self["hashmap"]:
            self.only_pithos("--hashmap")
            with self.looking(spot):
                blocks = self.client.get_object_hashmap(spot.name, self["version"], **spot.where)
            self.context.output.show_one(blocks)
            return
        with self.looking(spot):
            info = self.client.get_object_info(spot.name, self["version"], **spot.where)
        record = _told(spot, info)
        at = _http_moment(record["last_modified"])
        head = {
            "object": str(spot),
            "size": f"{size(record['bytes'])} ({record['bytes']:,} bytes)",
            "type": record["content_type"],
            "encoding": record["content_encoding"],
            "disposition": record["content_disposition"],
            "changed": clock_and_ago(at, self.context.clock.time()) if at else "",
            "changed by": record["modified_by"],
            "hash": record["hash"],
            "version": record["version"],
            "shared": ", ".join(f"{right}: {who}" for right, who in record["sharing"].items()),
            "shared by": record["shared_by"],
            "public at": record["public"],
            "goes at": local(float(record["delete_at"])) if record["delete_at"] else "",
            **{f"meta {key}": value for key, value in record["meta"].items()},
        }
        show_record(self, record, {key: value for key, value in head.items() if value})


def _told(spot: Spot, info: Mapping[str, str]) -> dict[str, Any]:
    from pelagos.clients.pithos.sharing import parse_sharing

    length = info.get("content-length") or ""
    return {
        "container": spot.container,
        "name": spot.name,
        "bytes": int(length) if length.isdecimal() else 0,
        "content_type": info.get("content-type"),
        "content_encoding": info.get("content-encoding"),
        "content_disposition": info.get("content-disposition"),
        "last_modified": info.get("last-modified"),
        "modified_by": info.get("x-object-modified-by"),
        "hash": (info.get("x-object-hash") or info.get("etag") or "").strip('"'),
        "version": info.get("x-object-version") or info.get("x-object-version-id"),
        "sharing": parse_sharing(info.get("x-object-sharing")),
        "shared_by": info.get("x-object-shared-by"),
        "public": info.get("x-object-public"),
        "delete_at": info.get("x-delete-at"),
        "meta": {
            key.removeprefix(_META): value for key, value in info.items() if key.startswith(_META)
        },
    }


def _http_moment(text: str | None) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (TypeError, ValueError):
        return instant(text)


@command(_object_commands)
class ObjectVersions(StorageCommand):
    """List the versions of an object, the oldest first; of a removed one, too."""

    shows = True
    lists = True
    keys = ()
    arguments = STORAGE
    operands = {"object": PLACE}

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """Print them."""
        spot = self.object(object)
        with self.looking(spot):
            found = self.client.get_object_versionlist(spot.name, **spot.where)
        rows = [{"version": str(one[0]), "made": float(one[1])} for one in found]
        now = self.context.clock.time()
        columns = (Column("version"), Column("made", show=lambda at: clock_and_ago(at, now)))
        self.context.output.show_list(rows, columns, empty="no versions")


@command(_object_commands)
class ObjectShared(StorageCommand):
    """List the accounts that share something with you (Pithos).

    What they share is listed with --account USER: `pelagos container list -A USER`.
    """

    shows = True
    lists = True
    keys = ("pelagos.clients.storage.types:SharingAccount",)
    arguments = STORAGE

    def main(self) -> None:
        """Print them."""
        if self.is_swift:
            raise CommandError(
                f"only Pithos tells who shares; the cloud {self.cloud.name} has Swift",
                hint="what another account shares: pelagos container list --account ACCOUNT",
            )
        found = self.client.get_sharing_accounts()
        names = self.cloud.astakos.get_usernames([one["name"] for one in found]) if found else {}
        rows = [
            {"account": one["name"], "user": names.get(one["name"]), **_without_name(one)}
            for one in found
        ]
        columns = (
            Column("account"),
            Column("user"),
            since(self, "last_modified", "changed"),
        )
        self.context.output.show_list(rows, columns, empty="nobody shares anything with you")


def _without_name(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key != "name"}
