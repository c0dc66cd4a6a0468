"""How things of a cloud are worded for a person: ages, addresses, sizes, tables of one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pelagos.cli.cloud.command import Record
from pelagos.cli.command_base import Command
from pelagos.cli.moment import ago, clock_and_ago
from pelagos.cli.output import Column

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024


def show_record(command: Command, record: Record, head: Mapping[str, Any]) -> None:
    """Print one thing: to a person what counts, to a program the cloud's whole record.

    Args:
        command: of which --output and --columns count.
        record: as the cloud has it.
        head: the lines of the table; empty values are left out.
    """
    output = command.context.output
    is_brief = output.is_table and not command["columns"]
    output.show_one({key: as_shown(value) for key, value in head.items()} if is_brief else record)


def as_shown(value: Any) -> str:
    """A value on one line.

    >>> as_shown({"os": "debian", "users": "root"}), as_shown(["a", 2]), as_shown(None)
    ('os=debian, users=root', 'a, 2', '')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={one}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def instant(text: Any) -> float | None:
    """Seconds since 1970 of a time as clouds write it, in UTC when it does not say; else None.

    >>> instant("2026-07-14T09:30:00Z"), instant("2026-07-14T09:30:00.000000"), instant("soon")
    (1784021400.0, 1784021400.0, None)
    """
    from datetime import UTC, datetime

    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def since(command: Command, key: str, title: str = "") -> Column:
    """A column with the age of a time that a cloud wrote."""
    now = command.context.clock.time()

    def show(text: Any) -> str:
        at = instant(text)
        return as_shown(text) if at is None else ago(at, now)

    return Column(key, title, show)


def when(command: Command, text: Any) -> str:
    """A time that a cloud wrote, by the clock on the wall, and how long ago that is."""
    at = instant(text)
    return as_shown(text) if at is None else clock_and_ago(at, command.context.clock.time())


def size(count: Any) -> str:
    """Bytes in their largest fitting unit.

    >>> size(0), size(1536), size(None)
    ('0 B', '1.5 KiB', '')
    """
    if isinstance(count, bool) or not isinstance(count, int | float):
        return as_shown(count)
    left = float(count)
    for unit in _UNITS:
        if left < _STEP or unit == _UNITS[-1]:
            break
        left /= _STEP
    return f"{left:.1f}".removesuffix(".0") + f" {unit}"


def addresses(server: Record) -> dict[str, list[str]]:
    """The addresses of a server by network."""
    found = server.get("addresses")
    if not isinstance(found, Mapping):
        return {}
    return {str(network): [_address(one) for one in cards] for network, cards in found.items()}


def addresses_text(server: Record) -> str:
    """All addresses of a server on one line."""
    return ", ".join(one for cards in addresses(server).values() for one in cards)


def _address(card: Any) -> str:
    return str(card.get("addr", "")) if isinstance(card, Mapping) else str(card)


def names_of(records: Iterable[Record]) -> dict[str, str]:
    """Names by id."""
    return {str(one.get("id")): str(one.get("name") or "") for one in records}


def with_keys(records: Iterable[Record], **made: Any) -> list[dict[str, Any]]:
    """The records, each with further keys, made by functions of the record."""
    return [{**one, **{key: make(one) for key, make in made.items()}} for one in records]


def first_of(record: Record, keys: Sequence[str]) -> Any:
    """What a record has under the first of these keys that says something."""
    return next((record[key] for key in keys if record.get(key) not in (None, "", [], {})), None)
