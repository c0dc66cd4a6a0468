"""What real Synnefo servers answered, read by the clients: each call sends what was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from pelagos.clients import ClientError
from pelagos.clients.compute import ComputeClient
from pelagos.clients.cyclades import (
    CycladesBlockStorageClient,
    CycladesComputeClient,
    CycladesNetworkClient,
)
from pelagos.clients.image import ImageClient
from pelagos.core.http import Headers, Request, Response
from support.synnefo_samples import Exchange, exchanges

ROOT = "http://127.0.0.1:21103/cyclades"
ALICE = "a11ce000-0000-4000-8000-00000000000a"
BOB = "b0b00000-0000-4000-8000-00000000000b"
CAROL = "ca501000-0000-4000-8000-00000000000c"
IMAGE = "582eb210-3f8d-4a8f-a5f7-04ca806d3c54"
KEY = "k1795269143"

Call = Callable[[Any], Any]


class Recorded:
    """Answers a request as the server did when it was sent the same; each recording once."""

    def __init__(self, name: str) -> None:
        self._left = exchanges(name, {})

    def send(self, request: Request) -> Response:
        found = next((one for one in self._left if _is_same(one, request)), None)
        assert found is not None, (
            f"never recorded: {request.method} {request.url} {request.body!r}"
        )
        self._left.remove(found)
        return Response(found.status, Headers(found.headers), found.body.encode("latin-1"))

    def close(self) -> None:
        """Nothing is held."""


def _is_same(one: Exchange, request: Request) -> bool:
    url = urlsplit(request.url)
    recorded = urlsplit(one.path)
    return (
        one.method == request.method
        and recorded.path == url.path
        and sorted(unquote(recorded.query).split("&")) == sorted(unquote(url.query).split("&"))
        and _json(one.request_body) == _json(request.body or b"")
        and _meta(one.request_headers) == _meta(request.headers)
    )


def _json(body: Any) -> Any:
    return json.loads(body) if body.strip() else None


def _meta(headers: Any) -> dict[str, str]:
    fields = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in fields.items() if name.startswith("x-image-meta-")}


def misfits(kind: type[Any], service: str, name: str, calls: list[tuple[Call, Any]]) -> list[Any]:
    """Make calls in order; the results that are not as expected, or do not satisfy a function.

    The same class under the ancestor's name must do the same, without being told the family.
    """
    client = kind(f"{ROOT}/{service}", "TOKEN-OF-ALICE", http=Recorded(name), dialect="synnefo")
    wrong = _play(client, calls)
    package = kind.__module__.split(".")[2]
    former = getattr(import_module(f"pelagos.compat.kamaki.clients.{package}"), kind.__name__)
    told = {"dialect": "synnefo"} if kind.HOME == "openstack" else {}
    again = former(f"{ROOT}/{service}", "TOKEN-OF-ALICE", http=Recorded(name), **told)
    return wrong + _play(again, calls)


def _play(client: Any, calls: list[tuple[Call, Any]]) -> list[Any]:
    wrong = []
    for number, (call, wanted) in enumerate(calls):
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            with pytest.raises(ClientError) as caught:
                call(client)
            assert caught.value.status == wanted, number
            continue
        found = call(client)
        if not (wanted(found) if callable(wanted) else found == wanted):
            wrong.append((number, found))
    return wrong


def headers(found: Any) -> bool:
    return "content-type" in found


def has(**fields: Any) -> Callable[[Any], bool]:
    return lambda found: {name: found.get(name) for name in fields} == fields


def test_flavours_images_servers_and_their_faults() -> None:
    personality = [{"path": "/root/x", "contents": "aGk="}]
    assert not misfits(
        ComputeClient,
        "compute/v2.0",
        "61_compute.http",
        [
            (lambda c: c.list_flavors(), lambda found: len(found) == 8),
            (lambda c: c.list_flavors(True)[0], has(id=1, ram=512, vcpus=1, disk=5)),
            (lambda c: c.get_flavor_details(1), has(id=1, name="C1R512D5plain")),
            (lambda c: c.get_flavor_details(999), 404),
            (lambda c: c.list_images(), [{"name": "renamed", "id": IMAGE}]),
            (lambda c: c.list_images(True)[0], has(status="ACTIVE", public=True)),
            (lambda c: c.get_image_details(IMAGE), has(id=IMAGE, progress=100)),
            (lambda c: c.get_image_details("nosuch"), 400),
            (lambda c: c.get_image_metadata(IMAGE)["users"], "root"),
            (lambda c: c.list_servers(), []),
            (lambda c: c.list_servers(True), []),
            (lambda c: c.list_servers(limit=1), []),
            (lambda c: c.list_servers(changes_since="2020-01-01T00:00:00Z"), 400),
            (lambda c: c.list_servers(changes_since="2026-11-21T13:41:56+00:00"), []),
            (lambda c: c.get_server_details(99999), 404),
            (lambda c: c.get_server_details("abc"), 400),
            (lambda c: c.limits_get(), 400),
            (lambda c: c.get_floating_ip_pools(), 400),
            (
                lambda c: c.create_server(
                    "p1", 1, IMAGE, metadata={"a": "b"}, personality=personality, networks=[]
                ),
                has(id=1, status="BUILD", adminPass="INVENTEDpw", metadata={"a": "b"}),
            ),
            (lambda c: c.get_server_status(1), ("ACTIVE", None)),
            (lambda c: c.get_server_details(1), 404),
            (lambda c: c.update_server_name(1, "p1b"), headers),
            (lambda c: c.get_server_metadata(1), {"a": "b"}),
            (lambda c: c.update_server_metadata(1, k1="v1", k2="v2")["k2"], "v2"),
            (lambda c: c.create_server_metadata(1, "k3", "v3"), {"k3": "v3"}),
            (lambda c: c.get_server_metadata(1, "k3"), {"k3": "v3"}),
            (lambda c: c.get_server_metadata(1, "nokey"), 404),
            (lambda c: c.delete_server_metadata(1, "k3"), headers),
            (lambda c: c.delete_server_metadata(1, "k3"), 404),
            (lambda c: c.start_server(1), headers),
            (lambda c: c.shutdown_server(1), headers),
            (lambda c: c.change_admin_password(1, "x"), 400),
            (lambda c: c.confirm_resize_server(1), 400),
            (lambda c: c.list_volume_attachments(1), lambda found: found[0]["volumeId"] == 1),
            (lambda c: c.check_tag_exists(1, "t1"), True),
            (lambda c: c.check_tag_exists(1, "none"), False),
            (lambda c: c.delete_tags(1) == 204, True),
            (lambda c: c.get_keypair_details(KEY), has(id=1, name=KEY)),
            (lambda c: c.delete_keypair(KEY), headers),
            (lambda c: c.delete_server(1), headers),
        ],
    )


def test_what_only_synnefos_compute_service_has() -> None:
    assert not misfits(
        CycladesComputeClient,
        "compute/v2.0",
        "61_compute.http",
        [
            (lambda c: c.list_flavors(is_public=True), lambda found: len(found) == 8),
            (lambda c: c.start_server(1), 400),
            (lambda c: c.shutdown_server(1), headers),
            (lambda c: c.start_server(1), headers),
            (lambda c: c.reboot_server(1), 400),
            (lambda c: c.reboot_server(1, hard=True), headers),
            (lambda c: c.resize_server(1, "3"), 400),
            (lambda c: c.get_server_console(1), has(port=25900, type="vnc")),
            (lambda c: c.get_server_console(1, "vnc-wss"), has(type="vnc-wss")),
            (lambda c: c.get_server_console(1, "bad"), 400),
            (lambda c: c.reassign_server(1, ALICE), headers),
            (lambda c: c.get_server_nics(1), {"addresses": {}, "attachments": []}),
            (lambda c: c.get_server_stats(1), has(refresh=60, serverRef=1)),
            (lambda c: c.get_server_diagnostics(1), []),
            (lambda c: c.list_tags(1), {"statuses": [], "tags": []}),
            (lambda c: c.add_tag(1, "t1"), has(location=f"{ROOT}/compute/v2.0/servers/1/tags/t1")),
            (lambda c: c.add_tag(1, "t1"), headers),
            (lambda c: c.get_tag_status(1, "t1"), "ACTIVE"),
            (lambda c: c.get_tag_status(1, "none"), 404),
            (lambda c: c.list_tags(1), {"statuses": ["ACTIVE"], "tags": ["t1"]}),
            (lambda c: c.replace_tags(1, ["a", "b"]), has(tags=["a", "b"])),
            (lambda c: c.delete_tag(1, "a") == 204, True),
        ],
    )


def test_networks_ports_and_floating_ips() -> None:
    fixed = [{"ip_address": "198.51.100.2"}]
    assert not misfits(
        CycladesNetworkClient,
        "network/v2.0",
        "62_network.http",
        [
            (lambda c: c.create_network("MAC_FILTERED", "pn"), has(id="2", status="ACTIVE")),
            (lambda c: c.get_network_details("2"), has(type="MAC_FILTERED", subnets=[])),
            (lambda c: c.list_networks(True), lambda found: len(found) == 2),
            (lambda c: c.list_networks(), lambda found: found[0]["name"] == "public"),
            (lambda c: c.update_network("2", "pn2"), has(name="pn2")),
            (
                lambda c: c.create_subnet("2", "10.77.0.0/24", enable_dhcp=True),
                has(gateway_ip="10.77.0.1", ip_version=4),
            ),
            (lambda c: c.update_subnet("2", "s2"), has(name="s2")),
            (lambda c: c.create_port("2", "1", name="po"), has(status="BUILD", device_owner="vm")),
            (lambda c: c.get_port_status("1"), ("BUILD", None)),
            (lambda c: c.wait_port("1", delay=0.001, max_wait=1), has(status="ACTIVE")),
            (lambda c: c.update_port("1", name="po2"), has(name="po2")),
            (lambda c: c.delete_network("2"), 409),
            (lambda c: c.create_floatingip(1), has(floating_ip_address="198.51.100.2")),
            (lambda c: c.get_floatingip_details("2"), has(port_id=None, instance_id=None)),
            (lambda c: c.create_port(1, "1", fixed_ips=fixed), has(id="2", network_id="1")),
            (lambda c: c.delete_floatingip("2"), 409),
            (lambda c: c.update_floatingip("2", port_id=None), 501),
            (lambda c: c.delete_floatingip("2"), headers),
            (lambda c: c.delete_subnet("2"), 400),
            (lambda c: c.delete_network("2"), headers),
            (lambda c: c.reassign_network("1", ALICE), 403),
        ],
    )


def test_volumes() -> None:
    assert not misfits(
        CycladesBlockStorageClient,
        "volume/v2.0",
        "63_volume.http",
        [
            (lambda c: c.list_volume_types(), lambda found: len(found) == 2),
            (lambda c: c.create_volume(3, "pv", 1), has(id="2", name="pv", display_name="pv")),
            (lambda c: c.wait_volume_until("2", delay=0.001, max_wait=1), has(status="in_use")),
            (lambda c: c.list_volumes(True), lambda found: len(found) == 3),
            (
                lambda c: c.update_volume("2", "pv2", delete_on_termination=True),
                has(display_name="pv2"),
            ),
            (lambda c: c.create_volume(3, "detached", volume_type=2), has(id="4")),
            (lambda c: c.list_snapshots(), []),
            (lambda c: c.create_snapshot("2", "s"), 400),
            (lambda c: c.delete_volume("2"), 404),
            (lambda c: c.get_volume_details(99999), 404),
        ],
    )


def test_images() -> None:
    params = {"disk_format": "diskdump", "container_format": "bare", "is_public": True}
    properties = {"OSFAMILY": "linux", "ROOT_PARTITION": "1", "users": "root"}
    location = f"pithos://{ALICE}/images/p.img"
    assert not misfits(
        ImageClient,
        "image/v1.0",
        "60_image.http",
        [
            (
                lambda c: c.register("Probe Image", location, params, properties),
                has(
                    id=IMAGE,
                    name="Probe Image",
                    location=location,
                    is_public=True,
                    size=5000,
                    properties={"osfamily": "linux", "root_partition": "1", "users": "root"},
                ),
            ),
            (lambda c: c.list_public()[0], has(name="Probe Image", status="AVAILABLE")),
            (
                lambda c: c.list_public(True, {"name": "Probe Image"}, "-name")[0],
                has(is_public=True, size=5000),
            ),
            (lambda c: c.get_meta(IMAGE), has(name="Probe Image", is_snapshot=False)),
            (lambda c: c.update_image(IMAGE, "renamed", extra="x"), headers),
            (lambda c: c.add_member(IMAGE, BOB), headers),
            (lambda c: c.list_members(IMAGE)[0], {"can_share": False, "member_id": BOB}),
            (lambda c: c.set_members(IMAGE, [CAROL]), headers),
            (lambda c: c.list_shared(CAROL), []),
            (lambda c: c.remove_member(IMAGE, CAROL), headers),
            (lambda c: c.get_meta("nosuch"), 400),
            (lambda c: c.unregister(IMAGE), headers),
        ],
    )
