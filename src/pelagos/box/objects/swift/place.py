"""A request for one object: who asks, and where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pelagos.box.objects.store import Container
from pelagos.box.objects.swift.access import Access
from pelagos.box.web import Request


@dataclass(frozen=True, slots=True)
class Place:
    """A request for one object.

    Attributes:
        reach: another container of the same account, of which the caller may read.
    """

    request: Request
    rights: Access
    container: Container
    name: str
    _reach: Callable[[Access, Request, str], Container]

    def reach(self, container: str) -> Container:
        """See the class.

        Raises:
            Refused: it is not there, or not for the caller.
        """
        return self._reach(self.rights, self.request, container)
