"""Cisco: menu, form, directory; soft keys turn the pages."""

from __future__ import annotations

from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import Markup, document, element
from pelagos.directory.views.phones.vendors.base import (
    Link,
    Listing,
    Vendor,
    directory_entries,
    input_item,
)


def _menu(link: Link, labels: Labels) -> str:
    item = element("MenuItem", element("Name", labels.directory), element("URL", link.url))
    return document(element("CiscoIPPhoneMenu", item))


def _form(link: Link, labels: Labels) -> str:
    return document(
        element(
            "CiscoIPPhoneInput",
            element("Title", labels.directory),
            element("Prompt", labels.name),
            element("URL", link.url),
            input_item(labels),
        )
    )


def _listing(listing: Listing, labels: Labels) -> str:
    keys = _keys(listing, labels) if listing.previous or listing.next else []
    return document(element("CiscoIPPhoneDirectory", *directory_entries(listing), *keys))


def _keys(listing: Listing, labels: Labels) -> list[Markup]:
    """All keys that are needed: the first one named takes away those of the phone itself."""
    keys = (
        ("1", labels.dial, "SoftKey:Dial"),
        ("2", labels.previous, listing.previous),
        ("3", labels.exit, "SoftKey:Exit"),
        ("4", labels.next, listing.next),
    )
    return [
        element(
            "SoftKeyItem",
            element("Name", name),
            element("URL", url),
            element("Position", position),
        )
        for position, name, url in keys
        if url
    ]


CISCO = Vendor(
    "cisco",
    _listing,
    _form,
    _menu,
    page_size=16,
    most_entries=31,  # of 32; one may be a note
    longest_name=64,
    agents=("cisco", "allegro"),
)
