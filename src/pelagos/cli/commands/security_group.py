"""`pelagos security-group …`: what may reach servers, and leave them. OpenStack's."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import (
    CLOUD,
    NAMED,
    CloudCommand,
    Record,
    find_id,
    named,
    not_both,
)
from pelagos.cli.cloud.showing import show_record, with_keys
from pelagos.cli.cloud.things import SECURITY_GROUP
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_security_group_commands = CommandTree("security-group", "What may reach servers")

_GROUP = Operand("id or name of the group", complete="cloud:security-group")
_MOST = 65535


@command(_security_group_commands, path="security-group list")
class SecurityGroupList(CloudCommand):
    """List the security groups of your project."""

    shows = True
    lists = True
    keys = ("pelagos.clients.network.types:SecurityGroup",)
    arguments = {**CLOUD, **NAMED}

    def main(self) -> None:
        """Print them."""
        columns = (
            Column("id"),
            Column("name"),
            Column("description"),
            Column("security_group_rules", "rules", lambda rules: str(len(rules or ()))),
        )
        found = named(self, SECURITY_GROUP.listing(self.cloud))
        self.context.output.show_list(found, columns, empty="there are no such security groups")


@command(_security_group_commands, path="security-group info")
class SecurityGroupInfo(CloudCommand):
    """Show the rules of a security group."""

    shows = True
    lists = True
    keys = ("pelagos.clients.network.types:SecurityGroupRule",)
    arguments = CLOUD
    operands = {"group": _GROUP}

    def main(self, group: str) -> None:
        """Print them."""
        found = self.find(SECURITY_GROUP, group)
        rules = with_keys(found.get("security_group_rules") or [], port=_ports, remote=_remote)
        columns = (
            Column("id"),
            Column("direction"),
            Column("ethertype", "family"),
            Column("protocol", show=lambda one: str(one or "any")),
            Column("port"),
            Column("remote"),
        )
        empty = f"nothing comes in and nothing goes out: pelagos security-group allow {group}"
        self.context.output.show_list(rules, columns, empty=empty)


@command(_security_group_commands, path="security-group create")
class SecurityGroupCreate(CloudCommand):
    """Make a security group; it lets everything out and nothing in."""

    shows = True
    arguments = {
        **CLOUD,
        "description": ValueArgument("what it is for", "--description", metavar="TEXT"),
    }
    operands = {"name": Operand("name of the new group")}

    def main(self, name: str) -> None:
        """Make and print it."""
        made = self.cloud.network.create_security_group(name, self["description"])
        show_record(self, made, _head(made))


@command(_security_group_commands, path="security-group modify")
class SecurityGroupModify(CloudCommand):
    """Change the name or the description of a security group."""

    shows = True
    arguments = {
        **CLOUD,
        "name": ValueArgument("its new name", "--name"),
        "description": ValueArgument(
            "what it is for", "--description", metavar="TEXT", may_be_empty=True
        ),
    }
    required = ["name", "description"]
    operands = {"group": _GROUP}

    def main(self, group: str) -> None:
        """Change and print it."""
        which = self.find_id(SECURITY_GROUP, group)
        made = self.cloud.network.update_security_group(which, self["name"], self["description"])
        show_record(self, made, _head(made))


@command(_security_group_commands, path="security-group delete")
class SecurityGroupDelete(CloudCommand):
    """Delete security groups with their rules; one that a port has stays."""

    arguments = CLOUD
    operands = {"groups": Operand("ids or names of groups", complete="cloud:security-group")}

    def main(self, *groups: str) -> None:
        """Delete them."""
        if not groups:
            raise UsageError("no group is named", hint="see: pelagos security-group list")
        for one in [self.find(SECURITY_GROUP, one) for one in groups]:
            self.cloud.network.delete_security_group(str(one["id"]))
            self.context.say(f"the security group {one.get('name') or one['id']} is gone")


@command(_security_group_commands, path="security-group allow")
class SecurityGroupAllow(CloudCommand):
    """Let something in, or with --out out."""

    shows = True
    arguments = {
        **CLOUD,
        "protocol": ValueArgument(
            "tcp, udp, icmp, another one or its number; default: tcp with --port, else any",
            "--protocol",
        ),
        "port": ValueArgument("this port, or those from one to another", "--port", metavar="22"),
        "remote": ValueArgument(
            "from or to these addresses only, as 10.0.0.0/24", "--remote", metavar="CIDR"
        ),
        "group": ValueArgument("from or to servers of this group only, by id or name", "--group"),
        "out": FlagArgument("out of the servers, not into them", "--out"),
        "ipv6": FlagArgument("of IPv6; default: as --remote tells, else IPv4", "--ipv6"),
        "description": ValueArgument("what it is for", "--description", metavar="TEXT"),
    }
    operands = {"to": _GROUP}
    examples = (
        "pelagos security-group allow web --port 80",
        "pelagos security-group allow web --protocol icmp --remote 10.0.0.0/8",
    )

    def main(self, to: str) -> None:
        """Let it pass, and print the rule."""
        not_both(self, "remote", "group")
        first, last = _range(self["port"]) if self["port"] else (None, None)
        made = self.cloud.network.create_security_group_rule(
            self.find_id(SECURITY_GROUP, to),
            "egress" if self["out"] else "ingress",
            self["protocol"] or ("tcp" if self["port"] else None),
            first,
            last,
            remote_ip_prefix=self["remote"],
            remote_group_id=self["group"] and find_id(self.cloud, SECURITY_GROUP, self["group"]),
            ethertype="IPv6" if self["ipv6"] else None,
            description=self["description"],
        )
        show_record(self, made, _rule_head(made))


@command(_security_group_commands, path="security-group revoke")
class SecurityGroupRevoke(CloudCommand):
    """Take rules from a security group."""

    arguments = CLOUD
    operands = {"group": _GROUP, "rules": Operand("ids of rules; see: security-group info GROUP")}

    def main(self, group: str, *rules: str) -> None:
        """Take them away."""
        found = self.find(SECURITY_GROUP, group)
        see = f"see: pelagos security-group info {found['id']}"
        if not rules:
            raise UsageError("no rule is named", hint=see)
        known = {str(one.get("id")) for one in found.get("security_group_rules") or []}
        if absent := [one for one in rules if one not in known]:
            raise CommandError(
                f"{found.get('name')} has no rule {absent[0]}", hint=see, code=NOT_FOUND
            )
        for one in rules:
            self.cloud.network.delete_security_group_rule(one)
            self.context.say(f"the rule {one} is gone")


def _range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    ends = (first, last if dash else first)
    if not all(one.isascii() and one.isdigit() and 0 < int(one) <= _MOST for one in ends):
        raise UsageError(f"--port: {text} is no port", hint="for example: 22, or 8000-8099")
    if int(ends[0]) > int(ends[1]):
        raise UsageError(f"--port: {text} has the larger one first")
    return int(ends[0]), int(ends[1])


def _ports(rule: Record) -> str:
    """The ports of a rule, or type and code of ICMP.

    >>> _ports({"port_range_min": 80, "port_range_max": 80}), _ports({"port_range_min": 1})
    ('80', '1')
    """
    first, last = rule.get("port_range_min"), rule.get("port_range_max")
    if first is None:
        return ""
    return str(first) if last in (None, first) else f"{first}-{last}"


def _remote(rule: Record) -> str:
    return str(rule.get("remote_ip_prefix") or rule.get("remote_group_id") or "anywhere")


def _rule_head(rule: Record) -> dict[str, Any]:
    return {
        "id": rule.get("id"),
        "group": rule.get("security_group_id"),
        "direction": rule.get("direction"),
        "family": rule.get("ethertype"),
        "protocol": rule.get("protocol") or "any",
        "port": _ports(rule),
        "remote": _remote(rule),
        "description": rule.get("description"),
    }


def _head(group: Record) -> dict[str, Any]:
    return {
        "id": group.get("id"),
        "name": group.get("name"),
        "description": group.get("description"),
        "rules": len(group.get("security_group_rules") or ()),
        "project": group.get("project_id") or group.get("tenant_id"),
    }
