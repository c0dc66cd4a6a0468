"""What a directory answers, as values. A newer directory may say more; that is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.directory.model import SourceVerdict


@dataclass(frozen=True, slots=True)
class LookupRow:
    """One result.

    Attributes:
        column_values: one per header, in their order.
        source: name of the source that found it.
        backend: the back-end of that source; empty from a directory that does not say.
    """

    column_values: tuple[Any, ...]
    relations: dict[str, Any]
    source: str
    backend: str = ""


@dataclass(frozen=True, slots=True)
class Headers:
    """The columns of a profile's answers, in order."""

    column_headers: tuple[str | None, ...]
    column_types: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """What a directory found.

    Attributes:
        term: what was asked for; empty in listings of favourites and of personal contacts.
        sources: what each source did; empty from a directory that does not say.
    """

    column_headers: tuple[str | None, ...]
    column_types: tuple[str | None, ...]
    results: tuple[LookupRow, ...]
    sources: tuple[SourceVerdict, ...] = ()
    term: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every source answered."""
        return all(verdict.has_answered for verdict in self.sources)


@dataclass(frozen=True, slots=True)
class LookupPart:
    """What one source gave to a lookup, as soon as it did."""

    source: SourceVerdict
    results: tuple[LookupRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ReverseAnswer:
    """Whose a number is.

    Attributes:
        display: the caller's name; None when nobody has the number, or the source formats no
            column `reverse`.
        source: name of the source that knows it; None when none does.
    """

    display: str | None
    exten: str
    source: str | None
    fields: dict[str, Any] = field(default_factory=dict)
    sources: tuple[SourceVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A row of a file that was not imported.

    Attributes:
        line: physical line in the file, the header being 1; 0 from a directory that does not say.
        errors: one sentence each.
        contact: the row itself, where the directory says which.
    """

    line: int = 0
    errors: tuple[str, ...] = ()
    contact: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportAnswer:
    """What became of a file."""

    created: tuple[Mapping[str, Any], ...] = ()
    failed: tuple[RefusedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        total: how many there are in all; fits what was searched for, not the page.
    """

    items: tuple[dict[str, Any], ...]
    total: int = 0


@dataclass(frozen=True, slots=True)
class SourceFact:
    """A source, and how a question to it went just now.

    Attributes:
        verdict: one of `pelagos.core.fanout.Verdict`; a newer directory may know more.
        ms: milliseconds until the verdict.
        error: one line, when it gave no answer.
        said: what the source's own test could not do, and what to do about it.
    """

    name: str
    backend: str
    verdict: str = ""
    ms: float = 0.0
    error: str | None = None
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceState:
    """A configured source.

    Attributes:
        is_loaded: whether it is there to be asked.
        error: why it could not be loaded.
    """

    name: str
    backend: str = ""
    is_loaded: bool = True
    error: str | None = None
