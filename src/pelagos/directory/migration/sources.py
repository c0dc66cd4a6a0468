"""One source of the ancestor as ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pelagos.core.errors import ConfigError
from pelagos.directory.migration.remark import Note
from pelagos.directory.settings.source import read_source

#: Keys of every source, and those that a back-end of the ancestor added.
_COMMON = (
    "name", "type", "backend", "unique_column", "searched_columns", "first_matched_columns",
    "format_columns",
)  # fmt: skip
KEYS: Mapping[str, tuple[str, ...]] = {
    "csv": ("file", "separator"),
    "csv_ws": ("lookup_url", "list_url", "delimiter", "timeout", "verify_certificate"),
    "ldap": (
        "ldap_uri", "ldap_base_dn", "ldap_username", "ldap_password", "ldap_custom_filter",
        "ldap_network_timeout", "ldap_timeout", "unique_column_format",
    ),
    "dird_phonebook": ("tenant", "phonebook_name", "phonebook_id"),
    "personal": (),
    "sample": (),
    "xivo": ("confd_config", "extra_search_params"),
    "wazo": ("auth", "confd"),
    "conference": ("auth", "confd"),
}  # fmt: skip

_NOT_HERE = {
    "google": "people's contacts at Google are not a source here",
    "office365": "people's contacts at Microsoft are not a source here",
    "phonebook": "a phonebook is named by its tenant and its name here, not by a uuid",
}
_HINTS = {
    "phonebook": "import its contacts (pelagos phonebook import), then write a source of type "
    "phonebook with tenant and phonebook_name",
}
_STORED = ("dird_phonebook", "personal")  # back-ends whose unique column is always `id`


def carry_source(
    name: str, source: Any, enabled: Collection[str] | None, note: Note
) -> dict[str, Any] | None:
    """The source as ours; None when it cannot be one, which is noted.

    Args:
        enabled: the back-ends that the ancestor used; None: all.
    """
    place = f"sources.{name}"
    if not isinstance(source, Mapping):
        note(place, "left out: a mapping is needed")
        return None
    backend = source.get("type") or source.get("backend")
    if not isinstance(backend, str):
        note(place, "left out: it has no type", "give it a `type`")
        return None
    if backend in _NOT_HERE:
        note(place, f"left out: {_NOT_HERE[backend]}", _HINTS.get(backend, ""))
        return None
    if enabled is not None and backend not in enabled:
        note(place, f"left out: its back-end {backend} was not enabled, so it was never loaded")
        return None
    kept = _kept(backend, source, place, note)
    try:
        read_source(name, kept)
    except ConfigError as error:
        note(place, f"left out: {error.message}", error.hint or "")
        return None
    return {key: value for key, value in kept.items() if key != "name"}


def _kept(backend: str, source: Mapping[str, Any], place: str, note: Note) -> dict[str, Any]:
    kept = {key: value for key, value in source.items() if value is not None}
    kept["type"] = backend
    kept.pop("backend", None)
    if backend in KEYS:
        for key in [key for key in kept if key not in (*_COMMON, *KEYS[backend])]:
            value = kept.pop(key)
            if key == "db_uri":
                note(f"{place}.db_uri", "not carried over: the directory has one store for all")
            elif key == "search_columns" and "searched_columns" not in kept:
                kept["searched_columns"] = value
                note(f"{place}.{key}", "carried over as searched_columns")
            else:
                note(f"{place}.{key}", f"left out: the back-end {backend} does not know it")
    if backend in _STORED and kept.get("unique_column", "id") != "id":
        note(f"{place}.unique_column", f"left out: that of the back-end {backend} is `id`")
        del kept["unique_column"]
    if backend == "csv":
        _note_file(kept.get("file"), place, note)
    return kept


def _note_file(file: Any, place: str, note: Note) -> None:
    if not isinstance(file, str) or not file or "\0" in file:
        note(f"{place}.file", "a path is needed; the source will not load")
        return
    path = Path(unquote(file.removeprefix("file://")) if file.startswith("file://") else file)
    try:
        is_there = path.exists()
    except OSError:
        is_there = False
    if not is_there:
        note(f"{place}.file", f"{path} is not on this machine", "copy it, or change `file`")
