"""Names that the plane, its directory and its bus know, for completion, when they answer at once.

What is loaded for it is a socket: the clients would cost more than a person waits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pelagos.core.errors import PelagosError

if TYPE_CHECKING:  # not for a cycle: a word that is no name of ours pays nothing
    from pelagos.cli.context import Context
    from pelagos.messaging.dead.letters import DeadLetter

_MOST = 200
"""More would be no help to who types."""

_MOST_DEAD = 20
"""Dead letters: who looks at them holds them, and a retry of all at that moment misses those."""

_ANSWERS = 3
"""Answers that a name may need."""

_OF_MASTER: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "service": (("v1/services", "services", "reference", "status"),),
    "computer": (("v1/computers", "", "computer_id", ""),),
    "release": (("v1/releases", "", "url", "computer_id"),),
    "person": (("v1/people", "", "name", "role"),),
    "capacity": (("v1/capacity", "capacities", "name", "state"),),
    "machine": (("v1/capacity", "machines", "name", "state"),),
}
"""Path, where in the answer the things are, what is offered, and what is said of it."""
_OF_MASTER["thing"] = _OF_MASTER["service"] + _OF_MASTER["computer"] + _OF_MASTER["release"]


def names(
    kind: str, context: Context, words: Sequence[str], given: Sequence[str], timeout: float
) -> Iterator[tuple[str, str]]:
    """Names and a word about each; nothing when something fails, or takes longer.

    Args:
        kind: one of those of `Operand`.
        context: of a line that is not whole yet.
        words: those of the line, with its options.
        given: the operands before.
        timeout: seconds for each answer; all of it may take some of them.
    """

    def find() -> Iterable[tuple[str, str]]:
        if kind in _OF_DIRECTORY:
            return _OF_DIRECTORY[kind](context, words, given, timeout)
        if kind in _OF_BUS:
            return _OF_BUS[kind](context, words, timeout)
        return _of_master(context, kind, timeout)

    yield from within(_ANSWERS * timeout, find)[:_MOST]


def within(timeout: float, find: Callable[[], Iterable[tuple[str, str]]]) -> list[tuple[str, str]]:
    """What is found; nothing when it fails or takes longer: that goes on unseen, and dies last."""
    from threading import Thread

    found: list[tuple[str, str]] = []

    def work() -> None:
        try:
            found.extend(find())
        except (PelagosError, OSError, ValueError, KeyError, TypeError, AttributeError):
            found.clear()  # no answer, or none that is read here

    worker = Thread(target=work, daemon=True)
    worker.start()
    worker.join(timeout)
    return [] if worker.is_alive() else found


def _of_master(context: Context, kind: str, timeout: float) -> Iterator[tuple[str, str]]:
    for path, where, key, about in _OF_MASTER.get(kind, ()):
        found = context.glance(path, timeout)
        if where and isinstance(found, dict):  # of pages the first: more would not be read anyway
            found = found.get(where)
        for one in found or ():
            yield str(one.get(key, "")), str(one.get(about, ""))


# ---- the directory


def _sources(context: Context, *_: Any) -> Iterator[tuple[str, str]]:
    for one in _items(context, "sources"):
        yield str(one["name"]), str(one.get("backend", ""))


def _phonebooks(context: Context, words: Sequence[str], *_: Any) -> Iterator[tuple[str, str]]:
    for one in _books(context, words):
        yield str(one["name"]), str(one.get("description") or "")


def _own_contacts(context: Context, *_: Any) -> Iterator[tuple[str, str]]:
    yield from map(_contact, _items(context, "personal"))


def _contacts(
    context: Context, words: Sequence[str], given: Sequence[str], *_: Any
) -> Iterator[tuple[str, str]]:
    """Those of the phonebook that the line names."""
    for key in ("name", "id"):
        for one in _books(context, words):
            if given and str(one[key]) == given[0]:
                path = f"{_shelf(words)}/{one['id']}/contacts?limit={_MOST}"
                yield from map(_contact, _items(context, path))
                return


_OF_DIRECTORY: dict[str, Callable[..., Iterator[tuple[str, str]]]] = {
    "source": _sources,
    "phonebook": _phonebooks,
    "contact": _own_contacts,
    "phonebook-contact": _contacts,
}


def _items(context: Context, path: str) -> list[dict[str, Any]]:
    found = context.glance_directory(f"0.1/{path}", patience(context))
    items: list[dict[str, Any]] = found["items"] if found else []
    return items


def _books(context: Context, words: Sequence[str]) -> list[dict[str, Any]]:
    return _items(context, f"{_shelf(words)}?limit={_MOST}")


def _shelf(words: Sequence[str]) -> str:
    from urllib.parse import quote

    from pelagos.cli.main import said

    return f"tenants/{quote(said(words, '--tenant') or 'default', safe='')}/phonebooks"


def _contact(one: dict[str, Any]) -> tuple[str, str]:
    about = [str(value) for key, value in one.items() if key != "id" and value]
    return str(one["id"]), " ".join(about)


# ---- the bus


def _letters(context: Context, words: Sequence[str], timeout: float) -> Iterator[tuple[str, str]]:
    for one in _dead(context, words, timeout):
        yield one.id, f"{one.queue}: {one.cause}"


def _queues(context: Context, words: Sequence[str], timeout: float) -> Iterator[tuple[str, str]]:
    for queue in dict.fromkeys(one.queue for one in _dead(context, words, timeout)):
        yield queue, "where letters died"


def _usual(*_: Any) -> Iterator[tuple[str, str]]:
    yield "pelagos.dead", "the usual one"


_OF_BUS: dict[str, Callable[..., Iterator[tuple[str, str]]]] = {
    "dead-queue": _usual,
    "dead-letter": _letters,
    "died-in": _queues,
}


def _dead(context: Context, words: Sequence[str], timeout: float) -> list[DeadLetter]:
    """Dead letters, where a broker listens; without one messaging is not even loaded."""
    from pelagos.cli.main import said

    url = said(words, "--bus") or _bus(context)
    if not url or not _listens(url, timeout):
        return []
    from pelagos.messaging import connect
    from pelagos.messaging.dead.letters import DeadLetters

    queue = said(words, "--dead-letters")
    bus = connect(url)
    letters = DeadLetters(bus, queue) if queue else DeadLetters(bus)
    return letters.list(_MOST_DEAD)


def _bus(context: Context) -> str:
    from pelagos.plane.sections import BusConfig

    bus = context.config.of(BusConfig)
    if named := context.environ.get("PELAGOS_BUS"):
        return named
    if not bus.broker:
        return bus.url
    from pelagos.core.files import read_token

    return read_token(context.data / "bus") or ""


def _listens(url: str, timeout: float) -> bool:
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if not parts.scheme.startswith("amqp") or not parts.hostname or "," in parts.netloc:
        return False
    port = parts.port or (5671 if parts.scheme.startswith("amqps") else 5672)
    try:
        socket.create_connection((parts.hostname, port), timeout).close()
    except OSError:
        return False
    return True


def patience(context: Context) -> float:
    """Seconds that an answer may take."""
    try:
        return context.plane.completion_timeout
    except PelagosError:
        from pelagos.plane.sections import PlaneConfig

        return PlaneConfig().completion_timeout


def context_of(words: Sequence[str]) -> Context:
    """The context of a line that is not whole yet."""
    from pelagos.cli.command_base import GLOBAL_ARGUMENTS
    from pelagos.cli.context import Context
    from pelagos.cli.main import said

    valued = {key: one.name for key, one in GLOBAL_ARGUMENTS.items() if one.arity}
    return Context(
        {key: said(words, option) for key, option in valued.items()}, environ=os.environ
    )
