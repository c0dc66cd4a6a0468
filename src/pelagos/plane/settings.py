"""What one plane on this machine is made of, as one typed value."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pelagos.core import config
from pelagos.core.errors import ConfigError
from pelagos.plane.bus import check as check_bus
from pelagos.plane.sections import (
    SECTIONS,
    BusConfig,
    CacheConfig,
    CapacityConfig,
    DirectoryConfig,
    MasterConfig,
    NodeCacheConfig,
    NodeConfig,
)


class Part(StrEnum):
    """A program that `up` can run."""

    MASTER = "master"
    AGENT = "agent"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class PlaneSettings:
    """The choices of one `up`.

    Attributes:
        data: folder that holds all state; made on first use with mode 0700.
        parts: which programs run in this process; all by default, so that one command is a plane.
        master_url: where the master is when it does not run in this process; None means the one
            of `data`.
        master: see there, as for all below.
        environ: where its parts look for clouds, by the variables that name their files.
    """

    data: Path
    parts: frozenset[Part] = frozenset(Part)
    master_url: str | None = None
    master: MasterConfig = field(default_factory=MasterConfig)
    node: NodeConfig = field(default_factory=NodeConfig)
    directory: DirectoryConfig = field(default_factory=DirectoryConfig)
    bus: BusConfig = field(default_factory=BusConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    node_cache: NodeCacheConfig = field(default_factory=NodeCacheConfig)
    capacity: CapacityConfig = field(default_factory=CapacityConfig)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anything is started."""
        if not self.parts:
            raise ConfigError("no part of the plane was chosen", hint=f"choose of: {_names()}")
        own = (self.master, self.node, self.directory, self.bus, self.cache, self.node_cache)
        for section in (*own, self.capacity):
            config.check(SECTIONS, section)
        check_bus(self.bus)


def default_computer_id() -> str:
    """The host's name, cut down to letters, digits, dot, dash and underscore."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip(".-")
    return name[:100] or "computer"


def _names() -> str:
    return ", ".join(Part)
