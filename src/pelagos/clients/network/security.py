"""Security groups of a network service: what may reach ports, and leave them. OpenStack's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pelagos.clients.base.bilingual import given
from pelagos.clients.base.paging import records
from pelagos.clients.network.rest import NetworkRestClient
from pelagos.clients.network.types import Id, SecurityGroup, SecurityGroupRule


class SecurityGroupMethods(NetworkRestClient):
    """What a `NetworkClient` does with security groups; a Synnefo raises `Unsupported`."""

    def list_security_groups(self, **filters: Any) -> list[SecurityGroup]:
        """The security groups, with their rules."""
        self._with_groups()
        found = records(self, ("security-groups",), "security_groups", filters)
        return cast(list[SecurityGroup], found)

    def get_security_group_details(self, security_group_id: Id) -> SecurityGroup:
        """A security group's record, with its rules."""
        self._with_groups()
        reply = self.security_groups_get(security_group_id)
        return cast(SecurityGroup, reply.record("security_group"))

    def create_security_group(
        self, name: str, description: str | None = None, stateful: bool | None = None
    ) -> SecurityGroup:
        """Make a security group, from which all may go out and into which nothing comes.

        Args:
            name: for people.
            description: for people.
            stateful: whether answers may come back by themselves; None: the service chooses.
        """
        self._with_groups()
        body = given(name=name, description=description, stateful=stateful)
        reply = self.security_groups_post(json_data={"security_group": body})
        return cast(SecurityGroup, reply.record("security_group"))

    def update_security_group(
        self, security_group_id: Id, name: str | None = None, description: str | None = None
    ) -> SecurityGroup:
        """Change what is not None of a security group; its record."""
        self._with_groups()
        body = given(name=name, description=description)
        reply = self.security_groups_put(security_group_id, json_data={"security_group": body})
        return cast(SecurityGroup, reply.record("security_group"))

    def delete_security_group(self, security_group_id: Id) -> Mapping[str, str]:
        """Remove a security group that no port has; the answer's header fields."""
        self._with_groups()
        return self.security_groups_delete(security_group_id).headers

    def list_security_group_rules(self, **filters: Any) -> list[SecurityGroupRule]:
        """The rules of all security groups, or of some (`security_group_id="x"`)."""
        self._with_groups()
        found = records(self, ("security-group-rules",), "security_group_rules", filters)
        return cast(list[SecurityGroupRule], found)

    def get_security_group_rule_details(self, rule_id: Id) -> SecurityGroupRule:
        """A rule's record."""
        self._with_groups()
        reply = self.security_group_rules_get(rule_id)
        return cast(SecurityGroupRule, reply.record("security_group_rule"))

    def create_security_group_rule(  # noqa: PLR0913  # a rule has many properties
        self,
        security_group_id: Id,
        direction: Literal["ingress", "egress"] = "ingress",
        protocol: str | None = None,
        port_range_min: int | None = None,
        port_range_max: int | None = None,
        *,
        remote_ip_prefix: str | None = None,
        remote_group_id: Id | None = None,
        ethertype: Literal["IPv4", "IPv6"] | None = None,
        description: str | None = None,
    ) -> SecurityGroupRule:
        """Let something in or out; the rule's record.

        Args:
            security_group_id: of which group.
            direction: into the ports of the group, or out of them.
            protocol: "tcp", "udp", "icmp" and so on, or a number; None: any.
            port_range_min: the first port, or the type of ICMP messages.
            port_range_max: the last port, or their code.
            remote_ip_prefix: from where or to where: "10.0.0.0/24"; None: anywhere.
            remote_group_id: … or the ports of this group.
            ethertype: None: as `remote_ip_prefix` tells, else the service chooses IPv4.
            description: for people.
        """
        self._with_groups()
        if ethertype is None and remote_ip_prefix is not None and ":" in remote_ip_prefix:
            ethertype = "IPv6"
        body = given(
            security_group_id=security_group_id,
            direction=direction,
            protocol=protocol,
            port_range_min=port_range_min,
            port_range_max=port_range_max,
            remote_ip_prefix=remote_ip_prefix,
            remote_group_id=remote_group_id,
            ethertype=ethertype,
            description=description,
        )
        reply = self.security_group_rules_post(json_data={"security_group_rule": body})
        return cast(SecurityGroupRule, reply.record("security_group_rule"))

    def delete_security_group_rule(self, rule_id: Id) -> Mapping[str, str]:
        """Take a rule away; the answer's header fields."""
        self._with_groups()
        return self.security_group_rules_delete(rule_id).headers

    def _with_groups(self) -> None:
        self._only_on("openstack", "security groups", "its servers have a firewall profile")
