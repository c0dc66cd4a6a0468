"""`pelagos one KIND list|show|create|update|delete|…`: the same for all kinds of things.

The classes are made of `kinds.KINDS` when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pelagos.cli.argument import (
    FlagArgument,
    Operand,
    SecondsArgument,
    ValueArgument,
)
from pelagos.cli.failures import UsageError
from pelagos.cli.one.command import ONE, Kind, OneCommand
from pelagos.cli.one.command import TEMPLATE as SET
from pelagos.cli.one.kinds import CLUSTER, DATASTORE, KINDS
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_one_commands = CommandTree("one", "OpenNebula: its machines and all else of it")
for _kind in KINDS:
    _one_commands.add_command(f"one_{_kind.word}", f"{_kind.title.capitalize()}s of an OpenNebula")

_FLAGS = {"all": -2, "mine": -3, "group": -4, "shared": -1}
_FILE = Operand("file with the template, as text or XML; - reads it from standard input")
_CLEAR = "\x1b[H\x1b[2J"
_BITS = 3
#: The kinds of things that others are put in.
_PLACES = {"cluster": CLUSTER, "datastore": DATASTORE}
_LEVELS = {"use": 1, "manage": 2, "admin": 3}
#: What no terminal shows.
_SECRETS = {"PASSWORD", "TOKEN_PASSWORD", "LOGIN_TOKEN"}


def _which(kind: Kind) -> Operand:
    return Operand(f"id or name of the {kind.title}", complete=f"one:{kind.resource}")


def _list(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand) -> None:
        """Print them, again and again with --watch."""
        if self["watch"]:
            self.context.output.live()
        columns = [Column(key) for key in ("id", "name", *kind.columns)]
        empty = f"there is no {kind.title} that you may see"
        while True:
            rows = list(_rows(self, kind))
            self.context.output.show_list(rows, columns, empty=empty, keys=kind.keys)
            if not self["watch"]:
                return
            self.context.stdout.flush()
            self.context.clock.sleep(self["watch"])
            if self.context.stdout.isatty():
                self.context.stdout.write(_CLEAR)

    arguments = {
        **ONE,
        "watch": SecondsArgument("again each so many seconds", "--watch", metavar="SECONDS"),
    }
    if kind.is_owned and kind.word != "datastore":
        arguments["whose"] = ValueArgument(
            "all, mine, group (of my primary group), shared (mine and my groups') or an id",
            "--whose",
            default="all",
        )
    if kind.word == "vm":
        arguments["done"] = FlagArgument("those that are done, too", "--done")
    example = f"pelagos one {kind.word} list --filter NAME='web*' -j"
    return {
        "shows": True, "lists": True, "keys": (), "arguments": arguments, "main": main,
        "examples": (example,),
    }  # fmt: skip


def _rows(command: OneCommand, kind: Kind) -> Iterator[dict[str, Any]]:
    more: dict[str, Any] = {}
    arguments = type(command).arguments
    if "whose" in arguments:
        whose = command["whose"]
        if whose not in _FLAGS and not whose.isdigit():
            raise UsageError(f"--whose {whose} is nobody", hint=", ".join(_FLAGS))
        more["filter_flag"] = _FLAGS[whose] if whose in _FLAGS else int(whose)
    if "done" in arguments and command["done"]:
        more["state"] = -2
    for thing in command.all_of(kind, **more):
        yield {"id": thing.ID, "name": thing.NAME, **kind.row(thing), **thing.to_dict()}


def _show(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand, thing: str) -> None:
        """Print it."""
        found = self.find(kind, thing)
        record = found.to_dict()
        output = self.context.output
        output.show_one(_brief(record) if output.is_table and not self["columns"] else record)

    operands = {"thing": _which(kind)}
    example = f"pelagos one {kind.word} show 0"
    return {
        "shows": True, "arguments": {**ONE}, "main": main, "operands": operands,
        "examples": (example,),
    }  # fmt: skip


def _brief(record: Any, path: str = "") -> dict[str, Any]:
    """One line for each value: what is nested by its path, without what is empty."""
    lines: dict[str, Any] = {}
    for key, value in record.items():
        where = f"{path}{key}"
        if key in _SECRETS:
            continue
        if isinstance(value, dict):
            lines |= _brief(value, f"{where}.")
        elif isinstance(value, list):
            for at, one in enumerate(value):
                is_deep = isinstance(one, dict)
                lines |= _brief(one, f"{where}[{at}].") if is_deep else {f"{where}[{at}]": one}
        elif value not in (None, ""):
            lines[where] = value
    return lines


def _create(kind: Kind) -> dict[str, Any]:
    known = {
        "cluster": ValueArgument(
            "id or name of the cluster; default: the default one", "--cluster",
            default="", complete="one:cluster",
        ),
        "datastore": ValueArgument(
            "id or name of the datastore", "--datastore", default="1", complete="one:datastore"
        ),
    }  # fmt: skip
    options = {one: known[one] for one in kind.options or ()}

    def main(self: OneCommand, file: str | None = None) -> None:
        """Make it and print its id."""
        more = [self.id_of(_PLACES[one], self[one]) if self[one] else -1 for one in options]
        made = getattr(self.one, kind.resource).allocate(self.template(file), *more)
        self.context.output.show_one({"id": made})

    arguments = {**ONE, **SET, **options}
    example = f"pelagos one {kind.word} create --set NAME=new --set CPU=1"
    return {
        "shows": True, "arguments": arguments, "main": main, "operands": {"file": _FILE},
        "examples": (example,),
    }  # fmt: skip


def _update(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand, thing: str, file: str | None = None) -> None:
        """Write it."""
        number = self.id_of(kind, thing)
        template = self.template(file)
        getattr(self.one, kind.resource).update(number, template, int(not self["replace"]))

    arguments = {
        **ONE, **SET,
        "replace": FlagArgument("drop what the new template does not name", "--replace"),
    }  # fmt: skip
    operands = {"thing": _which(kind), "file": _FILE}
    example = f"pelagos one {kind.word} update 0 --set LABELS=lab"
    return {"arguments": arguments, "main": main, "operands": operands, "examples": (example,)}


def _delete(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand, *things: str) -> None:
        """Remove them."""
        if not things:
            raise UsageError(f"name a {kind.title}")
        for number in [self.id_of(kind, thing) for thing in things]:
            getattr(self.one, kind.resource).delete(number)

    operands = {
        "things": Operand(f"ids or names of the {kind.title}s", complete=f"one:{kind.resource}")
    }
    return {
        "arguments": {**ONE}, "main": main, "operands": operands,
        "examples": (f"pelagos one {kind.word} delete old",),
    }  # fmt: skip


def _rename(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand, thing: str, name: str) -> None:
        """Rename it."""
        getattr(self.one, kind.resource).rename(self.id_of(kind, thing), name)

    operands = {
        "thing": _which(kind),
        "name": Operand("what it is to be called"),
    }
    example = f"pelagos one {kind.word} rename 0 better"
    return {
        "arguments": {**ONE}, "main": main, "operands": operands, "examples": (example,),
    }  # fmt: skip


def _chmod(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand, thing: str, mode: str) -> None:
        """Set them."""
        digits = [int(one) for one in mode if one in "01234567"]
        if len(digits) != _BITS or len(mode) != _BITS:
            raise UsageError(f"{mode} is no mode", hint="three digits, as 640: 4 use, 2 manage")
        bits = [digit >> place & 1 for digit in digits for place in (2, 1, 0)]
        getattr(self.one, kind.resource).chmod(self.id_of(kind, thing), *bits)

    operands = {
        "thing": _which(kind),
        "mode": Operand("of owner, group and others each a digit: 4 use + 2 manage + 1 admin"),
    }
    example = f"pelagos one {kind.word} chmod 0 640"
    return {
        "arguments": {**ONE}, "main": main, "operands": operands, "examples": (example,),
    }  # fmt: skip


def _chown(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand, thing: str, user: str, group: str = "") -> None:
        """Give it away."""
        from pelagos.cli.one.kinds import GROUP, USER

        number = self.id_of(kind, thing)
        owner = self.id_of(USER, user)
        gid = self.id_of(GROUP, group) if group else -1
        getattr(self.one, kind.resource).chown(number, owner, gid)

    operands = {
        "thing": _which(kind),
        "user": Operand("id or name of the new owner", complete="one:user"),
        "group": Operand("id or name of its new group; default: it stays", complete="one:group"),
    }
    example = f"pelagos one {kind.word} chown 0 alice"
    return {
        "arguments": {**ONE}, "main": main, "operands": operands, "examples": (example,),
    }  # fmt: skip


def _lock(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand, thing: str) -> None:
        """Lock it."""
        level = self["level"].lower()
        if level not in _LEVELS:
            raise UsageError(f"--level {level} is none", hint=", ".join(_LEVELS))
        number = self.id_of(kind, thing)
        getattr(self.one, kind.resource).lock(number, _LEVELS[level], bool(self["new"]))

    arguments = {
        **ONE,
        "level": ValueArgument(
            "what others can do no more: use (nor manage nor administer), manage, admin",
            "--level",
            default="use",
        ),
        "new": FlagArgument("fail when it is locked already", "--new"),
    }
    operands = {"thing": _which(kind)}
    example = f"pelagos one {kind.word} lock 0 --level manage"
    return {"arguments": arguments, "main": main, "operands": operands, "examples": (example,)}


def _unlock(kind: Kind) -> dict[str, Any]:
    def main(self: OneCommand, thing: str) -> None:
        """Unlock it."""
        getattr(self.one, kind.resource).unlock(self.id_of(kind, thing))

    operands = {"thing": _which(kind)}
    return {
        "arguments": {**ONE}, "main": main, "operands": operands,
        "examples": (f"pelagos one {kind.word} unlock 0",),
    }  # fmt: skip


_MAKERS: dict[str, Callable[[Kind], dict[str, Any]]] = {
    "list": _list,
    "show": _show,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "rename": _rename,
    "chmod": _chmod,
    "chown": _chown,
    "lock": _lock,
    "unlock": _unlock,
}


#: What each does, in words for the list of commands.
_TOLD = {
    "list": "List the {one}s",
    "show": "Show all about {a}",
    "create": "Make {a} of a template",
    "update": "Change the template of {a}",
    "delete": "Remove one {one} or several",
    "rename": "Give {a} another name",
    "chmod": "Set who may use or manage {a}",
    "chown": "Give {a} to another user",
    "lock": "Keep others from changing {a}",
    "unlock": "Let others change {a} again",
}
_OWNERLESS = {"host", "user", "group", "cluster", "vdc", "zone", "hook"}
_LOCKED = {
    "vm", "image", "vnet", "template", "vntemplate", "vmgroup", "vrouter", "marketapp", "hook",
    "backupjob",
}  # fmt: skip
_MADE_OTHERWISE = {"host", "user", "group", "cluster", "marketapp"}


def class_name(word: str, verb: str) -> str:
    """The class of a command, e.g. OneVmList."""
    return f"One{word.capitalize()}{verb.capitalize()}"


def _has(word: str, verb: str) -> bool:
    """Whether things of a kind can be treated so."""
    if verb in {"chmod", "chown"}:
        return word not in _OWNERLESS
    if verb in {"lock", "unlock"}:
        return word in _LOCKED
    if verb == "create":
        return word not in _MADE_OTHERWISE
    if verb == "rename":
        return word not in {"user", "group"}
    return verb != "delete" or word != "vm"


def _told(verb: str, title: str) -> str:
    """What a command does: "List the hosts", "Show all about an app"."""
    article = "an" if title.startswith(("a", "i")) else "a"
    return _TOLD[verb].format(one=title, a=f"{article} {title}")


def __dir__() -> list[str]:
    pairs = ((one.word, verb) for one in KINDS for verb in _MAKERS)
    return [*globals(), *(class_name(*pair) for pair in pairs if _has(*pair))]


def __getattr__(name: str) -> type[OneCommand]:
    """The class of a command, made when it is asked for: there are a hundred and more."""
    for kind in KINDS:
        for verb, make in _MAKERS.items():
            if class_name(kind.word, verb) == name and _has(kind.word, verb):
                text = f"{_told(verb, kind.title)}."
                made = type(
                    name, (OneCommand,), {"__doc__": text, "__module__": __name__, **make(kind)}
                )
                globals()[name] = command(_one_commands)(made)
                return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
