"""Wishes: request an instance, change its state or name, supply a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pelagos.slap import marshal
from pelagos.slap.errors import BadRequest, NotFoundError, ResourceNotReady
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.computers import shared_entries
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.finding import (
    GUID_PREFIX,
    check_changeable,
    check_release,
    check_size,
    check_title,
    find_live,
    flat,
    no_instance,
    seated,
    shared_of,
    unknown_computer,
)
from pelagos.slap.master.placement import Placement, end, find_host, place_shared, place_waiting
from pelagos.slap.master.schemas import check_wish
from pelagos.slap.master.store import NewInstance, Reader, StoredInstance, unborn
from pelagos.slap.master.verdicts import judged
from pelagos.slap.master.visibility import may_place, scope
from pelagos.slap.model import (
    Cause,
    Instance,
    InstanceRequest,
    InstanceState,
    InstanceStatus,
    SupplyState,
)

#: Instances that one may request: more are a mistake of its profile, as in the original master.
_CHILDREN_LIMIT = 100
#: A back-up is kept for a while after its end, also when nobody thought of saying so.
_PULL_BACKUP, _PULL_BACKUP_DAYS = "pull-backup", "7"


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a request's reference lives, and what is there."""

    scope: str
    requester: StoredInstance | None
    found: StoredInstance | None

    @property
    def tree_state(self) -> InstanceState:
        """The state of the tree's root, which overrules its descendants."""
        return InstanceState.STARTED if self.requester is None else self.requester.root_state


