"""What Keystone answers, as typed mappings. Fields that a server adds are kept."""

from __future__ import annotations

from typing import Any, TypedDict


class User(TypedDict, total=False):
    """Somebody, or a program, who can log in."""

    id: str
    name: str
    domain_id: str
    default_project_id: str | None
    enabled: bool
    email: str
    description: str
    password_expires_at: str | None
    options: dict[str, Any]
    links: dict[str, Any]


class Project(TypedDict, total=False):
    """What owns things and has quotas."""

    id: str
    name: str
    domain_id: str
    parent_id: str | None
    is_domain: bool
    enabled: bool
    description: str
    tags: list[str]
    options: dict[str, Any]
    links: dict[str, Any]


class Domain(TypedDict, total=False):
    """What users, groups and projects belong to."""

    id: str
    name: str
    enabled: bool
    description: str
    options: dict[str, Any]
    links: dict[str, Any]


class Group(TypedDict, total=False):
    """Users who get roles together."""

    id: str
    name: str
    domain_id: str
    description: str
    links: dict[str, Any]


class Role(TypedDict, total=False):
    """What somebody may do somewhere, by its name."""

    id: str
    name: str
    domain_id: str | None
    description: str | None
    options: dict[str, Any]
    links: dict[str, Any]


class Assignment(TypedDict, total=False):
    """A role that a user or group has somewhere."""

    role: dict[str, Any]
    user: dict[str, Any]
    group: dict[str, Any]
    scope: dict[str, Any]
    links: dict[str, Any]


class ApplicationCredential(TypedDict, total=False):
    """A login of a program in the name of a user; its `secret` is told only when it is made."""

    id: str
    name: str
    secret: str
    description: str | None
    project_id: str
    user_id: str
    system: str | None
    roles: list[dict[str, Any]]
    expires_at: str | None
    unrestricted: bool
    access_rules: list[dict[str, Any]]
    links: dict[str, Any]


class Service(TypedDict, total=False):
    """A service in the catalogue."""

    id: str
    type: str
    name: str
    description: str
    enabled: bool
    links: dict[str, Any]


class Endpoint(TypedDict, total=False):
    """An address of a service."""

    id: str
    service_id: str
    interface: str
    region: str | None
    region_id: str | None
    url: str
    enabled: bool
    links: dict[str, Any]


class Region(TypedDict, total=False):
    """A part of the cloud with endpoints of its own."""

    id: str
    description: str
    parent_region_id: str | None
    links: dict[str, Any]


class Token(TypedDict, total=False):
    """What Keystone knows of a token."""

    expires_at: str
    issued_at: str
    methods: list[str]
    user: dict[str, Any]
    project: dict[str, Any]
    domain: dict[str, Any]
    roles: list[dict[str, Any]]
    catalog: list[dict[str, Any]]
    audit_ids: list[str]


class Limit(TypedDict, total=False):
    """How much of a resource a project may have."""

    id: str
    service_id: str
    project_id: str | None
    domain_id: str | None
    region_id: str | None
    resource_name: str
    resource_limit: int
    default_limit: int
    description: str | None
    links: dict[str, Any]
