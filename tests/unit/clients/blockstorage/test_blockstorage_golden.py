"""What BlockStorageClient sends, method by method, in both dialects."""

# ruff: noqa: E501  # a table

from __future__ import annotations

import pytest

from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.blockstorage import BlockStorageClient
from pelagos.clients.errors import Unsupported
from support.golden import (
    ENDPOINT,
    OPENSTACK,
    SYNNEFO,
    Ask,
    Row,
    Script,
    golden_tests,
    missing,
    row,
)

V = {"id": "1", "display_name": "v", "name": "v"}
MADE = (202, 200, 201)
GONE = (202, 204)
NEXT = [{"rel": "next", "href": "https://else/v3/volumes/detail?marker=1"}]
FULL = {
    "size": 3, "availability_zone": "z", "source_volid": "s", "snapshot_id": "sn", "imageRef": "i", "volume_type": "t", "metadata": {"a": "1"},
}  # fmt: skip


def volume(fields: object, answer: object = V) -> Ask:
    return Ask("POST /volumes", {"volume": fields}, answer={"volume": answer}, ok=MADE)


# fmt: off
HIGH: list[Row] = [
    row("list_volumes", asks=Ask("GET /volumes", answer={"volumes": [{"id": "1", "display_name": "v"}]}), result=[V]),
    row("list_volumes", True, status="available", asks=[
        Ask("GET /volumes/detail?status=available", answer={"volumes": [{"id": "1", "name": "v"}], "volumes_links": NEXT}),
        Ask("GET /volumes/detail?status=available&marker=1", answer={"volumes": []}),
    ], result=[V]),
    row("list_volumes", limit=1, asks=Ask("GET /volumes?limit=1", answer={"volumes": [V, V]}), result=[V]),
    row("get_volume_details", "1", asks=Ask("GET /volumes/1", answer={"volume": {"id": "1", "name": "v"}}), result=V),
    row("create_volume", "3", asks=volume({"size": 3}), result=V),
    row("create_volume", 3, "z", "s", "v", "d", "sn", "i", "t", True, {"a": "1"},
        asks=volume({**FULL, "display_name": "v", "display_description": "d", "bootable": True}), result=V, dialects=SYNNEFO),
    row("create_volume", 3, "z", "s", "v", "d", "sn", "i", "t", None, {"a": "1"},
        asks=volume({**FULL, "name": "v", "description": "d"}), result=V, dialects=OPENSTACK),
    row("create_volume", 3, bootable=True, asks=[
        volume({"size": 3}), Ask("POST /volumes/1/action", {"os-set_bootable": {"bootable": True}}, ok=(200, 202)),
    ], result=V, dialects=OPENSTACK),
    row("update_volume", "1", asks=Ask("GET /volumes/1", answer={"volume": V}), result=V),
    row("update_volume", "1", "v", "d", True, {"a": "1"},
        asks=Ask("PUT /volumes/1", {"volume": {"display_name": "v", "display_description": "d", "delete_on_termination": True, "metadata": {"a": "1"}}}, answer={"volume": V}),
        result=V, dialects=SYNNEFO),
    row("update_volume", "1", "v", "", asks=Ask("PUT /volumes/1", {"volume": {"name": "v", "description": ""}}, answer={"volume": V}), result=V, dialects=OPENSTACK),
    row("extend_volume", "1", "9", asks=Ask("POST /volumes/1/action", {"os-extend": {"new_size": 9}}, ok=(200, 202)), dialects=OPENSTACK),
    row("extend_volume", "1", 9, while_in_use=True, dialects=OPENSTACK,
        asks=Ask("POST /volumes/1/action", {"os-extend": {"new_size": 9}}, {"OpenStack-API-Version": "volume 3.42"}, ok=(200, 202))),
    row("delete_volume", "1", asks=Ask("DELETE /volumes/1", ok=GONE)),
    row("get_volume_status", "1", asks=Ask("GET /volumes/1", answer={"volume": {"status": "available"}}), result=("available", None)),
    row("wait_volume", "1", asks=Ask("GET /volumes/1", answer={"volume": {"status": "available"}}), result={"status": "available"}),
    row("wait_volume_while", "1", asks=Ask("GET /volumes/1", answer={"volume": {"status": "available"}}), result={"status": "available"}),
    row("wait_volume_until", "1", asks=Ask("GET /volumes/1", answer={"volume": {"status": "in_use"}}), result={"status": "in_use"}),
    row("wait_volume_until", "1", "in_use", asks=Ask("GET /volumes/1", answer={"volume": {"status": "in-use"}}), result={"status": "in-use"}),
    row("wait_volume_until", "1", asks=Ask("GET /volumes/1", answer={"volume": {"status": "available"}}), result={"status": "available"}, dialects=OPENSTACK),

    row("list_snapshots", asks=Ask("GET /snapshots", answer={"snapshots": [V]}), result=[V]),
    row("list_snapshots", True, asks=Ask("GET /snapshots/detail", answer={"snapshots": [V]}), result=[V]),
    row("get_snapshot_details", "1", asks=Ask("GET /snapshots/1", answer={"snapshot": {"id": "1", "name": "v"}}), result=V),
    row("create_snapshot", "2", asks=Ask("POST /snapshots", {"snapshot": {"volume_id": "2"}}, answer={"snapshot": V}, ok=MADE), result=V),
    row("create_snapshot", "2", True, "v", "d", asks=Ask("POST /snapshots", {"snapshot": {"volume_id": "2", "force": True, "name": "v", "description": "d"}},
        answer={"snapshot": V}, ok=MADE), result=V, dialects=OPENSTACK),
    row("create_snapshot", "2", None, "v", "d", asks=Ask("POST /snapshots", {"snapshot": {"volume_id": "2", "display_name": "v", "display_description": "d"}},
        answer={"snapshot": V}, ok=MADE), result=V, dialects=SYNNEFO),
    row("update_snapshot", "1", "v", "d", asks=Ask("PUT /snapshots/1", {"snapshot": {"name": "v", "description": "d"}}, answer={"snapshot": V}), result=V, dialects=OPENSTACK),
    row("update_snapshot", "1", "v", asks=Ask("PUT /snapshots/1", {"snapshot": {"display_name": "v"}}, answer={"snapshot": V}), result=V, dialects=SYNNEFO),
    row("update_snapshot", "1", asks=Ask("GET /snapshots/1", answer={"snapshot": V}), result=V),
    row("delete_snapshot", "1", asks=Ask("DELETE /snapshots/1", ok=GONE)),
    row("list_volume_types", asks=Ask("GET /types", answer={"volume_types": [V]}), result=[V]),
    row("get_volume_type_details", 1, asks=Ask("GET /types/1", answer={"volume_type": V}), result=V),
]

