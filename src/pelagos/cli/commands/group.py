"""`pelagos group …`: users who can be named together.

Of an OpenStack these are Keystone's groups, which have roles; of a Synnefo those of your own
account, with which objects are shared.
"""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import Operand, RepeatableArgument
from pelagos.cli.cloud.command import CLOUD, MORE
from pelagos.cli.cloud.identity import DESCRIPTION, DOMAIN_OPTION, GROUP, USER, IdentityCommand
from pelagos.cli.failures import NOT_FOUND, CommandError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.spelling import nearest

_group_commands = CommandTree("group", "Users who can be named together")

_GROUP = Operand("name of the group, or its id", complete="cloud:group")
_FIELD = "x-account-group-"


class _OfAccount(IdentityCommand):
    """What the commands share: the groups of a Synnefo's account."""

    def own(self) -> dict[str, list[str]]:
        """The members' ids by group."""
        found = self.cloud.object_store.get_account_group()
        return {
            name.removeprefix(_FIELD): [one for one in members.split(",") if one]
            for name, members in found.items()
        }

    def members(self, name: str) -> list[str]:
        """The members' ids of one group.

        Raises:
            CommandError: there is none of that name.
        """
        known = self.own()
        if name.lower() in known:
            return known[name.lower()]
        near = nearest(name, list(known))
        raise CommandError(
            f"you have no group {name}",
            hint=f"did you mean {near}?" if near else "see: pelagos group list",
            code=NOT_FOUND,
        )

    def ids(self, users: tuple[str, ...]) -> list[str]:
        """The ids of users who are named by name or id."""
        return [self.astakos_user(user) for user in users]


@command(_group_commands)
class GroupList(_OfAccount):
    """List the groups."""

    shows = True
    lists = True
    keys = ("pelagos.clients.identity.types:Group",)
    arguments = CLOUD

    def main(self) -> None:
        """Print them."""
        empty = "no groups yet; make one: pelagos group create NAME USER…"
        if not self.is_synnefo:
            columns: tuple[Column, ...] = (Column("name"), Column("id"), Column("description"))
            self.context.output.show_list(self.cloud.identity.list_groups(), columns, empty=empty)
            return
        found = self.own()
        ids = sorted({one for members in found.values() for one in members})
        names = self.cloud.astakos.get_usernames(ids) if ids else {}
        rows = [
            {
                "name": name,
                "members": members,
                "names": [names.get(one, one) for one in members],
            }
            for name, members in sorted(found.items())
        ]
        columns = (Column("name"), Column("names", "members", ", ".join))
        self.context.output.show_list(rows, columns, empty=empty)


@command(_group_commands)
class GroupInfo(_OfAccount):
    """Show a group and who is in it."""

    shows = True
    lists = True
    keys = ("pelagos.clients.identity.types:User",)
    arguments = CLOUD
    operands = {"group": _GROUP}

    def main(self, group: str) -> None:
        """Print it."""
        columns = (Column("name", "user"), Column("id"))
        if self.is_synnefo:
            ids = self.members(group)
            names = self.cloud.astakos.get_usernames(ids) if ids else {}
            rows: list[Any] = [{"name": names.get(one, one), "id": one} for one in ids]
        else:
            rows = list(self.cloud.identity.list_group_users(self.find_id(GROUP, group)))
        self.context.output.show_list(rows, columns, empty=f"nobody is in {group}")


@command(_group_commands)
class GroupCreate(_OfAccount):
    """Make a group with these users."""

    arguments = {**CLOUD, "description": DESCRIPTION, "domain": DOMAIN_OPTION}
    operands = {
        "group": Operand("name of the new group"),
        "users": Operand("who is in it, by name or id", complete="cloud:user"),
    }
    examples = ("pelagos group create family ann@example.org bob@example.org",)

    def main(self, group: str, *users: str) -> None:
        """Make it."""
        if self.is_synnefo:
            if not users:
                raise CommandError("a group without users is none", hint="name at least one user")
            if group.lower() in self.own():
                raise CommandError(
                    f"there is a group {group} already",
                    hint=f"change it: pelagos group modify {group} --add USER",
                )
            self.cloud.object_store.set_account_group(group, self.ids(users))
        else:
            ids = [self.find_id(USER, user) for user in users]
            made = self.cloud.identity.create_group(
                group, domain_id=self.domain_id(), description=self["description"]
            )
            for one in ids:
                self.cloud.identity.add_group_user(made["id"], one)
        self.context.say(f"the group {group} is there")


@command(_group_commands)
class GroupModify(_OfAccount):
    """Put users into a group, or take them out."""

    arguments = {
        **CLOUD,
        "add": RepeatableArgument("who comes in", "--add", metavar="USER", complete="cloud:user"),
        "remove": RepeatableArgument(
            "who goes", "--remove", metavar="USER", complete="cloud:user"
        ),
    }
    required = ["add", "remove"]
    operands = {"group": _GROUP}

    def main(self, group: str) -> None:
        """Change it."""
        if self.is_synnefo:
            gone = set(self.ids(tuple(self["remove"])))
            after = [one for one in self.members(group) if one not in gone]
            after += [one for one in self.ids(tuple(self["add"])) if one not in after]
            if not after:
                raise CommandError(
                    "nobody would be left in it", hint=f"pelagos group delete {group}"
                )
            self.cloud.object_store.set_account_group(group, after)
        else:
            which = self.find_id(GROUP, group)
            for user in self["add"]:
                self.cloud.identity.add_group_user(which, self.find_id(USER, user))
            for user in self["remove"]:
                self.cloud.identity.remove_group_user(which, self.find_id(USER, user))
        self.context.say(f"the group {group} is changed")


@command(_group_commands)
class GroupDelete(_OfAccount):
    """Remove groups; their users stay."""

    arguments = CLOUD
    operands = {"group": _GROUP, "more": MORE}

    def main(self, group: str, *more: str) -> None:
        """Remove them."""
        for name in (group, *more):
            if self.is_synnefo:
                self.members(name)
                self.cloud.object_store.del_account_group(name)
            else:
                self.cloud.identity.delete_group(self.find_id(GROUP, name))
            self.context.say(f"the group {name} is gone")
