"""Yealink: a remote phone book; the phone sends the term itself, as `term=#SEARCH`."""

from __future__ import annotations

from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import document, element
from pelagos.directory.views.phones.vendors.base import Listing, Vendor, directory_entries


def _listing(listing: Listing, _labels: Labels) -> str:
    return document(element("YealinkIPPhoneDirectory", *directory_entries(listing)))


YEALINK = Vendor("yealink", _listing, agents=("yealink",))
