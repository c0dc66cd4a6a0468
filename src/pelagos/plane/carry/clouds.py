"""The clouds of kamaki's file and of clouds.yaml, as our file has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from configparser import RawConfigParser
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Protocol

from pelagos.clients.cloud import CloudSettings
from pelagos.clients.cloud.clouds_yaml import CloudsYaml
from pelagos.clients.cloud.kamakirc import Kamakirc
from pelagos.clients.errors import CloudNotConfigured
from pelagos.clients.login.settings import SECRET_FILES
from pelagos.core.errors import ConfigError
from pelagos.directory.migration import Remark
from pelagos.plane.carry.base import Carried, Cloud

_UNFIT = re.compile(r"[^\w.-]")
#: Options of kamaki's file that were about its own program.
_OF_THE_PROGRAM = frozenset(
    {
        "colors",
        "history_file",
        "history_limit",
        "log_data",
        "log_file",
        "log_pid",
        "log_token",
    }
)
_CARRIED = frozenset({"default_cloud", "url", "token", "ignore_ssl", "ca_certs"})
#: Modules of kamaki's own commands.
_ITS_MODULES = frozenset(
    {
        "astakos",
        "astakos_cli",
        "blockstorage",
        "config",
        "config_cli",
        "contrib.scripts",
        "cyclades",
        "cyclades_cli",
        "history",
        "history_cli",
        "image",
        "image_cli",
        "network",
        "network_cli",
        "pithos",
        "pithos_cli",
    }
)


class _File(Protocol):
    names: tuple[str, ...]

    def get(self, name: str) -> CloudSettings: ...


def from_kamaki(file: Path) -> Carried:
    """What kamaki's file says.

    Raises:
        ConfigError: it cannot be read.
    """
    known = _opened(Kamakirc, {"KAMAKI_CONFIG": str(file)}, file)
    remarks: list[Remark] = []
    clouds = tuple(_clouds(known, remarks))
    names = {one.name for one in clouds}
    default = _fits(known.names).get(known.default) if known.default else None
    remarks += _further(file)
    return Carried(
        clouds=clouds,
        default_cloud=default if default in names else None,
        remarks=tuple(remarks),
    )


def from_clouds_yaml(file: Path) -> Carried:
    """What a clouds.yaml says, with the secure.yaml beside it.

    Raises:
        ConfigError: it cannot be read.
    """
    secure = file.with_name(f"secure{file.suffix}")
    environ = {"OS_CLIENT_CONFIG_FILE": str(file)}
    if secure.is_file():
        environ["OS_CLIENT_SECURE_FILE"] = str(secure)
    public = file.with_name(f"clouds-public{file.suffix}")
    if public.is_file():
        environ["OS_CLIENT_VENDOR_FILE"] = str(public)
    known = _opened(CloudsYaml, environ, file)
    remarks: list[Remark] = []
    clouds = tuple(_clouds(known, remarks))
    return Carried(clouds=clouds, remarks=tuple(remarks))


def _opened(kind: Any, environ: Mapping[str, str], file: Path) -> Any:
    if not file.is_file():
        raise ConfigError(f"there is no file {file}", hint="give the path of the file")
    try:
        return kind(environ)
    except CloudNotConfigured as error:
        raise ConfigError(error.message, hint=error.hint) from error


def _clouds(known: _File, remarks: list[Remark]) -> Iterator[Cloud]:
    fits = _fits(known.names)
    for name in known.names:
        fit = fits[name]
        if fit != name:
            remarks.append(Remark(f"cloud {name}", f"is called {fit} here"))
        try:
            settings = known.get(name)
        except CloudNotConfigured as error:
            remarks.append(
                Remark(f"cloud {name}", f"left out: {error.message}", error.hint or "mend it")
            )
            continue
        yield _cloud(fit, settings, remarks)


def _cloud(name: str, settings: CloudSettings, remarks: list[Remark]) -> Cloud:
    table: dict[str, Any] = {}
    for one in fields(CloudSettings):
        value = getattr(settings, one.name)
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        if one.name in {"origin", "passcode", *SECRET_FILES} or value in (None, default):
            continue
        table[one.name] = str(value) if isinstance(value, Path) else value
    secrets = {key: getattr(settings, key) for key in SECRET_FILES if getattr(settings, key)}
    used = "token" if settings.token else next(iter(secrets), "")
    remarks += [
        Remark(f"cloud {name}, {key}", f"left out: {used} logs in already")
        for key in secrets
        if key != used
    ]
    if settings.passcode:
        remarks.append(Remark(f"cloud {name}, passcode", "left out: it is good for one login"))
    if not used:
        remarks.append(
            Remark(f"cloud {name}", "it has no secret", f"pelagos cloud add {name} … --replace")
        )
    return Cloud(name, table, {used: secrets[used]} if used else {})


def _fits(names: Iterable[str]) -> dict[str, str]:
    """How clouds are called here, each otherwise; a name that fits stays as it is.

    >>> _fits(["~a", "-a", "b"])
    {'-a': '-a', 'b': 'b', '~a': '-a-2'}
    """
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda one: bool(_UNFIT.search(one))):
        fit = _UNFIT.sub("-", name)
        endings = ("", *(f"-{number}" for number in range(2, len(found) + 3)))
        found[name] = next(fit + end for end in endings if fit + end not in found.values())
    return found


def _further(file: Path) -> Iterator[Remark]:
    """What kamaki's file says besides clouds."""
    parser = RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(file.read_text("utf-8"), str(file))  # as it was read before
    for section in parser.sections():
        said = dict(parser[section])
        if section.startswith("cloud"):
            if len((said.get("token") or "").split()) > 1:
                yield Remark(f"[{section}] token", "the first of several was carried over")
            continue
        for option, value in said.items():
            yield from _of_option(section, option, value or "")


def _of_option(section: str, option: str, value: str) -> Iterator[Remark]:
    place = f"[{section}] {option}"
    is_module = option == "cli" or option.endswith("_cli")
    if is_module and value and value not in _ITS_MODULES:
        group = section if option == "cli" else option.removesuffix("_cli")
        yield Remark(place, "commands of your own", f"pelagos config set {group}.cli={value}")
    elif is_module or (section == "global" and option in _CARRIED):
        return
    elif section == "global" and option in _OF_THE_PROGRAM:
        yield Remark(place, "not needed: it was about kamaki itself")
    else:
        yield Remark(place, "has no meaning here")
