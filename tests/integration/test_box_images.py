"""Images of a box asked as Glance: content, rights, patches, lists; and as Plankton."""

from __future__ import annotations

import hashlib
import http.client
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.box import Box
from pelagos.core.clock import ManualClock
from support.box_site import ask
from support.nova_desk import Desk

OCTETS = "application/octet-stream"
PATCH = "application/openstack-images-v2.1-json-patch"


@pytest.fixture(scope="module")
def rooms() -> Iterator[dict[str, Desk]]:
    clock = ManualClock(1_795_268_000.0)
    with Box(clock=clock, token_life=1e9) as box:
        yield {name: Desk(box, clock, box.person(name)) for name in ("demo", "other", "admin")}


@pytest.fixture
def desk(rooms: dict[str, Desk]) -> Iterator[Desk]:
    yield rooms["demo"]
    for one in rooms["demo"].glance("GET", "/images?limit=1000").json["images"]:
        if one["owner"] == rooms["demo"].person.project_id:
            patch(
                rooms["demo"], one["id"], {"op": "replace", "path": "/protected", "value": False}
            )
            assert rooms["demo"].glance("DELETE", f"/images/{one['id']}").status == 204


def new(desk: Desk, **more: Any) -> dict[str, Any]:
    told = {"name": "disk", "disk_format": "raw", "container_format": "bare", **more}
    reply = desk.glance("POST", "/images", told)
    assert reply.status == 201, reply
    made: dict[str, Any] = reply.json
    return made


def fill(desk: Desk, image_id: str, content: bytes) -> int:
    path = f"/images/{image_id}/file"
    return desk.glance("PUT", path, content, Content_Type=OCTETS).status


def patch(desk: Desk, image_id: str, *operations: dict[str, Any]) -> Any:
    return ask(
        desk.box.url, "PATCH", f"/image/v2/images/{image_id}", list(operations),
        token=desk.token, Content_Type=PATCH,
    )  # fmt: skip


def test_content_goes_in_and_comes_out(desk: Desk) -> None:
    image, content = new(desk, colour="blue"), os.urandom(300_000)
    here = f"/images/{image['id']}"
    assert image["status"] == "queued" and image["colour"] == "blue" and image["size"] is None
    assert desk.glance("GET", f"{here}/file").status == 204
    assert fill(desk, image["id"], content) == 204
    shown = desk.glance("GET", here).json
    assert shown["status"] == "active" and shown["size"] == len(content)
    assert shown["checksum"] == hashlib.md5(content).hexdigest()
    assert shown["os_hash_value"] == hashlib.sha512(content).hexdigest()
    told = desk.glance("GET", f"{here}/file")
    assert told.content == content and told.headers["content-md5"] == shown["checksum"]
    part = desk.glance("GET", f"{here}/file", Range="bytes=10-19")
    assert part.status == 206 and part.content == content[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert desk.glance("GET", f"{here}/file", Range="bytes=300000-").status == 416
    assert fill(desk, image["id"], b"again") == 409
    assert desk.glance("POST", f"{here}/actions/deactivate").status == 204
    assert desk.glance("GET", f"{here}/file").status == 403
    assert desk.glance("POST", f"{here}/actions/reactivate").status == 204
    assert desk.glance("DELETE", here).status == 204
    assert desk.glance("GET", here).status == 404
    assert not list((desk.box.folder / "images").glob(f"{image['id']}*"))


def test_an_upload_that_breaks_off_leaves_nothing(desk: Desk) -> None:
    image = new(desk)
    address = urlsplit(desk.box.url).netloc
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.putrequest("PUT", f"/image/v2/images/{image['id']}/file")
    for name, value in (("X-Auth-Token", desk.token), ("Content-Type", OCTETS),
                        ("Content-Length", "1000000")):  # fmt: skip
        connection.putheader(name, value)
    connection.endheaders(b"x" * 1000)
    assert connection.sock is not None
    connection.sock.shutdown(1)
    connection.getresponse().read()
    connection.close()
    assert desk.glance("GET", f"/images/{image['id']}").json["status"] == "queued"
    assert not list((desk.box.folder / "images").glob(f"{image['id']}*"))
    assert fill(desk, image["id"], b"whole") == 204


def test_content_needs_formats_room_and_the_right_type(desk: Desk) -> None:
    bare = desk.glance("POST", "/images", {"name": "bare"}).json
    assert fill(desk, bare["id"], b"x") == 400
    image = new(desk)
    path = f"/images/{image['id']}/file"
    assert desk.glance("PUT", path, b"x", Content_Type="text/plain").status == 415
    desk.box.limit(desk.person.project_id, "glance.image_size_total", 1000)
    assert fill(desk, image["id"], b"x" * 1001) == 413
    assert desk.glance("GET", f"/images/{image['id']}").json["status"] == "queued"
    assert fill(desk, image["id"], b"x" * 1000) == 204
    assert fill(desk, new(desk)["id"], b"x") == 413
    desk.box.limit(desk.person.project_id, "glance.image_size_total", 10**9)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"name": 5}, 400), ({"name": "x" * 256}, 400), ({"disk_format": "floppy"}, 400),
        ({"container_format": "bag"}, 400), ({"visibility": "secret"}, 400),
        ({"visibility": "public"}, 403), ({"protected": "yes"}, 400), ({"min_ram": -1}, 400),
        ({"min_disk": "5"}, 400), ({"id": "x"}, 400), ({"status": "active"}, 403),
        ({"checksum": "x"}, 403), ({"locations": []}, 403), ({"colour": 5}, 400),
        ({"tags": "x"}, 400), ({"tags": ["x" * 256]}, 400), ({"owner": "somebody"}, 403),
    ],
)  # fmt: skip
def test_images_that_do_not_fit_are_refused(
    rooms: dict[str, Desk], told: dict[str, Any], status: int
) -> None:
    reply = rooms["demo"].glance("POST", "/images", told)
    assert reply.status == status, reply


