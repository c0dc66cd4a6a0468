"""Floating IPs by way of the box's Nova, as our compute client asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.errors import BadRequest, ClientError, Conflict, NotFound
from support.box_site import ask

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0) as box:
        yield box


def _cloud(box: Box, name: str) -> Cloud:
    person = box.person(name)
    settings = CloudSettings(
        auth_url=box.auth_url, username=name, password=person.password, project_name=person.project
    )
    return Cloud("box", settings=settings)


@pytest.fixture(scope="module")
def cloud(box: Box) -> Cloud:
    return _cloud(box, "demo")


@pytest.fixture(scope="module")
def server(cloud: Cloud) -> str:
    """A server with the address 10.7.0.5, whose network a router joins to the outside."""
    network = cloud.network.create_network("lan")["id"]
    subnet = cloud.network.create_subnet(network, "10.7.0.0/24")["id"]
    [public] = cloud.network.list_networks(name="public")
    router = cloud.network.create_router("edge", public["id"])["id"]
    joined = cloud.network.add_router_interface(router, subnet)
    assert (joined["id"], joined["subnet_id"]) == (router, subnet)
    return _made(cloud, [{"uuid": network, "fixed_ip": "10.7.0.5"}])


def _made(cloud: Cloud, networks: Any) -> str:
    image = next(one for one in cloud.image.list_public() if one["name"] == "box-linux")
    made = cloud.compute.create_server("web", "1", image["id"], networks=networks)
    return str(made["id"])


def test_an_address_is_taken_led_to_a_server_and_given_back(cloud: Cloud, server: str) -> None:
    compute = cloud.compute
    assert compute.get_floating_ip_pools()["floating_ip_pools"] == [{"name": "public"}]
    made = compute.alloc_floating_ip()
    assert (made["pool"], made["fixed_ip"], made["instance_id"]) == ("public", None, None)
    compute.attach_floating_ip(server, made["ip"])
    led = compute.get_floating_ip(made["id"])
    assert (led["fixed_ip"], led["instance_id"]) == ("10.7.0.5", server)
    cards = compute.get_server_details(server)["addresses"]["lan"]
    assert made["ip"] in [one["addr"] for one in cards]
    assert cloud.network.get_floatingip_details(made["id"])["status"] == "ACTIVE"
    assert compute.get_floating_ips()["floating_ips"] == [led]
    compute.detach_floating_ip(server, made["ip"])
    assert compute.get_floating_ip(made["id"])["instance_id"] is None
    with pytest.raises(Conflict, match="not associated"):
        compute.detach_floating_ip(server, made["ip"])
    compute.delete_floating_ip(made["id"])
    assert compute.get_floating_ips()["floating_ips"] == []


def test_what_cannot_be_is_refused(cloud: Cloud, server: str) -> None:
    compute = cloud.compute
    with pytest.raises(NotFound, match="pool"):
        compute.alloc_floating_ip(pool="nowhere")
    with pytest.raises(NotFound):
        compute.attach_floating_ip(server, "198.51.100.250")
    with pytest.raises(BadRequest):
        compute.attach_floating_ip(server, "no address")
    made = compute.alloc_floating_ip(pool="public")
    alone = _lonely(cloud)
    with pytest.raises(BadRequest, match="Unable to associate"):
        compute.attach_floating_ip(alone, made["ip"])
    compute.delete_floating_ip(made["id"])
    with pytest.raises(NotFound):
        compute.delete_floating_ip(made["id"])


def _lonely(cloud: Cloud) -> str:
    """A server on a network that no router joins."""
    network = cloud.network.create_network("side")["id"]
    cloud.network.create_subnet(network, "10.8.0.0/24")
    return _made(cloud, [{"uuid": network}])


def test_others_have_no_part_in_an_address(box: Box, cloud: Cloud, server: str) -> None:
    mine, other = cloud.compute.alloc_floating_ip(), _cloud(box, "eve").compute
    for call in (
        lambda: other.get_floating_ip(mine["id"]),
        lambda: other.delete_floating_ip(mine["id"]),
        lambda: other.attach_floating_ip(server, mine["ip"]),
    ):
        with pytest.raises(NotFound):
            call()
    assert other.get_floating_ips()["floating_ips"] == []
    cloud.compute.delete_floating_ip(mine["id"])


def test_the_quota_of_the_network_service_holds(box: Box) -> None:
    cloud = _cloud(box, "tight")
    person = box.person("tight")
    ask(
        box.url, "PUT", f"/network/v2.0/quotas/{person.project_id}",
        {"quota": {"floatingip": 1}}, token=box.admin.token(),
    )  # fmt: skip
    cloud.compute.alloc_floating_ip()
    with pytest.raises(ClientError) as caught:
        cloud.compute.alloc_floating_ip()
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("version", "path", "status"),
    [("2.35", "/os-floating-ips", 200), ("2.36", "/os-floating-ips", 404),
     ("2.36", "/os-floating-ip-pools", 404)],
)  # fmt: skip
def test_later_versions_leave_it_to_the_network_service(
    box: Box, version: str, path: str, status: int
) -> None:
    told = ask(
        box.url, "GET", f"/compute/v2.1{path}", token=box.person("demo").token(),
        OpenStack_API_Version=f"compute {version}",
    )  # fmt: skip
    assert told.status == status
