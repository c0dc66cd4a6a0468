"""The binary cache on disk: whole or not at all, bounded, in the original's words."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.errors import ConfigError
from pelagos.core.signature import Signer
from pelagos.slap.binary_cache import MODERN, canonical, encode_entry
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master.cache_store import CacheSettings, CacheStore
from pelagos.slap.master.errors import StoreFull, TooLarge
from support.signing import make_pair


def store(folder: Path, **options: int) -> CacheStore:
    return CacheStore(CacheSettings(folder / "cache", **{"spare": 0, **options}))


def add(where: CacheStore, content: bytes, **options: str) -> str:
    return where.put(io.BytesIO(content), len(content), **options)


def read(where: CacheStore, sha512: str) -> bytes:
    stream, size = where.open(sha512)
    with stream:
        content = stream.read()
    assert len(content) == size
    return content


def leftovers(folder: Path) -> list[Path]:
    files = (path for path in (folder / "cache").rglob("*") if path.is_file())
    return [path for path in files if path.suffix != ".lock"]


def test_an_archive_comes_back_under_its_hash(tmp_path: Path) -> None:
    where = store(tmp_path)
    content = os.urandom(600_000)
    sha512 = add(where, content)
    assert sha512 == hashlib.sha512(content).hexdigest()
    assert read(where, sha512) == content
    assert add(where, content, sha512=sha512) == sha512


def test_an_upload_that_ends_early_leaves_nothing(tmp_path: Path) -> None:
    where = store(tmp_path)
    with pytest.raises(BadRequest, match="early"):
        where.put(io.BytesIO(b"abc"), 10)
    assert leftovers(tmp_path) == []


def test_an_upload_of_something_else_leaves_nothing(tmp_path: Path) -> None:
    where = store(tmp_path)
    with pytest.raises(BadRequest, match="another"):
        add(where, b"abc", sha512="0" * 128)
    assert leftovers(tmp_path) == []


def test_an_upload_needs_a_length_and_must_fit(tmp_path: Path) -> None:
    where = store(tmp_path, archive_limit=10)
    with pytest.raises(BadRequest) as without:
        where.put(io.BytesIO(b""), None)
    assert without.value.status == 411
    with pytest.raises(TooLarge):
        add(where, b"x" * 11)


def test_what_was_not_asked_for_longest_makes_room(tmp_path: Path) -> None:
    where = store(tmp_path, size_limit=250)
    first, second = add(where, b"1" * 100), add(where, b"2" * 100)
    for sha512, at in ((first, 1000), (second, 2000)):
        os.utime(tmp_path / "cache" / "sha" / sha512[:2] / sha512, (at, at))
    read(where, first)
    third = add(where, b"3" * 100)
    assert read(where, first) and read(where, third)
    with pytest.raises(NotFoundError):
        where.open(second)
    with pytest.raises(StoreFull):
        add(where, b"x" * 251)


def test_room_stays_free_on_the_disk(tmp_path: Path) -> None:
    with pytest.raises(StoreFull):
        add(store(tmp_path, spare=1 << 60), b"x")


@pytest.fixture
def small_files() -> Iterator[None]:
    """As on a full disk: no file can grow above 100,000 bytes."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, former[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, former)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    where = store(tmp_path)
    with pytest.raises(StoreFull):
        add(where, b"x" * 200_000)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["", "x", "../../etc/passwd", "A" * 128, "0" * 127])
