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
from pathlib import Path
from typing import Any

from pelagos.clients.errors import CloudNotConfigured
from pelagos.clients.login.settings import SECRET_FILES, CloudSettings, from_table
from pelagos.core import toml
from pelagos.core.errors import ConfigError
from pelagos.core.files import write_atomic
from pelagos.core.places import config_file


class OwnFile:
    """What the file says of clouds; empty when there is none.

    Args:
        environ: the environment, which says where it is.

    Raises:
        CloudNotConfigured: it cannot be read, or the section is wrong.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.place = str(config_file(environ))
        section = self._section(environ)
        self._named: Mapping[str, Any] = section.get("named", {})
        chosen = environ.get("PELAGOS_CLOUD_DEFAULT") or section.get("default") or None
        if not isinstance(self._named, Mapping) or not isinstance(chosen, str | None):
            raise CloudNotConfigured(
                f"{self.place}: cloud.default must be a text, and cloud.named a table of clouds"
            )
        self.default = chosen
        self.names = tuple(self._named)

    def secret_files(self) -> list[str]:
        """The files that hold secrets of these clouds, as they are written."""
        tables = [table for table in self._named.values() if isinstance(table, Mapping)]
        names = SECRET_FILES.values()
        return [str(table[name]) for table in tables for name in names if table.get(name)]

    def _section(self, environ: Mapping[str, str]) -> Mapping[str, Any]:
        path = config_file(environ)
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


def add_cloud(
    path: Path,
    name: str,
    table: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    is_default: bool = False,
) -> None:
    """Write a cloud into the file, in the place of the one of that name.

    Args:
        path: the file; made, with its folder, when it is not there.
        name: of the cloud; letters, digits, dot, dash and underscore.
        table: its settings.
        secrets: those that are kept in files of their own, which only the user can read.
        is_default: whether it is the one that is meant when none is named.

    Raises:
        ConfigError: it cannot be written.
        OSError: neither can a secret.
    """
    file = _secret_file(path, name)
    with toml.changing(path) as document:
        section = document.setdefault("cloud", {})
        kept = {**table, **{f"{key}_file": str(file) for key in secrets}}
        section.setdefault("named", {})[name] = toml.as_item(kept)
        if is_default:
            section["default"] = name
    for secret in secrets.values():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(file, f"{secret}\n", mode=0o600)


def choose_cloud(path: Path, name: str) -> None:
    """Write which cloud is meant when none is named; it may be configured elsewhere.

    Raises:
        ConfigError: the file cannot be written.
    """
    with toml.changing(path) as document:
        document.setdefault("cloud", {})["default"] = name


def remove_cloud(path: Path, name: str) -> bool:
    """Take a cloud out of the file, and the secret that `add_cloud` kept; False: not in it.

    Raises:
        ConfigError: the file cannot be written.
    """
    if not path.exists():
        return False
    with toml.changing(path) as document:
        section = document.get("cloud", {})
        if name not in section.get("named", {}):
            return False
        del section["named"][name]
        if section.get("default") == name:
            del section["default"]
    _secret_file(path, name).unlink(missing_ok=True)
    return True


def _secret_file(path: Path, name: str) -> Path:
    return path.parent / "clouds" / f"{name}.secret"
