"""Displays of phones: where an entry's name and its numbers are found in a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.core import spelling
from pelagos.core.errors import ConfigError
from pelagos.directory.settings import checks
from pelagos.directory.settings.display import display_of


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One entry that a result can make on a phone.

    Attributes:
        field: fields that may hold the number; the first that is not empty does.
        name_format: how the name is shown beside it, with {name} and {number}; None: as it is.
    """

    field: tuple[str, ...]
    name_format: str | None = None


@dataclass(frozen=True, slots=True)
class PhoneDisplay:
    """How results are shown on a phone.

    Attributes:
        name: fields that may hold the name; the first that is not empty does.
        number: one entry on the phone for each of these that has a number.
    """

    name: tuple[str, ...]
    number: tuple[PhoneNumber, ...]


def _variants(field: str) -> tuple[str, ...]:
    return (field, f"{field}1", f"{field}2")


#: What a profile has that says nothing of phones; `name` is what displays of people show.
DEFAULT_PHONE_DISPLAY = PhoneDisplay(
    (*_variants("display_name"), "name"),
    (
        PhoneNumber(_variants("phone")),
        *(
            PhoneNumber(_variants(f"phone_{kind}"), f"{{name}} ({kind.capitalize()})")
            for kind in ("office", "mobile", "home", "other")
        ),
    ),
)


def phone_displays(views: Mapping[str, Any]) -> dict[str, PhoneDisplay]:
    """All displays of phones by their names, from the `views` section.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type; names its place.
    """
    where = "views.displays_phone"
    return {
        name: _display(checks.mapping(value, f"{where}.{name}"), f"{where}.{name}")
        for name, value in checks.section(views, "displays_phone", "views").items()
    }


def profile_phone_displays(views: Mapping[str, Any]) -> dict[str, PhoneDisplay]:
    """The display of each profile on a phone; `DEFAULT_PHONE_DISPLAY` where only people have one.

    Raises:
        ConfigError: as `phone_displays`, or a profile names a display that does not exist.
    """
    known = phone_displays(views)
    chosen = dict.fromkeys(display_of(views), DEFAULT_PHONE_DISPLAY)
    where = "views.profile_to_display_phone"
    for profile, name in checks.section(views, "profile_to_display_phone", "views").items():
        if checks.text(name, f"{where}.{profile}") not in known:
            raise ConfigError(
                f"{where}.{profile}: there is no display {name!r} in views.displays_phone",
                hint=spelling.hint(name, sorted(known), quoted=True),
            )
        chosen[profile] = known[name]
    return chosen


def _display(config: Mapping[str, Any], where: str) -> PhoneDisplay:
    checks.known(config, ("name", "number"), where)
    numbers = _some(config.get("number"), f"{where}.number")
    return PhoneDisplay(
        tuple(_fields(config.get("name"), f"{where}.name")),
        tuple(_number(item, f"{where}.number.{place}") for place, item in enumerate(numbers)),
    )


def _number(value: Any, where: str) -> PhoneNumber:
    config = checks.mapping(value, where)
    checks.known(config, ("field", "name_format"), where)
    name_format = config.get("name_format")
    if name_format is not None:
        checks.text(name_format, f"{where}.name_format")
    return PhoneNumber(tuple(_fields(config.get("field"), f"{where}.field")), name_format)


def _fields(value: Any, where: str) -> list[str]:
    items = _some(value, where)
    return [checks.text(item, f"{where}.{number}") for number, item in enumerate(items)]


def _some(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise ConfigError(f"{where}: a list with something in it is needed, not {value!r}")
    return list(value)
