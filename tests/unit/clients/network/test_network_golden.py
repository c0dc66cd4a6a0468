"""What NetworkClient sends, method by method, in both dialects."""

# ruff: noqa: E501  # a table

from __future__ import annotations

import pytest

from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.network import NetworkClient
from support.golden import (
    OPENSTACK,
    SYNNEFO,
    Ask,
    Row,
    expand,
    missing,
    play,
    row,
    survive,
    try_statuses,
)

N = {"id": "1", "name": "net"}
P = {"id": "1", "fixed_ips": [{"ip_address": "10.0.0.2", "subnet": "2"}]}
P_READ = {"id": "1", "fixed_ips": [{"ip_address": "10.0.0.2", "subnet": "2", "subnet_id": "2"}]}
NEXT = [{"rel": "next", "href": "https://else/v2.0/networks?limit=1&marker=1"}]
POOL = {"start": "10.0.0.2", "end": "10.0.0.9"}
MADE = (201, 200, 202)


def made(what: str, body: object, answer: object = None) -> Ask:
    return Ask(f"POST /{what}", body, answer=answer, ok=MADE)


# fmt: off
HIGH: list[Row] = [
    row("list_networks", asks=Ask("GET /networks", answer={"networks": [N]}), result=[N]),
    row("list_networks", limit=1, name="a b", asks=[
        Ask("GET /networks?limit=1&name=a%20b", answer={"networks": [N], "networks_links": NEXT}),
        Ask("GET /networks?limit=1&name=a%20b&marker=1", answer={"networks": []}),
    ], result=[N]),
    row("list_networks", True, asks=Ask("GET /networks/detail", answer={"networks": [N]}), result=[N], dialects=SYNNEFO),
    row("list_networks", True, asks=Ask("GET /networks", answer={"networks": [N]}), result=[N], dialects=OPENSTACK),
    row("create_network", "net", asks=made("networks", {"network": {"name": "net"}}, {"network": N}), result=N),
    row("create_network", "net", False, True, asks=made("networks", {"network": {"name": "net", "admin_state_up": False, "shared": True}}, {"network": N}), result=N),
    row("create_networks", [{"name": "a"}, {"name": "b", "shared": False}],
        asks=made("networks", {"networks": [{"name": "a"}, {"name": "b", "shared": False}]}, {"networks": [N, N]}), result=[N, N]),
    row("get_network_details", "1", asks=Ask("GET /networks/1", answer={"network": N}), result=N),
    row("update_network", "1", "x", asks=Ask("PUT /networks/1", {"network": {"name": "x"}}, answer={"network": N}), result=N),
    row("update_network", "1", admin_state_up=False, shared=True,
        asks=Ask("PUT /networks/1", {"network": {"admin_state_up": False, "shared": True}}, answer={"network": N}), result=N),
    row("delete_network", "a/b", asks=Ask("DELETE /networks/a%2Fb", ok=(204,))),

    row("list_subnets", asks=Ask("GET /subnets", answer={"subnets": [N]}), result=[N]),
    row("list_subnets", network_id="n", asks=Ask("GET /subnets?network_id=n", answer={"subnets": []}), result=[]),
    row("get_subnet_details", "1", asks=Ask("GET /subnets/1", answer={"subnet": N}), result={"subnet": N}),
    row("create_subnet", "n", "10.0.0.0/24",
        asks=made("subnets", {"subnet": {"network_id": "n", "cidr": "10.0.0.0/24", "ip_version": 4}}, {"subnet": N}), result=N),
    row("create_subnet", "n", "fd00::/64", "s", [POOL], "", "9", None, False,
        asks=made("subnets", {"subnet": {"network_id": "n", "cidr": "fd00::/64", "ip_version": 6, "name": "s", "allocation_pools": [POOL],
                                         "gateway_ip": None, "id": "9", "enable_dhcp": False}}, {"subnet": N}), result=N),
    row("create_subnets", [{"network_id": "n", "cidr": "10.0.0.0/8", "ipv6": False, "subnet_id": "9"}],
        asks=made("subnets", {"subnets": [{"network_id": "n", "cidr": "10.0.0.0/8", "ip_version": 4, "id": "9"}]}, {"subnets": [N]}), result=[N]),
    row("update_subnet", "1", "x", asks=Ask("PUT /subnets/1", {"subnet": {"name": "x"}}, answer={"subnet": N}), result=N),
    row("update_subnet", "1", None, [POOL], "", True, True,
        asks=Ask("PUT /subnets/1", {"subnet": {"allocation_pools": [POOL], "gateway_ip": None, "ip_version": 6, "enable_dhcp": True}}, answer={"subnet": N}), result=N),
    row("delete_subnet", "1", asks=Ask("DELETE /subnets/1", ok=(204,))),

    row("list_ports", asks=Ask("GET /ports", answer={"ports": [P]}), result=[P_READ]),
    row("list_ports", True, device_id="7", asks=Ask("GET /ports/detail?device_id=7", answer={"ports": [N]}), result=[N], dialects=SYNNEFO),
    row("list_ports", True, device_id="7", asks=Ask("GET /ports?device_id=7", answer={"ports": [N]}), result=[N], dialects=OPENSTACK),
    row("get_port_details", "1", asks=Ask("GET /ports/1", answer={"port": P}), result=P_READ),
    row("delete_port", "1", asks=Ask("DELETE /ports/1", ok=(204,))),
    row("create_port", "n", asks=made("ports", {"port": {"network_id": "n"}}, {"port": P}), result=P_READ),
    row("create_port", "n", "p", None, True, "aa:00:00:00:00:01", [{"subnet": "2", "ip_address": "10.0.0.2"}], ("g",),
        asks=made("ports", {"port": {"network_id": "n", "name": "p", "admin_state_up": True, "mac_address": "aa:00:00:00:00:01",
                                     "fixed_ips": [{"subnet_id": "2", "ip_address": "10.0.0.2"}], "security_groups": ["g"]}}, {"port": P}),
        result=P_READ, dialects=OPENSTACK),
    row("create_port", "n", status="BUILD", fixed_ips=[{"subnet": "2", "ip_address": "10.0.0.2"}],
        asks=made("ports", {"port": {"network_id": "n", "status": "BUILD", "fixed_ips": [{"subnet": "2", "ip_address": "10.0.0.2"}]}}, {"port": P}),
        result=P_READ, dialects=SYNNEFO),
    row("create_ports", [{"network_id": "n", "name": "p"}], asks=made("ports", {"ports": [{"network_id": "n", "name": "p"}]}, {"ports": [P]}), result=[P_READ]),
    row("update_port", "1", "n", "x", asks=Ask("PUT /ports/1", {"port": {"network_id": "n", "name": "x"}}, answer={"port": P}), result=P_READ, dialects=SYNNEFO),
    row("update_port", "1", "n", "x", admin_state_up=False, security_groups=[],
        asks=Ask("PUT /ports/1", {"port": {"name": "x", "admin_state_up": False, "security_groups": []}}, answer={"port": P}), result=P_READ, dialects=OPENSTACK),
    row("get_port_status", "1", asks=Ask("GET /ports/1", answer={"port": {"status": "ACTIVE"}}), result=("ACTIVE", None)),
    row("wait_port_while", "1", asks=Ask("GET /ports/1", answer={"port": {"status": "ACTIVE"}}), result={"status": "ACTIVE"}),
    row("wait_port", "1", asks=Ask("GET /ports/1", answer={"port": {"status": "ACTIVE"}}), result={"status": "ACTIVE"}),
    row("wait_port_until", "1", asks=Ask("GET /ports/1", answer={"port": {"status": "ACTIVE"}}), result={"status": "ACTIVE"}),

    row("list_floatingips", asks=Ask("GET /floatingips", answer={"floatingips": [N]}), result=[N]),
    row("get_floatingip_details", "1", asks=Ask("GET /floatingips/1", answer={"floatingip": N}), result=N),
    row("create_floatingip", "n", asks=made("floatingips", {"floatingip": {"floating_network_id": "n"}}, {"floatingip": N}), result=N),
    row("create_floatingip", "n", "198.51.100.2", "p", "10.0.0.2",
        asks=made("floatingips", {"floatingip": {"floating_network_id": "n", "floating_ip_address": "198.51.100.2", "port_id": "p", "fixed_ip_address": "10.0.0.2"}}, {"floatingip": N}), result=N),
    row("update_floatingip", "1", port_id="p", asks=Ask("PUT /floatingips/1", {"floatingip": {"port_id": "p"}}, answer={"floatingip": N}), result=N),
    row("update_floatingip", "1", port_id=None, asks=Ask("PUT /floatingips/1", {"floatingip": {"port_id": None}}, answer={"floatingip": N}), result=N),
    row("delete_floatingip", "1", asks=Ask("DELETE /floatingips/1", ok=(204,))),
]

