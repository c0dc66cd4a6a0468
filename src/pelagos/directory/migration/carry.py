"""The ancestor's configuration as ours: what means the same is carried, the rest is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.core import spelling
from pelagos.core.errors import ConfigError
from pelagos.directory.auth.settings import AuthSettings
from pelagos.directory.migration.plugins import carry_enabled, enabled_names
from pelagos.directory.migration.profiles import (
    carry_services,
    carry_views,
    table_of,
    without_none,
)
from pelagos.directory.migration.remark import Note, Remark
from pelagos.directory.migration.sources import carry_source
from pelagos.directory.migration.tree import Tree
from pelagos.directory.settings.cors import Cors

_OF_THE_DAEMON = (
    "config_file", "debug", "foreground", "log_level", "log_filename", "pid_filename", "user",
)  # fmt: skip
_READ_ALREADY = ("extra_config_files", "source_config_dir")
_AUTH_KEYS = ("host", "port", "https", "prefix", "version", "verify_certificate", "timeout")
_LISTENING: Mapping[str, Any] = {  # the ancestor's defaults
    "listen": "0.0.0.0",  # noqa: S104  # said, not done
    "port": 9489,
    "certificate": "/usr/share/xivo-certs/server.crt",
    "private_key": "/usr/share/xivo-certs/server.key",
}
_OURS = {"listen": "host", "port": "port", "certificate": "certificate", "private_key": "key"}
_CORS_KEYS = (
    "enabled", "origins", "methods", "allow_headers", "expose_headers", "max_age",
    "supports_credentials",
)  # fmt: skip
_PATTERN = re.compile(r"[*\\^$|(\[?+]")  # what is in no origin

_ELSEWHERE = {
    "consul": ("not carried over: nothing here asks Consul", ""),
    "service_discovery": (
        "not carried over: the directory does not register itself in Consul",
        "let Consul watch GET /0.1/status, or name the directory's address where it is needed",
    ),
    "db_uri": (
        "not carried over: what people store is kept in tables of our own; the old ones stay",
        "set directory.settings.db_uri for PostgreSQL; export contacts there, import them here",
    ),
    "bus": (
        "not carried over: the bus is one for all of Pelagos",
        "pelagos config set bus.url amqp://USER:PASSWORD@HOST:PORT/VHOST",
    ),
    "uuid": ("not carried over: nothing here needs it", ""),
    "confd": ("not carried over: each source of users or conference rooms names its own", ""),
    "key_file": ("not needed: the directory has no account at wazo-auth", ""),
    **dict.fromkeys(
        ("lookup_service", "reverse_service", "favorites_service"),
        (
            "not needed: each source has slots of its own, and threads are made as they are used",
            "set directory.settings.sources.NAME.slots for more than 16 questions at once",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of it.

    Attributes:
        settings: the table `directory.settings` of our configuration; it can be used as it is.
        remarks: what was not carried over, or not as it was, in the order of the configuration.
    """

    settings: Mapping[str, Any]
    remarks: tuple[Remark, ...]


def carry_over(tree: Tree) -> Carried:
    """The whole configuration of an ancestor. Never raises because of what it holds."""
    remarks = list(tree.remarks)

    def note(place: str, what: str, hint: str = "") -> None:
        remarks.append(Remark(place, what, hint))

    config = tree.config
    _note_the_rest(config, note)
    sources = _sources(config, note)
    enabled = carry_enabled(table_of(config, "enabled_plugins", "", note), note)
    settings = {
        "auth": _auth(table_of(config, "auth", "", note), note),
        "rest_api": _rest_api(table_of(config, "rest_api", "", note), note),
        "enabled_plugins": enabled,
        "sources": sources,
        "services": carry_services(
            table_of(config, "services", "", note), sources, enabled.get("services", {}), note
        ),
        "views": carry_views(table_of(config, "views", "", note), enabled.get("views", {}), note),
    }
    kept = {name: without_none(value) for name, value in settings.items() if value}
    return Carried(kept, tuple(remarks))


def _note_the_rest(config: Mapping[str, Any], note: Note) -> None:
    daemons = [key for key in _OF_THE_DAEMON if key in config]
    if daemons:
        note(
            ", ".join(daemons),
            "not needed: the directory runs in the foreground as the user who starts it and logs "
            "to stderr",
            "write it to a file or let systemd keep it",
        )
    for key, (what, hint) in _ELSEWHERE.items():
        if key in config:
            note(key, what, hint)
    known = {
        *_OF_THE_DAEMON, *_READ_ALREADY, *_ELSEWHERE, "auth", "rest_api", "enabled_plugins",
        "sources", "services", "views",
    }  # fmt: skip
    for key in config:
        if key not in known:
            meant = spelling.nearest(str(key), known)
            hint = f"did you mean {meant!r}?" if meant else ""
            note(str(key), "left out: the ancestor does not know this key", hint)


