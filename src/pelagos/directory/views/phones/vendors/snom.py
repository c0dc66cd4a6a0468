"""Snom: a directory for older firmware, and a menu for newer."""

from __future__ import annotations

from urllib.parse import quote

from pelagos.directory.views.phones.entries import Entry
from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import Markup, document, element
from pelagos.directory.views.phones.vendors.base import (
    Link,
    Listing,
    Vendor,
    directory_entries,
    input_item,
)

#: What newer firmware replaces by what was typed.
_TYPED = "__X__"


def _form(link: Link, labels: Labels) -> str:
    return _input(labels, element("URL", link.url), input_item(labels))


def _listing(listing: Listing, labels: Labels) -> str:
    keys = _keys(listing, labels, "URL")
    return document(element("SnomIPPhoneDirectory", *directory_entries(listing), *keys))


def _menu_form(link: Link, labels: Labels) -> str:
    item = element(
        "InputItem",
        element("DisplayName", labels.name),
        element("InputToken", _TYPED),
        element("DefaultValue"),
        element("InputFlags", "a"),
    )
    return _input(labels, element("Url", f"{link.url}&term={_TYPED}"), item)


def _menu_listing(listing: Listing, labels: Labels) -> str:
    title = element("Title", labels.directory)
    items = map(_menu_item, listing.lines)
    return document(element("SnomIPPhoneMenu", title, *items, *_keys(listing, labels, "Url")))


def _input(labels: Labels, *rest: Markup) -> str:
    title = element("Title", labels.directory)
    prompt = element("Prompt", f"{labels.name}:")
    return document(element("SnomIPPhoneInput", title, prompt, *rest))


def _keys(listing: Listing, labels: Labels, tag: str) -> list[Markup]:
    keys = (("F2", labels.previous, listing.previous), ("F4", labels.next, listing.next))
    return [
        element("SoftKeyItem", element("Name", key), element("Label", label), element(tag, url))
        for key, label, url in keys
        if url
    ]


def _menu_item(entry: Entry) -> Markup:
    if not entry.number:
        return element("MenuItem", name=entry.name)
    dial = f"snom://mb_nop#numberdial={quote(entry.number, safe='*+')}"
    extra = element("ExtraText", entry.number)
    return element("MenuItem", element("Url", dial), extra, name=entry.name)


SNOM = Vendor(
    "snom",
    _listing,
    _form,
    page_size=16,
    most_entries=97,  # of 100 that can be chosen; one may be a note
    agents=("snom",),
)

SNOM_MENU = Vendor("snom_menu", _menu_listing, _menu_form, page_size=16, most_entries=97)
