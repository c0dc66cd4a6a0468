"""Accounts, containers, versions of a Swift, the box's and a real one; what Pithos alone has."""

from __future__ import annotations

import io
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from pelagos.clients import Cloud, PithosClient, StorageClient
from pelagos.clients.errors import ClientError, Forbidden, NotFound
from support.places import Place, cloud_of

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def cloud(place: Place) -> Cloud:
    return cloud_of(place, place.person("ann"))


@pytest.fixture
def pithos(cloud: Cloud) -> PithosClient:
    client: PithosClient = cloud.client(PithosClient)
    client.container = f"c-{secrets.token_hex(4)}"
    client.create_container()
    return client


def test_accounts_and_containers_have_metadata(pithos: PithosClient) -> None:
    pithos.set_account_meta({"Who": "ann", "what": "tests"})
    assert pithos.get_account_meta()["x-account-meta-who"] == "ann"
    pithos.del_account_meta("what")
    assert "x-account-meta-what" not in pithos.get_account_meta()
    assert pithos.get_account_info()["x-account-container-count"]
    assert pithos.get_account_quota() == {} == pithos.get_account_versioning()
    pithos.set_container_meta({"a": "b", "c": "d"})
    assert pithos.get_container_meta() == {"x-container-meta-a": "b", "x-container-meta-c": "d"}
    pithos.del_container_meta("a")
    assert pithos.get_container_meta() == {"x-container-meta-c": "d"}
    assert pithos.get_container_object_meta() == {}


def test_former_versions_come_back(pithos: PithosClient) -> None:
    pithos.set_container_versioning("auto")
    assert pithos.get_container_versioning() == {"x-container-policy-versioning": "auto"}
    for text in ("one", "two"):
        pithos.upload_from_string("o", text)
    (first, _), _ = pithos.get_object_versionlist("o")
    assert pithos.download_to_string("o", version=first) == b"one"
    pithos.restore_object("o", first)
    assert pithos.download_to_string("o") == b"one"
    pithos.purge_versions()
    with pytest.raises(NotFound):
        pithos.get_object_versionlist("o")


def test_objects_go_in_one_piece_and_in_a_stream(pithos: PithosClient, cloud: Cloud) -> None:
    pithos.upload_object_unchunked("o", io.BytesIO(b"whole"))
    out = io.BytesIO()
    pithos.stream_down("o", out)
    assert out.getvalue() == b"whole"
    pithos.upload_from_string("part/1", "be")
    pithos.upload_from_string("part/2", "hind")
    pithos.create_object_by_manifestation("part")
    storage: StorageClient = cloud.client(StorageClient)
    storage.container = pithos.container
    pieces, size = storage.get_object("part")
    assert (b"".join(pieces), size) == (b"behind", 6)
    assert not storage.has_segments(pithos.account, str(pithos.container))
    other = pithos.use_alternative_account(
        pithos.download_to_string, "o", alternative_account=pithos.account
    )
    assert other == b"whole"
    pithos.del_container(delimiter="/")
    assert pithos.list_objects() == []
    pithos.purge_container()
    with pytest.raises(NotFound):
        pithos.get_container_info()


def test_a_container_is_opened_to_others(place: Place, pithos: PithosClient) -> None:
    pithos.upload_from_string("o", "mine")
    other = cloud_of(place, place.person("bob")).client(PithosClient)
    own: dict[str, Any] = {"container": pithos.container, "account": pithos.account}
    with pytest.raises(Forbidden):
        other.download_to_string("o", **own)
    pithos.set_container_acl(read=".r:*,.rlistings")
    url = f"{pithos.endpoint_url}{pithos.container_path()}/o"
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.read() == b"mine"
    assert [one["name"] for one in other.list_objects(**own)] == ["o"]
    with pytest.raises(Forbidden):
        other.upload_from_string("o", "theirs", **own)
    pithos.set_container_acl(read="")
    with pytest.raises(Forbidden):
        other.list_objects(**own)


def test_an_address_is_signed_until_a_time(cloud: Cloud, pithos: PithosClient) -> None:
    storage: StorageClient = cloud.client(StorageClient)
    storage.container = pithos.container
    storage.upload_object("d/o", b"signed", container=pithos.container)
    pithos.set_container_meta({"Temp-URL-Key": "a key"})
    until = int(time.time()) + 600
    for url in (
        storage.temp_url("d/o", "a key", until, filename="x.txt"),
        storage.temp_url("d/", "a key", until, is_prefix=True).replace("/d/?", "/d/o?"),
    ):
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert answer.read() == b"signed"
    for wrong in (
        storage.temp_url("d/o", "no key", until),
        storage.temp_url("d/o", "a key", 1),
        storage.temp_url("d/o", "a key", until, method="PUT"),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(wrong, timeout=60)
        caught.value.close()
        assert caught.value.code == 401


#: What Pithos alone has, and what it is called with.
PITHOS_ALONE: dict[str, tuple[Any, ...]] = {
    "append_object": ("o", b"x"),
    "del_account_group": ("crew",),
    "del_object_sharing": ("o",),
    "get_account_group": (),
    "get_object_hashmap": ("o",),
    "get_object_sharing": ("o",),
    "get_sharing_accounts": (),
    "overwrite_object": ("o", 0, 0, b"x"),
    "publish_object": ("o",),
    "purge_object": ("o",),
    "reassign_container": ("project",),
    "set_account_group": ("crew", ["bob"]),
    "set_object_sharing": ("o", ["bob"]),
    "truncate_object": ("o", 1),
    "unpublish_object": ("o",),
}


@pytest.mark.parametrize("method", PITHOS_ALONE)
def test_what_swift_has_nothing_for_is_refused(method: str, pithos: PithosClient) -> None:
    pithos.upload_from_string("o", "kept")
    call: Callable[..., Any] = getattr(pithos, method)
    with pytest.raises(ClientError, match="Pithos"):
        call(*PITHOS_ALONE[method])
    assert pithos.download_to_string("o") == b"kept"
