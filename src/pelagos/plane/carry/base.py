"""What was carried over from another program's configuration, and how it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pelagos.clients.cloud.own_file import add_cloud
from pelagos.core import config, toml
from pelagos.core.errors import ConfigError
from pelagos.core.files import write_atomic
from pelagos.directory.migration import Remark
from pelagos.plane.sections import SECTIONS


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud, as [cloud.named.NAME] has it.

    Attributes:
        table: its settings, without secrets.
        secrets: each is kept in a file of its own.
    """

    name: str
    table: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a configuration means here.

    Attributes:
        values: our settings, by their dotted keys.
        files: contents of files that settings name, by the key of the setting and the file's
            name; they are kept beside the configuration file, readable for their owner only.
        clouds: in the order in which they were written.
        default_cloud: the one that is meant when none is named.
        remarks: what was not carried over, or not as it was.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    clouds: tuple[Cloud, ...] = ()
    default_cloud: str | None = None
    remarks: tuple[Remark, ...] = ()


def as_table(carried: Carried, folder: Path) -> dict[str, Any]:
    """The same as the configuration file would say it, secrets in files of a folder."""
    document: dict[str, Any] = {}
    for key, value in _all_values(carried, folder).items():
        section, _, name = key.partition(".")
        document.setdefault(section, {})[name] = str(value) if isinstance(value, Path) else value
    for one in carried.clouds:
        named = document.setdefault("cloud", {}).setdefault("named", {})
        kept = {
            f"{key}_file": str(folder / "clouds" / f"{one.name}.secret") for key in one.secrets
        }
        named[one.name] = {**one.table, **kept}
    if carried.default_cloud:
        document.setdefault("cloud", {})["default"] = carried.default_cloud
    return document


def keep(carried: Carried, path: Path, *, replace: bool = False) -> None:
    """Write it into a configuration file; comments and the rest of the file stay.

    Args:
        carried: what is written.
        path: the file; made, with its folder, when it is not there.
        replace: whether it may take the place of what is there.

    Raises:
        ConfigError: the file says something else already, or cannot be written.
    """
    _refuse_taken(carried, path, replace=replace)
    folder = path.resolve().parent
    try:
        config.set_values(SECTIONS, path, _all_values(carried, folder), replace=replace)
        for (_, name), content in carried.files.items():
            write_atomic(folder / name, content, mode=0o600)
        for one in carried.clouds:
            is_default = one.name == carried.default_cloud
            add_cloud(path, one.name, one.table, one.secrets, is_default=is_default)
    except OSError as error:
        raise ConfigError(
            f"cannot write beside {path}: {error.strerror or error}",
            hint="name another configuration file with --config or PELAGOS_CONFIG",
        ) from error


def _all_values(carried: Carried, folder: Path) -> dict[str, Any]:
    named = {key: str(folder / name) for key, name in carried.files}
    return {**carried.values, **named}


def _refuse_taken(carried: Carried, path: Path, *, replace: bool) -> None:
    table = toml.read(path) if path.exists() else {}
    section = table.get("cloud")
    found = section if isinstance(section, Mapping) else {}
    named = found.get("named", {})
    taken = [one.name for one in carried.clouds if one.name in named]
    if taken and not replace:
        raise ConfigError(
            f"{path} has a cloud {', '.join(taken)} already",
            hint="say --replace to put the new ones in their place",
        )
