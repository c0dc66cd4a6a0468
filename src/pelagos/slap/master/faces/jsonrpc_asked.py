"""One method of the JSON-RPC interface, and one call of it as its work sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.slap import protocol
from pelagos.slap.errors import NotFoundError
from pelagos.slap.master.auth import Identity, permit
from pelagos.slap.master.faces.call import Call
from pelagos.slap.master.faces.json_shape import Schema
from pelagos.slap.master.service import Service
from pelagos.slap.master.store import StoredInstance


@dataclass(frozen=True, slots=True)
class Asked:
    """A call whose input has the right shape.

    Attributes:
        sent: the input.
        right: the call of SLAP that does the same, for the table of rights; empty: none does, and
            what the caller sees is all that he is answered.
    """

    service: Service
    call: Call
    sent: Mapping[str, Any]
    right: str = ""

    @property
    def identity(self) -> Identity:
        """Who asks."""
        return self.call.identity

    @property
    def url(self) -> str:
        """The release that the call names."""
        return protocol.text_field(self.sent, "software_release_uri", limit=protocol.URL_LIMIT)

    def computer(self) -> str:
        """The computer that the call names.

        Raises:
            Unauthorized: the caller has no right to make this call about it.
        """
        computer_id = protocol.text_field(self.sent, "computer_guid")
        if self.right:
            permit(self.identity, self._right(), computer_id, self.identity.partition_id)
        return computer_id

    def instance(self) -> StoredInstance:
        """The instance that the call names.

        Raises:
            NotFoundError: the caller sees no such one.
        """
        guid = protocol.text_field(self.sent, "instance_guid")
        return self.service.instance_by_guid(guid, self.identity)

    def place(self, row: StoredInstance) -> tuple[str, str]:
        """Where an instance sits.

        Raises:
            NotFoundError: it has no place yet.
            Unauthorized: the caller has no right to make this call about it.
        """
        if row.computer_id is None or row.partition_id is None:
            raise NotFoundError(
                f"{row.title} has no place yet",
                status=404,
                hint=f"ask again later; pelagos why {row.title} says what it waits for",
            )
        permit(self.identity, self._right(), row.computer_id, row.partition_id)
        return row.computer_id, row.partition_id

    def about(self) -> tuple[StoredInstance, tuple[str, str]]:
        """The instance that the call names, and where it sits; raises as `instance`, `place`."""
        row = self.instance()
        return row, self.place(row)

    def _right(self) -> str:
        return self.right.format_map(self.sent)


Work = Callable[[Asked], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        shape: of its input.
        right: as in `Asked`; fields of the input stand in braces.
    """

    name: str
    shape: Schema
    work: Work
    right: str = ""


def rows(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer of a listing."""
    return {"result_list": list(found)}


def success(title: str) -> dict[str, Any]:
    """The answer of a change."""
    return {"type": "success", "title": title}
