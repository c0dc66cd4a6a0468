"""Bangs: an instance, or all of a computer, and those that requested them, are processed again."""

from __future__ import annotations

from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.finding import check_changeable, seated, unknown_computer
from pelagos.slap.master.store import Reader, StoredInstance
from pelagos.slap.model import Cause, InstanceState


class Bangs(UseCases):
    """What has instances processed again, though nobody wishes anything else of them."""

    def bang(self, computer_id: str, partition_id: str, text: str, identity: Identity) -> None:
        """Have an instance and all those above it in its tree processed again.

        Raises:
            NotFoundError: there is no such partition.
        """
        with self._desk.change(identity) as change:
            instance = seated(change.store, computer_id, partition_id, change.scope)
            if instance is not None:
                bang_upwards(change, instance, text)

    def bang_computer(self, computer_id: str, text: str, identity: Identity) -> None:
        """Have all instances of a computer processed again, and those that requested them.

        Raises:
            NotFoundError: the computer is unknown.
        """
        with self._desk.change(identity) as change:
            check_changeable(change.store, computer_id, change.scope)
            computer = change.store.computer(computer_id)
            if computer is None:
                raise unknown_computer(computer_id)
            said = causes.plain("ok", causes.one_line(text) or "bang", change.now)
            woken: set[int] = set()
            for instance in change.store.instances_of_computer(computer.key):
                _wake_upwards(change, instance, woken, said, computer_id)
            change.record("computer.banged", computer_id, computer_id, said, computer_id)


def _requester(reader: Reader, instance: StoredInstance) -> StoredInstance | None:
    return None if instance.requester_key is None else reader.instance(instance.requester_key)


def bang_upwards(change: Change, instance: StoredInstance, text: str) -> None:
    """Have an instance and those that requested it processed again; of a shared one its host."""
    said = causes.plain("ok", causes.one_line(text) or "bang", change.now)
    above: StoredInstance | None = instance
    while above is not None:
        if above.is_allocated and above.requested_state is not InstanceState.DESTROYED:
            change.wake(above)
            if above.host_key is not None and (host := change.store.instance(above.host_key)):
                change.wake(host)
            change.tell("instance.banged", above, said, wake=True)
        above = _requester(change.store, above)


def _wake_upwards(
    change: Change, instance: StoredInstance, woken: set[int], said: Cause, computer_id: str
) -> None:
    """Wake an instance and those above it, each once; tell the agents of other computers."""
    above: StoredInstance | None = instance
    while above is not None and above.key not in woken:
        woken.add(above.key)
        if above.is_allocated and above.requested_state is not InstanceState.DESTROYED:
            change.wake(above)
            if above.computer_id != computer_id:
                change.tell("instance.banged", above, said, wake=True)
        above = _requester(change.store, above)
