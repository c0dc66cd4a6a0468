"""`pelagos project join|enroll|members|approve|…`, `pelagos membership …`: of a Synnefo."""

from __future__ import annotations

from typing import Any, ClassVar

from pelagos.cli.argument import IntArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD
from pelagos.cli.cloud.identity import IdentityCommand
from pelagos.cli.commands.project import PROJECT_OPERAND
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_project_commands = CommandTree("project")
_membership_commands = CommandTree("membership", "Who is in which project of a Synnefo")

_REASON = ValueArgument("why, for those whom it concerns", "--reason", metavar="TEXT", default="")
_MEMBERSHIP = Operand(
    "id of the membership; see pelagos membership list", complete="cloud:membership"
)
_COLUMNS = (
    Column("id", "membership"),
    Column("name", "user"),
    Column("project"),
    Column("state"),
    Column("allowed_actions", "you may", lambda what: ", ".join(what or ())),
)


class _ProjectAction(IdentityCommand):
    """What acting on projects shares."""

    action: ClassVar[str] = ""
    arguments = {**CLOUD, "reason": _REASON}
    operands = {"project": PROJECT_OPERAND}

    def main(self, project: str) -> None:
        """Do it."""
        self.only_synnefo(f"project {self.action}", "pelagos project modify --enable, --disable")
        which = str(self.project(project)["id"])
        self.cloud.astakos.project_action(which, self.action, self["reason"])
        self.context.say(f"{project}: {self.action}")


@command(_project_commands)
class ProjectSuspend(_ProjectAction):
    """Let nobody use a project for a time (Synnefo)."""

    action = "suspend"


@command(_project_commands)
class ProjectUnsuspend(_ProjectAction):
    """Let a suspended project be used again (Synnefo)."""

    action = "unsuspend"


@command(_project_commands)
class ProjectTerminate(_ProjectAction):
    """End a project (Synnefo)."""

    action = "terminate"


@command(_project_commands)
class ProjectReinstate(_ProjectAction):
    """Bring an ended project back (Synnefo)."""

    action = "reinstate"


class _ApplicationAction(IdentityCommand):
    """What acting on applications for projects shares."""

    action: ClassVar[str] = ""
    arguments = {
        **CLOUD,
        "reason": _REASON,
        "application": IntArgument(
            "number of the application; the last one unless told", "--application", default=None
        ),
    }
    operands = {"project": PROJECT_OPERAND}

    def main(self, project: str) -> None:
        """Do it."""
        self.only_synnefo(f"project {self.action}")
        found = self.project(project)
        number = self["application"]
        if number is None:
            last = found.get("last_application") or {}
            if "id" not in last:
                raise UsageError(
                    f"nobody has applied for anything of {project}", hint="give --application"
                )
            number = int(last["id"])
        self.cloud.astakos.application_action(
            str(found["id"]), number, self.action, self["reason"]
        )
        self.context.say(f"{project}, application {number}: {self.action}")


@command(_project_commands)
class ProjectApprove(_ApplicationAction):
    """Grant what somebody has applied for (Synnefo)."""

    action = "approve"


@command(_project_commands)
class ProjectDeny(_ApplicationAction):
    """Refuse what somebody has applied for (Synnefo)."""

    action = "deny"


@command(_project_commands)
class ProjectDismiss(_ApplicationAction):
    """Put a refused application away (Synnefo)."""

    action = "dismiss"


@command(_project_commands)
class ProjectCancel(_ApplicationAction):
    """Take an application of yours back (Synnefo)."""

    action = "cancel"


@command(_project_commands)
class ProjectJoin(IdentityCommand):
    """Ask to be in a project (Synnefo)."""

    arguments = CLOUD
    operands = {"project": PROJECT_OPERAND}

    def main(self, project: str) -> None:
        """Ask."""
        self.only_synnefo("project join", "an administrator gives roles: pelagos role assign")
        made = self.cloud.astakos.join_project(str(self.project(project)["id"]))
        self.context.say(f"membership {made['id']} of {project} is asked for")


@command(_project_commands)
class ProjectEnroll(IdentityCommand):
    """Put somebody into a project that you lead (Synnefo)."""

    arguments = CLOUD
    operands = {"project": PROJECT_OPERAND, "email": Operand("address of the user")}

    def main(self, project: str, email: str) -> None:
        """Put him in."""
        self.only_synnefo("project enroll", "pelagos role assign ROLE --user U --project P")
        made = self.cloud.astakos.enroll_member(str(self.project(project)["id"]), email)
        self.context.say(f"{email} is in {project}: membership {made['id']}")


