"""The networks of a box: strict as Neutron's, apart by project, counted, given once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.box import Box, Person
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.cyclades import CycladesNetworkClient
from pelagos.clients.errors import ClientError
from support.box_site import Reply, ask

Ask = Callable[..., Reply]


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0) as box:
        yield box


_count = iter(range(10_000))


@pytest.fixture
def ann(box: Box) -> Person:
    """Somebody who has nothing yet."""
    return box.person(f"ann{next(_count)}")


def asking(box: Box, person: Person) -> Ask:
    token = person.token()

    def send(method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return ask(box.url, method, f"/network/v2.0{path}", body, token=token, **headers)

    return send


def make(send: Ask, kind: str, **fields: Any) -> dict[str, Any]:
    reply = send("POST", f"/{kind.replace('_', '-')}s", {kind: fields})
    assert reply.status == 201, reply
    made: dict[str, Any] = reply.json[kind]
    return made


def refused(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["NeutronError"]["type"]


def home_of(send: Ask, cidr: str = "10.0.0.0/24", **fields: Any) -> tuple[str, str]:
    network = make(send, "network", name="home")["id"]
    fields = {"network_id": network, "cidr": cidr, "ip_version": 4, **fields}
    return network, make(send, "subnet", **fields)["id"]


@pytest.mark.parametrize(
    ("kind", "body", "kept"),
    [
        ("networks", {"network": {"nme": "x"}}, "Unrecognized attribute(s) 'nme'"),
        ("networks", {"network": {"name": 7}}, "Invalid input for name. Reason: '7' is not a"),
        ("networks", {"network": {"id": "x"}}, "Attribute 'id' not allowed in POST"),
        ("networks", {"network": {"mtu": 10}}, "Invalid input for mtu. Reason: '10' is not in"),
        ("networks", {"network": {"name": "x" * 256}}, "exceeds maximum length of 255"),
        ("networks", {"net": {}}, "Unable to find 'network' in request body"),
        ("networks", {"network": []}, "Body contains invalid data"),
        ("networks", {"network": {"admin_state_up": "maybe"}}, "cannot be converted to boolean"),
        ("subnets", {"subnet": {"cidr": "10.0.0.0/8"}}, "Required attribute 'network_id' not"),
        ("subnets", {"subnet": {"network_id": "x"}}, "'x' is not a valid UUID"),
        ("ports", {"port": {}}, "Required attribute 'network_id' not specified"),
        ("security-groups", {"security_group": {}}, "Required attribute 'name' not specified"),
    ],
)
def test_what_neutron_does_not_take_is_told(
    box: Box, ann: Person, kind: str, body: Any, kept: str
) -> None:
    reply = asking(box, ann)("POST", f"/{kind}", body)
    assert refused(reply) == (400, "HTTPBadRequest")
    assert kept in reply.json["NeutronError"]["message"]


@pytest.mark.parametrize(
    ("fields", "status", "name"),
    [
        ({"cidr": "10.0.0.128/25"}, 400, "InvalidInput"),
        ({"cidr": "10.1.0.1/24"}, 400, "HTTPBadRequest"),
        ({"cidr": "fd00::/64"}, 400, "InvalidInput"),
        ({"cidr": None}, 400, "BadRequest"),
        ({"gateway_ip": "10.1.0.0"}, 400, "InvalidInput"),
        ({"pools": [("10.1.0.1", "10.1.0.9")]}, 409, "GatewayConflictWithAllocationPools"),
        ({"pools": [("10.2.0.5", "10.2.0.9")]}, 400, "OutOfBoundsAllocationPool"),
        ({"pools": [("10.1.0.9", "10.1.0.5")]}, 400, "InvalidAllocationPool"),
        (
            {"pools": [("10.1.0.5", "10.1.0.9"), ("10.1.0.8", "10.1.0.12")]},
            409,
            "OverlappingAllocationPools",
        ),
        ({"cidr": "10.1.0.0/31"}, 400, "InvalidInput"),
        ({"ipv6_ra_mode": "slaac"}, 400, "InvalidInput"),
    ],
)
def test_subnets_are_checked(
    box: Box, ann: Person, fields: dict[str, Any], status: int, name: str
) -> None:
    send = asking(box, ann)
    network, _ = home_of(send)
    pools = fields.pop("pools", None)
    if pools:
        fields["allocation_pools"] = [{"start": one, "end": end} for one, end in pools]
    told = {"network_id": network, "cidr": "10.1.0.0/24", "ip_version": 4, **fields}
    assert refused(send("POST", "/subnets", {"subnet": told})) == (status, name)


def test_projects_do_not_see_each_others_networks(box: Box, ann: Person) -> None:
    send, other = asking(box, ann), asking(box, box.person("bob"))
    network, subnet = home_of(send)
    port = make(send, "port", network_id=network)["id"]
    for path in (f"/networks/{network}", f"/subnets/{subnet}", f"/ports/{port}"):
        for method in ("GET", "PUT", "DELETE"):
            body = {path.split("/")[1][:-1]: {"name": "x"}} if method == "PUT" else None
            assert other(method, path, body).status == 404, (method, path)
    assert other("POST", "/ports", {"port": {"network_id": network}}).status == 404
    assert network not in other("GET", "/networks").content.decode()
    admin = asking(box, box.admin)
    assert network in admin("GET", "/networks").content.decode()
    assert send("PUT", f"/networks/{network}", {"network": {"shared": True}}).status == 403
    assert admin("PUT", f"/networks/{network}", {"network": {"shared": True}}).status == 200
    assert make(other, "port", network_id=network)["status"] == "DOWN"
    told = {"network_id": network, "fixed_ips": [{"ip_address": "10.0.0.77"}]}
    assert refused(other("POST", "/ports", {"port": told})) == (403, "PolicyNotAuthorized")
    assert other("DELETE", f"/networks/{network}").status == 403
    assert refused(admin("PUT", f"/networks/{network}", {"network": {"shared": False}})) == (
        409,
        "InvalidSharedSetting",
    )


def test_a_reader_changes_nothing(box: Box) -> None:
    send = asking(box, box.person("reader", roles=("reader",)))
    assert send("GET", "/networks").status == 200
    assert send("POST", "/networks", {"network": {}}).status == 403


def test_nobody_is_told_to_log_in(box: Box) -> None:
    reply = ask(box.url, "GET", "/network/v2.0/networks", token="wrong")
    assert reply.status == 401 and reply.json["error"]["code"] == 401


def test_a_subnet_gives_out_each_address_once_and_then_no_more(box: Box, ann: Person) -> None:
    send = asking(box, ann)
    network, subnet = home_of(send, "10.0.0.0/28")
    found: list[Reply] = []

    def take() -> None:
        own = asking(box, ann)
        body = {"port": {"network_id": network}}
        found.extend(own("POST", "/ports", body) for _ in range(3))

    threads = [threading.Thread(target=take) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    made = [one.json["port"]["fixed_ips"][0]["ip_address"] for one in found if one.status == 201]
    assert sorted(made) == sorted(f"10.0.0.{number}" for number in range(2, 15))
    assert {refused(one) for one in found if one.status != 201} == {
        (409, "IpAddressGenerationFailure")
    }
    assert refused(send("DELETE", f"/subnets/{subnet}")) == (409, "SubnetInUse")


def test_quotas_hold_for_several_at_once(box: Box, ann: Person) -> None:
    send, admin = asking(box, ann), asking(box, box.admin)
    body = {"quota": {"network": 2}}
    assert send("PUT", f"/quotas/{ann.project_id}", body).status == 403
    assert admin("PUT", f"/quotas/{ann.project_id}", body).status == 200
    several = {"networks": [{"name": str(number)} for number in range(3)]}
    assert refused(send("POST", "/networks", several)) == (409, "OverQuota")
    assert len([one for one in send("GET", "/networks").json["networks"] if
                one["project_id"] == ann.project_id]) == 0  # fmt: skip
    assert send("POST", "/networks", {"networks": several["networks"][:2]}).status == 201
    assert admin("DELETE", f"/quotas/{ann.project_id}").status == 204
    assert send("POST", "/networks", {"network": {}}).status == 201


def test_pages_follow_each_other(box: Box, ann: Person) -> None:
    send = asking(box, ann)
    for number in range(5):
        make(send, "network", name=f"n{number}")
    path, names = f"/networks?limit=2&project_id={ann.project_id}&sort_key=name&sort_dir=desc", []
    while path:
        page = send("GET", path).json
        names += [one["name"] for one in page["networks"]]
        following = [one for one in page.get("networks_links", ()) if one["rel"] == "next"]
        path = following[0]["href"].partition("/v2.0")[2] if following else ""
    assert names == ["n4", "n3", "n2", "n1", "n0"]
    assert send("GET", "/networks?limit=x").status == 400
    assert send("GET", "/networks?colour=red").status == 400
    assert send("GET", "/networks?marker=gone").status == 404


def test_a_change_that_rests_on_an_old_revision_is_refused(box: Box, ann: Person) -> None:
    send = asking(box, ann)
    path = f"/networks/{make(send, 'network')['id']}"
    assert (
        send("PUT", path, {"network": {"name": "a"}}, If_Match="revision_number=1").status == 200
    )
    told = send("PUT", path, {"network": {"name": "b"}}, If_Match="revision_number=1")
    assert refused(told) == (412, "RevisionNumberConstraintFailed")


@pytest.mark.parametrize(
    ("fields", "status", "name"),
    [
        ({"port_range_min": 1}, 400, "SecurityGroupProtocolRequiredWithPorts"),
        (
            {"protocol": "tcp", "port_range_min": 9, "port_range_max": 5},
            400,
            "SecurityGroupInvalidPortRange",
        ),
        ({"protocol": "icmp", "port_range_max": 5}, 400, "SecurityGroupMissingIcmpType"),
        ({"protocol": "nonsense"}, 400, "HTTPBadRequest"),
        ({"remote_ip_prefix": "fd00::/64"}, 400, "SecurityGroupRuleParameterConflict"),
        ({"direction": "egress"}, 409, "SecurityGroupRuleExists"),
        ({"direction": "sideways"}, 400, "HTTPBadRequest"),
    ],
)
def test_rules_of_security_groups_are_checked(
    box: Box, ann: Person, fields: dict[str, Any], status: int, name: str
) -> None:
    send = asking(box, ann)
    group = make(send, "security_group", name="g")["id"]
    told = {"security_group_id": group, "direction": "ingress", **fields}
    reply = send("POST", "/security-group-rules", {"security_group_rule": told})
    assert refused(reply) == (status, name)


def test_the_default_group_stays(box: Box, ann: Person) -> None:
    send = asking(box, ann)
    found = send("GET", "/security-groups?name=default").json["security_groups"]
    assert [len(one["security_group_rules"]) for one in found] == [4]
    reply = send("DELETE", f"/security-groups/{found[0]['id']}")
    assert refused(reply) == (409, "SecurityGroupCannotRemoveDefault")


def test_routers_refuse_what_cannot_be_routed(box: Box, ann: Person) -> None:
    send = asking(box, ann)
    network, subnet = home_of(send)
    other, same = home_of(send)
    router = f"/routers/{make(send, 'router')['id']}"
    assert send("PUT", f"{router}/add_router_interface", {"subnet_id": subnet}).status == 200
    for told in ({"subnet_id": subnet}, {"subnet_id": same}, {}):
        assert refused(send("PUT", f"{router}/add_router_interface", told)) == (400, "BadRequest")
    gateway = {"router": {"external_gateway_info": {"network_id": other}}}
    assert refused(send("PUT", router, gateway)) == (400, "BadRequest")
    routes = {"router": {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.9.9.9"}]}}
    assert refused(send("PUT", router, routes)) == (400, "InvalidRoutes")
    assert refused(send("DELETE", router)) == (409, "RouterInUse")
    assert refused(send("DELETE", f"/networks/{network}")) == (409, "NetworkInUse")
    port = send("GET", f"/ports?network_id={network}").json["ports"][0]["id"]
    assert refused(send("DELETE", f"/ports/{port}")) == (409, "ServicePortInUse")


def test_our_clients_speak_with_both_faces(box: Box, ann: Person) -> None:
    settings = CloudSettings(
        box.auth_url, username=ann.name, password=ann.password, project_name=ann.project
    )
    cloud = Cloud(settings=settings)
    network = cloud.network.create_network("mine")
    subnet = cloud.network.create_subnet(network["id"], "10.7.0.0/24")
    port = cloud.network.create_port(network["id"], name="p")
    assert port["fixed_ips"][0]["subnet"] == subnet["id"]
    assert cloud.network.wait_port_while(port["id"], "BUILD")["status"] == "DOWN"
    with pytest.raises(ClientError) as told:
        cloud.network.delete_network(network["id"])
    assert told.value.status == 409
    url = f"{box.url}/cyclades/network/v2.0"
    old = CycladesNetworkClient(url, ann.token())
    seen = [one for one in old.list_networks() if one["user_id"] in {None, ann.user_id}]
    assert [one["name"] for one in seen] == ["public", "mine"]
    assert old.list_ports()[0]["fixed_ips"][0]["ip_address"] == "10.7.0.2"
    made = old.create_network("MAC_FILTERED", "second")
    assert cloud.network.list_networks(name="second")[0]["project_id"] == ann.project_id
    floating = old.create_floatingip()
    old.reassign_floating_ip(floating["id"], ann.project_id)
    old.delete_floatingip(floating["id"])
    old.delete_network(made["id"])
    cloud.network.delete_port(port["id"])
    cloud.network.delete_network(network["id"])


def test_servers_have_interfaces_and_disks(box: Box, ann: Person) -> None:
    token, send = ann.token(), asking(box, ann)
    network, subnet = home_of(send)
    port = make(send, "port", network_id=network)["id"]
    image = ask(box.url, "GET", "/image/v2/images", token=token).json["images"][0]["id"]
    root = {"boot_index": 0, "uuid": image, "source_type": "image", "volume_size": 3,
            "destination_type": "volume", "delete_on_termination": True}  # fmt: skip

    def serve(*networks: dict[str, str]) -> Reply:
        told = {"name": "s", "flavorRef": "1", "networks": networks, "imageRef": "",
                "block_device_mapping_v2": [root]}  # fmt: skip
        return ask(box.url, "POST", "/compute/v2.1/servers", {"server": told}, token=token)

    def volumes() -> list[dict[str, Any]]:
        path = f"/volume/v3/{ann.project_id}/volumes/detail"
        found: list[dict[str, Any]] = ask(box.url, "GET", path, token=token).json["volumes"]
        return found

    made = serve({"uuid": network, "fixed_ip": "10.0.0.9"}, {"port": port}).json["server"]["id"]
    assert send("GET", f"/ports/{port}").json["port"]["device_id"] == made
    (volume,) = volumes()
    assert (volume["size"], volume["status"], volume["bootable"]) == (3, "in-use", "true")
    for wish, status in (
        ({"uuid": network, "fixed_ip": "10.0.0.9"}, 400),
        ({"uuid": network, "fixed_ip": "192.0.2.1"}, 400),
        ({"uuid": subnet}, 400),
        ({"port": port}, 409),
        ({"port": subnet}, 400),
    ):
        reply = serve(wish)
        assert reply.status == status, reply
        assert list(reply.json) == ["badRequest" if status == 400 else "conflictingRequest"]
    assert len(volumes()) == 1
    assert refused(send("DELETE", f"/networks/{network}")) == (409, "NetworkInUse")
    assert ask(box.url, "DELETE", f"/compute/v2.1/servers/{made}", token=token).status == 204
    assert ask(box.url, "GET", f"/compute/v2.1/servers/{made}", token=token).status == 404
    assert [one["id"] for one in send("GET", "/ports").json["ports"]] == [port]
    assert volumes() == []


def test_synnefos_quotas_hold(box: Box, ann: Person) -> None:
    old = CycladesNetworkClient(f"{box.url}/cyclades/network/v2.0", ann.token())
    box.limit(ann.project_id, "cyclades.network.private", 1)
    box.limit(ann.project_id, "cyclades.floating_ip", 0)
    old.create_network("MAC_FILTERED")
    for work in (lambda: old.create_network("MAC_FILTERED"), old.create_floatingip):
        with pytest.raises(ClientError) as told:
            work()
        assert told.value.status == 413 and "Requested: 1" in str(told.value.details)


@pytest.mark.parametrize("device", ["router", "server"])
def test_no_port_says_that_it_is_at_a_device_of_others(box: Box, ann: Person, device: str) -> None:
    hers, his = asking(box, ann), asking(box, box.person("intruder"))
    network, _ = home_of(hers)
    if device == "router":
        key = make(hers, "router", name="r")["id"]
        told = {"device_id": key, "device_owner": "network:router_interface"}
    else:
        image = ask(box.url, "GET", "/image/v2/images", token=ann.token()).json["images"][0]["id"]
        server = {
            "name": "s",
            "flavorRef": "1",
            "imageRef": image,
            "networks": [{"uuid": network}],
        }
        path = "/compute/v2.1/servers"
        reply = ask(box.url, "POST", path, {"server": server}, token=ann.token())
        key = reply.json["server"]["id"]
        told = {"device_id": key, "device_owner": "compute:nova"}
    own, _ = home_of(his, cidr="10.66.0.0/24")
    new = his("POST", "/ports", {"port": {"network_id": own, **told}})
    assert refused(new) == (409, "DeviceIDNotOwnedByTenant")
    port = make(his, "port", network_id=own)["id"]
    changed = his("PUT", f"/ports/{port}", {"port": told})
    assert refused(changed) == (409, "DeviceIDNotOwnedByTenant")
    assert his("DELETE", f"/ports/{port}").status == 204
    mine = make(hers, "port", network_id=network)["id"]
    assert hers("PUT", f"/ports/{mine}", {"port": {"device_id": key}}).status == 200


def test_a_guest_of_a_network_plays_no_part_of_it(box: Box, ann: Person) -> None:
    admin, send = asking(box, box.admin), asking(box, ann)
    shared, _ = home_of(admin, cidr="10.67.0.0/24")
    assert admin("PUT", f"/networks/{shared}", {"network": {"shared": True}}).status == 200
    told = {"network_id": shared, "device_owner": "network:dhcp"}
    assert refused(send("POST", "/ports", {"port": told})) == (403, "PolicyNotAuthorized")
    port = make(send, "port", network_id=shared, device_owner="compute:mine")["id"]
    told = {"device_owner": "network:router_interface"}
    assert refused(send("PUT", f"/ports/{port}", {"port": told})) == (403, "PolicyNotAuthorized")
    assert refused(send("DELETE", f"/ports/{port}")) == (403, "PolicyNotAuthorized")
    assert admin("DELETE", f"/ports/{port}").status == 204
    assert admin("DELETE", f"/networks/{shared}").status == 204
