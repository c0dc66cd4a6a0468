"""What object storage answers, as mappings."""

from __future__ import annotations

from typing import Required, TypedDict


class Container(TypedDict, total=False):
    """One of an account's containers."""

    name: Required[str]
    count: int
    bytes: int
    last_modified: str
    x_container_policy: dict[str, str]


class StoredObject(TypedDict, total=False):
    """One of a container's objects; the `x_…` members are Pithos'.

    With a delimiter, a virtual folder stands between them: `{"subdir": "photos/"}`.
    """

    name: str
    subdir: str
    bytes: int
    hash: str
    content_type: str
    last_modified: str
    x_object_hash: str
    x_object_uuid: str
    x_object_version: int
    x_object_version_timestamp: str
    x_object_modified_by: str
    x_object_sharing: str
    x_object_shared_by: str
    x_object_allowed_to: str
    x_object_public: str


class SharingAccount(TypedDict, total=False):
    """An account that shares something with the asker."""

    name: Required[str]
    last_modified: str


class ObjectHashMap(TypedDict):
    """An object as blocks."""

    block_size: int
    block_hash: str
    bytes: int
    hashes: list[str]


class Segment(TypedDict, total=False):
    """A part of a large object, as its manifest names it when it is read."""

    name: Required[str]
    hash: str
    bytes: int
