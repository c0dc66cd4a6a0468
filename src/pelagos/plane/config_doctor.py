"""Is the configuration in order? Every place that settings come from, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pelagos.core import command_groups, config, spelling, toml
from pelagos.core.errors import ConfigError, PelagosError
from pelagos.core.files import is_private
from pelagos.core.secret_names import holds_secret
from pelagos.plane.config_doctor_clouds import look_at_clouds, look_at_opennebula
from pelagos.plane.config_meaning import check_meaning
from pelagos.plane.doctor import Check, Grade
from pelagos.plane.sections import SECTIONS

#: Variables of ours that are no settings.
OTHER_VARIABLES = frozenset(
    {
        "PELAGOS_BUS",
        "PELAGOS_CLOUD",
        "PELAGOS_CONFIG",
        "PELAGOS_DATA",
        "PELAGOS_PROMISE",
        "PELAGOS_RUN",
        "PELAGOS_SERVICE_TOKEN",
        "PELAGOS_STATE",
        "PELAGOS_TOKEN",
    }
)
_PASSWORD_IN_URL = re.compile(r"://[^/\s@]*:[^/\s@]+@")


def examine(path: Path, data: Path, environ: Mapping[str, str]) -> list[Check]:
    """All checks, in the order in which a person should mend them; nothing is asked or sent.

    Args:
        path: the configuration file; it may not exist.
        data: the data folder; it may not exist.
        environ: the environment.
    """
    checks = [*_look_at_file(path, environ), *_look_at_environment(path, environ)]
    checks += _look_at_token(path, data, environ)
    checks += look_at_clouds(
        {**environ, "PELAGOS_CONFIG": str(path)} if path.exists() else environ
    )
    checks += look_at_opennebula(environ)
    told: dict[tuple[str, str], Check] = {}  # a file that cannot be read is met more than once
    for one in checks:
        message = one.message.strip()
        cloud = one.name if one.name.startswith("cloud ") else ""  # of two the same may be said
        told.setdefault((cloud, message), replace(one, message=message))
    return list(told.values())


def secrets_in(table: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """The dotted keys below a table whose values are secrets.

    >>> list(secrets_in({"bus": {"url": "amqp://ada:pw@host/"}, "cloud": {"token": ""}}))
    ['bus.url']
    """
    for name, value in table.items():
        key = f"{place}.{name}" if place else str(name)
        if isinstance(value, Mapping):
            yield from secrets_in(value, key)
        elif isinstance(value, str) and value and _is_secret(str(name), value):
            yield key


def _is_secret(name: str, value: str) -> bool:
    return holds_secret(name, value) or bool(_PASSWORD_IN_URL.search(value))


# ---- the file


def faults_of(path: Path) -> list[Check]:
    """All that is wrong in a configuration file that is there; empty when it can be used."""
    try:
        table = toml.read(path)
    except ConfigError as error:
        return [_failed("file", error)]
    faults = [_failed("file", one) for one in config.mistakes(SECTIONS, table, path, {})]
    return [*faults, *_look_at_meanings(table), *_look_at_groups(table, path.parent)]


def _look_at_file(path: Path, environ: Mapping[str, str]) -> Iterator[Check]:
    if not path.exists() and not environ.get("PELAGOS_CONFIG"):
        yield Check("file", Grade.OK, f"there is no {path}: the defaults hold")
        return
    faults = faults_of(path)
    yield from faults
    found = _secrets_of(path)
    if found and not is_private(path):
        some = ", ".join(found[:3]) + (" and more" if len(found) > 3 else "")  # noqa: PLR2004
        yield _open_to_others("file", path, some)
    elif not faults:
        yield Check("file", Grade.OK, f"{path} is well-formed")


def _secrets_of(path: Path) -> list[str]:
    try:
        return list(secrets_in(toml.read(path)))
    except ConfigError:  # told already
        return []


def _look_at_meanings(table: Mapping[str, Any]) -> Iterator[Check]:
    for setting in config.settings(SECTIONS):
        section = table.get(setting.section)
        if not isinstance(section, Mapping) or setting.name not in section:
            continue
        try:
            value = setting.check(section[setting.name], "")
        except ConfigError:
            continue  # told as a mistake
        try:
            check_meaning(setting.key, value)
        except PelagosError as error:
            yield _failed("file", error, before=setting.key)


def _look_at_groups(table: Mapping[str, Any], folder: Path) -> Iterator[Check]:
    """Groups of commands whose file is not there; what is in it, running one of them tells."""
    for name, content in command_groups.found(table, SECTIONS).items():
        spec = str(content[command_groups.SAYS])
        file = command_groups.file_of(spec, folder)
        if file is not None and not file.is_file():
            yield Check(
                "file",
                Grade.FAIL,
                f"{name}.cli names {spec}, and there is no such file",
                f"write the path of its commands: pelagos config set {name}.cli PATH",
            )


# ---- the environment


def _look_at_environment(path: Path, environ: Mapping[str, str]) -> Iterator[Check]:
    known = {one.variable: one for one in config.settings(SECTIONS) if one.variable}
    faults = [_failed("environment", one) for one in config.mistakes(SECTIONS, {}, path, environ)]
    for name in sorted(environ):
        if name.startswith("PELAGOS_") and name not in known and name not in OTHER_VARIABLES:
            near = spelling.nearest(name, [*known, *OTHER_VARIABLES])
            mend = f"did you mean {near}?" if near else "unset it; pelagos config list has them"
            faults.append(
                Check("environment", Grade.FAIL, f"{name} is no setting: nothing reads it", mend)
            )
    yield from faults
    used = [name for name in known if environ.get(name)]
    for name in used:
        yield from _stronger(known[name].key, name, path)
    if used and not faults:
        yield Check("environment", Grade.OK, f"sets {', '.join(used)}")


def _stronger(key: str, variable: str, path: Path) -> Iterator[Check]:
    try:
        table = toml.read(path) if path.exists() else {}
    except ConfigError:
        return  # told already
    section, _, name = key.partition(".")
    content = table.get(section)
    if isinstance(content, Mapping) and name in content:
        yield Check(
            "environment",
            Grade.WARN,
            f"{variable} is stronger than {key} in the file",
            f"unset {variable}, or: pelagos config delete {key}",
        )


def _look_at_token(path: Path, data: Path, environ: Mapping[str, str]) -> Iterator[Check]:
    if environ.get("PELAGOS_TOKEN"):
        yield Check("token", Grade.OK, "PELAGOS_TOKEN is set, and goes before a file")
        return
    try:
        named = config.load(SECTIONS, path if path.exists() else None, environ)
    except ConfigError:
        return  # told already
    file = named.get("plane.token_file")
    if file is None and not (data / "token").exists():
        return
    where = file or data / "token"
    try:
        with where.open("rb"):
            pass
    except OSError as error:
        yield Check(
            "token", Grade.FAIL, f"cannot read {where}: {error.strerror}", "check the path"
        )
        return
    if is_private(where):
        yield Check("token", Grade.OK, f"{where} is private")
    else:
        yield _open_to_others("token", where, "your token")


def _failed(name: str, error: PelagosError, before: str = "") -> Check:
    message = f"{before}: {error.message}" if before else error.message
    return Check(name, Grade.FAIL, message, error.hint or "")


def _open_to_others(name: str, path: Path, what: str) -> Check:
    message = f"others on this machine may read {path}, which holds {what}"
    return Check(name, Grade.FAIL, message, f"chmod 600 {path}")
