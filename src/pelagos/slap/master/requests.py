"""Wishes: request an instance, change its state or name, supply a release."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.changing import again, rename, set_state, wake_host
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
from pelagos.slap.master.hosting import find_host
from pelagos.slap.master.placement import Placement, place_shared, place_waiting
from pelagos.slap.master.schemas import check_wish
from pelagos.slap.master.store import NewInstance, Reader, StoredInstance, unborn
from pelagos.slap.master.verdicts import judged
from pelagos.slap.master.visibility import may_place
from pelagos.slap.master.wishes import (
    Spot,
    answer_of,
    differences,
    given,
    instance_of,
    is_said_anew,
    locate,
    settled,
    stands,
)
from pelagos.slap.model import (
    Cause,
    Instance,
    InstanceRequest,
    InstanceState,
    SupplyState,
)

#: Instances that one may request: more are a mistake of its profile, as in the original master.
_CHILDREN_LIMIT = 100
#: A back-up is kept for a while after its end, also when nobody thought of saying so.
_PULL_BACKUP, _PULL_BACKUP_DAYS = "pull-backup", "7"


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
                spot = locate(reader, wish, identity)
                answer = settled(reader, spot, wish)
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
            set_state(self._desk, change, instance, state)
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
            if not rename(change, instance, title):
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
        spot = locate(change.store, wish, identity)
        created = self._grant(change, spot, wish, identity)
        if created is not None:
            return instance_of(created) if created.is_allocated else created.cause
        return answer_of(change.store, locate(change.store, wish, identity).found)

    def _flattened(self, wish: InstanceRequest) -> InstanceRequest:
        parameters = flat(wish.parameters)
        check_size(parameters, self._desk.settings.parameters_limit, "the parameters")
        filters = flat(wish.filters, "filters")
        check_size(filters, self._desk.settings.parameters_limit, "the filters")
        if wish.software_type == _PULL_BACKUP:
            filters.setdefault("retention_delay", _PULL_BACKUP_DAYS)
        return replace(wish, parameters=parameters, filters=filters)

    def _grant(
        self, change: Change, spot: Spot, wish: InstanceRequest, identity: Identity
    ) -> StoredInstance | None:
        """Do what a wish asks; the new instance, when nothing else than this one was touched."""
        found = spot.found
        if self._desk.settings.refuse_invalid_parameters and is_said_anew(spot, wish):
            check_wish(change.store, self._desk.verdicts, wish)
        if found is None:
            return self._create(change, spot, wish, identity)
        if not stands(spot, wish):
            self._alter(change, spot, found, wish)
        return None

    def _alter(
        self, change: Change, spot: Spot, found: StoredInstance, wish: InstanceRequest
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
            set_state(self._desk, change, again(change, found), wish.state)
        current = again(change, found)
        if current.is_live and not current.is_allocated:
            Placement(self._desk, change).place(current)

    def _create(
        self, change: Change, spot: Spot, wish: InstanceRequest, identity: Identity
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

    def _update(self, change: Change, spot: Spot, wish: InstanceRequest) -> None:
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
        changes = differences(found, wish)
        if "release_url" in changes:
            check_release(wish.release_url)
        if changes:
            change.alter(found, **changes)
            wake_host(change, found)
            names = ", ".join(sorted(changes)).replace("_", " ")
            cause = causes.plain("waiting-for-agent", f"changed: {names}", change.now)
            change.tell("instance.changed", found, cause, wake=True)


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
