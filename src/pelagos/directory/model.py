"""The nouns of the directory as values: results, verdicts, answers, and who asks.

Pure data. Nothing here knows HTTP, a plugin, a thread or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pelagos.core.fanout import Verdict

#: The keys that the relations of every result have, whatever its source.
RELATIONS = ("xivo_id", "agent_id", "user_id", "user_uuid", "endpoint_id", "source_entry_id")


@dataclass(frozen=True, slots=True)
class SourceResult:
    """One entry that a source found.

    Two results are equal when source, fields and relations are.

    Attributes:
        fields: raw and formatted columns; a missing value is None, never the empty text.
        source: name of the source.
        relations: always the six keys of `RELATIONS`; `source_entry_id` is text or None.
        is_personal: whether it belongs to the person who asks.
        is_deletable: whether that person may delete it.
        backend: name of the back-end that found it.
    """

    fields: Mapping[str, Any]
    source: str
    relations: Mapping[str, Any] = field(default_factory=lambda: dict.fromkeys(RELATIONS))
    is_personal: bool = field(default=False, compare=False)
    is_deletable: bool = field(default=False, compare=False)
    backend: str = field(default="", compare=False)

    def source_entry_id(self) -> str | None:
        """The stable id of the entry in its source."""
        return self.relations.get("source_entry_id")


@dataclass(frozen=True, slots=True)
class SourceVerdict:
    """What one source did for an answer.

    Attributes:
        verdict: one of `pelagos.core.fanout.Verdict`; a newer directory may know more.
        ms: milliseconds until the verdict.
        error: one line, when the source gave no answer.
    """

    name: str
    verdict: str
    ms: float
    error: str | None = None

    @property
    def has_answered(self) -> bool:
        """Whether what this source knows is in the answer; a stale answer is not what it knows."""
        return self.verdict in {Verdict.ANSWERED, Verdict.EMPTY}


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """The verdict on a source together with its results."""

    verdict: SourceVerdict
    results: tuple[SourceResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The merged answer of all sources of a profile.

    Attributes:
        results: in the configured order of the sources; inside a source in its own order.
        sources: one verdict per configured source, in the same order.
    """

    results: tuple[SourceResult, ...] = ()
    sources: tuple[SourceVerdict, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every source answered."""
        return all(verdict.has_answered for verdict in self.sources)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as the sources are told.

    Attributes:
        token: the token of the request.
        token_infos: what the verification of the token said.
        user_uuid: for whom is asked, when it is not the owner of the token: the one whose phone
            rings, named by the URL.
        tenant: whose entries are looked at, when the request names one.
    """

    token: str = field(default="", repr=False)
    token_infos: Mapping[str, Any] = field(default_factory=dict, repr=False)
    user_uuid: str | None = None
    tenant: str | None = None

    @property
    def user(self) -> str | None:
        """For whom is asked: `user_uuid`, else the owner of the token; None when it has none."""
        return self.user_uuid or self.token_infos.get("xivo_user_uuid")

    def on_behalf_of(self, user_uuid: str) -> Asker:
        """The same token, used for another person."""
        return replace(self, user_uuid=user_uuid)

    def args(self) -> dict[str, Any]:
        """The `args` of `search`, `first_match`, `list` and `match_all`; a new dict each time."""
        return {
            "token": self.token,
            "token_infos": {**self.token_infos, "xivo_user_uuid": self.user},
            "xivo_user_uuid": self.user,
            "user_uuid": self.user,
            "tenant": self.tenant,
        }


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a display.

    Attributes:
        title: header, or None.
        type: what the column means to clients ("name", "number", "email", …), or None.
        field: the field of a result that it shows; a column without one shows `default`.
        default: shown only when a result does not have the field; a field that is None stays None.
        number_display: template of the name beside this column's number on a phone; None: as it
            is. Nothing else uses it.
    """

    title: str | None = None
    type: str | None = None
    field: str | None = None
    default: Any = None
    number_display: str | None = None


@dataclass(frozen=True, slots=True)
class Display:
    """How results are shown: an ordered list of columns; an empty one shows no column."""

    columns: tuple[Column, ...] = ()

    @property
    def headers(self) -> list[str | None]:
        """The titles, in order."""
        return [column.title for column in self.columns]

    @property
    def types(self) -> list[str | None]:
        """The types, in order."""
        return [column.type for column in self.columns]
