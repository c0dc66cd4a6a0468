"""Routers of a network service: which subnets reach each other and the outside. OpenStack's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pelagos.clients.base.bilingual import given
from pelagos.clients.base.paging import records
from pelagos.clients.network.rest import NetworkRestClient
from pelagos.clients.network.types import Id, Router, RouterInterface


class RouterMethods(NetworkRestClient):
    """What a `NetworkClient` does with routers; on a Synnefo all of it raises `Unsupported`."""

    def list_routers(self, **filters: Any) -> list[Router]:
        """The routers."""
        self._with_routers()
        return cast(list[Router], records(self, ("routers",), "routers", filters))

    def get_router_details(self, router_id: Id) -> Router:
        """A router's record."""
        self._with_routers()
        return cast(Router, self.routers_get(router_id).record("router"))

    def create_router(
        self,
        name: str | None = None,
        external_network_id: Id | None = None,
        admin_state_up: bool | None = None,
        enable_snat: bool | None = None,
    ) -> Router:
        """Make a router; its record.

        Args:
            name: for people.
            external_network_id: the network by which it reaches the outside; None: it does not.
            admin_state_up: whether it works; None: the service chooses.
            enable_snat: whether machines without a floating IP reach the outside, too.
        """
        self._with_routers()
        body = _router(name, external_network_id, admin_state_up, enable_snat)
        return cast(Router, self.routers_post(json_data={"router": body}).record("router"))

    def update_router(
        self,
        router_id: Id,
        name: str | None = None,
        external_network_id: Id | None = None,
        admin_state_up: bool | None = None,
        enable_snat: bool | None = None,
    ) -> Router:
        """Change what is not None of a router; its record.

        Args:
            router_id: which.
            name: for people.
            external_network_id: its way to the outside; "" takes it away.
            admin_state_up: whether it works.
            enable_snat: said together with `external_network_id`.
        """
        self._with_routers()
        body = _router(name, external_network_id, admin_state_up, enable_snat)
        reply = self.routers_put(router_id, json_data={"router": body})
        return cast(Router, reply.record("router"))

    def delete_router(self, router_id: Id) -> Mapping[str, str]:
        """Remove a router that joins no subnet; the answer's header fields."""
        self._with_routers()
        return self.routers_delete(router_id).headers

    def add_router_interface(
        self, router_id: Id, subnet_id: Id | None = None, port_id: Id | None = None
    ) -> RouterInterface:
        """Let a router join a subnet, at its gateway's address or by a port; the interface.

        Raises:
            ValueError: not just one of `subnet_id` and `port_id` is given.
        """
        return self._interface(router_id, "add_router_interface", subnet_id, port_id)

    def remove_router_interface(
        self, router_id: Id, subnet_id: Id | None = None, port_id: Id | None = None
    ) -> RouterInterface:
        """Let a router leave a subnet; the interface that was.

        Raises:
            ValueError: not just one of `subnet_id` and `port_id` is given.
        """
        return self._interface(router_id, "remove_router_interface", subnet_id, port_id)

    def _interface(
        self, router_id: Id, verb: str, subnet_id: Id | None, port_id: Id | None
    ) -> RouterInterface:
        self._with_routers()
        if (subnet_id is None) == (port_id is None):
            raise ValueError("either subnet_id or port_id must be given")
        body = given(subnet_id=subnet_id, port_id=port_id)
        reply = self.routers_verb_put(router_id, verb, json_data=body)
        reply.member("port_id")  # else it is none
        return cast(RouterInterface, reply.json)

    def _with_routers(self) -> None:
        self._only_on("openstack", "routers", "its networks reach the outside by themselves")


def _router(
    name: str | None,
    network: Id | None,
    admin_state_up: bool | None,
    enable_snat: bool | None,
) -> dict[str, Any]:
    """What of a router is said.

    >>> _router("r", "", None, None)
    {'name': 'r', 'external_gateway_info': None}
    """
    if enable_snat is not None and not network:
        raise ValueError("enable_snat is said together with external_network_id")
    body = given(name=name, admin_state_up=admin_state_up)
    if network is not None:
        gateway = given(network_id=network, enable_snat=enable_snat)
        body["external_gateway_info"] = gateway if network != "" else None
    return body