def test_only_a_hash_names_an_archive(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        store(tmp_path).open(name)


def test_entries_are_kept_newest_first_and_once(tmp_path: Path) -> None:
    where = store(tmp_path)
    texts = [json.dumps({"sha512": str(number)}) for number in range(60)]
    for text in texts:
        where.add_entry("pypi:a=1", [text, "sig"])
    assert [pair[0] for pair in where.entries("pypi:a=1")] == texts[:9:-1]
    where.add_entry("pypi:a=1", [texts[30], "other"])
    assert where.entries("pypi:a=1")[0] == [texts[30], "other"]
    assert len(where.entries("pypi:a=1")) == 50


@pytest.mark.parametrize(
    "pair", [None, {}, [], ["{}"], ["{}", 1], [1, ""], ["[]", ""], ["{", ""], ["{}", "", ""]]
)
def test_an_entry_is_a_pair(pair: object, tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        store(tmp_path).add_entry("key", pair)


@pytest.mark.parametrize("key", ["", "..", "a/b", "a b", "ä", "x" * 201])
def test_a_key_has_no_slash(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        store(tmp_path).add_entry(key, ["{}", ""])


def test_dead_uploads_are_swept(tmp_path: Path) -> None:
    store(tmp_path)
    dead, alive = (tmp_path / "cache" / "tmp" / name for name in ("dead", "alive"))
    dead.touch()
    alive.touch()
    os.utime(dead, (0, 0))
    store(tmp_path)
    assert leftovers(tmp_path) == [alive]


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(ConfigError):
        store(tmp_path)


def test_junk_pushes_out_what_the_same_one_said(tmp_path: Path) -> None:
    where = store(tmp_path)
    good = [[json.dumps({"good": number}), "sig"] for number in range(20)]
    for pair in good:
        where.add_entry("key", pair, "computer:A")
    for number in range(200):
        where.add_entry("key", [json.dumps({"junk": number}), "sig"], "computer:B")
    kept = where.entries("key")
    assert len(kept) == 50 and all(pair in kept for pair in good)
    assert kept[0] == ['{"junk": 199}', "sig"]


def test_nobody_replaces_the_signature_of_another(tmp_path: Path) -> None:
    where = store(tmp_path)
    where.add_entry("key", ['{"a":1}', "good"], "computer:A")
    where.add_entry("key", ['{"a":1}', "junk"], "computer:B")
    assert where.entries("key") == [['{"a":1}', "junk"], ['{"a":1}', "good"]]
    where.add_entry("key", ['{"a":1}', "better"], "computer:A")
    where.add_entry("key", ['{"a":1}', "junk"], "computer:C")
    assert where.entries("key") == [['{"a":1}', "junk"], ['{"a":1}', "better"]]


def test_entries_of_a_former_version_are_read(tmp_path: Path) -> None:
    where = store(tmp_path)
    where.add_entry("key", ['{"a":1}', "sig"])
    (file,) = [path for path in leftovers(tmp_path) if path.suffix == ".json"]
    file.write_text(json.dumps([['{"b":2}', "old"]]))
    where.add_entry("key", ['{"a":1}', "sig"], "computer:A")
    assert where.entries("key") == [['{"a":1}', "sig"], ['{"b":2}', "old"]]


def test_only_entries_that_are_signed_well_are_kept(tmp_path: Path) -> None:
    (key, certificate), (other, _) = make_pair(tmp_path, "a"), make_pair(tmp_path, "b")
    (old_key, old_certificate) = make_pair(tmp_path, "old", kind="rsa")
    settings = CacheSettings(
        tmp_path / "cache", spare=0, certificates=certificate, old_certificates=old_certificate
    )
    where = CacheStore(settings)
    metadata = {"sha512": "a" * 128}
    text = encode_entry(metadata, Signer.load(key).sign(canonical(metadata)))
    assert MODERN in text
    where.add_entry("key", [text, ""], "computer:A")
    plain = json.dumps(metadata)
    where.add_entry("key", [plain, Signer.load(old_key).sign_old(plain.encode())], "computer:A")
    assert len(where.entries("key")) == 2
    forged = encode_entry(metadata, Signer.load(other).sign(canonical(metadata)))
    for pair in ([forged, ""], [plain, ""], [plain, "junk"]):
        with pytest.raises(BadRequest, match="signed the entry"):
            where.add_entry("key", pair, "computer:B")
    assert len(where.entries("key")) == 2


def test_a_file_of_certificates_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="certificate"):
        CacheStore(CacheSettings(tmp_path / "cache", certificates=tmp_path / "none.pem"))


def test_uploads_at_once_stay_within_the_limit_together(tmp_path: Path) -> None:
    where = store(tmp_path, size_limit=250)
    begun, go_on = threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            begun.set()
            go_on.wait(60)
            return super().read(size)

    first = threading.Thread(target=where.put, args=(Slow(b"1" * 150), 150))
    first.start()
    assert begun.wait(60)
    try:
        with pytest.raises(StoreFull):
            add(where, b"2" * 150)
        add(where, b"3" * 100)
    finally:
        go_on.set()
        first.join()
    assert sum(path.stat().st_size for path in leftovers(tmp_path)) == 250
