"""What a source on a telephone system is configured to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pelagos.core.http import ClientTls
from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends import keys
from pelagos.directory.errors import SourceError
from pelagos.directory.number import NumberPlan
from pelagos.directory.settings import checks
from pelagos.directory.settings.source import COMMON_KEYS

_SERVER_KEYS = (
    "https", "host", "port", "version", "username", "password", "timeout", "verify_certificate",
    "prefix", "key_file",
)  # fmt: skip
_MAX_PORT = 65_535
#: Seconds for one answer. Below the 5 s after which people and phones give up.
_TIMEOUT = 4.0


@dataclass(frozen=True, slots=True)
class PbxServer:
    """Where one of the servers of a telephone system is, and as whom it is asked.

    Attributes:
        url: up to the version.
        timeout: seconds for one answer.
        key_file: a file with `service_id` and `service_key`; read when they are needed.
    """

    url: str
    timeout: float = _TIMEOUT
    tls: ClientTls = field(default_factory=ClientTls)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class PbxSettings:
    """One source.

    Attributes:
        confd: the server that knows users and conferences.
        auth: the server that gives the token for it; None: confd takes a user name.
        extra: added to the query, such as the context.
    """

    confd: PbxServer
    auth: PbxServer | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    plan: NumberPlan | None = None

    @classmethod
    def of(cls, args: Mapping[str, Any], columns: tuple[str, ...]) -> PbxSettings:
        """Read the configuration of a source, from the `args` of `load`.

        Args:
            columns: that the back-end has.

        Raises:
            SourceError, ConfigError: an unknown key or column, or a value that cannot be meant.
        """
        config = args["config"]
        known = (*COMMON_KEYS, "region", "confd", "auth", "confd_config", "extra_search_params")
        refuse_unknown(config, known, SourceError)
        searched = tuple(config.get("searched_columns") or ())
        matched = tuple(config.get("first_matched_columns") or ())
        refuse_unknown((*searched, *matched), columns, SourceError, kind="column")
        if config.get("unique_column") not in {None, "id"}:
            raise SourceError("unique_column is always id here", hint="leave it out")
        if "confd" in config and "confd_config" in config:
            raise SourceError("confd and confd_config are two names of one thing", hint="keep one")
        old = checks.section(config, "confd_config")
        new = checks.section(config, "confd")
        has_old = "confd" not in config and "auth" not in config
        confd = (
            _server("confd_config", old, 9486, "", "1.1")
            if has_old
            else _server("confd", new or old, 443, "/api/confd", "1.1")
        )
        auth = None
        if "auth" in config:
            section = checks.section(config, "auth")
            auth = _server("auth", section, 443, "/api/auth", "0.1")
            if (auth.key_file is None) == (auth.username is None):
                raise SourceError(
                    "auth: either key_file or username and password are needed, and not both"
                )
        return cls(
            confd=confd,
            auth=auth,
            extra=_extra(config),
            searched=searched,
            matched=matched,
            templates=checks.section(config, "format_columns"),
            plan=keys.number_plan(args),
        )


def _server(
    where: str, config: Mapping[str, Any], port: int, prefix: str, version: str
) -> PbxServer:
    refuse_unknown(config, _SERVER_KEYS, SourceError, where=where)
    host = checks.text(config.get("host", "localhost"), f"{where}.host")
    if not host.isprintable() or any(c in "/@?#\\ " for c in host):
        raise SourceError(f"{where}.host: {host!r} is not the name of a computer")
    number = checks.count(config.get("port") or port, f"{where}.port", most=_MAX_PORT)
    scheme = "https" if checks.flag(config.get("https", True), f"{where}.https") else "http"
    path = config.get("prefix", prefix)
    path = "" if path is None else str(path).strip("/")
    version = str(config.get("version") or version)
    place = f"[{host}]" if ":" in host else host
    url = "/".join([f"{scheme}://{place}:{number}", *([path] if path else []), version])
    key_file = config.get("key_file")
    return PbxServer(
        url=url,
        timeout=keys.seconds(config, "timeout", _TIMEOUT),
        tls=_tls(config.get("verify_certificate", True), where),
        username=_secret(config, "username", where),
        password=_secret(config, "password", where),
        key_file=Path(checks.text(key_file, f"{where}.key_file")).expanduser()
        if key_file is not None
        else None,
    )


def _secret(config: Mapping[str, Any], key: str, where: str) -> str | None:
    value = config.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise SourceError(f"{where}.{key}: a text is needed", hint="put it in quotes")
    return value


def _tls(value: Any, where: str) -> ClientTls:
    if isinstance(value, bool):
        return ClientTls(is_verified=value)
    if isinstance(value, str) and value:
        return ClientTls(authority=Path(value).expanduser())
    raise SourceError(f"{where}.verify_certificate: true, false or the path of a file is needed")


def _extra(config: Mapping[str, Any]) -> dict[str, str]:
    extra = checks.section(config, "extra_search_params")
    for key, value in extra.items():
        if not isinstance(value, str | int):
            raise SourceError(f"extra_search_params.{key}: a text is needed")
    return {key: str(value) for key, value in extra.items()}
