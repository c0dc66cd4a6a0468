"""The master's binary cache over real HTTP: pieces, ranges, rights, cut transfers."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.web import Server
from pelagos.slap.master import CacheSettings, Master, person
from pelagos.slap.master.auth import Kind, Role

pytestmark = pytest.mark.integration


class Site:
    """A master with a cache, and one token of each kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master = Master(
            f"sqlite:///{folder / 'm.db'}",
            cache=CacheSettings(folder / "cache", uploaders=("COMP-1",)),
        )
        service = self.master.service
        self.admin = service.create_person("admin")
        self.first = service.register_computer("COMP-1")
        self.second = service.register_computer("COMP-2")
        self.server = Server(self.master.app)
        self.server.start()

    def call(
        self, verb: str, path: str, body: object = None, token: str = "", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        token = token or self.admin
        sent = {"Authorization": f"Bearer {token}", **headers} if token != "none" else headers
        connection.request(verb, path, body, sent)  # type: ignore[arg-type]  # bytes or a file
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def files(self) -> list[Path]:
        files = (path for path in (self.folder / "cache").rglob("*") if path.is_file())
        return [path for path in files if path.suffix != ".lock"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.server.stop()
    made.master.close()


def test_what_went_up_comes_down(site: Site) -> None:
    content = os.urandom(3_000_001)
    sha512 = hashlib.sha512(content).hexdigest()
    answer, body = site.call("POST", "/cache/sha/", content)
    assert (answer.status, body) == (201, sha512.encode())
    answer, body = site.call("GET", f"/cache/sha/{sha512}", token=site.second)
    assert (answer.status, body) == (200, content)
    assert answer.getheader("Accept-Ranges") == "bytes"
    answer, body = site.call("HEAD", f"/cache/sha/{sha512}")
    assert (answer.status, answer.getheader("Content-Length"), body) == (200, "3000001", b"")


def test_a_part_can_be_asked_for(site: Site) -> None:
    content = bytes(range(256)) * 10
    _, sha512 = site.call("POST", "/cache/sha", content)
    path = f"/cache/sha/{sha512.decode()}"
    for header, expected in (
        ("bytes=0-9", content[:10]),
        ("bytes=2500-", content[2500:]),
        ("bytes=2550-9999", content[2550:]),
        ("bytes=-7", content[-7:]),
    ):
        answer, body = site.call("GET", path, Range=header)
        assert (answer.status, body) == (206, expected), header
    answer, _ = site.call("GET", path, Range="bytes=2560-")
    assert (answer.status, answer.getheader("Content-Range")) == (416, "bytes */2560")
    for header in ("bytes=1-2,4-5", "lines=1-2", "bytes=-", "bytes=x-"):
        answer, body = site.call("GET", path, Range=header)
        assert (answer.status, body) == (200, content), header


def test_entries_in_the_original_words(site: Site) -> None:
    answer, _ = site.call("PUT", "/cache/dir/abc", b'["{\\"sha512\\": \\"1\\"}", "sig"]')
    assert answer.status == 201
    _, body = site.call("GET", "/cache/dir/abc")
    assert body == b'[["{\\"sha512\\": \\"1\\"}","sig"]]'
    assert site.call("GET", "/cache/dir/other")[0].status == 404


def test_who_may(site: Site) -> None:
    assert site.call("GET", "/cache/dir/abc", token="none")[0].status == 401
    assert site.call("POST", "/cache/sha", b"x", token="none")[0].status == 401
    assert site.call("POST", "/cache/sha", b"x", token=site.second)[0].status == 403
    assert site.call("PUT", "/cache/dir/k", b'["{}", ""]', token=site.second)[0].status == 403
    assert site.call("POST", "/cache/sha", b"x", token=site.first)[0].status == 201
    assert len(site.files()) == 1


def test_a_star_stands_for_the_computers_of_the_site(tmp_path: Path) -> None:
    with contextlib.closing(
        Master(
            f"sqlite:///{tmp_path / 'm.db'}",
            cache=CacheSettings(tmp_path / "cache", spare=0, uploaders=("*",)),
        )
    ) as found:
        service = found.service
        service.create_person("ann", Role.TENANT)
        site = service.register_computer("OURS")
        secret, _ = service.invite(Kind.COMPUTER, person("ann", Role.TENANT), name="HERS")
        hers = service.join(secret).token
        client = found.app.test_client()
        for token, status in ((site, 201), (hers, 403)):
            headers = {"Authorization": f"Bearer {token}"}
            assert client.post("/cache/sha", data=b"x", headers=headers).status_code == status
            answer = client.put("/cache/dir/k", data=b'["{}", "x"]', headers=headers)
            assert answer.status_code == status


def test_a_wrong_hash_is_refused(site: Site) -> None:
    answer, _ = site.call("PUT", f"/cache/sha/{'0' * 128}", b"x")
    assert answer.status == 400
    assert site.files() == []


def test_an_upload_that_is_cut_leaves_nothing(site: Site) -> None:
    head = f"POST /cache/sha HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.admin}\r\n"
    with socket.create_connection(("127.0.0.1", site.server.port)) as peer:
        peer.sendall(f"{head}Content-Length: 5000000\r\n\r\n".encode() + b"x" * 1_000_000)
        time.sleep(0.3)
    end = time.monotonic() + 60
    while site.files() and time.monotonic() < end:
        time.sleep(0.05)
    assert site.files() == []
    assert site.call("GET", "/v1/health")[0].status == 200


def test_large_archives_do_not_fill_the_memory(site: Site, tmp_path: Path) -> None:
    size = 150_000_000
    with (tmp_path / "large").open("wb") as out:
        out.truncate(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (tmp_path / "large").open("rb") as source:
        headers = {"Content-Length": str(size)}
        answer, body = site.call("POST", "/cache/sha", source, **headers)
    assert answer.status == 201
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=60)
    headers = {"Authorization": f"Bearer {site.admin}"}
    connection.request("GET", f"/cache/sha/{body.decode()}", headers=headers)
    answer = connection.getresponse()
    got = 0
    while piece := answer.read(1 << 20):
        got += len(piece)
    connection.close()
    assert got == size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KiB
