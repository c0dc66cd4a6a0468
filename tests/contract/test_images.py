"""Images, the box's and a real Glance's: what the client does, and what they answer."""

from __future__ import annotations

import hashlib
import http.server
import io
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.clients import Cloud, ImageClient
from pelagos.clients.errors import BadRequest, Conflict, Forbidden, NotFound
from support.places import Place, cloud_of

pytestmark = pytest.mark.timeout(900)
Later = list[Callable[[], object]]
DISK: dict[str, Any] = {"disk_format": "raw", "container_format": "bare"}


@pytest.fixture(scope="module")
def images(cloud: Cloud) -> ImageClient:
    return cloud.image


@pytest.fixture
def image(images: ImageClient, later: Later) -> dict[str, Any]:
    made = images.register("mine", io.BytesIO(b"disk" * 1000), DISK, {"os_distro": "debian"})
    later.append(lambda: images.unregister(made["id"]))
    return dict(made)


@pytest.fixture(scope="module")
def other(whole_place: Place) -> Cloud:
    """Somebody with another project."""
    return cloud_of(whole_place, whole_place.person(f"bob-{secrets.token_hex(3)}"))


def test_an_image_has_its_content_and_properties(
    images: ImageClient, image: dict[str, Any]
) -> None:
    content = b"disk" * 1000
    assert (image["status"], image["size"], image["is_public"]) == ("active", 4000, False)
    assert image["properties"]["os_distro"] == "debian"
    assert image["checksum"] == hashlib.md5(content).hexdigest()
    assert images.get_meta(image["id"]) == image
    out = io.BytesIO()
    images.download_image(image["id"], out)
    assert out.getvalue() == content
    filters = {"name": "mine", "status": "active", "size_min": 4000}
    found = images.list_public(True, filters, "-name")
    assert [one["id"] for one in found] == [image["id"]]
    assert images.list_public(filters={"name": "mine", "size_min": 4001}) == []
    with pytest.raises(Conflict):
        images.upload_image(image["id"], b"anew")


def test_an_image_is_changed(images: ImageClient, image: dict[str, Any]) -> None:
    own = image["id"]
    images.update_image(own, name="a/b~c", os_distro=None, **{"a/b~1": "ü"})
    shown = images.get_meta(own)
    assert shown["name"] == "a/b~c" and shown["properties"]["a/b~1"] == "ü"
    assert "os_distro" not in shown["properties"]
    for call in (
        lambda: images.update_image(own, disk_format="qcow2"),
        lambda: images.update_image(own, public=True),
        lambda: images.update_image(own, owner_id="somebody"),
    ):
        with pytest.raises(Forbidden):
            call()
    with pytest.raises(Forbidden) as caught:
        images.update_image(own, checksum="0")
    assert caught.value.message.strip() == "403 Forbidden Attribute 'checksum' is read-only."
    images.update_image(own, status="deactivated")
    assert images.get_meta(own)["status"] == "deactivated"


def test_an_administrator_publishes_and_deactivates(
    images: ImageClient, whole_admin: Cloud, image: dict[str, Any]
) -> None:
    own = image["id"]
    whole_admin.image.update_image(own, public=True)
    assert images.get_meta(own)["is_public"]
    whole_admin.image.update_image(own, status="deactivated")
    assert images.get_meta(own)["status"] == "deactivated"
    with pytest.raises(Forbidden):
        images.download_image(own, io.BytesIO())
    whole_admin.image.update_image(own, status="active")
    assert images.get_meta(own)["status"] == "active"


def test_content_comes_later(images: ImageClient, later: Later) -> None:
    made = images.register("empty", params=DISK)
    later.append(lambda: images.unregister(made["id"]))
    assert made["status"] == "queued"
    out = io.BytesIO()
    images.download_image(made["id"], out)
    assert out.getvalue() == b""
    images.upload_image(made["id"], b"x" * 70_000)
    assert images.get_meta(made["id"])["size"] == 70_000


def test_what_is_shared_is_accepted_by_nobody_else(
    images: ImageClient, other: Cloud, image: dict[str, Any]
) -> None:
    own, project = image["id"], other.access.project_id
    assert project
    with pytest.raises(NotFound):
        other.image.get_meta(own)
    images.add_member(own, project)
    images.add_member(own, project)
    [member] = images.list_members(own)
    assert (member["member_id"], member["status"]) == (project, "pending")
    assert own in {one["image_id"] for one in other.image.list_shared(project)}
    out = io.BytesIO()
    other.image.download_image(own, out)
    assert len(out.getvalue()) == 4000
    with pytest.raises(Forbidden):
        other.image.update_image(own, name="theirs")
    images.set_members(own, [])
    assert images.list_members(own) == []
    images.set_members(own, [project])
    images.remove_member(own, project)
    with pytest.raises(NotFound):
        images.remove_member(own, project)
    with pytest.raises(NotFound):
        other.image.download_image(own, io.BytesIO())


def test_what_is_wrong_is_told_as_such(images: ImageClient, image: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        images.register("x", params={"disk_format": "floppy"})
    with pytest.raises(Conflict):
        images.register("x", params={"id": image["id"]})
    for call in (images.get_meta, images.unregister, images.list_members):
        with pytest.raises(NotFound):
            call("none")


@pytest.fixture
def web() -> Iterator[str]:
    """The address of a file on a web server."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b"\1" * 5000)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:  # type: ignore[override]  # quiet
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/disk.img"
        server.shutdown()


def test_an_image_is_fetched_from_an_address(images: ImageClient, web: str, later: Later) -> None:
    made = images.register("fetched", web, DISK)
    later.append(lambda: images.unregister(made["id"]))
    for _ in range(3_000):
        shown = images.get_meta(made["id"])
        if shown["status"] == "active":
            break
    assert (shown["status"], shown["size"]) == ("active", 5000)
