"""Object storage, the box's and a real Swift: files of any size, large ones in segments."""

from __future__ import annotations

import io
import random
import time
from pathlib import Path
from typing import Any

import pytest

from pelagos.clients import ClientError, PithosClient, StorageClient
from pelagos.clients.cloud import Cloud
from pelagos.clients.errors import Conflict, NotFound, PreconditionFailed
from pelagos.clients.storage.download import Download
from pelagos.clients.storage.local import Sink
from support.places import Place, cloud_of

pytestmark = pytest.mark.timeout(600)

MIB = 1024 * 1024
SMALL: dict[str, Any] = {"whole_limit": MIB, "segment_size": MIB}


@pytest.fixture(scope="module")
def cloud(place: Place) -> Cloud:
    return cloud_of(place, place.person("ann"))


@pytest.fixture
def storage(cloud: Cloud) -> StorageClient:
    client: StorageClient = cloud.client(StorageClient)
    client.container = f"c{time.monotonic_ns()}"
    client.create_container()
    return client


@pytest.fixture
def pithos(cloud: Cloud, storage: StorageClient) -> PithosClient:
    client: PithosClient = cloud.client(PithosClient)
    client.container = storage.container
    return client


def content(client: StorageClient, obj: str, **more: Any) -> bytes:
    out = io.BytesIO()
    client.download_object(obj, out, **more)
    return out.getvalue()


def segments(client: StorageClient) -> list[str]:
    return [one["name"] for one in client.list_objects(f"{client.container}_segments")]


class Puts:
    """Counts objects that a client sends."""

    def __init__(self, client: StorageClient) -> None:
        self.count = 0
        inner = client.put

        def counted(path: Any, **more: Any) -> Any:
            self.count += path.count("/") > 2
            return inner(path, **more)

        client.put = counted  # type: ignore[method-assign]  # watched


def test_the_account_is_the_one_of_the_catalogue(storage: StorageClient) -> None:
    assert storage.account is not None and storage.account.startswith("AUTH_")
    assert storage.account not in storage.endpoint_url
    assert storage.get_account_info()


@pytest.mark.parametrize("size", [0, 1, MIB, 9 * MIB])
def test_files_of_any_size_come_back_as_they_went(
    storage: StorageClient, tmp_path: Path, size: int
) -> None:
    data = random.Random(size).randbytes(size)
    place = tmp_path / "file"
    place.write_bytes(data)
    with place.open("rb") as file:
        storage.upload_object("ä/b c", file, content_type="text/x", metadata={"who": "ö"})
    with place.open("wb+") as file:
        found = storage.download_object("ä/b c", file)
    assert place.read_bytes() == data
    assert (found["content-type"], found["x-object-meta-who"]) == ("text/x", "ö")


def test_a_large_file_goes_in_segments_and_only_once(storage: StorageClient) -> None:
    data = random.Random(1).randbytes(5 * MIB + 7)
    puts = Puts(storage)
    storage.upload_object("o", data, **SMALL)
    assert puts.count == 6 + 1
    assert content(storage, "o") == data
    storage.upload_object("o", data, **SMALL)
    assert puts.count == 7 + 1
    assert len(segments(storage)) == 6


