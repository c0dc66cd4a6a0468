"""The section `services`: which sources a service asks for a profile, and for how long."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.core import spelling
from pelagos.directory.settings import checks

log = logging.getLogger(__name__)

#: Seconds that a query may take when its profile does not say. Below the 3 s that people and
#: phones wait, and above what a healthy source needs.
DEFAULT_TIMEOUT = 2.0
#: The same for who calls: a telephone exchange waits no longer than the first ring.
REVERSE_TIMEOUT = 1.0

_MOST_SECONDS = 3600.0

#: The services that are configured by profile, and the seconds that their queries may take.
PROFILE_SERVICES: Mapping[str, float] = {
    "lookup": DEFAULT_TIMEOUT,
    "reverse": REVERSE_TIMEOUT,
    "favorites": DEFAULT_TIMEOUT,
}
_KEYS = ("sources", "timeout")
_OF_REVERSE = (*_KEYS, "ordered")


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """What a service does for one profile.

    Attributes:
        sources: names of the sources to ask, in the order of the answer.
        timeout: seconds for the whole query.
        ordered: reverse only: whether of two sources that match the first of `sources` wins,
            which means to wait for it. False: the quickest wins.
    """

    sources: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT
    ordered: bool = False


def service_profiles(config: Mapping[str, Any], service: str) -> dict[str, ServiceProfile]:
    """The profiles of one service, from the whole configuration.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    section = checks.section(checks.section(config, "services"), service, "services")
    return {
        profile: _profile(checks.mapping(value, where), where, service)
        for profile, value in section.items()
        for where in (f"services.{service}.{profile}",)
    }


def check_services(
    config: Mapping[str, Any], enabled: Collection[str], sources: Collection[str]
) -> None:
    """Check the section; a profile that names a source which does not exist is a warning.

    Args:
        enabled: names of the enabled services, which may have sections of their own.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    checks.known(
        checks.section(config, "services"), {*enabled, *PROFILE_SERVICES}, where="services"
    )
    for service in PROFILE_SERVICES:
        for profile, settings in service_profiles(config, service).items():
            for name in settings.sources:
                if name not in sources:
                    hint = spelling.hint(name, sorted(sources), quoted=True)
                    log.warning("%s.%s: there is no source %s; %s", service, profile, name, hint)


def _profile(config: Mapping[str, Any], where: str, service: str) -> ServiceProfile:
    checks.known(config, _OF_REVERSE if service == "reverse" else _KEYS, where)
    sources = config.get("sources")
    if isinstance(sources, Mapping):
        sources = [name for name, on in sources.items() if checks.flag(on, f"{where}.{name}")]
    names = checks.texts(() if sources is None else sources, f"{where}.sources")
    timeout = config.get("timeout")
    if timeout is None:
        timeout = PROFILE_SERVICES.get(service, DEFAULT_TIMEOUT)
    return ServiceProfile(
        tuple(dict.fromkeys(names)),
        checks.seconds(timeout, f"{where}.timeout", most=_MOST_SECONDS),
        checks.flag(config.get("ordered", False), f"{where}.ordered"),
    )
