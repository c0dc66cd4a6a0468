"""What the programs say of settings that a page shows: the loaders are the programs' own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pelagos.clients.cloud.own_file import OwnFile
from pelagos.core import config
from pelagos.directory import DirectorySettings
from pelagos.directory.auth.settings import AuthSettings
from pelagos.directory.settings.cors import Cors
from pelagos.directory.views.phones.settings import PhonesSettings
from pelagos.plane.capacity.terms import places
from pelagos.plane.sections import SECTIONS, CapacityConfig, CloudConfig, DirectoryConfig


def merge(into: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with more of them; a table goes into the table of its name."""
    for key, value in more.items():
        into[key] = merge(into.get(key, {}), value) if isinstance(value, dict) else value
    return into


def check(path: Path) -> None:
    """Refuse a configuration file that a program would not take.

    Raises:
        PelagosError: a key or value is wrong.
    """
    found = config.load(SECTIONS, path, {})
    places(found.of(CapacityConfig).named)
    for name in found.of(CloudConfig).named:
        OwnFile({"PELAGOS_CONFIG": str(path)}).get(name)
    settings = found.of(DirectoryConfig).settings
    DirectorySettings.from_mapping(settings)
    AuthSettings.from_mapping(settings)
    Cors.from_mapping(settings)
    if "phones" in settings:
        PhonesSettings.from_mapping(settings["phones"])


def files_of(table: Mapping[str, Any]) -> list[str]:
    """The files that settings name and that must be there: passwords, tokens."""
    found = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += files_of(value)
        elif key in ("password_file", "token_file", "auth_file"):
            found.append(str(value))
    return found
