"""Computers share what they built through the master's binary cache, for real."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.core import wire
from pelagos.core.errors import ConfigError
from pelagos.core.http.transfer import Transfers
from pelagos.slap.agent.cache import BinaryCache, CacheMiss
from pelagos.slap.agent.cache_use import CacheUse
from pelagos.slap.agent.layout import Layout
from pelagos.slap.binary_cache import Entry, Platform, canonical, encode_entry, release_key
from pelagos.slap.master import CacheSettings
from support.agent_site import COMPUTER, Site
from support.cutting_proxy import CuttingProxy
from support.signing import make_pair

pytestmark = pytest.mark.integration

HERE = Platform("x86_64-linux-gnu", ("debian", "12", "bookworm"))
WEB = "[web]\nrecipe = pelagos:template\noutput = $${buildout:directory}/x\ninline = y"
URL = "http://example.test/software.cfg"


class Share:
    """A site with a cache, keys, and a computer's way to use it."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(
            folder, store=CacheSettings(folder / "store", spare=0, uploaders=(COMPUTER,))
        )
        self.key, self.certificate = make_pair(folder, "site")
        self.store = folder / "store"
        self.use = self.use_at(self.site.server.url)

    def use_at(self, url: str, **options: object) -> CacheUse:
        given = {
            "token": self.site._token,
            "certificates": self.certificate,
            "signing_key": self.key,
            "retry_first": 0.5,
            **options,
        }
        return CacheUse(f"{url}/cache/sha", f"{url}/cache/dir", **given)  # type: ignore[arg-type]

    def entries(self, url: str) -> list[list[str]]:
        transfers = Transfers(self.site.server.url, token=self.site._person)
        with transfers.get(f"cache/dir/{release_key(url)}") as answer:
            body = b"".join(answer.pieces())
        return wire.decode(body, list[list[str]]) if answer.status == 200 else []

    def until_uploaded(self, url: str) -> None:
        end = time.monotonic() + 30
        while not self.entries(url):
            assert time.monotonic() < end, "it was not uploaded"
            time.sleep(0.05)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    made = Share(tmp_path)
    yield made
    made.site.close()


def test_the_second_computer_fetches_what_the_first_one_built(share: Share) -> None:
    site = share.site
    site.start(cache=replace(share.use, upload=True))
    url = site.release("one", "web", WEB)
    site.supply(url)
    site.until_release(url, "ok")
    share.until_uploaded(url)
    folder = site.layout.release(url)
    site.stop()

    assert not (folder / ".pelagos-upload").exists()
    built = {path.relative_to(folder) for path in folder.rglob("*")}
    shutil.rmtree(folder)
    Path(url).unlink()  # it cannot be built any more
    site.start(cache=share.use)
    site.request("one", url)
    site.until_started("one")
    fetched = {path.relative_to(folder) for path in folder.rglob("*")}
    own = {".completed", ".pelagos-built", ".pelagos-failed", ".pelagos-upload"}
    assert {p for p in built if p.name not in own} <= fetched
    assert not list(site.layout.software.glob(".fetched-*"))
    assert not list(site.layout.software.glob(".unpacked-*"))


def test_without_a_good_build_in_the_cache_it_is_built_and_the_log_says_why(share: Share) -> None:
    site = share.site
    site.start(cache=share.use)
    url = site.release("one", "", "")
    site.supply(url)
    site.until_release(url, "ok")
    log = site.layout.release_log(url).read_text()
    assert log.startswith("The binary cache is not used: the cache has no build of it.")


def test_a_forced_release_is_never_built(share: Share) -> None:
    site = share.site
    url = site.release("one", "", "")
    site.start(cache=replace(share.use, forced=(url[:5],)))
    site.supply(url)
    release = site.until_release(url, "release-not-cached")
    assert "the cache has no build of it" in release.cause.message
    assert not site.layout.release(url).exists()


def test_an_upload_survives_a_master_that_was_away(share: Share) -> None:
    site = share.site
    use = share.use_at("http://127.0.0.1:9", upload=True)  # nobody listens there
    site.start(cache=use)
    url = site.release("one", "", "")
    site.supply(url)
    site.until_release(url, "ok")  # the build does not wait for the upload
    site.stop()
    assert (site.layout.release(url) / ".pelagos-upload").exists()
    site.start(cache=replace(share.use, upload=True))
    share.until_uploaded(url)


# ---- one computer against the store ----------------------------------------------------------


class Desk:
    """A computer's cache without the rest of an agent, and archives made by hand."""

    def __init__(self, share: Share, folder: Path) -> None:
        self.share = share
        self.layout = Layout(folder / "desk", 1)
        self.layout.software.mkdir(parents=True)
        self.into = self.layout.software / ".unpacked"
        self.admin = Transfers(share.site.server.url, token=share.site._person)

    def archive(self, extra: int = 0, *, member: tarfile.TarInfo | None = None) -> bytes:
        out = io.BytesIO()
        top = release_key(URL)
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=0) as tar:
            folder = tarfile.TarInfo(top)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
            for name, content in (
                ("instance.cfg", b"[buildout]\nparts =\n"),
                ("bin/buildout", b"#!/bin/sh\n"),
                ("data", os.urandom(extra)),
                (".completed", b"yesterday"),
            ):
                if "/" in name:
                    under = tarfile.TarInfo(f"{top}/bin")
                    under.type, under.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(under)
                one = tarfile.TarInfo(f"{top}/{name}")
                one.size = len(content)
                tar.addfile(one, io.BytesIO(content))
            if member is not None:
                tar.addfile(member)
        return out.getvalue()

    def publish(self, archive: bytes, *, signed_by: Path | None = None, **facts: object) -> str:
        """Upload an archive with an entry; facts change what the entry says."""
        from pelagos.core.signature import Signer  # noqa: PLC0415

        assert self.admin.send("POST", "cache/sha", archive).status == 201
        sha512 = str(facts.pop("sha512", hashlib.sha512(archive).hexdigest()))
        entry = Entry(URL, str(self.layout.software), HERE, sha512)
        metadata = {**entry.metadata(), **facts}
        signer = Signer.load(signed_by or self.share.key)
        text = encode_entry(metadata, signer.sign(canonical(metadata)))
        pair = wire.encode([text, signer.sign_old(text.encode())])
        assert self.admin.send("PUT", f"cache/dir/{release_key(URL)}", pair).status == 201
        return sha512

    def fetch(self, use: CacheUse | None = None) -> Path:
        cache = BinaryCache(use or self.share.use, self.layout, here=HERE)
        cache.fetch(URL, threading.Event(), into=self.into)
        return self.into

    def miss(self, use: CacheUse | None = None) -> str:
        with pytest.raises(CacheMiss) as missed:
            self.fetch(use)
        assert list(self.layout.software.iterdir()) == []
        return missed.value.message


