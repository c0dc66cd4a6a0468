"""Statements by the driver's short way: compiled once, run on its own cursor, rows as tuples.

A request is a dozen small statements, and what SQLAlchemy does around each costs more than most
of them. Those that every call needs go this way; the others, and those whose text depends on
their values, go the ordinary one. Both may be mixed in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

#: One row, in the order of the statement's columns.
Row = tuple[Any, ...]


class Prepared:
    """A statement that is compiled when it is first run on a kind of database.

    Args:
        statement: without parameters that stand for several values.
        columns: that an INSERT or UPDATE sets, when not all.
    """

    def __init__(self, statement: sa.Executable, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._forms: dict[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {}

    def form(self, dialect: sa.Dialect) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
        """Its text, and what makes the driver's parameters of named values."""
        found = self._forms.get(dialect.name)
        if found is None:
            found = self._forms[dialect.name] = self._compiled(dialect)
        return found

    def _compiled(self, dialect: sa.Dialect) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
        compiled: Any = self._statement.compile(  # type: ignore[attr-defined]  # of all of ours
            dialect=dialect, column_keys=self._columns
        )
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        if not dialect.positional:
            return str(compiled), (lambda values: {**fixed, **values}) if fixed else dict
        order = tuple(compiled.positiontup)
        if not fixed:
            return str(compiled), lambda values: [values[name] for name in order]
        return str(compiled), lambda values: [
            values[name] if name in values else fixed[name] for name in order
        ]


class Lean:
    """Runs prepared statements in the transaction of a connection."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self._driver: Any = connection.connection.driver_connection

    def rows(self, prepared: Prepared, values: Mapping[str, Any]) -> list[Row]:
        """All rows."""
        found: list[Row] = self._run(prepared, values, lambda cursor: cursor.fetchall())
        return found

    def first(self, prepared: Prepared, values: Mapping[str, Any]) -> Row | None:
        """The first row."""
        found: Row | None = self._run(prepared, values, lambda cursor: cursor.fetchone())
        return found

    def run(self, prepared: Prepared, values: Mapping[str, Any]) -> None:
        """A statement that returns nothing."""
        self._run(prepared, values, lambda _: None)

    def _run(
        self, prepared: Prepared, values: Mapping[str, Any], fetch: Callable[[Any], Any]
    ) -> Any:
        text, parameters = prepared.form(self._dialect)
        cursor = self._driver.cursor()
        try:
            cursor.execute(text, parameters(values))
            return fetch(cursor)
        except self._dialect.loaded_dbapi.Error as error:
            raise failure(self._connection, text, error) from error
        finally:
            cursor.close()


def failure(connection: sa.Connection, text: str, error: Any) -> Exception:
    """The driver's error as SQLAlchemy raises it; a broken connection is not used again."""
    broken = connection.dialect.is_disconnect(error, connection.connection, None)
    if broken:
        connection.invalidate(error)
    found: Exception = exc.DBAPIError.instance(
        text,
        None,
        error,
        connection.dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=broken,
    )
    return found