class Requests(UseCases):
    """What people and instances ask for."""

    @judged
    def request(self, wish: InstanceRequest, identity: Identity) -> Instance:
        """Ask for an instance, or for changes to it; asking again for the same changes nothing.

        Raises:
            BadRequest: the wish cannot be granted as it is written.
            TooLarge: its parameters are above the limit.
            NotFoundError: the requester, the wished computer or a host does not exist; nothing
                is kept.
            ResourceNotReady: kept, and not allocated yet; has the cause.
        """
        wish = self._flattened(wish)
        answer = None
        # Most of a site's roots are asked for once: those that are new need no look beforehand.
        if wish.requester is not None or self._desk.store.has_instance(
            identity.actor, wish.reference
        ):
            with self._desk.store.read() as reader:
                spot = _locate(reader, wish, identity)
                answer = _settled(reader, spot, wish)
        if answer is None:
            with self._desk.change(identity) as change:
                answer = self._carry_out(change, wish, identity)
        return given(wish, answer)

    def set_state(self, name: str, state: InstanceState, identity: Identity) -> str:
        """Start, stop or destroy an instance by its reference or guid.

        Returns:
            The instance's guid.

        Raises:
            NotFoundError: there is no such instance.
            Conflict: it is being destroyed, which cannot be undone.
        """
        with self._desk.change(identity) as change:
            instance = find_live(change.store, name, change.scope)
            if instance.is_destroying and state is not InstanceState.DESTROYED:
                raise Conflict(
                    f"{instance.title} is being destroyed; that cannot be undone",
                    status=409,
                    hint="request it anew when it is gone",
                )
            self._set_state(change, instance, state)
            return instance.guid

    def rename(
        self,
        computer_id: str,
        partition_id: str,
        title: str,
        identity: Identity,
        shared_reference: str | None = None,
    ) -> None:
        """Give an instance, or a shared one that it serves, another name within its tree.

        Raises:
            NotFoundError: there is no instance there, or the name is taken.
        """
        with self._desk.change(identity) as change:
            instance = seated(change.store, computer_id, partition_id, change.scope)
            if instance is None:
                raise no_instance(computer_id, partition_id)
            if shared_reference is not None:
                instance = shared_of(change.store, instance, shared_reference)
            if not self._rename(change, instance, title):
                raise NotFoundError(
                    f"the name {title} is taken",
                    status=404,
                    hint=f"choose another one; pelagos service info {title} shows who has it",
                )

    def supply(self, url: str, computer_id: str, state: SupplyState, identity: Identity) -> None:
        """Ask for a release on a computer, or for its removal.

        Raises:
            BadRequest: no computer could ever build it.
            NotFoundError: the computer is unknown.
        """
        if state is SupplyState.AVAILABLE:
            check_release(url)
        with self._desk.change(identity) as change:
            check_changeable(change.store, computer_id, change.scope)
            computer = change.store.computer(computer_id)
            if computer is None:
                raise unknown_computer(computer_id)
            known = change.store.supply(computer_id, url)
            former = SupplyState.DESTROYED if known is None else known.requested_state
            if former is state:
                return
            removing = state is SupplyState.DESTROYED
            users = sum(
                item.release_url == url and item.requested_state is not InstanceState.DESTROYED
                for item in change.store.instances_of_computer(computer.key)
            )
            cause = (
                causes.release_removing(url, computer_id, users, change.now)
                if removing
                else causes.waiting_for_agent(computer_id, change.now)
            )
            change.store.put_supply(computer.key, url, state, cause)
            change.bump(computer.key)
            kind = "release.removing" if removing else "release.supplied"
            change.record(kind, url, url, cause, computer_id)
            place_waiting(self._desk, change)

    # ---- granting ----------------------------------------------------------------------------

    def _carry_out(
        self, change: Change, wish: InstanceRequest, identity: Identity
    ) -> Instance | Cause:
        """Grant a flattened wish in this transaction; the answer, or why it has to wait."""
        spot = _locate(change.store, wish, identity)
        created = self._grant(change, spot, wish, identity)
        if created is not None:
            return _instance(created) if created.is_allocated else created.cause
        return _answer(change.store, _locate(change.store, wish, identity).found)

    @staticmethod
    def _found(reader: Reader, wish: InstanceRequest, identity: Identity) -> StoredInstance | None:
        return _locate(reader, wish, identity).found

    def _rename(self, change: Change, instance: StoredInstance, title: str) -> bool:
        """Give an instance another name; False when that is taken."""
        if instance.title == title or instance.scope is None:
            return True
        if instance.root_key is None:
            check_title(title)
        if change.store.instance_in_scope(instance.scope, title):
            return False
        change.store.update_instance(instance.key, title=title)
        change.wake(instance)
        self._wake_host(change, instance)
        cause = causes.plain("ok", f"renamed from {instance.title} to {title}", change.now)
        change.tell("instance.renamed", replace(instance, title=title), cause, wake=True)
        for below in change.store.descendants(instance.key):
            if not below.shared:  # of a shared one, nobody sees the root's name
                change.wake(below)
                if below.computer_id != instance.computer_id:
                    change.tell("instance.banged", below, cause, wake=True)
        return True

    def _flattened(self, wish: InstanceRequest) -> InstanceRequest:
        parameters = flat(wish.parameters)
        check_size(parameters, self._desk.settings.parameters_limit, "the parameters")
        filters = flat(wish.filters, "filters")
        check_size(filters, self._desk.settings.parameters_limit, "the filters")
        if wish.software_type == _PULL_BACKUP:
            filters.setdefault("retention_delay", _PULL_BACKUP_DAYS)
        return replace(wish, parameters=parameters, filters=filters)

    def _grant(
        self, change: Change, spot: _Spot, wish: InstanceRequest, identity: Identity
    ) -> StoredInstance | None:
        """Do what a wish asks; the new instance, when nothing else than this one was touched."""
        found = spot.found
        if self._desk.settings.refuse_invalid_parameters and _is_said_anew(spot, wish):
            check_wish(change.store, self._desk.verdicts, wish)
        if found is None:
            return self._create(change, spot, wish, identity)
        if not _stands(spot, wish):
            self._alter(change, spot, found, wish)
        return None

    def _alter(
        self, change: Change, spot: _Spot, found: StoredInstance, wish: InstanceRequest
    ) -> None:
        if found.shared != wish.shared:
            raise BadRequest(
                f"{found.title} is {'' if found.shared else 'not '}shared; that cannot change",
                status=400,
                hint="choose another reference",
            )
        if found.is_allocated and spot.requester is None and wish.filters != found.filters:
            Placement(self._desk, change).check_filters(found, wish.filters)
        self._update(change, spot, wish)
        if wish.state is not None and wish.state is not found.wished_state:
            self._set_state(change, _again(change, found), wish.state)
        current = _again(change, found)
        if current.is_live and not current.is_allocated:
            Placement(self._desk, change).place(current)

    def _create(
        self, change: Change, spot: _Spot, wish: InstanceRequest, identity: Identity
    ) -> StoredInstance | None:
        """Keep a new instance, in its place when there is one.

        Returns:
            The instance, when it needs not be read again; None when there is none, or more.
        """
        state = wish.state or InstanceState.STARTED
        if InstanceState.DESTROYED in (state, spot.tree_state):
            return None  # nothing to be kept: there is none, and there shall be none
        requester = spot.requester
        if requester is not None:
            if requester.is_destroying:
                return None  # what ends begins nothing
            _check_children(change.store, requester)
        check_release(wish.release_url)
        if requester is None:
            check_title(wish.reference)
        owner = identity.actor if requester is None else requester.owner
        _check_computer(change, wish, owner)
        new = NewInstance(
            guid=f"{GUID_PREFIX}{self._desk.new_id()}",
            title=wish.reference,
            scope=spot.scope,
            root_key=None if requester is None else requester.root_key or requester.key,
            requester_key=None if requester is None else requester.key,
            owner=owner,
            shared=wish.shared,
            host_key=None,
            release_url=wish.release_url,
            software_type=wish.software_type,
            wished_state=state,
            parameters=wish.parameters,
            filters=wish.filters,
            timestamp=int(change.now * 1_000_000),
            cause=causes.plain("waiting-for-agent", f"requested as {state}", change.now),
            created=change.now,
        )
        placement = Placement(self._desk, change)
        if not wish.shared:
            return self._place_new(change, placement, new, requester)
        _check_served(change, new)
        key = change.store.add_instance(new)
        change.tell_to(None, "instance.requested", new, new.cause)
        instance = change.store.instance(key)
        if instance is not None:
            placement.place(instance)
        return None

    def _place_new(
        self,
        change: Change,
        placement: Placement,
        new: NewInstance,
        requester: StoredInstance | None,
    ) -> StoredInstance | None:
        """Keep an instance that is not shared: decided first, so that it is written once."""
        found = placement.find(unborn(new, requester))
        if isinstance(found, Cause):
            kept = replace(new, cause=causes.going_on(new.cause, found))
        else:
            kept = replace(
                new,
                partition_key=found.slot.key,
                changed_revision=change.next_revision(found.computer),
                timestamp=new.timestamp + 1,
                cause=found.cause,
            )
        key = change.store.add_instance(kept)
        change.tell_to(None, "instance.requested", new, new.cause)
        born = replace(unborn(kept, requester), key=key)
        if isinstance(found, Cause):
            change.tell("instance.waiting", born, kept.cause, wake=False)
            return born
        placement.taken(found, new)
        if place_shared(self._desk, change, born):
            return None  # those that waited for such a host
        return replace(
            born,
            computer_key=found.computer.key,
            computer_id=found.computer.computer_id,
            partition_id=found.slot.partition_id,
            addresses=found.slot.addresses,
        )

    def _update(self, change: Change, spot: _Spot, wish: InstanceRequest) -> None:
        found = spot.found
        if found is None:
            return
        quiet: dict[str, Any] = {}
        moves = spot.requester is not None and spot.requester.key != found.requester_key
        if moves and spot.requester is not None and not spot.requester.is_destroying:
            _check_no_circle(change.store, spot.requester, found)
            _check_children(change.store, spot.requester)
            quiet["requester_key"] = spot.requester.key
        if wish.filters != found.filters:
            if not found.is_allocated:
                _check_computer(change, wish, found.owner)
            quiet["filters"] = wish.filters
            change.bump(found.computer_key)
        if quiet:
            change.store.update_instance(found.key, **quiet)
        changes = _differences(found, wish)
        if "release_url" in changes:
            check_release(wish.release_url)
        if changes:
            change.alter(found, **changes)
            self._wake_host(change, found)
            names = ", ".join(sorted(changes)).replace("_", " ")
            cause = causes.plain("waiting-for-agent", f"changed: {names}", change.now)
            change.tell("instance.changed", found, cause, wake=True)

    def _set_state(self, change: Change, instance: StoredInstance, state: InstanceState) -> None:
        if instance.wished_state is state:
            return
        if state is InstanceState.DESTROYED:
            self._destroy(change, instance)
            return
        affected = [instance, *change.store.descendants(instance.key)]
        change.store.update_instance(instance.key, wished_state=state)
        for former in affected:
            current = _again(change, former)
            if former.key == instance.key or current.requested_state is not former.requested_state:
                change.alter(current)
                self._wake_host(change, current)
                if current.shared and current.requested_state is InstanceState.STOPPED:
                    _set_aside(change, current)
        cause = causes.plain("waiting-for-agent", f"shall be {state}", change.now)
        change.tell("instance.changed", instance, cause, wake=True)
        for member in affected[1:]:
            if member.computer_id not in (None, instance.computer_id):
                change.tell("instance.changed", member, cause, wake=True)

    def _destroy(self, change: Change, instance: StoredInstance) -> None:
        """Ask for the end of an instance and of all that it requested; bottom-up it comes."""
        doomed = subtree(change.store, instance)
        for member in doomed:
            change.alter(member, wished_state=InstanceState.DESTROYED)
            cause = causes.destroying(member.computer_id or "", (), change.now)
            change.tell("instance.destroying", member, cause, wake=True)
        for member in reversed(doomed):
            current = _again(change, member)
            at_once = current.shared or not current.is_allocated
            if current.is_live and at_once and not change.store.children(current.key):
                end(self._desk, change, current)

    def _wake_host(self, change: Change, instance: StoredInstance) -> None:
        if instance.host_key is not None and (host := change.store.instance(instance.host_key)):
            change.wake(host)


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