def test_patches(desk: Desk) -> None:
    image = new(desk, colour="blue", tags=["b", "a", "b"])
    assert image["tags"] == ["a", "b"]
    done = patch(
        desk, image["id"],
        {"op": "replace", "path": "/name", "value": "anew"},
        {"op": "add", "path": "/a~1b", "value": "c"}, {"op": "remove", "path": "/colour"},
        {"op": "add", "path": "/tags/-", "value": "c"},
    ).json  # fmt: skip
    assert done["name"] == "anew" and done["a/b"] == "c" and "colour" not in done
    assert done["tags"] == ["a", "b", "c"]
    for operation, status in (
        ({"op": "replace", "path": "/none", "value": "x"}, 409),
        ({"op": "remove", "path": "/none"}, 409), ({"op": "remove", "path": "/name"}, 403),
        ({"op": "replace", "path": "/status", "value": "active"}, 403),
        ({"op": "replace", "path": "/id", "value": "x"}, 403),
        ({"op": "test", "path": "/name", "value": "x"}, 400), ({"op": "add", "path": "/x"}, 400),
        ({"op": "add", "path": "x", "value": "y"}, 400), ({"op": "add"}, 400),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
        ({"op": "add", "path": "/a/b/c", "value": "y"}, 400),
    ):  # fmt: skip
        assert patch(desk, image["id"], operation).status == status, operation
    wrong = desk.glance("PATCH", f"/images/{image['id']}", [])
    assert wrong.status == 415
    here = f"/images/{image['id']}/tags/x%20y"
    assert desk.glance("PUT", here).status == 204
    assert desk.glance("DELETE", here).status == 204
    assert desk.glance("DELETE", here).status == 404


def test_a_protected_image_stays(desk: Desk) -> None:
    image = new(desk, protected=True)
    refused = desk.glance("DELETE", f"/images/{image['id']}", Accept="application/json")
    assert refused.status == 403 and "protected" in refused.json["message"]
    html = desk.glance("DELETE", f"/images/{image['id']}", Accept="*/*")
    assert html.content.startswith(b"<html>")


def test_sharing(desk: Desk, rooms: dict[str, Desk]) -> None:
    other, admin = rooms["other"], rooms["admin"]
    image = new(desk, visibility="private")
    here = f"/images/{image['id']}"
    assert other.glance("GET", here).status == 404
    member = {"member": other.person.project_id}
    assert desk.glance("POST", f"{here}/members", member).status == 403
    patch(desk, image["id"], {"op": "replace", "path": "/visibility", "value": "shared"})
    assert desk.glance("POST", f"{here}/members", member).json["status"] == "pending"
    assert desk.glance("POST", f"{here}/members", member).status == 409
    assert other.glance("GET", here).status == 200

    def listed(query: str = "") -> bool:
        found = other.glance("GET", f"/images?limit=100{query}").json["images"]
        return image["id"] in {one["id"] for one in found}

    assert not listed() and listed("&visibility=shared&member_status=pending")
    answer = f"{here}/members/{other.person.project_id}"
    assert desk.glance("PUT", answer, {"status": "accepted"}).status == 403
    assert other.glance("PUT", answer, {"status": "sure"}).status == 400
    assert other.glance("PUT", answer, {"status": "accepted"}).json["status"] == "accepted"
    assert listed()
    assert other.glance("DELETE", here).status == 403
    assert patch(other, image["id"], {"op": "add", "path": "/x", "value": "y"}).status == 403
    assert fill(other, image["id"], b"x") == 403
    assert desk.glance("DELETE", answer).status == 204
    assert other.glance("GET", here).status == 404
    patch(desk, image["id"], {"op": "replace", "path": "/visibility", "value": "community"})
    assert other.glance("GET", here).status == 200 and not listed()
    assert listed("&visibility=community")
    public = {"op": "replace", "path": "/visibility", "value": "public"}
    assert patch(admin, image["id"], public).status == 200
    assert listed()


