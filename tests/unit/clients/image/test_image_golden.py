"""What ImageClient sends, method by method, to Synnefo's service and to Glance."""

# ruff: noqa: E501  # a table

from __future__ import annotations

from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.image import ImageClient
from support.golden import (
    OPENSTACK,
    SYNNEFO,
    Ask,
    Row,
    golden_tests,
    missing,
    row,
)

I = {"id": "i", "name": "x", "visibility": "public", "os_distro": "debian"}  # noqa: E741
READ = {**I, "is_public": True, "properties": {"os_distro": "debian"}}
FIELDS = {
    "x-image-meta-id": "i",
    "x-image-meta-name": "a%20b",
    "x-image-meta-is-public": "True",
    "x-image-meta-size": "5",
    "x-image-meta-property-os-family": "linux",
}
PLANKTON = {
    "id": "i",
    "name": "a b",
    "is_public": True,
    "size": 5,
    "properties": {"os_family": "linux"},
}
NONE = {"Content-Length": "0"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
BYTES = {"Content-Type": "application/octet-stream"}
MEMBERS = {"members": [{"member_id": "m", "status": "pending"}]}


def patch(*changes: tuple[str, str, object]) -> Ask:
    body = [
        {"op": op, "path": path, **({} if op == "remove" else {"value": value})}
        for op, path, value in changes
    ]
    return Ask("PATCH /images/i", body, PATCH, answer=I)


# fmt: off
ROWS: list[Row] = [
    # Synnefo
    row("list_public", asks=Ask("GET /images/", answer={"images": [I]}), result=[I], dialects=SYNNEFO),
    row("list_public", asks=Ask("GET /images/", answer=[I]), result=[I], dialects=SYNNEFO),
    row("list_public", True, {"name": "a b", "status": "", "size_min": 1, "size_max": None}, "-name",
        asks=Ask("GET /images/detail?name=a%20b&size_min=1&sort_dir=desc&sort_key=name", answer={"images": []}), result=[], dialects=SYNNEFO),
    row("get_meta", "i", asks=Ask("HEAD /images/i", answer_headers=FIELDS), result=PLANKTON, dialects=SYNNEFO),
    row("register", "a b", "pithos://u/c/my disk.img", {"disk_format": "diskdump", "container_format": "bare", "is_public": True}, {"OSFAMILY": "linux", "my key": "ä"},
        asks=Ask("POST /images/", None, {**NONE, "X-Image-Meta-Name": "a%20b", "X-Image-Meta-Location": "pithos://u/c/my%20disk.img",
                 "X-Image-Meta-Disk-Format": "diskdump", "X-Image-Meta-Container-Format": "bare", "X-Image-Meta-Is-Public": "true",
                 "X-Image-Meta-Property-OSFAMILY": "linux", "X-Image-Meta-Property-my%20key": "%C3%A4"}, answer_headers=FIELDS), result=PLANKTON, dialects=SYNNEFO),
    row("register", "x", ("u", "c", "p"), asks=Ask("POST /images/", None, {**NONE, "X-Image-Meta-Name": "x", "X-Image-Meta-Location": "pithos://u/c/p"}, answer_headers=FIELDS),
        result=PLANKTON, dialects=SYNNEFO),
    row("reregister", "pithos://u/c/p", None, {"is_public": False}, {"b": "2"}, asks=[
        Ask("GET /images/detail", answer={"images": [{"location": "pithos://u/c/p", "name": "x", "properties": {"a": "1"}}, {"location": "pithos://u/c/q"}]}),
        Ask("POST /images/", None, {**NONE, "X-Image-Meta-Name": "x", "X-Image-Meta-Location": "pithos://u/c/p", "X-Image-Meta-Is-Public": "false",
            "X-Image-Meta-Property-a": "1", "X-Image-Meta-Property-b": "2"}, answer_headers=FIELDS),
    ], result=None, dialects=SYNNEFO),
    row("unregister", "i", asks=Ask("DELETE /images/i", ok=(204,))),
    row("update_image", "i", "a b", "raw", "bare", "AVAILABLE", True, "o", extra="x y",
        asks=Ask("PUT /images/i", None, {**NONE, "X-Image-Meta-Name": "a%20b", "X-Image-Meta-Disk-Format": "raw", "X-Image-Meta-Container-Format": "bare",
                 "X-Image-Meta-Status": "AVAILABLE", "X-Image-Meta-Is-Public": "true", "X-Image-Meta-Owner": "o", "X-Image-Meta-Property-extra": "x%20y"}), dialects=SYNNEFO),
    row("list_members", "i", asks=Ask("GET /images/i/members", answer={"members": [I]}), result=[I], dialects=SYNNEFO),
    row("add_member", "i", "a/b", asks=Ask("PUT /images/i/members/a%2Fb", None, NONE, ok=(204,)), dialects=SYNNEFO),
    row("remove_member", "i", "m", asks=Ask("DELETE /images/i/members/m", ok=(204,))),
    row("set_members", "i", ["m"], asks=Ask("PUT /images/i/members", {"memberships": [{"member_id": "m"}]}, ok=(204,)), dialects=SYNNEFO),
    row("list_shared", "m", asks=Ask("GET /shared-images/m", answer={"shared_images": [I]}), result=[I], dialects=SYNNEFO),
    # Glance
    row("list_public", True, {"status": "AVAILABLE", "size_min": 1, "name": ""}, "-size", asks=[
        Ask("GET /images?status=active&size_min=1&sort=size:desc&limit=1000", answer={"images": [I], "next": "/v2/images?limit=1000&marker=i"}),
        Ask("GET /images?status=active&size_min=1&sort=size:desc&limit=1000&marker=i", answer={"images": []}),
    ], result=[READ], dialects=OPENSTACK),
    row("get_meta", "i", asks=Ask("GET /images/i", answer=I), result=READ, dialects=OPENSTACK),
    row("register", "x", None, {"disk_format": "raw", "container_format": "bare", "is_public": False, "owner": "o", "id": "i"}, {"a": 1},
        asks=Ask("POST /images", {"name": "x", "disk_format": "raw", "container_format": "bare", "visibility": "shared", "owner": "o", "id": "i", "a": "1"}, answer=I, ok=(201,)),
        result=READ, dialects=OPENSTACK),
    row("register", "x", "http://files.test/disk.img", {"store": "s"}, asks=[
        Ask("POST /images", {"name": "x"}, answer=I, ok=(201,)),
        Ask("POST /images/i/import", {"method": {"name": "web-download", "uri": "http://files.test/disk.img"}, "stores": ["s"]}, ok=(202,)),
        Ask("GET /images/i", answer=I),
    ], result=READ, dialects=OPENSTACK),
    row("update_image", "i", "n", "raw", "bare", None, False, "o", a="1", gone=None,
        asks=patch(("replace", "/name", "n"), ("replace", "/disk_format", "raw"), ("replace", "/container_format", "bare"), ("replace", "/owner", "o"),
                   ("replace", "/visibility", "shared"), ("add", "/a", "1"), ("remove", "/gone", None)), dialects=OPENSTACK),
    row("update_image", "i", status="deactivated", asks=Ask("POST /images/i/actions/deactivate", ok=(204,)), dialects=OPENSTACK),
    row("update_image", "i", "n", status="AVAILABLE", asks=[patch(("replace", "/name", "n")), Ask("POST /images/i/actions/reactivate", ok=(204,))], dialects=OPENSTACK),
    row("list_members", "i", asks=Ask("GET /images/i/members", answer=MEMBERS), result=[{"member_id": "m", "status": "pending", "can_share": False}], dialects=OPENSTACK),
    row("add_member", "i", "m", asks=Ask("POST /images/i/members", {"member": "m"}, ok=(200, 409)), dialects=OPENSTACK),
    row("set_members", "i", ["n", "n"], asks=[
        Ask("GET /images/i/members", answer=MEMBERS), Ask("POST /images/i/members", {"member": "n"}), Ask("DELETE /images/i/members/m", ok=(204,)),
    ], dialects=OPENSTACK),
    row("list_shared", "me", asks=Ask("GET /images?visibility=shared&member_status=all&limit=1000", answer={"images": [{"id": "1", "owner": "me"}, {"id": "2", "owner": "she"}]}),
        result=[{"image_id": "2", "can_share": False}], dialects=OPENSTACK),
    row("upload_image", "i", b"content", asks=Ask("PUT /images/i/file", b"content", BYTES, ok=(204,)), result=None, dialects=OPENSTACK),
]
# fmt: on

#: Refused before anything is sent, or tested by its stream; see test_image_client.py.
ELSEWHERE = {"reregister openstack", "upload_image synnefo", "download_image synnefo", "download_image openstack"}  # fmt: skip


(
    test_a_method_sends_and_returns_what_the_table_says,
    test_only_the_statuses_of_the_table_are_well,
    test_odd_answers_are_errors_of_the_cloud,
) = golden_tests(ImageClient, ROWS)


def test_the_table_has_every_method_in_both_dialects() -> None:
    assert missing(ImageClient, ROWS, base=Bilingual, without=ELSEWHERE) == set()
