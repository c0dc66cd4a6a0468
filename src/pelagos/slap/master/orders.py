"""What people order about whole services: plan and apply, the tree, names, bangs, draining."""

from __future__ import annotations

from collections.abc import Iterator

from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.bangs import bang_upwards
from pelagos.slap.master.changing import rename, subtree
from pelagos.slap.master.desk import Change
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.finding import (
    check_changeable,
    find_live,
    find_named,
    scope_of,
    unknown_computer,
    unknown_service,
)
from pelagos.slap.master.placement import place_waiting
from pelagos.slap.master.plans import Picture, make_plan, moved
from pelagos.slap.master.requests import Requests
from pelagos.slap.master.scene import Scene
from pelagos.slap.master.store import Reader, StoredInstance
from pelagos.slap.master.tracing import Tracer
from pelagos.slap.master.verdicts import judged
from pelagos.slap.master.visibility import Scope
from pelagos.slap.master.wishes import given, locate
from pelagos.slap.model import Cause, Instance, InstanceRequest, Plan, TreeNode


class Orders(Requests):
    """What a person does with what was requested."""

    @judged
    def plan(self, wish: InstanceRequest, identity: Identity) -> Plan:
        """What `request` would do; it is carried out in a transaction that is undone.

        Raises:
            SlapError: as `request` would, but for a place that is not there yet: the plan says it.
        """
        wish = self._flattened(wish)
        with self._desk.rehearse(identity) as change:
            plan, _ = self._planned(change, wish, identity)
        return plan

    @judged
    def apply(self, wish: InstanceRequest, basis: str, identity: Identity) -> Instance:
        """Do what a plan showed, or nothing.

        Args:
            wish: the one that was planned.
            basis: of the plan.
            identity: who asks.

        Raises:
            Conflict: something that the plan depended on has changed since.
            BadRequest: that is no basis.
            SlapError: as `request`.
        """
        wish = self._flattened(wish)
        with self._desk.change(identity) as change:
            plan, answer = self._planned(change, wish, identity)
            differing = moved(basis, plan)
            if differing:
                raise Conflict(
                    f"the plan for {wish.reference} does not hold any more: "
                    f"{' and '.join(_joined(differing))} changed since it was made; nothing was "
                    f"done. The same request would now: {'; '.join(plan.effects)}",
                    status=409,
                    hint="plan it again, and apply the new plan",
                )
        return given(wish, answer)

    def tree(self, name: str, identity: Identity | None = None) -> list[TreeNode]:
        """The whole tree that an instance belongs to, a parent before its children.

        Raises:
            NotFoundError: there is no such instance.
        """
        with self._desk.store.read() as reader:
            sees = scope_of(reader, identity)
            found = find_named(reader, name, sees)
            if found is None:
                raise unknown_service(name)
            root = found if found.root_key is None else reader.instance(found.root_key) or found
            scene = Scene(self._desk, reader, self._now(), sees)
            tracer = Tracer(reader, scene, sees)
            members = [root, *reader.descendants(root.key)]
            guids = {item.key: item.guid for item in members}
            return [
                _node(item, depth, _host_guid(reader, guids, item, sees), tracer.nearest(item))
                for item, depth in _walk(root, members)
            ]

    def rename_service(self, name: str, reference: str, identity: Identity) -> str:
        """Give an instance another name within its tree, a root among its owner's.

        Returns:
            The instance's guid.

        Raises:
            NotFoundError: there is no such instance.
            Conflict: the name is taken.
        """
        with self._desk.change(identity) as change:
            instance = find_live(change.store, name, change.scope)
            if not rename(change, instance, reference):
                raise Conflict(
                    f"the name {reference} is taken",
                    status=409,
                    hint=f"choose another one; pelagos service info {reference} shows who has it",
                )
            return instance.guid

    def bang_service(self, name: str, text: str, identity: Identity) -> str:
        """Have an instance and all those above it in its tree processed again.

        Returns:
            The instance's guid.

        Raises:
            NotFoundError: there is no such instance.
            Conflict: it has no place yet, so nobody could process it.
        """
        with self._desk.change(identity) as change:
            instance = find_live(change.store, name, change.scope)
            if not instance.is_allocated:
                raise Conflict(
                    f"{instance.title} has no place yet, so nobody can process it again",
                    status=409,
                    hint=f"pelagos why {instance.title}",
                )
            bang_upwards(change, instance, text)
            return instance.guid

    def drain(self, computer_id: str, draining: bool, identity: Identity) -> None:
        """Place nothing new on a computer, or place on it again; what runs there stays.

        Raises:
            NotFoundError: the computer is unknown.
            Unauthorized: it is another's.
        """
        with self._desk.change(identity) as change:
            check_changeable(change.store, computer_id, change.scope)
            computer = change.store.computer(computer_id)
            if computer is None:
                raise unknown_computer(computer_id)
            if computer.draining is draining:
                return
            change.store.update_computer(computer.key, draining=draining)
            kind = "computer.draining" if draining else "computer.opened"
            said = "takes nothing new" if draining else "takes new instances again"
            cause = causes.plain("ok", said, change.now)
            change.record(kind, computer_id, computer_id, cause, where=computer_id)
            place_waiting(self._desk, change)

    def _planned(
        self, change: Change, wish: InstanceRequest, identity: Identity
    ) -> tuple[Plan, Instance | Cause]:
        """Carry a wish out in this transaction, and compare."""
        store = change.store
        before = _picture(store, locate(store, wish, identity).found)
        answer = self._carry_out(change, wish, identity)
        found = locate(store, wish, identity).found
        if found is None and before.instance is not None:
            found = store.instance(before.instance.key)
        sees = scope_of(store, identity)

        def is_seen(guid: str) -> bool:
            row = store.instance_by_guid(guid)
            return row is not None and sees.instance(row)

        return make_plan(wish, before, _picture(store, found), change.events, is_seen), answer


