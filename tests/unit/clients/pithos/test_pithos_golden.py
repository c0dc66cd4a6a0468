"""What each method of the Pithos client sends, and which statuses it takes."""
# ruff: noqa: E501  # a row is one line

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pelagos.clients import ClientError, PithosClient, PithosRestClient, StorageClient
from pelagos.clients.base import Client
from pelagos.clients.errors import Unsupported
from support.golden import OPENSTACK, SYNNEFO, Ask, Row, golden_tests, missing, play, row

STREAM = {"Accept-Encoding": "identity"}
OCTETS = "application/octet-stream"
INFO = {"X-Container-Block-Size": "4", "X-Container-Block-Hash": "sha256"}


def make(url: str, token: str, **more: Any) -> PithosClient:
    return PithosClient(url, token, "A", "C", **more)


def both(method: str, *args: Any, asks: Any, **more: Any) -> Row:
    return row(method, *args, asks=asks, **more)


def pithos(method: str, *args: Any, asks: Any, **more: Any) -> Row:
    return row(method, *args, asks=asks, dialects=SYNNEFO, **more)


# fmt: off
REST = [
    both("account_head", asks=Ask("HEAD /A", ok=(204,))),
    pithos("account_head", until=1.9, if_modified_since="d", if_unmodified_since="e", asks=Ask("HEAD /A?until=1", headers={"If-Modified-Since": "d", "If-Unmodified-Since": "e"}, ok=(204,))),
    both("account_get", limit=5, marker="m", asks=Ask("GET /A?limit=5&marker=m&format=json", ok=(200, 204))),
    pithos("account_get", show_only_shared=True, public=True, until=7, account="B", asks=Ask("GET /B?format=json&shared&public&until=7", ok=(200, 204))),
    both("account_post", metadata={"k": "v"}, asks=Ask("POST /A?update", headers={"X-Account-Meta-k": "v"}, ok=(202,))),
    pithos("account_post", update=False, groups={"g": ["u1", "u2"]}, quota=5, versioning="auto", asks=Ask("POST /A", headers={"X-Account-Group-g": "u1,u2", "X-Account-Policy-Quota": "5", "X-Account-Policy-Versioning": "auto"}, ok=(202,))),
    both("container_head", asks=Ask("HEAD /A/C", ok=(204,))),
    pithos("container_head", until=9, container="D", asks=Ask("HEAD /A/D?until=9", ok=(204,))),
    both("container_get", limit=2, prefix="p q", delimiter="/", asks=Ask("GET /A/C?limit=2&format=json&prefix=p%20q&delimiter=/")),
    both("container_get", path="a/b", prefix="left out", asks=Ask("GET /A/C?format=json&path=a/b")),
    pithos("container_get", meta=["a", "!b"], show_only_shared=True, public=True, until=3, asks=Ask("GET /A/C?format=json&meta=a,%21b&shared&public&until=3")),
    pithos("container_put", 5, "none", "prj", {"ä": "ö"}, asks=Ask("PUT /A/C", headers={"X-Container-Policy-Quota": "5", "X-Container-Policy-Versioning": "none", "X-Container-Policy-Project": "prj", "X-Container-Meta-%C3%A4": "%C3%B6"}, ok=(201, 202))),
    row("container_put", 5, "auto", metadata={"a": "b"}, asks=Ask("PUT /A/C", headers={"X-Container-Meta-Quota-Bytes": "5", "X-Versions-Enabled": "true", "X-Container-Meta-a": "b"}, ok=(201, 202)), dialects=OPENSTACK),
    both("container_post", metadata={"a": ""}, asks=Ask("POST /A/C?update&format=json", headers={"X-Container-Meta-a": ""}, ok=(202,))),
    both("container_post", content_type=OCTETS, content_length=3, data=b"abc", asks=Ask("POST /A/C?update&format=json", b"abc", {"Content-Type": OCTETS, "Content-Length": "3"}, ok=(202,))),
    both("container_post", update=False, content_length=3, transfer_encoding="chunked", data=b"x", asks=Ask("POST /A/C?format=json", b"x", {"Transfer-Encoding": "chunked"}, ok=(202,))),
    both("container_delete", delimiter="/", asks=Ask("DELETE /A/C?delimiter=/", ok=(204,))),
    pithos("container_delete", 1400000000.7, asks=Ask("DELETE /A/C?until=1400000000", ok=(204,))),
    both("object_head", "a b/ü", asks=Ask("HEAD /A/C/a%20b/%C3%BC")),
    pithos("object_head", "o", 7, "x", "y", "d", "e", asks=Ask("HEAD /A/C/o?version=7", headers={"If-Match": "x", "If-None-Match": "y", "If-Modified-Since": "d", "If-Unmodified-Since": "e"})),
    row("object_head", "o", 7, asks=Ask("HEAD /A/C/o?version-id=7"), dialects=OPENSTACK),
    both("object_get", "a//b/../c", data_range="bytes=0-1", if_range="", asks=Ask("GET /A/C/a//b/%2E%2E/c?format=json", headers={"Range": "bytes=0-1"})),
    pithos("object_get", "o", hashmap=True, version=3, if_etag_match="e", asks=Ask("GET /A/C/o?format=json&hashmap&version=3", headers={"If-Match": "e"})),
    pithos("object_put", "o", hashmap=True, json={"bytes": 0, "hashes": []}, content_type="t/x", if_etag_match="a", if_etag_not_match="*", etag="e", content_encoding="gz", content_disposition="inline", permissions={"read": ["u", "v"], "write": ["w"]}, public=False, metadata={"k": "50%"}, asks=Ask("PUT /A/C/o?format=json&hashmap", {"bytes": 0, "hashes": []}, {"Content-Type": "t/x", "If-Match": "a", "If-None-Match": "*", "ETag": "e", "Content-Encoding": "gz", "Content-Disposition": "inline", "X-Object-Sharing": "read=u,v;write=w", "X-Object-Public": "false", "X-Object-Meta-k": "50%25"}, ok=(201,))),
    both("object_put", "o", format=None, copy_from="/D/a b", source_account="B", source_version=4, delimiter="/", content_length=0, asks=Ask("PUT /A/C/o?delimiter=/", headers={"X-Copy-From": "/D/a%20b", "X-Source-Account": "B", "X-Source-Version": "4", "Content-Length": "0"}, ok=(201,))),
    both("object_put", "o", format=None, move_from="D/ü", manifest="C/o ö/", asks=Ask("PUT /A/C/o", headers={"X-Move-From": "/D/%C3%BC", "X-Object-Manifest": "C/o%20%C3%B6/"}, ok=(201,))),
    pithos("object_put", "o", format=None, permissions={"read": [], "write": []}, public=True, asks=Ask("PUT /A/C/o", headers={"X-Object-Sharing": "", "X-Object-Public": "true"}, ok=(201,))),
    both("object_copy", "o", "/D/p", asks=Ask("COPY /A/C/o?format=json", headers={"Destination": "/D/p"}, ok=(201,))),
    pithos("object_copy", "o", "D/p", ignore_content_type=True, destination_account="B", content_type="t/x", source_version=3, public=True, metadata={"a": "b"}, asks=Ask("COPY /A/C/o?format=json&ignore_content_type", headers={"Destination": "/D/p", "Destination-Account": "B", "Content-Type": "t/x", "X-Source-Version": "3", "X-Object-Public": "true", "X-Object-Meta-a": "b"}, ok=(201,))),
    both("object_move", "o", "/D/p", asks=Ask("MOVE /A/C/o?format=json", headers={"Destination": "/D/p"}, ok=(201,))),
    both("object_post", "o", metadata={"a": ""}, asks=Ask("POST /A/C/o?format=json&update", headers={"X-Object-Meta-a": ""}, ok=(202, 204))),
    pithos("object_post", "o", update=False, public=False, permissions={"write": "u"}, asks=Ask("POST /A/C/o?format=json", headers={"X-Object-Public": "false", "X-Object-Sharing": "write=u"}, ok=(202, 204))),
    both("object_post", "o", content_type=OCTETS, content_range="bytes */*", content_length=1, data=b"x", source_object="C/s t", source_account="B", source_version=2, object_bytes=5, asks=Ask("POST /A/C/o?format=json&update", b"x", {"Content-Type": OCTETS, "Content-Range": "bytes */*", "Content-Length": "1", "X-Source-Object": "/C/s%20t", "X-Source-Account": "B", "X-Source-Version": "2", "X-Object-Bytes": "5"}, ok=(202, 204))),
    both("object_delete", "o", delimiter="/", asks=Ask("DELETE /A/C/o?delimiter=/", ok=(204,))),
    pithos("object_delete", "o", until="77", asks=Ask("DELETE /A/C/o?until=77", ok=(204,))),
]
UPDATE = "POST /A/C/o?format=json&update"
ACCOUNT = [
    both("get_account_info", asks=Ask("HEAD /A", ok=(200, 204), answer_headers={"X-Account-Bytes-Used": "5"})),
    pithos("get_account_info", until=5, asks=Ask("HEAD /A?until=5", ok=(200, 204))),
    both("get_account_quota", asks=Ask("HEAD /A", ok=(200, 204), answer_headers={"X-Account-Policy-Quota": "5", "X-Account-Policy-Quota-P": "6"}), result={"x-account-policy-quota": "5"}),
    both("get_account_versioning", asks=Ask("HEAD /A", ok=(200, 204), answer_headers={"X-Account-Policy-Versioning": "auto"})),
    pithos("get_account_meta", asks=Ask("HEAD /A", ok=(200, 204), answer_headers={"X-Account-Meta-Gr%C3%B6": "5%25", "X-Other": "x"}), result={"x-account-meta-grö": "5%"}),
    row("get_account_meta", asks=Ask("HEAD /A", ok=(200, 204), answer_headers={"X-Account-Meta-A": "5%25"}), result={"x-account-meta-a": "5%25"}, dialects=OPENSTACK),
    pithos("get_account_group", asks=Ask("HEAD /A", ok=(200, 204), answer_headers={"X-Account-Group-G": "u,v"}), result={"x-account-group-g": "u,v"}),
    both("set_account_meta", {"a": "b"}, asks=Ask("POST /A?update", headers={"X-Account-Meta-a": "b"}, ok=(202, 204))),
    both("del_account_meta", "a", asks=Ask("POST /A?update", headers={"X-Account-Meta-a": ""}, ok=(202, 204))),
    both("replace_account_meta", {"a": "b"}, asks=Ask("POST /A?update", headers={"X-Account-Meta-a": "b"}, ok=(202, 204)), result=None),
    pithos("set_account_group", "g", ["u", "v"], asks=Ask("POST /A?update", headers={"X-Account-Group-g": "u,v"}, ok=(202,))),
    pithos("del_account_group", "g", asks=Ask("POST /A?update", headers={"X-Account-Group-g": ""}, ok=(202,)), result=None),
    pithos("get_sharing_accounts", asks=[Ask("GET /?format=json", answer=[{"name": "B"}]), Ask("GET /?format=json&marker=B", answer=[], ok=(200, 204))], result=[{"name": "B"}]),
]
CONTAINERS = [
    pithos("create_container", "D", 5, "none", {"a": "b"}, "prj", asks=Ask("PUT /A/D", headers={"X-Container-Policy-Quota": "5", "X-Container-Policy-Versioning": "none", "X-Container-Policy-Project": "prj", "X-Container-Meta-a": "b"}, ok=(201, 202))),
    row("create_container", "D", 0, asks=Ask("PUT /A/D", headers={"X-Container-Meta-Quota-Bytes": ""}, ok=(201, 202)), dialects=OPENSTACK),
    both("purge_container", "D", asks=Ask("DELETE /A/D", ok=(204,))),
    both("delete_container", "D", asks=Ask("DELETE /A/D", ok=(204,)), result=None),
    both("del_container", asks=Ask("DELETE /A/C", ok=(204,))),
    pithos("del_container", 5, "/", asks=Ask("DELETE /A/C?until=5&delimiter=/", ok=(204,))),
    row("del_container", delimiter="/", asks=Ask("GET /A/C?format=json", answer=[], ok=(200, 204)), result={}, dialects=OPENSTACK),
    pithos("get_container_info", "D", 5, asks=Ask("HEAD /A/D?until=5", ok=(200, 204), answer_headers=INFO)),
    row("get_container_info", asks=Ask("HEAD /A/C", ok=(200, 204), answer_headers={"X-Versions-Enabled": "True"}), result={"x-container-policy-quota": "0", "x-container-policy-versioning": "auto", "x-versions-enabled": "True"}, dialects=OPENSTACK),
    pithos("get_container_versioning", asks=Ask("HEAD /A/C", ok=(200, 204), answer_headers={"X-Container-Policy-Versioning": "auto", **INFO}), result={"x-container-policy-versioning": "auto"}),
    row("get_container_versioning", asks=Ask("HEAD /A/C", ok=(200, 204)), result={"x-container-policy-versioning": "none"}, dialects=OPENSTACK),
    row("get_container_limit", asks=Ask("HEAD /A/C", ok=(200, 204), answer_headers={"X-Container-Meta-Quota-Bytes": "9"}), result={"x-container-policy-quota": "9"}, dialects=OPENSTACK),
    pithos("get_container_limit", "D", asks=Ask("HEAD /A/D", ok=(200, 204), answer_headers={"X-Container-Policy-Quota": "9"})),
    both("get_container_meta", asks=Ask("HEAD /A/C", ok=(200, 204), answer_headers={"X-Container-Meta-A": "b"})),
    both("get_container_object_meta", asks=Ask("HEAD /A/C", ok=(200, 204), answer_headers={"X-Container-Object-Meta": "A,B"})),
    both("set_container_meta", {"a": "b"}, asks=Ask("POST /A/C?update&format=json", headers={"X-Container-Meta-a": "b"}, ok=(202, 204))),
    both("del_container_meta", "a", asks=Ask("POST /A/C?update&format=json", headers={"X-Container-Meta-a": ""}, ok=(202, 204))),
    pithos("set_container_limit", 7, asks=Ask("POST /A/C?update&format=json", headers={"X-Container-Policy-Quota": "7"}, ok=(202, 204))),
    row("set_container_limit", 7, asks=Ask("POST /A/C?update&format=json", headers={"X-Container-Meta-Quota-Bytes": "7"}, ok=(202, 204)), dialects=OPENSTACK),
    pithos("set_container_versioning", "none", asks=Ask("POST /A/C?update&format=json", headers={"X-Container-Policy-Versioning": "none"}, ok=(202, 204))),
    row("set_container_versioning", "auto", asks=Ask("POST /A/C?update&format=json", headers={"X-Versions-Enabled": "true"}, ok=(202, 204)), dialects=OPENSTACK),
    pithos("reassign_container", "prj", asks=Ask("POST /A/C?update&format=json", headers={"X-Container-Policy-Project": "prj"}, ok=(202, 204))),
    both("set_container_acl", ".r:*", asks=Ask("POST /A/C", headers={"X-Container-Read": ".r:*"}, ok=(202, 204)), result=None),
    both("list_containers", prefix="p", asks=[Ask("GET /A?format=json&prefix=p", answer=[{"name": "C"}]), Ask("GET /A?format=json&marker=C&prefix=p", ok=(200, 204))], result=[{"name": "C"}]),
    pithos("list_containers", 1, "m", show_only_shared=True, public=True, until=5, asks=Ask("GET /A?format=json&marker=m&shared&public&until=5&limit=1", answer=[{"name": "C"}, {"name": "D"}]), result=[{"name": "C"}]),
    both("list_objects", asks=[Ask("GET /A/C?format=json", answer=[{"name": "a"}, {"subdir": "b/"}]), Ask("GET /A/C?format=json&marker=b/%F4%8F%BF%BF", answer=[])], result=[{"name": "a"}, {"subdir": "b/"}]),
    both("list_objects", "D", asks=Ask("GET /A/D?format=json", answer=[]), result=[]),
    both("list_objects", 1, "m", "p", "json", "/", asks=Ask("GET /A/C?format=json&marker=m&prefix=p&delimiter=/&limit=1", answer=[{"name": "q"}]), result=[{"name": "q"}]),
    pithos("list_objects", meta=["a"], show_only_shared=True, public=True, until=5, asks=Ask("GET /A/C?format=json&meta=a&shared&public&until=5", answer=[]), result=[]),
    both("list_objects_in_path", "a", asks=Ask("GET /A/C?format=json&path=a", answer=[]), result=[]),
    row("purge_versions", asks=[Ask("GET /A/C?format=json&versions=true", answer=[{"name": "o p", "version_id": "v1"}]), Ask("GET /A/C?format=json&versions=true&marker=o%20p", answer=[], ok=(200, 204)), Ask("DELETE /A/C/o%20p?version-id=v1", ok=(204, 404))], result=None, dialects=OPENSTACK),
]
OBJECTS = [
    both("create_object", "o", "t/x", 2, asks=Ask("PUT /A/C/o", b"\0\0", {"Content-Type": "t/x"}, ok=(201,))),
    both("create_directory", "d", asks=Ask("PUT /A/C/d", headers={"Content-Type": "application/directory", "Content-Length": "0"}, ok=(201,))),
    pithos("delete_object", "o", asks=Ask("DELETE /A/C/o", ok=(204,)), result=None),
    pithos("del_object", "o", 5, "/", asks=Ask("DELETE /A/C/o?until=5&delimiter=/", ok=(204,))),
    row("del_object", "o", asks=[Ask("HEAD /A/C_segments", ok=(404,)), Ask("DELETE /A/C/o", ok=(204,))], result={}, dialects=OPENSTACK),
    row("delete_object", "o", asks=[Ask("HEAD /A/C_segments", ok=(404,)), Ask("DELETE /A/C/o", ok=(204,))], result=None, dialects=OPENSTACK),
    pithos("purge_object", "o", asks=[Ask("HEAD /A/C/o", answer_headers={"X-Object-Version": "8"}), Ask("GET /A/C/o?format=json&version=list", answer={"versions": [[7, "10.1"], [8, "12.5"]]}), Ask("DELETE /A/C/o?until=12", ok=(204,))], result=None),
    pithos("purge_object", "o", asks=[Ask("HEAD /A/C/o", answer_headers={"X-Object-Version": "8"}), Ask("GET /A/C/o?format=json&version=list", answer={"versions": [[7, "10.1"], [8, "12.0"]]}), Ask("DELETE /A/C/o?until=11", ok=(204,))], result=None),
    pithos("set_object_meta", "o", {"a": "b"}, asks=Ask(UPDATE, headers={"X-Object-Meta-a": "b"}, ok=(202, 204))),
    row("set_object_meta", "o", {"A": "b", "c": ""}, asks=[Ask("HEAD /A/C/o", answer_headers={"X-Object-Meta-C": "d", "X-Object-Meta-E": "ü f"}), Ask("HEAD /A/C/o", answer_headers={"Content-Encoding": "gz"}), Ask("POST /A/C/o", headers={"X-Object-Meta-a": "b", "X-Object-Meta-e": "Ã¼ f", "Content-Encoding": "gz"}, ok=(202,))], result={}, dialects=OPENSTACK),
    pithos("del_object_meta", "o", "a", asks=Ask(UPDATE, headers={"X-Object-Meta-a": ""}, ok=(202, 204))),
    row("del_object_meta", "o", "a", asks=[Ask("HEAD /A/C/o"), Ask("HEAD /A/C/o"), Ask("POST /A/C/o", ok=(202,))], result={}, dialects=OPENSTACK),
    pithos("replace_object_meta", {"a": "b"}, "o", asks=Ask("POST /A/C/o?format=json", headers={"X-Object-Meta-a": "b"}, ok=(202, 204)), result=None),
    row("replace_object_meta", {"a": "b"}, "o", asks=[Ask("HEAD /A/C/o"), Ask("POST /A/C/o", headers={"X-Object-Meta-a": "b"}, ok=(202,))], result=None, dialects=OPENSTACK),
    pithos("get_object_info", "o", 5, asks=Ask("HEAD /A/C/o?version=5", answer_headers={"ETag": "e"})),
    row("get_object_info", "o", "v", asks=Ask("HEAD /A/C/o?version-id=v"), dialects=OPENSTACK),
    both("get_object_meta", "o", asks=Ask("HEAD /A/C/o", answer_headers={"X-Object-Meta-Foo-Bar": "x", "ETag": "e"}), result={"x-object-meta-foo-bar": "x"}),
    pithos("restore_object", "o", 7, asks=Ask("PUT /A/C/o", headers={"X-Copy-From": "/C/o", "Content-Length": "0", "X-Source-Version": "7"}, ok=(201,)), result=None),
    row("restore_object", "o", "v7", asks=Ask("PUT /A/C/o?version-id=v7", ok=(200, 201, 204)), result=None, dialects=OPENSTACK),
    pithos("get_object_versionlist", "o", asks=Ask("GET /A/C/o?format=json&version=list", answer={"versions": [[1, "2.5"]]}), result=[[1, "2.5"]]),
    row("get_object_versionlist", "o", asks=[Ask("GET /A/C?format=json&versions=true&prefix=o", answer=[{"name": "o", "version_id": "2", "last_modified": "1970-01-01T00:00:09.5"}, {"name": "o", "version_id": "1", "last_modified": "1970-01-01T00:00:05"}, {"name": "other", "version_id": "1", "last_modified": "1970-01-01T00:00:05"}]), Ask("GET /A/C?format=json&versions=true&prefix=o&marker=other", answer=[], ok=(200, 204))], result=[["1", "5.000000"], ["2", "9.500000"]], dialects=OPENSTACK),
    pithos("get_object_sharing", "o", asks=Ask("HEAD /A/C/o", answer_headers={"X-Object-Sharing": "read=%2A; write=u,v"}), result={"read": "*", "write": "u,v"}),
    pithos("set_object_sharing", "o", ["u"], asks=[Ask("HEAD /A/C/o", answer_headers={"X-Object-Sharing": "read=x; write=v"}), Ask(UPDATE, headers={"X-Object-Sharing": "read=u;write=v"}, ok=(202, 204))]),
    pithos("set_object_sharing", "o", ["u", "u"], [], asks=Ask(UPDATE, headers={"X-Object-Sharing": "read=u"}, ok=(202, 204))),
    pithos("set_object_sharing", "o", read_permition=["u"], write_permition="v, w", asks=Ask(UPDATE, headers={"X-Object-Sharing": "read=u;write=v,w"}, ok=(202, 204))),
    pithos("del_object_sharing", "o", asks=Ask(UPDATE, headers={"X-Object-Sharing": ""}, ok=(202, 204))),
    pithos("publish_object", "o", asks=[Ask(UPDATE, headers={"X-Object-Public": "true"}, ok=(202, 204)), Ask("HEAD /A/C/o", answer_headers={"X-Object-Public": "http://x/p/1"})], result="http://x/p/1"),
    pithos("unpublish_object", "o", asks=Ask(UPDATE, headers={"X-Object-Public": "false"}, ok=(202, 204))),
    pithos("copy_object", "S", "s t", "D", source_version=3, source_account="B", public=True, content_type="t/x", delimiter="/", asks=Ask("PUT /A/D/s%20t?delimiter=/", headers={"X-Copy-From": "/S/s%20t", "Content-Length": "0", "X-Source-Version": "3", "X-Source-Account": "B", "X-Object-Public": "true", "Content-Type": "t/x"}, ok=(201,))),
    pithos("copy_object", "S", "s", "D", "d", 3, "B", False, asks=Ask("PUT /A/D/d", headers={"X-Copy-From": "/S/s", "Content-Length": "0", "X-Source-Version": "3", "X-Source-Account": "B"}, ok=(201,))),
    pithos("move_object", "S", "s", "D", "d", "B", 3, asks=Ask("PUT /A/D/d", headers={"X-Move-From": "/S/s", "Content-Length": "0", "X-Source-Version": "3", "X-Source-Account": "B"}, ok=(201,))),
    row("copy_object", "S", "s", "D", "d", asks=[Ask("HEAD /A/S/s"), Ask("PUT /A/D/d", headers={"X-Copy-From": "/S/s"}, ok=(201,))], dialects=OPENSTACK),
    row("copy_object", "S", "s", "S", content_type="t/x", asks=Ask("PUT /A/S/s", headers={"X-Copy-From": "/S/s", "Content-Type": "t/x"}, ok=(201,)), dialects=OPENSTACK),
    row("move_object", "S", "s", "S", content_type="t/x", asks=Ask("PUT /A/S/s", headers={"X-Copy-From": "/S/s", "Content-Type": "t/x"}, ok=(201,)), dialects=OPENSTACK),
    row("move_object", "S", "s", "D", "d", asks=[Ask("HEAD /A/S/s"), Ask("PUT /A/D/d", headers={"X-Copy-From": "/S/s"}, ok=(201,)), Ask("HEAD /A/S_segments", ok=(404,)), Ask("DELETE /A/S/s", ok=(204,))], result={}, dialects=OPENSTACK),
    both("create_object_by_manifestation", "o", "e", asks=Ask("PUT /A/C/o", headers={"X-Object-Manifest": "C/o/", "Content-Length": "0", "Content-Type": OCTETS, "ETag": "e"}, ok=(201,))),
    both("upload_object_unchunked", "o", b"abc", etag="e", asks=Ask("PUT /A/C/o", b"abc", {"Content-Length": "3", "Content-Type": OCTETS, "ETag": "e"}, ok=(201,))),
    both("upload_object_unchunked", "o", b'{"bytes": 4, "hashes": ["AB"]}', True, asks=Ask("PUT /A/C/o?format=json&hashmap", {"bytes": 4, "hashes": ["ab"]}, {"Content-Type": OCTETS}, ok=(201,))),
    pithos("upload_from_string", "o", "", asks=[Ask("HEAD /A/C", answer_headers=INFO), Ask("PUT /A/C/o?format=json&hashmap", {"bytes": 0, "hashes": []}, {"Content-Type": OCTETS}, ok=(201,))], result={}),
    row("upload_from_string", "o", "ü", asks=[Ask("HEAD /A/C_segments", ok=(404,)), Ask("PUT /A/C/o", "ü".encode(), {"Content-Type": OCTETS, "ETag": "c03410a5204b21cd8229ff754688d743"}, ok=(201,))], result={}, dialects=OPENSTACK),
    pithos("truncate_object", "o", 5, asks=Ask(UPDATE, headers={"Content-Type": OCTETS, "Content-Length": "0", "Content-Range": "bytes 0-4/*", "X-Object-Bytes": "5", "X-Source-Object": "/C/o"}, ok=(202, 204))),
    pithos("truncate_object", "o", 0, asks=[Ask("HEAD /A/C/o", answer_headers={"Content-Length": "5"}), Ask(UPDATE, headers={"Content-Type": OCTETS, "Content-Length": "0", "Content-Range": "bytes 0-0/*", "X-Object-Bytes": "0", "X-Source-Object": "/C/o"}, ok=(202, 204))]),
]
# fmt: on
ALL = [*REST, *ACCOUNT, *CONTAINERS, *OBJECTS]

