"""Volumes, the box's and a real Cinder's: what the client does, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.clients import BlockStorageClient, Cloud
from pelagos.clients.errors import BadRequest, ClientError, NotFound
from support.places import SECONDS, cloud_of, until_gone

pytestmark = pytest.mark.timeout(900)
Later = list[Callable[[], object]]


@pytest.fixture(scope="module")
def volumes(cloud: Cloud) -> BlockStorageClient:
    return cloud.volume


def ready(volumes: BlockStorageClient, made: Any) -> dict[str, Any]:
    """The volume's record once it can be used."""
    found = volumes.wait_volume_until(made["id"], "available", delay=0.2, max_wait=SECONDS)
    assert found["status"] == "available"
    return dict(found)


def gone(volumes: BlockStorageClient, volume_id: Any) -> None:
    """Remove it, and wait until it is gone."""
    volumes.delete_volume(volume_id)
    until_gone(lambda: volumes.get_volume_details(volume_id))


@pytest.fixture
def volume(volumes: BlockStorageClient, later: Later) -> dict[str, Any]:
    made = volumes.create_volume(1, display_name="data", metadata={"a": "b"})
    later.append(lambda: gone(volumes, made["id"]))
    return ready(volumes, made)


def test_a_volume_is_made_changed_listed_and_grows(
    volumes: BlockStorageClient, volume: dict[str, Any]
) -> None:
    own = volume["id"]
    assert (volume["size"], volume["metadata"]) == (1, {"a": "b"})
    assert volume["display_name"] == volume["name"] == "data"
    assert volumes.get_volume_status(own) == ("available", None)
    changed = volumes.update_volume(own, display_name="anew", display_description="of mine")
    assert (changed["name"], changed["description"]) == ("anew", "of mine")
    assert own in {one["id"] for one in volumes.list_volumes()}
    assert [one["id"] for one in volumes.list_volumes(True, name="anew")] == [own]
    assert volumes.list_volumes(True, status="error") == []
    assert volumes.wait_volume_while(own)["status"] == "available"
    assert volumes.wait_volume(own)["status"] == "available"
    volumes.extend_volume(own, 2)
    ready(volumes, volume)
    assert volumes.get_volume_details(own)["size"] == 2
    with pytest.raises(BadRequest):
        volumes.extend_volume(own, 1)


def test_a_volume_is_made_of_another(volumes: BlockStorageClient, volume: dict[str, Any]) -> None:
    copy = volumes.create_volume(1, source_volid=volume["id"], display_name="copy")
    assert ready(volumes, copy)["source_volid"] == volume["id"]
    gone(volumes, copy["id"])
    plain = volumes.create_volume(1, bootable=False)
    assert ready(volumes, plain)["bootable"] == "false"
    gone(volumes, plain["id"])


def test_a_volume_is_made_of_an_image() -> None:
    """On the box: Cinder converts images with programs of root's."""
    with Box(pace=0.02) as box:
        cloud = cloud_of(box, box.person("ann"))
        image = next(one["id"] for one in cloud.image.list_public() if one["name"] == "box-linux")
        shown = ready(cloud.volume, cloud.volume.create_volume(1, imageRef=image))
        assert shown["bootable"] == "true"
        assert shown["volume_image_metadata"]["image_id"] == image


def test_snapshots(volumes: BlockStorageClient, volume: dict[str, Any]) -> None:
    made = volumes.create_snapshot(volume["id"], display_name="then")
    own = made["id"]
    for _ in range(600):
        shown = volumes.get_snapshot_details(own)
        if shown["status"] != "creating":
            break
    assert (shown["status"], shown["volume_id"]) == ("available", volume["id"])
    assert own in {one["id"] for one in volumes.list_snapshots()}
    [listed] = volumes.list_snapshots(True, volume_id=volume["id"])
    assert listed["name"] == "then"
    changed = volumes.update_snapshot(own, display_name="later", display_description="x")
    assert (changed["name"], changed["description"]) == ("later", "x")
    back = volumes.create_volume(1, snapshot_id=own)
    assert ready(volumes, back)["snapshot_id"] == own
    gone(volumes, back["id"])
    with pytest.raises(BadRequest):
        volumes.delete_volume(volume["id"])
    volumes.delete_snapshot(own)
    until_gone(lambda: volumes.get_snapshot_details(own))


def test_types(volumes: BlockStorageClient) -> None:
    found = volumes.list_volume_types()
    assert found
    shown = volumes.get_volume_type_details(found[0]["id"])
    assert shown["name"] == found[0]["name"]
    with pytest.raises(NotFound):
        volumes.get_volume_type_details("none")


def test_what_is_wrong_is_told_as_such(volumes: BlockStorageClient) -> None:
    for fields, status in (
        ({"size": 0}, 400), ({"size": 1, "snapshot_id": "none"}, 400),
        ({"size": 1, "volume_type": "none"}, 404),
        ({"size": 1, "imageRef": "none"}, 400),
        ({"size": 1, "source_volid": "5d0c1d58-9e1a-4c4c-8c6b-0d2f3f8f9b11"}, 404),
    ):  # fmt: skip
        with pytest.raises(ClientError) as caught:
            volumes.create_volume(**fields)  # type: ignore[arg-type]  # as they are
        assert (fields, caught.value.status) == (fields, status)
        assert caught.value.message
    for call in (volumes.get_volume_details, volumes.delete_volume, volumes.get_snapshot_details):
        with pytest.raises(NotFound):
            call("none")


def test_a_volume_is_attached_to_a_server(
    cloud: Cloud, volumes: BlockStorageClient, volume: dict[str, Any], later: Later
) -> None:
    compute = cloud.compute
    image = next(one["id"] for one in cloud.image.list_public() if one["name"] == "box-linux")
    flavor = next(one["id"] for one in compute.list_flavors() if one["name"] == "m1.tiny")
    made = compute.create_server("with-disk", flavor, image, networks="none")
    own = made["id"]
    later.append(lambda: compute.delete_server(own))
    assert compute.wait_server(own, delay=0.2, max_wait=SECONDS)["status"] == "ACTIVE"
    attached = compute.attach_volume(own, volume["id"])
    assert attached["volumeId"] == volume["id"] and attached["device"] in {"/dev/vdb", "/dev/sdb"}
    used = volumes.wait_volume_until(volume["id"], "in_use", delay=0.2, max_wait=SECONDS)
    assert used["attachments"][0]["server_id"] == own
    [listed] = compute.list_volume_attachments(own)
    assert compute.get_volume_attachment(own, volume["id"]) == listed
    assert listed["volumeId"] == volume["id"]
    with pytest.raises(BadRequest):
        volumes.delete_volume(volume["id"])
    with pytest.raises(ClientError) as caught:
        compute.attach_volume(own, volume["id"])
    assert caught.value.status in {400, 409}
    assert [one["volumeId"] for one in compute.detach_volume(own, volume["id"])] == [volume["id"]]
    ready(volumes, volume)
    compute.attach_volume(own, volume["id"])
    volumes.wait_volume_until(volume["id"], "in_use", delay=0.2, max_wait=SECONDS)
    volumes.extend_volume(volume["id"], 2, while_in_use=True)
    volumes.wait_volume_until(volume["id"], "in_use", delay=0.2, max_wait=SECONDS)
    compute.delete_volume_attachment(own, volume["id"])
    ready(volumes, volume)
