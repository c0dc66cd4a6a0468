"""`pelagos source …`: sources that are made, changed and removed while the directory serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.cli.argument import Operand, RepeatableArgument, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.context import Context
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError
from pelagos.cli.registration import command
from pelagos.cli.source_keys import FILE, KEYS, merged, read_keys
from pelagos.cli.tree import CommandTree
from pelagos.core.spelling import nearest

_source_commands = CommandTree("source")

_NAME = Operand("name of the source", complete="source")
_PROFILES = RepeatableArgument(
    "a profile that asks it; may be given several times; default: default",
    "--profile",
    metavar="NAME",
)
#: What an answer says besides the keys.
_TOLD = frozenset({"uuid", "is_kept", "is_loaded", "error", "backend", "type"})


def find(context: Context, name: str) -> dict[str, Any]:
    """All about the source of this name.

    Raises:
        CommandError: there is none.
    """
    known = {one.name: one.backend for one in context.directory.sources()}
    if name in known:
        for item in context.directory.sources_of(known[name]).list():
            if item["name"] == name:
                return {**item, "backend": known[name]}
    near = nearest(name, known)
    raise CommandError(
        f"there is no source {name}",
        hint=f"did you mean {near}?" if near else "see: pelagos source list",
        code=NOT_FOUND,
    )


def _kept(context: Context, name: str) -> dict[str, Any]:
    """The same, where it may be changed."""
    found = find(context, name)
    if not found["is_kept"]:
        raise CommandError(
            f"the source {name} stands in the configuration",
            hint="change it there: pelagos config edit",
        )
    return found


@command(_source_commands)
class SourceShow(Command):
    """Show the keys of a source; secrets are masked."""

    shows = True
    operands = {"name": _NAME}

    def main(self, name: str) -> None:
        """Print them."""
        self.context.output.show_one(find(self.context, name))


@command(_source_commands)
class SourceAdd(Command):
    """Make a source, which the next lookup asks.

    Nothing is made when the source cannot be started with these keys. Only operators may do this:
    a source sends what is looked for wherever it says.
    """

    shows = True
    operands = {
        "backend": Operand("what kind of source: ldap, csv_ws, phonebook, …"),
        "name": Operand("name of the new source"),
        "keys": KEYS,
    }
    arguments = {"profiles": _PROFILES, "file": FILE}
    examples = (
        "pelagos source add ldap staff --keys staff.toml",
        "pelagos source add csv_ws crm lookup_url=https://crm.example.org/ timeout=2",
    )

    def main(self, backend: str, name: str, *keys: str) -> None:
        """Make and print it."""
        source = {**merged({}, read_keys(self.context, keys, self["file"])), "name": name}
        if self["profiles"]:
            source["profiles"] = self["profiles"]
        made = self.context.directory.sources_of(backend).create(source)
        self.context.output.show_one(made)


@command(_source_commands)
class SourceEdit(Command):
    """Change keys of a source; the others stay. An empty value takes a key away.

    Secrets stay as they are, unless something changes that says where the source asks.
    """

    shows = True
    operands = {"name": _NAME, "keys": KEYS}
    arguments = {
        "profiles": _PROFILES,
        "file": FILE,
        "rename": ValueArgument("give it another name", "--rename", metavar="NAME"),
    }
    examples = ("pelagos source edit crm timeout=2 --profile default --profile phones",)

    def main(self, name: str, *keys: str) -> None:
        """Change and print it."""
        given: Mapping[str, Any] = read_keys(self.context, keys, self["file"])
        if not (given or self["profiles"] or self["rename"]):
            raise UsageError("nothing is to be changed", hint="give KEY=VALUE, or an option")
        found = _kept(self.context, name)
        source = merged({k: v for k, v in found.items() if k not in _TOLD}, given)
        source["name"] = self["rename"] or name
        if self["profiles"]:
            source["profiles"] = self["profiles"]
        self.context.directory.sources_of(found["backend"]).edit(found["uuid"], source)
        self.context.output.show_one(find(self.context, source["name"]))


@command(_source_commands)
class SourceRemove(Command):
    """Remove a source, and the favourites in it."""

    operands = {"name": _NAME}

    def main(self, name: str) -> None:
        """Remove it."""
        found = _kept(self.context, name)
        self.context.directory.sources_of(found["backend"]).remove(found["uuid"])
        self.context.say(f"the source {name} is gone")
