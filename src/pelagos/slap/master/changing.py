"""What becomes of an instance: another state, another name, its end; and who needs to know.

Each function works within one transaction and wakes whoever needs to know.
"""

from __future__ import annotations

from dataclasses import replace

from pelagos.slap.master import causes
from pelagos.slap.master.desk import Change, Desk
from pelagos.slap.master.finding import check_title
from pelagos.slap.master.placement import place_waiting
from pelagos.slap.master.store import Reader, StoredInstance
from pelagos.slap.model import InstanceState, InstanceStatus


def rename(change: Change, instance: StoredInstance, title: str) -> bool:
    """Give an instance another name; False when that is taken."""
    if instance.title == title or instance.scope is None:
        return True
    if instance.root_key is None:
        check_title(title)
    if change.store.instance_in_scope(instance.scope, title):
        return False
    change.store.update_instance(instance.key, title=title)
    change.wake(instance)
    wake_host(change, instance)
    cause = causes.plain("ok", f"renamed from {instance.title} to {title}", change.now)
    change.tell("instance.renamed", replace(instance, title=title), cause, wake=True)
    for below in change.store.descendants(instance.key):
        if not below.shared:  # of a shared one, nobody sees the root's name
            change.wake(below)
            if below.computer_id != instance.computer_id:
                change.tell("instance.banged", below, cause, wake=True)
    return True


def set_state(desk: Desk, change: Change, instance: StoredInstance, state: InstanceState) -> None:
    """Wish another state of an instance; those below it follow where it overrules them."""
    if instance.wished_state is state:
        return
    if state is InstanceState.DESTROYED:
        destroy(desk, change, instance)
        return
    affected = [instance, *change.store.descendants(instance.key)]
    change.store.update_instance(instance.key, wished_state=state)
    for former in affected:
        current = again(change, former)
        if former.key == instance.key or current.requested_state is not former.requested_state:
            change.alter(current)
            wake_host(change, current)
            if current.shared and current.requested_state is InstanceState.STOPPED:
                _set_aside(change, current)
    cause = causes.plain("waiting-for-agent", f"shall be {state}", change.now)
    change.tell("instance.changed", instance, cause, wake=True)
    for member in affected[1:]:
        if member.computer_id not in (None, instance.computer_id):
            change.tell("instance.changed", member, cause, wake=True)


def destroy(desk: Desk, change: Change, instance: StoredInstance) -> None:
    """Ask for the end of an instance and of all that it requested; bottom-up it comes."""
    doomed = subtree(change.store, instance)
    for member in doomed:
        change.alter(member, wished_state=InstanceState.DESTROYED)
        cause = causes.destroying(member.computer_id or "", (), change.now)
        change.tell("instance.destroying", member, cause, wake=True)
    for member in reversed(doomed):
        current = again(change, member)
        at_once = current.shared or not current.is_allocated
        if current.is_live and at_once and not change.store.children(current.key):
            end(desk, change, current)


def wake_host(change: Change, instance: StoredInstance) -> None:
    """Have the host of a shared instance look again; nothing for others."""
    if instance.host_key is not None and (host := change.store.instance(instance.host_key)):
        change.wake(host)


def _set_aside(change: Change, shared: StoredInstance) -> None:
    """A shared instance is stopped as soon as its host is not told of it any more."""
    said = causes.plain("stopped", "its host is not told of it, as it was wished", change.now)
    change.store.update_instance(shared.key, status=InstanceStatus.STOPPED, cause=said)


def end(desk: Desk, change: Change, instance: StoredInstance) -> None:
    """An instance is gone: free its place, then end a requester that waited for its last child."""
    gone: StoredInstance | None = instance
    while gone is not None:
        _end_one(change, gone)
        parent = None if gone.requester_key is None else change.store.instance(gone.requester_key)
        over = (
            parent is not None
            and parent.is_live
            and (parent.wiped or (parent.is_destroying and not parent.is_allocated))
            and not change.store.children(parent.key)
        )
        gone = parent if over else None
    place_waiting(desk, change)


def _end_one(change: Change, instance: StoredInstance) -> None:
    cause = causes.plain("destroyed", "gone from its computer", change.now)
    served = change.store.shared_of_host(instance.key)
    if instance.host_key is not None and (host := change.store.instance(instance.host_key)):
        change.wake(host)
    else:
        change.bump(instance.computer_key)
    change.store.update_instance(
        instance.key,
        ended=change.now,
        scope=None,
        partition_key=None,
        host_key=None,
        connection={},  # credentials of what is no more
        status=InstanceStatus.DESTROYED,
        cause=cause,
    )
    if instance.computer_key is not None and not instance.shared:
        change.store.recount(instance.computer_key)
        name = f"{instance.computer_id}/{instance.partition_id}"
        change.store.void("partition", [name], change.now)
    change.tell("instance.destroyed", instance, cause, wake=True)
    for shared in served:
        lost = causes.no_shared_host(
            f"{instance.title}, which served it, is gone", change.now, url=shared.release_url
        )
        change.store.update_instance(
            shared.key, host_key=None, status=InstanceStatus.WAITING, cause=lost, connection={}
        )
        # What its requester was given holds no more.
        to_wake = wake_requester(change, shared) if shared.connection else None
        change.tell_to(to_wake, "instance.waiting", shared, lost)


def wake_requester(change: Change, instance: StoredInstance) -> str | None:
    """Have the direct requester processed again; the computer whose agent needs to look."""
    if instance.requester_key is None:
        return None
    requester = change.store.instance(instance.requester_key)
    if requester is None or not requester.is_allocated or requester.is_destroying:
        return None
    change.wake(requester)
    return requester.computer_id


def subtree(reader: Reader, instance: StoredInstance) -> list[StoredInstance]:
    """The instance and all below it that live, parents before their children."""
    found, at = [instance], 0
    while at < len(found):
        found += reader.children(found[at].key)
        at += 1
    return found


def again(change: Change, instance: StoredInstance) -> StoredInstance:
    """The instance as it is now, after what was done to it."""
    return change.store.instance(instance.key) or instance
