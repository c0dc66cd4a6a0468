"""What is known of HISTORY_RECORDS. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import children
from pelagos.one.results.types.history import History


class HistoryRecords(Element):
    """HISTORY_RECORDS."""

    HISTORY = children(History, "HISTORY")