#: What moves bytes is in test_files.py; the verbs and threads are of the base.
FILES = {
    f"{name} {dialect}"
    for name in (
        *("upload_object", "download_object", "download_to_string", "stream_down", "get_object"),
        *("get_object_hashmap", "append_object", "overwrite_object", "use_alternative_account"),
        *("temp_url", "time_for", "has_segments", "container_path", "object_path"),
    )
    for dialect in ("openstack", "synnefo")
}
REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("get_account_group", (), {}),
    ("set_account_group", ("g", ["u"]), {}),
    ("del_account_group", ("g",), {}),
    ("get_sharing_accounts", (), {}),
    ("reassign_container", ("p",), {}),
    ("purge_object", ("o",), {}),
    ("get_object_sharing", ("o",), {}),
    ("set_object_sharing", ("o", ["u"]), {}),
    ("del_object_sharing", ("o",), {}),
    ("publish_object", ("o",), {}),
    ("unpublish_object", ("o",), {}),
    ("truncate_object", ("o", 5), {}),
    ("append_object", ("o", b"x"), {}),
    ("overwrite_object", ("o", 0, 1, b"xy"), {}),
    ("list_objects", (), {"until": 5}),
    ("list_objects", (), {"meta": ["a"]}),
    ("list_containers", (), {"public": True}),
    ("del_object", ("o", 5), {}),
    ("del_container", (5,), {}),
    ("copy_object", ("C", "o", "C", "p", 5), {}),
    ("upload_object", ("o", b"x"), {"public": True}),
    ("upload_object", ("o", b"x"), {"if_etag_match": "e"}),
]


