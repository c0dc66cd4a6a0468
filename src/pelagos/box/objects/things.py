"""Containers and versions of objects as they are kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.box.objects.hashmap import split


@dataclass(frozen=True, slots=True)
class Container:
    """A container as it was when it was asked for.

    Attributes:
        policy: what the face keeps beside the metadata.
        objects: how many there are now.
        bytes: that these have together.
    """

    id: int
    account: str
    name: str
    meta: dict[str, str]
    policy: dict[str, Any]
    created: float
    modified: float
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; its serial number is its alone.

    Attributes:
        place: CURRENT, FORMER or GONE.
        ended: when it was no longer the current one.
        more: what the face keeps beside the metadata.
        map: the digests of its blocks, one after the other.
    """

    serial: int
    container_id: int
    name: str
    place: int
    modified: float
    ended: float | None
    size: int
    md5: str
    top: str
    type: str
    uuid: str
    modified_by: str
    meta: dict[str, str] = field(repr=False)
    more: dict[str, Any] = field(repr=False)
    map: bytes = field(repr=False)

    @property
    def digests(self) -> list[bytes]:
        """Those of its blocks, in order."""
        return split(self.map)


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of an object: its type, metadata, and what the face keeps beside these."""

    type: str
    meta: Mapping[str, str]
    more: Mapping[str, Any]


def container_of(row: sqlite3.Row) -> Container:
    """A container as the database has it."""
    told = {**row, "meta": json.loads(row["meta"]), "policy": json.loads(row["policy"])}
    return Container(**told)


def version_of(row: sqlite3.Row) -> Version:
    """A version as the database has it."""
    return Version(**{**row, "meta": json.loads(row["meta"]), "more": json.loads(row["more"])})
