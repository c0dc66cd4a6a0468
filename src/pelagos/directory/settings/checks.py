"""Checks of one value of the configuration; each error names the place of what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pelagos.core import spelling
from pelagos.core.errors import ConfigError

#: Seconds; more is a slip of units.
MOST_SECONDS = 86_400.0


def known(config: Mapping[str, Any], keys: Collection[str], where: str) -> None:
    """Refuse the first key that is not one of these.

    Raises:
        ConfigError: names it, its place and the nearest known one.
    """
    spelling.refuse_unknown(config, sorted(keys), ConfigError, where=where)


def section(config: Mapping[str, Any], key: str, where: str = "") -> Mapping[str, Any]:
    """A table below `where`; an absent one is empty.

    Raises:
        ConfigError: it is something else.
    """
    value = config.get(key)
    return {} if value is None else mapping(value, f"{where}.{key}" if where else key)


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """The value, which is a table whose keys are texts.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: a table is needed, not {value!r}")
    for key in value:
        if not isinstance(key, str):  # YAML reads 1, yes and null as what they look like
            raise ConfigError(f"{where}: the key {key!r} is not text", hint="put it in quotes")
    return value


def texts(value: Any, where: str) -> list[str]:
    """The value, which is a list of non-empty texts.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: a list of names is needed, not {value!r}")
    return [text(item, where) for item in value]


def text(value: Any, where: str) -> str:
    """The value, which is a non-empty text.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: a text is needed, not {value!r}")
    return value


def flag(value: Any, where: str) -> bool:
    """The value, which is true or false.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: true or false is needed, not {value!r}")
    return value


def seconds(value: Any, where: str, *, most: float = MOST_SECONDS) -> float:
    """The value, which is a number of seconds above 0 and not above `most`.

    Raises:
        ConfigError: it is something else.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= most:
        raise ConfigError(f"{where}: {value!r} is not a number of seconds above 0")
    return float(value)


def count(value: Any, where: str, *, most: int) -> int:
    """The value, which is a whole number from 1 to `most`.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ConfigError(f"{where}: {value!r} is not a whole number from 1 to {most}")
    return value