(
    test_a_method_sends_and_returns_what_the_table_says,
    test_only_the_statuses_of_the_table_are_well,
    test_odd_answers_are_errors_of_the_cloud,
) = golden_tests(make, ALL, plain=[*REST, *ACCOUNT])


@pytest.mark.parametrize(("name", "args", "more"), REFUSED)
def test_what_swift_has_nothing_for_is_refused_before_anything_is_sent(
    name: str, args: tuple[Any, ...], more: dict[str, Any]
) -> None:
    row_ = Row(name, args, (), kwargs=more)
    with pytest.raises(ClientError, match="only Pithos") as caught:
        play(make, row_, "openstack")
    assert caught.value.hint


def test_pithos_has_no_call_that_removes_versions_alone() -> None:
    with pytest.raises(Unsupported, match="with their container"):
        play(make, Row("purge_versions", (), ()), "synnefo")


@pytest.mark.parametrize("kind", [PithosClient, PithosRestClient, StorageClient])
def test_the_table_has_every_method_in_both_dialects(kind: type) -> None:
    refused = {f"{name} openstack" for name, _, _ in REFUSED} | {"purge_versions synnefo"}
    assert missing(kind, ALL, base=Client, without=FILES | refused) == set()


@pytest.mark.parametrize("until", ["yesterday", -1, float("nan"), True, "1.5e400"])
def test_a_time_that_is_none_never_reaches_the_server(until: Any) -> None:
    calls: list[Callable[[PithosClient], Any]] = [
        lambda client: client.del_object("o", until),
        lambda client: client.del_container(until),
        lambda client: client.list_objects(until=until),
    ]
    for call in calls:
        client = make("http://x/v1", "token", http=_Silent(), dialect="synnefo")  # type: ignore[arg-type]
        with pytest.raises(ClientError, match="is no time"):
            call(client)


class _Silent:
    """A transport over which nothing must go."""

    def send(self, request: Any) -> Any:
        raise AssertionError(request.url)

    open = send

    def close(self) -> None:
        pass
