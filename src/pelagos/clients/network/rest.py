"""The network service's calls one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

from pelagos.clients.base import Reply
from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.base.client import How
from pelagos.clients.base.dialect import Dialect
from pelagos.clients.network.types import Id

_MADE = frozenset({200, 201, 202})


class NetworkRestClient(Bilingual):
    """One method for each call; what else a method takes goes to the verb (see `Client`)."""

    service_type: ClassVar[str] = "network"
    DEFAULT_API_VERSION: ClassVar[str] = "2.0"
    API_VERSIONS: ClassVar[Mapping[Dialect, str]] = {"openstack": "2.0", "synnefo": "2.0"}

    def networks_get(self, network_id: Id | None = None, **how: Unpack[How]) -> Reply:
        """GET a page of networks, or one; "detail" is a page, too, on Synnefo."""
        return self.get(_path("networks", network_id), **how)

    def networks_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a network, or several."""
        return self._post("networks", json_data, how)

    def networks_put(
        self, network_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT what changes of a network."""
        how["json"] = json_data
        return self.put(("networks", network_id), **how)

    def networks_delete(self, network_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a network."""
        how.setdefault("success", 204)
        return self.delete(("networks", network_id), **how)

    def subnets_get(self, subnet_id: Id | None = None, **how: Unpack[How]) -> Reply:
        """GET a page of subnets, or one."""
        return self.get(_path("subnets", subnet_id), **how)

    def subnets_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a subnet, or several."""
        return self._post("subnets", json_data, how)

    def subnets_put(self, subnet_id: Id, **how: Unpack[How]) -> Reply:
        """PUT what changes of a subnet (`json=`)."""
        return self.put(("subnets", subnet_id), **how)

    def subnets_delete(self, subnet_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a subnet."""
        how.setdefault("success", 204)
        return self.delete(("subnets", subnet_id), **how)

    def ports_get(self, port_id: Id | None = None, **how: Unpack[How]) -> Reply:
        """GET a page of ports, or one; "detail" is a page, too, on Synnefo."""
        return self.get(_path("ports", port_id), **how)

    def ports_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a port, or several."""
        return self._post("ports", json_data, how)

    def ports_put(self, port_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """PUT what changes of a port."""
        how["json"] = json_data
        return self.put(("ports", port_id), **how)

    def ports_delete(self, port_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a port."""
        how.setdefault("success", 204)
        return self.delete(("ports", port_id), **how)

    def floatingips_get(self, floatingip_id: Id | None = None, **how: Unpack[How]) -> Reply:
        """GET a page of floating IPs, or one."""
        return self.get(_path("floatingips", floatingip_id), **how)

    def floatingips_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a floating IP."""
        return self._post("floatingips", json_data, how)

    def floatingips_put(
        self, floatingip_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT what changes of a floating IP."""
        how["json"] = json_data
        return self.put(("floatingips", floatingip_id), **how)

    def floatingips_delete(self, floatingip_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a floating IP."""
        how.setdefault("success", 204)
        return self.delete(("floatingips", floatingip_id), **how)

    def routers_get(self, router_id: Id | None = None, **how: Unpack[How]) -> Reply:
        """GET a page of routers, or one."""
        return self.get(_path("routers", router_id), **how)

    def routers_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a router."""
        return self._post("routers", json_data, how)

    def routers_put(
        self, router_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT what changes of a router."""
        how["json"] = json_data
        return self.put(("routers", router_id), **how)

    def routers_verb_put(
        self, router_id: Id, verb: str, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT what is done with a router: `add_router_interface` and so on."""
        how["json"] = json_data
        return self.put(("routers", router_id, verb), **how)

    def routers_delete(self, router_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a router."""
        how.setdefault("success", 204)
        return self.delete(("routers", router_id), **how)

    def security_groups_get(
        self, security_group_id: Id | None = None, **how: Unpack[How]
    ) -> Reply:
        """GET a page of security groups, or one."""
        return self.get(_path("security-groups", security_group_id), **how)

    def security_groups_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a security group."""
        return self._post("security-groups", json_data, how)

    def security_groups_put(
        self, security_group_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT what changes of a security group."""
        how["json"] = json_data
        return self.put(("security-groups", security_group_id), **how)

    def security_groups_delete(self, security_group_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a security group."""
        how.setdefault("success", 204)
        return self.delete(("security-groups", security_group_id), **how)

    def security_group_rules_get(self, rule_id: Id | None = None, **how: Unpack[How]) -> Reply:
        """GET a page of rules, or one."""
        return self.get(_path("security-group-rules", rule_id), **how)

    def security_group_rules_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a rule."""
        return self._post("security-group-rules", json_data, how)

    def security_group_rules_delete(self, rule_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a rule."""
        how.setdefault("success", 204)
        return self.delete(("security-group-rules", rule_id), **how)

    def _post(self, what: str, json_data: Mapping[str, Any], how: How) -> Reply:
        how.setdefault("success", _MADE)
        how["json"] = json_data
        return self.post((what,), **how)


def _path(what: str, which: Id | None) -> tuple[Id, ...]:
    return (what,) if which is None else (what, which)
