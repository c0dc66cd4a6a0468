"""Htek: a remote phone book as Yealink's, with a root of its own."""

from __future__ import annotations

from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import document, element
from pelagos.directory.views.phones.vendors.base import Listing, Vendor, directory_entries


def _listing(listing: Listing, _labels: Labels) -> str:
    return document(element("PhoneDirectory", *directory_entries(listing)))


HTEK = Vendor("htek", _listing, agents=("htek",))
