"""Images as Plankton shows them, and what its header fields say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from pelagos.box.errors import Refused
from pelagos.box.image.glance.fields import CONTAINER_FORMATS
from pelagos.box.image.store import Image
from pelagos.box.web import Request

_PREFIX = "X-Image-Meta-"
_PROPERTY = f"{_PREFIX}Property-"
_DISK_FORMATS = ("diskdump", "extdump", "ntfsdump", "raw", "qcow2", "vmdk", "iso", "vhd", "vdi")
_STATUSES = {"active": "AVAILABLE", "deactivated": "UNAVAILABLE"}


def location(image: Image) -> str:
    """Where an image's content is."""
    return image.location or f"glance://{image.id}"


def brief(image: Image) -> dict[str, Any]:
    """An image in a list without details."""
    return {
        "id": image.id,
        "name": image.name or "",
        "status": _STATUSES.get(image.status, "CREATING"),
        "disk_format": image.disk_format or "",
        "container_format": image.container_format or "",
        "size": image.size or 0,
    }


def shown(image: Image) -> dict[str, Any]:
    """An image's whole record."""
    return {
        **brief(image),
        "location": location(image),
        "checksum": image.sha512 if image.location else image.md5,
        "created_at": _moment(image.created),
        "updated_at": _moment(image.updated),
        "deleted_at": "",
        "is_public": image.visibility == "public",
        "is_snapshot": image.properties.get("image_type") == "snapshot",
        "owner": image.project_id,
        "properties": image.properties,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M:%S")


def headers(image: Image) -> dict[str, str]:
    """An image in header fields."""
    told = shown(image)
    properties = told.pop("properties")
    told |= {"description": properties.get("description", ""), "name": quote(told["name"])}
    fields = {
        f"{_PREFIX.lower()}{name.replace('_', '-')}": str(value) for name, value in told.items()
    }
    for name, value in properties.items():
        key = quote(name.lower().replace("_", "-"), safe="")
        fields[f"{_PROPERTY.lower()}{key}"] = quote(value, safe=" /:;,.()")
    return fields


def told_fields(request: Request) -> dict[str, Any]:
    """What a request says of an image, by Plankton's names; texts, but for `properties`.

    Raises:
        Refused: 400, something cannot be understood.
    """
    values: dict[str, Any] = {}
    properties: dict[str, str] = {}
    for name, value in request.headers_from(_PREFIX).items():
        key = name.lower().replace("-", "_")
        if key.startswith("property_"):
            properties[unquote(key.removeprefix("property_"))] = _decoded(value)
        else:
            values[key] = _decoded(value)
    return {**values, "properties": properties}


def _decoded(value: str) -> str:
    try:
        return unquote(value.encode("latin-1").decode(), errors="strict")
    except UnicodeDecodeError as error:
        raise Refused(400, "Bad encoding in header") from error


def record_values(told: Mapping[str, Any]) -> dict[str, Any]:
    """What of an image's record a request changes, by our names.

    Raises:
        Refused: 400, a format or truth that there is not.
    """
    values: dict[str, Any] = {}
    for name, known in (("disk_format", _DISK_FORMATS), ("container_format", CONTAINER_FORMATS)):
        if name in told:
            if told[name] not in known:
                raise Refused(400, f"Invalid {name.replace('_', ' ')} '{told[name]}'")
            values[name] = told[name]
    if "is_public" in told:
        values["visibility"] = "public" if truth(told["is_public"]) else "shared"
    if "name" in told:
        values["name"] = told["name"]
    return values


def truth(text: str) -> bool:
    """Whether a header says yes.

    Raises:
        Refused: 400, neither yes nor no.
    """
    word = text.strip().lower()
    if word not in {"true", "1", "false", "0"}:
        raise Refused(400, f"Invalid value '{text}' for a boolean")
    return word in {"true", "1"}
