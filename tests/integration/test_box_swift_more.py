"""Swift of a box: addresses that are signed, versions that are kept, archives, a full disk."""

from __future__ import annotations

import errno
import hashlib
import hmac
import io
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from pelagos.box import Box, Person
from pelagos.box.application import Application
from pelagos.box.identity.keystone import _shape
from pelagos.box.service import Service
from pelagos.box.web import Answer, Request
from pelagos.clients import Cloud, CloudSettings
from pelagos.core.clock import ManualClock
from support.box_site import Reply, ask

Send = Callable[..., Reply]
NOW = 1_700_000_000


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock(start=float(NOW))


@pytest.fixture(scope="module")
def box(clock: ManualClock) -> Iterator[Box]:
    with Box(clock=clock, token_life=1e9, pace=0) as box:
        yield box


_count = iter(range(1000))


@pytest.fixture
def ann(box: Box) -> Person:
    return box.person(f"ann{next(_count)}")


@pytest.fixture
def send(box: Box, ann: Person) -> Send:
    """Requests in an account with a container and an object."""
    base, token = f"/swift/v1/AUTH_{ann.project_id}", ann.token()

    def work(method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return ask(box.url, method, base + path, body, token=token, **headers)

    work("POST", "", X_Account_Meta_Temp_Url_Key="secret")
    work("PUT", "/c")
    work(
        "PUT",
        f"/c/{quote('dir/ü o')}",
        b"hello",
        X_Object_Meta_Color="red",
        X_Object_Meta_Public_Size="s",
    )
    return work


def signature(
    ann: Person, method: str = "GET", *, expires: Any = NOW + 60, name: str = "dir/ü o",
    key: str = "secret", begin: str = "", word: str = "", kind: str = "sha256",
) -> str:  # fmt: skip
    path = f"/v1/AUTH_{ann.project_id}/c/{name}"
    text = f"{begin}{method}\n{expires}\n{word}{path}"
    return hmac.new(key.encode(), text.encode(), getattr(hashlib, kind)).hexdigest()


def get(box: Box, ann: Person, query: str, method: str = "GET", body: Any = None,
        name: str = "dir/ü o", **headers: str) -> Reply:  # fmt: skip
    path = f"/swift/v1/AUTH_{ann.project_id}/c/{quote(name)}?{query}"
    return ask(box.url, method, path, body, **headers)


def test_a_signed_address_needs_no_token(box: Box, ann: Person, send: Send) -> None:
    at = f"temp_url_expires={NOW + 60}"
    reply = get(box, ann, f"temp_url_sig={signature(ann)}&{at}")
    assert (reply.status, reply.content) == (200, b"hello")
    assert reply.headers["content-disposition"].startswith('attachment; filename="')
    assert "x-object-meta-color" not in reply.headers
    assert reply.headers["x-object-meta-public-size"] == "s"
    for method in ("HEAD", "GET", "PUT"):
        assert get(box, ann, f"temp_url_sig={signature(ann, method)}&{at}", "HEAD").status == 200
    longer = signature(ann, kind="sha512")
    named = get(box, ann, f"temp_url_sig={longer}&{at}&filename=a.txt&inline")
    assert named.headers["content-disposition"].startswith('inline; filename="a.txt"')
    iso = get(box, ann, f"temp_url_sig={signature(ann)}&temp_url_expires=2023-11-14T22:14:20Z")
    assert iso.status == 200
    put = get(box, ann, f"temp_url_sig={signature(ann, 'PUT')}&{at}", "PUT", b"new")
    assert put.status == 201 and send("GET", f"/c/{quote('dir/ü o')}").content == b"new"
    near = f"&temp_url_ip_range=127.0.0.0/8&{at}"
    told = signature(ann, begin="ip=127.0.0.0/8\n")
    assert get(box, ann, f"temp_url_sig={told}{near}").status == 200


@pytest.mark.parametrize(
    ("how", "query"),
    [
        ({"key": "wrong"}, ""),
        ({"method": "PUT"}, ""),
        ({"name": "other"}, ""),
        ({"expires": NOW - 1}, ""),
        ({}, "&temp_url_prefix=else"),
        ({"begin": "ip=192.0.2.0/24\n"}, "&temp_url_ip_range=192.0.2.0/24"),
        ({}, "&temp_url_ip_range=127.0.0.1"),
        ({"kind": "sha1"}, ""),
    ],
)
def test_other_signatures_open_nothing(
    box: Box, ann: Person, send: Send, how: dict[str, Any], query: str
) -> None:
    assert send("HEAD", "/c").status == 204
    expires = how.get("expires", NOW + 60)
    sig = signature(ann, **how)
    reply = get(box, ann, f"temp_url_sig={sig}&temp_url_expires={expires}{query}")
    assert reply.status == 401 and b"hello" not in reply.content
    assert get(box, ann, f"temp_url_sig={sig}").status == 401


def test_a_signed_put_brings_nothing_of_others(box: Box, ann: Person, send: Send) -> None:
    assert send("PUT", "/c/secret", b"secret").status == 201
    at = f"temp_url_sig={signature(ann, 'PUT')}&temp_url_expires={NOW + 60}"
    for header in ("X_Copy_From", "X_Object_Manifest"):
        assert get(box, ann, at, "PUT", b"", **{header: "/c/secret"}).status == 400


def test_our_client_signs_addresses(box: Box, ann: Person, send: Send) -> None:
    assert send("PUT", "/c/dir/two", b"two").status == 201
    settings = CloudSettings(
        box.auth_url, username=ann.name, password=ann.password, project_name=ann.project
    )
    storage = Cloud(settings=settings).object_store
    url = storage.temp_url("dir/two", "secret", NOW + 60, container="c")
    parts = urlsplit(url)
    assert ask(box.url, "GET", f"{parts.path}?{parts.query}").content == b"two"
    folder = urlsplit(storage.temp_url("dir/", "secret", NOW + 60, is_prefix=True, container="c"))
    assert ask(box.url, "GET", f"{folder.path}two?{folder.query}").content == b"two"


def test_versions_are_kept_where_they_are_wanted(send: Send) -> None:
    assert send("POST", "/c", X_Versions_Enabled="maybe").status == 400
    assert send("POST", "/c", X_Versions_Enabled="true").status == 204
    assert send("HEAD", "/c").headers["x-versions-enabled"] == "True"
    first = send("PUT", "/c/o", b"one").headers["x-object-version-id"]
    second = send("PUT", "/c/o", b"two").headers["x-object-version-id"]
    assert send("GET", f"/c/o?version-id={first}").content == b"one"
    assert send("GET", "/c/o").headers["x-object-version-id"] == second
    assert send("DELETE", "/c/o").status == 204
    assert send("GET", "/c/o").status == 404
    found = send("GET", "/c?versions&format=json&prefix=o").json
    assert [one["is_latest"] for one in found] == [True, False, False]
    assert found[0]["content_type"].startswith("application/x-deleted")
    assert [one["version_id"] for one in found[1:]] == [second, first]
    assert send("DELETE", f"/c/o?version-id={first}").status == 204
    assert send("GET", f"/c/o?version-id={first}").status == 404
    assert send("DELETE", f"/c/o?version-id={first}").status == 404
    assert send("GET", "/c/o?version-id=x").status == 400
    assert send("POST", "/c", X_Versions_Enabled="false").status == 204
    assert send("PUT", "/c/o", b"three").status == 201
    assert send("GET", f"/c/o?version-id={second}").content == b"two"
    send("DELETE", "/c/o")
    send("DELETE", f"/c/{quote('dir/ü o')}")
    assert send("DELETE", "/c").status == 409
    for one in send("GET", "/c?versions&format=json").json:
        path = f"/c/{quote(one['name'])}?version-id={one['version_id']}"
        assert send("DELETE", path).status == 204
    assert send("DELETE", "/c").status == 204


def test_a_former_version_becomes_the_present_one(send: Send) -> None:
    assert send("PUT", "/c/o", b"zero").status == 201
    assert send("PUT", "/c/o?version-id=1").status == 400, "no versions are kept there"
    send("POST", "/c", X_Versions_Enabled="true")
    first = send("PUT", "/c/o", b"one", X_Object_Meta_Colour="blue", Content_Type="text/x-one")
    serial = first.headers["x-object-version-id"]
    send("PUT", "/c/o", b"two")
    assert send("PUT", f"/c/o?version-id={serial}", b"body").status == 400
    assert send("POST", f"/c/o?version-id={serial}").status == 400
    assert send("PUT", "/c/o?version-id=99999").status == 404
    assert send("PUT", f"/c/other?version-id={serial}").status == 404
    assert send("GET", "/c/o").content == b"two"
    assert send("PUT", f"/c/o?version-id={serial}").status == 201
    again = send("GET", "/c/o")
    assert again.content == b"one" and again.headers["content-type"] == "text/x-one"
    assert again.headers["x-object-meta-colour"] == "blue"
    kept = send("GET", "/c?versions&format=json&prefix=o").json
    assert [one["is_latest"] for one in kept].count(True) == 1
    assert {send("GET", f"/c/o?version-id={one['version_id']}").content for one in kept} >= {
        b"one",
        b"two",
    }


@pytest.mark.parametrize("kind", ["", "gz", "bz2"])
def test_archives_are_unpacked(send: Send, kind: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=f"w:{kind}") as archive:
        for name in ("a", "d/b", "d/ü"):
            entry = tarfile.TarInfo(name)
            entry.size = len(name.encode())
            archive.addfile(entry, io.BytesIO(name.encode()))
        archive.addfile(tarfile.TarInfo("link"), None)
        folder = tarfile.TarInfo("d")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    body = packed.getvalue()
    word = f"tar.{kind}" if kind else "tar"
    told = send("PUT", f"/new/in?extract-archive={word}", body, Accept="application/json").json
    assert (told["Number Files Created"], told["Response Status"]) == (4, "201 Created")
    assert send("GET", f"/new/in/{quote('d/ü')}").content == "d/ü".encode()
    bad = send("PUT", f"/new?extract-archive={word}", b"no archive", Accept="application/json")
    assert bad.json["Response Status"] == "400 Bad Request"
    assert send("PUT", "/new?extract-archive=zip", body).status == 400


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "quota"), "sqlite"]
)
def test_a_full_disk_is_told(error: Any) -> None:
    if error == "sqlite":
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL

    def fail(_request: Request) -> Answer:
        raise error

    application = Application()
    application.mount(Service(("/x",), fail, _shape))
    told: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/x/y", "wsgi.input": io.BytesIO()}
    body = application(environ, lambda status, _headers: told.append(status))
    assert told == ["507 Insufficient Storage"] and b"no room left" in b"".join(body)