def test_lists(desk: Desk) -> None:
    for number in range(5):
        made = new(desk, name=f"i{number}", tags=["t"] if number % 2 else [], colour=str(number))
        fill(desk, made["id"], b"x" * number)
        desk.clock.advance(1)

    def names(query: str) -> list[str]:
        found = desk.glance("GET", f"/images?{query}")
        assert found.status == 200, found
        return [one["name"] for one in found.json["images"] if one["name"] != "box-linux"]

    assert names("sort=name:asc") == [f"i{number}" for number in range(5)]
    assert names("sort_key=size&sort_dir=desc")[0] == "i4"
    assert names("tag=t&sort=name:asc") == ["i1", "i3"] and names("colour=3") == ["i3"]
    assert names("name=in:i1,i2&sort=name:desc") == ["i2", "i1"]
    assert names("size_min=3&size_max=3") == ["i3"] and names("os_hidden=true") == []
    seen, path = [], "/images?limit=2&sort=name:asc&owner=" + desk.person.project_id
    while path:
        page = desk.glance("GET", path).json
        seen += [one["name"] for one in page["images"]]
        path = page.get("next", "").removeprefix("/v2")
    assert seen == [f"i{number}" for number in range(5)]
    for query in ("limit=x", "limit=-1", "marker=x", "sort=x:asc", "sort=name:up", "size_min=x",
                  "visibility=x", "member_status=x", "os_hidden=x"):  # fmt: skip
        assert desk.glance("GET", f"/images?{query}").status == 400, query


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/disk.img"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(b"from elsewhere" if found else b"no")

    def log_message(self, *_: Any) -> None:
        pass


def test_imports(desk: Desk) -> None:
    staged = new(desk)
    here = f"/images/{staged['id']}"
    direct = {"method": {"name": "glance-direct"}}
    assert desk.glance("POST", f"{here}/import", direct).status == 409
    assert desk.glance("PUT", f"{here}/stage", b"staged", Content_Type=OCTETS).status == 204
    assert desk.glance("GET", here).json["status"] == "uploading"
    assert desk.glance("POST", f"{here}/import", direct).status == 202
    assert desk.glance("GET", f"{here}/file").content == b"staged"
    with HTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        for path, status in (("/disk.img", "active"), ("/none", "queued")):
            image = new(desk)
            told = {"method": {"name": "web-download", "uri": base + path}}
            reply = desk.glance("POST", f"/images/{image['id']}/import", told)
            assert reply.status == 202, reply
            workers = [one for one in threading.enumerate() if image["id"] in one.name]
            for worker in workers:
                worker.join(30)
            assert desk.glance("GET", f"/images/{image['id']}").json["status"] == status
        server.shutdown()
    for method in ({"name": "telepathy"}, {"name": "web-download", "uri": "file:///etc/passwd"},
                   {"name": "web-download", "uri": "http://[::1"}, {"name": "web-download"},
                   {"name": "web-download", "uri": "http://host:port/x"},
                   {"name": "web-download", "uri": "http:///x"}, {}, []):  # fmt: skip
        image = new(desk)
        reply = desk.glance("POST", f"/images/{image['id']}/import", {"method": method})
        assert reply.status == 400, method
    assert desk.glance("GET", "/info/import").json["import-methods"]["value"]