def test_an_upload_that_broke_off_goes_on(storage: StorageClient) -> None:
    data = random.Random(2).randbytes(5 * MIB)
    inner, left = storage.put, [4]

    def breaking(path: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise ClientError("the line is cut")
        return inner(path, **more)

    storage.put = breaking  # type: ignore[method-assign]  # broken on purpose
    with pytest.raises(ClientError, match="cut"):
        storage.upload_object("o", data, workers=1, **SMALL)
    storage.put = inner  # type: ignore[method-assign]  # whole again
    with pytest.raises(NotFound):
        storage.get_object_info("o")
    there = len(segments(storage))
    assert there == 3
    puts = Puts(storage)
    storage.upload_object("o", data, **SMALL)
    assert puts.count == 5 - there + 1
    assert content(storage, "o") == data


def test_segments_go_with_their_object(storage: StorageClient) -> None:
    first, second = (random.Random(seed).randbytes(3 * MIB) for seed in (3, 4))
    storage.upload_object("o", first, **SMALL)
    former = segments(storage)
    storage.upload_object("o", second, **SMALL)
    assert len(segments(storage)) == 3
    assert not set(former) & set(segments(storage))
    here = storage.container or ""
    storage.copy_object(here, "o", here, "copy")
    storage.move_object(here, "o", here, "moved")
    assert len(segments(storage)) == 6
    storage.delete_object("copy")
    assert content(storage, "moved") == second
    storage.upload_object("moved", b"small")
    assert segments(storage) == []
    assert content(storage, "moved") == b"small"
    assert [one["name"] for one in storage.list_objects()] == ["moved"]


def test_a_download_goes_on_and_is_checked(storage: StorageClient, tmp_path: Path) -> None:
    data = random.Random(5).randbytes(3 * MIB)
    storage.upload_object("o", data)
    place = tmp_path / "part"
    for there in (data[:MIB], b"something else", data + b"and more"):
        place.write_bytes(there)
        with place.open("rb+") as file:
            storage.download_object("o", file, resume=True)
        assert place.read_bytes() == data


@pytest.mark.parametrize("is_large", [False, True])
def test_parts_at_once_and_ranges(storage: StorageClient, is_large: bool) -> None:
    data = random.Random(6).randbytes(5 * MIB + 1)
    storage.upload_object("o", data, **(SMALL if is_large else {}))
    out = io.BytesIO()
    download = Download(storage, storage.object_path("o"), workers=3, part_size=700_001)
    download.run(Sink(out))
    assert out.getvalue() == data
    assert content(storage, "o", range_str="-7")[-7:] == data[-7:]
    pieces: list[bytes] = []
    pipe = type(
        "Pipe", (), {"write": lambda _, piece: pieces.append(bytes(piece)) or len(piece)}
    )()
    storage.download_object("o", pipe, range_str="0-1,1048570-1048580")
    assert b"".join(pieces) == data[:2] + data[1048570:1048581]


def test_an_object_that_changes_meanwhile_is_told(storage: StorageClient) -> None:
    data = random.Random(7).randbytes(2 * MIB)
    storage.upload_object("o", data)
    inner = storage.get

    def changing(path: Any, **more: Any) -> Any:
        if "Range" in (more.get("headers") or {}):
            storage.get = inner  # type: ignore[method-assign]  # once
            storage.upload_object("o", data[::-1])
        return inner(path, **more)

    storage.get = changing  # type: ignore[method-assign]  # watched
    download = Download(storage, storage.object_path("o"), workers=1, part_size=MIB)
    with pytest.raises(PreconditionFailed, match="changed while"):
        download.run(Sink(io.BytesIO()))


def test_conditions(storage: StorageClient) -> None:
    storage.upload_object("o", b"one", if_not_exist=True)
    with pytest.raises(PreconditionFailed):
        storage.upload_object("o", b"two", if_not_exist=True)
    etag = storage.get_object_info("o")["etag"]
    out = io.BytesIO(b"mine")
    assert storage.download_object("o", out, if_none_match=etag) == {}
    assert out.getvalue() == b"mine"


def test_metadata(storage: StorageClient, pithos: PithosClient) -> None:
    storage.upload_object("o", b"x", metadata={"a-b": "c", "d": "e"}, content_disposition="inline")
    assert storage.get_object_meta("o") == {"a-b": "c", "d": "e"}
    storage.del_object_meta("o", "d")
    pithos.set_object_meta("o", {"new": "5 %"})
    assert storage.get_object_meta("o") == {"a-b": "c", "new": "5 %"}
    storage.replace_object_meta({"only": "this"}, "o")
    assert storage.get_object_meta("o") == {"only": "this"}
    assert storage.get_object_info("o")["content-disposition"] == "inline"
    storage.replace_account_meta({"k": "v"})
    storage.del_account_meta("k")
    with pytest.raises(NotFound):
        storage.del_account_meta("k")


def test_containers(storage: StorageClient) -> None:
    with pytest.raises(ClientError) as caught:
        storage.create_container()
    assert caught.value.status == 202
    storage.create_object("o", content_length=3)
    storage.create_directory("dir")
    storage.upload_object("dir/p", b"x")
    assert storage.get_container_info()["x-container-object-count"] == "3"
    assert [one["name"] for one in storage.list_objects_in_path("dir")] == ["dir/p"]
    assert storage.container in [one["name"] for one in storage.list_containers()]
    with pytest.raises(Conflict):
        storage.delete_container()
    for one in storage.list_objects():
        storage.delete_object(one["name"])
    storage.delete_container()
    with pytest.raises(NotFound):
        storage.delete_container()
    assert storage.list_objects() == []


def test_pithos_methods_on_swift(pithos: PithosClient) -> None:
    data = random.Random(8).randbytes(2 * MIB)
    pithos.upload_object("d/o", data)
    assert pithos.download_to_string("d/o") == data
    assert pithos.download_to_string("d/o", range_str="5-9") == data[5:10]
    pithos.create_directory("d")
    pithos.move_object(pithos.container or "", "d/o", pithos.container or "", "d/p")
    pithos.del_object("d", delimiter="/")
    assert pithos.list_objects() == []
    pithos.set_container_limit(5)
    assert pithos.get_container_limit() == {"x-container-policy-quota": "5"}
    with pytest.raises(ClientError) as caught:
        pithos.upload_object("o", b"123456")
    assert caught.value.status == 413
