"""Gigaset: what DECT bases ask of a public phone book."""

from __future__ import annotations

from pelagos.directory.views.phones.entries import Entry
from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import Markup, document, element
from pelagos.directory.views.phones.vendors.base import Listing, Vendor


def _listing(listing: Listing, _labels: Labels) -> str:
    page = listing.page
    first = page.offset + 1 if page.entries else 0
    return document(
        element(
            "list",
            *map(_entry, page.entries),
            response="get_list",
            type="pr",
            total=str(page.total),
            first=str(first),
            last=str(page.offset + len(page.entries) if page.entries else 0),
        )
    )


def _entry(entry: Entry) -> Markup:
    first, _, last = entry.name.partition(" ")
    names = element("ln", last), element("fn", first)
    return element("entry", *names, element("hm", entry.number), id=entry.number)


GIGASET = Vendor("gigaset", _listing, agents=("gigaset",), says_nothing_found=False)
