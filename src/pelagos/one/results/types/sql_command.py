"""What is known of SQL_COMMAND. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import child, templates, text


class SqlCommandResult(Element):
    """SQL_COMMAND/RESULT."""

    ROW = templates()


class SqlCommand(Element):
    """SQL_COMMAND."""

    QUERY = text()
    RESULT = child(SqlCommandResult, "RESULT")
