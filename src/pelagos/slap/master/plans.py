"""What a request would do, in words. Pure: the tree before and after in, the plan out.

A plan is not guessed: the request is carried out in a transaction that is undone, and this module
compares what was with what came of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pelagos.core import wire
from pelagos.slap.errors import BadRequest
from pelagos.slap.master.store.rows import StoredInstance
from pelagos.slap.model import (
    Alteration,
    Event,
    InstanceRequest,
    InstanceState,
    Plan,
)

#: What a basis is made of, in its order; as a person is told that it moved.
_PARTS = (
    "the request",
    "the service",
    "the release",
    "the software type",
    "the parameters",
    "the filters",
    "the state",
    "the place",
    "the instances beneath",
    "the effects",
)
_DIGITS = 12
_BASIS = re.compile(rf"1-[0-9a-f]{{{_DIGITS * len(_PARTS)}}}")
_SHOWN = 5

_VERBS = {
    InstanceState.STARTED: "starts",
    InstanceState.STOPPED: "stops",
    InstanceState.DESTROYED: "destroys",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One instance and its surroundings at one moment.

    Attributes:
        instance: None while there is none.
        beneath: the live instances that it requested, and those that these requested.
        served: live shared instances of others that it, or one beneath, serves.
        supplied: its release is supplied where it sits; True while it sits nowhere.
        host: title of the instance that serves it, when it is shared.
    """

    instance: StoredInstance | None
    beneath: tuple[StoredInstance, ...] = ()
    served: tuple[StoredInstance, ...] = ()
    supplied: bool = True
    host: str | None = None


def make_plan(
    wish: InstanceRequest,
    before: Picture,
    after: Picture,
    events: Sequence[Event],
    sees: Callable[[str], bool],
) -> Plan:
    """Compare two pictures.

    Args:
        wish: what was asked.
        before: as it is.
        after: as it would be.
        events: that would be told.
        sees: whether who asks sees the instance of a guid. What happens to others is told without
            their names, and the basis does not depend on it.
    """
    changes = tuple(_changes(before.instance, after.instance))
    own = after.instance if before.instance is None else before.instance
    placed = [
        event
        for event in events
        if event.kind == "instance.allocated" and (own is None or event.subject != own.guid)
    ]
    seen = [event for event in events if event not in placed or sees(event.subject)]
    effects = tuple(_effects(wish, before, after, seen)) or ("changes nothing",)
    hidden = any(event not in seen for event in placed)
    told = (*effects, "gives another its place") if hidden else effects
    return Plan(changes, told, _basis(wish, before, changes, effects))


def moved(basis: str, plan: Plan) -> list[str]:
    """What of a plan does not hold any more; empty when it may be applied.

    Args:
        basis: of the plan that was shown.
        plan: made now, for the same request.

    Raises:
        BadRequest: that is no basis.
    """
    if not _BASIS.fullmatch(basis):
        raise BadRequest(
            f"{basis[:40]!r} is not the basis of a plan",
            status=400,
            hint="send the basis that the plan came with",
        )
    shown, now = (_digests(text) for text in (basis, plan.basis))
    return [part for part, old, new in zip(_PARTS, shown, now, strict=True) if old != new]


def _basis(
    wish: InstanceRequest,
    before: Picture,
    changes: Sequence[Alteration],
    effects: Sequence[str],
) -> str:
    found = before.instance
    facts: list[Any] = [
        [
            wish.reference,
            wish.release_url,
            wish.software_type,
            _sorted(wish.parameters),
            _sorted(wish.filters),
            wish.shared,
            wish.state,
        ]
    ]
    if found is None:
        facts += [None] * 7
    else:
        facts += [
            found.guid,
            found.release_url,
            found.software_type,
            _sorted(found.parameters),
            _sorted(found.filters),
            [found.wished_state, found.root_state, found.ended],
            [found.computer_id, found.partition_id],
        ]
    facts.append(sorted((item.guid, item.requested_state) for item in before.beneath))
    facts.append([changes, effects])
    return "1-" + "".join(
        hashlib.sha256(wire.encode(fact)).hexdigest()[:_DIGITS] for fact in facts
    )


def _digests(basis: str) -> list[str]:
    return [basis[at : at + _DIGITS] for at in range(2, len(basis), _DIGITS)]