def _joined(parts: list[str]) -> list[str]:
    return parts if len(parts) == 1 else [", ".join(parts[:-1]), parts[-1]]


def _picture(reader: Reader, instance: StoredInstance | None) -> Picture:
    if instance is None:
        return Picture(None)
    members = subtree(reader, instance)
    keys = {item.key for item in members}
    served = [
        item
        for member in members
        for item in reader.shared_of_host(member.key)
        if item.key not in keys and not item.is_destroying
    ]
    supply = (
        None
        if instance.computer_id is None
        else reader.supply(instance.computer_id, instance.release_url)
    )
    host = None if instance.host_key is None else reader.instance(instance.host_key)
    is_own = host is not None and host.owner == instance.owner
    return Picture(
        instance=instance,
        beneath=tuple(members[1:]),
        served=tuple(served),
        supplied=instance.computer_id is None or instance.shared or supply is not None,
        host=None if host is None else host.title if is_own else "a service of this site",
    )


def _walk(
    root: StoredInstance, members: list[StoredInstance]
) -> Iterator[tuple[StoredInstance, int]]:
    """Parents before their children; a child whose requester is gone stands below the root."""
    known = {item.key for item in members}
    children: dict[int, list[StoredInstance]] = {}
    for item in members[1:]:
        above = item.requester_key if item.requester_key in known else root.key
        children.setdefault(above or root.key, []).append(item)
    waiting = [(root, 0)]
    while waiting:
        item, depth = waiting.pop()
        yield item, depth
        waiting += [(child, depth + 1) for child in reversed(children.get(item.key, []))]


def _host_guid(
    reader: Reader, guids: dict[int, str], item: StoredInstance, sees: Scope
) -> str | None:
    if item.host_key is None:
        return None
    if item.host_key not in guids:
        host = reader.instance(item.host_key)
        guids[item.host_key] = host.guid if host is not None and sees.instance(host) else ""
    return guids[item.host_key] or None


def _node(item: StoredInstance, depth: int, host_guid: str | None, cause: Cause) -> TreeNode:
    return TreeNode(
        guid=item.guid,
        reference=item.title,
        depth=depth,
        requester_guid=item.requester_guid,
        requested_state=item.requested_state,
        status=item.status,
        cause=cause,
        release_url=item.release_url,
        software_type=item.software_type,
        shared=item.shared,
        host_guid=host_guid,
        computer_id=item.computer_id,
        partition_id=item.partition_id,
    )
