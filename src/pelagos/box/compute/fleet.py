"""What is done with servers, whoever asks: made, removed, started, given another flavour.

Whether a caller may, and in which words it is refused, is the dialects' business.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.box.compute.allowance import Allowance
from pelagos.box.compute.flavors import Flavor, Flavors
from pelagos.box.compute.groups import HOSTS, Group, Groups
from pelagos.box.compute.keys import Keys
from pelagos.box.compute.server import Server
from pelagos.box.compute.store import Deed, ServerStore
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.neighbours import DiskWish, Guest, ImageFacts, Neighbours, Wish

#: A server with these metadata fails while it is built; the value says why.
FAULT_KEY = "box:fault"
_NO_HOST = "No valid host was found. There are not enough hosts available."
_LIVING = ("active", "stopped", "paused", "suspended")


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done with a server.

    Attributes:
        states: in which it has to be.
        task: what goes on then, a key of `SECONDS`.
        becomes: its state afterwards; None: that of before.
    """

    states: tuple[str, ...]
    task: str
    becomes: str | None


ACTIONS: Mapping[str, Action] = {
    "start": Action(("stopped",), "start", "active"),
    "stop": Action(("active", "rescued", "error"), "stop", "stopped"),
    "reboot": Action(("active",), "reboot", "active"),
    "hard_reboot": Action((*_LIVING, "error", "rescued"), "hard_reboot", "active"),
    "pause": Action(("active",), "pause", "paused"),
    "unpause": Action(("paused",), "unpause", "active"),
    "suspend": Action(("active",), "suspend", "suspended"),
    "resume": Action(("suspended",), "resume", "active"),
    "rescue": Action(("active", "stopped", "error"), "rescue", "rescued"),
    "unrescue": Action(("rescued",), "unrescue", "active"),
    "shelve": Action(_LIVING, "shelve", "shelved_offloaded"),
    "unshelve": Action(("shelved", "shelved_offloaded"), "unshelve", "active"),
    "resize": Action(("active", "stopped"), "resize", "resized"),
    "migrate": Action(("active", "stopped"), "migrate", "resized"),
    "confirm": Action(("resized",), "confirm", "active"),
    "revert": Action(("resized",), "revert", "active"),
    "rebuild": Action(("active", "stopped", "error"), "rebuild", None),
    "image": Action((*_LIVING, "rescued"), "image", None),
    "backup": Action(_LIVING, "backup", None),
    "password": Action(("active",), "password", None),
    "restore": Action(("soft-delete",), "restore", "active"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A server that is wanted.

    Attributes:
        wishes: its interfaces; None: as its project's networks suggest.
        facts: what else is to be known of it.
        request_id: of the request that wants it.
    """

    project_id: str
    user_id: str
    name: str
    flavor: Flavor
    image: ImageFacts | None
    request_id: str
    dialect: str = "openstack"
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    wishes: tuple[Wish, ...] | None = None
    disks: tuple[DiskWish, ...] = ()
    security_groups: tuple[str, ...] = ("default",)
    group: Group | None = None
    host: str = ""
    password: str = field(default="", repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)


class Fleet:
    """The servers of a box and what belongs to them; safe to share between threads.

    Args:
        keep_deleted: seconds for which a server that Nova's DELETE removed can be restored.

    Attributes:
        neighbours: networks, volumes and images, as far as the box has them.
    """

    def __init__(
        self,
        identity: Identity,
        quotas: Quotas,
        neighbours: Neighbours,
        pace: float,
        keep_deleted: float = 0.0,
    ) -> None:
        self.clock = identity.clock
        self.identity = identity
        self.database = identity.database
        self.neighbours = neighbours
        self.store = ServerStore(self.database, self.clock, pace)
        self.flavors = Flavors(self.database)
        self.keys = Keys(self.database, self.clock)
        self.groups = Groups(self.database, self.clock)
        self.allowance = Allowance(self.database, quotas, self.store)
        self._passwords: dict[str, str] = {}
        self._keep_deleted = keep_deleted
        self.store.reclaimed = self._release
        neighbours.servers = self.store

    def password(self, server: Server) -> str | None:
        """A server's password, once; None when it was told already, or the box began anew."""
        return self._passwords.pop(server.id, None)

    def create(self, order: Order) -> Server:
        """Begin to build a server."""
        key = str(uuid.uuid4())
        flavor = order.flavor
        with self.database.change():
            host, fault = self._place(order)
            if fault:
                told = {"code": 500, "message": fault, "created": self.clock.time()}
                outcome = {"state": "error", "facts": {"fault": told}}
            else:
                outcome = {"state": "active"}
            values = {
                "id": key,
                "project_id": order.project_id,
                "user_id": order.user_id,
                "name": order.name,
                "vcpus": flavor.vcpus,
                "ram_mib": flavor.ram_mib,
                "disk_gib": flavor.disk_gib,
                "image_id": order.image.id if order.image else "",
                "flavor": flavor.facts(),
                "metadata": dict(order.metadata),
                "tags": list(order.tags),
                "facts": {"host": host, "groups": list(order.security_groups), **order.facts},
            }
            server = self.store.add(values, "build", outcome)
            if order.group is not None:
                self.groups.join(order.group, key)
            self._connect(order, server)
            self._note(server, order.user_id, order.request_id, "create", fault)
        if order.password:
            self._passwords[key] = order.password
        return server

    def _place(self, order: Order) -> tuple[str, str | None]:
        """A host, and what is wrong when there is none."""
        fault = order.metadata.get(FAULT_KEY)
        if order.group is not None:
            members = map(self.store.find, self.groups.members(order.group))
            hosts = order.group.hosts([one.facts.get("host", "") for one in members if one])
            return (hosts[0], fault) if hosts else ("", fault or _NO_HOST)
        return order.host or HOSTS[secrets.randbelow(len(HOSTS))], fault

    def _connect(self, order: Order, server: Server) -> None:
        networks, volumes = self.neighbours.networks, self.neighbours.volumes
        if networks is not None:
            networks.plug(server.guest, order.wishes, order.security_groups, dialect=order.dialect)
        if volumes is not None and order.disks:
            volumes.boot(server.guest, order.disks, dialect=order.dialect)

    def act(  # what is done, by whom, and how it is refused
        self,
        server: Server,
        name: str,
        user_id: str,
        request_id: str,
        *,
        check: Callable[[Server, Action], None],
        note: str = "",
        outcome: Mapping[str, Any] | None = None,
        now: Mapping[str, Any] | None = None,
    ) -> Server:
        """Begin one of the `ACTIONS`.

        Args:
            check: raises when the server, as it is now, may not be treated so.
            note: the name under which it is kept that this was done.
            outcome: what of the record changes when it is done, beside the state.
            now: what changes at once.
        """
        action = ACTIONS[name]
        with self.database.change():
            server = self.store.find(server.id) or server
            check(server, action)
            told = {"state": action.becomes or server.state, **(outcome or {})}
            begun = self.store.begin(server, action.task, told, **(now or {}))
            self._note(begun, user_id, request_id, note or name, None)
        return self.store.find(begun.id) or begun

    def delete(self, server: Server, user_id: str, request_id: str) -> None:
        """Begin to remove a server; its interfaces and volumes go, or are free, at once."""
        with self.database.change():
            current = self.store.find(server.id)
            if current is None or current.task == "delete":
                return
            self._release(current.guest)
            self._passwords.pop(server.id, None)
            self.store.begin(current, "delete", {"state": "deleted"})
            self._note(current, user_id, request_id, "delete", None)

    def put_away(self, server: Server, user_id: str, request_id: str) -> None:
        """Remove a server so that it can be restored for a while; its ports and volumes stay.

        One that never ran, or was put away before, is removed for good; so is every one of a box
        that keeps none.
        """
        with self.database.change():
            current = self.store.find(server.id)
            if current is None or current.task in {"delete", "soft_delete"}:
                return
            if not self._keep_deleted or current.state in {"building", "error", "soft-delete"}:
                self.delete(current, user_id, request_id)
                return
            end = {"due": self.clock.time() + self._keep_deleted, "outcome": {"state": "deleted"}}
            self.store.begin(current, "soft_delete", {"state": "soft-delete", **end})
            self._note(current, user_id, request_id, "delete", None)

    def _release(self, guest: Guest) -> None:
        """Let a server's interfaces and volumes go, or be free."""
        networks, volumes = self.neighbours.networks, self.neighbours.volumes
        if networks is not None:
            networks.leave(guest)
        if volumes is not None:
            volumes.leave(guest)

    def resized(self, flavor: Flavor) -> dict[str, Any]:
        """What of a record changes with another flavour."""
        return {
            "flavor": flavor.facts(),
            "vcpus": flavor.vcpus,
            "ram_mib": flavor.ram_mib,
            "disk_gib": flavor.disk_gib,
        }

    def image(self, image_id: str, project_id: str, *, is_admin: bool) -> ImageFacts | None:
        """An image that a project may use."""
        images = self.neighbours.images
        return images.find(image_id, project_id, is_admin=is_admin) if images else None

    def note(self, server: Server, user_id: str, request_id: str, action: str) -> None:
        """Keep that something was done with a server."""
        self._note(server, user_id, request_id, action, None)

    def _note(
        self, server: Server, user_id: str, request_id: str, action: str, message: str | None
    ) -> None:
        now = self.clock.time()
        self.store.note(
            Deed(
                server.id,
                request_id,
                action,
                user_id,
                server.project_id,
                now,
                server.due or now,
                message,
            )
        )
