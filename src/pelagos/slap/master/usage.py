"""Usage: reports of computers checked and kept, and their movements told to who may see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pelagos.slap import tio
from pelagos.slap.errors import BadRequest
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.errors import TooLarge
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
_DAY = 86_400.0
#: Reports that a computer may send within a day, and their characters altogether. An agent sends
#: one an hour; together with `usage_lifetime` this bounds what a computer can fill.
_REPORTS_A_DAY = 1000
_CHARACTERS_A_DAY = 8 * 1024 * 1024


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
            TooLarge: the computer sent too many within a day.
        """
        try:
            transactions = tio.read_journal(report.encode("utf-8", "replace"))
        except tio.TioError as error:
            raise BadRequest(
                f"the usage report cannot be taken: {error.message}",
                status=400,
                hint="send a TioXML journal, as docs/reference/http-api.md says",
            ) from error
        with self._desk.store.read() as reader:
            check_changeable(reader, computer_id, scope(identity))
            seats = _seats(reader, computer_id)
        now = self._now()
        rows = [
            _new(seats, movement, transaction, now)
            for transaction in transactions
            for movement in transaction.movements
        ]
        with self._desk.change(identity) as change:
            check_changeable(change.store, computer_id, change.scope)
            change.store.trim_usage(computer_id, change.now - self._desk.settings.usage_lifetime)
            if rows and not change.store.has_usage(computer_id, report, change.now):
                _check_rate(change, computer_id, len(report))
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


def _check_rate(change: Change, computer_id: str, size: int) -> None:
    """Pass, when a computer has not sent too much already.

    Raises:
        TooLarge: it has; says when there is room again.
    """
    count, characters = change.store.usage_since(computer_id, change.now - _DAY)
    if count >= _REPORTS_A_DAY or characters + size > _CHARACTERS_A_DAY:
        raise TooLarge(
            f"{computer_id} has sent {count:,} usage reports with {characters:,} characters "
            f"within a day; at most {_REPORTS_A_DAY:,} with {_CHARACTERS_A_DAY:,} are kept",
            status=429,
            hint="send one report an hour, with one movement for each resource of a partition",
            retry_after=3600.0,
        )


def _seats(reader: Reader, computer_id: str) -> dict[str, int | None]:
    """The instance in each partition of a computer, None in a free one.

    Raises:
        NotFoundError: the computer is unknown.
    """
    computer = reader.computer(computer_id)
    if computer is None:
        raise unknown_computer(computer_id)
    seats: dict[str, int | None] = {
        slot.partition_id: None for slot in reader.partitions(computer.key)
    }
    for instance in reader.instances_of_computer(computer.key):
        seats[instance.partition_id or ""] = instance.key
    return seats


def _new(
    seats: Mapping[str, int | None],
    movement: tio.Movement,
    transaction: tio.Transaction,
    now: float,
) -> NewMovement:
    return NewMovement(
        movement=movement,
        partition_id=movement.reference if movement.reference in seats else None,
        instance_key=seats.get(movement.reference),
        start=transaction.start,
        stop=now if transaction.stop is None else transaction.stop,
    )


def _tree(reader: Reader, name: str, sees: Scope) -> list[int]:
    """The keys of an instance and, when it is a root, of all below it."""
    found = find_named(reader, name, sees)
    if found is None:
        raise unknown_service(name)
    below = reader.descendants(found.key) if found.root_key in (None, found.key) else []
    return [found.key, *(one.key for one in below)]
