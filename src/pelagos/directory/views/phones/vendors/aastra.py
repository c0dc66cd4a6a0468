"""Aastra and Mitel: text menus, of which the first and the last item turn the pages."""

from __future__ import annotations

from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import Markup, document, element
from pelagos.directory.views.phones.vendors.base import Link, Listing, Vendor


def _form(link: Link, labels: Labels) -> str:
    return document(
        element(
            "AastraIPPhoneInputScreen",
            element("Title", labels.directory),
            element("Prompt", f"{labels.name}:"),
            element("URL", link.url),
            element("Parameter", "term"),
            type="string",
            editable="yes",
        )
    )


def _listing(listing: Listing, labels: Labels) -> str:
    items = [_item(line.name, line.number and f"Dial:{line.number}") for line in listing.lines]
    if listing.previous:
        items.insert(0, _item(labels.previous, listing.previous))
    if listing.next:
        items.append(_item(labels.next, listing.next))
    return document(element("AastraIPPhoneTextMenu", *items, style="none", destroyOnExit="yes"))


def _item(prompt: str, uri: str) -> Markup:
    return element("MenuItem", element("Prompt", prompt), element("URI", uri))


AASTRA = Vendor(
    "aastra",
    _listing,
    _form,
    page_size=16,
    most_entries=27,  # of 30 items; two turn pages, and one may be a note
    most_bytes=10_000,
    agents=("aastra", "mitel"),
)
