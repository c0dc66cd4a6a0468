"""What servers, networks, volumes and images of a box know of each other; nothing else.

Ids are texts. A thing has one as OpenStack gives it (a UUID) and a number as Synnefo does; whoever
is asked for one takes either. All of it may be called within a change of the database, and is then
a part of it: what raises `Refused` leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Guest:
    """A server, as networks and volumes see it.

    Attributes:
        id: a UUID, for OpenStack.
        number: the id for Synnefo.
    """

    id: str
    number: int
    name: str
    user_id: str
    project_id: str


@dataclass(frozen=True, slots=True)
class Wish:
    """An interface that a server shall have.

    Attributes:
        network_id: empty where a port, or nothing, is named.
        port_id: a port that is there.
        fixed_ip: empty: any address that is free.
        floating: on Synnefo an address of a public network has to be the caller's: this one, or
            any of his that is free when it is empty.
        tag: as it was given.
    """

    network_id: str = ""
    port_id: str = ""
    fixed_ip: str = ""
    floating: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """An address at an interface.

    Attributes:
        kind: "fixed" or "floating".
        version: 4 or 6.
        subnet_id: empty for a floating one.
    """

    ip: str
    version: int = 4
    kind: str = "fixed"
    subnet_id: str = ""


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface of a server: a port.

    Attributes:
        firewall: ENABLED, DISABLED or PROTECTED (Synnefo); None where there is none.
        is_public: whether its network is one.
    """

    port_id: str
    port_number: int
    network_id: str
    network_number: int
    network_name: str
    mac: str
    addresses: tuple[Address, ...] = ()
    security_groups: tuple[str, ...] = ()
    state: str = "ACTIVE"
    firewall: str | None = None
    is_public: bool = False
    tag: str = ""


class Networks(Protocol):
    """Networks, as servers use them."""

    def plug(
        self,
        guest: Guest,
        wishes: Collection[Wish] | None,
        security_groups: Collection[str] = ("default",),
        *,
        dialect: str = "openstack",
    ) -> tuple[Nic, ...]:
        """Give a server interfaces; those that it got.

        Args:
            guest: whose they become.
            wishes: None: as the project's networks suggest (OpenStack's "auto": its only network,
                or the shared one; Synnefo's default: the public network).
            security_groups: names or ids.
            dialect: "openstack" or "synnefo", whose rules and words of refusal hold.

        Raises:
            Refused: 400 or 404 no such network, port or group; 403 or 413 no more of them; 409 the
                address or the port is in use, no floating address is free.
        """

    def unplug(self, guest: Guest, port_id: str) -> None:
        """Take an interface from a server; a port that was made for it goes.

        Raises:
            Refused: 404, it has no such interface.
        """

    def leave(self, guest: Guest) -> None:
        """A server is gone: what was made for it goes, other ports and addresses are free."""

    def nics(self, guests: Collection[str]) -> Mapping[str, tuple[Nic, ...]]:
        """The interfaces of servers by their UUIDs, in the order in which they were plugged."""

    def set_firewall(self, guest: Guest, port_id: str, profile: str) -> None:
        """Let an interface have another firewall (Synnefo).

        Raises:
            Refused: 404, there is no such interface; 400, its network has no firewall.
        """

    def set_group(self, guest: Guest, group: str, *, is_member: bool) -> None:
        """Let a server's interfaces be in a security group, or no longer.

        Raises:
            Refused: 404, no such group.
        """


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume at a server.

    Attributes:
        device: "/dev/vdb"; empty where nobody says.
        size_gib: of the volume.
        is_root: whether the server starts from it.
        ends_with_server: whether it goes when the server goes.
    """

    volume_id: str
    volume_number: int
    attachment_id: str
    device: str
    size_gib: int
    is_root: bool = False
    ends_with_server: bool = False
    tag: str = ""


@dataclass(frozen=True, slots=True)
class DiskWish:
    """A disk that a new server shall have (OpenStack's block_device_mapping_v2, Synnefo's own).

    Attributes:
        source: "blank", "image", "volume", "snapshot".
        source_id: of the image, volume or snapshot.
        size_gib: None: that of the source.
        volume_type: empty: the default.
        device: empty: the next that is free.
    """

    source: str
    source_id: str = ""
    size_gib: int | None = None
    volume_type: str = ""
    device: str = ""
    is_root: bool = False
    ends_with_server: bool = False
    tag: str = ""


class Volumes(Protocol):
    """Volumes, as servers use them."""

    def boot(
        self, guest: Guest, wishes: Collection[DiskWish], *, dialect: str = "openstack"
    ) -> tuple[Disk, ...]:
        """Give a new server its disks, made or taken.

        Raises:
            Refused: 400 or 404 no such source; 403 or 413 no more of it; 409 or 400 in use.
        """

    def attach(
        self,
        guest: Guest,
        volume_id: str,
        *,
        device: str = "",
        tag: str = "",
        ends_with_server: bool = False,
        dialect: str = "openstack",
    ) -> Disk:
        """Give a server a volume.

        Raises:
            Refused: 404 no such volume; 400 or 409 it is in use already.
        """

    def detach(self, guest: Guest, volume_id: str, *, dialect: str = "openstack") -> None:
        """Take a volume from a server.

        Raises:
            Refused: 404 it is not at this server; 400 or 403 it is the one it runs from.
        """

    def change(self, guest: Guest, volume_id: str, *, ends_with_server: bool) -> None:
        """Let a volume go with its server, or not.

        Raises:
            Refused: 404 it is not at this server.
        """

    def leave(self, guest: Guest) -> None:
        """A server is gone: volumes that end with it go, others are free."""

    def disks(self, guests: Collection[str]) -> Mapping[str, tuple[Disk, ...]]:
        """The volumes at servers by their UUIDs, in the order of attachment."""


class Guests(Protocol):
    """Servers, as networks and volumes see them."""

    def guest(self, server_id: str, project_ids: Collection[str] | None = None) -> Guest | None:
        """A server that is not deleted, by UUID or number; None when there is none.

        Args:
            server_id: either.
            project_ids: of one of these projects only; None: of any.
        """


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image, as servers and volumes see it.

    Attributes:
        size: bytes of its content.
        min_disk_gib, min_ram_mib: what a server of it needs at least.
        properties: texts by name.
    """

    id: str
    name: str
    status: str
    owner: str
    size: int
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    disk_format: str = ""
    container_format: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


