"""What one plane on this machine is made of, as one typed value."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pelagos.core.errors import ConfigError


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
        master_host: address that the master listens on; loopback, as the token travels in clear.
        master_port: 0 takes the port of the last run, or a free one: services keep the master's
            address in their configuration, so it should stay.
        directory_port: like `master_port`.
        master_url: where the master is when it does not run in this process; None means the one
            of `data`.
        computer_id: name of this computer in the plane; None keeps the former one or takes the
            host name.
        partitions: slots for instances on this computer.
        poll_interval: seconds between two looks of the agent at the master when nothing wakes it.
        bus_url: `memory:` for one process, `amqp://…` for several; the agent polls without one.
        directory_config: sources, services and views of the directory; None means the plane's
            own services.
    """

    data: Path
    parts: frozenset[Part] = frozenset(Part)
    master_host: str = "127.0.0.1"
    master_port: int = 0
    directory_port: int = 0
    master_url: str | None = None
    computer_id: str | None = None
    partitions: int = 10
    poll_interval: float = 5.0
    bus_url: str = "memory:plane"
    directory_config: dict[str, object] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anything is started."""
        if not self.parts:
            raise ConfigError("no part of the plane was chosen", hint=f"choose of: {_names()}")
        if not 1 <= self.partitions <= 10_000:  # noqa: PLR2004  # said in the message
            raise ConfigError(f"{self.partitions} partitions: give a number from 1 to 10000")
        for port in (self.master_port, self.directory_port):
            if not 0 <= port <= 65535:  # noqa: PLR2004  # said in the message
                raise ConfigError(
                    f"{port} is not a port", hint="give 1 to 65535, or 0 for a free one"
                )


def default_computer_id() -> str:
    """The host's name, cut down to letters, digits, dot, dash and underscore."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip(".-")
    return name[:100] or "computer"


def default_directory_config() -> dict[str, object]:
    """One profile that finds the plane's own services."""
    return {
        "sources": {
            "instances": {
                "type": "instances",
                "searched_columns": ["reference", "url"],
                "unique_column": "guid",
                "format_columns": {"name": "{reference}"},
            }
        },
        "services": {"lookup": {"default": {"sources": ["instances"], "timeout": 2.0}}},
        "views": {
            "displays": {
                "services": [
                    {"title": "Name", "field": "name", "type": "name"},
                    {"title": "URL", "field": "url", "type": "url"},
                    {"title": "Status", "field": "status", "type": "status"},
                    {"title": "Computer", "field": "computer", "type": "computer"},
                ]
            },
            "profile_to_display": {"default": "services"},
        },
    }


def _names() -> str:
    return ", ".join(Part)
