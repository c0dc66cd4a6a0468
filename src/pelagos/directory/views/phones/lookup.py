"""A phone's question to the lookup service, and the document that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pelagos.core.fanout import Verdict
from pelagos.core.spelling import nearest
from pelagos.directory.errors import RequestError, UnknownProfileError
from pelagos.directory.model import Answer, Asker, SourceVerdict
from pelagos.directory.settings import PhoneDisplay
from pelagos.directory.views.phones.entries import Entry, cut, list_entries
from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.parameters import USER, Asked, link
from pelagos.directory.views.phones.vendors import Vendor
from pelagos.directory.views.phones.vendors.base import Listing

#: Verdicts on sources whose entries are in the answer.
_THERE = frozenset({Verdict.ANSWERED, Verdict.EMPTY, "stale"})


class Lookup(Protocol):
    """The service `lookup`, as far as phones need it."""

    def lookup(self, term: str, profile: str, asker: Asker) -> Answer:
        """What the sources of the profile know of a term."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a document, and where.

    Attributes:
        address: of the next step, or of this list in its other pages.
        user: whose phone it is; stands in every URL.
    """

    vendor: Vendor
    labels: Labels
    address: str
    user: str


class PhoneDirectory:
    """Answers phones; safe to share between threads."""

    def __init__(self, service: Lookup, displays: Mapping[str, PhoneDisplay]) -> None:
        self._service = service
        self._displays = displays

    def answer(self, asked: Asked, profile: str, asker: Asker, reader: Reader) -> str:
        """The document that lists what is known of a term.

        Raises:
            UnknownProfileError: there is no such profile.
            BadTermError: the term is none.
            RequestError: the phone would keep a list that is not complete (503).
        """
        display = self._displays.get(profile)
        if display is None:
            meant = nearest(profile, self._displays)
            more = f"; did you mean `{meant}`?" if meant else ""
            raise UnknownProfileError([f"the profile `{profile}` does not exist{more}"])
        answer = self._service.lookup(asked.term, profile, asker)
        note = _note(answer.sources, reader.labels)
        if note and reader.vendor.keeps_list:
            raise RequestError([f"only {note} answered; keep the list of before"], status=503)
        entries = list_entries((result.fields for result in answer.results), display)
        return write_list(entries, asked, reader, note)


def _note(verdicts: Sequence[SourceVerdict], labels: Labels) -> str:
    there = sum(verdict.verdict in _THERE for verdict in verdicts)
    if there == len(verdicts):
        return ""
    return labels.answered.format(answered=there, total=len(verdicts))


def write_list(entries: Sequence[Entry], asked: Asked, reader: Reader, note: str = "") -> str:
    """The page that was asked for, with as many entries as such a phone takes.

    Args:
        entries: the whole list, in order.
        note: a last line; empty for none.
    """
    vendor = reader.vendor
    bounds = [asked.limit if asked.limit is not None else vendor.page_size, vendor.most_entries]
    limit = min((bound for bound in bounds if bound is not None), default=None)
    shown = None
    while True:
        text, count = _write_page(entries, replace(asked, limit=limit), reader, note, shown)
        size = len(text.encode())
        if vendor.most_bytes is None or size <= vendor.most_bytes or count <= 1:
            return text
        shown = max(1, min(count - 1, count * vendor.most_bytes // size))


def _write_page(
    entries: Sequence[Entry], asked: Asked, reader: Reader, note: str, shown: int | None
) -> tuple[str, int]:
    """The document, and how many entries it has."""
    vendor, labels = reader.vendor, reader.labels
    page = cut(entries, asked.offset, asked.limit, shown)
    lines = tuple(Entry(one.name[: vendor.longest_name], one.number) for one in page.entries)
    if not lines and vendor.says_nothing_found:
        lines = (Entry(labels.nothing_found, ""),)

    def turn(offset: int | None) -> str:
        if offset is None:
            return ""
        params: dict[str, str | int] = {USER: reader.user, "term": asked.term}
        return link(reader.address, **params, limit=asked.limit or page.total, offset=offset).url

    listing = Listing(replace(page, entries=lines), turn(page.previous), turn(page.next), note)
    return vendor.listing(listing, labels), len(page.entries)
