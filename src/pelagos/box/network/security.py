"""Security groups: what may reach ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.network.attributes import SECURITY_GROUP, SECURITY_GROUP_RULE, defaults
from pelagos.box.network.store import Caller, NetworkStore
from pelagos.box.records import Record

DEFAULT = "default"
_DESCRIPTION = "Default security group"
_WITH_PORTS = frozenset({"tcp", "udp", "dccp", "sctp", "udplite", "6", "17", "33", "132", "136"})
_ICMP = frozenset({"icmp", "icmpv6", "ipv6-icmp", "1", "58"})
_SAME = (
    "direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix",
    "remote_group_id",
)  # fmt: skip
_MOST_CODE = 255


class SecurityGroups:
    """The rules of security groups and of their rules."""

    def __init__(self, store: NetworkStore) -> None:
        self._store = store

    def default(self, project_id: str, user_id: str | None = None) -> Record | None:
        """The group that every project has; None for nobody's."""
        if not project_id:
            return None
        store = self._store
        found = store.groups.first(project_id=project_id)
        if found is not None:  # it is the first one, always
            return found
        with store.database.change():
            again = store.groups.first(project_id=project_id)
            if again is not None:
                return again
            told = {"name": DEFAULT, "description": _DESCRIPTION, "user_id": user_id}
            group = store.make(
                store.groups, defaults(SECURITY_GROUP, project_id=project_id, **told)
            )
            for version in ("IPv4", "IPv6"):
                self._rule(group, direction="ingress", ethertype=version,
                           remote_group_id=group["id"])  # fmt: skip
                self._rule(group, direction="egress", ethertype=version)
        return group

    def add(self, fields: Mapping[str, Any]) -> Record:
        """Make one, from which everything may go out.

        Raises:
            Refused: the name is the default one's.
        """
        if fields["name"].lower() == DEFAULT:
            message = "Default security group already exists."
            raise Refused(409, message, name="SecurityGroupDefaultAlreadyExists")
        with self._store.database.change():
            group = self._store.make(self._store.groups, fields)
            for version in ("IPv4", "IPv6"):
                self._rule(group, direction="egress", ethertype=version)
        return group

    def change(self, group: Record, fields: Mapping[str, Any]) -> Record:
        """Change one.

        Raises:
            Refused: the default one keeps its name.
        """
        if group["name"] == DEFAULT and fields.get("name", DEFAULT) != DEFAULT:
            message = "Updating default security group not allowed."
            raise Refused(409, message, name="SecurityGroupCannotUpdateDefault")
        return self._store.change(self._store.groups, group, **fields)

    def remove(self, caller: Caller, group: Record) -> None:
        """Remove one with its rules.

        Raises:
            Refused: it is in use, or the default one.
        """
        if group["name"] == DEFAULT and not caller.is_admin:
            message = "Insufficient rights for removing default security group."
            raise Refused(409, message, name="SecurityGroupCannotRemoveDefault")
        users = self._store.ports.every(project_id=group["project_id"])
        if any(group["id"] in port["security_groups"] for port in users):
            raise Refused(409, f"Security Group {group['id']} in use.", name="SecurityGroupInUse")
        with self._store.database.change():
            for rule in self.rules(group):
                self._store.rules.remove(rule["id"])
            for rule in self._store.rules.every():
                if rule["remote_group_id"] == group["id"]:
                    self._store.rules.remove(rule["id"])
            self._store.groups.remove(group["id"])

    def rules(self, group: Mapping[str, Any]) -> list[Record]:
        """The rules of one."""
        return self._store.rules.every(security_group_id=group["id"])

    def group(self, key: str, caller: Caller) -> Record:
        """One that a caller sees.

        Raises:
            Refused: 404.
        """
        found = self._store.groups.get(key)
        if found is None or not caller.owns(found):
            message = f"Security group {key} does not exist"
            raise Refused(404, message, name="SecurityGroupNotFound")
        return found

    def named(self, words: Iterable[str], caller: Caller) -> list[str]:
        """The ids of groups of a project by their names or ids.

        Raises:
            Refused: 404 there is none, 409 there are several.
        """
        self.default(caller.project_id, caller.user_id)
        own = self._store.groups.every(project_id=caller.project_id)
        found: list[str] = []
        for word in words:
            those = [one["id"] for one in own if one["id"] == word] or [
                one["id"] for one in own if one["name"] == word
            ]
            if not those:
                raise Refused(
                    404, f"Security group {word} not found for project {caller.project_id}."
                )
            if len(those) > 1:
                message = f"Multiple security groups found matching '{word}'. Use an ID."
                raise Refused(409, message, name="NoUniqueMatch")
            if those[0] not in found:
                found.append(those[0])
        return found

    def add_rule(self, group: Record, fields: Mapping[str, Any]) -> Record:
        """Give a group a rule.

        Raises:
            Refused: it cannot be, or is there.
        """
        _check_rule(fields)
        for other in self.rules(group):
            if all(other[name] == fields[name] for name in _SAME):
                message = f"Security group rule already exists. Rule id is {other['id']}."
                raise Refused(409, message, name="SecurityGroupRuleExists")
        with self._store.database.change():
            self._store.change(self._store.groups, group)
            return self._rule(group, **{name: it for name, it in fields.items() if name != "id"})

    def remove_rule(self, rule: Record) -> None:
        """Take a rule from its group."""
        self._store.rules.remove(rule["id"])

    def _rule(self, group: Mapping[str, Any], **fields: Any) -> Record:
        told = {
            **fields,
            "project_id": group["project_id"],
            "user_id": group.get("user_id"),
            "security_group_id": group["id"],
            "normalized_cidr": fields.get("remote_ip_prefix"),
            "belongs_to_default_sg": group["name"] == DEFAULT,
        }
        return self._store.make(self._store.rules, defaults(SECURITY_GROUP_RULE, **told))


