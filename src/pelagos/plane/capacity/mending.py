"""What is put right in the book before it is worked on: late times, and what it cannot know. Pure.

The clock may have been set back since a time was written, and the book may be an older one that
was brought back from a backup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pelagos.plane.capacity.base import Machine, MachineState
from pelagos.plane.capacity.ledger import Book, Kept, Phase

#: Seconds for which no machine is begun after failures, at the most.
COOLING_LIMIT = 3600.0


def without_future(book: Book, capacity: str, now: float) -> Book:
    """With no time of a capacity later than now: nothing waits until a clock has caught up."""
    for one in book.of(capacity):
        earlier = replace(
            one,
            since=min(one.since, now),
            begun=min(one.begun, now),
            last_asked=min(one.last_asked, now),
            idle_since=None if one.idle_since is None else min(one.idle_since, now),
        )
        book = book.having(earlier)
    record = book.record(capacity)
    begun = tuple(min(at, now) for at in record.begun)
    blocked_until = min(record.blocked_until, now + COOLING_LIMIT)
    return book.noting(capacity, replace(record, begun=begun, blocked_until=blocked_until))


def caught_up(book: Book, capacity: str, prefix: str, seen: Sequence[Machine], now: float) -> Book:
    """With the machines of numbers that the book never gave: a later book, now lost, did.

    Services may sit on them, so they are taken in as joined, and a person decides. No number is
    given again.

    Args:
        prefix: how the names of the capacity's machines begin.
        seen: what the cloud lists.
    """
    numbers = {one.name: _number(one.name, prefix) for one in seen}
    record = book.record(capacity)
    unasked = [
        one
        for one in book.of(capacity)
        if one.phase is Phase.PLANNED and not one.asked and one.name in numbers
    ]
    theirs = {one.name for one in unasked}
    later = [one for one in seen if numbers[one.name] > record.highest or one.name in theirs]
    if not later:
        return book
    count = max(book.count, *numbers.values())
    for one in unasked:  # it was to be made under a name that is taken
        count += 1
        book = book.without(one.name).having(replace(one, name=f"{prefix}{count}"))
    book = replace(book, count=count).noting(capacity, replace(record, highest=count))
    for machine in later:
        is_leaving = machine.state is MachineState.REMOVING
        if book.machine(machine.name) is None and not is_leaving:
            found = Kept(
                machine.name, capacity, Phase.JOINED, now, now, key=machine.key,
                addresses=machine.addresses, reason="found in the cloud",
            )  # fmt: skip
            book = book.having(found)
    return book


def _number(name: str, prefix: str) -> int:
    digits = name.removeprefix(prefix)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0  # noqa: PLR2004
