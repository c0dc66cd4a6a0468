"""What is known of RAFT. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import integer


class Raft(Element):
    """RAFT."""

    SERVER_ID = integer()
    STATE = integer()
    TERM = integer()
    VOTEDFOR = integer()
    COMMIT = integer()
    LOG_INDEX = integer()
    LOG_TERM = integer()
    FEDLOG_INDEX = integer()
