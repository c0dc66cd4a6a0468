"""`pelagos role …`: who may do what where in an OpenStack."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, MORE, not_both
from pelagos.cli.cloud.identity import (
    DESCRIPTION,
    DOMAIN,
    GROUP,
    PROJECT,
    ROLE,
    USER,
    IdentityCommand,
    given,
)
from pelagos.cli.failures import USAGE
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_role_commands = CommandTree("role", "Who may do what where (OpenStack)")

_ROLE = Operand("name or id of the role", complete="cloud:role")
_WHO = {
    "user": ValueArgument("who, by name or id", "--user", metavar="USER", complete="cloud:user"),
    "group": ValueArgument(
        "who, by name or id of a group", "--group", metavar="GROUP", complete="cloud:group"
    ),
    "project": ValueArgument(
        "where, by name or id", "--project", metavar="PROJECT", complete="cloud:project"
    ),
    "domain": ValueArgument(
        "where, by name or id of a domain", "--domain", metavar="DOMAIN", complete="cloud:domain"
    ),
    "system": FlagArgument("where: in the whole system", "--system"),
}
_ONE_OF_EACH = (["user", "group"], ["project", "domain", "system"])
_KINDS = {"user": USER, "group": GROUP, "project": PROJECT, "domain": DOMAIN}


class _Role(IdentityCommand):
    """What the commands share."""

    def ids(self) -> dict[str, Any]:
        """What the options name, by ids."""
        found: dict[str, Any] = {
            f"{name}_id": self.find_id(kind, self[name])
            for name, kind in _KINDS.items()
            if self[name]
        }
        return {**found, "system": True} if self["system"] else found

    def whom_and_where(self) -> dict[str, Any]:
        """The same, when it is no more than one of each.

        Raises:
            UsageError: it is more.
        """
        not_both(self, "user", "group")
        for one, other in (("project", "domain"), ("project", "system"), ("domain", "system")):
            not_both(self, one, other)
        return self.ids()


@command(_role_commands)
class RoleList(IdentityCommand):
    """List the roles that there are."""

    shows = True
    lists = True
    keys = ("pelagos.clients.identity.types:Role",)
    arguments = CLOUD

    def main(self) -> None:
        """Print them."""
        self.only_openstack("roles")
        columns = (Column("name", "role"), Column("id"), Column("description"))
        self.context.output.show_list(self.cloud.identity.list_roles(), columns)


@command(_role_commands)
class RoleCreate(IdentityCommand):
    """Make a role."""

    shows = True
    arguments = {**CLOUD, "description": DESCRIPTION}
    operands = {"role": Operand("its name")}

    def main(self, role: str) -> None:
        """Make and print it."""
        self.only_openstack("roles")
        made = self.cloud.identity.create_role(role, **given(description=self["description"]))
        self.context.output.show_one(made)


@command(_role_commands)
class RoleDelete(IdentityCommand):
    """Remove roles, from everybody who has them."""

    arguments = {**CLOUD, "yes": FlagArgument("really", "--yes")}
    operands = {"role": _ROLE, "more": MORE}

    def main(self, role: str, *more: str) -> int | None:
        """Remove them."""
        self.only_openstack("roles")
        found = [self.find(ROLE, one) for one in (role, *more)]
        for one in found:
            if not self["yes"]:
                have = self.cloud.identity.list_role_assignments(role_id=one["id"])
                self.context.say(
                    f"{one['name']} is given {len(have)} times; with --yes it is removed"
                )
                continue
            self.cloud.identity.delete_role(str(one["id"]))
            self.context.say(f"the role {one['name']} is gone")
        return None if self["yes"] else USAGE


@command(_role_commands)
class RoleAssign(_Role):
    """Give a role to somebody: a user or a group, in a project, a domain, the system."""

    arguments = {**CLOUD, **_WHO}
    required = _ONE_OF_EACH
    operands = {"role": _ROLE}
    examples = ("pelagos role assign member --user ann --project web",)

    def main(self, role: str) -> None:
        """Give it."""
        self.only_openstack("roles")
        where = self.whom_and_where()
        self.cloud.identity.assign_role(self.find_id(ROLE, role), **where)
        self.context.say(f"{self['user'] or self['group']} has the role {role}")


@command(_role_commands)
class RoleUnassign(_Role):
    """Take a role from a user or a group."""

    arguments = {**CLOUD, **_WHO}
    required = _ONE_OF_EACH
    operands = {"role": _ROLE}

    def main(self, role: str) -> None:
        """Take it."""
        self.only_openstack("roles")
        where = self.whom_and_where()
        self.cloud.identity.unassign_role(self.find_id(ROLE, role), **where)
        self.context.say(f"{self['user'] or self['group']} has the role {role} no more there")


@command(_role_commands)
class RoleAssignments(_Role):
    """List who has which role where."""

    shows = True
    lists = True
    keys = ("pelagos.clients.identity.types:Assignment",)
    arguments = {
        **CLOUD,
        **_WHO,
        "role": ValueArgument(
            "only of this role", "--role", metavar="ROLE", complete="cloud:role"
        ),
        "effective": FlagArgument("also what comes by groups and from above", "--effective"),
    }

    def main(self) -> None:
        """Print them."""
        self.only_openstack("roles")
        ids = self.ids()
        filters: dict[str, Any] = {}
        for name, value in ids.items():
            if name == "system":
                filters["scope_system"] = "all"
            elif name in {"project_id", "domain_id"}:
                filters[f"scope_{name}"] = value
            else:
                filters[name] = value
        if self["role"]:
            filters["role_id"] = self.find_id(ROLE, self["role"])
        found = self.cloud.identity.list_role_assignments(
            effective=self["effective"], names=True, **filters
        )
        columns = (
            Column("role.name", "role"),
            Column("who"),
            Column("where"),
        )
        self.context.output.show_list([_row(one) for one in found], columns, empty="none")


def _row(one: Any) -> dict[str, Any]:
    who = one.get("user") or one.get("group") or {}
    kind = "" if "user" in one else "group "
    scope = one.get("scope") or {}
    where = scope.get("project") or scope.get("domain") or {}
    word = "project " if "project" in scope else "domain " if "domain" in scope else "system"
    return {
        **one,
        "who": f"{kind}{who.get('name') or who.get('id')}",
        "where": f"{word}{where.get('name') or where.get('id') or ''}",
    }
