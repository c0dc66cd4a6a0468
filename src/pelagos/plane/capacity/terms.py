"""What the configuration says of machines on demand: `[capacity.named.NAME]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pelagos.core import config, plugins
from pelagos.core.errors import ConfigError, PelagosError
from pelagos.core.spelling import refuse_unknown
from pelagos.plane.capacity.base import GROUP, Capacity
from pelagos.plane.capacity.errors import CapacityNotConfigured

_POSITIVE = {"least": 0.001}
_NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
_PREFIX = re.compile(r"[a-z][a-z0-9]{0,14}")


@dataclass(frozen=True, slots=True)
class CapacityTerms:
    """One place where the plane may make machines; other keys are those of its driver.

    Attributes:
        driver: openstack, synnefo, opennebula, fake, or what another package offers. Required.
        max_machines: machines at the most, those on their way included. 3: a mistake stays small.
        makes_per_hour: machines that are begun within an hour at the most, failed ones included.
            6: an image that does not start costs no more than that.
        patience: seconds that a request waits before a machine is made for it. 10: somebody may
            make room meanwhile.
        idle: seconds that a machine may be without a service before it is removed. 900: short
            enough not to pay for it for long, long enough for the next request.
        ready_within: seconds from the beginning until its agent has joined; a machine that takes
            longer is removed. 1200: an installation from the network fits twice.
        cool_down: seconds after a failure until the next machine is tried; twice as long after
            each further one, an hour at the most. 60.
        partitions: services that fit on one machine. 10, as on other computers.
        prefix: how the names of its machines begin; small letters and digits. pelagos.
        releases: releases for which machines are made though no computer supplies them yet: what
            their URLs begin with, apart by spaces. `*` stands for all, so that whoever may request
            a service decides what runs there. Empty: only what a computer of the site supplies.
        properties: table of what its machines announce and requests can choose by, as
            `region = "north"`. Empty: nothing.
        install: commands for the shell that install Pelagos on the machine, as root. Empty: the
            image has it. By default pip fetches it into /opt/pelagos.
        command: path of the program `pelagos` on the machine.
        user_data: file in place of the plane's own user data, in which `@TOKEN@`, `@NAME@`,
            `@PARTITIONS@` and `@CONFIG@` (the configuration for the agent, in base64) are filled
            in. Empty: the plane's own, which needs cloud-init and systemd.
    """

    driver: str = ""
    max_machines: int = field(default=3, metadata={"least": 0, "most": 10_000})
    makes_per_hour: int = field(default=6, metadata={"least": 1, "most": 10_000})
    patience: float = field(default=10.0, metadata={"least": 0})
    idle: float = field(default=900.0, metadata={"least": 0})
    ready_within: float = field(default=1200.0, metadata=_POSITIVE)
    cool_down: float = field(default=60.0, metadata=_POSITIVE)
    partitions: int = field(default=10, metadata={"least": 1, "most": 10_000})
    prefix: str = "pelagos"
    releases: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    install: str = "python3 -m venv /opt/pelagos && /opt/pelagos/bin/pip install pelagos"
    command: str = "/opt/pelagos/bin/pelagos"
    user_data: Path | None = None

    def is_for(self, url: str, *, is_supplied: bool) -> bool:
        """Whether machines are made for this release.

        >>> CapacityTerms(releases="https://a/ *").is_for("file:///b", is_supplied=False)
        True
        >>> CapacityTerms().is_for("https://a/b.cfg", is_supplied=False)
        False
        """
        begins = self.releases.split()
        return is_supplied or "*" in begins or any(url.startswith(one) for one in begins)

    @property
    def announced(self) -> Mapping[str, str]:
        """The properties as texts."""
        return {name: str(value) for name, value in self.properties.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """One capacity as it is configured.

    Attributes:
        own: the keys of its driver.
    """

    name: str
    terms: CapacityTerms
    own: Mapping[str, Any]

    def open(self, environ: Mapping[str, str]) -> Capacity:
        """Its driver; asks no cloud yet.

        Raises:
            PelagosError: there is no such driver, or its keys cannot be used.
        """
        kind: Any = plugins.load(GROUP, self.terms.driver)
        keys = getattr(kind, "KEYS", None)
        where = f"[capacity.named.{self.name}]"
        if keys is not None:
            known = (*keys, *(one.name for one in fields(CapacityTerms)))
            refuse_unknown(self.own, known, CapacityNotConfigured, where=where)
        try:
            made: Capacity = kind(self.own, environ)
        except PelagosError as error:
            raise CapacityNotConfigured(f"{where}: {error.message}", hint=error.hint) from error
        return made


def places(named: Mapping[str, Any]) -> tuple[Place, ...]:
    """The capacities of the table `capacity.named`, in its order.

    Raises:
        ConfigError: a name, key or value cannot be used.
    """
    return tuple(_place(name, table) for name, table in named.items())


def _place(name: str, table: Any) -> Place:
    where = f"capacity.named.{name}"
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"[{where}]: {name!r} cannot be the name of a capacity: machines are named after it",
            hint="use small letters and digits, at most 20, a letter first",
        )
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} must be a table", hint=f"write [{where}]")
    known = {one.name: one for one in config.settings({where: CapacityTerms})}
    own = {key: value for key, value in table.items() if key not in known}
    said = {key: known[key].check(value, "") for key, value in table.items() if key in known}
    terms = CapacityTerms(**said)
    if not terms.driver:
        offered = ", ".join(plugins.names(GROUP))
        raise ConfigError(f"[{where}]: `driver` is missing", hint=f"there are: {offered}")
    if not _PREFIX.fullmatch(terms.prefix):
        raise ConfigError(
            f"{where}.prefix is {terms.prefix!r}, which cannot begin the name of a machine",
            hint="use small letters and digits, at most 15, a letter first",
        )
    return Place(name, terms, own)