@command(_project_commands)
class ProjectDefault(IdentityCommand):
    """Let a project be charged where none is named (Synnefo); without one, tell which is."""

    arguments = CLOUD
    operands = {"project": PROJECT_OPERAND}

    def main(self, project: str = "") -> None:
        """Set or print it."""
        self.only_synnefo("a default project", "it is in the configuration of the cloud")
        if not project:
            self.context.output.line(str(self.cloud.access.project_id))
            return
        which = str(self.project(project)["id"])
        self.cloud.astakos.set_default_project(which)
        self.context.say(f"{project} is charged where none is named")


@command(_project_commands)
class ProjectMembers(IdentityCommand):
    """List who is in a project."""

    shows = True
    lists = True
    keys = ("pelagos.clients.astakos.types:Membership",)
    arguments = CLOUD
    operands = {"project": PROJECT_OPERAND}

    def main(self, project: str) -> None:
        """Print them."""
        which = str(self.project(project)["id"])
        if self.is_synnefo:
            rows = _memberships(self, which)
            self.context.output.show_list(rows, _COLUMNS, empty="nobody")
            return
        found = self.cloud.identity.list_role_assignments(
            effective=True, names=True, scope_project_id=which
        )
        roles: dict[str, dict[str, Any]] = {}
        for one in found:
            user: Any = one.get("user") or {}
            row = roles.setdefault(
                str(user.get("id")), {"name": user.get("name"), "id": user.get("id"), "roles": []}
            )
            role: Any = one.get("role") or {}
            if role.get("name") not in row["roles"]:  # directly, and once more by a group
                row["roles"].append(role.get("name"))
        columns = (Column("name", "user"), Column("id"), Column("roles", show=", ".join))
        self.context.output.show_list(list(roles.values()), columns, empty="nobody")


def _memberships(command: IdentityCommand, project: str | None) -> list[dict[str, Any]]:
    found = command.cloud.astakos.get_memberships(project)
    ids = sorted({one["user"] for one in found})
    names = command.cloud.astakos.get_usernames(ids) if ids else {}
    return [{**one, "name": names.get(one["user"], one["user"])} for one in found]


@command(_membership_commands)
class MembershipList(IdentityCommand):
    """List your memberships; with --project those of a project (Synnefo)."""

    shows = True
    lists = True
    keys = ("pelagos.clients.astakos.types:Membership",)
    arguments = {
        **CLOUD,
        "project": ValueArgument(
            "of this project", "--project", metavar="PROJECT", complete="cloud:project"
        ),
    }

    def main(self) -> None:
        """Print them."""
        self.only_synnefo("memberships", "see: pelagos role assignments")
        which = str(self.project(self["project"])["id"]) if self["project"] else None
        self.context.output.show_list(_memberships(self, which), _COLUMNS, empty="none")


@command(_membership_commands)
class MembershipInfo(IdentityCommand):
    """Show a membership (Synnefo)."""

    shows = True
    arguments = CLOUD
    operands = {"membership": _MEMBERSHIP}

    def main(self, membership: str) -> None:
        """Print it."""
        self.only_synnefo("memberships", "see: pelagos role assignments")
        self.context.output.show_one(self.cloud.astakos.get_membership(membership))


class _MembershipAction(IdentityCommand):
    """What acting on memberships shares."""

    action: ClassVar[str] = ""
    arguments = {**CLOUD, "reason": _REASON}
    operands = {"membership": _MEMBERSHIP}

    def main(self, membership: str) -> None:
        """Do it."""
        self.only_synnefo("memberships", "see: pelagos role --help")
        self.cloud.astakos.membership_action(membership, self.action, self["reason"])
        self.context.say(f"membership {membership}: {self.action}")


@command(_membership_commands)
class MembershipAccept(_MembershipAction):
    """Let somebody in who asked for it (Synnefo)."""

    action = "accept"


@command(_membership_commands)
class MembershipReject(_MembershipAction):
    """Do not let somebody in who asked for it (Synnefo)."""

    action = "reject"


@command(_membership_commands)
class MembershipRemove(_MembershipAction):
    """Put somebody out (Synnefo)."""

    action = "remove"


@command(_membership_commands)
class MembershipLeave(_MembershipAction):
    """Leave a project (Synnefo)."""

    action = "leave"


@command(_membership_commands)
class MembershipCancel(_MembershipAction):
    """Take back that you asked to be in a project (Synnefo)."""

    action = "cancel"
