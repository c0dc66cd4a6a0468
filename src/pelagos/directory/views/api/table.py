"""What the routes of our own views do: the one description behind all documents. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pelagos.directory.views.api.operation import (
    CSV,
    EVENTS,
    JSON,
    Answer,
    Body,
    Operation,
    Query,
)
from pelagos.directory.views.api.phone_table import phone_operations

_NATURAL = MappingProxyType({"type": "integer", "minimum": 0})
_TERM = Query("term", "text to look for, whatever its case and accents", is_required=True)
_EXTEN = Query("exten", "the number to look for", is_required=True)
_PAGING = (
    Query("search", "text that an item has to hold"),
    Query("order", "name to sort by"),
    Query("direction", "way to sort", {"type": "string", "enum": ["asc", "desc"]}),
    Query("limit", "items of a page", _NATURAL),
    Query("offset", "items before the page", _NATURAL),
)
_NOTHING = Answer("done; there is no body", None, ())
_CONTACT = Body("the attributes", "NewContact")
_SOURCE = Body("its name, its profiles, and the keys of its back-end", "NewSource")
_FILE = Body(
    "rows in the charset that the Content-Type names, or UTF-8; a header first", None, CSV
)

_WHOLE = Query(
    "all_or_nothing", "whether a row that fails keeps all others out", {"type": "boolean"}
)

_LOOKUP = "/directories/lookup/{profile}"
_REVERSE = "/directories/reverse/{profile}/{xivo_user_uuid}"
_FAVORITES = "/directories/favorites"
_SOURCES = "/backends/{backend}/sources"
_BOOKS = "/tenants/{tenant}/phonebooks"
_BOOK = _BOOKS + "/{phonebook_id}"
_BOOK_CONTACT = _BOOK + "/contacts/{contact_uuid}"


def _ok(about: str, schema: str | None, *types: str) -> dict[int, Answer]:
    return {200: Answer(about, schema, types or (JSON,))}


def _created(about: str, schema: str) -> dict[int, Answer]:
    return {201: Answer(about, schema)}


_QUESTIONS = {
    f"GET {_LOOKUP}": Operation(
        "Look a term up in all sources of a profile",
        "lookup",
        _ok("what was found", "Lookup"),
        (_TERM,),
        None,
        (400, 404),
    ),
    f"GET {_LOOKUP}/stream": Operation(
        "The same as server-sent events, each source's results as it answers",
        "lookup",
        _ok("events `headers`, `source` and `end`", None, EVENTS),
        (_TERM,),
        None,
        (400, 404),
    ),
    f"GET {_LOOKUP}/headers": Operation(
        "The columns of a profile's answers",
        "lookup",
        _ok("the columns", "Headers"),
        (),
        None,
        (404,),
    ),
    f"GET {_REVERSE}": Operation(
        "Who has a number",
        "reverse",
        _ok("the entry, or nulls", "Reverse"),
        (_EXTEN,),
        None,
        (400, 404),
    ),
    f"POST {_REVERSE}": Operation(
        "Who has each of many numbers",
        "reverse",
        _ok("an entry, or nulls, for each", "ReverseMany"),
        (),
        Body("the numbers", "Extens"),
        (400, 404),
    ),
}

_KEPT = {
    f"GET {_FAVORITES}/{{profile}}": Operation(
        "A person's favourites",
        "favorites",
        _ok("the favourites", "Listed"),
        (),
        None,
        (404,),
    ),
    f"PUT {_FAVORITES}/{{directory}}/{{contact}}": Operation(
        "Make an entry a favourite",
        "favorites",
        {204: _NOTHING},
        (),
        None,
        (400, 404, 409),
    ),
    f"DELETE {_FAVORITES}/{{directory}}/{{contact}}": Operation(
        "Make an entry no favourite any more",
        "favorites",
        {204: _NOTHING},
        (),
        None,
        (404,),
    ),
    "GET /directories/personal/{profile}": Operation(
        "A person's own contacts as a profile shows them",
        "personal",
        _ok("the contacts", "Listed"),
        (),
        None,
        (404,),
    ),
    "GET /personal": Operation(
        "A person's own contacts",
        "personal",
        {
            200: Answer("the contacts", "Contacts", (JSON, CSV)),
            204: Answer("there is none, and CSV was wanted", None, ()),
        },
        (Query("format", "text/csv for a file"), *_PAGING),
        None,
        (400,),
    ),
    "POST /personal": Operation(
        "Add a contact",
        "personal",
        _created("the contact", "Contact"),
        (),
        _CONTACT,
        (400, 409),
    ),
    "DELETE /personal": Operation("Remove all contacts", "personal", {204: _NOTHING}),
    "GET /personal/{contact_id}": Operation(
        "One contact",
        "personal",
        _ok("the contact", "Contact"),
        (),
        None,
        (404,),
    ),
    "PUT /personal/{contact_id}": Operation(
        "Replace all attributes of a contact",
        "personal",
        _ok("the contact", "Contact"),
        (),
        _CONTACT,
        (400, 404, 409),
    ),
    "DELETE /personal/{contact_id}": Operation(
        "Remove a contact",
        "personal",
        {204: _NOTHING},
        (),
        None,
        (404,),
    ),
    "POST /personal/import": Operation(
        "Add the contacts of a CSV file",
        "personal",
        _created("those that are there now, and the rows that were not taken", "PersonalImport"),
        (_WHOLE,),
        _FILE,
        (400,),
    ),
    f"GET {_BOOKS}": Operation(
        "The phonebooks of a tenant",
        "phonebooks",
        _ok("a page of them", "Phonebooks"),
        _PAGING,
        None,
        (400,),
    ),
    f"POST {_BOOKS}": Operation(
        "Make a phonebook",
        "phonebooks",
        _created("the phonebook", "Phonebook"),
        (),
        Body("its name", "NewPhonebook"),
        (400, 409),
    ),
    f"GET {_BOOK}": Operation(
        "One phonebook",
        "phonebooks",
        _ok("the phonebook", "Phonebook"),
        (),
        None,
        (400, 404),
    ),
    f"PUT {_BOOK}": Operation(
        "Change a phonebook",
        "phonebooks",
        _ok("the phonebook", "Phonebook"),
        (),
        Body("its name", "NewPhonebook"),
        (400, 404, 409),
    ),
    f"DELETE {_BOOK}": Operation(
        "Remove a phonebook and its contacts",
        "phonebooks",
        {204: _NOTHING},
        (),
        None,
        (400, 404),
    ),
    f"GET {_BOOK}/contacts": Operation(
        "The contacts of a phonebook",
        "phonebooks",
        _ok("a page of them", "Contacts"),
        _PAGING,
        None,
        (400, 404),
    ),
    f"POST {_BOOK}/contacts": Operation(
        "Add a contact to a phonebook",
        "phonebooks",
        _created("the contact", "Contact"),
        (),
        _CONTACT,
        (400, 404, 409),
    ),
    f"POST {_BOOK}/contacts/import": Operation(
        "Add the contacts of a CSV file to a phonebook",
        "phonebooks",
        _ok("those that are there now, and the rows that were not taken", "PhonebookImport"),
        (_WHOLE,),
        _FILE,
        (400, 404),
    ),
    f"GET {_BOOK_CONTACT}": Operation(
        "One contact of a phonebook",
        "phonebooks",
        _ok("the contact", "Contact"),
        (),
        None,
        (400, 404),
    ),
    f"PUT {_BOOK_CONTACT}": Operation(
        "Replace all attributes of a contact",
        "phonebooks",
        _ok("the contact", "Contact"),
        (),
        _CONTACT,
        (400, 404, 409),
    ),
    f"DELETE {_BOOK_CONTACT}": Operation(
        "Remove a contact from a phonebook",
        "phonebooks",
        {204: _NOTHING},
        (),
        None,
        (400, 404),
    ),
}

_CATALOGUE = {
    "GET /config": Operation("The configuration", "directory", _ok("all of it", "Configuration")),
    "GET /status": Operation("What works", "directory", _ok("by part", "Status")),
    "GET /profiles": Operation(
        "The profiles",
        "directory",
        _ok("a page of them", "Profiles"),
        _PAGING,
        None,
        (400,),
    ),
    "GET /displays": Operation(
        "The displays",
        "directory",
        _ok("a page of them", "Displays"),
        _PAGING,
        None,
        (400,),
    ),
    "GET /sources": Operation(
        "The sources",
        "directory",
        _ok("a page of them", "Sources"),
        _PAGING,
        None,
        (400,),
    ),
    "GET /sources/check": Operation(
        "Try sources",
        "directory",
        _ok("what each did", "Checks"),
        (Query("name", "names of sources, parted by commas; without it all"),),
        None,
        (404,),
    ),
    "GET /backends": Operation(
        "The kinds of source",
        "directory",
        _ok("a page of them", "Backends"),
        _PAGING,
        None,
        (400,),
    ),
    f"GET {_SOURCES}": Operation(
        "The sources of a kind",
        "directory",
        _ok("a page of them, their secrets masked", "KeptSources"),
        _PAGING,
        None,
        (400, 404),
    ),
    f"POST {_SOURCES}": Operation(
        "Make a source, which the next lookup asks",
        "directory",
        _created("the source", "KeptSource"),
        (),
        _SOURCE,
        (400, 404, 409),
    ),
    f"GET {_SOURCES}/{{source_uuid}}": Operation(
        "One source",
        "directory",
        _ok("the source, its secrets masked", "KeptSource"),
        (),
        None,
        (404,),
    ),
    f"PUT {_SOURCES}/{{source_uuid}}": Operation(
        "Replace all keys of a source",
        "directory",
        {204: _NOTHING},
        (),
        _SOURCE,
        (400, 404, 409),
    ),
    f"DELETE {_SOURCES}/{{source_uuid}}": Operation(
        "Remove a source and its favourites",
        "directory",
        {204: _NOTHING},
        (),
        None,
        (404, 409),
    ),
    "GET /directories/{profile}/sources": Operation(
        "The sources of a profile",
        "directory",
        _ok("a page of them", "Sources"),
        _PAGING,
        None,
        (400, 404),
    ),
    "GET /api/api.yml": Operation(
        "This API, as Swagger 2.0",
        "directory",
        _ok("the document", None, "application/x-yaml"),
    ),
    "GET /api/openapi.json": Operation(
        "This API, as OpenAPI 3.1",
        "directory",
        _ok("the document", None, JSON),
    ),
}


#: By method and path.
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {**_QUESTIONS, **_KEPT, **_CATALOGUE, **dict(phone_operations(_TERM))}
)
