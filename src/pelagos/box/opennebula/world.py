"""What the daemon keeps: things by kind and id, changed as a whole or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pelagos.box.database import Database
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.grammar import Attributes
from pelagos.box.opennebula.kinds import KINDS, Kind
from pelagos.core.clock import Clock

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS one_things (
        kind TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS one_counters (
        kind TEXT NOT NULL PRIMARY KEY, next INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
)
#: Owner uses and manages, nobody else does anything.
PRIVATE = "110000000"


@dataclass(slots=True)
class Thing:
    """An object: what all kinds have, and in `more` what its kind has besides.

    Attributes:
        mode: nine permission bits: use, manage and admin of owner, group and others.
        lock: level, owner and time of a lock; None: there is none.
        more: only what JSON knows.
    """

    kind: str
    id: int
    name: str
    uid: int = 0
    gid: int = 0
    mode: str = PRIVATE
    lock: tuple[int, int, int] | None = None
    template: Attributes = field(default_factory=Attributes)
    more: dict[str, Any] = field(default_factory=dict)

    def written(self) -> str:
        """As JSON."""
        return json.dumps(
            [
                self.name, self.uid, self.gid, self.mode, self.lock, self.template.pairs,
                {
                    key: {"pairs": value.pairs} if isinstance(value, Attributes) else value
                    for key, value in self.more.items()
                },
            ]
        )  # fmt: skip

    @classmethod
    def read(cls, kind: str, number: int, body: str) -> Thing:
        """From JSON."""
        name, uid, gid, mode, lock, pairs, more = json.loads(body)
        kept = {
            key: Attributes(value["pairs"])
            if isinstance(value, dict) and set(value) == {"pairs"}
            else value
            for key, value in more.items()
        }
        held = None if lock is None else (lock[0], lock[1], lock[2])
        return cls(kind, number, name, uid, gid, mode, held, Attributes(pairs), kept)


class World:
    """All things of an OpenNebula; safe to share between threads, one call at a time.

    Args:
        clock: tells all times.
        tick: what happens by itself as time goes by, called before each call.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.RLock()
        self._things: dict[str, dict[int, Thing]] = {kind.word: {} for kind in KINDS}
        self._things["acl"] = {}
        self._changed: set[tuple[str, int]] = set()
        self.ticks: list[Callable[[], None]] = []
        rows = database.read().execute("SELECT kind, id, body FROM one_things ORDER BY kind, id")
        for row in rows:
            self._things[row["kind"]][row["id"]] = Thing.read(row["kind"], row["id"], row["body"])
        self._next = {
            row["kind"]: row["next"]
            for row in database.read().execute("SELECT kind, next FROM one_counters")
        }

    @property
    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._clock.time()

    def run(self, work: Callable[[], Any]) -> Any:
        """Do it as one change: kept as a whole, or undone when it raises."""
        with self._lock:
            for tick in self.ticks:
                tick()
            self._keep()
            try:
                result = work()
            except BaseException:
                self._undo()
                raise
            self._keep()
            return result

    def all(self, kind: Kind | str) -> Iterable[Thing]:
        """All of a kind, the oldest first."""
        word = kind if isinstance(kind, str) else kind.word
        return self._things[word].values()

    def find(self, kind: Kind | str, number: int) -> Thing | None:
        """The one of that id."""
        return self._things[kind if isinstance(kind, str) else kind.word].get(number)

    def get(self, kind: Kind, number: int) -> Thing:
        """The one of that id.

        Raises:
            Failure: there is none.
        """
        found = self.find(kind, number)
        if found is None:
            raise Failure(Code.NO_EXISTS, f"Error getting {kind.label} [{number}].", number)
        return found

    def named(self, kind: Kind, name: str, uid: int | None = None) -> Iterator[Thing]:
        """Those of that name, of one owner when it is given."""
        return (
            one for one in self.all(kind) if one.name == name and (uid is None or one.uid == uid)
        )

    def add(self, kind: Kind | str, thing: Callable[[int], Thing], first: int = 0) -> Thing:
        """Keep a new one under the next id."""
        word = kind if isinstance(kind, str) else kind.word
        number = max(self._next.get(word, 0), first)
        made = thing(number)
        self._next[word] = number + 1
        self._things[word][number] = made
        self.save(made)
        return made

    def save(self, thing: Thing) -> None:
        """Remember that it changed."""
        self._changed.add((thing.kind, thing.id))

    def remove(self, thing: Thing) -> None:
        """Forget it."""
        del self._things[thing.kind][thing.id]
        self.save(thing)

    def _keep(self) -> None:
        if not self._changed:
            return
        with self._database.change() as connection:
            for word, number in self._changed:
                thing = self._things[word].get(number)
                if thing is None:
                    connection.execute(
                        "DELETE FROM one_things WHERE kind = ? AND id = ?", (word, number)
                    )
                else:
                    connection.execute(
                        "INSERT OR REPLACE INTO one_things VALUES (?, ?, ?)",
                        (word, number, thing.written()),
                    )
            for word in {word for word, _ in self._changed} & self._next.keys():
                connection.execute(
                    "INSERT OR REPLACE INTO one_counters VALUES (?, ?)", (word, self._next[word])
                )
        self._changed.clear()

    def _undo(self) -> None:
        for word, number in self._changed:
            row = (
                self._database.read()
                .execute("SELECT body FROM one_things WHERE kind = ? AND id = ?", (word, number))
                .fetchone()
            )
            if row is None:
                self._things[word].pop(number, None)
            else:
                self._things[word][number] = Thing.read(word, number, row["body"])
        self._changed.clear()
