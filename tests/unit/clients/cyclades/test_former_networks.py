"""Programs of the first days find networks under the compute client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.clients.cyclades import CycladesClient
from pelagos.clients.errors import ClientError, Conflict, NotFound, Unsupported
from pelagos.core.http import FakeTransport, Response

NETWORK = {"network": {"id": "2", "name": "pn"}}
PORTS = {
    "ports": [
        {"id": "7", "network_id": "2", "device_id": "1", "device_owner": "vm"},
        {"id": "8", "network_id": "3", "device_id": "1", "device_owner": "vm"},
        {"id": "9", "network_id": "2", "device_id": "r", "device_owner": "network:dhcp"},
        {"id": "10", "network_id": "2", "device_id": None},
    ]
}


def answer(body: Any = None, status: int = 200) -> Response:
    return Response(status, {}, b"" if body is None else json.dumps(body).encode())


def cloud(**more: Response) -> FakeTransport:
    root = "/cyclades/network/v2.0"
    routes = {
        "GET /networks": answer({"networks": [NETWORK["network"]]}),
        "GET /networks/detail": answer({"networks": [NETWORK["network"]]}),
        "GET /networks/2": answer(NETWORK),
        "POST /networks": answer(NETWORK, 201),
        "PUT /networks/2": answer(NETWORK),
        "DELETE /networks/2": answer(status=204),
        "POST /subnets": answer({"subnet": {"id": "4"}}, 201),
        "GET /ports/detail": answer(PORTS),
        "POST /ports": answer({"port": {"id": "7"}}, 201),
        "DELETE /ports/7": answer(status=204),
    }
    routes |= {name.replace("_", " /"): value for name, value in more.items()}
    return FakeTransport({one.replace(" /", f" {root}/"): made for one, made in routes.items()})


def client(transport: FakeTransport) -> CycladesClient:
    return CycladesClient("http://c/cyclades/compute/v2.0", "token", http=transport)


def sent(transport: FakeTransport) -> list[tuple[str, str, Any]]:
    return [
        (one.method, one.url.rpartition("/v2.0")[2], json.loads(one.body) if one.body else None)  # type: ignore[arg-type]
        for one in transport.requests
    ]


def test_networks_are_asked_of_the_service_beside() -> None:
    asked = cloud()
    networks = client(asked)
    assert networks.list_networks() == networks.list_networks(True) == [NETWORK["network"]]
    assert networks.get_network_details("2") == NETWORK["network"]
    networks.update_network_name("2", "x")
    networks.delete_network("2")
    assert sent(asked) == [
        ("GET", "/networks", None),
        ("GET", "/networks/detail", None),
        ("GET", "/networks/2", None),
        ("PUT", "/networks/2", {"network": {"name": "x"}}),
        ("DELETE", "/networks/2", None),
    ]
    assert all(one.headers["X-Auth-Token"] == "token" for one in asked.requests)


def test_a_network_is_made_with_its_subnet() -> None:
    asked = cloud()
    assert client(asked).create_network("pn", "10.0.0.0/24", "10.0.0.1", dhcp=True)["id"] == "2"
    network = {"admin_state_up": True, "name": "pn", "type": "MAC_FILTERED"}
    subnet = {"network_id": "2", "cidr": "10.0.0.0/24", "ip_version": 4}
    subnet |= {"gateway_ip": "10.0.0.1", "enable_dhcp": True}
    assert [body for *_, body in sent(asked)] == [{"network": network}, {"subnet": subnet}]


def test_a_network_whose_subnet_is_refused_does_not_stay() -> None:
    asked = cloud(POST_subnets=answer({"conflict": {"message": "taken"}}, 409))
    with pytest.raises(Conflict):
        client(asked).create_network("pn", "10.0.0.0/24")
    assert sent(asked)[-1] == ("DELETE", "/networks/2", None)


def test_servers_are_joined_to_networks_and_taken_from_them() -> None:
    asked = cloud()
    client(asked).connect_server(1, "2")
    client(asked).disconnect_server(1, "7")
    assert client(asked).list_network_nics("2") == ["7"]
    client(asked).disconnect_network_nics(2)
    assert sent(asked) == [
        ("POST", "/ports", {"port": {"network_id": "2", "device_id": 1}}),
        ("GET", "/ports/detail", None),
        ("DELETE", "/ports/7", None),
        ("GET", "/ports/detail", None),
        ("GET", "/ports/detail", None),
        ("DELETE", "/ports/7", None),
    ]


def test_a_connection_of_another_server_stays() -> None:
    with pytest.raises(NotFound):
        client(cloud()).disconnect_server(5, "7")


@pytest.mark.parametrize("url", ["http://c/compute/v2.1", "http://c/api/v2.0"])
def test_where_no_network_service_can_be_told_it_must_be_said(url: str) -> None:
    with pytest.raises(Unsupported):
        CycladesClient(url, "token", http=cloud()).list_networks()


def test_the_network_service_can_be_said() -> None:
    asked = cloud()
    url = "http://c/cyclades/network/v2.0"
    made = CycladesClient("http://c/compute/v2.1", "token", http=asked, network_url=url)
    assert made.list_networks() == [NETWORK["network"]]


def test_a_network_and_a_firewall_are_waited_for() -> None:
    states = iter(["PENDING", "PENDING", "ACTIVE"])
    profiles = iter(["DISABLED", "PROTECTED"])
    asked = cloud()
    asked.routes["GET /cyclades/network/v2.0/networks/2"] = lambda _: answer(
        {"network": {"id": "2", "status": next(states)}}
    )
    asked.routes["GET /cyclades/compute/v2.0/servers/1"] = lambda _: answer(
        {"server": {"id": 1, "attachments": [{"firewallProfile": next(profiles)}]}}
    )
    steps: list[int] = []

    def gauge(length: int) -> Iterator[None]:
        for step in range(length):
            steps.append(step)
            yield

    assert client(asked).wait_network("2", delay=0, wait_cb=gauge) == "ACTIVE"
    assert client(asked).wait_firewall(1, delay=0) == "PROTECTED"


def test_what_does_not_change_is_waited_for_in_vain() -> None:
    asked = cloud()
    asked.routes["GET /cyclades/network/v2.0/networks/2"] = answer(
        {"network": {"status": "PENDING"}}
    )
    assert client(asked).wait_network("2", delay=1, max_wait=0.5) is False
    asked.routes["GET /cyclades/compute/v2.0/servers/1"] = answer({"server": {"attachments": []}})
    with pytest.raises(ClientError):
        client(asked).wait_firewall(1, delay=1, max_wait=0.5)
    with pytest.raises(Unsupported):
        CycladesClient("http://c/compute/v2.1", "token", http=asked).wait_firewall(1)
