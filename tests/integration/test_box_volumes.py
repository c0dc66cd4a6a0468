"""The volumes of a box: strict as Cinder's, with states that take their time, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.box import Box, Person
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.cyclades import CycladesBlockStorageClient
from pelagos.clients.errors import ClientError
from pelagos.core.clock import ManualClock
from support.box_site import Reply, ask

Ask = Callable[..., Reply]


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock(start=1_700_000_000.0)


@pytest.fixture(scope="module")
def box(clock: ManualClock) -> Iterator[Box]:
    with Box(clock=clock, token_life=1e9) as box:
        yield box


_count = iter(range(10_000))


@pytest.fixture
def ann(box: Box) -> Person:
    """Somebody who has nothing yet."""
    return box.person(f"ann{next(_count)}")


def asking(box: Box, person: Person) -> Ask:
    token = person.token()

    def send(method: str, path: str, body: Any = None, minor: int = 71, **headers: str) -> Reply:
        headers["OpenStack_API_Version"] = f"volume 3.{minor}"
        base = f"/volume/v3/{person.project_id}"
        return ask(box.url, method, base + path, body, token=token, **headers)

    return send


def make(send: Ask, **fields: Any) -> dict[str, Any]:
    reply = send("POST", "/volumes", {"volume": {"size": 1, **fields}})
    assert reply.status == 202, reply
    made: dict[str, Any] = reply.json["volume"]
    return made


def status(send: Ask, volume: dict[str, Any]) -> str:
    return str(send("GET", f"/volumes/{volume['id']}").json["volume"]["status"])


def test_a_volume_is_made_and_goes_in_its_time(box: Box, clock: ManualClock, ann: Person) -> None:
    send = asking(box, ann)
    volume = make(send, name="v")
    path = f"/volumes/{volume['id']}"
    assert volume["status"] == "creating" and volume["updated_at"] is None
    assert send("DELETE", path).status == 400
    assert send("POST", f"{path}/action", {"os-extend": {"new_size": 2}}).status == 400
    clock.advance(2)
    assert status(send, volume) == "available"
    assert send("POST", f"{path}/action", {"os-extend": {"new_size": 2}}).status == 202
    assert status(send, volume) == "extending"
    clock.advance(2)
    assert send("GET", path).json["volume"]["size"] == 2
    assert send("DELETE", path).status == 202
    assert status(send, volume) == "deleting"
    clock.advance(2)
    assert send("GET", path).status == 404


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({}, "'volume' is a required property"),
        ({"volume": {}}, "Volume size must be an integer and greater than 0"),
        ({"volume": {"size": 0}}, "0 is less than the minimum of 1"),
        ({"volume": {"size": "x"}}, "'x' is not of type 'integer'"),
        ({"volume": {"size": 1, "colour": "red"}}, "('colour' was unexpected)"),
        ({"volume": {"size": 1, "name": "x" * 256}}, "is too long"),
        ({"volume": {"size": 1, "metadata": {"a": 1}}}, "1 is not of type 'string'"),
        ({"volume": {"size": 1, "snapshot_id": "x"}}, "'x' is not a 'uuid'"),
        ({"volume": {"size": 1, "availability_zone": "mars"}}, "zone 'mars' is invalid"),
        ({"volume": {"size": 1, "imageRef": "x"}}, "Invalid image identifier"),
    ],
)
def test_what_cinder_does_not_take_is_told(box: Box, ann: Person, body: Any, kept: str) -> None:
    reply = asking(box, ann)("POST", "/volumes", body)
    assert reply.status == 400 and kept in reply.json["badRequest"]["message"], reply


def test_versions(box: Box, ann: Person) -> None:
    send = asking(box, ann)
    assert send("GET", "/volumes", minor=99).status == 406
    assert send("GET", "/volumes/summary", minor=11).status == 404
    assert "count" in send("GET", "/volumes?with_count=true").json
    old, new = (send("GET", "/volumes", minor=one) for one in (0, 71))
    assert old.headers["openstack-api-version"] == "volume 3.0"
    assert new.headers["openstack-api-version"] == "volume 3.71"
    volume = make(send)
    shown = [set(send("GET", f"/volumes/{volume['id']}", minor=one).json["volume"])
             for one in (0, 71)]  # fmt: skip
    assert shown[1] - shown[0] == {
        "group_id", "shared_targets", "service_uuid", "volume_type_id", "consumes_quota",
    }  # fmt: skip


def test_projects_do_not_see_each_others_volumes(
    box: Box, clock: ManualClock, ann: Person
) -> None:
    send, other = asking(box, ann), asking(box, box.person("bob"))
    path = f"/volumes/{make(send)['id']}"
    clock.advance(5)
    for method, body in (("GET", None), ("PUT", {"volume": {"name": "x"}}), ("DELETE", None)):
        assert other(method, path, body).status == 404
    assert other("POST", f"{path}/action", {"os-extend": {"new_size": 9}}).status == 404
    assert send("POST", f"{path}/action", {"os-reset_status": {"status": "error"}}).status == 403
    assert send("POST", f"{path}/action", {"os-nonsense": {}}).status == 400
    admin = asking(box, box.admin)
    assert admin("POST", f"{path}/action", {"os-reset_status": {"status": "error"}}).status == 202
    assert status(send, {"id": path.rsplit("/", 1)[1]}) == "error"
    url = f"/volume/v3/{ann.project_id}/volumes"
    assert ask(box.url, "GET", url, token=box.person("bob").token()).status == 400


def test_quotas_hold(box: Box, clock: ManualClock, ann: Person) -> None:
    send, admin = asking(box, ann), asking(box, box.admin)
    body = {"quota_set": {"volumes": 2, "gigabytes": 5, "per_volume_gigabytes": 4}}
    assert send("PUT", f"/os-quota-sets/{ann.project_id}", body).status == 403
    assert admin("PUT", f"/os-quota-sets/{ann.project_id}", body).status == 200
    volume = make(send, size=3)
    clock.advance(5)
    for fields, word in (({"size": 3}, "VolumeSizeExceedsAvailableQuota"),):
        reply = send("POST", "/volumes", {"volume": fields})
        assert reply.status == 413 and word in reply.json["overLimit"]["message"]
    extend = {"os-extend": {"new_size": 9}}
    assert send("POST", f"/volumes/{volume['id']}/action", extend).status == 413
    make(send)
    reply = send("POST", "/volumes", {"volume": {"size": 1}})
    assert reply.status == 413 and "VolumeLimitExceeded" in reply.json["overLimit"]["message"]
    assert reply.headers["retry-after"] == "0"
    used = send("GET", f"/os-quota-sets/{ann.project_id}?usage=True").json["quota_set"]
    assert used["gigabytes"] == {"limit": 5, "in_use": 4, "reserved": 0}


def test_snapshots_keep_their_volume_until_they_are_gone(
    box: Box, clock: ManualClock, ann: Person
) -> None:
    send = asking(box, ann)
    volume = make(send)
    clock.advance(5)
    told = {"snapshot": {"volume_id": volume["id"], "name": "s"}}
    snapshot = send("POST", "/snapshots", told).json["snapshot"]
    assert snapshot["status"] == "creating"
    assert send("DELETE", f"/volumes/{volume['id']}").status == 400
    clock.advance(5)
    small = {"volume": {"snapshot_id": snapshot["id"]}}
    assert send("POST", "/volumes", small).json["volume"]["size"] == 1
    assert send("DELETE", f"/volumes/{volume['id']}?cascade=true").status == 202
    clock.advance(5)
    assert send("GET", f"/snapshots/{snapshot['id']}").status == 404


def test_pages_follow_each_other(box: Box, ann: Person) -> None:
    send = asking(box, ann)
    for number in range(5):
        make(send, name=f"v{number}")
    path, names = "/volumes/detail?limit=2&sort=name:desc", []
    while path:
        page = send("GET", path).json
        names += [one["name"] for one in page["volumes"]]
        links = page.get("volumes_links", ())
        path = links[0]["href"].partition(ann.project_id)[2] if links else ""
    assert names == ["v4", "v3", "v2", "v1", "v0"]
    assert [one["name"] for one in send("GET", "/volumes?name=v3").json["volumes"]] == ["v3"]
    for bad in ("limit=-1", "marker=gone", "sort=colour"):
        assert send("GET", f"/volumes?{bad}").status == 400


def test_our_clients_speak_with_both_faces(box: Box, clock: ManualClock, ann: Person) -> None:
    settings = CloudSettings(
        box.auth_url, username=ann.name, password=ann.password, project_name=ann.project
    )
    volumes = Cloud(settings=settings).volume
    made = volumes.create_volume(1, display_name="mine", metadata={"a": "b"}, bootable=False)
    clock.advance(5)
    assert volumes.get_volume_status(made["id"]) == ("available", None)
    old = CycladesBlockStorageClient(f"{box.url}/cyclades/volume/v2.0", ann.token())
    (seen,) = old.list_volumes(detail=True)
    assert (seen["display_name"], seen["status"]) == ("mine", "available")
    old.update_volume(seen["id"], display_name="ours")
    assert volumes.get_volume_details(made["id"])["name"] == "ours"
    snapshot = volumes.create_snapshot(made["id"], display_name="s")
    with pytest.raises(ClientError) as told:
        old.create_snapshot(seen["id"])
    assert told.value.status == 400
    clock.advance(5)
    volumes.delete_snapshot(snapshot["id"])
    clock.advance(5)
    old.delete_volume(seen["id"])
    clock.advance(5)
    assert old.list_volumes() == [] == volumes.list_volumes()
    box.limit(ann.project_id, "cyclades.disk", 1024**3)
    with pytest.raises(ClientError) as told:
        old.create_volume(2)
    assert told.value.status == 413
