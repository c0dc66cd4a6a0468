"""Thomson and Technicolor: a phone book of one page."""

from __future__ import annotations

from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import document, element
from pelagos.directory.views.phones.vendors.base import Listing, Vendor, directory_entries


def _listing(listing: Listing, _labels: Labels) -> str:
    return document(element("ThomsonPhoneBook", *directory_entries(listing, dial="Dial:")))


THOMSON = Vendor(
    "thomson",
    _listing,
    page_size=8,
    most_entries=31,  # of 32; one may be a note
    agents=("thomson", "technicolor"),
)
