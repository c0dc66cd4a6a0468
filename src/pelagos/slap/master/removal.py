"""Computers that leave the plane: one that is empty is forgotten, one that is lost is given up."""

from __future__ import annotations

from pelagos.slap.master import causes, explain
from pelagos.slap.master.auth import Identity, Kind
from pelagos.slap.master.changing import end, wake_requester
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.finding import check_changeable, unknown_computer
from pelagos.slap.master.placement import place_waiting
from pelagos.slap.master.scene import last_seen
from pelagos.slap.master.store import StoredComputer, StoredInstance
from pelagos.slap.model import InstanceState, InstanceStatus

#: So many services are named in a refusal.
_SHOWN = 5


class Removal(UseCases):
    """What is done with computers that do not come back."""

    def remove_computer(self, computer_id: str, identity: Identity, *, lost: bool = False) -> None:
        """Forget a computer whose agent is silent, and void what lets it in.

        Args:
            computer_id: its name.
            identity: who asks.
            lost: what sits there is given up (see `give_up`); else nothing may sit there.

        Raises:
            NotFoundError: the computer is unknown.
            Unauthorized: it is another's.
            Conflict: its agent still calls, or services sit there that are not given up.
        """
        with self._desk.change(identity) as change:
            check_changeable(change.store, computer_id, change.scope)
            computer = change.store.computer(computer_id)
            if computer is None:
                raise unknown_computer(computer_id)
            self._check_silent(computer, change.now)
            if not lost:
                _check_empty(change, computer)
            self._abandon(change, computer)
            _forget(change, computer)
            place_waiting(self._desk, change)

    def retire(self, name: str) -> bool:
        """Forget a computer and void what lets it in; False, and nothing, when it has services.

        One-time tokens for it are void, too, also when it never joined.
        """
        with self._desk.change(None) as change:
            computer = change.store.computer(name)
            if computer is not None:
                if change.store.instances_of_computer(computer.key):
                    return False
                _forget(change, computer)
            change.store.void(Kind.COMPUTER, [name], change.now)
            return True

    def give_up(self, name: str) -> None:
        """What sat on a computer that is lost waits for another place; what was to go is gone."""
        with self._desk.change(None) as change:
            computer = change.store.computer(name)
            if computer is not None:
                self._abandon(change, computer)
                place_waiting(self._desk, change)

    def _abandon(self, change: Change, computer: StoredComputer) -> None:
        change.store.update_computer(computer.key, draining=True)
        for seat in reversed(change.store.instances_of_computer(computer.key)):
            instance = change.store.instance(seat.key)
            if instance is not None and instance.is_live:
                self._lose_seat(change, instance, computer.computer_id)

    def _lose_seat(self, change: Change, instance: StoredInstance, computer_id: str) -> None:
        children = [child.title for child in change.store.children(instance.key)]
        if instance.is_destroying and not children:
            end(self._desk, change, instance)
            return
        lost = causes.computer_lost(computer_id, change.now)
        status = InstanceStatus.WAITING
        if instance.is_destroying:  # it needs no place any more, only the end of its children
            lost, status = causes.destroying("", children, change.now), instance.status
        change.store.update_instance(
            instance.key,
            partition_key=None,
            connection={},  # where it was reached
            status=status,
            cause=lost,
        )
        change.store.void(Kind.PARTITION, [f"{computer_id}/{instance.partition_id}"], change.now)
        change.seat(instance.computer_key or 0)
        change.tell_to(wake_requester(change, instance), "instance.waiting", instance, lost)
        _lose_host(change, instance, computer_id)

    def _check_silent(self, computer: StoredComputer, now: float) -> None:
        seen = last_seen(self._desk, computer)
        if explain.is_silent(seen, now, self._desk.settings.silent_after):
            return
        name = computer.computer_id
        raise Conflict(
            f"the agent of {name} called {max(0.0, now - (seen or now)):.0f} s ago: it is there",
            status=409,
            hint=f"end its agent first (`pelagos down` there), or lock it out (pelagos computer "
            f"certificate {name} --revoke), and try again after "
            f"{self._desk.settings.silent_after:.0f} s",
        )


def _forget(change: Change, computer: StoredComputer) -> None:
    name = computer.computer_id
    slots = [f"{name}/{slot.partition_id}" for slot in change.store.partitions(computer.key)]
    change.store.void(Kind.PARTITION, slots, change.now)
    change.store.void(Kind.COMPUTER, [name], change.now)
    change.store.remove_computer(computer.key)
    said = causes.plain("ok", "it was removed from the plane", change.now)
    change.record("computer.removed", name, name, said, where=name)


def _lose_host(change: Change, host: StoredInstance, computer_id: str) -> None:
    """What a host served waits until the host serves it from its next place."""
    said = causes.host_lost(host.title, computer_id, change.now)
    for shared in change.store.shared_of_host(host.key):
        change.store.update_instance(shared.key, connection={})  # it led to the lost computer
        if shared.requested_state is InstanceState.STARTED:
            change.store.update_instance(shared.key, status=InstanceStatus.WAITING, cause=said)
            to_wake = wake_requester(change, shared) if shared.connection else None
            change.tell_to(to_wake, "instance.waiting", shared, said)


def _check_empty(change: Change, computer: StoredComputer) -> None:
    seats = [item.title for item in change.store.instances_of_computer(computer.key)]
    if not seats:
        return
    more = f" and {len(seats) - _SHOWN} more" if len(seats) > _SHOWN else ""
    name = computer.computer_id
    raise Conflict(
        f"services sit on {name}: {', '.join(seats[:_SHOWN])}{more}",
        status=409,
        hint=f"lost for good? pelagos computer remove {name} --lost gives them another place, and "
        "what they kept there is gone; else let it come back, and destroy them",
    )
