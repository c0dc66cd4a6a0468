"""Servers on networks, the box's and those of a real Nova with a real Neutron."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.clients import Cloud, ComputeClient, NetworkClient
from pelagos.clients.errors import ClientError, Forbidden, NotFound
from support.places import SECONDS, until_gone

pytestmark = pytest.mark.timeout(900)
Later = list[Callable[[], object]]


@pytest.fixture(scope="module")
def compute(cloud: Cloud) -> ComputeClient:
    return cloud.compute


@pytest.fixture(scope="module")
def networks(cloud: Cloud) -> NetworkClient:
    return cloud.network


@pytest.fixture(scope="module")
def lan(networks: NetworkClient) -> Iterator[dict[str, Any]]:
    """A network with a subnet, whose router leads outside."""
    made = networks.create_network("home")
    subnet = networks.create_subnet(made["id"], "10.6.0.0/24")
    public = next(one["id"] for one in networks.list_networks() if one["name"] == "public")
    router = networks.create_router("door", public)
    networks.add_router_interface(router["id"], subnet["id"])
    yield {**made, "subnet": subnet["id"], "public": public}
    networks.remove_router_interface(router["id"], subnet["id"])
    networks.delete_router(router["id"])
    networks.delete_network(made["id"])


@pytest.fixture(scope="module")
def server(cloud: Cloud, compute: ComputeClient, lan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A server on it."""
    image = next(one["id"] for one in cloud.image.list_public() if one["name"] == "box-linux")
    flavor = next(one["id"] for one in compute.list_flavors() if one["name"] == "m1.tiny")
    made = compute.create_server("web", flavor, image, networks=[{"uuid": lan["id"]}])
    found = compute.wait_server(made["id"], delay=0.2, max_wait=SECONDS)
    assert found["status"] == "ACTIVE", found.get("fault")
    yield dict(found)
    compute.delete_server(made["id"])
    until_gone(lambda: compute.get_server_details(made["id"]))


def test_a_server_has_a_card(
    compute: ComputeClient, networks: NetworkClient, server: dict[str, Any], lan: dict[str, Any]
) -> None:
    [card] = compute.list_server_nics(server["id"])
    assert card["network_id"] == lan["id"] and card["ipv4"].startswith("10.6.0.")
    port = networks.get_port_details(card["id"])
    assert (port["device_id"], port["mac_address"]) == (server["id"], card["mac_address"])
    assert port["device_owner"].startswith("compute:")
    shown = compute.get_server_nics(server["id"])
    [address] = shown["addresses"]["home"]
    assert (address["addr"], address["version"]) == (card["ipv4"], 4)
    assert compute.get_server_network_nics(server["id"], "home")["home"][0]["addr"] == card["ipv4"]
    with pytest.raises(NotFound):
        compute.get_server_network_nics(server["id"], "none")


def test_a_further_card_comes_and_goes(
    compute: ComputeClient, networks: NetworkClient, server: dict[str, Any], lan: dict[str, Any]
) -> None:
    port = networks.create_port(lan["id"], "second")
    joined = compute.attach_port(server["id"], port["id"])
    assert (joined["id"], joined["network_id"]) == (port["id"], lan["id"])
    assert len(compute.list_server_nics(server["id"])) == 2
    assert networks.get_port_details(port["id"])["device_id"] == server["id"]
    with pytest.raises(Forbidden):
        networks.delete_port(port["id"])
    with pytest.raises(ClientError) as caught:
        compute.attach_port(server["id"], port["id"])
    assert caught.value.status == 409
    compute.detach_port(server["id"], port["id"])
    for _ in range(3_000):
        if len(compute.list_server_nics(server["id"])) == 1:
            break
    assert not networks.get_port_details(port["id"])["device_id"]
    networks.delete_port(port["id"])


def test_a_floating_ip_leads_to_a_server(
    compute: ComputeClient, networks: NetworkClient, server: dict[str, Any], lan: dict[str, Any]
) -> None:
    """As compute services had them, and still have in their lowest versions."""
    pools = compute.get_floating_ip_pools()["floating_ip_pools"]
    assert {"name": "public"} in pools
    taken = compute.alloc_floating_ip(pool="public")
    assert taken["pool"] == "public" and taken["instance_id"] is None
    compute.attach_floating_ip(server["id"], taken["ip"])
    shown = compute.get_floating_ip(taken["id"])
    assert shown["instance_id"] == server["id"]
    assert shown["fixed_ip"] == compute.list_server_nics(server["id"])[0]["ipv4"]
    assert shown in compute.get_floating_ips()["floating_ips"]
    assert networks.get_floatingip_details(taken["id"])["floating_network_id"] == lan["public"]
    compute.detach_floating_ip(server["id"], taken["ip"])
    assert compute.get_floating_ip(taken["id"])["instance_id"] is None
    compute.delete_floating_ip(taken["id"])
    with pytest.raises(NotFound):
        compute.get_floating_ip(taken["id"])
    first = compute.alloc_floating_ip()
    compute.delete_floating_ip(first["id"])
