"""Changes that wait for each other share one commit, so that they wait for the disk once.

Writers come one after another in any case. The one who has done its part leaves the transaction
open when another already waits; whoever finds nobody waiting commits for all. Each returns only
when its change is on disk. Who fails is undone alone, by a savepoint.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy import exc

from pelagos.slap.master.store.lean import Lean, Prepared

_SAVE = Prepared(sa.text("SAVEPOINT change"))
_UNDO = Prepared(sa.text("ROLLBACK TO SAVEPOINT change"))
#: Changes of one commit: the first of them waits for all, some 3 ms each.
_LIMIT = 16
#: Seconds after which one who waits for the commit sees to it: its turn may have been given up.
_PATIENCE = 1.0


class _Group:
    """One transaction and those who wait for its commit."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.size = 0
        self.ended = threading.Event()
        self.error: Exception | None = None


class Groups:
    """The queue of the writers of this process.

    Args:
        begin: opens a transaction that is the only writer.
        commit: makes it durable; says in our words when it cannot.
        words: a failure of the database in our words.
    """

    def __init__(
        self,
        begin: Callable[[], sa.Connection],
        commit: Callable[[sa.Connection], None],
        words: Callable[[exc.DBAPIError], Exception],
    ) -> None:
        self._begin = begin
        self._commit = commit
        self._words = words
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._open: _Group | None = None

    @contextmanager
    def change(self) -> Iterator[sa.Connection]:
        """One change: on disk when the block has ended, undone when it raised."""
        self._wait_for_turn()
        try:
            group = self._open
            if group is None:
                group = _Group(self._begin())
                step = self._alone(group)
            else:
                step = self._together(group)
            with step:
                yield group.connection
        finally:
            self._turn.release()
        self._wait_for_commit(group)

    def _wait_for_turn(self) -> None:
        with self._counting:
            self._waiting += 1
        try:
            self._turn.acquire()
        finally:
            with self._counting:
                self._waiting -= 1

    @contextmanager
    def _alone(self, group: _Group) -> Iterator[None]:
        """The first of a group: nobody else has to be undone with it."""
        try:
            yield
        except BaseException:
            group.connection.close()
            raise
        self._go_on(group)

    @contextmanager
    def _together(self, group: _Group) -> Iterator[None]:
        """One more of a group, that can be undone alone."""
        lean = Lean(group.connection)
        try:
            # The newest of that name is meant when one is undone; the commit ends them all.
            lean.run(_SAVE, {})
        except exc.DBAPIError as error:
            self._break(group, error)
            raise
        try:
            yield
        except BaseException as error:
            try:
                lean.run(_UNDO, {})
            except exc.DBAPIError as deeper:
                # The database has undone the whole: the disk is full, or the connection broke.
                self._break(group, error if isinstance(error, exc.DBAPIError) else deeper)
            else:
                self._go_on(group)
            raise
        self._go_on(group)

    def _go_on(self, group: _Group) -> None:
        """Leave the group to the next who waits, or end it."""
        group.size += 1
        if self._waiting and group.size < _LIMIT:
            self._open = group
        else:
            self._end(group)

    def _end(self, group: _Group) -> None:
        self._open = None
        try:
            self._commit(group.connection)
        except Exception as error:  # noqa: BLE001  # raised in all who wait for it
            group.error = error
        finally:
            with suppress(exc.SQLAlchemyError):
                group.connection.close()
            group.ended.set()

    def _break(self, group: _Group, error: exc.DBAPIError) -> None:
        self._open = None
        group.error = self._words(error)
        with suppress(exc.SQLAlchemyError):
            group.connection.close()
        group.ended.set()

    def _wait_for_commit(self, group: _Group) -> None:
        while not group.ended.wait(_PATIENCE):
            with self._turn:
                if self._open is group:
                    self._end(group)
        if group.error is not None:
            raise group.error