@pytest.fixture
def desk(share: Share, tmp_path: Path) -> Desk:
    return Desk(share, tmp_path)


def test_a_signed_build_is_fetched_without_marks_of_its_builder(desk: Desk) -> None:
    desk.publish(desk.archive(1000))
    found = desk.fetch()
    assert (found / "instance.cfg").exists() and not (found / ".completed").exists()


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"software_url": "http://other"}, "another release"),
        ({"software_root": "/elsewhere"}, "works below /elsewhere only"),
        ({"multiarch": "aarch64-linux-gnu"}, "is for aarch64-linux-gnu"),
        ({"os": ["debian", "13", ""]}, "debian 13"),
        ({"os": "debian"}, "damaged"),
        ({"sha512": "0" * 128}, "answers 404"),
    ],
)
def test_a_build_that_does_not_fit_is_passed_over(
    desk: Desk, facts: dict[str, object], reason: str
) -> None:
    desk.publish(desk.archive(), **facts)
    assert reason in desk.miss()


def test_nobody_else_is_believed(desk: Desk, tmp_path: Path) -> None:
    stranger, _ = make_pair(tmp_path, "stranger")
    desk.publish(desk.archive(), signed_by=stranger)
    assert "not signed by anybody who is believed" in desk.miss()
    assert "no certificate says" in desk.miss(replace(desk.share.use, certificates=None))


def test_an_old_signature_counts_only_where_the_site_says_so(desk: Desk, tmp_path: Path) -> None:
    key, certificate = make_pair(tmp_path, "old", kind="rsa")
    desk.publish(desk.archive(), signed_by=key)
    assert "not signed by anybody" in desk.miss()
    assert desk.fetch(replace(desk.share.use, old_certificates=certificate)).is_dir()


def test_a_changed_entry_is_not_believed(desk: Desk) -> None:
    desk.publish(desk.archive())
    file = next((desk.share.store / "dir").rglob("*.json"))
    text, old, *_ = wire.decode(file.read_bytes(), list[list[str]])[0]
    file.write_bytes(wire.encode([[text.replace("bookworm", "bullseye"), old]]))
    assert "not signed by anybody" in desk.miss()


def test_other_bytes_than_the_signed_ones_are_refused(desk: Desk) -> None:
    sha512 = desk.publish(desk.archive(100_000))
    path = desk.share.store / "sha" / sha512[:2] / sha512
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)
    assert "not the one that was signed" in desk.miss()


def test_an_evil_archive_is_refused_though_it_is_signed(desk: Desk) -> None:
    link = tarfile.TarInfo(f"{release_key(URL)}/out")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    desk.publish(desk.archive(member=link))
    assert "leads out" in desk.miss()


def test_a_release_above_the_limit_is_refused(desk: Desk) -> None:
    desk.publish(gzip.compress(gzip.decompress(desk.archive()) + b"\0" * 50_000_000))
    assert "more" in desk.miss(replace(desk.share.use, size_limit=100_000))


def test_a_build_that_needs_what_is_not_here_is_refused(desk: Desk) -> None:
    plain = gzip.decompress(desk.archive()).replace(b"#!/bin/sh", b"#!/bin/xx")
    desk.publish(gzip.compress(plain))
    assert "needs /bin/xx, which is not here" in desk.miss()


def test_a_cut_transfer_goes_on_where_it_was(desk: Desk) -> None:
    desk.publish(desk.archive(3_000_000))
    with CuttingProxy(desk.share.site.server.port, cut_after=1_500_000) as proxy:
        use = desk.share.use_at(proxy.url)
        assert (desk.fetch(use) / "data").stat().st_size == 3_000_000
        assert proxy.cuts == 1


def test_a_cache_that_is_away_is_a_reason(desk: Desk) -> None:
    assert "cannot be reached" in desk.miss(desk.share.use_at("http://127.0.0.1:9"))


def test_an_excluded_release_is_not_looked_for(desk: Desk) -> None:
    assert "excluded" in desk.miss(replace(desk.share.use, blacklist=("http://example.test/",)))


def test_a_key_that_nobody_believes_is_refused_at_once(desk: Desk, tmp_path: Path) -> None:
    stranger, _ = make_pair(tmp_path, "stranger")
    with pytest.raises(ConfigError, match="none of the certificates"):
        BinaryCache(replace(desk.share.use, signing_key=stranger), desk.layout)
    with pytest.raises(ConfigError, match="need a key"):
        BinaryCache(replace(desk.share.use, signing_key=None, upload=True), desk.layout)
