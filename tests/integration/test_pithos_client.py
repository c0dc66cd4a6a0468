"""The Pithos client against a whole Pithos over sockets: what two users do with files."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.box import Box, Person
from pelagos.clients import ClientError, PithosClient
from pelagos.clients.errors import Conflict, Forbidden, NotFound, PreconditionFailed

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as box:
        yield box


def client_of(box: Box, person: Person, container: str | None = None, **more: Any) -> PithosClient:
    return PithosClient(
        f"{box.url}/pithos/object-store/v1",
        person.token(),
        person.user_id,
        container,
        dialect="synnefo",
        **more,
    )


@pytest.fixture
def pithos(box: Box) -> PithosClient:
    name = f"c{time.monotonic_ns()}"
    client = client_of(box, box.person("ann"), name)
    client.create_container(name)
    return client


class Posts:
    """Counts blocks that a client sends."""

    def __init__(self, client: PithosClient) -> None:
        self._sizes: list[int] = []  # several threads send
        inner = client.container_post

        def counted(*args: Any, **more: Any) -> Any:
            if more.get("data"):
                self._sizes.append(len(more["data"]))
            return inner(*args, **more)

        client.container_post = counted  # type: ignore[method-assign]  # watched

    @property
    def count(self) -> int:
        return len(self._sizes)


@pytest.mark.parametrize("size", [0, 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB])
@pytest.mark.parametrize("kind", ["random", "zeros"])
def test_files_of_any_size_come_back_as_they_went(
    pithos: PithosClient, tmp_path: Path, size: int, kind: str
) -> None:
    data = bytes(size) if kind == "zeros" else random.Random(size).randbytes(size)
    place = tmp_path / "file"
    place.write_bytes(data)
    with place.open("rb") as file:
        pithos.upload_object("a file", file, content_type="text/x")
    with place.open("wb+") as file:
        found = pithos.download_object("a file", file)
    assert place.read_bytes() == data
    assert found["content-type"] == "text/x"
    assert pithos.download_to_string("a file") == data


def test_only_what_is_new_is_sent(pithos: PithosClient) -> None:
    data = bytearray(random.Random("of this test alone").randbytes(20 * MIB))
    posts = Posts(pithos)
    pithos.upload_object("o", bytes(data))
    assert posts.count == 5
    pithos.upload_object("o", bytes(data))
    pithos.upload_object("copy", bytes(data))
    assert posts.count == 5
    data[9 * MIB] ^= 1
    pithos.upload_object("o", bytes(data))
    assert posts.count == 6
    assert pithos.download_to_string("o") == data


def test_a_download_goes_on_with_what_is_there(pithos: PithosClient, tmp_path: Path) -> None:
    data = random.Random(6).randbytes(14 * MIB + 3)
    pithos.upload_object("o", data)
    place = tmp_path / "part"
    place.write_bytes(data[: 5 * MIB] + b"something else, where the object is other")
    with place.open("rb+") as file:
        pithos.download_object("o", file, resume=True)
    assert place.read_bytes() == data


@pytest.mark.parametrize("text", ["0-0", "-7", "4194300-4194310", "4194304-", "10", "1-2,9-9"])
def test_ranges(pithos: PithosClient, text: str) -> None:
    data = random.Random(7).randbytes(5 * MIB)
    pithos.upload_object("o", data)
    wanted = {
        "0-0": data[:1],
        "-7": data[-7:],
        "4194300-4194310": data[4194300:4194311],
        "4194304-": data[4194304:],
        "10": data[:11],
        "1-2,9-9": data[1:3] + data[9:10],
    }
    assert pithos.download_to_string("o", range_str=text) == wanted[text]


def test_eight_uploads_at_once_end_as_one_of_them(pithos: PithosClient) -> None:
    contents = [random.Random(number).randbytes(5 * MIB) for number in range(8)]
    pithos.async_run(pithos.upload_object, [{"obj": "o", "f": one} for one in contents])
    assert pithos.download_to_string("o") in contents
    assert len(pithos.get_object_versionlist("o")) == 8
    for number, _ in pithos.get_object_versionlist("o"):
        assert pithos.download_to_string("o", version=number) in contents


def test_names_come_back_as_they_were(pithos: PithosClient) -> None:
    names = ["a//b", "..", "a/../b", "tail/", "q\"'", "~x", "λ/ü", "a b+c%20&=?#", "x.xml"]
    for name in names:
        pithos.upload_object(name, name.encode())
    for name in names:
        assert pithos.download_to_string(name) == name.encode()
    assert sorted(one["name"] for one in pithos.list_objects()) == sorted(names)


def test_metadata_of_people(pithos: PithosClient) -> None:
    pithos.upload_object("o", b"x", metadata={"Größe": "5 % ä/ö", "b": "c"})
    pithos.set_object_meta("o", {"neu": "日本"})
    pithos.del_object_meta("o", "b")
    assert pithos.get_object_meta("o") == {
        "x-object-meta-größe": "5 % ä/ö",
        "x-object-meta-neu": "日本",
    }
    pithos.replace_object_meta({"only": "this"}, "o")
    assert pithos.get_object_meta("o") == {"x-object-meta-only": "this"}
    pithos.set_container_meta({"k": "v"})
    assert pithos.get_container_meta() == {"x-container-meta-k": "v"}
    pithos.del_container_meta("k")
    assert pithos.get_container_meta() == {}
    pithos.set_account_meta({"acc": "ount"})
    assert pithos.get_account_meta()["x-account-meta-acc"] == "ount"
    pithos.del_account_meta("acc")
    assert pithos.get_account_meta() == {}


def test_listings_follow_all_pages_and_folders_end(pithos: PithosClient) -> None:
    for name in ("a/1", "a/2", "b", "c/1", "d"):
        pithos.upload_object(name, name.encode())
    found = []
    marker = None
    while page := pithos.list_objects(limit=2, marker=marker, delimiter="/"):
        found += page
        last = page[-1]
        marker = last.get("name") or last["subdir"] + "\U0010ffff"
    assert [one.get("name") or one["subdir"] for one in found] == ["a/", "b", "c/", "d"]
    assert [one["name"] for one in pithos.list_objects_in_path("a")] == ["a/1", "a/2"]
    assert [one["name"] for one in pithos.list_objects(prefix="c")] == ["c/1"]
    assert pithos.list_objects(container="no-such-container") == []


def test_versions_can_be_read_restored_and_purged(pithos: PithosClient) -> None:
    for text in (b"one", b"two", b"three"):
        pithos.upload_object("o", text)
    first = pithos.get_object_versionlist("o")[0][0]
    assert pithos.download_to_string("o", version=first) == b"one"
    where = pithos.container or ""
    pithos.copy_object(where, "o", where, "o", source_version=first)
    assert pithos.download_to_string("o") == b"one"
    time.sleep(1.1)  # the server purges by whole seconds
    pithos.upload_object("o", b"last")
    pithos.purge_object("o")
    assert pithos.download_to_string("o") == b"last"
    assert len(pithos.get_object_versionlist("o")) == 1


def test_a_removed_object_can_be_listed_until_it_is_purged(pithos: PithosClient) -> None:
    pithos.upload_object("o", b"one")
    pithos.del_object("o")
    with pytest.raises(NotFound, match="no object 'o'"):
        pithos.get_object_info("o")
    assert len(pithos.get_object_versionlist("o")) >= 1
    with pytest.raises(NotFound):
        pithos.del_object("o")


def test_sharing_merges_and_ends(box: Box, pithos: PithosClient) -> None:
    bob = box.person("bob")
    theirs = client_of(box, bob, pithos.container)
    pithos.upload_object("o", b"secret")
    path: dict[str, Any] = {"account": pithos.account}
    with pytest.raises(Forbidden):
        theirs.get_object_info("o", **path)
    pithos.set_object_sharing("o", read_permission=[bob.user_id])
    assert theirs.download_to_string("o", **path) == b"secret"
    assert any(one["name"] == pithos.account for one in theirs.get_sharing_accounts())
    pithos.set_object_sharing("o", write_permission=[bob.user_id])
    theirs.create_container(pithos.container)
    theirs.upload_object("o", b"changed", target_account=pithos.account)
    assert pithos.download_to_string("o") == b"changed"
    assert (
        theirs.use_alternative_account(
            theirs.get_object_info, "o", alternative_account=pithos.account
        )["content-length"]
        == "7"
    )
    assert theirs.account == bob.user_id
    pithos.del_object_sharing("o")
    assert pithos.get_object_sharing("o") == {}
    with pytest.raises(Forbidden):
        theirs.download_to_string("o", **path)


def test_everybody_comes_back_as_a_star(pithos: PithosClient) -> None:
    pithos.upload_object("o", b"x")
    pithos.set_object_sharing("o", read_permission=["*"])
    assert pithos.get_object_sharing("o") == {"read": "*"}


def test_groups(box: Box, pithos: PithosClient) -> None:
    bob = box.person("bob")
    pithos.set_account_group("friends", [bob.user_id])
    assert pithos.get_account_group()["x-account-group-friends"] == bob.user_id
    pithos.upload_object("o", b"x")
    pithos.set_object_sharing("o", read_permission=[f"{pithos.account}:friends"])
    theirs = client_of(box, bob, pithos.container)
    assert theirs.download_to_string("o", account=pithos.account) == b"x"
    pithos.del_account_group("friends")
    assert pithos.get_account_group() == {}


def test_what_is_published_stays_so_whatever_is_changed(pithos: PithosClient) -> None:
    pithos.upload_object("o", b"for all")
    url = pithos.publish_object("o")
    assert url and "/public/" in url
    pithos.append_object("o", b"!")
    pithos.set_object_meta("o", {"a": "b"})
    pithos.set_object_sharing("o", read_permission=["*"])
    pithos.truncate_object("o", 3)
    assert pithos.get_object_info("o")["x-object-public"] == url
    pithos.unpublish_object("o")
    assert "x-object-public" not in pithos.get_object_info("o")


def test_in_place(pithos: PithosClient) -> None:
    data = random.Random(8).randbytes(5 * MIB)
    pithos.upload_object("o", data, metadata={"a": "b"})
    more = random.Random(9).randbytes(4 * MIB + 5)
    pithos.append_object("o", io.BytesIO(more))
    pithos.overwrite_object("o", 100, 199, b"x" * 100)
    whole = data[:100] + b"x" * 100 + data[200:] + more
    assert pithos.download_to_string("o") == whole
    for size in (len(whole), 4 * MIB + 1, 7, 0, 0):
        pithos.truncate_object("o", size)
        assert pithos.download_to_string("o") == whole[:size]
    assert pithos.get_object_meta("o") == {"x-object-meta-a": "b"}


def test_copies_and_moves_leave_the_client_alone(pithos: PithosClient) -> None:
    here = pithos.container or ""
    pithos.create_container(f"{here}-2")
    pithos.upload_object("dir/o", b"x", content_type="text/x")
    pithos.create_directory("dir")
    pithos.copy_object(here, "dir/o", f"{here}-2", "ä o")
    pithos.move_object(here, "dir", f"{here}-2", "moved", delimiter="/")
    assert pithos.container == here
    assert pithos.list_objects() == []
    names = [one["name"] for one in pithos.list_objects(container=f"{here}-2")]
    assert names == ["moved", "moved/o", "ä o"]
    assert pithos.get_object_info("ä o", container=f"{here}-2")["content-type"] == "text/x"
    pithos.del_object("moved", delimiter="/", container=f"{here}-2")
    assert [one["name"] for one in pithos.list_objects(container=f"{here}-2")] == ["ä o"]


def test_containers(pithos: PithosClient) -> None:
    here = pithos.container or ""
    assert pithos.get_container_versioning() == {"x-container-policy-versioning": "auto"}
    pithos.set_container_versioning("none")
    pithos.set_container_limit(1000)
    assert pithos.get_container_versioning() == {"x-container-policy-versioning": "none"}
    assert pithos.get_container_limit() == {"x-container-policy-quota": "1000"}
    with pytest.raises(ClientError) as caught:
        pithos.upload_object("o", b"x" * 1001)
    assert caught.value.status == 413
    pithos.upload_object("o", b"x")
    with pytest.raises(Conflict):
        pithos.del_container()
    pithos.del_container(until=int(time.time()))
    assert len(pithos.list_objects()) == 1
    pithos.del_container(delimiter="/")
    assert pithos.list_objects() == []
    pithos.purge_container()
    with pytest.raises(NotFound, match=here):
        pithos.get_container_info()
    assert here not in [one["name"] for one in pithos.list_containers()]


def test_conditions(pithos: PithosClient, tmp_path: Path) -> None:
    pithos.upload_object("o", b"one", if_not_exist=True)
    with pytest.raises(PreconditionFailed):
        pithos.upload_object("o", b"two", if_not_exist=True)
    etag = pithos.get_object_info("o")["etag"]
    place = tmp_path / "f"
    place.write_bytes(b"mine")
    with place.open("rb+") as file:
        assert pithos.download_object("o", file, if_none_match=etag) == {}
    assert place.read_bytes() == b"mine"
    pithos.upload_object("o", b"two", if_etag_match=etag)
    with pytest.raises(PreconditionFailed):
        pithos.upload_object("o", b"three", if_etag_match=etag)


def test_as_of_a_time(pithos: PithosClient) -> None:
    pithos.upload_object("o", b"x")
    time.sleep(1.1)
    then = time.time()
    time.sleep(1.1)
    pithos.upload_object("p", b"x")
    assert [one["name"] for one in pithos.list_objects(until=then)] == ["o"]


def test_an_object_made_of_others(pithos: PithosClient) -> None:
    pithos.create_object_by_manifestation("o", content_type="text/plain")
    pithos.upload_object("o/1", b"one ")
    pithos.upload_object("o/2", b"two")
    assert pithos.download_to_string("o") == b"one two"


def test_one_client_in_many_threads(pithos: PithosClient) -> None:
    contents = {f"o{number}": random.Random(number).randbytes(100_000) for number in range(12)}
    errors: list[BaseException] = []

    def work(name: str, data: bytes) -> None:
        try:
            for _ in range(3):
                pithos.upload_object(name, data, metadata={"who": name})
                assert pithos.get_object_meta(name) == {"x-object-meta-who": name}
                pithos.append_object(name, b"!")
                assert pithos.download_to_string(name) == data + b"!"
        except BaseException as error:  # noqa: BLE001  # told by the main thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=one) for one in contents.items()]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors
