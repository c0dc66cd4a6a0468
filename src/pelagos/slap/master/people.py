"""People who leave: what they own is handed over or destroyed first; nobody inherits a name."""

from __future__ import annotations

from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity, Kind, operators_only
from pelagos.slap.master.certificates import shut_out
from pelagos.slap.master.changing import destroy, end
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.placement import place_waiting
from pelagos.slap.master.store import StoredComputer, StoredInstance, StoredPerson
from pelagos.slap.master.tokens import LISTED, check_not_last, listed
from pelagos.slap.master.visibility import scope

#: Services of one owner that are read at once.
_PAGE = 500


class People(UseCases):
    """Who is there, and who goes."""

    def people(self, identity: Identity | None = None) -> list[StoredPerson]:
        """All, by name; a tenant knows of himself only."""
        sees = scope(identity)
        with self._desk.store.read() as reader:
            return [
                item
                for item in reader.people()
                if sees.is_unlimited or sees.actor == _actor(item.name)
            ]

    def hand_over(self, former: str, later: str, identity: Identity) -> None:
        """Give one person all that another owns: services, computers, invitations, their past.

        Raises:
            Unauthorized: a tenant asks.
            NotFoundError: one of them is not known.
            BadRequest: they are the same.
            Conflict: both have something of one name; or the other is a tenant and would see
                the parameters of those whom the services serve.
        """
        operators_only(identity)
        if former == later:
            raise BadRequest(f"{former} has it already", status=400, hint="name another person")
        with self._desk.change(identity) as change:
            self._check_known(change, former)
            if change.store.person(later) is None:
                raise _unknown(later)
            actors = (_actor(former), _actor(later))
            clashes = change.store.common_titles(*actors, LISTED)
            if clashes:
                raise Conflict(
                    f"{former} and {later} both have one of the name {', '.join(clashes)}; "
                    "nothing was handed over",
                    status=409,
                    hint="give one of them another name: pelagos service rename GUID NAME",
                )
            if actors[1] not in change.store.operators():
                _check_hosts(change, *actors)
                change.store.drop_invitations(actors[0], besides_own=True)
            change.store.hand_over(*actors)
            place_waiting(self._desk, change)  # the other one's computers take them, too
            said = causes.plain("ok", f"all of {former} was handed over to {later}", change.now)
            change.record("person.handed-over", former, former, said)

    def remove_person(self, name: str, identity: Identity, *, destroy: bool = False) -> int:
        """End a person's credentials and forget the person, who owns nothing any more.

        Args:
            name: whose.
            identity: who asks.
            destroy: destroy the services first. The person's computers are no longer let in, and
                are left to the site, drained; what ran on them counts as gone. The name is free
                when the last service is gone.

        Returns:
            How many services are still being destroyed.

        Raises:
            NotFoundError: there is no such person.
            Unauthorized: a tenant asks.
            Conflict: he is the last operator, or owns something and not `destroy`.
        """
        operators_only(identity)
        actor = _actor(name)
        with self._desk.change(identity) as change:
            self._check_known(change, name)
            check_not_last(change, name)
            owned = change.store.holdings(actor, LISTED)
            if owned and not destroy:
                raise Conflict(
                    f"{name} owns {listed(owned)}; nothing was changed",
                    status=409,
                    hint=f"pelagos person hand-over {name} NAME keeps them, pelagos person remove "
                    f"{name} --destroy ends them; pelagos person certificate {name} --revoke "
                    "only locks the person out",
                )
            change.store.remove_person(name)
            change.store.void(Kind.PERSON, [name], change.now)
            change.store.drop_invitations(actor)
            self._destroy_all(change, actor)
            left = change.store.holdings(actor, 0).count
            what = f"; {left} services are being destroyed" if left else ""
            said = causes.plain("ok", f"{name} was removed{what}", change.now)
            change.record("person.removed", name, name, said)
            return left

    def _check_known(self, change: Change, name: str) -> None:
        if change.store.person(name) is None and not change.store.holdings(_actor(name), 0):
            raise _unknown(name)

    def _destroy_all(self, change: Change, actor: str) -> None:
        found = [change.store.computer(name) for name in change.store.computers_of(actor)]
        computers = [item for item in found if item is not None]
        for computer in computers:
            shut_out(change, computer)
            change.store.update_computer(computer.key, owner="", draining=True)
        for root in _roots(change, actor):
            if not root.is_destroying:
                destroy(self._desk, change, root)
        for computer in computers:
            self._give_up(change, computer, actor)

    def _give_up(self, change: Change, computer: StoredComputer, actor: str) -> None:
        """What is being destroyed on a computer that is not let in any more is gone."""
        for seated in reversed(change.store.instances_of_computer(computer.key)):
            instance = change.store.instance(seated.key)
            if instance is None or not instance.is_live or instance.owner != actor:
                continue
            if change.store.children(instance.key):
                change.store.update_instance(instance.key, wiped=True)
            else:
                end(self._desk, change, instance)


def _roots(change: Change, actor: str) -> list[StoredInstance]:
    found: list[StoredInstance] = []
    after = 0
    while page := change.store.live_page(after, _PAGE, actor):
        found += [item for item in page if item.root_key is None]
        after = page[-1].key
    return found


def _check_hosts(change: Change, former: str, later: str) -> None:
    hosts = change.store.hosts_of_others(former, later, LISTED)
    if hosts:
        raise Conflict(
            f"{', '.join(hosts)} serve others, whose parameters only an operator may see",
            status=409,
            hint="hand over to an operator",
        )


def _actor(name: str) -> str:
    return f"{Kind.PERSON}:{name}"


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no person {name}", status=404, hint="pelagos person list shows them all"
    )
