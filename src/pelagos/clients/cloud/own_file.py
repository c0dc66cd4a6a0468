"""Clouds in Pelagos' own configuration file: the section `cloud`.

[cloud]
default = "work"

[cloud.named.work]
auth_url = "https://cloud.example.org:5000/v3"
username = "ada"
password_file = "~/.config/pelagos/work.password"
project_name = "engines"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.clients.cloud.settings import CloudSettings, from_table
from pelagos.clients.errors import CloudNotConfigured
from pelagos.core import config, toml
from pelagos.core.errors import ConfigError


class OwnFile:
    """What the file says of clouds; empty when there is none.

    Args:
        environ: the environment, which says where it is.

    Raises:
        CloudNotConfigured: it cannot be read, or the section is wrong.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.place = str(config.config_file(environ))
        section = self._section(environ)
        self._named: Mapping[str, Any] = section.get("named", {})
        chosen = environ.get("PELAGOS_CLOUD_DEFAULT") or section.get("default") or None
        if not isinstance(self._named, Mapping) or not isinstance(chosen, str | None):
            raise CloudNotConfigured(
                f"{self.place}: cloud.default must be a text, and cloud.named a table of clouds"
            )
        self.default = chosen
        self.names = tuple(self._named)

    def _section(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        path = config.config_file(environ)
        if not environ.get("PELAGOS_CONFIG") and not path.exists():
            return {}
        try:
            section = toml.read(path).get("cloud", {})
        except ConfigError as error:
            raise CloudNotConfigured(error.message, hint=error.hint) from error
        if not isinstance(section, Mapping) or not {*section} <= {"default", "named"}:
            raise CloudNotConfigured(
                f"{path}: the section [cloud] may have `default` and tables [cloud.named.NAME]"
            )
        return section

    def get(self, name: str) -> CloudSettings:
        """The settings of one of `names`.

        Raises:
            CloudNotConfigured: they cannot be used.
        """
        table = self._named[name]
        if not isinstance(table, Mapping):
            raise CloudNotConfigured(f"{self.place}: cloud.named.{name} must be a table")
        return from_table(name, table, self.place)
