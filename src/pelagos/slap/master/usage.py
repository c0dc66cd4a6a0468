"""Usage: reports of computers checked and kept, and their movements told to who may see them."""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.slap import tio
from pelagos.slap.errors import BadRequest
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.finding import (
    check_changeable,
    find_named,
    unknown_computer,
    unknown_service,
)
from pelagos.slap.master.store import Reader
from pelagos.slap.master.store.usages import NewMovement, UsageQuestion
from pelagos.slap.master.visibility import Scope, scope

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class UsageWish:
    """What somebody asks of usage.

    Attributes:
        service: name or guid; a root stands for its whole tree.
        since: Unix seconds.
        until: Unix seconds; None for now.
    """

    service: str | None = None
    computer_id: str | None = None
    since: float = 0.0
    until: float | None = None
    limit: int = 1000


class Usages(UseCases):
    """Part of `Service`."""

    def use_computer(self, computer_id: str, report: str, identity: Identity) -> None:
        """Keep a usage report; the same once more changes nothing.

        Raises:
            NotFoundError: the computer is unknown.
            BadRequest: the report is no journal; says where.
        """
        try:
            transactions = tio.read_journal(report.encode("utf-8", "replace"))
        except tio.TioError as error:
            raise BadRequest(
                f"the usage report cannot be taken: {error.message}",
                status=400,
                hint="send a TioXML journal, as docs/reference/http-api.md says",
            ) from error
        with self._desk.change(identity) as change:
            check_changeable(change.store, computer_id, change.scope)
            if change.store.computer(computer_id) is None:
                raise unknown_computer(computer_id)
            change.store.trim_usage(computer_id, change.now - self._desk.settings.usage_lifetime)
            if transactions and not change.store.has_usage(computer_id, report, change.now):
                rows = [
                    _new(change, computer_id, movement, transaction)
                    for transaction in transactions
                    for movement in transaction.movements
                ]
                change.store.add_usage(computer_id, change.now, report, rows)

    def usage(self, wish: UsageWish, identity: Identity) -> list[tio.UsageRow]:
        """The movements that an identity may see, the newest first.

        Raises:
            NotFoundError: there is no such service or computer, as far as it sees.
        """
        sees = scope(identity)
        with self._desk.store.read() as reader:
            if wish.computer_id is not None:
                computer = reader.computer(wish.computer_id)
                if computer is None or not sees.computer(computer):
                    raise unknown_computer(wish.computer_id)
            instances = None if wish.service is None else _tree(reader, wish.service, sees)
            return reader.usage(
                UsageQuestion(
                    instances=instances,
                    computer_id=wish.computer_id,
                    owner=sees.owner,
                    since=wish.since,
                    until=wish.until,
                    limit=max(1, min(wish.limit, _MOST)),
                )
            )


def _new(
    change: Change, computer_id: str, movement: tio.Movement, transaction: tio.Transaction
) -> NewMovement:
    partition_id = movement.reference
    instance = (
        change.store.instance_in_partition(computer_id, partition_id) if partition_id else None
    )
    is_partition = instance is not None or (
        bool(partition_id) and change.store.partition(computer_id, partition_id) is not None
    )
    return NewMovement(
        movement=movement,
        partition_id=partition_id if is_partition else None,
        instance_key=None if instance is None else instance.key,
        start=transaction.start,
        stop=change.now if transaction.stop is None else transaction.stop,
    )


def _tree(reader: Reader, name: str, sees: Scope) -> list[int]:
    """The keys of an instance and, when it is a root, of all below it."""
    found = find_named(reader, name, sees)
    if found is None:
        raise unknown_service(name)
    below = reader.descendants(found.key) if found.root_key in (None, found.key) else []
    return [found.key, *(one.key for one in below)]
