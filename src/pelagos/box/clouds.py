"""The persons of a box as clouds.yaml, the file that clients of OpenStack read."""

from __future__ import annotations

from pathlib import Path

from pelagos.box.box import Box, Person
from pelagos.box.identity.identity import REGION
from pelagos.core import wire
from pelagos.core.files import write_atomic

_NAME = "clouds.yaml"


def write_clouds(box: Box) -> Path:
    """Write clouds.yaml into the box's folder, for its owner only: `box` and `box-admin`."""
    clouds = {"box": _cloud(box, box.person("demo")), "box-admin": _cloud(box, box.admin)}
    path = box.folder / _NAME
    # JSON is YAML: what needs no further library needs no further care.
    write_atomic(path, wire.encode({"clouds": clouds}), mode=0o600, durable=False)
    return path


def _cloud(box: Box, person: Person) -> dict[str, object]:
    return {
        "auth": {
            "auth_url": box.auth_url,
            "username": person.name,
            "password": person.password,
            "project_name": person.project,
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "identity_api_version": 3,
        "region_name": REGION,
    }
