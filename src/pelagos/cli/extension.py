"""Commands of others: groups that the configuration names, and packages' entry points.

`[farm] cli = "farm_commands"` in the configuration file makes the group `farm` of the module
`farm_commands`, or of the file at a path. In the entry-point group `pelagos.commands`, the name of
an entry point is a command's words ("grow", or "farm list"; words with blanks or dots between
them) and its object a class derived from `pelagos.cli.Command`; or a `CommandTree` under the name
of its group. Nothing is loaded before a line names it.

Most machines have none. So the first look reads only the configuration file and those in which
packages declare entry points, for a few bytes; what reads them properly, and costs as much as all
the rest of the start, comes in when they are there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from pelagos.cli.tree import CommandTree, Node
from pelagos.core.places import config_place

TYPE_CHECKING = False
if TYPE_CHECKING:  # not for a cycle: completion does not pay for pathlib
    from pathlib import Path

GROUP = "pelagos.commands"


def extend(tree: CommandTree, words: Sequence[str] = ()) -> None:
    """Add the commands of others, and load those that a line may mean.

    A command or a group with the name of an own one is passed over. A command that two packages
    offer is named in the help with both, and cannot be run.

    Args:
        tree: the own commands.
        words: the line; without it nothing is loaded.

    Raises:
        CommandError: the group that the line names cannot be loaded.
        ConfigError: the line names no own command, and the configuration file is not TOML.
    """
    own = {node.line for node in tree.root.nodes()}
    named = _named(tree, words)
    groups = _configured(words, is_needed=bool(named) and named[0] not in own)
    for group, (spec, _) in groups.items():
        if group not in own:
            tree.add_command([group], f"(from {spec})")
    if _is_declared(sys.path):
        _add_packages(tree, own)
    if not named:
        return
    if named[0] in groups:
        _load_configured(tree, named[0], *groups[named[0]], is_own=named[0] in own)
    else:
        _load_tree(tree, named)


def _named(tree: CommandTree, words: Sequence[str]) -> list[str]:
    """The words of a line that are no options."""
    from pelagos.cli.main import resolve

    node, _, operands = resolve(tree, list(words))
    return [*node.terms, *operands]


# ---- groups of the configuration


def _configured(words: Sequence[str], *, is_needed: bool) -> dict[str, tuple[str, Path]]:
    """The modules of groups that the configuration file names, and the file's folder."""
    from pelagos.cli.main import said

    path = said(words, "--config") or config_place()
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # pathlib is dear
            if b"cli" not in file.read():
                return {}
    except OSError:  # whoever needs the settings tells of it
        return {}
    from pathlib import Path

    from pelagos.core import command_groups, toml
    from pelagos.core.errors import ConfigError
    from pelagos.plane.sections import SECTIONS

    try:
        table = toml.read(Path(path))
    except ConfigError:
        if is_needed:
            raise
        return {}
    folder = Path(path).absolute().parent
    found = command_groups.found(table, SECTIONS)
    return {name: (content[command_groups.SAYS], folder) for name, content in found.items()}


def _load_configured(
    tree: CommandTree, group: str, spec: str, folder: Path, *, is_own: bool
) -> None:
    from pelagos.cli.failures import CommandError
    from pelagos.cli.group_module import load_group

    if is_own:
        raise CommandError(
            f"the configuration names commands of a group {group}, which Pelagos has itself",
            hint=f"give them another name; these go with: pelagos config delete {group}.cli",
        )
    tree.groups[group] = load_group(group, spec, folder)


# ---- entry points


def _add_packages(tree: CommandTree, own: set[str]) -> None:
    from importlib.metadata import entry_points

    offers: dict[str, list[tuple[str, str]]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        name = " ".join(point.name.replace(".", " ").split())
        package = point.dist.name if point.dist else point.module
        if name and name not in own:
            offers.setdefault(name, []).append((package, f"{point.module}:{point.attr}"))
    for name, found in offers.items():
        packages = " and ".join(package for package, _ in found)
        if len(found) == 1:
            tree.add_command(name.split(), f"(from {packages})", target=found[0][1])
        else:
            tree.add_command(name.split(), f"(offered by {packages}: remove one of them)")


def _load_tree(tree: CommandTree, named: Sequence[str]) -> None:
    """Put the commands of a package's tree into the place of its entry point."""
    node = tree.root.parse_out(named)[0]
    if not is_foreign(node):
        return
    from pelagos.cli.group_module import group_of
    from pelagos.cli.launch import load_target

    found = load_target(node)
    if isinstance(found, CommandTree):
        group = group_of([found], node.terms[0], node.help)
        tree.groups[node.terms[0]] = group


def is_foreign(node: Node) -> bool:
    """Whether a node is what an entry point of another package names."""
    return node.target is not None and not node.target.startswith("pelagos.")


def _is_declared(folders: list[str]) -> bool:
    mark = f"[{GROUP}]".encode()
    for path in folders:
        folder = path or "."
        try:
            names = os.listdir(folder)  # noqa: PTH208  # pathlib is dear
        except OSError:  # a zip file, or a folder that is not there
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                try:
                    with open(f"{folder}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123  # pathlib is dear
                        if mark in file.read():
                            return True
                except OSError:
                    continue
    return False
