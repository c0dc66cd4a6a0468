"""The names in a container, a page of them at a time, with the folders that a delimiter makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pelagos.box.database import Database
from pelagos.box.objects.things import Container, Version, version_of

_BATCH = 500
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which names are asked for.

    Attributes:
        after: only names above this one.
        before: only names below this one; empty for all.
        is_reversed: from the last to the first; `after` and `before` change their roles.
        limit: how many at the most.
    """

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    before: str = ""
    is_reversed: bool = False
    limit: int = 10_000


def listed(
    database: Database, container: Container, asked: Asked, *, until: float | None = None
) -> Iterator[Version | str]:
    """Objects, and texts where a delimiter makes folders of several, in order of names.

    Args:
        until: as things were at that time.
    """
    low, high = asked.after, asked.before
    if asked.is_reversed:
        low, high = high, low
    sent, last = 0, ""
    while rows := _rows(database, container, asked, low, high, until):
        for version in rows:
            folder = _folder(version.name, asked)
            if folder and (folder == last or _was_before(folder, asked)):
                last = folder
                continue
            if sent >= asked.limit:
                return
            sent += 1
            last = folder
            yield folder or version
        name = rows[-1].name
        if asked.is_reversed:
            high = last or name
        else:
            low = last + _LAST if last else name


def history(database: Database, container: Container) -> list[Version]:
    """All versions of all names, by name, the youngest of a name first; GONE ones, too."""
    rows = database.read().execute(
        "SELECT * FROM versions WHERE container_id = ? ORDER BY name, serial DESC", (container.id,)
    )
    return [version_of(row) for row in rows]


def _folder(name: str, asked: Asked) -> str:
    if not asked.delimiter:
        return ""
    at = name.find(asked.delimiter, len(asked.prefix))
    return name[: at + len(asked.delimiter)] if at >= 0 else ""


def _was_before(folder: str, asked: Asked) -> bool:
    return bool(asked.after) and not asked.is_reversed and folder <= asked.after


def _rows(
    database: Database,
    container: Container,
    asked: Asked,
    low: str,
    high: str,
    until: float | None,
) -> list[Version]:
    where, values = ["container_id = ?", "name > ?"], [container.id, low]
    if asked.prefix:
        where += ["name >= ?", "name < ?"]
        values += [asked.prefix, asked.prefix + _LAST]
    if high:
        where.append("name < ?")
        values.append(high)
    if until is None:
        where.append("place = 0")
    else:
        where.append(
            "serial IN (SELECT MAX(serial) FROM versions WHERE container_id = ? AND modified <= ?"
            " GROUP BY name) AND place != 2"
        )
        values += [container.id, until]
    order = "DESC" if asked.is_reversed else "ASC"
    rows = database.read().execute(
        f"SELECT * FROM versions WHERE {' AND '.join(where)} ORDER BY name {order} LIMIT ?",
        (*values, min(_BATCH, asked.limit)),
    )
    return [version_of(row) for row in rows.fetchall()]