def _check_rule(fields: Mapping[str, Any]) -> None:
    prefix, version = fields["remote_ip_prefix"], fields["ethertype"]
    if prefix and fields["remote_group_id"]:
        raise _odd(
            "MultipleRemoteEntites",
            "Only remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.",
        )
    if prefix and f"IPv{ip_network(prefix).version}" != version:
        raise _odd(
            "RuleParameterConflict", f"Conflicting value ethertype {version} for CIDR {prefix}"
        )
    protocol = fields["protocol"]
    if protocol in {"icmpv6", "ipv6-icmp", "58"} and version == "IPv4":
        raise _odd(
            "EthertypeConflictWithProtocol",
            f"Invalid ethertype {version} for protocol {protocol}.",
        )
    low, high = fields["port_range_min"], fields["port_range_max"]
    if low is not None or high is not None:
        _check_ports(protocol, low, high)


def _check_ports(protocol: str | None, low: int | None, high: int | None) -> None:
    if protocol is None:
        raise _odd(
            "ProtocolRequiredWithPorts", "Must also specify protocol if port range is given."
        )
    if protocol in _ICMP:
        _check_icmp(low, high)
    elif protocol not in _WITH_PORTS:
        raise _odd(
            "InvalidProtocolForPort",
            f"Invalid port range for protocol {protocol}, it has no ports.",
        )
    elif low is None or high is None or not 1 <= low <= high:
        raise _odd(
            "InvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max"
        )


def _check_icmp(kind: int | None, code: int | None) -> None:
    for name, word, value in (
        ("port_range_min", "type", kind),
        ("port_range_max", "code", code),
    ):
        if value is not None and not 0 <= value <= _MOST_CODE:
            message = f"Invalid value for ICMP {word} ({name}) {value}. It must be 0 to 255."
            raise _odd("InvalidIcmpValue", message)
    if kind is None:
        message = f"ICMP code (port-range-max) {code} is provided but ICMP type is missing."
        raise _odd("MissingIcmpType", message)


def _odd(name: str, message: str) -> Refused:
    return Refused(400, message, name=f"SecurityGroup{name}")
