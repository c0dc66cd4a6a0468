"""Clouds in the ancestor's file: ~/.kamakirc, or KAMAKI_CONFIG.

[global]
default_cloud = okeanos

[cloud "okeanos"]
url = https://accounts.okeanos.grnet.gr/identity/v2.0
token = …
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pelagos.clients.errors import CloudNotConfigured
from pelagos.clients.login.settings import CloudSettings, from_table

_CLOUD = re.compile(r"""cloud\s+["']?([~@#$:.\-\w]+)["']?\Z""")
_TRUE = frozenset({"on", "true", "yes", "1"})

#: Types of service by the names that the file has for their addresses.
_URLS: Mapping[str, str] = {
    "pithos_url": "object-store",
    "file_url": "object-store",
    "cyclades_url": "compute",
    "compute_url": "compute",
    "network_url": "network",
    "volume_url": "volume",
    "blockstorage_url": "volume",
    "image_url": "image",
    "plankton_url": "image",
}


class Kamakirc:
    """What the file says; empty when there is none.

    Args:
        environ: the environment.

    Raises:
        CloudNotConfigured: it cannot be read.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        named = environ.get("KAMAKI_CONFIG")
        home = environ.get("HOME")
        path = Path(named).expanduser() if named else Path(home, ".kamakirc") if home else None
        self.place = str(path or "~/.kamakirc")
        sections: dict[str, dict[str, Any]] = {}
        if path is not None and (named or path.is_file()):
            sections = _read(path)
        self._global = sections.get("global", {})
        self._clouds = dict(self._of(sections))
        self.names = tuple(self._clouds)
        self.default = self._global.get("default_cloud") or None

    def _of(self, sections: Mapping[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        found = [
            (match[1], table)
            for section, table in sections.items()
            if (match := _CLOUD.match(section))
        ]
        if self._global.get("url") and not any(name == "default" for name, _ in found):
            old = {key: self._global.get(key) for key in ("url", "token")}
            found.append(("default", old))
        return found

    def get(self, name: str) -> CloudSettings:
        """The settings of one of `names`.

        Raises:
            CloudNotConfigured: they cannot be used.
        """
        said = self._clouds[name]
        ignores = (self._global.get("ignore_ssl") or "").lower() in _TRUE
        table = {
            "auth_url": said.get("url"),
            "token": next(iter((said.get("token") or "").split()), None),
            "dialect": "synnefo",
            "container": said.get("pithos_container"),
            "account": said.get("pithos_uuid"),
            "endpoints": {kind: said[key] for key, kind in _URLS.items() if said.get(key)},
            "verify": not ignores,
            "cacert": self._global.get("ca_certs"),
        }
        return from_table(name, table, self.place)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    from configparser import Error, RawConfigParser  # noqa: PLC0415  # few have such a file

    parser = RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise CloudNotConfigured(
            f"cannot read {path}: {error.strerror}",
            hint="check KAMAKI_CONFIG, and who may read the file",
        ) from error
    except (Error, ValueError):  # its text quotes the line, which may hold a token
        raise CloudNotConfigured(
            f"{path} is not a file of sections, as kamaki keeps it",
            hint="mend it with an editor",
        ) from None
    return {name: dict(parser[name]) for name in parser.sections()}
