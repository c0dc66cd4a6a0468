"""A group of commands that somebody has written in a module: found, imported, taken over.

The module has one `CommandTree` or several; those of its name are the group's. It may be written
for an ancestor of ours: then the ancestor's names are made to mean ours (see `ANCESTORS`).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from pelagos.cli.command_base import Command
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.tree import CommandTree, Node, pelagos_tree
from pelagos.core.command_groups import file_of
from pelagos.core.errors import PelagosError

#: Each entry point of this group is an `Ancestor`, under the name of its package.
ANCESTORS = "pelagos.commands.ancestors"


_OWN = {__file__, importlib.__file__, "<frozen importlib._bootstrap>"} | {
    "<frozen importlib._bootstrap_external>"
}
"""Where no mistake of a module is."""


class Ancestor(Protocol):
    """A command line whose commands run in ours."""

    def install(self) -> None:
        """Let its names mean ours in this process."""

    def as_command(self, cls: type[Any]) -> type[Command] | None:
        """A class of its commands as one of ours; None when it is none of its."""

    def told(self, error: SyntaxError) -> PelagosError | None:
        """What is to be written otherwise in a module that was written for it, if it knows."""


def settled(group: str, spec: str) -> str:
    """What a configuration is to say for a group: a path from the root, or a module.

    Raises:
        UsageError: Pelagos has that group itself, there is no such file, or nothing is said.
    """
    own = pelagos_tree()
    if group in own.groups or group in own.aliases:
        raise UsageError(
            f"Pelagos has a group {group} itself", hint="give yours another name, as my-" + group
        )
    if not spec:
        raise UsageError(
            f"{group}.cli: name a module or a file",
            hint=f"to take the group out: pelagos config delete {group}.cli",
        )
    path = file_of(spec, Path.cwd())
    if path is None:
        return spec
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="write it first, or check the path")
    return str(path)


def load_group(name: str, spec: str, folder: Path) -> Node:
    """A group of commands.

    Args:
        name: of the group.
        spec: its module, or the path of its file.
        folder: where a relative path begins.

    Raises:
        CommandError: the module is not there, cannot be imported (the error says its file and
            line), or has no commands of this group.
    """
    module = _imported(name, file_of(spec, folder) or spec)
    return group_of(_trees(module), name, f"(from {spec})")


def group_of(trees: Iterable[CommandTree], name: str, text: str) -> Node:
    """The group of this name in some trees, with a text when it has none of its own.

    Raises:
        CommandError: it is not there.
    """
    whole = CommandTree(name)
    for tree in trees:
        whole.add_tree(tree)
    group = whole.groups.get(name)
    if group is None or not any(group.walk()):
        others = ", ".join(whole.groups)
        raise CommandError(
            f"there are no commands of the group {name} {text}",
            hint=f"it has those of: {others}"
            if others
            else f'decorate their classes: @command(CommandTree("{name}"))',
        )
    group.help = group.help.strip() or text
    return group


def adopted(cls: type[Any]) -> type[Command] | None:
    """A class of an ancestor's commands as one of ours; None when no ancestor knows it."""
    made = (ancestor.as_command(cls) for _, ancestor in _ancestors() if hasattr(cls, "main"))
    return next((one for one in made if one is not None), None)


def _trees(module: ModuleType) -> Iterator[CommandTree]:
    for thing in vars(module).values():
        found = thing if isinstance(thing, list | tuple) else [thing]
        yield from (one for one in found if isinstance(one, CommandTree))


def _imported(name: str, where: str | Path) -> ModuleType:
    try:
        return _import(where)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        ancestor = dict(_ancestors(missing)).get(missing)
        if error.name == where or ancestor is None:
            raise _told(name, where, error) from error
        ancestor.install()
        try:
            return _import(where)
        except Exception as again:  # other people's code, whatever it does
            raise _told(name, where, again) from again
    except Exception as error:  # the same
        raise _told(name, where, error) from error


def _import(where: str | Path) -> ModuleType:
    if isinstance(where, str):
        return importlib.import_module(where)
    own = f"_pelagos_commands_{where.stem}"
    spec = importlib.util.spec_from_file_location(own, where)
    if spec is None or spec.loader is None:
        raise ImportError(f"{where} is not a file of Python")
    module = sys.modules[own] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[own]
        raise
    return module


def _ancestors(only: str = "") -> Iterator[tuple[str, Ancestor]]:
    for point in entry_points(group=ANCESTORS):
        if not only or point.name == only:
            yield point.name, point.load()


def _told(name: str, where: str | Path, error: Exception) -> PelagosError:
    """Why a module cannot be loaded, with file and line."""
    hint = f"mend it, or take the group out: pelagos config delete {name}.cli"
    if isinstance(error, ModuleNotFoundError) and error.name == where:
        return CommandError(
            f"the commands of {name} cannot be loaded: there is no module {where}",
            hint=f"install it, put its folder into PYTHONPATH, or name its file:"
            f" pelagos config set {name}.cli=/PATH/TO/{where}.py",
        )
    if isinstance(error, FileNotFoundError) and not isinstance(where, str) and not where.exists():
        return CommandError(
            f"the commands of {name} cannot be loaded: there is no file {where}",
            hint=f"name another one: pelagos config set {name}.cli=FILE",
        )
    if isinstance(error, SyntaxError):
        for _, ancestor in _ancestors():
            if (said := ancestor.told(error)) is not None:
                return said
        place, why = f"{error.filename}, line {error.lineno}", f"SyntaxError: {error.msg}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        inside = [one for one in frames if one.filename not in _OWN]
        last = inside[-1] if inside else None
        place = f"{last.filename}, line {last.lineno}" if last else str(where)
        why = f"{type(error).__name__}: {error}"
    return CommandError(f"the commands of {name} cannot be loaded: {place}: {why}", hint=hint)
