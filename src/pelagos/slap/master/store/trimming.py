"""The log of events at its old end: where it begins, and how it is cut."""

from __future__ import annotations

import sqlalchemy as sa

from pelagos.slap.master.store import schema

_events, _facts = schema.events.c, schema.facts.c

_IS_THE_FACT = _facts.name == schema.TRIMMED_FACT
_TRIMMED_TO = sa.select(_facts.value).where(_IS_THE_FACT)
_ENDS = sa.select(sa.func.min(_events.id), sa.func.max(_events.id))
_FIRST_YOUNG = sa.select(sa.func.min(_events.id)).where(
    _events.at >= sa.bindparam("before"), _events.id <= sa.bindparam("last")
)
_CUT = sa.delete(schema.events).where(_events.id <= sa.bindparam("last"))


class TrimmingReader:
    """What is asked of the log's old end; see `Reader`."""

    _connection: sa.Connection

    def events_trimmed_to(self) -> int:
        """Id of the last event that is no longer kept; 0 when all are."""
        return int(self._connection.execute(_TRIMMED_TO).scalar() or 0)


class TrimmingWriter(TrimmingReader):
    """How it is cut; see `Writer`."""

    def trim_events(self, before: float, kept: int, step: int) -> bool:
        """Forget the oldest events, a step of them at the most.

        Args:
            before: only those that are older (Unix seconds).
            kept: about how many of the newest stay, whatever their age.
            step: how many ids one call goes through.

        Returns:
            Whether there may be more to forget.
        """
        oldest, newest = self._connection.execute(_ENDS).one()
        if oldest is None:
            return False
        last = min(newest - kept, oldest + step - 1)
        if last < oldest:
            return False
        # Times rise with ids, but where a clock was set back: then the young ones stop the cut.
        young = self._connection.execute(_FIRST_YOUNG, {"before": before, "last": last}).scalar()
        if young is not None:
            last = young - 1
        if last < oldest:
            return False
        self._connection.execute(_CUT, {"last": last})
        self._connection.execute(sa.delete(schema.facts).where(_IS_THE_FACT))
        self._connection.execute(
            sa.insert(schema.facts).values(name=schema.TRIMMED_FACT, value=str(last))
        )
        return young is None and last < newest - kept
