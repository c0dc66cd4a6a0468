"""Which columns of its results a profile shows on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.directory.model import Column, Display
from pelagos.directory.settings import (
    PhoneDisplay,
    PhoneNumber,
    profile_displays,
    profile_phone_displays,
)

_NUMBERS = frozenset({"number", "callable", "mobile"})


def displays_on_phones(views: Mapping[str, Any]) -> dict[str, PhoneDisplay]:
    """The display of each profile that phones may ask, from the `views` section.

    A profile without one of its own (`profile_to_display_phone`) shows what people see: the
    column of type name and those of numbers. Where people see none of these, it has the usual
    columns of a phone book.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type; names its place.
    """
    own = views.get("profile_to_display_phone") or {}
    of_people = profile_displays(views)
    return {
        profile: usual if profile in own else _as_people_see(of_people[profile]) or usual
        for profile, usual in profile_phone_displays(views).items()
    }


def _as_people_see(display: Display) -> PhoneDisplay | None:
    names = tuple(c.field for c in display.columns if c.type == "name" and c.field)
    numbers = [c for c in display.columns if c.type in _NUMBERS and c.field]
    if not (names and numbers):
        return None
    return PhoneDisplay(names, tuple(_number(c, is_first=c is numbers[0]) for c in numbers))


def _number(column: Column, *, is_first: bool) -> PhoneNumber:
    name_format = column.number_display
    if name_format is None and column.title and not is_first:
        title = column.title.replace("{", "{{").replace("}", "}}")
        name_format = f"{{name}} ({title})"
    return PhoneNumber((str(column.field),), name_format)
