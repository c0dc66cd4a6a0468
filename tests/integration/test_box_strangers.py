"""What belongs to one project of a box, no other uses: whatever of the former's ids it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pelagos.box import Box, Person
from pelagos.core.clock import ManualClock
from support.box_site import Reply, ask

NETWORK, COMPUTE, VOLUME, IMAGE = "/network/v2.0", "/compute/v2.1", "/volume/v3", "/image/v2"
SERVERS = f"{COMPUTE}/servers"
Ids = Mapping[str, str]


@pytest.fixture(scope="module")
def land() -> Iterator[tuple[Box, Ids, Ids, Person]]:
    """A box, the ids of hers and of his, and him."""
    clock = ManualClock(1_795_268_000.0)
    with Box(clock=clock, token_life=1e9, pace=0) as box:
        owner, stranger = box.person("owner"), box.person("stranger")
        hers, his = _things(box, owner, clock), _things(box, stranger, clock)
        yield box, hers, his, stranger


def _things(box: Box, person: Person, clock: ManualClock) -> Ids:
    token, ids = person.token(), {"project": person.project_id, "user": person.user_id}

    def make(path: str, kind: str, **fields: Any) -> None:
        body = fields if kind == "image" else {kind: fields}
        reply = ask(box.url, "POST", path, body, token=token)
        assert reply.status in {200, 201, 202}, reply
        ids[kind] = str((reply.json if kind == "image" else reply.json[kind])["id"])
        clock.advance(20)

    make(f"{NETWORK}/networks", "network", name="n")
    cidr = {"cidr": "10.0.0.0/24", "ip_version": 4}
    make(f"{NETWORK}/subnets", "subnet", network_id=ids["network"], **cidr)
    make(f"{NETWORK}/ports", "port", network_id=ids["network"])
    make(f"{NETWORK}/routers", "router", name="r")
    make(f"{NETWORK}/security-groups", "security_group", name=f"of-{person.name}")
    formats = {"disk_format": "raw", "container_format": "bare"}
    make(f"{IMAGE}/images", "image", name="i", visibility="private", **formats)
    make(f"{VOLUME}/volumes", "volume", size=1)
    make(f"{VOLUME}/snapshots", "snapshot", volume_id=ids["volume"])
    make(f"{COMPUTE}/os-server-groups", "server_group", name="g", policies=["affinity"])
    found = ask(box.url, "GET", f"{IMAGE}/images?name=box-linux", token=token).json["images"]
    ids["linux"] = found[0]["id"]
    told = {"flavorRef": "1", "imageRef": ids["linux"], "networks": [{"uuid": ids["network"]}]}
    make(SERVERS, "server", name="s", **told)
    return ids


def _disk(source: str, key: str) -> dict[str, Any]:
    return {
        "block_device_mapping_v2": [{
            "source_type": source, "uuid": key, "destination_type": "volume", "boot_index": 0,
            "volume_size": 1,
        }]
    }  # fmt: skip


def _requests(hers: Ids, his: Ids) -> list[tuple[str, str, Any]]:
    """What he may try: method, path and body."""
    port = {"network_id": his["network"]}
    server = {"name": "x", "flavorRef": "1", "imageRef": his["linux"], "networks": "none"}
    disk, groups = {"volumeId": hers["volume"]}, [hers["security_group"]]
    own = f"{SERVERS}/{his['server']}"
    servers: list[dict[str, Any]] = [
        {"imageRef": hers["image"]}, {"networks": [{"uuid": hers["network"]}]},
        {"networks": [{"port": hers["port"]}]}, _disk("volume", hers["volume"]),
        _disk("snapshot", hers["snapshot"]), _disk("image", hers["image"]),
        {
            "networks": [{"uuid": his["network"]}],
            "security_groups": [{"name": hers["security_group"]}],
        },
    ]  # fmt: skip
    router = f"{NETWORK}/routers/{his['router']}"
    hint = {"os:scheduler_hints": {"group": hers["server_group"]}}
    tries: list[tuple[str, str, Any]] = [
        *(("POST", SERVERS, {"server": {**server, **more}}) for more in servers),
        ("POST", SERVERS, {"server": server, **hint}),
        ("POST", f"{own}/os-interface", {"interfaceAttachment": {"port_id": hers["port"]}}),
        ("POST", f"{own}/os-interface", {"interfaceAttachment": {"net_id": hers["network"]}}),
        ("POST", f"{own}/os-volume_attachments", {"volumeAttachment": disk}),
        ("POST", f"{own}/action", {"rebuild": {"imageRef": hers["image"]}}),
        ("POST", f"{own}/action", {"rescue": {"rescue_image_ref": hers["image"]}}),
        ("POST", f"{own}/action", {"addSecurityGroup": {"name": hers["security_group"]}}),
        ("POST", f"{NETWORK}/ports", {"port": {"network_id": hers["network"]}}),
        ("POST", f"{NETWORK}/ports", {"port": {**port, "project_id": hers["project"]}}),
        ("POST", f"{NETWORK}/ports", {"port": {**port, "security_groups": groups}}),
        ("POST", f"{NETWORK}/ports", {"port": {**port, "device_id": hers["server"]}}),
        ("PUT", f"{router}/add_router_interface", {"subnet_id": hers["subnet"]}),
        ("PUT", f"{router}/add_router_interface", {"port_id": hers["port"]}),
        ("POST", f"{VOLUME}/volumes", {"volume": {"size": 1, "snapshot_id": hers["snapshot"]}}),
        ("POST", f"{VOLUME}/volumes", {"volume": {"size": 1, "source_volid": hers["volume"]}}),
        ("POST", f"{VOLUME}/volumes", {"volume": {"size": 1, "imageRef": hers["image"]}}),
        ("POST", f"{VOLUME}/snapshots", {"snapshot": {"volume_id": hers["volume"]}}),
        ("POST", f"{VOLUME}/os-volume-transfer", {"transfer": {"volume_id": hers["volume"]}}),
        ("POST", f"{IMAGE}/images/{hers['image']}/members", {"member": his["project"]}),
        ("POST", f"{IMAGE}/images", {"name": "x", "owner": hers["project"]}),
    ]  # fmt: skip
    for path in (
        f"{SERVERS}/{hers['server']}", f"{VOLUME}/volumes/{hers['volume']}",
        f"{VOLUME}/snapshots/{hers['snapshot']}", f"{IMAGE}/images/{hers['image']}",
        f"{COMPUTE}/os-server-groups/{hers['server_group']}",
        *(
            f"{NETWORK}/{kind}s/{hers[kind.replace('-', '_')]}"
            for kind in ("network", "subnet", "port", "router", "security-group")
        ),
    ):  # fmt: skip
        tries += [("GET", path, None), ("DELETE", path, None)]
    return tries


def test_no_id_of_others_is_of_use(land: tuple[Box, Ids, Ids, Person]) -> None:
    box, hers, his, stranger = land
    token = stranger.token()

    def send(method: str, path: str, body: Any) -> Reply:
        versions = {"OpenStack_API_Version": "compute 2.87"} if path.startswith(COMPUTE) else {}
        return ask(box.url, method, path, body, token=token, **versions)

    tries = _requests(hers, his)
    answers = [(*one, send(*one)) for one in tries]
    assert [one for one in answers if one[3].status not in {400, 403, 404, 409}] == []
    # The same with his own ids is nothing strange: each of these was refused for the id alone.
    own = [(*one, send(*one)) for one in _requests({**his, "project": his["project"]}, his)]
    assert sum(one[3].status < 300 for one in own) > len(own) // 2  # successes
