"""What Cyclades' networks, ports and floating IPs have in common: stores, quotas, reassignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.box.cyclades import Person, part, project_of
from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.neighbours import Neighbours
from pelagos.box.network import checks
from pelagos.box.network.cyclades.shapes import Shapes
from pelagos.box.network.network import Network
from pelagos.box.records import Record, Records
from pelagos.box.web import Answer, Handler, Router

PRIVATE = "cyclades.network.private"
FLOATING = "cyclades.floating_ip"
_NAMES = {PRIVATE: "Private Network", FLOATING: "Floating IP Address"}


class Part:
    """A part of the network service, as Cyclades has it."""

    def __init__(
        self, identity: Identity, network: Network, quotas: Quotas, neighbours: Neighbours
    ) -> None:
        self._identity = identity
        self._network = network
        self._store = network.store
        self._quotas = quotas
        self._neighbours = neighbours
        self._shapes = Shapes(network.store, neighbours)

    @staticmethod
    def _resource(router: Router, word: str, listing: Handler, *works: Handler) -> None:
        """Take the places of one kind of things; works: make, show, change, remove."""
        base = f"/v2.0/{word}"
        router.add("GET", base, listing)
        router.add("GET", f"{base}/detail", listing)
        places = (base, *[f"{base}/{{key}}"] * 3)
        for method, path, work in zip(
            ("POST", "GET", "PUT", "DELETE"), places, works, strict=True
        ):
            router.add(method, path, work)

    def _charge(self, project_id: str, user_id: str, resource: str) -> None:
        """See whether a project, and a member of it, may have one more."""
        limit = self._quotas.limit(project_id, resource)
        left = limit - self._quotas.usage(project_id, resource)
        kind = self._store.floatingips if resource == FLOATING else self._store.networks
        own = kind.every(project_id=project_id, user_id=user_id)
        count = sum(not one.get("router:external") for one in own)
        left = min(left, self._quotas.member_limit(project_id, resource) - count)
        if left < 1:
            raise Refused(
                413,
                "Resource Limit Exceeded for your account.",
                name="overLimit",
                details=f"Limit for resource '{_NAMES[resource]}' exceeded for your account. "
                f"Available: {max(left, 0)}, Requested: 1",
            )

    def _reassign(
        self, person: Person, kind: Records, found: Record, told: Mapping[str, Any], resource: str
    ) -> Answer:
        part(told, "project", str, needed=True)
        project = project_of(self._identity, person, told)
        fields: dict[str, Any] = {"project_id": project}
        if (shared := part(told, "shared_to_project", bool)) is not None:
            fields["shared_to_project"] = shared
        with self._store.database.change():
            if project != found["project_id"]:
                self._charge(project, found.get("user_id") or person.user_id, resource)
            self._store.change(kind, found, **fields)
        return Answer(200)

    def _network_of(self, person: Person, key: str, *, own: bool = False) -> Record:
        found = self._store.networks.find(key) if key.isdigit() else None
        if found is None or not sees(person, found):
            raise Refused(404, f"Network '{key}' not found.")
        if own and found.get("user_id") != person.user_id:
            raise Refused(403, f"Network '{key}' is not yours")
        return found


def sees(person: Person, network: Mapping[str, Any]) -> bool:
    """Whether a person may know of a network."""
    return (
        network.get("user_id") == person.user_id
        or bool(network["router:external"])
        or bool(network["shared"])
        or (bool(network.get("shared_to_project")) and network["project_id"] == person.project_id)
    )


def owns(person: Person, record: Mapping[str, Any]) -> bool:
    """Whether a thing is a person's."""
    return record.get("user_id") == person.user_id


def name_of(told: Mapping[str, Any], default: str = "") -> str:
    """The name that a body gives.

    Raises:
        Refused: 400, it is none.
    """
    name = part(told, "name", str, default)
    if len(name) > 255:  # noqa: PLR2004  # as long as the column of a database
        raise Refused(400, "Value for 'name' exceeds maximum length 255.")
    return str(name)


def address_of(text: str) -> str:
    """An IP address.

    Raises:
        Refused: 400, it is none.
    """
    try:
        return checks.address(text)
    except ValueError as error:
        raise Refused(400, f"Invalid IP address '{text}'") from error
