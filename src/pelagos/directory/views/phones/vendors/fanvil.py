"""Fanvil: menus that turn pages with soft keys, and a phone book for newer models."""

from __future__ import annotations

from pelagos.directory.views.phones.entries import Entry
from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import Markup, document, element
from pelagos.directory.views.phones.vendors.base import Link, Listing, Vendor


def _form(link: Link, labels: Labels) -> str:
    prompt = element("Prompt", f"{labels.name}:")
    field = element("InputField", prompt, element("Parameter", "term"), element("Default"))
    title = element("Title", labels.directory)
    url = element("URL", link.url)
    return document(element("FanvilIPPhoneInputScreen", title, prompt, url, field))


def _listing(listing: Listing, labels: Labels) -> str:
    items = (
        element("MenuItem", element("Prompt", line.name), element("URI", line.number))
        for line in listing.lines
    )
    turning = ((labels.previous, listing.previous), (labels.next, listing.next))
    keys = (
        element("SoftKey", element("Name", label), element("URI", url))
        for label, url in turning
        if url
    )
    return document(element("FanvilIPPhoneDirectory", *items, *keys))


def _phonebook(listing: Listing, _labels: Labels) -> str:
    return document(element("PhoneBook", *map(_contact, listing.lines)))


def _contact(entry: Entry) -> Markup:
    name = element("Name", entry.name)
    unused = (element(tag) for tag in ("Mobile", "Other", "Ring", "Group"))
    return element("DirectoryEntry", name, element("Telephone", entry.number), *unused)


FANVIL = Vendor("fanvil", _listing, _form, page_size=16, agents=("fanvil",))

FANVIL_PHONEBOOK = Vendor("fanvil_phonebook", _phonebook)
