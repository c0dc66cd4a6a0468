"""Compute, the box's and a real Nova: what the client does with servers, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.clients import Cloud, ComputeClient
from pelagos.clients.errors import BadRequest, ClientError, Conflict, Forbidden, NotFound
from support.places import SECONDS, until_gone

pytestmark = pytest.mark.timeout(900)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ann@home"


@pytest.fixture(scope="module")
def compute(cloud: Cloud) -> ComputeClient:
    return cloud.compute


@pytest.fixture(scope="module")
def image(cloud: Cloud) -> str:
    """The id of an image that servers start from."""
    return next(one["id"] for one in cloud.image.list_public() if one["name"] == "box-linux")


@pytest.fixture(scope="module")
def tiny(compute: ComputeClient) -> str:
    return str(next(one["id"] for one in compute.list_flavors() if one["name"] == "m1.tiny"))


def until(compute: ComputeClient, server: Any, status: str) -> dict[str, Any]:
    """The server's record when it has come there, and nothing is done with it."""
    found: Any = compute.wait_server_until(server["id"], status, delay=0.2, max_wait=SECONDS)
    for _ in range(600):
        if found["OS-EXT-STS:task_state"] is None:
            break
        found = compute.wait_server_until(server["id"], status, delay=0.2, max_wait=SECONDS)
    assert (found["status"], found["OS-EXT-STS:task_state"]) == (status, None), found.get("fault")
    return dict(found)


@pytest.fixture(scope="module")
def server(compute: ComputeClient, tiny: str, image: str) -> Iterator[dict[str, Any]]:
    """One that runs, for tests that leave it so."""
    made = compute.create_server("shared", tiny, image, networks="none")
    assert made["adminPass"]
    yield until(compute, made, "ACTIVE")
    compute.delete_server(made["id"])


def test_a_server_is_made_shown_listed_and_removed(
    compute: ComputeClient, tiny: str, image: str, later: list[Callable[[], object]]
) -> None:
    compute.create_key("ann", KEY)
    later.append(lambda: compute.delete_keypair("ann"))
    headers = {"location": ""}
    made = compute.create_server(
        "web", tiny, image, metadata={"a": "b"}, user_data="#!/bin/sh\n", key_name="ann",
        networks="none", tags=["blue"], response_headers=headers,
    )  # fmt: skip
    assert headers["location"].endswith(made["id"])
    shown = until(compute, made, "ACTIVE")
    assert (shown["name"], shown["key_name"], shown["metadata"]) == ("web", "ann", {"a": "b"})
    assert shown["image"]["id"] == image and shown["addresses"] == {}
    assert compute.get_server_status(made["id"]) == ("ACTIVE", None)
    assert compute.list_tags(made["id"]) == ["blue"]
    assert made["id"] in {one["id"] for one in compute.list_servers(name="we")}
    for found in (
        compute.list_servers(detail=True, status="ACTIVE", flavor=tiny, image=image),
        compute.list_servers(detail=True, changes_since=shown["created"]),
    ):
        assert made["id"] in {one["id"] for one in found}
    assert compute.list_servers(status="STOPPED", name="web") == []
    assert len(compute.list_servers(limit=1)) == 1
    compute.delete_server(made["id"])
    seen = compute.wait_server_until(made["id"], "DELETED", delay=0.2, max_wait=SECONDS)
    assert seen["status"] == "DELETED"
    error = until_gone(lambda: compute.get_server_details(made["id"]))  # Nova shows it for a while
    assert made["id"] in error.message


def test_a_server_lives(compute: ComputeClient, tiny: str, server: dict[str, Any]) -> None:
    own = server["id"]
    compute.shutdown_server(own)
    assert until(compute, server, "SHUTOFF")["OS-EXT-STS:power_state"] == 4
    compute.start_server(own)
    until(compute, server, "ACTIVE")
    for hard in (False, True):
        compute.reboot_server(own, hard)
        compute.wait_server_while(own, "HARD_REBOOT" if hard else "REBOOT", 0.2, SECONDS)
        until(compute, server, "ACTIVE")
    compute.change_admin_password(own, "another")
    until(compute, server, "ACTIVE")
    compute.rescue_server(own)
    until(compute, server, "RESCUE")
    compute.unrescue_server(own)
    until(compute, server, "ACTIVE")
    small = next(one for one in compute.list_flavors(True) if one["name"] == "m1.small")
    for end in (compute.revert_resize_server, compute.confirm_resize_server):
        compute.resize_server(own, small["id"])
        until(compute, server, "VERIFY_RESIZE")
        end(own)
        shown = until(compute, server, "ACTIVE")
        assert shown["flavor"]["id"] == (small["id"] if end.__name__.startswith("c") else tiny)
    rebuilt = compute.rebuild_server(own, name="anew")
    assert rebuilt["id"] == own and until(compute, server, "ACTIVE")["name"] == "anew"
    compute.update_server_name(own, "again")
    assert compute.get_server_details(own)["name"] == "again"


