"""What Astakos answers, as typed mappings. Fields that a server adds are kept."""

from __future__ import annotations

from typing import Any, TypedDict


class Quota(TypedDict, total=False):
    """Of one resource: how much is used, and how much may be."""

    usage: int
    limit: int
    pending: int
    project_usage: int
    project_limit: int
    project_pending: int


#: Per project and resource.
Quotas = dict[str, dict[str, Quota]]


class Resource(TypedDict, total=False):
    """Something that is counted; sizes are bytes."""

    unit: str | None
    description: str
    service: str
    allow_in_projects: bool
    ui_visible: bool
    api_visible: bool


class Project(TypedDict, total=False):
    """A project, with what each member and all together may use."""

    id: str
    name: str
    owner: str | None
    state: str
    creation_date: str
    end_date: str
    homepage: str
    description: str
    join_policy: str
    leave_policy: str
    max_members: int
    private: bool
    system_project: bool
    resources: dict[str, dict[str, int]]
    last_application: dict[str, Any]
    deactivation_date: str


class ProjectMade(TypedDict):
    """What stands for a project that was applied for."""

    id: str
    application: int


class Membership(TypedDict, total=False):
    """Somebody in a project, or on the way in or out."""

    id: int
    user: str
    project: str
    state: str
    requested: str
    accepted: str
    removed: str
    allowed_actions: list[str]


class Commission(TypedDict, total=False):
    """A change of usage that was begun and not yet accepted or rejected."""

    serial: int
    issue_time: str
    name: str
    provisions: list[dict[str, Any]]


class Resolved(TypedDict):
    """What became of many commissions at once."""

    accepted: list[int]
    rejected: list[int]
    failed: list[Any]


class User(TypedDict, total=False):
    """Who has a token."""

    id: str
    name: str
    roles: list[dict[str, Any]]
    roles_links: list[Any]
    projects: list[str]
    default_project: str
    auth_token: str


class Service(TypedDict, total=False):
    """A service in a catalogue."""

    name: str
    type: str
    endpoints: list[dict[str, Any]]
    endpoints_links: list[Any]
