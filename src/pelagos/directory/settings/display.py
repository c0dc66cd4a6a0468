"""Displays: which columns the results of a profile have."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pelagos.core import spelling
from pelagos.core.errors import ConfigError
from pelagos.directory.model import Column, Display
from pelagos.directory.settings import checks

log = logging.getLogger(__name__)

_TEXTS = ("title", "type", "field", "number_display")


def displays(views: Mapping[str, Any]) -> dict[str, Display]:
    """All displays by their names, from the `views` section.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    return {
        name: _display(value, f"views.displays.{name}")
        for name, value in checks.section(views, "displays", "views").items()
    }


def display_of(views: Mapping[str, Any]) -> dict[str, str]:
    """The name of each profile's display, whether there is one of this name or not.

    Raises:
        ConfigError: a value of the wrong type.
    """
    where = "views.profile_to_display"
    return {
        profile: checks.text(name, f"{where}.{profile}")
        for profile, name in checks.section(views, "profile_to_display", "views").items()
    }


def profile_displays(views: Mapping[str, Any]) -> dict[str, Display]:
    """The display of each profile, from the `views` section.

    A profile whose display does not exist has an empty one.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    known = displays(views)
    return {profile: known.get(name, Display()) for profile, name in display_of(views).items()}


def warn_of_displays(views: Mapping[str, Any]) -> None:
    """Log what is odd of the displays and yet can be served; once, for many views read them.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    known = displays(views)
    for profile, name in display_of(views).items():
        if name not in known:
            hint = spelling.hint(name, sorted(known), quoted=True)
            log.warning("profile %s: there is no display %s; %s", profile, name, hint)
    for name, display in known.items():
        if sum(column.type == "number" for column in display.columns) > 1:
            what = "views.displays.%s: more than one column of type number; clients use one"
            log.warning(what, name)


def _display(value: Any, where: str) -> Display:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: a display is a list of columns")
    columns = []
    for number, item in enumerate(value):
        place = f"{where}.{number}"
        column = checks.mapping(item, place)
        checks.known(column, [f.name for f in fields(Column)], place)
        for key in _TEXTS:
            if not isinstance(column.get(key), str | None):
                raise ConfigError(f"{place}.{key}: a text is needed, not {column[key]!r}")
        columns.append(Column(**column))
    return Display(tuple(columns))
