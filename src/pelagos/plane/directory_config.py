"""What the directory of a plane is, until its settings say otherwise. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

#: The database of the directory, in the data folder.
DATABASE = "directory.db"

_INSTANCES = {
    "type": "instances",
    "searched_columns": ["reference", "url"],
    "unique_column": "guid",
    "format_columns": {"name": "{reference}"},
}
_COMPUTERS = {
    "type": "computers",
    "unique_column": "computer",
    "format_columns": {"name": "{computer}"},
}
#: People write `name`, or its parts, as telephones do.
_FULL_NAME = "{name} {firstname} {lastname}"
_PERSONAL = {
    "type": "personal",
    "searched_columns": [
        "name", "firstname", "lastname", "company", "email", "number", "mobile", "fax",
    ],
    "first_matched_columns": ["number", "mobile"],
    "format_columns": {
        "display_name": _FULL_NAME,
        "reverse": _FULL_NAME,
        "name": _FULL_NAME,  # the last, for the others read the `name` that people wrote
        "phone": "{number}",
        "phone_mobile": "{mobile}",
    },
}  # fmt: skip
_PHONEBOOKS = {**_PERSONAL, "type": "phonebook", "tenant": "default"}
_DISPLAY = [
    {"title": "Name", "field": "name", "type": "name"},
    {"title": "URL", "field": "url", "type": "url"},
    {"title": "Status", "field": "status", "type": "status"},
    {"title": "Computer", "field": "computer", "type": "computer"},
    {"title": "Phone", "field": "phone", "type": "number"},
    {"title": "Favorite", "field": "favorite", "type": "favorite"},
]


def default_directory_config() -> dict[str, Any]:
    """One profile that finds the plane's services and computers, own contacts and phonebooks."""
    sources = ["instances", "computers", "personal", "phonebooks"]
    asked = {"default": {"sources": sources, "timeout": 2.0}}
    return {
        "sources": {
            "instances": _INSTANCES,
            "computers": _COMPUTERS,
            "personal": _PERSONAL,
            "phonebooks": _PHONEBOOKS,
        },
        "services": {
            "lookup": asked,
            "reverse": {"default": {"sources": ["personal", "phonebooks"], "timeout": 1.0}},
            "favorites": asked,
        },
        "views": {
            "displays": {"services": _DISPLAY},
            "profile_to_display": {"default": "services"},
        },
    }


def with_database(config: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The configuration with a database: the one that it names, else a file in that folder."""
    return {"db_uri": f"sqlite:///{quote(folder)}/{DATABASE}", **config}