def test_an_object_becomes_an_image_for_both(desk: Desk, rooms: dict[str, Desk]) -> None:
    me = desk.person.user_id
    base = f"/pithos/object-store/v1/{me}/images"

    def send(method: str, path: str, body: bytes = b"", **headers: str) -> Any:
        return ask(desk.box.url, method, path, body, token=desk.token, **headers)

    send("PUT", base)
    send("PUT", f"{base}/d.img", b"disk" * 1000, Content_Type=OCTETS)
    fields = {
        "X_Image_Meta_Name": "d%C3%A9bian", "X_Image_Meta_Location": f"pithos://{me}/images/d.img",
        "X_Image_Meta_Property_os_family": "linux",
    }  # fmt: skip
    made = send("POST", "/cyclades/image/v1.0/images/", **fields)
    assert made.status == 200 and made.headers["x-image-meta-property-os-family"] == "linux"
    image_id = made.headers["x-image-meta-id"]
    shown = desk.glance("GET", f"/images/{image_id}").json
    assert shown["name"] == "d\u00e9bian" and shown["os_family"] == "linux"
    assert desk.glance("GET", f"/images/{image_id}/file").content == b"disk" * 1000
    other = rooms["other"]
    theirs = f"/cyclades/image/v1.0/images/{image_id}"
    assert ask(desk.box.url, "HEAD", theirs, token=other.token).status == 404
    member = f"{theirs}/members/{other.person.user_id}"
    assert send("PUT", member).status == 204
    assert ask(desk.box.url, "HEAD", theirs, token=other.token).status == 200
    assert ask(desk.box.url, "GET", f"{base}/d.img", token=other.token).status == 200
    assert ask(desk.box.url, "DELETE", theirs, token=other.token).status == 403
    for wrong, status in (
        ({"X_Image_Meta_Location": "pithos://nobody/c/o"}, 403),
        ({"X_Image_Meta_Location": f"pithos://{me}/images/none"}, 404),
        ({"X_Image_Meta_Location": "http://x/y/z"}, 400), ({"X_Image_Meta_Is_Public": "x"}, 400),
        ({"X_Image_Meta_Disk_Format": "x"}, 400), ({"X_Image_Meta_Size": "5"}, 400),
        ({"X_Image_Meta_Name": ""}, 400),
    ):  # fmt: skip
        reply = send("POST", "/cyclades/image/v1.0/images/", **{**fields, **wrong})
        assert reply.status == status, wrong
    assert send("DELETE", f"{base}/d.img").status == 204
    assert send("HEAD", theirs).status == 404
    assert send("GET", "/cyclades/image/v1.0/images/detail").status == 200


def test_an_image_does_not_wait_under_the_id_of_anothers_object(
    desk: Desk, rooms: dict[str, Desk]
) -> None:
    me, other = desk.person.user_id, rooms["other"]
    base = f"/pithos/object-store/v1/{me}/images"
    ask(desk.box.url, "PUT", base, b"", token=desk.token)
    octets = {"Content_Type": OCTETS}
    ask(desk.box.url, "PUT", f"{base}/w.img", b"secret", token=desk.token, **octets)
    object_id = ask(desk.box.url, "HEAD", f"{base}/w.img", token=desk.token).headers[
        "x-object-uuid"
    ]
    new(other, id=object_id)
    fields = {
        "X_Image_Meta_Name": "mine", "X_Image_Meta_Location": f"pithos://{me}/images/w.img",
    }  # fmt: skip
    path = "/cyclades/image/v1.0/images/"
    assert ask(desk.box.url, "POST", path, b"", token=desk.token, **fields).status == 409
    assert other.glance("GET", f"/images/{object_id}/file").content == b""
    assert other.glance("DELETE", f"/images/{object_id}").status == 204
    assert ask(desk.box.url, "POST", path, b"", token=desk.token, **fields).status == 200
    assert ask(desk.box.url, "DELETE", f"{base}/w.img", token=desk.token).status == 204


def test_a_box_that_others_reach_fetches_nothing_for_them() -> None:
    with Box(host="0.0.0.0") as box:  # that is the point
        desk = Desk(box, ManualClock(0.0), box.person("demo"))
        image = new(desk)["id"]
        told = {"method": {"name": "web-download", "uri": "http://127.0.0.1:1/x"}}
        reply = desk.glance("POST", f"/images/{image}/import", told)
        assert (reply.status, b"web-download" in reply.content) == (403, True)
        methods = desk.glance("GET", "/info/import").json["import-methods"]["value"]
        assert methods == ["glance-direct"]


def test_nova_passes_images_on_as_it_did(desk: Desk) -> None:
    image = new(desk, colour="blue", min_ram=64)
    fill(desk, image["id"], b"disk")
    here = f"/images/{image['id']}"
    shown = desk.nova("GET", here).json["image"]
    assert shown["status"] == "ACTIVE" and shown["minRam"] == 64
    assert shown["metadata"] == {"colour": "blue"} and shown["OS-EXT-IMG-SIZE:size"] == 4
    assert image["id"] in {one["id"] for one in desk.nova("GET", "/images").json["images"]}
    assert len(desk.nova("GET", "/images/detail?limit=1").json["images_links"]) == 1
    assert desk.nova("POST", f"{here}/metadata", {"metadata": {"a": "b"}}).json == {
        "metadata": {"colour": "blue", "a": "b"}
    }
    assert desk.nova("PUT", f"{here}/metadata/a", {"meta": {"a": "c"}}).status == 200
    assert desk.nova("DELETE", f"{here}/metadata/a").status == 204
    assert desk.nova("GET", f"{here}/metadata/a").status == 404
    assert desk.nova("GET", here, version="2.36").status == 404
    assert desk.nova("GET", f"{here}/metadata", version="2.39").status == 404
    assert desk.nova("DELETE", here).status == 204
    assert desk.glance("GET", here).status == 404
