"""What goes wrong in a box.

PelagosError
└── BoxError       the box cannot be opened, or was asked for what is not there
    └── Refused    a request is answered with an error
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.core.errors import PelagosError


class BoxError(PelagosError):
    """A box cannot be opened, or was asked for what is not there."""


class Refused(BoxError):
    """A request that is answered with an error, in the shape of the service that was asked.

    Attributes:
        status: the HTTP status.
        name: the fault's name where a service has names of its own; empty: the status says it.
        details: a further line, or what a relayed error said.
        headers: further headers of the answer.
        data: further keys of the fault.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        name: str = "",
        details: str = "",
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.details = details
        self.headers = dict(headers or {})
        self.data = data
