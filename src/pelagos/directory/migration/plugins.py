"""Which plugins the ancestor had enabled, in our names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.directory.migration.remark import Note
from pelagos.directory.settings.enabled import DEFAULT_VIEWS, STORED_VIEWS

#: What the ancestor's views are here; what it could do and we do by other means is empty.
VIEWS: Mapping[str, tuple[str, ...]] = {
    "default_json": ("lookup_json", "reverse_json", "favorites_json"),
    "headers_view": ("lookup_json",),
    "personal_view": ("personal_view",),
    "phonebook_view": ("phonebook_view",),
    "phonebook_deprecated_view": ("phonebook_view",),
    "config_view": ("catalogue_json",),
    "displays_view": ("catalogue_json",),
    "profiles_view": ("catalogue_json",),
    "profile_sources_view": ("catalogue_json",),
    "sources_view": ("catalogue_json",),
    "backends_view": ("catalogue_json",),
    "status_view": ("catalogue_json",),
    "api_view": ("api_view",),
    **{
        f"{vendor}_view": (f"{vendor}_view",)
        for vendor in (
            "aastra", "cisco", "gigaset", "htek", "polycom", "snom", "thomson", "yealink",
        )
    },
}  # fmt: skip
SERVICES = ("cleanup", "config", "favorites", "lookup", "personal", "phonebook", "reverse")
_LATER_SERVICES = ("display", "profile", "source")  # of wazo-dird; there is one of each here
_OURS = tuple(dict.fromkeys(name for names in VIEWS.values() for name in names))
#: The ancestor left out a route whose service was not enabled.
_NEEDS = {
    "favorites_json": "favorites",
    "lookup_json": "lookup",
    "personal_view": "personal",
    "phonebook_view": "phonebook",
    "reverse_json": "reverse",
}
_USUAL = (*DEFAULT_VIEWS, *STORED_VIEWS)
_NO_VIEWS = (
    "conference_view", "csv_backend", "csv_ws_backend", "google_view", "graphql_view",
    "ldap_backend", "office365_backend", "personal_backend", "phonebook_backend", "wazo_backend",
)  # fmt: skip


def carry_enabled(config: Mapping[str, Any], note: Note) -> dict[str, Any]:
    """What is enabled otherwise than by default here."""
    changes: dict[str, dict[str, bool]] = {}
    services = enabled_names(config, "services", note)
    if services is not None:
        changes["services"] = {name: False for name in SERVICES if name not in services}
        changes["services"] |= {
            name: True
            for name in services
            if name not in (*SERVICES, *_LATER_SERVICES, "service_discovery")
        }
    views = enabled_names(config, "views", note)
    if views is not None:
        off = [] if services is None else [name for name in SERVICES if name not in services]
        ours = {name for view in views for name in VIEWS.get(view, ())}
        ours -= {name for name in ours if _NEEDS.get(name) in off}
        changes["views"] = {name: False for name in _OURS if name in _USUAL and name not in ours}
        changes["views"] |= {name: True for name in _OURS if name in ours and name not in _USUAL}
        for view in views:
            if view in _NO_VIEWS:
                note(f"enabled_plugins.views.{view}", "left out: there is no such view here")
            elif view not in VIEWS:
                changes["views"][view] = True
    return {kind: names for kind, names in changes.items() if names}


def enabled_names(config: Mapping[str, Any], kind: str, note: Note) -> list[str] | None:
    """The enabled plugins of a kind; None when nothing is said of them."""
    value = config.get(kind)
    if value is None:
        return None
    if isinstance(value, Mapping):
        return [name for name, is_on in value.items() if is_on]
    if isinstance(value, list):
        return [str(name) for name in value]
    note(f"enabled_plugins.{kind}", "a list or a mapping is needed; left out")
    return None
