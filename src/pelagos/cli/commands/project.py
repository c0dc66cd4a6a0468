"""`pelagos project …`: what is charged together, of OpenStack and of Synnefo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    Operand,
    RepeatableArgument,
    ValueArgument,
)
from pelagos.cli.cloud.command import CLOUD, MORE, like
from pelagos.cli.cloud.identity import (
    DESCRIPTION,
    DOMAIN_OPTION,
    PROJECT,
    SWITCHES,
    IdentityCommand,
    given,
    moment,
)
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.failures import USAGE, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_project_commands = CommandTree("project", "Projects of a cloud: what is charged together")

PROJECT_OPERAND = Operand("name or id of the project", complete="cloud:project")

_POLICIES = ("auto", "moderated", "closed")
_SYNNEFO = {
    "end": ValueArgument("when it ends (Synnefo): 2030-01-31", "--end-date", metavar="DATE"),
    "start": ValueArgument("when it begins (Synnefo)", "--start-date", metavar="DATE"),
    "homepage": ValueArgument("its web page (Synnefo)", "--homepage", metavar="URL"),
    "owner": ValueArgument("who leads it (Synnefo)", "--owner", metavar="USER"),
    "join": ValueArgument(
        "how one comes in (Synnefo)", "--join-policy", metavar="POLICY", choices=_POLICIES
    ),
    "leave": ValueArgument(
        "how one goes (Synnefo)", "--leave-policy", metavar="POLICY", choices=_POLICIES
    ),
    "members": IntArgument("so many at the most (Synnefo)", "--max-members", default=None),
    "resources": RepeatableArgument(
        "what each member and all together may use (Synnefo): cyclades.vm=2,10", "--resource",
        metavar="NAME=MEMBER,ALL",
    ),
    "spec": ValueArgument(
        "a file of JSON with all that; options go before it (Synnefo)", "--spec-file",
        metavar="FILE", complete="file",
    ),
}  # fmt: skip


@command(_project_commands)
class ProjectList(IdentityCommand):
    """List the projects that you are in; with --all, all that you may see."""

    shows = True
    lists = True
    keys = ("pelagos.clients.identity.types:Project", "pelagos.clients.astakos.types:Project")
    arguments = {
        **CLOUD,
        "all": FlagArgument("all that you may see, not only yours", "--all"),
        "name": ValueArgument("only those of this name; * stands for anything", "--name",
                              metavar="PATTERN"),
        "state": ValueArgument("only in this state (Synnefo)", "--state", metavar="STATE"),
        "owner": ValueArgument("only of this leader (Synnefo)", "--owner", metavar="USER"),
    }  # fmt: skip

    def main(self) -> None:
        """Print them."""
        found: list[Any]
        columns: tuple[Column, ...]
        if self.is_synnefo:
            owner = self.astakos_user(self["owner"]) if self["owner"] else None
            mode = None if self["all"] or owner or self["state"] else "member"
            found = list(
                self.cloud.astakos.get_projects(state=self["state"], owner=owner, mode=mode)
            )
            columns = (Column("name"), Column("id"), Column("state"), Column("end_date", "ends"))
        else:
            if self["state"] or self["owner"]:
                self.only_synnefo("--state and --owner")
            identity = self.cloud.identity
            found = list(identity.list_projects() if self["all"] else identity.list_my_projects())
            columns = (Column("name"), Column("id"), Column("enabled"), Column("description"))
        if self["name"]:
            found = like(found, "name", self["name"])
        self.context.output.show_list(found, columns, empty="no projects")


@command(_project_commands)
class ProjectInfo(IdentityCommand):
    """Show a project."""

    shows = True
    arguments = CLOUD
    operands = {"project": PROJECT_OPERAND}

    def main(self, project: str = "") -> None:
        """Print it."""
        found = self.project(project or self.cloud.access.project_id or "")
        show_record(self, found, {key: one for key, one in found.items() if key != "links"})


@command(_project_commands)
class ProjectCreate(IdentityCommand):
    """Make a project; of a Synnefo, apply for one, which its administrator approves."""

    shows = True
    arguments = {
        **CLOUD,
        "description": DESCRIPTION,
        "domain": DOMAIN_OPTION,
        "parent": ValueArgument(
            "in which project (OpenStack)", "--parent", metavar="PROJECT", complete="cloud:project"
        ),
        "private": FlagArgument("only its members see it (Synnefo)", "--private"),
        **_SYNNEFO,
    }
    operands = {"project": Operand("its name")}
    examples = (
        "pelagos project create web --description 'the web site'",
        "pelagos project create web --end-date 2030-01-31 --resource cyclades.vm=2,10",
    )

    def main(self, project: str) -> None:
        """Make and print it."""
        made: Any
        if self.is_synnefo:
            specs = {
                **_specs(self),
                "name": project,
                **({"private": True} if self["private"] else {}),
            }
            if "end_date" not in specs:
                raise UsageError("when does it end?", hint="give --end-date, as 2030-01-31")
            made = self.cloud.astakos.create_project(specs)
            self.context.say("applied for; the cloud's administrator has to approve it")
        else:
            _refuse_synnefo(self, "private")
            made = self.cloud.identity.create_project(
                project,
                domain_id=self.domain_id(),
                parent_id=self.find_id(PROJECT, self["parent"]) if self["parent"] else None,
                description=self["description"],
            )
        record = dict(made)
        show_record(self, record, {key: one for key, one in record.items() if key != "links"})


@command(_project_commands)
class ProjectModify(IdentityCommand):
    """Change a project; of a Synnefo, apply for the change."""

    arguments = {
        **CLOUD,
        **SWITCHES,
        "rename": ValueArgument("another name", "--name", metavar="NAME"),
        "description": DESCRIPTION,
        "private": FlagArgument("only its members see it (Synnefo)", "--private"),
        "public": FlagArgument("everybody sees it (Synnefo)", "--public"),
        **_SYNNEFO,
    }
    required = [name for name in arguments if name != "cloud"]
    operands = {"project": PROJECT_OPERAND}

    def main(self, project: str) -> None:
        """Change it."""
        found = self.project(project)
        which = str(found["id"])
        if not self.is_synnefo:
            _refuse_synnefo(self, "private", "public")
            fields = given(name=self["rename"], description=self["description"])
            self.cloud.identity.update_project(which, **fields, **self.enabled())
            self.context.say(f"the project {project} is changed")
            return
        if self["private"] and self["public"]:
            raise UsageError("--private and --public exclude each other")
        if self.enabled():
            raise UsageError(
                "--enable and --disable are of an OpenStack",
                hint="pelagos project suspend, pelagos project unsuspend",
            )
        specs = {**_specs(self), **given(name=self["rename"])}
        if self["private"] or self["public"]:
            specs["private"] = self["private"]
        self.cloud.astakos.modify_project(which, specs)
        self.context.say("applied for; the cloud's administrator has to approve it")


@command(_project_commands)
class ProjectDelete(IdentityCommand):
    """Remove projects from an OpenStack. What they own elsewhere stays: remove that before."""

    arguments = {**CLOUD, "yes": FlagArgument("really", "--yes")}
    operands = {"project": PROJECT_OPERAND, "more": MORE}

    def main(self, project: str, *more: str) -> int | None:
        """Remove them."""
        self.only_openstack("removing projects", "end one: pelagos project terminate PROJECT")
        found = [self.project(one) for one in (project, *more)]
        if not self["yes"]:
            names = ", ".join(str(one["name"]) for one in found)
            self.context.say(f"{names}: with --yes removed for good")
            return USAGE
        for one in found:
            self.cloud.identity.delete_project(str(one["id"]))
            self.context.say(f"the project {one['name']} is gone")
        return None


def _refuse_synnefo(command: IdentityCommand, *flags: str) -> None:
    for name in (*_SYNNEFO, *flags):
        if command[name] not in (None, False, (), []):
            command.only_synnefo(command.all_arguments()[name].name)


def _specs(command: IdentityCommand) -> dict[str, Any]:
    """What Astakos shall be told of a project: the file, and the options above it."""
    specs = _file(command["spec"]) if command["spec"] else {}
    for name, key, option in (
        ("end", "end_date", "--end-date"),
        ("start", "start_date", "--start-date"),
    ):
        if command[name]:
            specs[key] = moment(option, command[name])
    specs |= given(
        description=command["description"],
        homepage=command["homepage"],
        owner=command.astakos_user(command["owner"]) if command["owner"] else None,
        join_policy=command["join"],
        leave_policy=command["leave"],
        max_members=command["members"],
    )
    if command["resources"]:
        found = dict(_resource(text) for text in command["resources"])
        specs["resources"] = {**specs.get("resources", {}), **found}
    return specs


def _resource(text: str) -> tuple[str, dict[str, int]]:
    """What each member and all together may use of a resource.

    >>> _resource("cyclades.vm=2,10")
    ('cyclades.vm', {'member_capacity': 2, 'project_capacity': 10})
    """
    name, _, amounts = text.partition("=")
    member, _, whole = amounts.partition(",")
    try:
        found = {"member_capacity": int(member), "project_capacity": int(whole)}
    except ValueError as error:
        raise UsageError(
            f"--resource: {text!r} is not NAME=MEMBER,ALL",
            hint="write for example: --resource cyclades.vm=2,10",
        ) from error
    if found["member_capacity"] > found["project_capacity"]:
        raise UsageError(f"--resource: {text!r} gives one member more than all together")
    return name, found


def _file(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).expanduser().read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path} holds no object of JSON")
    return found
