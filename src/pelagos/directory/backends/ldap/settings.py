"""What an ldap source is configured to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends import keys
from pelagos.directory.backends.ldap import filters
from pelagos.directory.errors import SourceError
from pelagos.directory.number import NumberPlan
from pelagos.directory.settings import checks
from pelagos.directory.settings.source import COMMON_KEYS
from pelagos.directory.template import Template, TemplateError

_PORTS = {"ldap": 389, "ldaps": 636, "ldapi": 0}
_FORMATS = ("string", "binary_uuid")
_KEYS = (
    *COMMON_KEYS,
    "ldap_uri", "ldap_base_dn", "ldap_username", "ldap_password", "ldap_custom_filter",
    "ldap_network_timeout", "ldap_timeout", "ldap_start_tls", "ldap_connections",
    "ldap_fold_accents", "unique_column_format", "verify_certificate", "region",
)  # fmt: skip
_MAX_URI = 256
_MAX_BASE = 1024


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is.

    Attributes:
        scheme: ldap, ldaps or ldapi.
        host: name or address; the path of the socket for ldapi.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        if self.scheme == "ldapi":
            return f"ldapi:{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """One source, read and checked.

    Attributes:
        servers: tried in this order.
        custom_filter: with its outer parentheses; None when there is none.
        network_timeout: seconds for a connection. 0.3, because the ancestor's users needed it.
        timeout: seconds for the handshake of TLS, for the bind, and for each search.
        columns: attributes that become fields; none means all that the server shows.
        is_binary: whether the unique column holds the 16 bytes of a UUID.
        trust: a file of authorities; True for those of this system; False to verify nothing.
        connections: sessions that are open at once, at most.
        fold_accents: whether terms are found however they are accented.
        plan: how the numbers are written, so that two ways to write one are the same; None: they
            are compared as they are.
    """

    servers: tuple[Server, ...] = ()
    base_dn: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    custom_filter: str | None = None
    network_timeout: float = 0.3
    timeout: float = 1.0
    start_tls: bool = False
    trust: Path | bool = True
    connections: int = 8
    fold_accents: bool = True
    is_binary: bool = False
    unique: str | None = None
    searched: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    plan: NumberPlan | None = None

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> LdapSettings:
        """Read the configuration of a source, from the `args` of `load`.

        Raises:
            SourceError, ConfigError: an unknown key, or a value that cannot be meant.
        """
        config = args["config"]
        refuse_unknown(config, _KEYS, SourceError)
        searched = _attributes(config, "searched_columns")
        custom = _custom_filter(config)
        if not searched and custom is None:
            raise SourceError(
                "nothing says what to search", hint="set searched_columns or ldap_custom_filter"
            )
        unique = config.get("unique_column") or None
        if unique is not None:
            _attributes(config, "unique_column")
        accents = config.get("ldap_fold_accents", True)
        connections = config.get("ldap_connections", 8)
        servers = _servers(config.get("ldap_uri"))
        start_tls = checks.flag(config.get("ldap_start_tls", False), "ldap_start_tls")
        if start_tls and any(server.scheme != "ldap" for server in servers):
            raise SourceError(
                "ldap_start_tls begins TLS on a plain connection",
                hint="write ldap:// in ldap_uri, or leave ldap_start_tls out",
            )
        return cls(
            servers=servers,
            base_dn=_text(config, "ldap_base_dn", _MAX_BASE),
            username=_text(config, "ldap_username"),
            password=_text(config, "ldap_password"),
            custom_filter=custom,
            network_timeout=checks.seconds(
                config.get("ldap_network_timeout", 0.3), "ldap_network_timeout"
            ),
            timeout=checks.seconds(config.get("ldap_timeout", 1.0), "ldap_timeout"),
            start_tls=start_tls,
            trust=_trust(config.get("verify_certificate", True)),
            connections=checks.count(connections, "ldap_connections", most=1000),
            fold_accents=checks.flag(accents, "ldap_fold_accents"),
            is_binary=_format(config) == "binary_uuid",
            unique=unique,
            searched=searched,
            matched=_attributes(config, "first_matched_columns"),
            columns=_columns(config, unique),
            plan=keys.number_plan(args),
        )


def _servers(value: Any) -> tuple[Server, ...]:
    if not isinstance(value, str) or not value.strip():
        raise SourceError("`ldap_uri` is needed", hint="write it as ldap://HOST:PORT")
    if len(value) > _MAX_URI:
        raise SourceError(f"ldap_uri has more than {_MAX_URI} characters")
    return tuple(_server(uri) for uri in value.split())


def _server(uri: str) -> Server:
    hint = "write it as ldap://HOST:PORT or ldaps://HOST:PORT; the rest has keys of its own"
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise SourceError(f"ldap_uri: {uri!r} is not an address: {error}", hint=hint) from error
    if parts.scheme not in _PORTS:
        raise SourceError(f"ldap_uri: {uri!r} is not an address of an LDAP server", hint=hint)
    if parts.username is not None or parts.query or parts.path.strip("/"):
        raise SourceError("ldap_uri: only scheme, host and port have a meaning here", hint=hint)
    if parts.scheme == "ldapi":
        return Server("ldapi", unquote(parts.netloc) or "/run/slapd/ldapi", 0)
    return Server(parts.scheme, parts.hostname or "localhost", port or _PORTS[parts.scheme])


def _custom_filter(config: Mapping[str, Any]) -> str | None:
    text = _text(config, "ldap_custom_filter").strip()
    if not text:
        return None
    if not text.startswith("("):
        text = f"({text})"
    problem = filters.problem_of(text)
    if problem is not None:
        raise SourceError(
            f"ldap_custom_filter: {problem}",
            hint="write it as RFC 4515 says, such as (&(objectClass=person)(cn=*%Q*))",
        )
    return text


def _columns(config: Mapping[str, Any], unique: str | None) -> tuple[str, ...]:
    """The attributes that the templates name, and the unique one."""
    templates = config.get("format_columns") or {}
    if not templates:
        return ()
    names: list[str] = []
    for text in templates.values():
        try:
            names += Template.parse(text).columns
        except TemplateError:
            continue  # said, and shown as no value, where results are made
    if unique is not None:
        names.append(unique)
    return tuple(dict.fromkeys(name for name in names if filters.is_attribute(name)))


def _attributes(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = config.get(key) or ()
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence):
        raise SourceError(f"{key}: a list of attributes is needed")
    for name in names:
        if not isinstance(name, str) or not filters.is_attribute(name):
            raise SourceError(f"{key}: {name!r} cannot be the name of an attribute")
    return tuple(dict.fromkeys(names))


def _format(config: Mapping[str, Any]) -> str:
    value = config.get("unique_column_format") or _FORMATS[0]
    refuse_unknown([value], _FORMATS, SourceError, kind="value", where="unique_column_format")
    return str(value)


def _trust(value: Any) -> Path | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value and "\0" not in value:
        return Path(value).expanduser()
    raise SourceError("verify_certificate: true, false or the path of a file is needed")


def _text(config: Mapping[str, Any], key: str, limit: int = 65_536) -> str:
    value = config.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise SourceError(f"{key}: a text is needed")
    if len(value) > limit:
        raise SourceError(f"{key} has more than {limit} characters")
    return value
