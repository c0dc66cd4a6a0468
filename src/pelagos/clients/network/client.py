"""The client of a network service: networks, subnets, ports, floating IPs, routers, groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from pelagos.clients.base.bilingual import given, needed
from pelagos.clients.base.paging import records
from pelagos.clients.base.polling import wait_status
from pelagos.clients.network import bodies
from pelagos.clients.network.routers import RouterMethods
from pelagos.clients.network.security import SecurityGroupMethods
from pelagos.clients.network.types import FixedIp, FloatingIp, Id, Network, Pool, Port, Subnet
from pelagos.core.clock import Clock, SystemClock


class NetworkClient(RouterMethods, SecurityGroupMethods):
    """A network service: Neutron, or Synnefo's for what the two have in common.

    Lists come whole, from all pages, and take filters of the service (`name="x"`).
    """

    _clock: Clock = SystemClock()

    # ---- networks

    def list_networks(self, detail: bool | None = None, **filters: Any) -> list[Network]:
        """The networks; `detail` asks Synnefo for whole records, OpenStack always gives them."""
        return cast(list[Network], self._list("networks", detail, filters))

    def create_network(
        self, name: str, admin_state_up: bool | None = None, shared: bool | None = None
    ) -> Network:
        """Make a network; what is None is left to the service."""
        body = given(name=name, admin_state_up=admin_state_up, shared=shared)
        return cast(Network, self.networks_post(json_data={"network": body}).record("network"))

    def create_networks(self, networks: Iterable[Mapping[str, Any]]) -> list[Network]:
        """Make several networks at once; their records.

        Args:
            networks: each with `name`, and perhaps `admin_state_up` and `shared`.

        Raises:
            ValueError: that is not what they are.
        """
        body = [bodies.network(one) for one in bodies.items(networks, "networks")]
        found = self.networks_post(json_data={"networks": body}).listing("networks")
        return cast(list[Network], found)

    def get_network_details(self, network_id: Id) -> Network:
        """A network's record."""
        return cast(Network, self.networks_get(network_id).record("network"))

    def update_network(
        self,
        network_id: Id,
        name: str | None = None,
        admin_state_up: bool | None = None,
        shared: bool | None = None,
    ) -> Network:
        """Change what is not None of a network; its record."""
        body = given(name=name, admin_state_up=admin_state_up, shared=shared)
        reply = self.networks_put(network_id, json_data={"network": body})
        return cast(Network, reply.record("network"))

    def delete_network(self, network_id: Id) -> Mapping[str, str]:
        """Remove a network; the answer's header fields."""
        return self.networks_delete(network_id).headers

    # ---- subnets

    def list_subnets(self, **filters: Any) -> list[Subnet]:
        """The subnets."""
        return cast(list[Subnet], self._list("subnets", None, filters))

    def get_subnet_details(self, subnet_id: Id) -> dict[str, Subnet]:
        """`{"subnet": …}`: a subnet's record, as the ancestor returned it."""
        reply = self.subnets_get(subnet_id)
        return {"subnet": cast(Subnet, reply.record("subnet"))}

    def create_subnet(  # a subnet has many properties
        self,
        network_id: Id,
        cidr: str,
        name: str | None = None,
        allocation_pools: Iterable[Pool] | None = None,
        gateway_ip: str | None = None,
        subnet_id: Id | None = None,
        ipv6: bool | None = None,
        enable_dhcp: bool | None = None,
    ) -> Subnet:
        """Make a subnet; its record.

        Args:
            network_id: of which network.
            cidr: its addresses, "10.0.0.0/24".
            name: for people.
            allocation_pools: what of it is given out.
            gateway_ip: None: the service chooses; "": there is none.
            subnet_id: which id it is to have, where the service allows that.
            ipv6: None: as cidr tells.
            enable_dhcp: whether machines are told their addresses.
        """
        item = given(
            network_id=network_id,
            cidr=cidr,
            name=name,
            allocation_pools=None if allocation_pools is None else list(allocation_pools),
            gateway_ip=gateway_ip,
            subnet_id=subnet_id,
            ipv6=ipv6,
            enable_dhcp=enable_dhcp,
        )
        reply = self.subnets_post(json_data={"subnet": bodies.subnet(item)})
        return cast(Subnet, reply.record("subnet"))

    def create_subnets(self, subnets: Iterable[Mapping[str, Any]]) -> list[Subnet]:
        """Make several subnets at once; their records.

        Args:
            subnets: each with `network_id` and `cidr`, and what else `create_subnet` takes.

        Raises:
            ValueError: that is not what they are.
        """
        body = [bodies.subnet(one) for one in bodies.items(subnets, "subnets")]
        found = self.subnets_post(json_data={"subnets": body}).listing("subnets")
        return cast(list[Subnet], found)

    def update_subnet(  # a subnet has many properties
        self,
        subnet_id: Id,
        name: str | None = None,
        allocation_pools: Iterable[Pool] | None = None,
        gateway_ip: str | None = None,
        ipv6: bool | None = None,
        enable_dhcp: bool | None = None,
    ) -> Subnet:
        """Change what is not None of a subnet; its record. Synnefo changes the name only."""
        body = bodies.subnet_change(
            {
                "name": name,
                "allocation_pools": None if allocation_pools is None else list(allocation_pools),
                "gateway_ip": gateway_ip,
                "ipv6": ipv6,
                "enable_dhcp": enable_dhcp,
            }
        )
        return cast(Subnet, self.subnets_put(subnet_id, json={"subnet": body}).record("subnet"))

    def delete_subnet(self, subnet_id: Id) -> Mapping[str, str]:
        """Remove a subnet (Synnefo's go with their network); the answer's header fields."""
        return self.subnets_delete(subnet_id).headers

    # ---- ports

    def list_ports(self, detail: bool | None = None, **filters: Any) -> list[Port]:
        """The ports; `detail` asks Synnefo for whole records, OpenStack always gives them."""
        return [bodies.readable_port(one) for one in self._list("ports", detail, filters)]

    def get_port_details(self, port_id: Id) -> Port:
        """A port's record."""
        return cast(Port, bodies.readable_port(self.ports_get(port_id).record("port")))

    def delete_port(self, port_id: Id) -> Mapping[str, str]:
        """Remove a port; the answer's header fields."""
        return self.ports_delete(port_id).headers

    def create_port(  # a port has many properties
        self,
        network_id: Id,
        name: str | None = None,
        status: str | None = None,
        admin_state_up: bool | None = None,
        mac_address: str | None = None,
        fixed_ips: Iterable[FixedIp] | None = None,
        security_groups: Iterable[str] | None = None,
    ) -> Port:
        """Make a port; its record. What is None is left to the service."""
        return self._new_port(
            network_id=network_id,
            name=name,
            status=status,
            admin_state_up=admin_state_up,
            mac_address=mac_address,
            fixed_ips=fixed_ips,
            security_groups=security_groups,
        )

    def create_ports(self, ports: Iterable[Mapping[str, Any]]) -> list[Port]:
        """Make several ports at once; their records.

        Args:
            ports: each with `network_id`, and what else `create_port` takes.

        Raises:
            ValueError: that is not what they are.
        """
        wanted = bodies.items(ports, "ports")
        body = [bodies.port(one, is_synnefo=self.is_synnefo) for one in wanted]
        found = self.ports_post(json_data={"ports": body}).listing("ports")
        return [bodies.readable_port(one) for one in found]

    def update_port(  # a port has many properties
        self,
        port_id: Id,
        network_id: Id | None = None,
        name: str | None = None,
        status: str | None = None,
        admin_state_up: bool | None = None,
        mac_address: str | None = None,
        fixed_ips: Iterable[FixedIp] | None = None,
        security_groups: Iterable[str] | None = None,
    ) -> Port:
        """Change what is not None of a port; its record. OpenStack's keep their network."""
        body = self._port_body(
            network_id=network_id if self.is_synnefo else None,
            name=name,
            status=status,
            admin_state_up=admin_state_up,
            mac_address=mac_address,
            fixed_ips=fixed_ips,
            security_groups=security_groups,
        )
        reply = self.ports_put(port_id, json_data={"port": body})
        return cast(Port, bodies.readable_port(reply.record("port")))

    def get_port_status(self, port_id: Id) -> tuple[str, None]:
        """(status, None): of progress, ports say nothing."""
        return needed(self.get_port_details(port_id), "status"), None

    def wait_port_while(
        self,
        port_id: Id,
        port_status: str = "BUILD",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[Any], Any] | None = None,
    ) -> Port:
        """Wait until a port's status is another one; the last record, also when time was over."""
        return self._wait_port(port_id, lambda now: now != port_status, delay, max_wait, wait_cb)

    def wait_port_until(
        self,
        port_id: Id,
        port_status: str = "ACTIVE",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[Any], Any] | None = None,
    ) -> Port:
        """Wait for a port's status; the last record, also when the time was over."""
        return self._wait_port(port_id, lambda now: now == port_status, delay, max_wait, wait_cb)

    wait_port = wait_port_while

    # ---- floating IPs

    def list_floatingips(self, **filters: Any) -> list[FloatingIp]:
        """The floating IPs."""
        return cast(list[FloatingIp], self._list("floatingips", None, filters))

    def get_floatingip_details(self, floatingip_id: Id) -> FloatingIp:
        """A floating IP's record."""
        return cast(FloatingIp, self.floatingips_get(floatingip_id).record("floatingip"))

    def create_floatingip(
        self,
        floating_network_id: Id,
        floating_ip_address: str = "",
        port_id: Id = "",
        fixed_ip_address: str = "",
    ) -> FloatingIp:
        """Take a floating IP; its record.

        Args:
            floating_network_id: of which network.
            floating_ip_address: a certain one.
            port_id: where it leads to.
            fixed_ip_address: to which of the port's addresses.
        """
        body = bodies.floating_ip(
            floating_network_id=floating_network_id,
            floating_ip_address=floating_ip_address,
            port_id=port_id,
            fixed_ip_address=fixed_ip_address,
        )
        reply = self.floatingips_post(json_data={"floatingip": body})
        return cast(FloatingIp, reply.record("floatingip"))

    def update_floatingip(
        self,
        floatingip_id: Id,
        floating_ip_address: str | None = "",
        port_id: Id | None = "",
        fixed_ip_address: str | None = "",
    ) -> FloatingIp:
        """Lead a floating IP elsewhere, with None for `port_id` nowhere; its record."""
        body = bodies.floating_ip(
            floating_ip_address=floating_ip_address,
            port_id=port_id,
            fixed_ip_address=fixed_ip_address,
        )
        reply = self.floatingips_put(floatingip_id, json_data={"floatingip": body})
        return cast(FloatingIp, reply.record("floatingip"))

    def delete_floatingip(self, floatingip_id: Id) -> Mapping[str, str]:
        """Give a floating IP back; the answer's header fields."""
        return self.floatingips_delete(floatingip_id).headers

    # ---- what these are made of

    def _list(self, what: str, detail: bool | None, filters: Mapping[str, Any]) -> list[Any]:
        path = (what, "detail") if detail and self.is_synnefo else (what,)
        return records(self, path, what, filters)

    def _port_body(self, **fields: Any) -> dict[str, Any]:
        for name in ("fixed_ips", "security_groups"):
            if fields.get(name) is not None:
                fields[name] = list(fields[name])
        return bodies.port_fields(fields, is_synnefo=self.is_synnefo)

    def _new_port(self, **fields: Any) -> Port:
        reply = self.ports_post(json_data={"port": self._port_body(**fields)})
        return cast(Port, bodies.readable_port(reply.record("port")))

    def _wait_port(
        self,
        port_id: Id,
        stop: Callable[[str], bool],
        delay: float,
        max_wait: float,
        wait_cb: Callable[[Any], Any] | None,
    ) -> Port:
        found = wait_status(
            lambda: self.get_port_details(port_id),
            stop,
            delay=delay,
            max_wait=max_wait,
            wait_cb=wait_cb,
            clock=self._clock,
        )
        return cast(Port, found)
