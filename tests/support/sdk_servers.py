"""What openstacksdk does with servers and images; run by its own Python, at the cloud of OS_*."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time

import openstack
from openstack import exceptions


def walk_servers(cloud: openstack.connection.Connection) -> None:
    """Through the life of a server."""
    compute = cloud.compute
    image = compute_image(cloud)
    flavor = compute.find_flavor("m1.tiny", ignore_missing=False)
    key = compute.create_keypair(name="sdk")
    assert key.private_key and compute.find_keypair("sdk")
    server = compute.create_server(
        name="sdk", image_id=image.id, flavor_id=flavor.id, key_name="sdk", networks="none",
        metadata={"a": "b"}, user_data="IyEvYmluL3No", tags=["blue"], description="of the sdk",
    )  # fmt: skip
    server = compute.wait_for_server(server, interval=0.1)
    assert server.status == "ACTIVE" and server.flavor.original_name == "m1.tiny"
    assert server.tags == ["blue"] and server.description == "of the sdk"
    server = compute.get_server(compute.set_server_metadata(server, c="d"))
    compute.delete_server_metadata(server, ["a"])
    assert dict(compute.get_server_metadata(server).metadata) == {"c": "d"}
    compute.update_server(server, name="anew")
    for act, status in (
        (compute.stop_server, "SHUTOFF"), (compute.start_server, "ACTIVE"),
        (compute.pause_server, "PAUSED"), (compute.unpause_server, "ACTIVE"),
        (compute.suspend_server, "SUSPENDED"), (compute.resume_server, "ACTIVE"),
        (compute.rescue_server, "RESCUE"), (compute.unrescue_server, "ACTIVE"),
        (compute.shelve_server, "SHELVED_OFFLOADED"), (compute.unshelve_server, "ACTIVE"),
    ):  # fmt: skip
        act(server)
        server = wait(cloud, server, status)
    compute.reboot_server(server, "HARD")
    server = wait(cloud, server, "ACTIVE")
    compute.resize_server(server, compute.find_flavor("m1.small"))
    server = wait(cloud, server, "VERIFY_RESIZE")
    compute.confirm_server_resize(server)
    server = wait(cloud, server, "ACTIVE")
    look_at(cloud, server, image)
    compute.delete_server(server)
    compute.wait_for_delete(server, interval=0.1)
    compute.delete_keypair("sdk")


def look_at(
    cloud: openstack.connection.Connection,
    server: openstack.compute.v2.server.Server,
    image: openstack.image.v2.image.Image,
) -> None:
    """At what belongs to a server that runs."""
    compute = cloud.compute
    try:
        compute.start_server(server)
    except exceptions.ConflictException:
        pass
    else:
        raise AssertionError("a server that runs was started")
    assert "login:" in compute.get_server_console_output(server)["output"]
    assert compute.create_console(server, console_type="novnc")["url"]
    snapshot = compute.create_server_image(server, "snap", wait=True)
    assert cloud.image.get_image(snapshot.id).status == "active"
    compute.rebuild_server(server, image.id, name="rebuilt")
    server = wait(cloud, server, "ACTIVE")
    assert [one.name for one in compute.servers(details=False)] == ["rebuilt"]
    assert "rebuild" in {one.action for one in compute.server_actions(server)}
    compute.lock_server(server)
    assert compute.get_server(server).is_locked
    compute.unlock_server(server)
    group = compute.create_server_group(name="g", policy="affinity")
    assert compute.get_server_group(group).policy == "affinity"
    compute.delete_server_group(group)
    assert compute.get_limits().absolute.instances == 10
    assert compute.get_quota_set(cloud.current_project_id).instances == 10
    assert [one.name for one in compute.availability_zones()] == ["nova"]


def compute_image(cloud: openstack.connection.Connection) -> openstack.image.v2.image.Image:
    """The image that is there."""
    return cloud.image.find_image("box-linux", ignore_missing=False)


def wait(
    cloud: openstack.connection.Connection, server: object, status: str
) -> openstack.compute.v2.server.Server:
    """The server once it is so, and nothing goes on with it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = cloud.compute.get_server(server)
        if found.status == status and not found.task_state:
            return found
        assert found.status != "ERROR", found
        time.sleep(0.05)
    raise AssertionError(f"no {status}: {found.status}, {found.task_state}")


def walk_images(cloud: openstack.connection.Connection) -> None:
    """Through the life of an image."""
    content = b"a disk\0" * 50_000
    with tempfile.NamedTemporaryFile(suffix=".img") as file:
        file.write(content)
        file.flush()
        image = cloud.create_image(
            "sdk", filename=file.name, disk_format="raw", container_format="bare", wait=True,
            tags=["blue"], os_distro="debian",
        )  # fmt: skip
    images = cloud.image
    image = images.get_image(image.id)
    assert image.status == "active" and image.size == len(content)
    assert image.hash_value == hashlib.sha512(content).hexdigest()
    with tempfile.TemporaryFile() as file:
        images.download_image(image, stream=False, output=file)
        file.seek(0)
        assert file.read() == content
    image = images.update_image(image, name="anew", os_version="12", is_protected=True)
    try:
        images.delete_image(image)
    except exceptions.ForbiddenException:
        pass
    else:
        raise AssertionError("a protected image was deleted")
    image = images.update_image(image, is_protected=False)
    images.add_tag(image, "green")
    images.remove_tag(image, "blue")
    assert images.get_image(image.id).tags == ["green"]
    images.deactivate_image(image)
    images.reactivate_image(image)
    images.add_member(image, member_id="somebody")
    assert [one.member_id for one in images.members(image)] == ["somebody"]
    images.remove_member("somebody", image)
    staged = images.create_image("staged", disk_format="raw", container_format="bare")
    images.stage_image(staged, data=b"staged")
    images.import_image(staged, method="glance-direct")
    assert images.wait_for_status(staged, "active", interval=0.1, wait=30)
    assert {"anew", "staged", "box-linux"} <= {one.name for one in images.images()}
    for one in (image, staged):
        images.delete_image(one)
    assert images.find_image("anew") is None


if __name__ == "__main__":
    {"servers": walk_servers, "images": walk_images}[sys.argv[1]](openstack.connect())
