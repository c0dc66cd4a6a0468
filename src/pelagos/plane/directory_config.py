"""What the directory of a plane is, until its settings say otherwise. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pelagos.core.errors import ConfigError
from pelagos.directory.settings import PROFILE_SERVICES, DirectorySettings

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
    {"title": "Mobile", "field": "phone_mobile", "type": "callable"},
    {"title": "Favorite", "field": "favorite", "type": "favorite"},
]


_OWN = {
    "instances": _INSTANCES,
    "computers": _COMPUTERS,
    "personal": _PERSONAL,
    "phonebooks": _PHONEBOOKS,
}
#: Those for people whose tokens are from elsewhere: the master does not know these people, and
#: they need not be of one house that shares its phonebooks.
_FOR_OTHERS = {"personal": _PERSONAL}
#: They have no numbers, and are asked with the token of a person, which no phone has.
_NOT_ON_PHONES = ("instances", "computers")
#: Types of sources with entries that are not for whoever stands before a phone.
_NOT_FOR_PHONES = frozenset({"servers"})
_VIEWS = {
    "displays": {"usual": _DISPLAY},
    "profile_to_display": {"default": "usual", "phones": "usual"},
}


def default_directory_config(
    sources: Mapping[str, Any] | None = None, *, has_plane: bool = True
) -> dict[str, Any]:
    """The profile `default` finds all: the plane's services and computers, contacts, phonebooks.

    The profile `phones` finds what desk phones may be shown.

    Args:
        sources: what else it finds; of two sources with one name this one is taken.
        has_plane: whether those who ask are the people of a plane.
    """
    given = sources or {}
    every = {**(_OWN if has_plane else _FOR_OTHERS), **given}
    asked = {"default": {"sources": list(every), "timeout": 2.0}}
    of_numbers = [name for name in every if name in given or name not in _NOT_ON_PHONES]
    on_phones = [name for name in of_numbers if _type(every[name]) not in _NOT_FOR_PHONES]
    return {
        "sources": every,
        "services": {
            "lookup": {**asked, "phones": {"sources": on_phones, "timeout": 2.0}},
            "reverse": {"default": {"sources": of_numbers, "timeout": 1.0}},
            "favorites": asked,
        },
        "views": _VIEWS,
    }


def _type(source: Any) -> Any:
    """The back-end of a source, which is not checked yet."""
    if not isinstance(source, Mapping):
        return None
    name = source.get("type") or source.get("backend")
    return name if isinstance(name, str) else None


def directory_config(settings: Mapping[str, Any], *, has_plane: bool = True) -> dict[str, Any]:
    """What the settings say, and the defaults where they say nothing.

    Until they say which sources a profile asks, the profile `default` asks all, those of the plane
    included. Until they have a display, that of a fresh plane is shown.

    Args:
        settings: those of the configuration; not checked yet.
        has_plane: whether there is a master.
    """
    given = {name: settings.get(name) or {} for name in ("sources", "services", "views", "auth")}
    if not all(isinstance(section, Mapping) for section in given.values()):
        return dict(settings)  # it is refused, with its place, when it is read
    of_plane = given.pop("auth").get("type", "plane") == "plane"
    if not given["services"].keys() & PROFILE_SERVICES.keys():
        default = default_directory_config(given["sources"], has_plane=has_plane and of_plane)
        given["sources"] = default["sources"]
        given["services"] = {**default["services"], **given["services"]}
    if not given["views"].keys() & _VIEWS.keys():
        given["views"] = {**_VIEWS, **given["views"]}
    return {**settings, **given}


def check_settings(settings: Mapping[str, Any]) -> DirectorySettings:
    """The settings, when a directory can be made of them.

    Raises:
        ConfigError: it cannot; names the place.
    """
    with place_told():
        return DirectorySettings.from_mapping(directory_config(settings), has_store=True)


@contextlib.contextmanager
def place_told() -> Iterator[None]:
    """Say of a wrong setting in which section of the configuration it is.

    Raises:
        ConfigError: as it was raised inside, with the section.
    """
    try:
        yield
    except ConfigError as error:
        said = f"[directory.settings] {error.message}"
        raise ConfigError(said, hint=error.hint) from error


def with_database(config: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The configuration with a database: the one that it names, else a file in that folder."""
    return {"db_uri": f"sqlite:///{quote(folder)}/{DATABASE}", **config}
