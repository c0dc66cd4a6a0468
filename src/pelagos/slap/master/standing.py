"""How things stand, for the faces of the ancestor: status, addresses, trees and whole instances.

Read only. What a caller may not see is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from pelagos.slap.errors import Unauthorized
from pelagos.slap.master import causes, explain
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.computers import access_status
from pelagos.slap.master.desk import UseCases
from pelagos.slap.master.finding import (
    no_instance,
    not_supplied,
    scope_of,
    seated,
    unknown_computer,
    unknown_service,
)
from pelagos.slap.master.store import Reader, StoredComputer, StoredInstance, StoredSupply
from pelagos.slap.master.visibility import Scope, scope
from pelagos.slap.model import ReleaseStatus

_NO_DATA = "#error no data found"
_PAGE = 1000
_SOON = 5 * 60
_LATE = 15 * 60


class Standing(UseCases):
    """What the ancestor's clients ask about the state of things."""

    # ---- status ------------------------------------------------------------------------------

    def computer_status(self, computer_id: str, identity: Identity) -> dict[str, Any]:
        """What was last heard of a computer, as SLAP's status dictionary.

        Raises:
            NotFoundError: the caller knows of no such computer.
        """
        with self._desk.store.read() as reader:
            computer = _computer(reader, computer_id, scope_of(reader, identity))
        heard = self._heard(computer)
        if heard is None:
            return _unheard(computer_id, "Compute Node")
        silent = explain.is_silent(heard, self._now(), self._desk.settings.silent_after)
        text = "#error not heard of" if silent else "#access Computer is running"
        return self._status(
            computer_id, "Compute Node", text, heard, since=heard, user=computer_id, state="open"
        )

    def partition_status(
        self, computer_id: str, partition_id: str, identity: Identity
    ) -> dict[str, Any]:
        """What was last reported of the instance in a partition, likewise.

        Raises:
            NotFoundError: there is no such partition, or no instance in it.
        """
        with self._desk.store.read() as reader:
            instance = seated(reader, computer_id, partition_id, scope_of(reader, identity))
            if instance is None:
                raise no_instance(computer_id, partition_id)
            computer = reader.computer(computer_id)
        return self._of_instance(instance, computer)

    def installation_status(
        self, computer_id: str, url: str, identity: Identity
    ) -> dict[str, Any]:
        """What was last reported of a release on a computer, likewise.

        Raises:
            NotFoundError: the computer was not asked to supply it.
        """
        with self._desk.store.read() as reader:
            computer = _computer(reader, computer_id, scope_of(reader, identity))
            supply = reader.supply(computer_id, url)
        if supply is None:
            raise not_supplied(computer_id, url)
        if supply.status is ReleaseStatus.REQUESTED:
            return _unheard(url, "Software Installation")
        return self._status(
            url,
            "Software Installation",
            _release_text(supply),
            max(supply.cause.since, self._heard(computer) or 0.0),
            since=supply.cause.since,
            user=computer_id,
            state=str(supply.requested_state),
        )

    def tree_addresses(
        self, computer_id: str, partition_id: str, identity: Identity
    ) -> list[tuple[str, str]]:
        """(interface, address) of all partitions in an instance's tree; none when it ends.

        Raises:
            NotFoundError: there is no such partition.
        """
        with self._desk.store.read() as reader:
            instance = seated(reader, computer_id, partition_id, scope_of(reader, identity))
            if instance is None or instance.is_destroying:
                return []
            root = reader.instance(instance.root_key or instance.key)
            tree = [] if root is None else [root, *reader.descendants(root.key)]
        return [
            (item.interface, item.address)
            for member in tree
            if not member.shared
            for item in member.addresses
        ]

    # ---- instances and computers -------------------------------------------------------------

    def instance_by_guid(self, guid: str, identity: Identity) -> StoredInstance:
        """A live instance.

        Raises:
            NotFoundError: none of that guid lives that the caller sees.
        """
        with self._desk.store.read() as reader:
            found = reader.instance_by_guid(guid)
            if found is None or not found.is_live:
                raise unknown_service(guid)
            if not scope_of(reader, identity).instance(found):
                raise unknown_service(guid)
            return found

    def told_of(self, guid: str) -> str:
        """What is said of the access to an instance that was just requested; empty: nothing."""
        with self._desk.store.read() as reader:
            found = reader.instance_by_guid(guid)
        return "" if found is None else access_status(found) or ""

    def instance_in(
        self, computer_id: str, partition_id: str, identity: Identity
    ) -> StoredInstance:
        """The instance in a partition.

        Raises:
            NotFoundError: there is none that the caller sees.
        """
        with self._desk.store.read() as reader:
            found = seated(reader, computer_id, partition_id, scope_of(reader, identity))
        if found is None:
            raise no_instance(computer_id, partition_id)
        return found

    def trees(self, identity: Identity, title: str | None = None) -> list[StoredInstance]:
        """The roots that the caller sees, oldest first; of one title his own come first."""
        with self._desk.store.read() as reader:
            sees = scope_of(reader, identity)
            if title is None:
                found = _live(reader, sees)
            else:
                found = [
                    row
                    for row in reader.instances_named(title)
                    if row.is_live and sees.instance(row)
                ]
                found.sort(key=lambda row: row.owner != sees.actor)
        return [row for row in found if row.root_key is None]

    def tree_members(self, title: str, identity: Identity) -> list[StoredInstance]:
        """The instances that the caller sees of the trees of that title, roots first."""
        found = []
        for root in self.trees(identity, title):
            with self._desk.store.read() as reader:
                sees = scope_of(reader, identity)
                found += [root, *filter(sees.instance, reader.descendants(root.key))]
        return found

    def instances_on(self, computer_id: str, identity: Identity) -> list[StoredInstance]:
        """The instances in a computer's partitions that the caller sees.

        Raises:
            NotFoundError: the caller knows of no such computer.
        """
        with self._desk.store.read() as reader:
            sees = scope_of(reader, identity)
            computer = _computer(reader, computer_id, sees)
            found = reader.instances_of_computer(computer.key)
        return [row for row in found if sees.instance(row)]

    def supplies_on(self, computer_id: str, identity: Identity) -> list[StoredSupply]:
        """What a computer was asked to supply.

        Raises:
            NotFoundError: the caller knows of no such computer.
        """
        with self._desk.store.read() as reader:
            computer = _computer(reader, computer_id, scope_of(reader, identity))
            return reader.supplies_of_computer(computer.key)

    def shared_by(self, guid: str, identity: Identity) -> list[StoredInstance]:
        """The shared instances that an instance serves.

        Raises:
            NotFoundError: there is no such instance that the caller sees.
            Unauthorized: he sees it, and is neither the instance itself nor who runs it.
        """
        host = self.instance_by_guid(guid, identity)
        if not scope(identity).serves(host):
            raise Unauthorized(
                f"what {host.title} serves is for {host.title} itself to read",
                status=403,
                hint="ask as the instance, its computer, its owner or an operator",
            )
        with self._desk.store.read() as reader:
            return reader.shared_of_host(host.key)

    def known_computers(self, identity: Identity) -> list[StoredComputer]:
        """The computers that the caller knows of."""
        with self._desk.store.read() as reader:
            sees = scope_of(reader, identity)
            return [row for row in reader.computers() if sees.computer(row)]

    def status_of(self, instance: StoredInstance) -> dict[str, Any]:
        """The status dictionary of an instance that was found before."""
        with self._desk.store.read() as reader:
            where = instance.computer_id
            computer = None if where is None else reader.computer(where)
        return self._of_instance(instance, computer)

    def releases_of_product(self, product: str | None, url: str | None) -> list[str]:
        """The releases of a product, or of the product that a release belongs to; best first."""
        products: Mapping[str, tuple[str, ...]] = self._desk.settings.products
        if product is not None:
            return list(products.get(product, ()))
        if url is None:
            return []
        return next((list(urls) for urls in products.values() if url in urls), [url])

    # ---- the dictionary ----------------------------------------------------------------------

    def _of_instance(
        self, instance: StoredInstance, computer: StoredComputer | None
    ) -> dict[str, Any]:
        kind = "Slave Instance" if instance.shared else "Software Instance"
        text = access_status(instance)
        if text is None:
            return _unheard(instance.guid, kind)
        heard = None if computer is None else self._heard(computer)
        return self._status(
            instance.guid,
            kind,
            text,
            max(instance.cause.since, heard or 0.0),
            since=instance.cause.since,
            user=instance.computer_id or "",
            state=str(instance.requested_state),
        )

    def _status(
        self,
        reference: str,
        kind: str,
        text: str,
        at: float,
        *,
        since: float,
        user: str,
        state: str,
    ) -> dict[str, Any]:
        age = self._now() - at
        return {
            "user": user,
            "created_at": formatdate(at, usegmt=True),
            "since": formatdate(since, usegmt=True),
            "state": state,
            "text": text,
            "reference": reference,
            "portal_type": kind,
            "no_data_since_5_minutes": int(age > _SOON),
            "no_data_since_15_minutes": int(age > _LATE),
        }

    def _heard(self, computer: StoredComputer) -> float | None:
        return self._desk.presence.last_seen(computer.computer_id, computer.last_seen)


def _live(reader: Reader, sees: Scope) -> list[StoredInstance]:
    """What exists and is seen, oldest first; the database leaves out what is another person's."""
    if sees.computer_id is not None:
        return [row for row in reader.live_instances() if sees.instance(row)]
    found: list[StoredInstance] = []
    while page := reader.live_page(found[-1].key if found else 0, _PAGE, sees.owner):
        found += page
    return found


def _computer(reader: Reader, computer_id: str, sees: Scope) -> StoredComputer:
    found = reader.computer(computer_id)
    if found is None or not sees.computer(found):
        raise unknown_computer(computer_id)
    return found


def _unheard(reference: str, kind: str) -> dict[str, Any]:
    return {
        "user": "SlapOS Master",
        "text": _NO_DATA,
        "reference": reference,
        "portal_type": kind,
        "no_data": 1,
    }


def _release_text(supply: StoredSupply) -> str:
    match supply.status:
        case ReleaseStatus.BUILDING:
            return "#building software release"
        case ReleaseStatus.AVAILABLE:
            return "#access software release available"
        case _:
            return f"#error while building: {causes.one_line(supply.cause.message)}"