def _auth(config: Mapping[str, Any], note: Note) -> dict[str, Any]:
    kept = {key: config[key] for key in _AUTH_KEYS if config.get(key) is not None}
    if kept.get("verify_certificate") is False:
        del kept["verify_certificate"]
        note(
            "auth.verify_certificate",
            "not carried over: tokens are sent only to a server whose certificate is verified",
            "set it to the PEM file of the authority that the certificate is from",
        )
    if "verify_certificate" in kept and not isinstance(kept["verify_certificate"], str | bool):
        del kept["verify_certificate"]
    if "version" in kept:
        kept["version"] = str(kept["version"])
    for key in config:
        if key not in _AUTH_KEYS:
            note(f"auth.{key}", "not needed: the directory asks about a token with that token")
    where = f"{kept.get('host', 'localhost')}:{kept.get('port', 9497)}"
    note(
        "auth",
        f"tokens are verified by wazo-auth at {where}, as before",
        "take directory.settings.auth out to use tokens of the plane instead",
    )
    read = AuthSettings.from_mapping
    return {
        "type": "wazo",
        **_usable(kept, lambda table: read({"auth": {"type": "wazo", **table}}), "auth", note),
    }


def _rest_api(config: Mapping[str, Any], note: Note) -> dict[str, Any]:
    _note_address(config, note)
    cors = table_of(config, "cors", "rest_api", note)
    for key in cors:
        if key not in _CORS_KEYS:
            note(f"rest_api.cors.{key}", "left out: there is no such option here")
    kept = {key: cors[key] for key in _CORS_KEYS if cors.get(key) is not None}
    if "origins" in kept:
        kept["origins"] = _origins(kept["origins"], note)
    read = Cors.from_mapping
    usable = _usable(
        kept, lambda table: read({"rest_api": {"cors": table}}), "rest_api.cors", note
    )
    return {"cors": usable} if usable else {}


def _origins(said: Any, note: Note) -> str | list[str]:
    """Those that are texts. None where there are none: what was narrowed is not let go."""
    place, example = "rest_api.cors.origins", "name each origin, such as https://phone.example.org"
    if not isinstance(said, str | list | tuple):
        note(place, f"{said!r} is not a list of origins: no page of others is let in", example)
        return []
    listed = [said] if isinstance(said, str) else said
    kept = [one for one in listed if isinstance(one, str) and one.strip()]
    odd = ", ".join(repr(one) for one in listed if one not in kept)
    if odd:
        note(place, f"left out: {odd}", example)
    for origin in kept:
        if origin != "*" and _PATTERN.search(origin):
            note(place, f"{origin} looks like a pattern, which lets nobody in here", example)
    return said if isinstance(said, str) and kept else kept


def _usable(
    table: Mapping[str, Any], read: Callable[[dict[str, Any]], object], place: str, note: Note
) -> dict[str, Any]:
    """What of a table our directory takes, key by key."""
    usable: dict[str, Any] = {}
    for key, value in table.items():
        try:
            read({**usable, key: value})
        except ConfigError as error:
            note(f"{place}.{key}", f"left out: {error.message}", error.hint or "")
        else:
            usable[key] = value
    return usable


def _note_address(config: Mapping[str, Any], note: Note) -> None:
    """Say where the ancestor listened: that is not a matter of the directory's settings here."""
    https = table_of(config, "https", "rest_api", note)
    said = {**_LISTENING, **{key: value for key, value in config.items() if key in _LISTENING}}
    said |= {key: value for key, value in https.items() if key in _LISTENING}
    changes = " && ".join(
        f"pelagos config set directory.{ours} {said[theirs]}"
        for theirs, ours in _OURS.items()
        if said[theirs] is not None
    )
    note("rest_api.https", "not carried over: clients found the ancestor there", changes)
    unused = [f"rest_api.https.{key}" for key in https if key not in _LISTENING]
    unused += [f"rest_api.{k}" for k in config if k not in (*_LISTENING, "https", "cors")]
    for place in unused:
        note(place, "left out: there is no such option here")


def _sources(config: Mapping[str, Any], note: Note) -> dict[str, Any]:
    enabled = enabled_names(table_of(config, "enabled_plugins", "", note), "backends", note)
    carried: dict[str, Any] = {}
    for name, source in config["sources"].items():
        kept = carry_source(name, source, enabled, note)
        if kept is not None:
            carried[name] = kept
    return carried
