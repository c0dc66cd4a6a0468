"""Back-end `sample`: one fixed contact, to see whether an installation answers at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import SourceError
from pelagos.directory.settings.source import COMMON_KEYS


class SampleBackend(BaseSourcePlugin):
    """John Doe, whatever is asked."""

    answers_from_memory = True
    tells_everyone_the_same = True

    CONTACT: ClassVar[Mapping[str, Any]] = {
        "id": "1", "firstname": "John", "lastname": "Doe", "number": "555",
    }  # fmt: skip

    def load(self, args: Mapping[str, Any]) -> None:
        """Check the configuration; the back-end has no keys of its own.

        Raises:
            SourceError: an unknown key.
        """
        refuse_unknown(args["config"], COMMON_KEYS, SourceError)

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The contact, for any term."""
        del term, args
        return [dict(self.CONTACT)]

    def first_match(self, exten: str, args: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The contact, for any number."""
        del exten, args
        return dict(self.CONTACT)

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The contact, when its id is among those."""
        del args
        return [dict(self.CONTACT)] if self.CONTACT["id"] in {str(uid) for uid in uids} else []
