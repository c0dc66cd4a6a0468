"""The bodies of the API, in the part of JSON Schema that Swagger 2.0 and OpenAPI 3.1 share.

`x-nullable` stands beside a type that may be null; a reference is `{"$ref": NAME}`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STRING = {"type": "string"}
_INTEGER = {"type": "integer"}
_NUMBER = {"type": "number"}
_FLAG = {"type": "boolean"}
_ANYTHING: dict[str, Any] = {}


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "x-nullable": True}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": name}


def _object(about: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object; a property may be missing when two underscores stand behind its name."""
    named = {name.removesuffix("__"): dict(schema) for name, schema in properties.items()}
    required = [name for name in properties if not name.endswith("__")]
    found: dict[str, Any] = {"type": "object", "description": about, "properties": named}
    return {**found, "required": required} if required else found


_HEADERS = {
    "column_headers": _list(_maybe(_STRING)),
    "column_types": _list(_maybe(_STRING)),
}
_FOUND = {**_HEADERS, "results": _list(_ref("Result")), "sources": _list(_ref("SourceVerdict"))}
_REVERSE = {
    "display": _maybe(_STRING),
    "exten": _STRING,
    "source": _maybe(_STRING),
    "fields": {"type": "object"},
}
_KEYS = {
    "type": "object",
    "description": "A source; its other keys are those of its back-end.",
    "additionalProperties": _ANYTHING,
}
_NEW_SOURCE = {
    "name": _STRING,
    "profiles": {**_list(_STRING), "description": "those that ask it; without it, `default`"},
}
_FREE = {"type": "object", "additionalProperties": {"type": "string"}}


def _listing(name: str, of: Mapping[str, Any]) -> dict[str, Any]:
    return _object(
        f"A page of {name}; `total` counts all of them, `filtered` those that were searched for.",
        items=_list(of),
        total=_INTEGER,
        filtered=_INTEGER,
    )


SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "SourceVerdict": _object(
        "What one source did for an answer.",
        name=_STRING,
        verdict={
            "type": "string",
            "description": "answered, empty, late, failed, busy, open, stale; more may come",
        },
        ms={**_NUMBER, "description": "milliseconds until the verdict"},
        error__=_STRING,
    ),
    "Result": _object(
        "One entry, its values in the order of the columns.",
        column_values=_list(_maybe(_ANYTHING)),
        source=_STRING,
        backend__=_STRING,
        relations=_object(
            "What the entry belongs to.",
            xivo_id=_maybe(_ANYTHING),
            agent_id=_maybe(_ANYTHING),
            user_id=_maybe(_ANYTHING),
            user_uuid=_maybe(_ANYTHING),
            endpoint_id=_maybe(_ANYTHING),
            source_entry_id=_maybe(_STRING),
        ),
    ),
    "Headers": _object("The columns of a profile's answers.", **_HEADERS),
    "Lookup": _object("What was found, and what each source did.", term=_STRING, **_FOUND),
    "Listed": _object(
        "Entries as the profile shows them.",
        **_HEADERS,
        results=_list(_ref("Result")),
        sources__=_list(_ref("SourceVerdict")),
    ),
    "Reverse": _object(
        "Who has a number; nulls when nobody has.",
        **_REVERSE,
        sources=_list(_ref("SourceVerdict")),
    ),
    "Extens": _object("Numbers to look for.", extens=_list(_STRING)),
    "ReverseMany": _object(
        "Who has each of the numbers, in their order.",
        results=_list(_object("One of them.", **_REVERSE)),
        sources=_list(_ref("SourceVerdict")),
    ),
    "NewContact": {**_FREE, "description": "Attributes of any names; all values are text."},
    "Contact": {
        **_FREE,
        "description": "Attributes of any names, and the id that the directory gave.",
        "properties": {"id": _STRING},
        "required": ["id"],
    },
    "Contacts": _object(
        "Contacts.", items=_list(_ref("Contact")), total__=_INTEGER, filtered__=_INTEGER
    ),
    "PersonalImport": _object(
        "What became of the rows.",
        created=_list(_ref("Contact")),
        failed=_list(_ref("RowErrors")),
    ),
    "RowErrors": _object(
        "Why a row was not taken.",
        line={**_INTEGER, "description": "the physical line, the header being 1"},
        errors=_list(_STRING),
    ),
    "NewPhonebook": _object(
        "A phonebook.",
        name={"type": "string", "minLength": 1, "maxLength": 255},
        description__=_maybe(_STRING),
    ),
    "Phonebook": _object("A phonebook.", id=_INTEGER, name=_STRING, description=_maybe(_STRING)),
    "Phonebooks": _object(
        "Phonebooks; `total` counts those that were searched for.",
        items=_list(_ref("Phonebook")),
        total=_INTEGER,
    ),
    "PhonebookImport": _object(
        "What became of the rows.",
        created=_list(_ref("Contact")),
        failed=_list({"type": "object"}),
        errors__=_list(_ref("RowErrors")),
    ),
    "Source": _object(
        "A source.", name=_STRING, backend=_STRING, is_loaded__=_FLAG, error__=_STRING
    ),
    "Sources": _listing("sources", _ref("Source")),
    "NewSource": {**_KEYS, "properties": _NEW_SOURCE, "required": ["name"]},
    "KeptSource": {
        **_KEYS,
        "properties": {
            **_NEW_SOURCE,
            "uuid": _STRING,
            "backend": _STRING,
            "is_kept": {**_FLAG, "description": "false: it stands in the configuration"},
            "is_loaded": _FLAG,
            "error": _STRING,
        },
        "required": ["uuid", "name", "backend", "is_kept", "is_loaded"],
    },
    "KeptSources": _listing("sources", _ref("KeptSource")),
    "Display": _object("A display.", name=_STRING, columns=_list({"type": "object"})),
    "Displays": _listing("displays", _ref("Display")),
    "Profile": _object(
        "A profile.", name=_STRING, display=_maybe({"type": "object"}), services={"type": "object"}
    ),
    "Profiles": _listing("profiles", _ref("Profile")),
    "Backend": _object("A kind of source.", name=_STRING),
    "Backends": _listing("back-ends", _ref("Backend")),
    "Checks": _object(
        "What each source did when it was tried.",
        items=_list(
            _object(
                "One source.",
                name=_STRING,
                backend=_STRING,
                verdict=_STRING,
                ms=_NUMBER,
                error__=_STRING,
                said=_list(_STRING),
            )
        ),
    ),
    "Configuration": {"type": "object", "description": "All of it, secrets masked."},
    "Status": {
        "type": "object",
        "description": "By part, what works.",
        "additionalProperties": _object(
            "One part.", status={"type": "string", "enum": ["ok", "fail"]}
        ),
    },
    "Error": {
        "type": "object",
        "description": "Why the request was refused.",
        "properties": {
            "reason": {"description": "one line each; of an import, what is wrong with each row"},
            "timestamp": {"description": "seconds since 1970; in a list but for 401 and 503"},
            "status_code": _INTEGER,
        },
        "required": ["reason", "timestamp", "status_code"],
    },
    "NamedError": _object(
        "Why the request was refused.",
        message=_STRING,
        error_id=_STRING,
        details={"type": "object"},
        timestamp=_NUMBER,
        resource=_STRING,
    ),
}
