"""What a vendor is: what its phones can show, and the functions that write it.

The vendors beside this module are interchangeable; `tests/contract` holds the suite that runs on
all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pelagos.directory.views.phones.entries import Entry, Page
from pelagos.directory.views.phones.labels import Labels
from pelagos.directory.views.phones.markup import Markup, element


@dataclass(frozen=True, slots=True)
class Link:
    """An address with parameters, for documents that need the two apart.

    Attributes:
        address: without parameters.
        params: what belongs to it, in order; never none.
        url: both together.
    """

    address: str
    params: tuple[tuple[str, str], ...]
    url: str


#: What writes a document that leads to a link.
Writer = Callable[[Link, Labels], str]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a document lists.

    Attributes:
        page: the entries and their place in the whole list.
        previous: URL of the page before; empty on the first.
        next: URL of the page after; empty on the last.
        note: a line after the entries, when not every source answered; else empty.
    """

    page: Page
    previous: str = ""
    next: str = ""
    note: str = ""

    @property
    def lines(self) -> tuple[Entry, ...]:
        """The entries and, when there is one, the note as a last entry without a number."""
        return (*self.page.entries, Entry(self.note, "")) if self.note else self.page.entries


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor's phones.

    Attributes:
        name: as it stands in URLs.
        listing: writes the document of a list.
        form: writes the document that asks for a term and then goes to the link; None: the phone
            asks by itself.
        menu: writes the document with the link to the form, for phones that begin with one.
        page_size: entries of a page when the phone asks for no number; None: all of them.
        most_entries: entries that such a phone takes; None: no bound is known.
        most_bytes: bytes of a document that it takes; None: no bound is known.
        longest_name: characters of a name that it takes, or that anybody reads.
        media_type: of its documents.
        agents: words by which its phones are known, in small letters, in their User-Agent.
        says_nothing_found: an empty list has one entry that says so.
        keeps_list: the phone puts the list in the place of its own phone book, so that a list
            without what a late source knows would take contacts away from it.
    """

    name: str
    listing: Callable[[Listing, Labels], str]
    form: Writer | None = None
    menu: Writer | None = None
    page_size: int | None = None
    most_entries: int | None = None
    most_bytes: int | None = None
    longest_name: int = 128
    media_type: str = "text/xml"
    agents: tuple[str, ...] = ()
    says_nothing_found: bool = True
    keeps_list: bool = False


def directory_entries(listing: Listing, dial: str = "") -> list[Markup]:
    """The lines in the shape that most vendors took from Cisco.

    Args:
        dial: what stands before a number.
    """
    return [
        element(
            "DirectoryEntry",
            element("Name", line.name),
            element("Telephone", line.number and dial + line.number),
        )
        for line in listing.lines
    ]


def input_item(labels: Labels) -> Markup:
    """The one field of a form in the shape that Snom took from Cisco."""
    return element(
        "InputItem",
        element("DisplayName", labels.name),
        element("QueryStringParam", "term"),
        element("DefaultValue"),
        element("InputFlags", "A"),
    )
