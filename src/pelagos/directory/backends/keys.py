"""Values of a source's keys that more than one back-end has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pelagos.directory.errors import SourceError
from pelagos.directory.index import charset
from pelagos.directory.number import ANYWHERE, NumberPlan, plan_of
from pelagos.directory.settings import checks


def character(config: Mapping[str, Any], key: str, default: str = ",") -> str:
    """One character that stands between the columns of a CSV text.

    Raises:
        SourceError: it is none, or one that CSV needs for something else.
    """
    value = config.get(key, default)
    if not isinstance(value, str) or len(value) != 1 or value in '\r\n" ':
        raise SourceError(f"{key}: one character is needed, not {value!r}")
    return value


def codec(config: Mapping[str, Any], default: str | None = None) -> str | None:
    """The codec of `charset`.

    Raises:
        SourceError: there is no such charset.
    """
    value = config.get("charset")
    if value is None:
        value = default
    if value is None:
        return None
    if not isinstance(value, str):
        raise SourceError(f"charset: a name is needed, not {value!r}")
    return charset(value)


def seconds(config: Mapping[str, Any], key: str, default: float) -> float:
    """A number of seconds above 0.

    Raises:
        ConfigError: it is none, or so many that they cannot be meant.
    """
    value = config.get(key)
    return default if value is None else checks.seconds(value, key)


def size(config: Mapping[str, Any], key: str, default: int) -> int:
    """A number of bytes.

    Raises:
        SourceError: it is none.
    """
    value = config.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SourceError(f"{key}: a number of bytes is needed, not {value!r}")
    return value


def number_form(args: Mapping[str, Any]) -> Callable[[str], str | None]:
    """What makes one text of two ways to write a number that is kept in memory.

    Raises:
        SourceError, ConfigError: there is no such region.
    """
    return (number_plan(args) or ANYWHERE).normal


def number_plan(args: Mapping[str, Any]) -> NumberPlan | None:
    """How the source's numbers are written: by its own `region`, or else the directory's.

    Args:
        args: of `load`.

    Raises:
        SourceError, ConfigError: there is no such region.
    """
    region = args["config"].get("region") or (args.get("main_config") or {}).get("region")
    if region is None:
        return None
    if not isinstance(region, str):
        raise SourceError(f"region: the two letters of a country are needed, not {region!r}")
    return plan_of(region)
