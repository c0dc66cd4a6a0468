"""`pelagos object copy|move|delete|modify|…`: objects changed where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pelagos.cli.argument import (
    DateArgument,
    FlagArgument,
    KeyValueArgument,
    Operand,
    RepeatableArgument,
    ValueArgument,
)
from pelagos.cli.cloud.command import MORE
from pelagos.cli.cloud.showing import size
from pelagos.cli.cloud.storage import PLACE, STORAGE, Spot, StorageCommand, count_of
from pelagos.cli.commands.object_listing import VERSION
from pelagos.cli.failures import FAILED, USAGE, CommandError, UsageError
from pelagos.cli.moment import local
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_object_commands = CommandTree("object")

_RECURSIVE = FlagArgument("all that is below it", "-r", "--recursive")
_FORCE = FlagArgument("replace what is there", "-f", "--force")
_TYPE = ValueArgument("another content type than it has", "--type", metavar="TYPE")
_TARGET = Operand(
    "CONTAINER/PATH, or CONTAINER/FOLDER/ for the object's own name", complete="cloud:place"
)
_AT_ONCE = 8


class _Transplant(StorageCommand):
    """What copying and moving share."""

    _is_move = False

    def main(self, source: str, target: str) -> int | None:
        """Do it."""
        here, there = self.spot(source), self.spot(target)
        if here.account != there.account and self._is_move:
            raise UsageError("objects move within one account only", hint="copy, then delete")
        if there.account != self.account and there.account is not None:
            raise UsageError(
                "copies go into your own account", hint="who owns the target has to copy"
            )
        if self["recursive"]:
            return self._all(here, there)
        here = self.object(source)
        if not there.name or there.name.endswith("/"):
            there = there._replace(name=there.name + here.name.rstrip("/").rpartition("/")[2])
        with self.looking(here):
            self._check([(here.name, there.name)], here, there)
            self._one(here, there)
        self.context.say(f"{there} is there")
        return None

    def _all(self, here: Spot, there: Spot) -> int | None:
        from pelagos.clients.folder.remote import listing

        source, target = self.below(here), self.below(there)
        is_same_place = (here.container, here.account) == (there.container, there.account)
        if is_same_place and target.prefix.startswith(source.prefix):
            raise UsageError(f"{there} is in {here}", hint="choose another target")
        with self.looking(here._replace(name="")):
            names = [str(one["name"]) for page in listing(self.client, source) for one in page]
        if not names:
            raise CommandError(f"nothing is below {here}", hint="see: pelagos object list")
        pairs = [(name, target.prefix + name[len(source.prefix) :]) for name in names]
        with self.looking(there._replace(name="")):
            self._check(pairs, here, there)

        def one(pair: tuple[str, str]) -> None:
            self._one(here._replace(name=pair[0]), there._replace(name=pair[1]))

        return _each(self, one, pairs, "moved" if self._is_move else "copied")

    def _check(self, pairs: list[tuple[str, str]], here: Spot, there: Spot) -> None:
        """See that nothing is in the way.

        Raises:
            CommandError: something is.
        """
        from pelagos.clients.folder import Place
        from pelagos.clients.folder.remote import listing

        if self["force"] or (here.container == there.container and not self._targets(pairs)):
            return
        wanted = {target for _, target in pairs}
        common = min(wanted) if len(wanted) == 1 else self.below(there).prefix
        place = Place(there.container, common, there.account)
        taken = sorted(
            str(one["name"])
            for page in listing(self.client, place)
            for one in page
            if one.get("name") in wanted
        )
        if taken:
            raise CommandError(
                f"{there.container}/{taken[0]} is there already"
                + (f", and {len(taken) - 1:,} more" if len(taken) > 1 else ""),
                hint="replace what is there with -f; nothing was done",
            )

    @staticmethod
    def _targets(pairs: list[tuple[str, str]]) -> set[str]:
        return {target for source, target in pairs if source != target}

    def _one(self, here: Spot, there: Spot) -> None:
        do: Callable[..., Any] = (
            self.client.move_object if self._is_move else self.client.copy_object
        )
        more: dict[str, Any] = {"account": there.account, "content_type": self["type"]}
        if here.account != there.account:
            more["source_account"] = here.account
        if not self._is_move and self["version"]:
            more["source_version"] = self["version"]
        do(here.container, here.name, there.container, there.name, **more)


@command(_object_commands)
class ObjectCopy(_Transplant):
    """Copy objects in the cloud itself; with -r all that is below a place."""

    arguments = {
        **STORAGE,
        "recursive": _RECURSIVE,
        "force": _FORCE,
        "version": VERSION,
        "type": _TYPE,
    }
    operands = {"source": PLACE, "target": _TARGET}
    examples = (
        "pelagos object copy photos/sea.jpg photos/old/",
        "pelagos object copy -r photos/2025 archive/2025",
    )


@command(_object_commands)
class ObjectMove(_Transplant):
    """Move or rename objects in the cloud itself; with -r all that is below a place."""

    _is_move = True
    arguments = {**STORAGE, "recursive": _RECURSIVE, "force": _FORCE, "type": _TYPE}
    operands = {"source": PLACE, "target": _TARGET}


@command(_object_commands)
class ObjectDelete(StorageCommand):
    """Remove objects; with -r all that is below a place, too.

    Where versions are kept, an object can be restored: see `pelagos object versions`.
    """

    arguments = {
        **STORAGE,
        "recursive": _RECURSIVE,
        "yes": FlagArgument("with -r: really", "--yes"),
    }
    operands = {"object": PLACE, "more": MORE}

    def main(self, object: str, *more: str) -> int | None:  # noqa: A002  # its name there
        """Remove them."""
        spots = [self.object(word) for word in (object, *more)]
        code: int | None = None
        for spot in spots:
            if self["recursive"]:
                code = self._all(spot) or code
                continue
            with self.looking(spot):
                self.client.delete_object(spot.name, **spot.where)
            self.context.say(f"{spot} is gone")
        return code

    def _all(self, spot: Spot) -> int | None:
        from pelagos.clients.folder.remote import listing

        place = self.below(spot)
        found: dict[str, int] = {}
        with self.looking(spot._replace(name="")):
            for page in listing(self.client, place):
                found |= {str(one["name"]): int(one.get("bytes") or 0) for one in page}
        path = self.client.object_path(spot.name, **spot.where)
        head = self.client.head(path, success=(200, 204, 404))
        if head.status != 404:  # noqa: PLR2004
            found.setdefault(spot.name, int(head.headers.get("content-length") or 0))
        if not found:
            raise CommandError(f"nothing is at {spot}", hint="see: pelagos object list")
        if not self["yes"]:
            what = f"{count_of(len(found), 'object')}, {size(sum(found.values()))}"
            self.context.say(f"{spot} has {what}; with --yes they are removed")
            return USAGE

        def one(name: str) -> None:
            self.client.delete_object(name, **spot.where)

        return _each(self, one, sorted(found), "removed")


def _each(
    command: StorageCommand, one: Callable[[Any], None], jobs: list[Any], what: str
) -> int | None:
    """Do many things at once; each that fails is told, and the others go on."""
    from pelagos.clients.errors import ClientError
    from pelagos.clients.storage.transfer import as_done

    def job(which: Any) -> ClientError | None:
        try:
            one(which)
        except ClientError as error:
            return error
        return None

    failed = 0
    for which, error in as_done(job, jobs, _AT_ONCE):
        if error is not None:
            failed += 1
            name = which if isinstance(which, str) else which[0]
            command.context.say(f"not {what}: {name}: {' '.join(error.message.split())}")
    command.context.say(f"{count_of(len(jobs) - failed, 'object')} {what}")
    return FAILED if failed else None


@command(_object_commands)
class ObjectModify(StorageCommand):
    """Change the metadata of an object; what is not named stays."""

    arguments = {
        **STORAGE,
        "meta": KeyValueArgument("metadata to set; may be given several times", "--meta"),
        "unset": RepeatableArgument("metadata to remove", "--unset", metavar="KEY"),
    }
    required = ["meta", "unset"]
    operands = {"object": PLACE}

    def main(self, object: str) -> None:  # noqa: A002  # its name there
        """Change it."""
        spot = self.object(object)
        meta = {**dict.fromkeys(self["unset"], ""), **(self["meta"] or {})}
        with self.looking(spot):
            self.client.set_object_meta(spot.name, meta, **spot.where)
        self.context.say(f"{spot} is changed")


@command(_object_commands)
class ObjectMkdir(StorageCommand):
    """Make the mark of a folder: it is listed though nothing is in it."""

    arguments = STORAGE
    operands = {"folder": Operand("CONTAINER/FOLDER")}

    def main(self, folder: str) -> None:
        """Make it."""
        spot = self.object(folder.rstrip("/"))
        with self.looking(spot):
            self.client.create_directory(spot.name, **spot.where)
        self.context.say(f"{spot} is a folder")


@command(_object_commands)
class ObjectRestore(StorageCommand):
    """Make a former version of an object the present one again."""

    arguments = STORAGE
    operands = {
        "object": PLACE,
        "version": Operand("its id; see pelagos object versions"),
    }

    def main(self, object: str, version: str) -> None:  # noqa: A002  # its name there
        """Restore it."""
        spot = self.object(object)
        with self.looking(spot, version):
            self.client.restore_object(spot.name, version, **spot.where)
        self.context.say(f"{spot} is as it was in version {version}")


@command(_object_commands)
class ObjectPurge(StorageCommand):
    """Remove the former versions of an object for good; the present one stays (Pithos)."""

    arguments = {
        **STORAGE,
        "until": DateArgument(
            "only those that were made up to a time, as 2026-07-14T09:30",
            "--until",
            metavar="TIME",
        ),
        "yes": FlagArgument("really", "--yes"),
    }
    operands = {"object": PLACE}

    def main(self, object: str) -> int | None:  # noqa: A002  # its name there
        """Remove them."""
        spot = self.object(object)
        until = None if self["until"] is None else int(self["until"])
        then = "" if until is None else f" up to {local(until)}"
        with self.looking(spot):
            if not self["yes"]:
                found = self.client.get_object_versionlist(spot.name, **spot.where)[:-1]
                count = sum(until is None or float(one[1]) <= until for one in found)
                former = count_of(count, "former version")
                self.context.say(f"{spot} has {former}{then}; with --yes they are gone for good")
                return USAGE
            self.client.purge_object(spot.name, until=until, **spot.where)
        self.context.say(f"{spot} has no former versions{then} any more")
        return None