B = {"x": 1}
LOW: list[Row] = [
    one
    for what in ("networks", "subnets", "ports", "floatingips")
    for one in (
        row(f"{what}_get", asks=Ask(f"GET /{what}")),
        row(f"{what}_get", "1", params={"fields": "id"}, asks=Ask(f"GET /{what}/1?fields=id")),
        row(f"{what}_post", B, asks=Ask(f"POST /{what}", B, ok=MADE)),
        row(f"{what}_post", B, success=(201, 404), asks=Ask(f"POST /{what}", B, ok=(201, 404))),
        row(f"{what}_put", "1", **({"json": B} if what == "subnets" else {"json_data": B}), asks=Ask(f"PUT /{what}/1", B)),
        row(f"{what}_delete", "1", asks=Ask(f"DELETE /{what}/1", ok=(204,))),
    )
]
# fmt: on


@pytest.mark.parametrize(("one", "dialect"), expand([*HIGH, *LOW]))
def test_a_method_sends_and_returns_what_the_table_says(one: Row, dialect: str) -> None:
    play(NetworkClient, one, dialect)


@pytest.mark.parametrize(("one", "dialect"), expand([*HIGH, *LOW]))
def test_only_the_statuses_of_the_table_are_well(one: Row, dialect: str) -> None:
    try_statuses(NetworkClient, one, dialect)


@pytest.mark.parametrize(("one", "dialect"), expand([*HIGH, *LOW]))
def test_odd_answers_are_errors_of_the_cloud(one: Row, dialect: str) -> None:
    survive(NetworkClient, one, dialect)


def test_the_table_has_every_method_in_both_dialects() -> None:
    assert missing(NetworkClient, [*HIGH, *LOW], base=Bilingual) == set()
