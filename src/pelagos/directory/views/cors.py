"""Pages of other origins that may use the API in a person's browser (the Fetch standard's CORS).

A pre-flight carries no token and needs none: Flask answers OPTIONS of every route by itself, and
what is added here says what the browser may send.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from flask import Flask, Response, request

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

    def install(self, app: Flask) -> None:
        """Say it in every answer of an application."""
        if self.is_enabled:
            app.after_request(self._say)

    def _say(self, answer: Response) -> Response:
        origin = request.headers.get("Origin")
        is_open = "*" in self.origins
        if not is_open:
            answer.vary.add("Origin")
        if origin is None or not (is_open or origin in self.origins):
            return answer
        answer.headers["Access-Control-Allow-Origin"] = "*" if is_open else origin
        if self.supports_credentials:
            answer.headers["Access-Control-Allow-Credentials"] = "true"
        if self.expose_headers:
            answer.headers["Access-Control-Expose-Headers"] = ", ".join(self.expose_headers)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            served = answer.allow  # the methods of the route
            answer.headers["Access-Control-Allow-Methods"] = ", ".join(
                method for method in self.methods if method in served or not served
            )
            answer.headers["Access-Control-Allow-Headers"] = ", ".join(self.allow_headers)
            if self.max_age is not None:
                answer.headers["Access-Control-Max-Age"] = str(self.max_age)
        return answer


def _texts(value: Any, where: str) -> tuple[str, ...]:
    """One text, or a list of them, as flask-cors takes both."""
    return tuple(checks.texts([value] if isinstance(value, str) else value, where))
