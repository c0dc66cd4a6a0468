"""What images may be said to be, how they are shown, and how patches change them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.fields import is_uuid
from pelagos.box.image.store import Image

VISIBILITIES = ("public", "private", "shared", "community")
DISK_FORMATS = (
    "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop", "gpt",
)  # fmt: skip
CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
#: Glance's names of what may be said, and ours.
WRITABLE = {
    "name": "name", "visibility": "visibility", "protected": "is_protected",
    "os_hidden": "is_hidden", "disk_format": "disk_format", "container_format": "container_format",
    "min_disk": "min_disk", "min_ram": "min_ram", "tags": "tags",
}  # fmt: skip
READ_ONLY = frozenset({
    "id", "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value",
    "created_at", "updated_at", "file", "self", "schema", "direct_url", "stores",
    "os_glance_import_task",
})  # fmt: skip
_RESERVED = frozenset({"owner", "locations", "deleted", "deleted_at", "is_public"})
_HASH = "sha512"
_INTEGER = 2**31 - 1
_LETTERS = 255
_VALUE_LETTERS = 65_535
_TAGS = 128
_PROPERTIES = 128
_POINTER = re.compile(r"/((?:[^~/]|~[01])+)(?:/((?:[^~/]|~[01])*))?")


def iso(seconds: float) -> str:
    """A time as Glance writes it.

    >>> iso(0.0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(image: Image) -> dict[str, Any]:
    """An image's record."""
    here = f"/v2/images/{image.id}"
    return {
        **image.properties,
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "visibility": image.visibility,
        "protected": image.is_protected,
        "os_hidden": image.is_hidden,
        "owner": image.project_id,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "size": image.size,
        "virtual_size": image.size if image.disk_format == "raw" else None,
        "checksum": image.md5,
        "os_hash_algo": _HASH if image.sha512 else None,
        "os_hash_value": image.sha512,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "tags": image.tags,
        "created_at": iso(image.created),
        "updated_at": iso(image.updated),
        "self": here,
        "file": f"{here}/file",
        "schema": "/v2/schemas/image",
    }


def wrong(reason: str) -> Refused:
    """What is said of a value that does not fit."""
    return Refused(400, f"Provided object does not match schema 'image': {reason}")


def checked(name: str, value: Any) -> Any:
    """The value of a field or property.

    Raises:
        Refused: 400, it does not fit.
    """
    if name == "tags":
        return _checked_tags(value)
    check = _CHECKS.get(name)
    if check is not None:
        check(name, value)
    elif name in _WORDS:
        if value not in _WORDS[name]:
            raise wrong(f"{value!r} is not one of {list(_WORDS[name])!r}")
    else:
        check_property(name, value)
    return value


def _check_name(_name: str, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or len(value) > _LETTERS):
        raise wrong(f"{str(value)[:80]!r} is no text of {_LETTERS} letters at the most")


def _check_flag(_name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise wrong(f"{value!r} is not of type 'boolean'")


def _check_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(f"{value!r} is not of type 'integer'")
    if not 0 <= value <= _INTEGER:
        raise Refused(400, f"{name} has to be a number from 0 to {_INTEGER}")


_CHECKS: Mapping[str, Callable[[str, Any], None]] = {
    "name": _check_name, "protected": _check_flag, "os_hidden": _check_flag,
    "min_disk": _check_number, "min_ram": _check_number,
}  # fmt: skip
_WORDS: Mapping[str, tuple[Any, ...]] = {
    "visibility": VISIBILITIES,
    "disk_format": (None, *DISK_FORMATS),
    "container_format": (None, *CONTAINER_FORMATS),
}


def _checked_tags(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise wrong(f"{value!r} is not of type 'array'")
    for one in value:
        check_tag(one)
    kept = sorted(set(value))
    if len(kept) > _TAGS:
        raise Refused(
            413, f"The limit has been exceeded on the number of allowed image tags: {_TAGS}"
        )
    return kept


def check_tag(tag: Any) -> None:
    """See whether something may be a tag.

    Raises:
        Refused: 400.
    """
    if not isinstance(tag, str) or not tag or len(tag) > _LETTERS:
        raise wrong(f"{str(tag)[:80]!r} is no tag")


def check_property(name: str, value: Any) -> None:
    """See whether something may be a property.

    Raises:
        Refused: 400, or 403 where the name is not the caller's to use.
    """
    if name in READ_ONLY:
        raise Refused(403, f"Attribute '{name}' is read-only.")
    if name in _RESERVED or name.startswith("os_glance"):
        raise Refused(403, f"Attribute '{name}' is reserved.")
    if not isinstance(value, str):
        raise wrong(f"{value!r} is not of type 'string'")
    if not name or len(name) > _LETTERS or len(value) > _VALUE_LETTERS:
        raise Refused(400, f"The property {name[:80]!r} has a name or value that is too long")


def new_values(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a new image is to be, by our names.

    Raises:
        Refused: 400 or 403.
    """
    values: dict[str, Any] = {}
    properties: dict[str, str] = {}
    for name, value in told.items():
        if name == "id":
            if not isinstance(value, str) or not is_uuid(value):
                raise wrong(f"{value!r} is not a UUID")
            values["id"] = value.lower()
        elif name == "owner":
            if value is not None:
                values["project_id"] = value
        elif name in WRITABLE:
            values[WRITABLE[name]] = checked(name, value)
        else:
            check_property(name, value)
            properties[name] = value
    return {**values, "properties": _within(properties)}


def _within(properties: dict[str, str]) -> dict[str, str]:
    if len(properties) > _PROPERTIES:
        raise Refused(
            413, "The limit has been exceeded on the number of allowed image properties:"
            f" {_PROPERTIES}",
        )  # fmt: skip
    return properties


def patched(image: Image, operations: Any) -> dict[str, Any]:
    """What of an image changes with a JSON patch, by our names.

    Raises:
        Refused: 400 it is none, 403 of what may not be changed, 409 there is no such property.
    """
    if not isinstance(operations, list):
        raise Refused(400, "Request body must be a JSON array of operation objects.")
    values: dict[str, Any] = {}
    properties = dict(image.properties)
    for one in operations:
        operation, name, rest = _read(one)
        if name in WRITABLE:
            if operation == "remove" and (name != "tags" or not rest):
                raise Refused(403, f"Property {name} may not be removed.")
            values[WRITABLE[name]] = _written(image, values, name, rest, one)
            continue
        if rest is not None:
            raise Refused(400, f"Invalid JSON pointer for this resource: '{one['path']}'")
        check_property(name, "" if operation == "remove" else one["value"])
        if operation != "add" and name not in properties:
            raise Refused(409, f"Property {name} does not exist.")
        if operation == "remove":
            del properties[name]
        else:
            properties[name] = one["value"]
    return {**values, "properties": _within(properties)}


def _written(
    image: Image, values: Mapping[str, Any], name: str, rest: str | None, one: Mapping[str, Any]
) -> Any:
    if rest is None:
        return checked(name, one["value"])
    if name != "tags":
        raise Refused(400, f"Invalid JSON pointer for this resource: '{one['path']}'")
    tags = list(values.get("tags", image.tags))
    if one["op"] == "remove":
        if not rest.isdigit() or int(rest) >= len(tags):
            raise Refused(409, f"There is no tag {rest}.")
        del tags[int(rest)]
    else:
        tags.append(one["value"])
    return checked("tags", tags)


def _read(one: Any) -> tuple[str, str, str | None]:
    if not isinstance(one, dict):
        raise Refused(400, "Operations must be JSON objects.")
    operation, path = one.get("op"), one.get("path")
    if operation not in {"add", "replace", "remove"}:
        raise Refused(400, f"Unable to find '{operation}' in JSON Schema change")
    if not isinstance(path, str):
        raise Refused(400, "Unable to find 'path' in JSON Schema change")
    match = _POINTER.fullmatch(path)
    if match is None:
        raise Refused(400, f"Invalid JSON pointer for this resource: '{path}'")
    if operation != "remove" and "value" not in one:
        message = f'Operation "{operation}" requires a member named "value".'
        raise Refused(400, message)
    rest = match[2]
    return operation, _unescaped(match[1]), None if rest is None else _unescaped(rest)


def _unescaped(text: str) -> str:
    return text.replace("~1", "/").replace("~0", "~")
