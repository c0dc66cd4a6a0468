"""Our clients of servers and images, on the box, which is OpenStack's or Synnefo's cloud."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.compute import ComputeClient
from pelagos.clients.cyclades import CycladesComputeClient
from pelagos.clients.errors import ClientError, Conflict, NotFound
from pelagos.clients.image import ImageClient
from pelagos.clients.pithos import PithosClient


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0.01) as running:
        yield running


@pytest.fixture(scope="module")
def openstack(box: Box) -> Cloud:
    person = box.person("demo")
    return Cloud(
        settings=CloudSettings(
            box.auth_url, username=person.name, password=person.password, project_name="demo"
        )
    )


@pytest.fixture(scope="module")
def synnefo(box: Box) -> Cloud:
    return Cloud(settings=CloudSettings(box.astakos_url, token=box.person("greek").token()))


def test_a_server_of_openstack(openstack: Cloud) -> None:
    compute = openstack.client(ComputeClient)
    (image,) = openstack.client(ImageClient).list_public(filters={"name": "box-linux"})
    flavor = next(one for one in compute.list_flavors() if one["name"] == "m1.tiny")
    key = compute.create_key("laptop")
    assert "PRIVATE" in key["private_key"]
    made = compute.create_server(
        "web", flavor["id"], image["id"], user_data="#!/bin/sh", metadata={"a": "b"},
        networks=[], tags=["blue"], key_name="laptop",
    )  # fmt: skip
    server_id = made["id"]
    assert made["adminPass"]
    seen: list[str] = []
    done = compute.wait_server_until(
        server_id, "ACTIVE", delay=0.01, wait_cb=lambda one: seen.append(one["status"])
    )
    assert done["status"] == "ACTIVE" and done["key_name"] == "laptop"
    assert [one["id"] for one in compute.list_servers(name="web")] == [server_id]
    assert compute.list_tags(server_id) == ["blue"] and compute.check_tag_exists(server_id, "blue")
    compute.add_tag(server_id, "blue")
    assert compute.replace_tags(server_id, ["x"]) == ["x"]
    assert compute.update_server_metadata(server_id, c="d") == {"a": "b", "c": "d"}
    assert compute.create_server_metadata(server_id, "e", "f") == {"e": "f"}
    compute.delete_server_metadata(server_id, "e")
    compute.update_server_name(server_id, "anew")
    with pytest.raises(Conflict, match="vm_state active"):
        compute.start_server(server_id)
    compute.shutdown_server(server_id)
    compute.wait_server_until(server_id, "STOPPED", delay=0.01)
    assert [one["id"] for one in compute.list_servers(status="STOPPED")] == [server_id]
    compute.start_server(server_id)
    compute.wait_server_until(server_id, "ACTIVE", delay=0.01)
    compute.resize_server(server_id, "2")
    compute.wait_server_until(server_id, "VERIFY_RESIZE", delay=0.01)
    compute.confirm_resize_server(server_id)
    compute.wait_server_until(server_id, "ACTIVE", delay=0.01)
    assert compute.get_server_console(server_id)["url"].startswith("http")
    assert compute.list_server_nics(server_id) == []
    assert compute.list_volume_attachments(server_id) == []
    compute.delete_server(server_id)
    assert compute.wait_server_until(server_id, "DELETED", delay=0.01)["status"] == "DELETED"
    with pytest.raises(NotFound):
        compute.get_server_details(server_id)
    compute.delete_keypair("laptop")


def test_all_pages_of_servers(box: Box, openstack: Cloud) -> None:
    box.limit(box.person("demo").project_id, "cyclades.vm", 2000)
    box.limit(box.person("demo").project_id, "cyclades.cpu", 2000)
    box.limit(box.person("demo").project_id, "cyclades.ram", 2**50)
    compute = openstack.client(ComputeClient)
    (image,) = openstack.client(ImageClient).list_public(filters={"name": "box-linux"})
    many: dict[str, Any] = {"min_count": 1100}
    compute.create_server("many", "1", image["id"], networks=[], **many)
    found = compute.list_servers(detail=True, name="many")
    assert len({one["id"] for one in found}) == 1100
    assert len(compute.list_servers(name="many", limit=3)) == 3


def test_images_of_openstack(openstack: Cloud) -> None:
    images = openstack.client(ImageClient)
    content = b"a disk" * 10_000
    made = images.register(
        "disk", io.BytesIO(content), {"disk_format": "raw", "container_format": "bare"},
        {"os": "debian"},
    )  # fmt: skip
    assert made["status"] == "active" and made["properties"]["os"] == "debian"
    got = io.BytesIO()
    images.download_image(made["id"], got)
    assert got.getvalue() == content
    images.update_image(made["id"], name="anew", os=None, more="x")
    shown = images.get_meta(made["id"])
    assert shown["name"] == "anew" and shown["properties"] == {"more": "x"}
    images.set_members(made["id"], ["one", "two"])
    images.set_members(made["id"], ["two", "three"])
    assert {one["member_id"] for one in images.list_members(made["id"])} == {"two", "three"}
    images.unregister(made["id"])
    with pytest.raises(NotFound):
        images.get_meta(made["id"])


@pytest.fixture
def image_of_pithos(box: Box, synnefo: Cloud, request: pytest.FixtureRequest) -> str:
    me, container = box.person("greek").user_id, request.node.name
    objects = synnefo.client(PithosClient, container=container)
    objects.create_container()
    objects.upload_object("disk.img", io.BytesIO(b"disk" * 100))
    images = synnefo.client(ImageClient)
    made = images.register(container, (me, container, "disk.img"), properties={"os": "debian"})
    return str(made["id"])


def test_a_server_of_synnefo(synnefo: Cloud, box: Box, image_of_pithos: str) -> None:
    compute = synnefo.client(CycladesComputeClient)
    flavor = next(one for one in compute.list_flavors(detail=True) if one["ram"] == 512)
    made = compute.create_server(
        "web", flavor["id"], image_of_pithos, networks=[], metadata={"a": "b"},
        personality=[{"path": "/etc/x", "contents": "aGk="}],
    )  # fmt: skip
    server_id = made["id"]
    assert made["adminPass"] and made["metadata"] == {"a": "b", "os": "debian"}
    compute.wait_server_until(server_id, "ACTIVE", delay=0.01)
    compute.shutdown_server(server_id)
    compute.wait_server_until(server_id, "STOPPED", delay=0.01)
    bigger = next(one for one in compute.list_flavors(detail=True) if one["ram"] == 1024)
    compute.resize_server(server_id, bigger["id"])
    compute.wait_server_until(server_id, "STOPPED", delay=0.01)
    assert compute.get_server_details(server_id)["flavor"]["id"] == bigger["id"]
    compute.start_server(server_id)
    compute.wait_server_until(server_id, "ACTIVE", delay=0.01)
    console = compute.get_server_console(server_id)
    assert console["host"] and console["password"]
    assert compute.get_server_stats(server_id)["refresh"] == 60
    assert compute.get_server_diagnostics(server_id) == []
    assert compute.list_tags(server_id)["tags"] == []
    compute.add_tag(server_id, "blue")
    assert compute.get_tag_status(server_id, "blue") == "ACTIVE"
    compute.reassign_server(server_id, box.person("greek").project_id)
    with pytest.raises(ClientError, match="not supported"):
        compute.rebuild_server(server_id)
    assert [one["id"] for one in compute.list_servers()] == [server_id]
    compute.delete_server(server_id)
    compute.wait_server_until(server_id, "DELETED", delay=0.01)
    assert compute.get_server_details(server_id)["deleted"] is True
    assert compute.list_servers() == []


def test_images_of_synnefo(synnefo: Cloud, box: Box, image_of_pithos: str) -> None:
    images, friend = synnefo.client(ImageClient), box.person("friend")
    name = images.get_meta(image_of_pithos)["name"]
    assert [one["name"] for one in images.list_public(filters={"name": name})] == [name]
    images.update_image(image_of_pithos, name="anew", public=True, more="x")
    shown = images.get_meta(image_of_pithos)
    assert shown["is_public"] is True and shown["properties"] == {"os": "debian", "more": "x"}
    images.update_image(image_of_pithos, public=False)
    images.add_member(image_of_pithos, friend.user_id)
    members = {one["member_id"] for one in images.list_members(image_of_pithos)}
    assert friend.user_id in members
    theirs = Cloud(settings=CloudSettings(box.astakos_url, token=friend.token()))
    shared = theirs.client(ImageClient).list_shared(friend.user_id)
    assert [one["image_id"] for one in shared] == [image_of_pithos]
    images.remove_member(image_of_pithos, friend.user_id)
    images.unregister(image_of_pithos)
    with pytest.raises(NotFound):
        images.get_meta(image_of_pithos)