def _locate(reader: Reader, wish: InstanceRequest, identity: Identity) -> _Spot:
    if wish.requester is None:
        owner = identity.actor
        return _Spot(owner, None, reader.instance_in_scope(owner, wish.reference))
    requester = seated(reader, *wish.requester, scope(identity))
    if requester is None:
        raise NotFoundError(
            f"{' '.join(wish.requester)} holds no instance that could request",
            status=404,
            hint="name a partition that is taken: pelagos computer info COMPUTER",
        )
    tree = requester.root_guid
    return _Spot(tree, requester, reader.instance_in_scope(tree, wish.reference))


def _set_aside(change: Change, shared: StoredInstance) -> None:
    """A shared instance is stopped as soon as its host is not told of it any more."""
    said = causes.plain("stopped", "its host is not told of it, as it was wished", change.now)
    change.store.update_instance(shared.key, status=InstanceStatus.STOPPED, cause=said)


def _stands(spot: _Spot, wish: InstanceRequest) -> bool:
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
        and not _differences(found, wish)
        and (spot.requester is None or spot.requester.key == found.requester_key)
    )


def _is_said_anew(spot: _Spot, wish: InstanceRequest) -> bool:
    """Whether a wish says something of parameters that did not hold before."""
    if InstanceState.DESTROYED in (wish.state, spot.tree_state):
        return False
    found = spot.found
    return found is None or (not found.is_destroying and bool(_differences(found, wish)))


