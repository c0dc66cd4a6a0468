"""What NetworkClient sends, method by method, in both dialects."""

# ruff: noqa: E501  # a table

from __future__ import annotations

from dataclasses import replace

import pytest

from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.errors import Unsupported
from pelagos.clients.network import NetworkClient
from support.golden import (
    ENDPOINT,
    OPENSTACK,
    SYNNEFO,
    Ask,
    Row,
    Script,
    golden_tests,
    missing,
    row,
)

N = {"id": "1", "name": "net"}
P = {"id": "1", "fixed_ips": [{"ip_address": "10.0.0.2", "subnet": "2"}]}
P_READ = {"id": "1", "fixed_ips": [{"ip_address": "10.0.0.2", "subnet": "2", "subnet_id": "2"}]}
NEXT = [{"rel": "next", "href": "https://else/v2.0/networks?limit=1&marker=1"}]
POOL = {"start": "10.0.0.2", "end": "10.0.0.9"}
MADE = (201, 200, 202)
R = {"id": "1", "name": "r"}
JOINED = {"id": "1", "subnet_id": "s", "port_id": "p"}
GATE = {"network_id": "n"}
RULE = {"id": "1", "direction": "ingress"}


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

GUARDS: list[Row] = [
    row("list_routers", name="r", asks=[
        Ask("GET /routers?name=r", answer={"routers": [R], "routers_links": NEXT}),
        Ask("GET /routers?name=r&limit=1&marker=1", answer={"routers": []}),
    ], result=[R]),
    row("get_router_details", "1", asks=Ask("GET /routers/1", answer={"router": R}), result=R),
    row("create_router", asks=made("routers", {"router": {}}, {"router": R}), result=R),
    row("create_router", "r", "n", False, True,
        asks=made("routers", {"router": {"name": "r", "admin_state_up": False, "external_gateway_info": {**GATE, "enable_snat": True}}}, {"router": R}), result=R),
    row("update_router", "1", "x", asks=Ask("PUT /routers/1", {"router": {"name": "x"}}, answer={"router": R}), result=R),
    row("update_router", "1", external_network_id="n", asks=Ask("PUT /routers/1", {"router": {"external_gateway_info": GATE}}, answer={"router": R}), result=R),
    row("update_router", "1", None, "", False,
        asks=Ask("PUT /routers/1", {"router": {"external_gateway_info": None, "admin_state_up": False}}, answer={"router": R}), result=R),
    row("delete_router", "1", asks=Ask("DELETE /routers/1", ok=(204,))),
    row("add_router_interface", "1", "s", asks=Ask("PUT /routers/1/add_router_interface", {"subnet_id": "s"}, answer=JOINED), result=JOINED),
    row("add_router_interface", "1", port_id="p", asks=Ask("PUT /routers/1/add_router_interface", {"port_id": "p"}, answer=JOINED), result=JOINED),
    row("remove_router_interface", "1", "s", asks=Ask("PUT /routers/1/remove_router_interface", {"subnet_id": "s"}, answer=JOINED), result=JOINED),

    row("list_security_groups", name="g", asks=Ask("GET /security-groups?name=g", answer={"security_groups": [N]}), result=[N]),
    row("get_security_group_details", "1", asks=Ask("GET /security-groups/1", answer={"security_group": N}), result=N),
    row("create_security_group", "g", asks=made("security-groups", {"security_group": {"name": "g"}}, {"security_group": N}), result=N),
    row("create_security_group", "g", "d", False,
        asks=made("security-groups", {"security_group": {"name": "g", "description": "d", "stateful": False}}, {"security_group": N}), result=N),
    row("update_security_group", "1", "g", "", asks=Ask("PUT /security-groups/1", {"security_group": {"name": "g", "description": ""}}, answer={"security_group": N}), result=N),
    row("delete_security_group", "1", asks=Ask("DELETE /security-groups/1", ok=(204,))),
    row("list_security_group_rules", security_group_id="g",
        asks=Ask("GET /security-group-rules?security_group_id=g", answer={"security_group_rules": [RULE]}), result=[RULE]),
    row("get_security_group_rule_details", "1", asks=Ask("GET /security-group-rules/1", answer={"security_group_rule": RULE}), result=RULE),
    row("create_security_group_rule", "g",
        asks=made("security-group-rules", {"security_group_rule": {"security_group_id": "g", "direction": "ingress"}}, {"security_group_rule": RULE}), result=RULE),
    row("create_security_group_rule", "g", "egress", "tcp", 22, 23, remote_ip_prefix="fd00::/64", description="d",
        asks=made("security-group-rules", {"security_group_rule": {
            "security_group_id": "g", "direction": "egress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 23,
            "remote_ip_prefix": "fd00::/64", "ethertype": "IPv6", "description": "d"}}, {"security_group_rule": RULE}), result=RULE),
    row("create_security_group_rule", "g", remote_group_id="h", ethertype="IPv4",
        asks=made("security-group-rules", {"security_group_rule": {
            "security_group_id": "g", "direction": "ingress", "remote_group_id": "h", "ethertype": "IPv4"}}, {"security_group_rule": RULE}), result=RULE),
    row("delete_security_group_rule", "1", asks=Ask("DELETE /security-group-rules/1", ok=(204,))),
]
HIGH += [replace(one, dialects=OPENSTACK) for one in GUARDS]

