"""Networks, the box's and a real Neutron's: what the client does, and what they answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from pelagos.clients import Cloud, NetworkClient
from pelagos.clients.errors import BadRequest, ClientError, Conflict, NotFound

pytestmark = pytest.mark.timeout(900)
Later = list[Callable[[], object]]


@pytest.fixture(scope="module")
def networks(cloud: Cloud) -> NetworkClient:
    return cloud.network


@pytest.fixture(scope="module")
def public(networks: NetworkClient) -> str:
    """The id of the network that leads outside."""
    return str(next(one["id"] for one in networks.list_networks() if one["name"] == "public"))


@pytest.fixture
def lan(networks: NetworkClient, later: Later) -> dict[str, Any]:
    """A network with a subnet of addresses."""
    made = networks.create_network("lan")
    later.append(lambda: networks.delete_network(made["id"]))
    subnet = networks.create_subnet(made["id"], "10.7.0.0/24", "inside")
    return {**made, "subnet": subnet["id"]}


def test_networks(networks: NetworkClient) -> None:
    name = f"n-{secrets.token_hex(3)}"
    made = networks.create_network(name, admin_state_up=False)
    assert (made["status"], made["admin_state_up"], made["shared"]) == ("ACTIVE", False, False)
    shown = networks.get_network_details(made["id"])
    assert {**made, **shown} == made  # Neutron says more of a new one
    assert [one["id"] for one in networks.list_networks(name=name)] == [made["id"]]
    assert shown in networks.list_networks(detail=True)
    changed = networks.update_network(made["id"], name=f"{name}-2", admin_state_up=True)
    assert (changed["name"], changed["admin_state_up"]) == (f"{name}-2", True)
    several = networks.create_networks([{"name": f"{name}-3"}, {"name": f"{name}-4"}])
    assert [one["name"] for one in several] == [f"{name}-3", f"{name}-4"]
    for one in (made, *several):
        networks.delete_network(one["id"])
    with pytest.raises(NotFound) as caught:
        networks.get_network_details(made["id"])
    assert made["id"] in caught.value.message
    with pytest.raises(NotFound):
        networks.delete_network("none")


def test_subnets(networks: NetworkClient, lan: dict[str, Any]) -> None:
    [shown] = networks.list_subnets(network_id=lan["id"])
    assert networks.get_subnet_details(lan["subnet"]) == {"subnet": shown}
    assert (shown["cidr"], shown["gateway_ip"], shown["enable_dhcp"], shown["ip_version"]) == (
        "10.7.0.0/24", "10.7.0.1", True, 4,
    )  # fmt: skip
    assert shown["allocation_pools"] == [{"start": "10.7.0.2", "end": "10.7.0.254"}]
    pool = {"start": "10.7.0.9", "end": "10.7.0.99"}
    changed = networks.update_subnet(
        lan["subnet"], name="anew", gateway_ip="", allocation_pools=[pool], enable_dhcp=False
    )
    assert (changed["name"], changed["gateway_ip"], changed["enable_dhcp"]) == (
        "anew", None, False,
    )  # fmt: skip
    assert changed["allocation_pools"] == [pool]
    more = networks.create_subnets(
        [
            {"network_id": lan["id"], "cidr": "fd00:7::/64"},
            {"network_id": lan["id"], "cidr": "10.8.0.0/30", "gateway_ip": "10.8.0.2"},
        ]
    )
    assert [one["ip_version"] for one in more] == [6, 4]
    assert [one["gateway_ip"] for one in more] == ["fd00:7::", "10.8.0.2"]
    assert more[0]["allocation_pools"][0]["start"] == "fd00:7::1"
    for one in more:
        networks.delete_subnet(one["id"])
    assert len(networks.list_subnets(network_id=lan["id"])) == 1
    for cidr, status in (("nonsense", 400), ("10.7.0.0/25", 400)):
        with pytest.raises(ClientError) as caught:
            networks.create_subnet(lan["id"], cidr)
        assert caught.value.status == status


def test_ports(networks: NetworkClient, lan: dict[str, Any]) -> None:
    fixed: Any = [{"subnet": lan["subnet"], "ip_address": "10.7.0.77"}]
    mac = "02:00:00:00:00:77"
    made = networks.create_port(lan["id"], "card", fixed_ips=fixed, mac_address=mac)
    assert made["mac_address"] == mac
    [address] = made["fixed_ips"]
    assert (address["ip_address"], address["subnet"]) == ("10.7.0.77", lan["subnet"])
    status, _ = networks.get_port_status(made["id"])
    assert networks.wait_port_until(made["id"], status)["id"] == made["id"]
    assert networks.wait_port_while(made["id"])["status"] == status
    assert networks.wait_port(made["id"])["name"] == "card"
    group = networks.create_security_group("door")
    changed = networks.update_port(
        made["id"], name="anew", admin_state_up=False, security_groups=[group["id"]]
    )
    assert (changed["name"], changed["admin_state_up"]) == ("anew", False)
    assert changed["security_groups"] == [group["id"]]
    shown = networks.get_port_details(made["id"])
    assert shown["name"] == "anew"
    assert made["id"] in {one["id"] for one in networks.list_ports(network_id=lan["id"])}
    with pytest.raises(Conflict) as caught:
        networks.create_port(lan["id"], fixed_ips=fixed)
    assert "10.7.0.77" in caught.value.message
    with pytest.raises(Conflict):
        networks.delete_security_group(group["id"])
    with pytest.raises(Conflict):
        networks.delete_network(lan["id"])
    several = networks.create_ports([{"network_id": lan["id"]}, {"network_id": lan["id"]}])
    assert len({one["fixed_ips"][0]["ip_address"] for one in several}) == 2
    for one in (made, *several):
        networks.delete_port(one["id"])
    networks.delete_security_group(group["id"])
    with pytest.raises(NotFound):
        networks.get_port_details(made["id"])


def test_floating_ips_and_routers(
    networks: NetworkClient, lan: dict[str, Any], public: str, later: Later
) -> None:
    router = networks.create_router("door", public)
    later.append(lambda: networks.delete_router(router["id"]))
    joined = networks.add_router_interface(router["id"], lan["subnet"])
    assert joined["subnet_id"] == lan["subnet"]
    assert networks.get_port_details(joined["port_id"])["device_id"] == router["id"]
    with pytest.raises(Conflict):
        networks.delete_router(router["id"])
    card = networks.create_port(lan["id"])
    taken = networks.create_floatingip(public, port_id=card["id"])
    own = taken["id"]
    assert taken["floating_ip_address"].startswith("203.0.113.") or taken["floating_network_id"]
    shown = networks.get_floatingip_details(own)
    assert shown["port_id"] == card["id"] and shown["router_id"] == router["id"]
    assert shown["fixed_ip_address"] == card["fixed_ips"][0]["ip_address"]
    assert own in {one["id"] for one in networks.list_floatingips(port_id=card["id"])}
    with pytest.raises(ClientError) as caught:
        networks.remove_router_interface(router["id"], lan["subnet"])
    assert caught.value.status == 409
    assert networks.update_floatingip(own, port_id=None)["port_id"] is None
    assert networks.update_floatingip(own, port_id=card["id"])["port_id"] == card["id"]
    networks.delete_port(card["id"])
    assert networks.get_floatingip_details(own)["port_id"] is None
    networks.delete_floatingip(own)
    with pytest.raises(NotFound):
        networks.get_floatingip_details(own)
    assert networks.update_router(router["id"], name="gate")["name"] == "gate"
    closed = networks.update_router(router["id"], external_network_id="")
    assert closed["external_gateway_info"] is None
    assert networks.get_router_details(router["id"])["name"] == "gate"
    assert router["id"] in {one["id"] for one in networks.list_routers()}
    networks.remove_router_interface(router["id"], port_id=joined["port_id"])


def test_security_groups(networks: NetworkClient) -> None:
    made = networks.create_security_group("web", "of the web")
    own = made["id"]
    assert sorted(one["ethertype"] for one in made["security_group_rules"]) == ["IPv4", "IPv6"]
    assert {one["direction"] for one in made["security_group_rules"]} == {"egress"}
    rule = networks.create_security_group_rule(
        own, "ingress", "tcp", 80, 443, remote_ip_prefix="10.0.0.0/8"
    )
    assert networks.get_security_group_rule_details(rule["id"]) == rule
    six = networks.create_security_group_rule(own, protocol="udp", remote_ip_prefix="fd00::/8")
    assert six["ethertype"] == "IPv6"
    listed = networks.list_security_group_rules(security_group_id=own)
    assert len(listed) == 4 and rule in listed
    with pytest.raises(Conflict):
        networks.create_security_group_rule(
            own, "ingress", "tcp", 80, 443, remote_ip_prefix="10.0.0.0/8"
        )
    with pytest.raises(BadRequest):
        networks.create_security_group_rule(own, "ingress", "tcp", 9, 1)
    networks.delete_security_group_rule(rule["id"])
    changed = networks.update_security_group(own, name="anew", description="")
    assert (changed["name"], changed["description"]) == ("anew", "")
    shown = networks.get_security_group_details(own)
    assert len(shown["security_group_rules"]) == 3
    assert {"default", "anew"} <= {one["name"] for one in networks.list_security_groups()}
    networks.delete_security_group(own)
    with pytest.raises(NotFound):
        networks.get_security_group_details(own)


def test_what_is_used_up_is_a_conflict(networks: NetworkClient, lan: dict[str, Any]) -> None:
    small = networks.create_subnets([{"network_id": lan["id"], "cidr": "10.9.0.0/30"}])[0]
    fixed: Any = [{"subnet_id": small["id"]}]
    port = networks.create_port(lan["id"], fixed_ips=fixed)
    with pytest.raises(Conflict):
        networks.create_port(lan["id"], fixed_ips=fixed)
    networks.delete_port(port["id"])