class Images(Protocol):
    """Images, as servers and volumes use them."""

    def find(self, image_id: str, project_id: str, *, is_admin: bool = False) -> ImageFacts | None:
        """An image that a project may use; None when there is none."""

    def make(
        self,
        project_id: str,
        user_id: str,
        name: str,
        properties: Mapping[str, str],
        *,
        size: int = 0,
        disk_format: str = "raw",
    ) -> ImageFacts:
        """An image of a server or volume, complete at once.

        Raises:
            Refused: 403 or 413, there may be no more.
        """

    def keep_latest(self, count: int, project_id: str, properties: Mapping[str, str]) -> None:
        """Remove a project's images that have these properties, but for the latest ones."""


@dataclass(frozen=True, slots=True)
class FloatingIp:
    """A floating IP, as servers see it.

    Attributes:
        pool: the name of its network.
        fixed_ip, server_id: to what it leads; None: nowhere.
    """

    id: str
    ip: str
    pool: str
    fixed_ip: str | None = None
    server_id: str | None = None


class FloatingIps(Protocol):
    """Floating IPs, as a compute service has them."""

    def pools(self) -> tuple[str, ...]:
        """The names of the networks that have such addresses."""

    def every(self, project_id: str) -> tuple[FloatingIp, ...]:
        """Those of a project."""

    def one(self, project_id: str, key: str) -> FloatingIp:
        """One of a project.

        Raises:
            Refused: 404.
        """

    def take(self, project_id: str, user_id: str, pool: str | None) -> FloatingIp:
        """Take one from a pool; None: from the first.

        Raises:
            Refused: 404 no such pool, or it has no more; 403 the project may have no more.
        """

    def give_back(self, project_id: str, key: str) -> None:
        """Give one back.

        Raises:
            Refused: 404.
        """

    def lead(self, guest: Guest, address: str, fixed: str | None) -> None:
        """Lead one to a server, to a certain address of it or to its first.

        Raises:
            Refused: 404 its project has no such address; 400 it cannot be.
        """

    def lead_nowhere(self, guest: Guest, address: str) -> None:
        """Lead one to a server no longer.

        Raises:
            Refused: 404 its project has no such address; 409 it leads elsewhere.
        """


@dataclass(slots=True)
class Neighbours:
    """The parts of a box that know each other; each takes its place when it is made.

    A part that is not there is None, and whoever would use it does without.
    """

    servers: Guests | None = None
    networks: Networks | None = None
    volumes: Volumes | None = None
    images: Images | None = None
    floating: FloatingIps | None = None
