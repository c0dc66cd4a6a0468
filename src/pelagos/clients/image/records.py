"""Records of images, from what either service says. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pelagos.clients.base.bilingual import given
from pelagos.clients.errors import WrongAnswer

META = "x-image-meta-"
PROPERTY = META + "property-"

#: What Glance says of each image; all else are properties.
_GLANCE_FIELDS = frozenset(
    {"id", "name", "status", "disk_format", "container_format", "size", "checksum", "owner"}
    | {"created_at", "updated_at", "visibility", "protected", "tags", "min_disk", "min_ram"}
    | {"virtual_size", "os_hash_algo", "os_hash_value", "os_hidden", "file", "self", "schema"}
    | {"locations", "direct_url", "stores"}
)
_UNNAMED = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]")


def from_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    """An image that is said in header fields (Synnefo).

    >>> from_headers({"X-Image-Meta-Is-Public": "True", "x-image-meta-property-os-name": "a%20b"})
    {'is_public': True, 'properties': {'os_name': 'a b'}}
    """
    record: dict[str, Any] = {}
    properties: dict[str, str] = {}
    for field, value in headers.items():
        name = field.lower()
        if name.startswith(PROPERTY):
            properties[_key(name.removeprefix(PROPERTY))] = unquote(value)
        elif name.startswith(META):
            key = _key(name.removeprefix(META))
            record[key] = _typed(key, value)
    return {**record, "properties": properties}


def _key(name: str) -> str:
    return unquote(name).replace("-", "_")


def _typed(key: str, value: str) -> Any:
    if key in {"is_public", "is_snapshot"}:
        return value.lower() == "true"
    if key == "size":
        return int(value) if value.isascii() and value.isdigit() else None
    return unquote(value) if key == "name" else value


def to_headers(
    fields: Mapping[str, Any], properties: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """An image in header fields (Synnefo); what is None is not said.

    >>> to_headers({"name": "a b", "is_public": True}, {"os_family": "x"})
    {'X-Image-Meta-Name': 'a%20b', 'X-Image-Meta-Is-Public': 'true', \
'X-Image-Meta-Property-os_family': 'x'}
    """
    said = {
        f"X-Image-Meta-{'-'.join(part.capitalize() for part in name.split('_'))}": _text(value)
        for name, value in given(**fields).items()
    }
    if "X-Image-Meta-Name" in said:
        said["X-Image-Meta-Name"] = quote(said["X-Image-Meta-Name"])
    for name, value in (properties or {}).items():
        key = _UNNAMED.sub(lambda found: quote(found[0], safe=""), name)
        said[f"X-Image-Meta-Property-{key}"] = quote(_text(value))
    return said


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def pithos_location(location: str | tuple[str, ...] | list[str]) -> str:
    """Where an image's object is, its segments percent-encoded.

    >>> pithos_location(("user", "images", "my disk.img"))
    'pithos://user/images/my%20disk.img'
    """
    if isinstance(location, tuple | list):
        user, container, path = location
        location = f"pithos://{user}/{container}/{path}"
    scheme, mark, rest = location.partition("://")
    if not mark:
        return quote(location)
    return f"{scheme}://{'/'.join(quote(part) for part in rest.split('/'))}"


def from_glance(record: Any) -> dict[str, Any]:
    """An image of Glance, with the fields that Synnefo's have.

    Raises:
        WrongAnswer: it is no record.
    """
    if not isinstance(record, dict) or "id" not in record:
        raise WrongAnswer("the image service's answer is no image", hint="check its address")
    properties = {name: value for name, value in record.items() if name not in _GLANCE_FIELDS}
    return {
        "properties": properties,
        "is_public": record.get("visibility") == "public",
        **record,
    }


def to_glance(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an image by Synnefo's names, as Glance has them; what is None is not said.

    >>> to_glance({"name": "x", "is_public": False, "owner": None})
    {'name': 'x', 'visibility': 'shared'}
    """
    said = given(**fields)
    if "is_public" in said:
        is_public = said.pop("is_public")
        truth = is_public.lower() == "true" if isinstance(is_public, str) else bool(is_public)
        said["visibility"] = "public" if truth else "shared"
    return said


def glance_filters(filters: Mapping[str, Any], order: str) -> dict[str, Any]:
    """The query of a list: filters that are not empty, and the order ("-size": largest first)."""
    query = {name: value for name, value in filters.items() if value not in (None, "")}
    if str(query.get("status", "")).upper() == "AVAILABLE":
        query["status"] = "active"
    if order:
        key = order.removeprefix("-")
        query["sort"] = f"{key}:{'desc' if order.startswith('-') else 'asc'}"
    return query


def pointer(name: str) -> str:
    """A property's name in a JSON patch.

    >>> pointer("a/b")
    '/a~1b'
    """
    return "/" + name.replace("~", "~0").replace("/", "~1")


def is_web(location: str) -> bool:
    """Whether a location is an address that a service can fetch itself."""
    return urlsplit(location).scheme in {"http", "https"}
