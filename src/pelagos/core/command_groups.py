"""Sections of the configuration file that are groups of commands.

    [farm]
    cli = "farm_commands"    # a module, or the path of a file
    stable = "north"         # whatever its commands want to know

Such a section has any name that no program's section has, and says `cli`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from pelagos.core.setting import KINDS, Setting

SAYS = "cli"
"""The key that makes a section a group."""

_NAME = re.compile(r"[A-Za-z][\w-]*")
_ABOUT = "module, or path of a file, with the commands of this group"


def found(table: Mapping[str, Any], sections: Container[str]) -> dict[str, Mapping[str, Any]]:
    """The groups of a file, by their names.

    Args:
        table: of the file.
        sections: the names that sections of programs have.
    """
    return {
        name: content
        for name, content in table.items()
        if name not in sections
        and _NAME.fullmatch(name)
        and isinstance(content, Mapping)
        and isinstance(content.get(SAYS), str)
        and content[SAYS]
    }


def file_of(spec: str, folder: Path) -> Path | None:
    """The file that a group's `cli` names; None when that is a module.

    Args:
        spec: what it says: a path has a slash, or ends in `.py`.
        folder: where a relative path begins.
    """
    is_path = spec.endswith(".py") or "/" in spec
    return folder / Path(spec).expanduser() if is_path else None


def setting(
    key: str, sections: Container[str], groups: Container[str] = frozenset()
) -> Setting | None:
    """The setting of a dotted key, when it is one of a group.

    `GROUP.cli` is one of any group, which it makes; other keys only of the groups that there are.
    """
    section, _, name = key.partition(".")
    if section in sections or not _NAME.fullmatch(section) or not _NAME.fullmatch(name):
        return None
    if name != SAYS and section not in groups:
        return None
    about = _ABOUT if name == SAYS else ""
    return Setting(
        section=section, name=name, kind=KINDS["str"], default="", about=about, variable=""
    )
