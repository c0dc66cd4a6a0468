"""`pelagos one host|cluster|group|user create` and `one acl …`: what is not made of templates."""

from __future__ import annotations

from pelagos.cli.argument import IntArgument, Operand, ValueArgument
from pelagos.cli.failures import UsageError
from pelagos.cli.one.command import ONE, OneCommand
from pelagos.cli.one.kinds import GROUP, HOST
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_one_commands = CommandTree("one", "OpenNebula: its machines and all else of it")
_one_commands.add_command("one_acl", "Access rules of an OpenNebula")

_STATUS = ("enable", "disable", "offline")


@command(_one_commands)
class OneHostCreate(OneCommand):
    """Let OpenNebula use a host, and print its id."""

    shows = True
    arguments = {
        **ONE,
        "im": ValueArgument("driver that watches it; default kvm", "--im", default="kvm"),
        "vm": ValueArgument("driver of its machines; default kvm", "--vm", default="kvm"),
        "cluster": IntArgument("id of its cluster", "--cluster", default=-1),
    }
    operands = {"name": Operand("its name in the network")}
    examples = ("pelagos one host create node07 --im kvm --vm kvm",)

    def main(self, name: str) -> None:
        """Add it."""
        made = self.one.host.allocate(name, self["im"], self["vm"], self["cluster"])
        self.context.output.show_one({"id": made})


@command(_one_commands)
class OneHostStatus(OneCommand):
    """Enable a host, disable it, or take it off line."""

    arguments = {**ONE}
    operands = {
        "host": Operand("id or name of the host", complete="one:host"),
        "status": Operand("what it is to be", choices=_STATUS),
    }
    examples = ("pelagos one host status node07 disable",)

    def main(self, host: str, status: str) -> None:
        """Set it."""
        self.one.host.status(self.id_of(HOST, host), _STATUS.index(status))


@command(_one_commands)
class OneClusterCreate(OneCommand):
    """Make a cluster, and print its id."""

    shows = True
    arguments = {**ONE}
    operands = {"name": Operand("what it is to be called")}
    examples = ("pelagos one cluster create lab",)

    def main(self, name: str) -> None:
        """Make it."""
        self.context.output.show_one({"id": self.one.cluster.allocate(name)})


@command(_one_commands)
class OneGroupCreate(OneCommand):
    """Make a group, and print its id."""

    shows = True
    arguments = {**ONE}
    operands = {"name": Operand("what it is to be called")}
    examples = ("pelagos one group create engineers",)

    def main(self, name: str) -> None:
        """Make it."""
        self.context.output.show_one({"id": self.one.group.allocate(name)})


@command(_one_commands)
class OneUserCreate(OneCommand):
    """Make a user, and print the id; the password is read from standard input."""

    shows = True
    arguments = {
        **ONE,
        "driver": ValueArgument("how they log in; default core", "--driver", default="core"),
        "group": ValueArgument("id or name of the group", "--group"),
    }
    operands = {"name": Operand("what they are to be called")}
    examples = ("cat password | pelagos one user create alice --group engineers",)

    def main(self, name: str) -> None:
        """Make it."""
        secret = self.context.stdin.readline().rstrip("\r\n")
        if not secret:
            raise UsageError("there is no password", hint="write it to standard input")
        groups = [self.id_of(GROUP, self["group"])] if self["group"] else []
        made = self.one.user.allocate(name, secret, self["driver"], groups)
        self.context.output.show_one({"id": made})


@command(_one_commands)
class OneAclList(OneCommand):
    """List the access rules."""

    shows = True
    lists = True
    keys = ()
    arguments = {**ONE}
    examples = ("pelagos one acl list",)

    def main(self) -> None:
        """Print them."""
        rules = [{"id": one.ID, "rule": one.STRING} for one in self.one.acl.info().ACL]
        columns = (Column("id"), Column("rule"))
        self.context.output.show_list(rules, columns, empty="there are no access rules")


@command(_one_commands)
class OneAclCreate(OneCommand):
    """Add an access rule, and print its id."""

    shows = True
    arguments = {**ONE}
    operands = {"rule": Operand('who, what and which rights: "@100 VM+NET/* USE+MANAGE *"')}
    examples = ("pelagos one acl create '@100 VM+NET/* USE+MANAGE *'",)

    def main(self, rule: str) -> None:
        """Add it."""
        from pelagos.one.acl import encode_rule

        self.context.output.show_one({"id": self.one.acl.addrule(*encode_rule(rule))})


@command(_one_commands)
class OneAclDelete(OneCommand):
    """Drop access rules."""

    arguments = {**ONE}
    operands = {"rules": Operand("ids of the rules")}
    examples = ("pelagos one acl delete 9",)

    def main(self, *rules: str) -> None:
        """Drop them."""
        if not rules or not all(one.isascii() and one.isdigit() for one in rules):
            raise UsageError("name rules by their ids", hint="see: pelagos one acl list")
        for one in rules:
            self.one.acl.delrule(int(one))
