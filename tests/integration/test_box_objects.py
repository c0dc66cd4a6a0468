"""Object storage of a box under attack: other tenants, odd names, huge bodies, sudden ends."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path, PurePath
from urllib.parse import quote, urlsplit

import pytest

from pelagos.box import Box, Person
from pelagos.box.chaos import Chaos
from pelagos.box.objects.hashmap import BLOCK_SIZE, block_digest, top_hash
from support.box_site import Reply, ask

SUPPORT = Path(__file__).parents[1]
OCTETS = "application/octet-stream"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as box:
        yield box


def _swift(box: Box, person: Person, method: str, path: str, body: bytes = b"", *,
           token: str | None = None, **headers: str) -> Reply:  # fmt: skip
    place = f"/swift/v1/AUTH_{person.project_id}{path}"
    return ask(box.url, method, place, body, token=token or person.token(), **headers)


def _pithos(box: Box, person: Person, method: str, path: str, body: bytes = b"", *,
            token: str | None = None, **headers: str) -> Reply:  # fmt: skip
    place = f"/pithos/object-store/v1/{person.user_id}{path}"
    told = {"Content_Type": OCTETS, **headers}
    return ask(box.url, method, place, body, token=token or person.token(), **told)


FACES = {"swift": _swift, "pithos": _pithos}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    "size", [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE + 7]
)
def test_what_was_put_is_got(box: Box, face: str, size: int) -> None:
    person, ask_it = box.person("ann"), FACES[face]
    ask_it(box, person, "PUT", "/sizes")
    zeros = bytes(size // 2)
    body = os.urandom(size - len(zeros)) + zeros
    assert ask_it(box, person, "PUT", f"/sizes/{size}", body).status == 201
    got = ask_it(box, person, "GET", f"/sizes/{size}")
    assert got.status == 200 and got.content == body
    if size > 2:
        part = ask_it(box, person, "GET", f"/sizes/{size}", Range=f"bytes=1-{size - 2}")
        assert part.status == 206 and part.content == body[1 : size - 1]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "a//b",
        "..",
        "/lead",
        "tail/",
        "ü~'\"<&>",
        "a%2Fb",
        "%",
        "x?y#z",
        ".",
    ],
)
def test_odd_names_are_names_and_nothing_else(box: Box, face: str, name: str) -> None:
    person, ask_it = box.person("ann"), FACES[face]
    ask_it(box, person, "PUT", "/odd")
    path = f"/odd/{quote(name, safe='/')}"
    before, around = _names(box.folder), _names(box.folder.parent)
    assert ask_it(box, person, "PUT", path, name.encode()).status == 201
    assert ask_it(box, person, "GET", path).content == name.encode()
    listed = ask_it(box, person, "GET", "/odd?format=json")
    assert name in {one["name"] for one in listed.json}
    assert ask_it(box, person, "DELETE", path).status == 204
    assert _names(box.folder) == before
    assert PurePath(name).name not in _names(box.folder.parent) - around


def _names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["", "/private", "/private/o", "/private/new", "/nothing"])
def test_nobody_reaches_what_is_anothers(box: Box, face: str, method: str, path: str) -> None:
    ann, bob = box.person("ann"), box.person("bob")
    ask_it = FACES[face]
    ask_it(box, ann, "PUT", "/private")
    ask_it(box, ann, "PUT", "/private/o", b"secret")
    refused = ask_it(box, ann, method, path, token=bob.token())
    nobody = ask_it(box, ann, method, path, token="wrong")
    assert refused.status in ({403, 405} if method == "PUT" else {403, 405, 404} - {404})
    assert nobody.status == 401
    assert b"secret" not in refused.content + nobody.content
    assert ask_it(box, ann, "GET", "/private/o").content == b"secret"


def test_access_lists_of_swift_let_others_read(box: Box) -> None:
    ann, bob = box.person("ann"), box.person("bob")
    _swift(box, ann, "PUT", "/open", X_Container_Read=f"{bob.project_id}:*")
    _swift(box, ann, "PUT", "/open/o", b"x")
    assert _swift(box, ann, "GET", "/open/o", token=bob.token()).content == b"x"
    assert _swift(box, ann, "PUT", "/open/o", b"y", token=bob.token()).status == 403
    place = f"{box.url}/swift/v1/AUTH_{ann.project_id}"
    assert ask(place, "GET", "/open/o").status == 401
    _swift(box, ann, "POST", "/open", X_Container_Read=".r:*")
    assert ask(place, "GET", "/open/o").content == b"x"
    assert ask(place, "GET", "/open").status == 401


def test_a_body_that_is_too_large_is_refused_before_it_comes(box: Box) -> None:
    ann = box.person("ann")
    _swift(box, ann, "PUT", "/c")
    address = urlsplit(box.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=60) as raw:
        raw.sendall(
            f"PUT /swift/v1/AUTH_{ann.project_id}/c/o HTTP/1.1\r\nHost: x\r\n"
            f"X-Auth-Token: {ann.token()}\r\nContent-Length: {10**15}\r\n\r\n".encode()
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_container_takes_no_more_than_its_quota_though_nothing_is_announced(box: Box) -> None:
    ann = box.person("ann")
    _swift(box, ann, "PUT", "/full", X_Container_Meta_Quota_Bytes="100000")
    connection = http.client.HTTPConnection(urlsplit(box.url).netloc, timeout=60)
    pieces = itertools.repeat(b"x" * 65_536, 200)
    headers = {"X-Auth-Token": ann.token(), "Transfer-Encoding": "chunked"}
    place = f"/swift/v1/AUTH_{ann.project_id}/full/o"
    with contextlib.suppress(ConnectionError):  # it said enough
        connection.request("PUT", place, pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert _swift(box, ann, "GET", "/full/o").status == 404


def test_a_wrong_sum_keeps_nothing(box: Box) -> None:
    ann = box.person("ann")
    _swift(box, ann, "PUT", "/c")
    assert _swift(box, ann, "PUT", "/c/sum", b"x", Etag="0" * 32).status == 422
    assert _swift(box, ann, "GET", "/c/sum").status == 404


def test_a_body_that_ends_early_keeps_nothing(box: Box) -> None:
    ann = box.person("ann")
    _swift(box, ann, "PUT", "/c")
    address = urlsplit(box.url)
    for length in (
        "Content-Length: 300000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n30000\r\n",
    ):
        with socket.create_connection((address.hostname or "", address.port or 0)) as raw:
            raw.sendall(
                f"PUT /swift/v1/AUTH_{ann.project_id}/c/half HTTP/1.1\r\nHost: x\r\n"
                f"X-Auth-Token: {ann.token()}\r\n{length}".encode()
                + b"x" * 100_000
            )
            raw.shutdown(socket.SHUT_WR)
            raw.settimeout(60)
            while raw.recv(1000):
                pass
        assert _swift(box, ann, "GET", "/c/half").status == 404


def test_large_objects_are_their_segments(box: Box) -> None:
    ann = box.person("ann")
    _swift(box, ann, "PUT", "/seg")
    parts = [os.urandom(100_000) for _ in range(3)]
    manifest = []
    for number, part in enumerate(parts):
        _swift(box, ann, "PUT", f"/seg/{number}", part)
        tag = hashlib.md5(part, usedforsecurity=False).hexdigest()
        manifest.append({"path": f"/seg/{number}", "etag": tag, "size_bytes": len(part)})
    whole = b"".join(parts)
    body = json.dumps(manifest).encode()
    made = _swift(box, ann, "PUT", "/seg/all?multipart-manifest=put", body)
    assert made.status == 201
    got = _swift(box, ann, "GET", "/seg/all")
    assert got.content == whole and got.headers["x-static-large-object"] == "True"
    assert (
        _swift(box, ann, "GET", "/seg/all", Range="bytes=99990-200010").content
        == (whole[99_990:200_011])
    )
    manifest[1]["etag"] = "0" * 32
    body = json.dumps(manifest).encode()
    assert _swift(box, ann, "PUT", "/seg/bad?multipart-manifest=put", body).status == 400
    _swift(box, ann, "PUT", "/seg/1", b"other")
    assert _swift(box, ann, "GET", "/seg/all").status == 409
    gone = _swift(box, ann, "DELETE", "/seg/all?multipart-manifest=delete")
    assert gone.json["Number Deleted"] == 4


def test_a_block_goes_when_nothing_names_it_and_not_before(box: Box) -> None:
    ann = box.person("ann")
    _swift(box, ann, "PUT", "/blocks")
    body = os.urandom(1000)
    digest = block_digest(body).hex()
    path = box.folder / "blocks" / digest[:2] / digest
    for name in ("a", "b"):
        _swift(box, ann, "PUT", f"/blocks/{name}", body)
    _swift(box, ann, "DELETE", "/blocks/a")
    assert path.exists()
    _swift(box, ann, "PUT", "/blocks/b", b"other")
    assert not path.exists()


def test_readers_and_writers_of_one_object_see_whole_versions(box: Box) -> None:
    ann = box.person("ann")
    token = ann.token()
    _swift(box, ann, "PUT", "/busy")
    bodies = [bytes([letter]) * 300_000 for letter in b"abcd"]
    _swift(box, ann, "PUT", "/busy/o", bodies[0])
    whole = [(200, body) for body in bodies]
    wrong: list[object] = []

    def write(body: bytes) -> None:
        for _ in range(15):
            made = _swift(box, ann, "PUT", "/busy/o", body, token=token)
            if made.status != 201:
                wrong.append(made)

    def read() -> None:
        for _ in range(30):
            got = _swift(box, ann, "GET", "/busy/o", token=token)
            if (got.status, got.content) not in whole:
                wrong.append((got.status, got.content[:100], len(got.content)))

    threads = [threading.Thread(target=write, args=(body,)) for body in bodies]
    threads += [threading.Thread(target=read) for _ in range(3)]
    _run(threads)
    assert not wrong


def test_only_missing_blocks_of_a_map_are_asked_for(box: Box) -> None:
    ann = box.person("ann")
    _pithos(box, ann, "PUT", "/maps")
    blocks = [os.urandom(BLOCK_SIZE), os.urandom(BLOCK_SIZE), b"end"]
    digests = [block_digest(one) for one in blocks]
    told = {"bytes": 2 * BLOCK_SIZE + 3, "hashes": [one.hex() for one in digests]}
    body = json.dumps(told).encode()
    first = _pithos(box, ann, "PUT", "/maps/o?hashmap", body)
    assert first.status == 409 and first.json == told["hashes"]
    for block in blocks:
        _pithos(box, ann, "POST", "/maps?update", block)
    made = _pithos(box, ann, "PUT", "/maps/o?hashmap", body)
    assert made.status == 201 and made.headers["etag"] == top_hash(digests)
    assert _pithos(box, ann, "GET", "/maps/o").content == b"".join(blocks)


def test_the_quota_of_a_project_holds(box: Box) -> None:
    poor = box.person("poor")
    box.limit(poor.project_id, "pithos.diskspace", 1000)
    _pithos(box, poor, "PUT", "/c")
    assert _pithos(box, poor, "PUT", "/c/a", b"x" * 900).status == 201
    refused = _pithos(box, poor, "PUT", "/c/b", b"x" * 200)
    assert refused.status == 413 and "fault" in refused.json
    assert _pithos(box, poor, "PUT", "/c/a", b"x" * 1000).status == 201


def _mortal(folder: Path) -> tuple[subprocess.Popen[str], list[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "support.mortal_box", str(folder)],
        stdout=subprocess.PIPE, text=True, cwd=SUPPORT,
    )  # fmt: skip
    assert process.stdout is not None
    return process, process.stdout.readline().split()


class Uploader:
    """Uploads from three threads until the box is gone."""

    def __init__(self, place: str, token: str, kept: dict[str, bytes]) -> None:
        self._place = place
        self._token = token
        self._kept = kept
        self.tried: dict[str, bytes] = {}

    def run(self) -> None:
        _run([threading.Thread(target=self._work, args=(number,)) for number in range(3)])

    def _work(self, worker: int) -> None:
        for number in itertools.count():
            name, body = f"{worker}-{number % 7}", os.urandom(50_000)
            try:
                made = ask(self._place, "PUT", f"/c/{name}", body, token=self._token)
            except (OSError, http.client.HTTPException):
                self.tried[name] = body
                return
            assert made.status == 201
            self._kept[name] = body


def _run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    kept: dict[str, bytes] = {}
    for life in range(3):
        process, (url, project, _, token) = _mortal(tmp_path)
        place = f"{url}/swift/v1/AUTH_{project}"
        assert ask(place, "PUT", "/c", token=token).status in {201, 202}
        uploader = Uploader(place, token, kept)
        killer = threading.Timer(0.7 + 0.4 * life, process.kill)
        killer.start()
        uploader.run()
        killer.join()
        process.communicate()
        with Box(tmp_path) as box:
            _check(box, kept, uploader.tried)
    assert kept


def _check(box: Box, kept: dict[str, bytes], tried: dict[str, bytes]) -> None:
    person = box.person("demo")
    listed = _swift(box, person, "GET", "/c?format=json").json
    names = {one["name"] for one in listed}
    assert set(kept) <= names <= set(kept) | set(tried)
    for name in names:
        got = _swift(box, person, "GET", f"/c/{name}").content
        assert got in (kept.get(name), tried.get(name))  # what was on its way is there, or not
        kept[name] = got
    head = _swift(box, person, "HEAD", "/c").headers
    assert int(head["x-container-object-count"]) == len(names)
    assert int(head["x-container-bytes-used"]) == sum(one["bytes"] for one in listed)


def test_faults_come_as_asked_and_again_with_the_same_seed() -> None:
    told = []
    for _ in range(2):
        with Box(chaos=Chaos.parse("429=20%,503=10%,drop=10%,cut=10%,seed=7")) as box:
            seen = []
            for _ in range(60):
                try:
                    reply = ask(box.url, "GET", "/identity/v3")
                    seen.append(str(reply.status))
                    if reply.status in {429, 503}:
                        assert reply.headers["retry-after"] == "1"
                except http.client.IncompleteRead:
                    seen.append("cut")
                except (ConnectionError, http.client.RemoteDisconnected):
                    seen.append("drop")
            told.append(seen)
    assert told[0] == told[1]
    assert set(told[0]) == {"200", "429", "503", "cut", "drop"}
