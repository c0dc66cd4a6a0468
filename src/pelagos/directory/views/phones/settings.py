"""The section `phones`: where the door for desk phones listens, and whom it lets in."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pelagos.core.errors import ConfigError
from pelagos.directory.settings import checks

_KEYS = (
    "authorized_subnets",
    "default_profile",
    "public_url",
    "token_file",
    "http",
    "https",
)

Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network

_LAST_PORT = 65535
_ANY = "0.0.0.0"  # noqa: S104  # the phones are elsewhere; the subnets say which


@dataclass(frozen=True, slots=True)
class Listening:
    """One address of the door.

    Attributes:
        port: 0 chooses a free one.
        certificate: PEM file, with `key` for HTTPS.
        key: PEM file without a password.
    """

    host: str = _ANY
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class PhonesSettings:
    """How the door for phones is served.

    Attributes:
        subnets: where phones may ask from.
        profile: of phones that name none.
        public_url: what the addresses in documents begin with; empty: what the phone asked at.
        token_file: file with the token that sources get from the door; None: they get none.
        http: where plain HTTP is spoken; None: nowhere.
        https: where HTTPS is spoken; None: nowhere.
    """

    subnets: tuple[Subnet, ...] = (ipaddress.ip_network("127.0.0.0/24"),)
    profile: str = "default"
    public_url: str = ""
    token_file: Path | None = None
    http: Listening | None = Listening(port=9498)
    https: Listening | None = None

    @classmethod
    def from_mapping(cls, section: Mapping[str, Any]) -> PhonesSettings:
        """Read the section; every key has a default, and an empty one lets in this machine only.

        Raises:
            ConfigError: an unknown key, or a value that cannot be used; names its place.
        """
        checks.known(section, _KEYS, "phones")
        token = section.get("token_file")
        return cls(
            subnets=_subnets(section.get("authorized_subnets", ["127.0.0.1/24"])),
            profile=checks.text(section.get("default_profile", "default"), _at("default_profile")),
            public_url=_url(section.get("public_url") or "", _at("public_url")),
            token_file=None if token is None else Path(checks.text(token, _at("token_file"))),
            http=_listening(checks.section(section, "http", "phones"), "http", 9498),
            https=_listening(checks.section(section, "https", "phones"), "https", 9499),
        )


def _at(key: str) -> str:
    return f"phones.{key}"


def _url(value: Any, where: str) -> str:
    if value and not (isinstance(value, str) and value.startswith(("http://", "https://"))):
        raise ConfigError(f"{where}: {value!r} is no address", hint="as http://10.1.0.1:9498")
    return str(value)


def _subnets(value: Any) -> tuple[Subnet, ...]:
    where = _at("authorized_subnets")
    subnets: list[Subnet] = []
    for text in checks.texts(value, where):
        try:
            subnets.append(ipaddress.ip_network(text, strict=False))
        except ValueError as error:
            raise ConfigError(
                f"{where}: {text!r} is not a network", hint='write it as "10.1.0.0/16"'
            ) from error
    return tuple(subnets)


def _listening(section: Mapping[str, Any], name: str, port: int) -> Listening | None:
    """None when it is switched off, or HTTPS without a certificate."""
    where, files = _at(name), ("certificate", "private_key") if name == "https" else ()
    checks.known(section, ("enabled", "listen", "port", *files), where)
    is_on = checks.flag(section.get("enabled", True), f"{where}.enabled")
    paths = [
        Path(checks.text(section[key], f"{where}.{key}"))
        for key in files
        if section.get(key) is not None
    ]
    if len(paths) == 1:
        raise ConfigError(f"{where}: certificate and private_key belong together")
    if not is_on or len(paths) != len(files):
        return None
    host = checks.text(section.get("listen", _ANY), f"{where}.listen")
    chosen = _port(section.get("port", port), f"{where}.port")
    return Listening(host, chosen, *paths)


def _port(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LAST_PORT:
        raise ConfigError(f"{where}: {value!r} is not a port")
    return value
