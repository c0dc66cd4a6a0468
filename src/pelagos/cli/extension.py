"""Commands of other packages: the entry-point group `pelagos.commands`.

The name of an entry point is a command's words ("grow", or "farm list"; words with blanks or
dots between them); its object is a class derived from `pelagos.cli.Command`. It is
loaded when the command runs.

Most machines have none. So the first look reads only the files in which packages declare entry
points, for the name of the group; `importlib.metadata`, which costs as much as all the rest of
the start, comes in when it is there.
"""

from __future__ import annotations

import os
import sys

from pelagos.cli.tree import CommandTree

GROUP = "pelagos.commands"


def extend(tree: CommandTree) -> None:
    """Add the commands of other packages.

    One with the name of an own command is passed over. One that two packages offer is named in the
    help with both, and cannot be run.
    """
    if not _is_declared(sys.path):
        return
    from importlib.metadata import entry_points

    own = {node.line for node in tree.root.walk()}
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
