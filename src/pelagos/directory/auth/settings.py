"""The section `auth` of a directory's configuration: who is asked about tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pelagos.core import spelling
from pelagos.core.clock import Clock
from pelagos.core.errors import ConfigError
from pelagos.core.http import ClientTls, HttpClient
from pelagos.core.http.transports.base import Transport
from pelagos.directory.auth import Verify
from pelagos.directory.auth.keystone import KeystoneTokens
from pelagos.directory.auth.remembered import TRUST
from pelagos.directory.auth.rights import KEYSTONE, PLANE
from pelagos.directory.auth.wazo import WazoTokens
from pelagos.directory.settings import checks

#: Whom to ask: the master of the plane, or a service of the house.
TYPES = ("plane", "wazo", "keystone")

_KEYS: Mapping[str, tuple[str, ...]] = {
    "plane": ("rights",),
    "wazo": ("url", "host", "port", "https", "prefix", "version", "verify_certificate", "timeout"),
    "keystone": ("url", "verify_certificate", "timeout", "rights", "projects"),
}
_COMMON = ("type", "trust")
#: Seconds; a token that was taken back must not work for much longer.
_MOST_TRUST = 300.0


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Who is asked about tokens, and how long the answer is good.

    Attributes:
        type: "plane", "wazo" or "keystone".
        url: the service's address with the version, empty for a plane.
        authority: PEM file of the authority that its certificate is from; None: the system's.
        timeout: seconds for an answer.
        trust: seconds for which an answer is good.
        rights: patterns of rights by role, where tokens say who somebody is and not what they may.
        projects: Keystone's projects whose tokens are taken; None: all.
    """

    type: str = "plane"
    url: str = ""
    authority: Path | None = None
    timeout: float = 5.0
    trust: float = TRUST
    rights: Mapping[str, tuple[str, ...]] | None = None
    projects: tuple[str, ...] | None = None

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> AuthSettings:
        """Read the whole configuration's section `auth`.

        Raises:
            ConfigError: an unknown key, or a value that cannot be used; names its place.
        """
        section = checks.section(config, "auth")
        kind = section.get("type", "plane")
        if kind not in TYPES:
            hint = spelling.hint(str(kind), TYPES, quoted=True)
            raise ConfigError(f"auth.type: nobody is known as {kind!r}", hint=hint)
        checks.known(section, (*_COMMON, *_KEYS[kind]), "auth")
        projects = section.get("projects")
        return cls(
            type=kind,
            url=_url(kind, section),
            authority=_authority(section),
            timeout=checks.seconds(section.get("timeout", 5.0), "auth.timeout", most=60.0),
            trust=checks.seconds(section.get("trust", TRUST), "auth.trust", most=_MOST_TRUST),
            rights=_rights(kind, section),
            projects=None if projects is None else tuple(checks.texts(projects, "auth.projects")),
        )

    def verifier(
        self, *, clock: Clock | None = None, transport: Transport | None = None
    ) -> Verify | None:
        """What asks the service, without a memory; None for a plane, which has its own."""
        if self.type == "plane":
            return None
        tls = ClientTls(authority=self.authority)
        http = HttpClient(self.url, tls=tls, transport=transport)
        if self.type == "wazo":
            return WazoTokens(http, timeout=self.timeout, clock=clock)
        return KeystoneTokens(
            http,
            rights=self.rights or {},
            projects=self.projects,
            timeout=self.timeout,
            clock=clock,
        )


def _url(kind: str, section: Mapping[str, Any]) -> str:
    if kind == "plane":
        return ""
    if section.get("url") is not None:
        url = checks.text(section["url"], "auth.url")
        if not url.startswith(("https://", "http://")):
            raise ConfigError(f"auth.url: {url!r} is not an address", hint="https://HOST:PORT/…")
        return url
    if kind == "keystone":
        raise ConfigError("auth.url is missing", hint="such as https://keystone:5000/v3")
    is_https = checks.flag(section.get("https", True), "auth.https")
    host = checks.text(section.get("host", "localhost"), "auth.host")
    port = checks.count(section.get("port", 9497), "auth.port", most=65_535)
    prefix = str(section.get("prefix") or "").strip("/")
    version = checks.text(str(section.get("version", "0.1")), "auth.version")
    path = "/".join(part for part in (prefix, version) if part)
    return f"{'https' if is_https else 'http'}://{host}:{port}/{path}"


def _authority(section: Mapping[str, Any]) -> Path | None:
    value = section.get("verify_certificate", True)
    if value is True:
        return None
    if value is False:
        raise ConfigError(
            "auth.verify_certificate: people's tokens are sent to a server that is known alone",
            hint="name the PEM file of the authority that the server's certificate is from",
        )
    return Path(checks.text(value, "auth.verify_certificate"))


def _rights(kind: str, section: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]] | None:
    """The usual rights, with those roles replaced that the configuration names."""
    usual = {"plane": PLANE, "keystone": KEYSTONE}.get(kind)
    if usual is None:
        return None
    named = checks.section(section, "rights", "auth")
    return {
        **usual,
        **{
            role: tuple(checks.texts(value, f"auth.rights.{role}"))
            for role, value in named.items()
        },
    }
