"""The original network cache's client at our store, and our agent's at the original's store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.web import Server
from pelagos.slap.agent.archive import pack
from pelagos.slap.agent.cache import BinaryCache, CacheMiss
from pelagos.slap.agent.cache_use import CacheUse
from pelagos.slap.agent.layout import Layout
from pelagos.slap.binary_cache import Platform, release_key
from pelagos.slap.master import CacheSettings, Master
from support import slapos_peer
from support.signing import make_pair
from support.slapos_peer import Node, PeerMissingError, Proxy

pytestmark = [pytest.mark.interop, pytest.mark.timeout(400)]

URL = "http://example.invalid/software.cfg"
HERE = Platform("x86_64-linux-gnu", ("debian", "12", "bookworm"))

#: Their client, which would send a token only as a broken header, with a good one.
CLIENT = """
import json, sys
from slapos.libnetworkcache import NetworkcacheClient
class Client(NetworkcacheClient):
    def _request(self, where, name=None, data=None, headers=None):
        headers = dict(headers or {}, Authorization="Bearer " + TOKEN)
        return super()._request(where, name, data, headers)
BASE, TOKEN, KEY, CERTIFICATE, RELEASE, ARCHIVE, ROOT = sys.argv[1:]
client = Client({
    "download-cache-url": BASE + "/sha", "upload-cache-url": BASE + "/sha",
    "download-dir-url": BASE + "/dir", "upload-dir-url": BASE + "/dir",
    "signature-private-key-file": KEY, "signature-certificate-list": open(CERTIFICATE).read(),
})
"""
UPLOAD = f"""{CLIENT}
with open(ARCHIVE, "rb") as stream:
    print(client.upload(stream, RELEASE, software_url={URL!r}, software_root=ROOT,
        multiarch="x86_64-linux-gnu", os=["debian", "12", "bookworm"]))
"""
DOWNLOAD = f"""{CLIENT}
entries = list(client.select(RELEASE))
answer = client.download(entries[0]["sha512"])
with open(ARCHIVE, "wb") as out:
    while piece := answer.read(65536):
        out.write(piece)
print(json.dumps(entries))
"""


@pytest.fixture(scope="module")
def programs(require: Any) -> Path:
    try:
        return slapos_peer.install()
    except PeerMissingError as error:
        require.missing(str(error))
        raise


@dataclass
class Place:
    """A computer with a built release, an RSA key and its certificate."""

    layout: Layout
    archive: Path
    key: Path
    certificate: Path

    def use(self, base: str, sha: str, token: str | None = None) -> CacheUse:
        return CacheUse(
            f"{base}/{sha}",
            f"{base}/dir",
            token=token,
            certificates=self.certificate,
            signing_key=self.key,
        )

    def fetch(self, use: CacheUse) -> Path:
        into = self.layout.software / ".unpacked"
        cache = BinaryCache(use, self.layout, here=HERE)
        cache.fetch(URL, threading.Event(), into=into)
        return into


@pytest.fixture
def place(tmp_path: Path) -> Place:
    layout = Layout(tmp_path / "node", 1)
    folder = layout.release(URL)
    (folder / "bin").mkdir(parents=True)
    (folder / "instance.cfg").write_text("[buildout]\nparts =\n")
    (folder / "bin" / "buildout").write_text("#!/bin/sh\n")
    archive = tmp_path / "archive.tar.gz"
    with archive.open("wb") as out:
        pack(folder, out)
    key, certificate = make_pair(tmp_path, "builder", kind="rsa")
    return Place(layout, archive, key, certificate)


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and token of a store of ours."""
    master = Master(
        f"sqlite:///{tmp_path / 'm.db'}", cache=CacheSettings(tmp_path / "cache", spare=0)
    )
    token = master.service.create_person("admin")
    server = Server(master.app)
    server.start()
    yield f"{server.url}/cache", token
    server.stop()
    master.close()


def run(
    programs: Path, tmp_path: Path, code: str, place: Place, ours: tuple[str, str], file: Path
) -> str:
    node = Node(programs, tmp_path / "peer", ours[0])
    words = [*ours, str(place.key), str(place.certificate), release_key(URL), str(file)]
    return node.python(code, *words, str(place.layout.software))


def test_what_the_original_uploads_we_fetch(
    programs: Path, tmp_path: Path, place: Place, ours: tuple[str, str]
) -> None:
    run(programs, tmp_path, UPLOAD, place, ours, place.archive)
    use = place.use(ours[0], "sha", ours[1])
    with pytest.raises(CacheMiss, match="not signed by anybody who is believed"):
        place.fetch(use)  # SHA-1 alone counts only where a site says so
    old = CacheUse(use.url, use.directory_url, token=ours[1], old_certificates=place.certificate)
    assert (place.fetch(old) / "instance.cfg").exists()


def test_what_we_upload_the_original_fetches(
    programs: Path, tmp_path: Path, place: Place, ours: tuple[str, str]
) -> None:
    use = place.use(ours[0], "sha", ours[1])
    BinaryCache(use, place.layout, here=HERE).share(URL, place.archive)
    got = tmp_path / "got.tar.gz"
    (entry,) = json.loads(run(programs, tmp_path, DOWNLOAD, place, ours, got))
    assert got.read_bytes() == place.archive.read_bytes()
    assert entry["software_url"] == URL and entry["os"] == ["debian", "12", "bookworm"]


def test_our_agent_at_the_original_store(programs: Path, tmp_path: Path, place: Place) -> None:
    for name in ("content", "metadata"):
        (tmp_path / name).mkdir()
    options = (
        f"shacache_content_directory = {tmp_path}/content\n"
        f"shacache_metadata_directory = {tmp_path}/metadata\n"
    )
    with Proxy(programs, tmp_path / "proxy", options=options) as proxy:
        use = place.use(f"{proxy.url}/shacache", "cache")
        with pytest.raises(CacheMiss, match="no build of it"):
            place.fetch(use)
        BinaryCache(use, place.layout, here=HERE).share(URL, place.archive)
        found = place.fetch(use)
        assert (found / "instance.cfg").exists()
