"""The sections of the configuration file: what each program takes, its defaults and its limits.

Data only, and cheap to import: every command reads `PlaneConfig`. A room that wants settings adds
its section to `SECTIONS`; its keys, variables and page of the reference follow from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

_PORT = {"least": 0, "most": 65535}
_POSITIVE = {"least": 0.001}


@dataclass(frozen=True, slots=True)
class PlaneConfig:
    """Where commands find the plane.

    Attributes:
        master_url: URL of the master. Empty: the plane that was started with the same data
            folder, so that nothing needs to be configured on one machine.
        directory_url: URL of the directory. Empty: as for master_url.
        token_file: file that holds your token, alone on one line. Empty: `token` in the data
            folder, where `pelagos up` writes the administrator's token.
        timeout: seconds that a command waits for one answer of the plane. 60, because a master
            that allocates for many clients at once may take a while, and a hanging one must not
            hang scripts.
    """

    VARIABLES: ClassVar[str] = "PELAGOS_"  # every command needs them: PELAGOS_MASTER_URL

    master_url: str = ""
    directory_url: str = ""
    token_file: Path | None = None
    timeout: float = field(default=60.0, metadata=_POSITIVE)


@dataclass(frozen=True, slots=True)
class MasterConfig:
    """The master that `pelagos up` starts.

    Attributes:
        host: address to listen on. 127.0.0.1, because without TLS the token must not leave the
            machine.
        port: TCP port. 0: the one of the last start, or a free one, because services keep the
            master's address.
    """

    host: str = "127.0.0.1"
    port: int = field(default=0, metadata=_PORT)


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """This machine as a computer of the plane.

    Attributes:
        computer_id: name of this computer in the plane. Empty: the one of the last start, or
            the host's name.
        partitions: number of instances that fit on this computer. 10, as SLAP's own standalone
            node has.
        poll_interval: seconds between two looks at the master when nothing wakes the agent. 5,
            which costs a master of 100 computers 20 small requests a second.
    """

    computer_id: str = ""
    partitions: int = field(default=10, metadata={"least": 1, "most": 10000})
    poll_interval: float = field(default=5.0, metadata=_POSITIVE)


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """The directory that `pelagos up` starts.

    Attributes:
        port: TCP port. 0: the one of the last start, or a free one.
        settings: table with the sources, services and views of the directory. Empty: the
            services of this plane are its only source.
    """

    port: int = field(default=0, metadata=_PORT)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BusConfig:
    """The message bus between master and agents.

    Attributes:
        url: `memory:NAME` inside one process, or `amqp://USER:PASSWORD@HOST:PORT/VHOST` for a
            RabbitMQ that several computers share. memory:plane, because one computer needs no
            broker.
    """

    url: str = "memory:plane"


SECTIONS: Mapping[str, type[Any]] = {
    "plane": PlaneConfig,
    "master": MasterConfig,
    "node": NodeConfig,
    "directory": DirectoryConfig,
    "bus": BusConfig,
}
