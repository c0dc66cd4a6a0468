"""The section `sources`: what every source has, whatever its back-end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.core.errors import ConfigError
from pelagos.directory.settings import checks

#: Keys that a source of any back-end may have; a back-end adds its own.
COMMON_KEYS = (
    "name", "type", "backend", "unique_column", "searched_columns", "first_matched_columns",
    "format_columns", "timeout", "stale", "slots",
)  # fmt: skip

_MOST_SLOTS = 1024


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One source.

    Attributes:
        config: its whole mapping, as its back-end gets it, `name` and `type` included.
        backend: name of the back-end plugin; empty when the configuration names none.
        timeout: seconds that one question to this source may take; None: as long as the query.
        stale: seconds for which a former answer may stand in when this source gives none; None:
            never.
        slots: questions that may be asked of it at once; None: as many as of any source.
    """

    name: str
    backend: str
    config: Mapping[str, Any]
    unique_column: str | None = None
    format_columns: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    stale: float | None = None
    slots: int | None = None


def read_source(name: Any, config: Mapping[str, Any]) -> SourceSettings:
    """One source of the section.

    Raises:
        ConfigError: a value of the wrong type; names its place.
    """
    where = f"sources.{checks.text(name, 'sources')}"
    for key in ("searched_columns", "first_matched_columns"):
        checks.texts(config.get(key) or (), f"{where}.{key}")
    for key in ("type", "backend", "unique_column"):
        checks.text(config.get(key) or "none", f"{where}.{key}")
    templates = checks.section(config, "format_columns", where)
    for column, template in templates.items():
        if not isinstance(template, str):
            raise ConfigError(f"{where}.format_columns.{column}: a text is needed")
    if config.get("name", name) != name:
        raise ConfigError(f"{where}.name is {config['name']!r}, but the key is {name!r}")
    slots = config.get("slots")
    backend = config.get("type") or config.get("backend") or ""
    return SourceSettings(
        name,
        backend,
        {**config, "name": name, "type": backend},
        config.get("unique_column") or None,
        templates,
        timeout=_seconds(config, "timeout", where),
        stale=_seconds(config, "stale", where),
        slots=None if slots is None else checks.count(slots, f"{where}.slots", most=_MOST_SLOTS),
    )


def _seconds(config: Mapping[str, Any], key: str, where: str) -> float | None:
    value = config.get(key)
    return None if value is None else checks.seconds(value, f"{where}.{key}")
