"""Polycom: XHTML for the phone's small browser, which refuses what is not well-formed."""

from __future__ import annotations

from urllib.parse import quote

from pelagos.directory.views.phones.entries import Entry
from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import Markup, document, element
from pelagos.directory.views.phones.vendors.base import Link, Listing, Vendor

_DOCTYPE = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n'
)


def _form(link: Link, labels: Labels) -> str:
    # The parameters are fields: a form that is sent with GET loses those of its action.
    hidden = (element("input", type="hidden", name=k, value=v) for k, v in link.params)
    fields = element(
        "p",
        f"{labels.name}: ",
        element("input", type="text", name="term"),
        *hidden,
        element("input", type="submit", value=labels.search),
    )
    return _page(labels, element("form", fields, action=link.address, method="get"))


def _listing(listing: Listing, labels: Labels) -> str:
    body = []
    if listing.page.entries:
        body.append(element("ol", *map(_item, listing.page.entries)))
    if listing.note or not body:
        body.append(element("p", listing.note))
    turning = ((labels.previous, listing.previous), (labels.next, listing.next))
    body += [element("p", element("a", label, href=url)) for label, url in turning if url]
    return _page(labels, *body)


def _item(entry: Entry) -> Markup:
    if not entry.number:
        return element("li", entry.name)
    return element("li", element("a", entry.name, href=f"tel://{quote(entry.number, safe='*+')}"))


def _page(labels: Labels, *body: Markup) -> str:
    head = element("head", element("title", labels.directory))
    xhtml = "http://www.w3.org/1999/xhtml"
    return document(element("html", head, element("body", *body), xmlns=xhtml), _DOCTYPE)


POLYCOM = Vendor(
    "polycom",
    _listing,
    _form,
    page_size=16,
    media_type="text/html",
    agents=("polycom",),
)
