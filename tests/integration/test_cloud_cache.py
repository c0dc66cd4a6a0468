"""Built releases in the object storage of a cloud, as agents share them."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.core.errors import ConfigError
from pelagos.core.http.errors import HttpError
from pelagos.plane.cloud_cache import CloudArchives, CloudEntries
from pelagos.plane.cloud_place import CloudPlace
from pelagos.slap.agent.cache import BinaryCache, CacheMiss
from pelagos.slap.agent.cache_use import CacheUse
from pelagos.slap.agent.layout import Layout
from pelagos.slap.binary_cache import Platform, release_key
from support.agent_site import Site
from support.cloud_lines import Lines
from support.signing import make_pair

pytestmark = pytest.mark.integration

HERE = Platform("x86_64-linux-gnu", ("debian", "12", "bookworm"))
WEB = "[web]\nrecipe = pelagos:template\noutput = $${buildout:directory}/x\ninline = y"
URL = "http://example.test/software.cfg"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


class Cloud:
    """A person's object storage, and the cache in it."""

    def __init__(self, box: Box, folder: Path, kind: str) -> None:
        self.lines = Lines(box, folder / "home", who=f"{kind}-{folder.name}"[:60])
        self.lines.environ["PELAGOS_CLOUD"] = kind
        self.key, self.certificate = make_pair(folder, "site")
        storage = CloudPlace.of(f"cloud:{kind}/releases/built").open(self.lines.environ)
        self.stores = (CloudArchives(storage), CloudEntries(storage))
        self.use = CacheUse(
            "cloud:", "", certificates=self.certificate, signing_key=self.key, stores=self.stores
        )

    def until_uploaded(self, url: str) -> None:
        until(lambda: self.entries(url))

    def entries(self, url: str) -> bool:
        with self.stores[1].get(release_key(url)) as answer:
            return answer.status == 200


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(params=["swift", "pithos"])
def cloud(request: pytest.FixtureRequest, box: Box, tmp_path: Path) -> Cloud:
    return Cloud(box, tmp_path, request.param)


def test_a_computer_fetches_what_another_one_built(cloud: Cloud, tmp_path: Path) -> None:
    site = Site(tmp_path)
    try:
        site.start(cache=replace(cloud.use, upload=True, retry_first=0.5))
        url = site.release("one", "web", WEB)
        site.supply(url)
        site.until_release(url, "ok")
        cloud.until_uploaded(url)
        folder = site.layout.release(url)
        site.stop()
        shutil.rmtree(folder)
        Path(url).unlink()  # it cannot be built any more
        site.start(cache=cloud.use)
        site.request("one", url)
        site.until_started("one")
        assert (folder / "bin/buildout").exists()
    finally:
        site.close()
    names = {
        one["name"] for one in cloud.lines.done("object", "list", "-r", "releases", "-j").data
    }
    assert {name.split("/")[1] for name in names} == {"sha", "dir"}


class Desk:
    """A computer's cache without the rest of an agent."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.layout = Layout(folder / "desk", 1)
        self.layout.software.mkdir(parents=True)
        self.cache = BinaryCache(cloud.use, self.layout, here=HERE)
        self.into = self.layout.software / ".unpacked"
        self.archive = folder / "archive"
        self.archive.write_bytes(bytes(range(256)) * 40_000)

    def miss(self) -> str:
        with pytest.raises(CacheMiss) as missed:
            self.cache.fetch(URL, threading.Event(), into=self.into)
        return missed.value.message


def test_what_a_cloud_forges_is_not_believed(cloud: Cloud, tmp_path: Path) -> None:
    desk = Desk(cloud, tmp_path)
    assert "the cache has no build of it" in desk.miss()
    desk.cache.share(URL, desk.archive)
    desk.cache.share(URL, desk.archive)  # again is harmless
    listed = cloud.lines.done("object", "list", "-r", "releases", "-j").data
    names = [one["name"] for one in listed]
    assert len(names) == 3  # one archive, and what two builds say of it
    archive = next(name for name in names if "/sha/" in name)
    cloud.lines.done("object", "upload", "-", f"releases/{archive}", "-f", stdin=b"evil")
    assert "is not the one that was signed" in desk.miss()
    for name in names:
        if "/dir/" in name:
            cloud.lines.done("object", "upload", "-", f"releases/{name}", "-f", stdin=b'["{}",""]')
    cloud.lines.done(
        "object", "upload", "-", f"releases/built/dir/{release_key(URL)}/x", stdin=b"{" * 10**6
    )
    assert desk.miss()


def test_an_interrupted_fetch_goes_on(cloud: Cloud, tmp_path: Path) -> None:
    desk = Desk(cloud, tmp_path)
    data = desk.archive.read_bytes()
    with desk.archive.open("rb") as file:
        answer = cloud.stores[0].send("POST", "", file, length=len(data))
    assert answer.status == 201
    sha512 = answer.text
    with cloud.stores[0].get(sha512, offset=len(data) - 10) as found:
        assert (found.status, b"".join(found.pieces())) == (206, data[-10:])
    with cloud.stores[0].get(sha512, offset=len(data)) as found:
        assert found.status == 416
    with cloud.stores[0].get("../dir/x") as found:
        assert found.status == 404


def test_a_cloud_that_is_away_is_an_error_that_passes(tmp_path: Path) -> None:
    with Box(tmp_path / "box") as box:
        cloud = Cloud(box, tmp_path, "pithos")
    desk = Desk(cloud, tmp_path)
    with pytest.raises(HttpError) as missed:
        desk.cache.share(URL, desk.archive)
    assert "cloud:pithos/releases/built/" in missed.value.message
    assert desk.miss()


def test_a_place_is_written_as_a_place() -> None:
    assert CloudPlace.of("cloud:work/c/a/b/") == CloudPlace("work", "c", "a/b/")
    for text in ("cloud:", "cloud:work", "cloud:/c"):
        with pytest.raises(ConfigError, match="names no place"):
            CloudPlace.of(text)
    with pytest.raises(ConfigError, match="cloud"):
        CloudPlace.of("cloud:nowhere/c").open({"HOME": "/nonexistent", "PELAGOS_CONFIG": ""})
