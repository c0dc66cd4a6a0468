"""Projects, domains, and what is in the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from pelagos.clients.identity.things import Things
from pelagos.clients.identity.types import (
    Domain,
    Endpoint,
    Limit,
    Project,
    Region,
    Service,
)


class Places(Things):
    """The part of the client that knows projects, domains and services."""

    def list_projects(self, **filters: Any) -> list[Project]:
        """All projects, for administrators; filtered by name, domain_id, enabled and so on."""
        return self._list(("projects",), "projects", **filters)

    def list_my_projects(self) -> list[Project]:
        """The projects for which the asker may log in."""
        return self._list(("auth", "projects"), "projects")

    def get_project(self, project_id: str) -> Project:
        """A project by id."""
        return cast(Project, self._get(("projects", project_id), "project"))

    def find_project(self, name_or_id: str, *, domain_id: str | None = None) -> Project:
        """The one project with this name, or else this id.

        Raises:
            NotFound: there is none.
            Conflict: several have the name, in different domains.
        """
        found = self._find("project", "projects", "project", name_or_id, domain_id=domain_id)
        return cast(Project, found)

    def create_project(
        self,
        name: str,
        *,
        domain_id: str | None = None,
        parent_id: str | None = None,
        description: str | None = None,
        **fields: Any,
    ) -> Project:
        """Make a project; `fields` are what else one has: enabled, tags, options."""
        made = self._make(
            ("projects",),
            "project",
            name=name,
            domain_id=domain_id,
            parent_id=parent_id,
            description=description,
            **fields,
        )
        return cast(Project, made)

    def update_project(self, project_id: str, **fields: Any) -> Project:
        """Change fields of a project."""
        return cast(Project, self._change(("projects", project_id), "project", **fields))

    def delete_project(self, project_id: str) -> None:
        """Remove a project; what it owns elsewhere stays, and must be removed before."""
        self._remove(("projects", project_id))

    def list_project_tags(self, project_id: str) -> list[str]:
        """The tags of a project."""
        reply = self.get(("projects", project_id, "tags"))
        found = (
            reply.json
        )  # a real Keystone answers with the bare list, its document says a member
        return found if isinstance(found, list) else cast("list[str]", reply.member("tags"))

    def replace_project_tags(self, project_id: str, tags: Iterable[str]) -> list[str]:
        """Let a project have these tags and no others."""
        path = ("projects", project_id, "tags")
        return cast("list[str]", self.put(path, json={"tags": list(tags)}).member("tags"))

    # ---- domains

    def list_domains(self, **filters: Any) -> list[Domain]:
        """Domains, filtered by name and enabled."""
        return self._list(("domains",), "domains", **filters)

    def list_my_domains(self) -> list[Domain]:
        """The domains for which the asker may log in."""
        return self._list(("auth", "domains"), "domains")

    def get_domain(self, domain_id: str) -> Domain:
        """A domain by id."""
        return cast(Domain, self._get(("domains", domain_id), "domain"))

    def create_domain(self, name: str, *, description: str | None = None, **fields: Any) -> Domain:
        """Make a domain."""
        made = self._make(("domains",), "domain", name=name, description=description, **fields)
        return cast(Domain, made)

    def update_domain(self, domain_id: str, **fields: Any) -> Domain:
        """Change fields of a domain."""
        return cast(Domain, self._change(("domains", domain_id), "domain", **fields))

    def delete_domain(self, domain_id: str) -> None:
        """Remove a domain with all that belongs to it; it must be disabled before."""
        self._remove(("domains", domain_id))

    # ---- the catalogue

    def list_services(self, **filters: Any) -> list[Service]:
        """Services, filtered by type and name."""
        return self._list(("services",), "services", **filters)

    def get_service(self, service_id: str) -> Service:
        """A service by id."""
        return cast(Service, self._get(("services", service_id), "service"))

    def create_service(self, kind: str, name: str, **fields: Any) -> Service:
        """Put a service into the catalogue.

        Args:
            kind: its type: "compute", "object-store" and so on.
            name: its name.
            fields: description, enabled.
        """
        made = self._make(("services",), "service", type=kind, name=name, **fields)
        return cast(Service, made)

    def update_service(self, service_id: str, **fields: Any) -> Service:
        """Change fields of a service."""
        return cast(Service, self._change(("services", service_id), "service", **fields))

    def delete_service(self, service_id: str) -> None:
        """Take a service, with its endpoints, out of the catalogue."""
        self._remove(("services", service_id))

    def list_endpoints(self, **filters: Any) -> list[Endpoint]:
        """Addresses, filtered by service_id, interface and region_id."""
        return self._list(("endpoints",), "endpoints", **filters)

    def get_endpoint(self, endpoint_id: str) -> Endpoint:
        """An address by id."""
        return cast(Endpoint, self._get(("endpoints", endpoint_id), "endpoint"))

    def create_endpoint(
        self,
        service_id: str,
        url: str,
        *,
        interface: str = "public",
        region_id: str | None = None,
        **fields: Any,
    ) -> Endpoint:
        """Put an address of a service into the catalogue."""
        made = self._make(
            ("endpoints",),
            "endpoint",
            service_id=service_id,
            url=url,
            interface=interface,
            region_id=region_id,
            **fields,
        )
        return cast(Endpoint, made)

    def update_endpoint(self, endpoint_id: str, **fields: Any) -> Endpoint:
        """Change fields of an address."""
        return cast(Endpoint, self._change(("endpoints", endpoint_id), "endpoint", **fields))

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Take an address out of the catalogue."""
        self._remove(("endpoints", endpoint_id))

    def list_regions(self, **filters: Any) -> list[Region]:
        """Regions, filtered by parent_region_id."""
        return self._list(("regions",), "regions", **filters)

    def get_region(self, region_id: str) -> Region:
        """A region by id."""
        return cast(Region, self._get(("regions", region_id), "region"))

    def create_region(self, region_id: str, *, description: str | None = None) -> Region:
        """Make a region."""
        made = self._make(("regions",), "region", id=region_id, description=description)
        return cast(Region, made)

    def delete_region(self, region_id: str) -> None:
        """Remove a region without endpoints."""
        self._remove(("regions", region_id))

    # ---- limits that services ask for here

    def list_limits(self, **filters: Any) -> list[Limit]:
        """What projects may have where it is not the default."""
        return self._list(("limits",), "limits", **filters)

    def list_registered_limits(self, **filters: Any) -> list[Limit]:
        """What each project may have by default."""
        return self._list(("registered_limits",), "registered_limits", **filters)
