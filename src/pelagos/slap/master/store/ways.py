"""What a kind of database must know how to do, for the store that uses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy import exc

from pelagos.slap.errors import SlapError
from pelagos.slap.master.store.announcing import Duty, Lead

#: Execution option of a transaction that changes things.
WRITES = "pelagos_writes"


@dataclass(frozen=True, slots=True)
class News:
    """What another master on the same database did.

    Attributes:
        events: whether it appended to the log.
        computer_id: the computer whose agent it gave `revision`; "" when none.
        missed: the connection broke: there may be more than was heard.
    """

    events: bool = False
    computer_id: str = ""
    revision: int = 0
    missed: bool = False


class Line(Protocol):
    """Hears of what other masters do, until it is closed."""

    @property
    def is_up(self) -> bool:
        """Whether nothing can be missed now."""
        ...

    def close(self) -> None:
        """Hear nothing any more."""
        ...


class Ways(Protocol):
    """One kind of database."""

    def attach(self, engine: sa.Engine) -> None:
        """Set up each new connection."""
        ...

    def reading(self, engine: sa.Engine) -> sa.Engine:
        """The engine whose transactions see one consistent state."""
        ...

    def lock(self, connection: sa.Connection) -> None:
        """Make the transaction that begins the only writer of the database."""
        ...

    def check(self, connection: sa.Connection) -> None:
        """Pass, when the database can keep what a master keeps.

        Raises:
            SlapError: it cannot.
        """
        ...

    def claim(self, connection: sa.Connection) -> None:
        """See that no master runs on the database, as far as it can tell, until the commit.

        Raises:
            StoreBusy: one does.
        """
        ...

    def begin_filling(self, connection: sa.Connection) -> None:
        """Check references at the commit, so that rows may come in any order."""
        ...

    def end_filling(self, connection: sa.Connection, last_event: int) -> None:
        """Have new rows numbered after those that were filled in.

        Args:
            connection: of the transaction.
            last_event: the highest id that an event ever had.
        """
        ...

    def tell(self, connection: sa.Connection, news: News) -> None:
        """Have other masters hear this after the commit."""
        ...

    def listen(self, engine: sa.Engine, heard: Callable[[News], None]) -> Line | None:
        """Hear what other masters do; None when there can be no other."""
        ...

    def lead(self, engine: sa.Engine, duty: Duty) -> Lead:
        """The right to a duty, which one master at a time has."""
        ...

    def error(self, error: exc.DBAPIError) -> SlapError:
        """A failure in our words."""
        ...
