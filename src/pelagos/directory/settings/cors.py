"""The section `rest_api.cors` of a directory's configuration: what pages of others may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pelagos.core.errors import ConfigError
from pelagos.directory.settings import checks

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HEADERS = ("Content-Type", "X-Auth-Token", "Wazo-Tenant")
_KEYS = (
    "enabled", "origins", "methods", "allow_headers", "expose_headers", "max_age",
    "supports_credentials",
)  # fmt: skip
_MOST_AGE = 86_400


@dataclass(frozen=True, slots=True)
class Cors:
    """What pages of others may do.

    Attributes:
        origins: whose pages; "*" is everybody's. That is harmless here and the default, because a
            page that has no token gets nothing: no cookie opens the API.
        max_age: seconds for which a browser remembers the answer to a pre-flight; None: its own.
    """

    is_enabled: bool = True
    origins: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = _METHODS
    allow_headers: tuple[str, ...] = _HEADERS
    expose_headers: tuple[str, ...] = ()
    max_age: int | None = None
    supports_credentials: bool = False

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> Self:
        """Read `rest_api.cors` of the whole configuration.

        Raises:
            ConfigError: an unknown key, or a value that cannot be used.
        """
        where = "rest_api.cors"
        section = checks.section(checks.section(config, "rest_api"), "cors", "rest_api")
        checks.known(section, _KEYS, where)
        lists = {
            key: _texts(section[key], f"{where}.{key}")
            for key in ("origins", "methods", "allow_headers", "expose_headers")
            if section.get(key) is not None
        }
        age = section.get("max_age")
        found = cls(
            is_enabled=checks.flag(section.get("enabled", True), f"{where}.enabled"),
            max_age=None if age is None else checks.count(age, f"{where}.max_age", most=_MOST_AGE),
            supports_credentials=checks.flag(
                section.get("supports_credentials", False), f"{where}.supports_credentials"
            ),
            **lists,
        )
        if found.supports_credentials and "*" in found.origins:
            raise ConfigError(
                f"{where}: browsers send credentials to no server that lets every origin in",
                hint="name the origins, such as https://phone.example.org",
            )
        return found


def _texts(value: Any, where: str) -> tuple[str, ...]:
    """One text, or a list of them, as flask-cors takes both."""
    return tuple(checks.texts([value] if isinstance(value, str) else value, where))
