"""Back-end `instances`: the plane's services as entries of the directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from pelagos.core.logs import hide
from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import SourceError
from pelagos.directory.folding import fold
from pelagos.slap.model import InstanceStatus, Service

#: The columns of an entry.
COLUMNS = (
    "reference", "url", "status", "computer", "type", "software_release", "cause", "guid",
)  # fmt: skip

_KEYS = (
    "name", "type", "backend",
    "unique_column", "searched_columns", "first_matched_columns", "format_columns",
)  # fmt: skip


class Master(Protocol):
    """The part of `pelagos.slap.client.SlapClient` that is used."""

    def with_token(self, token: str | None) -> Master:
        """The same master, asked with this token."""

    def services(self) -> list[Service]:
        """All services that the token may see."""


class InstancesBackend(BaseSourcePlugin):
    """The services of a plane, asked of its master at each question, so always as they are now.

    The master comes as `args["context"]["slap"]`, a `SlapClient`. It is asked with the token of
    whoever asks the directory (`args["token"]` of a question), so that nobody sees more here than
    there. Passwords in URLs are masked. Destroyed services are not listed.
    """

    def __init__(self) -> None:
        self._master: Master | None = None
        self._searched: tuple[str, ...] = ()
        self._matched: tuple[str, ...] = ()
        self._unique = ""

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration; the master is asked later, so it need not run yet.

        Raises:
            SourceError: there is no `slap` in the context, or a key or column is unknown.
        """
        config = args["config"]
        refuse_unknown(config, _KEYS, SourceError)
        self._searched = tuple(config.get(self.SEARCHED_COLUMNS) or ("reference", "url"))
        self._matched = tuple(config.get(self.FIRST_MATCHED_COLUMNS) or ("reference", "url"))
        self._unique = config.get(self.UNIQUE_COLUMN) or "guid"
        columns = (*self._searched, *self._matched, self._unique)
        refuse_unknown(columns, COLUMNS, SourceError, kind="column")
        self._master = args["context"].get("slap")
        if self._master is None:
            raise SourceError("the program that runs this directory has no plane to ask")

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The services in whose searched columns the term occurs."""
        needle = fold(term)
        return [e for e in self._entries(args) if _occurs(needle, e, self._searched)]

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The first service one of whose first-matched columns equals `exten`."""
        matches = (e for e in self._entries(args) if exten in {e[c] for c in self._matched})
        return next(matches, None)

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The services with these unique ids."""
        wanted = {str(uid) for uid in uids}
        return [e for e in self._entries(args) if e[self._unique] in wanted]

    def _entries(self, args: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        if self._master is None:
            raise SourceError("this source is not loaded")
        token = (args or {}).get("token")
        if not token:
            raise SourceError(
                "the master shows services to people only, and nobody is known to ask",
                hint="ask with a token",
            )
        for service in self._master.with_token(token).services():
            if service.status is not InstanceStatus.DESTROYED:
                yield _entry(service)


def _entry(service: Service) -> dict[str, Any]:
    url = service.connection.get("url")
    return {
        "reference": service.reference,
        "url": hide(str(url)) if url else None,
        "status": str(service.status),
        "computer": service.computer_id,
        "type": service.software_type or None,
        "software_release": hide(service.release_url),
        "cause": service.cause.message or service.cause.code or None,
        "guid": service.guid,
    }


def _occurs(needle: str, entry: Mapping[str, Any], columns: Iterable[str]) -> bool:
    return any(needle in fold(entry[column] or "") for column in columns)
