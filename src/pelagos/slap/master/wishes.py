"""A wish beside what is stored: where it belongs, what it changes, how it is answered.

Reads only; `requests` does what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pelagos.slap import marshal
from pelagos.slap.errors import NotFoundError, ResourceNotReady
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.computers import shared_entries
from pelagos.slap.master.finding import seated
from pelagos.slap.master.store import Reader, StoredInstance
from pelagos.slap.master.visibility import scope
from pelagos.slap.model import Cause, Instance, InstanceRequest, InstanceState


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a request's reference lives, and what is there."""

    scope: str
    requester: StoredInstance | None
    found: StoredInstance | None

    @property
    def tree_state(self) -> InstanceState:
        """The state of the tree's root, which overrules its descendants."""
        return InstanceState.STARTED if self.requester is None else self.requester.root_state


def locate(reader: Reader, wish: InstanceRequest, identity: Identity) -> Spot:
    """Where a wish belongs, and the instance that it names there.

    Raises:
        NotFoundError: who asks is no instance.
    """
    if wish.requester is None:
        owner = identity.actor
        return Spot(owner, None, reader.instance_in_scope(owner, wish.reference))
    requester = seated(reader, *wish.requester, scope(identity))
    if requester is None:
        raise NotFoundError(
            f"{' '.join(wish.requester)} holds no instance that could request",
            status=404,
            hint="name a partition that is taken: pelagos computer info COMPUTER",
        )
    tree = requester.root_guid
    return Spot(tree, requester, reader.instance_in_scope(tree, wish.reference))


def given(wish: InstanceRequest, answer: Instance | Cause) -> Instance:
    """The answer to a wish that is kept.

    Raises:
        ResourceNotReady: it has to wait; has the cause.
    """
    if isinstance(answer, Instance):
        return answer
    raise ResourceNotReady(
        f"{wish.reference}: {answer.message}",
        status=408,
        hint=answer.hint,
        retry_after=1.0,
        cause=answer,
    )


def stands(spot: Spot, wish: InstanceRequest) -> bool:
    """Whether the wish changes nothing: it is as stored, or on its way out."""
    found = spot.found
    if found is None:
        return False
    if found.is_destroying:
        return True
    return (
        found.shared == wish.shared
        and wish.state in (None, found.wished_state)
        and wish.filters == found.filters
        and not differences(found, wish)
        and (spot.requester is None or spot.requester.key == found.requester_key)
    )


def is_said_anew(spot: Spot, wish: InstanceRequest) -> bool:
    """Whether a wish says something of parameters that did not hold before."""
    if InstanceState.DESTROYED in (wish.state, spot.tree_state):
        return False
    found = spot.found
    return found is None or (not found.is_destroying and bool(differences(found, wish)))


def settled(reader: Reader, spot: Spot, wish: InstanceRequest) -> Instance | Cause | None:
    """The answer to a wish that changes nothing, None when there is something to do."""
    if not stands(spot, wish) or spot.found is None:
        return None
    if spot.found.is_destroying and wish.state is not InstanceState.DESTROYED:
        children = [child.title for child in reader.children(spot.found.key)]
        return causes.destroying(spot.found.computer_id or "", children, spot.found.cause.since)
    return answer_of(reader, spot.found)


def answer_of(reader: Reader, found: StoredInstance | None) -> Instance | Cause:
    """What the requester of an instance is told: it, or why it has to wait."""
    if found is None:
        return causes.plain("destroyed", "it does not exist, as it was wished", 0.0)
    if found.computer_id is None or found.partition_id is None:
        return found.cause
    return instance_of(found, reader.shared_of_host(found.key))


def instance_of(found: StoredInstance, shared: Sequence[StoredInstance] = ()) -> Instance:
    """An instance that has its place, as its requester is told of it."""
    instance = Instance(
        guid=found.guid,
        title=found.title,
        root_title=found.root_title,
        computer_id=found.computer_id or "",
        partition_id=found.partition_id or "",
        release_url=found.release_url,
        software_type=found.software_type,
        requested_state=found.requested_state,
        parameters=found.parameters,
        connection=found.connection,
        filters=found.filters,
        addresses=found.addresses,
        shared_instances=shared_entries(shared),
        timestamp=found.timestamp,
    )
    return marshal.speakable(instance)


def differences(found: StoredInstance, wish: InstanceRequest) -> dict[str, Any]:
    """The effective changes that a wish makes: each means work for the agent."""
    wished: dict[str, Any] = {
        "release_url": wish.release_url,
        "software_type": wish.software_type,
        "parameters": wish.parameters,
    }
    return {name: value for name, value in wished.items() if getattr(found, name) != value}