B = {"x": 1}
WORDS = {"security_groups": "security-groups", "security_group_rules": "security-group-rules"}
LOW: list[Row] = [
    one
    for name in ("networks", "subnets", "ports", "floatingips", "routers", *WORDS)
    for what in (WORDS.get(name, name),)
    for one in (
        row(f"{name}_get", asks=Ask(f"GET /{what}")),
        row(f"{name}_get", "1", params={"fields": "id"}, asks=Ask(f"GET /{what}/1?fields=id")),
        row(f"{name}_post", B, asks=Ask(f"POST /{what}", B, ok=MADE)),
        row(f"{name}_post", B, success=(201, 404), asks=Ask(f"POST /{what}", B, ok=(201, 404))),
        row(f"{name}_put", "1", **({"json": B} if name == "subnets" else {"json_data": B}), asks=Ask(f"PUT /{what}/1", B)),
        row(f"{name}_delete", "1", asks=Ask(f"DELETE /{what}/1", ok=(204,))),
    )
    if one.method != "security_group_rules_put"
]
LOW.append(row("routers_verb_put", "1", "add_router_interface", B, asks=Ask("PUT /routers/1/add_router_interface", B)))
# fmt: on


(
    test_a_method_sends_and_returns_what_the_table_says,
    test_only_the_statuses_of_the_table_are_well,
    test_odd_answers_are_errors_of_the_cloud,
) = golden_tests(NetworkClient, [*HIGH, *LOW])


def test_the_table_has_every_method_in_both_dialects() -> None:
    elsewhere = {f"{one.method} synnefo" for one in GUARDS}
    assert missing(NetworkClient, [*HIGH, *LOW], base=Bilingual, without=elsewhere) == set()


@pytest.mark.parametrize("one", GUARDS, ids=[one.method for one in GUARDS])
def test_a_synnefo_is_not_asked_for_what_it_has_not(one: Row) -> None:
    client = NetworkClient(ENDPOINT, "token", http=Script(()), dialect="synnefo")
    with pytest.raises(Unsupported, match="Synnefo has no") as caught:
        getattr(client, one.method)(*one.args, **one.kwargs)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("add_router_interface", {}),
        ("remove_router_interface", {"subnet_id": "s", "port_id": "p"}),
        ("update_router", {"enable_snat": False}),
    ],
)
def test_what_contradicts_itself_is_not_sent(method: str, arguments: dict[str, object]) -> None:
    client = NetworkClient(ENDPOINT, "token", http=Script(()))
    with pytest.raises(ValueError, match=r"given|together"):
        getattr(client, method)("1", **arguments)
