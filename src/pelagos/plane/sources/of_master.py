"""What back-ends have in common whose entries are what the plane's master lists."""

from __future__ import annotations

import builtins
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol

from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import NotForAskerError, SourceError
from pelagos.directory.folding import fold
from pelagos.slap.errors import AuthenticationError, Unauthorized
from pelagos.slap.model import ComputerStatus, Service

Entry = dict[str, Any]

_KEYS = (
    "name", "type", "backend", "timeout", "stale", "slots",
    "unique_column", "searched_columns", "first_matched_columns", "format_columns",
)  # fmt: skip


class Master(Protocol):
    """The part of `pelagos.slap.client.SlapClient` that is used."""

    def with_token(self, token: str | None) -> Master:
        """The same master, asked with this token."""

    def services(self) -> Iterable[Service]:
        """All services that the token may see."""

    def computers(self) -> Iterable[ComputerStatus]:
        """All computers that the token may see."""


class MasterBackend(BaseSourcePlugin):
    """Entries that are asked of the master at each question, so always as they are now.

    The master comes as `args["context"]["slap"]`, a `SlapClient`. It is asked with the token of
    whoever asks the directory (`args["token"]` of a question), so that nobody sees more here than
    there.

    Attributes:
        COLUMNS: the columns of an entry.
        NAMED_BY: those that are searched and matched unless the source says otherwise.
        UNIQUE: the one that tells entries apart, unless the source says otherwise.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = ()
    NAMED_BY: ClassVar[tuple[str, ...]] = ()
    UNIQUE: ClassVar[str] = ""

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
        self._searched = tuple(config.get(self.SEARCHED_COLUMNS) or self.NAMED_BY)
        self._matched = tuple(config.get(self.FIRST_MATCHED_COLUMNS) or self.NAMED_BY)
        self._unique = config.get(self.UNIQUE_COLUMN) or self.UNIQUE
        columns = (*self._searched, *self._matched, self._unique)
        refuse_unknown(columns, self.COLUMNS, SourceError, kind="column")
        self._master = (args.get("context") or {}).get("slap")
        if self._master is None:
            raise SourceError(
                "the program that runs this directory has no plane to ask",
                hint="run it as the part directory of a plane: pelagos up",
            )

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> builtins.list[Entry]:
        """The entries in whose searched columns the term occurs."""
        needle = fold(term)
        return [e for e in self._entries(args) if _occurs(needle, e, self._searched)]

    def first_match(self, exten: str, args: Mapping[str, Any] | None = None) -> Entry | None:
        """The first entry one of whose first-matched columns equals `exten`."""
        return self.match_all([exten], args).get(exten)

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, Entry]:
        """The first entry for each of these, with one question to the master."""
        wanted = set(extens)
        found: dict[str, Entry] = {}
        for entry in self._entries(args):
            for exten in wanted.intersection(str(entry[c]) for c in self._matched if entry[c]):
                found.setdefault(exten, entry)
        return found

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[Entry]:
        """The entries with these unique ids."""
        wanted = {str(uid) for uid in uids}
        return [e for e in self._entries(args) if e[self._unique] in wanted] if wanted else []

    @abstractmethod
    def entries(self, master: Master) -> Iterator[Entry]:
        """All that this master tells, each with all `COLUMNS`."""

    def _entries(self, args: Mapping[str, Any] | None) -> Iterator[Entry]:
        if self._master is None:
            raise SourceError("this source is not loaded")
        token = (args or {}).get("token")
        if not token:
            raise NotForAskerError(
                "the master tells people only, and nobody is known to ask",
                hint="ask with a token",
            )
        try:
            yield from self.entries(self._master.with_token(token))
        except (AuthenticationError, Unauthorized) as error:
            raise NotForAskerError(error.message, hint=error.hint) from error


def _occurs(needle: str, entry: Mapping[str, Any], columns: Iterable[str]) -> bool:
    return any(needle in fold(str(entry[column] or "")) for column in columns)