B = {"x": 1}
LOW: list[Row] = [
    *(one for what in ("volumes", "snapshots") for one in (
        row(f"{what}_get", asks=Ask(f"GET /{what}")),
        row(f"{what}_get", True, asks=Ask(f"GET /{what}/detail")),
        row(f"{what}_get", None, "a/b", asks=Ask(f"GET /{what}/a%2Fb")),
        row(f"{what}_post", B, asks=Ask(f"POST /{what}", B, ok=MADE)),
        row(f"{what}_put", "1", B, asks=Ask(f"PUT /{what}/1", B)),
        row(f"{what}_delete", "1", asks=Ask(f"DELETE /{what}/1", ok=GONE)),
    )),
    row("volumes_action_post", "1", B, asks=Ask("POST /volumes/1/action", B, ok=(200, 202))),
    row("types_get", asks=Ask("GET /types")),
]
# fmt: on


(
    test_a_method_sends_and_returns_what_the_table_says,
    test_only_the_statuses_of_the_table_are_well,
    test_odd_answers_are_errors_of_the_cloud,
) = golden_tests(BlockStorageClient, [*HIGH, *LOW])


def test_the_table_has_every_method_in_both_dialects() -> None:
    without = {"extend_volume synnefo"}
    assert missing(BlockStorageClient, [*HIGH, *LOW], base=Bilingual, without=without) == set()


def test_a_synnefo_is_not_asked_for_a_larger_volume() -> None:
    client = BlockStorageClient(ENDPOINT, "token", http=Script(()), dialect="synnefo")
    with pytest.raises(Unsupported, match="larger volumes"):
        client.extend_volume("1", 9)
