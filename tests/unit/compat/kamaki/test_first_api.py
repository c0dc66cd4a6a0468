"""Synnefo's compute service as it was in the days of the first version: API 1.1."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.compat.kamaki.clients import ClientError
from pelagos.compat.kamaki.clients.cyclades import CycladesClient
from pelagos.core.http import FakeTransport, Request, Response

SERVER = {
    "id": 1,
    "name": "srv",
    "status": "ACTIVE",
    "metadata": {"values": {"os": "debian"}},
    "attachments": {
        "values": [{"id": "nic-1-0", "network_id": "2", "firewallProfile": "DISABLED"}]
    },
}
NETWORK = {"id": "2", "name": "net", "status": "ACTIVE", "attachments": {"values": ["nic-1-0"]}}
IMAGE = {"id": "i", "metadata": {"values": {"OS": "debian", "users": "root", "x": "y"}}}
NIC = {"id": "nic-1-0", "network_id": "2"}
ANSWERS: dict[str, tuple[int, Any]] = {
    "GET /servers": (200, {"servers": {"values": [SERVER]}}),
    "GET /servers/detail": (200, {"servers": {"values": [SERVER]}}),
    "GET /servers/1": (200, {"server": SERVER}),
    "POST /servers": (202, {"server": SERVER}),
    "POST /servers/1/action": (202, None),
    "GET /servers/1/ips": (200, {"addresses": {"values": [NIC]}}),
    "GET /servers/1/meta": (200, {"metadata": {"values": {"a": "b"}}}),
    "GET /servers/1/meta/a": (200, {"meta": {"a": "b"}}),
    "PUT /servers/1/meta/a": (201, {"meta": {"a": "b"}}),
    "POST /servers/1/meta": (201, {"metadata": {"values": {"a": "b"}}}),
    "DELETE /servers/1/meta/a": (204, None),
    "GET /flavors": (200, {"flavors": {"values": [{"id": 3}]}}),
    "GET /images/detail": (200, {"images": {"values": [IMAGE]}}),
    "GET /images/i": (200, {"image": IMAGE}),
    "GET /networks": (203, {"networks": {"values": [NETWORK]}}),
    "GET /networks/detail": (200, {"networks": {"values": [NETWORK]}}),
    "GET /networks/2": (200, {"network": NETWORK}),
    "POST /networks": (202, {"network": NETWORK}),
    "PUT /networks/2": (204, None),
    "DELETE /networks/2": (421, {"networkInUse": {"code": 421, "message": "in use"}}),
    "POST /networks/2/action": (202, None),
}


def cloud() -> tuple[CycladesClient, FakeTransport]:
    routes = {
        name.replace(" ", " /api/v1.1"): Response(
            status, {}, b"" if data is None else json.dumps(data).encode()
        )
        for name, (status, data) in ANSWERS.items()
    }
    fake = FakeTransport(routes)
    return CycladesClient("http://c/api/v1.1", "T", http=fake), fake


def sent(request: Request) -> tuple[str, Any]:
    path = urlsplit(request.url).path.removeprefix("/api/v1.1")
    body = json.loads(request.body) if request.body else None  # type: ignore[arg-type]  # bytes here
    return f"{request.method} {path}", body


def test_lists_come_out_of_their_wrapping_and_records_stay_as_they_were() -> None:
    client, _ = cloud()
    assert client.list_servers() == client.list_servers(detail=True) == [SERVER]
    assert client.get_server_details(1)["metadata"] == {"values": {"os": "debian"}}
    assert client.get_server_info(1)["os"] == "debian"
    assert client.list_flavors() == [{"id": 3}]
    assert client.list_images(detail=True) == [IMAGE]
    assert client.list_networks() == client.list_networks(detail=True) == [NETWORK]
    assert client.list_server_nics(1) == [NIC]


def test_metadata_are_at_another_place() -> None:
    client, fake = cloud()
    assert client.get_server_metadata(1) == {"a": "b"} == client.get_server_metadata(1, "a")
    assert client.create_server_metadata(1, "a", "b") == {"a": "b"}
    assert client.update_server_metadata(1, a="b") == {"a": "b"}
    client.delete_server_metadata(1, "a")
    assert sent(fake.requests[2]) == ("PUT /servers/1/meta/a", {"meta": {"a": "b"}})
    assert sent(fake.requests[3]) == ("POST /servers/1/meta", {"metadata": {"a": "b"}})


def test_a_server_has_its_system_of_its_image() -> None:
    client, fake = cloud()
    client.create_server("srv", 3, "i")
    name, body = sent(fake.requests[-1])
    assert name == "POST /servers"
    assert body["server"]["metadata"] == {"os": "debian", "users": "root"}


def test_networks_are_the_compute_services() -> None:
    client, fake = cloud()
    client.create_network("net", "10.0.0.0/24", dhcp=True)
    client.update_network_name("2", "new")
    client.connect_server(1, "2")
    client.disconnect_server(1, "nic-1-0")
    client.disconnect_network_nics("2")
    assert client.wait_network("2", delay=0) == "ACTIVE"
    assert [sent(one) for one in fake.requests if one.method != "GET"] == [
        ("POST /networks", {"network": {"name": "net", "cidr": "10.0.0.0/24", "dhcp": True}}),
        ("PUT /networks/2", {"network": {"name": "new"}}),
        ("POST /networks/2/action", {"add": {"serverRef": 1}}),
        ("POST /networks/2/action", {"remove": {"attachment": "nic-1-0"}}),
        ("POST /networks/2/action", {"remove": {"attachment": "nic-1-0"}}),
    ]
    with pytest.raises(ClientError) as caught:
        client.delete_network("2")
    assert caught.value.status == 421 and "disconnect" in caught.value.details[-1]
    with pytest.raises(ClientError):
        client.disconnect_server(1, "nic-9-9")


def test_firewalls_have_no_ports() -> None:
    client, fake = cloud()
    assert client.get_firewall_profile(1) == "DISABLED"
    client.set_firewall_profile(1, "ENABLED")
    assert sent(fake.requests[-1])[1] == {"firewallProfile": {"profile": "ENABLED"}}


def test_another_version_is_asked_as_ever() -> None:
    data = {"metadata": {"values": "a text of somebody"}}
    routes = {"GET /compute/v2.0/servers/1/metadata": Response(200, {}, json.dumps(data).encode())}
    client = CycladesClient("http://c/compute/v2.0", "T", http=FakeTransport(routes))
    assert client.get_server_metadata(1) == data["metadata"]