def test_what_a_server_cannot_do_now_is_a_conflict(
    compute: ComputeClient, server: dict[str, Any]
) -> None:
    for call in (
        compute.start_server, compute.unrescue_server, compute.confirm_resize_server,
        compute.revert_resize_server, compute.restore_server,
    ):  # fmt: skip
        with pytest.raises(Conflict) as caught:
            call(server["id"])
        assert "vm_state active" in caught.value.message


def test_metadata_and_tags(compute: ComputeClient, server: dict[str, Any]) -> None:
    own = server["id"]
    assert compute.create_server_metadata(own, "k", "v") == {"k": "v"}
    assert compute.update_server_metadata(own, more="ü") == {"k": "v", "more": "ü"}
    assert compute.get_server_metadata(own, "more") == {"more": "ü"}
    compute.delete_server_metadata(own, "k")
    assert compute.get_server_metadata(own) == {"more": "ü"}
    compute.add_tag(own, "one")
    compute.add_tag(own, "one")
    assert compute.check_tag_exists(own, "one") and not compute.check_tag_exists(own, "two")
    assert sorted(compute.replace_tags(own, ["two", "three"])) == ["three", "two"]
    assert compute.delete_tag(own, "two") == 204
    with pytest.raises(NotFound):
        compute.delete_tag(own, "two")
    assert compute.delete_tags(own) == 204
    assert compute.list_tags(own) == []


def test_keys(compute: ComputeClient) -> None:
    made = compute.create_key("mine", KEY)
    assert made["public_key"] == KEY and "private_key" not in made
    with pytest.raises(Conflict):
        compute.create_key("mine", KEY)
    pair = compute.create_key("pair")
    assert "PRIVATE KEY" in pair["private_key"]
    names = [one["keypair"]["name"] for one in compute.list_keypairs()]
    assert names == ["mine", "pair"]
    shown = compute.get_keypair_details("mine")
    assert shown["fingerprint"] == made["fingerprint"]
    for name in names:
        compute.delete_keypair(name)
    with pytest.raises(NotFound):
        compute.delete_keypair("mine")


def test_flavours(compute: ComputeClient, tiny: str) -> None:
    shown = compute.get_flavor_details(tiny)
    assert (shown["name"], shown["ram"], shown["vcpus"]) == ("m1.tiny", 512, 1)
    assert shown in compute.list_flavors(detail=True)
    with pytest.raises(NotFound):
        compute.get_flavor_details("none")


def test_a_server_becomes_an_image(
    cloud: Cloud, compute: ComputeClient, server: dict[str, Any]
) -> None:
    where = compute.create_server_image(server["id"], "picture", color="blue")
    own = where.rsplit("/", 1)[-1]
    until(compute, server, "ACTIVE")
    shown = compute.get_image_details(own)
    assert (shown["name"], shown["status"]) == ("picture", "ACTIVE")
    assert own in {one["id"] for one in compute.list_images(detail=True)}
    assert compute.get_image_metadata(own)["color"] == "blue"
    assert compute.create_image_metadata(own, "k", "v") == {"k": "v"}
    assert compute.update_image_metadata(own, k="w")["k"] == "w"
    compute.delete_image_metadata(own, "k")
    assert "k" not in compute.get_image_metadata(own)
    compute.delete_image(own)
    with pytest.raises(NotFound):
        cloud.image.get_meta(own)


def test_screen_and_diagnostics(
    compute: ComputeClient, whole_admin: Cloud, server: dict[str, Any]
) -> None:
    console = compute.get_server_console(server["id"])
    assert console["type"] == "novnc" and console["url"].startswith("http")
    with pytest.raises(BadRequest):
        compute.get_server_console(server["id"], "telepathy")
    with pytest.raises(Forbidden):
        compute.get_server_diagnostics(server["id"])
    assert whole_admin.compute.get_server_diagnostics(server["id"])


def test_what_is_wrong_is_told_as_such(compute: ComputeClient, tiny: str, image: str) -> None:
    for name, flavor, source, status in (
        ("", tiny, image, 400), ("x" * 256, tiny, image, 400), ("x", "none", image, 400),
        ("x", tiny, "none", 400), ("x", tiny, tiny, 400),
    ):  # fmt: skip
        with pytest.raises(ClientError) as caught:
            compute.create_server(name, flavor, source, networks="none")
        assert (caught.value.status, bool(caught.value.message)) == (status, True)
    with pytest.raises(NotFound):
        compute.delete_server("none")
    with pytest.raises(NotFound):
        compute.shutdown_server("none")
    with pytest.raises(BadRequest):
        compute.create_server("x", tiny, image, networks=[{"uuid": "none"}])


def test_a_server_is_removed_for_good(compute: ComputeClient, tiny: str, image: str) -> None:
    made = compute.create_server("short", tiny, image, networks="none")
    until(compute, made, "ACTIVE")
    compute.force_delete_server(made["id"])
    found = compute.wait_server_until(made["id"], "DELETED", 0.2, SECONDS)
    assert found["status"] == "DELETED"