def _sorted(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(values.items())


# ---- changes ------------------------------------------------------------------------------------


def _changes(before: StoredInstance | None, after: StoredInstance | None) -> Iterator[Alteration]:
    old, new = _told(before), _told(after)
    for what in [*old, *(name for name in new if name not in old)]:
        if old.get(what) != new.get(what):
            yield Alteration(what, old.get(what), new.get(what))


def _told(instance: StoredInstance | None) -> dict[str, str]:
    if instance is None or not instance.is_live:
        return {}
    told = {
        "state": str(instance.requested_state),
        "release": instance.release_url,
        "type": instance.software_type,
    }
    if instance.shared:
        told["shared"] = "true"
    if instance.requester_guid is not None:
        told["requester"] = instance.requester_guid
    if instance.computer_id is not None:
        told["computer"] = instance.computer_id
    for kind, values in (("parameters", instance.parameters), ("filters", instance.filters)):
        for key, value in sorted(values.items()):
            told[f"{kind}.{key}"] = value or ""
    return told


# ---- effects ------------------------------------------------------------------------------------


def _effects(
    wish: InstanceRequest, before: Picture, after: Picture, events: Sequence[Event]
) -> Iterator[str]:
    old, new = before.instance, after.instance
    name = wish.reference
    if old is None and new is None:
        yield f"keeps nothing: there is no {name}, and it shall be destroyed"
        return
    if old is None and new is not None:
        yield f"creates {name}"
        yield from _place(name, after)
    elif old is not None:
        yield from _work(name, old, new, events)
        if new is not None and new.is_live and not old.is_allocated:
            yield from _place(name, after)
    yield from _beneath(before, after)
    yield from _others(old or new, events)
    if new is not None and new.is_live and not new.is_destroying and not after.supplied:
        yield f"then waits until {new.release_url} is supplied on {new.computer_id}"


def _place(name: str, after: Picture) -> Iterator[str]:
    new = after.instance
    if new is None or new.is_destroying:
        return
    if new.computer_id is None:
        yield f"{name} then waits: {new.cause.message}"
    elif new.shared:
        yield f"served by {after.host} on {new.computer_id}"
    else:
        yield f"placed on {new.computer_id}"


def _work(
    name: str, old: StoredInstance, new: StoredInstance | None, events: Sequence[Event]
) -> Iterator[str]:
    """What the instance itself goes through."""
    if new is None or not new.is_live:
        yield f"destroys {name} at once"
        return
    if new.requested_state is not old.requested_state:
        yield f"{_VERBS[new.requested_state]} {name}"
    elif old.is_destroying:
        yield f"changes nothing: {name} is being destroyed, which cannot be undone"
    elif new.changed_timestamp != old.changed_timestamp and old.is_allocated:
        running = new.requested_state is InstanceState.STARTED
        yield f"restarts {name}" if running else f"configures {name} anew, which stays stopped"
    if new.requester_key != old.requester_key:
        yield f"moves {name} to another requester of its tree"
    if new.filters != old.filters and old.is_allocated:
        yield f"keeps {name} on {old.computer_id}: a filter moves nothing"
    if old.shared and any(item.subject == old.guid for item in events):
        yield f"has the host of {name} processed again"


def _beneath(before: Picture, after: Picture) -> Iterator[str]:
    states = {item.key: item.requested_state for item in after.beneath if item.is_live}
    turned: dict[InstanceState, list[str]] = {}
    for item in before.beneath:
        state = states.get(item.key, InstanceState.DESTROYED)
        if state is not item.requested_state:
            turned.setdefault(state, []).append(item.title)
    for state, names in turned.items():
        yield f"{_VERBS[state]} {_counted(names)} beneath: {_some(names)}"
    doomed = after.instance is None or after.instance.is_destroying or not after.instance.is_live
    doing = before.instance is not None and not before.instance.is_destroying
    if doomed and doing and before.served:
        names = [item.title for item in before.served]
        yield f"leaves {_counted(names, 'shared instance')} without a host: {_some(names)}"


def _others(own: StoredInstance | None, events: Sequence[Event]) -> Iterator[str]:
    for event in events:
        if event.kind == "instance.allocated" and (own is None or event.subject != own.guid):
            yield f"gives {event.reference}, which waits, its place on {event.computer_id}"


def _counted(names: Sequence[str], noun: str = "instance") -> str:
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