def _settled(reader: Reader, spot: _Spot, wish: InstanceRequest) -> Instance | Cause | None:
    """The answer to a wish that changes nothing, None when there is something to do."""
    if not _stands(spot, wish) or spot.found is None:
        return None
    if spot.found.is_destroying and wish.state is not InstanceState.DESTROYED:
        children = [child.title for child in reader.children(spot.found.key)]
        return causes.destroying(spot.found.computer_id or "", children, spot.found.cause.since)
    return _answer(reader, spot.found)


def _answer(reader: Reader, found: StoredInstance | None) -> Instance | Cause:
    if found is None:
        return causes.plain("destroyed", "it does not exist, as it was wished", 0.0)
    if found.computer_id is None or found.partition_id is None:
        return found.cause
    return _instance(found, reader.shared_of_host(found.key))


def _instance(found: StoredInstance, shared: Sequence[StoredInstance] = ()) -> Instance:
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


def _differences(found: StoredInstance, wish: InstanceRequest) -> dict[str, Any]:
    """The effective changes that a wish makes: each means work for the agent."""
    wished: dict[str, Any] = {
        "release_url": wish.release_url,
        "software_type": wish.software_type,
        "parameters": wish.parameters,
    }
    return {name: value for name, value in wished.items() if getattr(found, name) != value}


def _check_computer(change: Change, wish: InstanceRequest, owner: str) -> None:
    wanted = wish.filters.get("computer_guid")
    if wanted is None:
        return
    computer = change.store.computer(str(wanted))
    if computer is None:
        raise unknown_computer(str(wanted))
    if may_place(owner, computer):
        return
    if not change.scope.is_unlimited:
        raise unknown_computer(str(wanted))
    raise BadRequest(
        f"the computer {wanted} belongs to {computer.owner}: services of "
        "others, also of operators, are not placed on it",
        status=400,
        hint=f"leave the filter computer_guid out, or let {computer.owner} request it",
    )


def _check_children(reader: Reader, requester: StoredInstance) -> None:
    if len(reader.children(requester.key)) >= _CHILDREN_LIMIT:
        raise BadRequest(
            f"{requester.title} has requested {_CHILDREN_LIMIT} instances; more it may not",
            status=400,
            hint="let some of them request the others, or destroy those that are not needed",
        )


def _check_served(change: Change, new: NewInstance) -> None:
    """Pass, when something that was requested could serve a new shared instance, now or later.

    Raises:
        NotFoundError: nothing could.
    """
    found = find_host(change.store, new, change.now)
    if isinstance(found, Cause) and found.code == "no-shared-host":
        raise NotFoundError(
            f"no instance of {new.release_url} (type {new.software_type}) can serve a shared one",
            status=404,
            hint=f"request an instance of {new.release_url} that is not shared first",
        )


def _check_no_circle(reader: Reader, requester: StoredInstance, child: StoredInstance) -> None:
    above: StoredInstance | None = requester
    while above is not None:
        if above.key == child.key:
            raise BadRequest(
                f"{requester.title} cannot request {child.title}, which it descends from",
                status=400,
                hint="choose another reference",
            )
        above = None if above.requester_key is None else reader.instance(above.requester_key)


def subtree(reader: Reader, instance: StoredInstance) -> list[StoredInstance]:
    """The instance and all below it that live, parents before their children."""
    found, at = [instance], 0
    while at < len(found):
        found += reader.children(found[at].key)
        at += 1
    return found


def _again(change: Change, instance: StoredInstance) -> StoredInstance:
    return change.store.instance(instance.key) or instance
