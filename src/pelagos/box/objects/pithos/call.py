"""One request to Pithos: who asks, for what, and in which format the answer is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.box.errors import Refused
from pelagos.box.objects.store import Container
from pelagos.box.web import Request

_FORMATS = ("json", "xml")


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        user_id: who asks.
        account: whose storage it is about.
        container, name: empty where the request is not about one.
        format: "json", "xml" or "text".
    """

    request: Request
    user_id: str
    account: str
    container: str = ""
    name: str = ""
    format: str = "json"

    @property
    def is_owner(self) -> bool:
        """Whether the storage is the caller's."""
        return self.user_id == self.account

    def has(self, key: str) -> bool:
        """Whether the query names it."""
        return key in self.request.query


def format_of(request: Request, *, lists: bool) -> str:
    """The format in which the answer is wanted.

    Args:
        lists: whether it is text when nothing is said.
    """
    default = "text" if lists else "json"
    told = request.query.get("format")
    if told is not None:
        return told if told in _FORMATS else "text"
    for kind in _FORMATS:
        if request.path.endswith(f".{kind}"):
            return kind
    accepted = request.header("Accept")
    for word in accepted.split(","):
        kind = word.partition(";")[0].strip().removeprefix("application/").removeprefix("text/")
        if kind in _FORMATS:
            return kind
        if kind == "plain":
            return "text"
    return default


def found(container: Container | None) -> Container:
    """The container.

    Raises:
        Refused: it is not there.
    """
    if container is None:
        raise Refused(404, "Container does not exist", name="itemNotFound")
    return container
