"""Grandstream: a phone book that the phone downloads in the place of its own."""

from __future__ import annotations

from pelagos.directory.views.phones.entries import Entry
from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import Markup, document, element
from pelagos.directory.views.phones.vendors.base import Listing, Vendor

_GROUP = "1"


def _listing(listing: Listing, labels: Labels) -> str:
    group = element("pbgroup", element("id", _GROUP), element("name", labels.directory))
    return document(element("AddressBook", group, *map(_contact, listing.page.entries)))


def _contact(entry: Entry) -> Markup:
    first, _, last = entry.name.partition(" ")
    number = element("phonenumber", entry.number)
    return element(
        "Contact",
        element("FirstName", first),
        element("LastName", last),
        element("Phone", number, element("accountindex", "0"), type="Work"),
        element("Group", _GROUP),
    )


GRANDSTREAM = Vendor(
    "grandstream",
    _listing,
    agents=("grandstream",),
    says_nothing_found=False,
    keeps_list=True,
)
