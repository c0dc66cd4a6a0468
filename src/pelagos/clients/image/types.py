"""What image services answer, as mappings of one shape for both families of clouds."""

from __future__ import annotations

from typing import Any, TypedDict


class Image(TypedDict, total=False):
    """An image.

    `properties` are the texts by name that people and programs keep with it; Glance's are at the
    top, too, as Glance has them. A short list of Synnefo has id, name, status, size and formats.
    """

    id: str
    name: str
    status: str
    disk_format: str | None
    container_format: str | None
    size: int | None
    checksum: str | None
    owner: str
    is_public: bool
    properties: dict[str, str]
    created_at: str
    updated_at: str
    # Synnefo
    location: str
    description: str
    is_snapshot: bool
    deleted_at: str
    # OpenStack
    visibility: str
    protected: bool
    tags: list[str]
    min_disk: int
    min_ram: int
    virtual_size: int | None
    os_hash_algo: str | None
    os_hash_value: str | None
    os_hidden: bool
    file: str
    self: str
    schema: str


class Member(TypedDict, total=False):
    """With whom an image is shared: a user (Synnefo) or a project (OpenStack)."""

    member_id: str
    can_share: bool
    image_id: str
    status: str
    created_at: str
    updated_at: str
    schema: str


class SharedImage(TypedDict, total=False):
    """An image that somebody else shares."""

    image_id: str
    can_share: bool


Properties = dict[str, Any]
