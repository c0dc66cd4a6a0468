"""Servers of a box asked as Nova: their life, what is refused, who sees what."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.box import Box
from pelagos.core.clock import ManualClock
from support.box_site import ask
from support.nova_desk import LONG, Desk


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Box, ManualClock]]:
    clock = ManualClock(1_795_268_000.0)
    with Box(clock=clock, token_life=1e9) as box:
        yield box, clock


@pytest.fixture(scope="module")
def rooms(site: tuple[Box, ManualClock]) -> dict[str, Desk]:
    box, clock = site
    return {name: Desk(box, clock, box.person(name)) for name in ("demo", "other", "admin")}


@pytest.fixture
def desk(rooms: dict[str, Desk]) -> Iterator[Desk]:
    yield rooms["demo"]
    rooms["demo"].clear()


def test_a_server_is_built_step_by_step(desk: Desk) -> None:
    reply = desk.make("web", metadata={"a": "b"})
    server_id = reply.json["server"]["id"]
    assert set(reply.json["server"]) == {
        "id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass",
    }  # fmt: skip
    assert reply.headers["location"].endswith(f"/servers/{server_id}")
    seen = []
    for _ in range(7):
        shown = desk.show(server_id)
        seen.append((shown["status"], shown["OS-EXT-STS:task_state"]))
        desk.clock.advance(0.6)
    assert seen[0] == ("BUILD", "scheduling") and ("BUILD", "networking") in seen
    assert ("BUILD", "spawning") in seen and seen[-1] == ("ACTIVE", None)
    shown = desk.show(server_id)
    assert shown["metadata"] == {"a": "b"} and shown["flavor"]["original_name"] == "m1.tiny"
    assert shown["OS-SRV-USG:launched_at"] and shown["OS-EXT-STS:power_state"] == 1
    old = desk.show(server_id, version="2.1")
    assert old["flavor"]["id"] == "1" and "tags" not in old and "locked" not in old


LIFE: list[tuple[str, Any, str, str]] = [
    ("os-stop", None, "ACTIVE", "SHUTOFF"), ("os-start", None, "SHUTOFF", "ACTIVE"),
    ("reboot", {"type": "SOFT"}, "REBOOT", "ACTIVE"),
    ("reboot", {"type": "HARD"}, "HARD_REBOOT", "ACTIVE"),
    ("pause", None, "ACTIVE", "PAUSED"), ("unpause", None, "PAUSED", "ACTIVE"),
    ("suspend", None, "ACTIVE", "SUSPENDED"), ("resume", None, "SUSPENDED", "ACTIVE"),
    ("rescue", {}, "ACTIVE", "RESCUE"), ("unrescue", None, "RESCUE", "ACTIVE"),
    ("resize", {"flavorRef": "2"}, "RESIZE", "VERIFY_RESIZE"),
    ("revertResize", None, "REVERT_RESIZE", "ACTIVE"),
    ("resize", {"flavorRef": "2"}, "RESIZE", "VERIFY_RESIZE"),
    ("confirmResize", None, "VERIFY_RESIZE", "ACTIVE"),
    ("changePassword", {"adminPass": "x"}, "PASSWORD", "ACTIVE"),
    ("shelve", None, "ACTIVE", "SHELVED_OFFLOADED"),
    ("unshelve", None, "SHELVED_OFFLOADED", "ACTIVE"),
]  # fmt: skip


def test_actions_take_their_time_and_end_in_their_state(desk: Desk) -> None:
    server_id = desk.server()
    for action, told, during, after in LIFE:
        reply = desk.act(server_id, action, told)
        expected = {"rescue": 200, "confirmResize": 204}.get(action, 202)
        assert reply.status == expected, (action, reply)
        status, task = desk.status(server_id)
        assert status == during, action
        assert task or action == "confirmResize"
        again = desk.act(server_id, "os-stop")
        assert again.status == 409, (action, again)
        desk.clock.advance(LONG)
        assert desk.status(server_id) == (after, None), action
    assert desk.show(server_id)["flavor"]["original_name"] == "m1.small"
    done = desk.nova("GET", f"/servers/{server_id}/os-instance-actions").json["instanceActions"]
    assert [one["action"] for one in done[:2]] == ["unshelve", "shelve"]


def test_what_a_state_does_not_allow_is_a_conflict(desk: Desk) -> None:
    server_id = desk.server()
    for action, told in (
        ("os-start", None), ("unpause", None), ("resume", None), ("unrescue", None),
        ("confirmResize", None), ("unshelve", None),
    ):  # fmt: skip
        reply = desk.act(server_id, action, told)
        assert reply.status == 409, (action, reply)
        assert "vm_state active" in reply.json["conflictingRequest"]["message"]


def test_a_deleted_server_goes_after_a_while(desk: Desk, rooms: dict[str, Desk]) -> None:
    server_id = desk.server()
    assert desk.nova("DELETE", f"/servers/{server_id}").status == 204
    assert desk.status(server_id) == ("ACTIVE", "deleting")
    assert desk.nova("DELETE", f"/servers/{server_id}").status == 204
    since = desk.clock.time()
    desk.clock.advance(LONG)
    assert desk.nova("GET", f"/servers/{server_id}").status == 404
    moment = f"{since:.0f}"
    listed = rooms["admin"].nova("GET", "/servers/detail?deleted=true&all_tenants=1").json
    assert server_id in {one["id"] for one in listed["servers"]}, moment
    changed = desk.nova("GET", "/servers/detail?changes-since=2026-11-21T00:00:00Z").json
    assert ("DELETED", server_id) in {(one["status"], one["id"]) for one in changed["servers"]}


def test_a_fault_on_demand_and_a_locked_server(desk: Desk) -> None:
    server_id = desk.server(metadata={"box:fault": "the disk is on fire"})
    shown = desk.show(server_id)
    assert shown["status"] == "ERROR" and shown["fault"]["message"] == "the disk is on fire"
    assert desk.act(server_id, "lock", {"locked_reason": "mine"}, version="2.73").status == 202
    assert desk.show(server_id)["locked_reason"] == "mine"
    assert desk.nova("DELETE", f"/servers/{server_id}").status == 409
    assert desk.act(server_id, "unlock").status == 202
    assert desk.act(server_id, "reboot", {"type": "HARD"}).status == 202
    desk.clock.advance(LONG)
    assert desk.status(server_id) == ("ACTIVE", None)


@pytest.mark.parametrize(
    ("version", "more"),
    [
        ("2.1", {"flavorRef": 1.5}), ("2.1", {"flavorRef": "99"}), ("2.1", {"name": ""}),
        ("2.1", {"name": " x"}), ("2.1", {"name": "x" * 256}), ("2.1", {"imageRef": "no-uuid"}),
        ("2.1", {"imageRef": "00000000-0000-4000-8000-000000000000"}), ("2.1", {"foo": 1}),
        ("2.1", {"metadata": {"a": 1}}), ("2.1", {"metadata": {"a" * 256: "b"}}),
        ("2.1", {"metadata": []}), ("2.1", {"user_data": "***"}),
        ("2.1", {"user_data": "QUFB" * 20_000}), ("2.1", {"key_name": "nobody"}),
        ("2.1", {"min_count": 3, "max_count": 2}), ("2.1", {"min_count": 0}),
        ("2.1", {"availability_zone": "elsewhere"}), ("2.1", {"tags": ["a"]}),
        ("2.1", {"description": "x"}), ("2.1", {"networks": "auto"}), ("2.1", {"networks": [{}]}),
        ("2.1", {"networks": [{"uuid": "x"}]}), ("2.1", {"security_groups": [{"id": "x"}]}),
        ("2.1", {"config_drive": "perhaps"}), ("2.1", {"accessIPv4": "::1"}),
        ("2.37", {}), ("2.57", {"networks": "none", "personality": []}),
        ("2.52", {"networks": "none", "tags": ["a,b"]}),
        ("2.52", {"networks": "none", "tags": [str(number) for number in range(51)]}),
        ("2.90", {"networks": "none", "hostname": "a.b"}),
        ("2.1", {"block_device_mapping_v2": [{"source_type": "tape"}]}),
    ],
)  # fmt: skip
def test_bodies_that_do_not_fit_are_refused(
    rooms: dict[str, Desk], version: str, more: dict[str, Any]
) -> None:
    desk = rooms["demo"]
    reply = desk.make(version=version, **more)
    assert reply.status == 400, reply
    assert reply.json["badRequest"]["message"]
    assert desk.nova("GET", "/servers").json["servers"] == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"server": []}', b"{}", b"\xff"])
def test_bodies_that_are_no_documents_are_refused(rooms: dict[str, Desk], body: bytes) -> None:
    reply = rooms["demo"].nova("POST", "/servers", body)
    assert reply.status == 400, reply


def test_microversions_are_negotiated(rooms: dict[str, Desk]) -> None:
    desk = rooms["demo"]
    for version, status in (("2.1", 200), ("2.96", 200), ("latest", 200), ("2.97", 406),
                            ("3.0", 406), ("two", 400)):  # fmt: skip
        reply = desk.nova("GET", "/servers", version=version)
        assert reply.status == status, version
    told = desk.nova("GET", "/servers", version="latest").headers
    assert told["openstack-api-version"] == "compute 2.96"
    assert told["x-openstack-nova-api-version"] == "2.96" and "OpenStack-API" in told["vary"]
    assert desk.nova("GET", "/servers?wrong=1", version="2.74").status == 200
    assert desk.nova("GET", "/servers?wrong=1", version="2.75").status == 400
    assert desk.nova("GET", f"/{desk.person.project_id}/servers").status == 200


def test_projects_are_apart(desk: Desk, rooms: dict[str, Desk]) -> None:
    server_id, other = desk.server(), rooms["other"]
    assert other.nova("GET", f"/servers/{server_id}").status == 404
    assert other.nova("DELETE", f"/servers/{server_id}").status == 404
    assert other.act(server_id, "os-stop").status == 404
    assert other.nova("PUT", f"/servers/{server_id}", {"server": {"name": "x"}}).status == 404
    assert other.nova("GET", f"/servers/{server_id}/metadata").status == 404
    assert other.nova("GET", "/servers/detail").json["servers"] == []
    assert other.nova("GET", "/servers?all_tenants=1").status == 403
    assert other.nova("GET", f"/servers?project_id={desk.person.project_id}").json["servers"] == []
    seen = rooms["admin"].nova("GET", "/servers?all_tenants=1").json["servers"]
    assert server_id in {one["id"] for one in seen}
    assert other.nova("GET", "/os-hypervisors").status == 403
    assert other.nova("GET", f"/os-quota-sets/{desk.person.project_id}").status == 403


def test_quotas_hold_however_many_ask_at_once(desk: Desk, rooms: dict[str, Desk]) -> None:
    project = desk.person.project_id
    limits = {"quota_set": {"instances": 3, "cores": 3}}
    assert rooms["admin"].nova("PUT", f"/os-quota-sets/{project}", limits).status == 200
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda number: desk.make(f"s{number}"), range(8)))
    assert sorted(one.status for one in replies) == [202] * 3 + [403] * 5
    refused = next(one for one in replies if one.status == 403)
    assert "Quota exceeded for instances, cores" in refused.json["forbidden"]["message"]
    used = desk.nova("GET", "/limits").json["limits"]["absolute"]
    assert (used["totalInstancesUsed"], used["maxTotalInstances"]) == (3, 3)
    assert rooms["admin"].nova("DELETE", f"/os-quota-sets/{project}").status == 202
    assert desk.make("more", min_count=2, max_count=3).status == 202
    many = desk.nova("GET", "/servers?name=more").json["servers"]
    assert {one["name"] for one in many} == {"more-1", "more-2", "more-3"}


def test_lists_come_in_pages_and_by_filters(desk: Desk) -> None:
    ids = [desk.make(f"s{number}", metadata={}).json["server"]["id"] for number in range(7)]
    desk.clock.advance(LONG)
    seen, path = [], "/servers?limit=3&sort_key=display_name&sort_dir=asc"
    while path:
        page = desk.nova("GET", path).json
        seen += [one["name"] for one in page["servers"]]
        following = page.get("servers_links", [{}])[0].get("href", "")
        path = f"/servers?{urlsplit(following).query}" if following else ""
    assert seen == [f"s{number}" for number in range(7)]
    seen, path = [], "/servers/detail?limit=2"
    while path:
        page = desk.nova("GET", path).json
        seen += [one["id"] for one in page["servers"]]
        following = page.get("servers_links", [{}])[0].get("href", "")
        path = f"/servers/detail?{urlsplit(following).query}" if following else ""
    assert len(seen) == 7 and set(seen) == set(ids)
    desk.act(ids[0], "os-stop")
    desk.clock.advance(LONG)
    assert [one["id"] for one in desk.nova("GET", "/servers?status=SHUTOFF").json["servers"]] == [
        ids[0]
    ]
    assert len(desk.nova("GET", "/servers?name=s[12]").json["servers"]) == 2
    assert desk.nova("GET", "/servers?status=ODD").json["servers"] == []
    for path in (
        "limit=-1", "limit=x", "marker=nobody", "sort_key=x", "sort_dir=x", "name=[",
        "name=(a%2B)%2B$", "changes-since=soon",
    ):  # fmt: skip
        assert desk.nova("GET", f"/servers?{path}").status == 400, path
    assert desk.nova("GET", "/servers?status=ODD", version="2.38").status == 400


def test_metadata_and_tags(desk: Desk) -> None:
    server_id = desk.server(metadata={"a": "1"})
    here = f"/servers/{server_id}/metadata"
    assert desk.nova("POST", here, {"metadata": {"b": "2"}}).json["metadata"] == {
        "a": "1", "b": "2",
    }  # fmt: skip
    assert desk.nova("PUT", f"{here}/c", {"meta": {"c": "3"}}).json == {"meta": {"c": "3"}}
    assert desk.nova("PUT", f"{here}/c", {"meta": {"d": "3"}}).status == 400
    assert desk.nova("GET", f"{here}/zz").status == 404
    assert desk.nova("DELETE", f"{here}/a").status == 204
    assert desk.nova("PUT", here, {"metadata": {"z": "9"}}).json == {"metadata": {"z": "9"}}
    many = {str(number): "x" for number in range(200)}
    assert desk.nova("POST", here, {"metadata": many}).status == 403
    tags = f"/servers/{server_id}/tags"
    assert desk.nova("GET", tags).status == 404
    for status in (201, 204):
        assert desk.nova("PUT", f"{tags}/blue", version="2.26").status == status
    assert desk.nova("GET", f"{tags}/blue", version="2.26").status == 204
    assert desk.nova("PUT", tags, {"tags": ["x", "y"]}, version="2.26").json == {
        "tags": ["x", "y"]
    }
    assert desk.nova("PUT", tags, {"tags": ["a/b"]}, version="2.26").status == 400
    for query, count in (("tags=x,y", 1), ("tags=x,z", 0), ("tags-any=x,z", 1), ("not-tags=x", 0)):
        found = desk.nova("GET", f"/servers?{query}", version="2.26").json["servers"]
        assert len(found) == count, query
    assert desk.nova("DELETE", tags, version="2.26").status == 204


def test_keys(desk: Desk, rooms: dict[str, Desk]) -> None:
    made = desk.nova("POST", "/os-keypairs", {"keypair": {"name": "k"}})
    assert made.status == 200 and "RSA PRIVATE KEY" in made.json["keypair"]["private_key"]
    public = made.json["keypair"]["public_key"]
    told = {"keypair": {"name": "k2", "public_key": public, "type": "ssh"}}
    again = desk.nova("POST", "/os-keypairs", told, version="2.2")
    assert again.status == 201 and "private_key" not in again.json["keypair"]
    assert again.json["keypair"]["fingerprint"] == made.json["keypair"]["fingerprint"]
    assert desk.nova("POST", "/os-keypairs", told, version="2.2").status == 409
    told["keypair"] |= {"name": "k3", "public_key": "ssh-rsa AAAA x"}
    assert desk.nova("POST", "/os-keypairs", told, version="2.2").status == 400
    only = {"keypair": {"name": "k4"}}
    assert desk.nova("POST", "/os-keypairs", only, version="2.92").status == 400
    assert rooms["other"].nova("GET", "/os-keypairs/k").status == 404
    page = desk.nova("GET", "/os-keypairs?limit=1", version="2.35").json
    assert len(page["keypairs"]) == 1 and page["keypairs_links"]
    server = desk.show(desk.server(key_name="k"))
    assert server["key_name"] == "k"
    assert desk.nova("DELETE", "/os-keypairs/k", version="2.2").status == 204
    assert desk.nova("DELETE", "/os-keypairs/k2").status == 202
    database = (desk.box.folder / "box.db").read_bytes()
    assert b"PRIVATE KEY" not in database


def test_groups_keep_servers_apart_as_long_as_there_are_hosts(
    desk: Desk, rooms: dict[str, Desk]
) -> None:
    told = {"server_group": {"name": "g", "policy": "anti-affinity"}}
    group = desk.nova("POST", "/os-server-groups", told, version="2.64").json["server_group"]
    hints = {"os:scheduler_hints": {"group": group["id"]}}
    for number in range(4):
        server = {"name": f"g{number}", "flavorRef": "1", "imageRef": desk.image()}
        assert desk.nova("POST", "/servers", {"server": server, **hints}).status == 202
    desk.clock.advance(LONG)
    seen = rooms["admin"].nova("GET", "/servers/detail?all_tenants=1&name=^g").json["servers"]
    hosts = [one["OS-EXT-SRV-ATTR:host"] for one in seen if one["status"] == "ACTIVE"]
    assert len(hosts) == len(set(hosts)) == 3
    failed = next(one for one in seen if one["status"] == "ERROR")
    assert failed["fault"]["message"].startswith("No valid host was found")
    wrong = {"server_group": {"name": "g", "policies": ["anti-affinity"]}}
    assert desk.nova("POST", "/os-server-groups", wrong, version="2.64").status == 400
    assert desk.nova("POST", "/os-server-groups", wrong, version="2.63").status == 200
    assert rooms["other"].nova("GET", f"/os-server-groups/{group['id']}").status == 404
    assert desk.nova("DELETE", f"/os-server-groups/{group['id']}").status == 204


def test_user_data_consoles_and_snapshots(desk: Desk, rooms: dict[str, Desk]) -> None:
    script = base64.b64encode(b"#!/bin/sh\necho hello").decode()
    server_id = desk.server("with data", user_data=script, version="2.1")
    shown = rooms["admin"].show(server_id)
    assert shown["OS-EXT-SRV-ATTR:user_data"] == script
    assert shown["OS-EXT-SRV-ATTR:hostname"] == "with-data"
    output = desk.act(server_id, "os-getConsoleOutput", {}).json["output"]
    assert "with-data login:" in output and "user data" in output
    assert desk.act(server_id, "os-getConsoleOutput", {"length": 1}).json["output"].endswith(": ")
    console = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    path = f"/servers/{server_id}/remote-consoles"
    assert desk.nova("POST", path, console).status == 404
    told = desk.nova("POST", path, console, version="2.6").json["remote_console"]
    assert told["protocol"] == "vnc" and told["url"].startswith("http")
    made = desk.act(server_id, "createImage", {"name": "snap"}, version="2.45")
    desk.clock.advance(LONG)
    image = desk.glance("GET", f"/images/{made.json['image_id']}").json
    assert image["image_type"] == "snapshot" and image["instance_uuid"] == server_id
    rebuilt = desk.act(server_id, "rebuild", {"imageRef": image["id"], "name": "anew"})
    assert rebuilt.status == 202 and rebuilt.json["server"]["adminPass"]
    desk.clock.advance(LONG)
    assert desk.show(server_id)["image"]["id"] == image["id"]


def test_of_a_series_of_backups_the_latest_are_kept(desk: Desk) -> None:
    server_id = desk.server("kept")
    told = {"backup_type": "daily", "rotation": 2, "metadata": {"why": "habit"}}
    for number in range(4):
        begun = desk.act(server_id, "createBackup", {"name": f"d{number}", **told})
        assert begun.status == 202 and "/image/v2/images/" in begun.headers["location"]
        desk.clock.advance(LONG)
    weekly = {"name": "w", "backup_type": "weekly", "rotation": 1}
    made = desk.act(server_id, "createBackup", weekly, version="2.45")
    assert desk.glance("GET", f"/images/{made.json['image_id']}").json["backup_type"] == "weekly"
    desk.clock.advance(LONG)
    found = desk.glance("GET", "/images?image_type=backup").json["images"]
    assert {one["name"] for one in found} == {"d2", "d3", "w"}
    assert {one["why"] for one in found if one["name"] != "w"} == {"habit"}
    none = desk.act(server_id, "createBackup", {**weekly, "rotation": 0})
    assert none.status == 202 and "location" not in none.headers
    desk.clock.advance(LONG)
    left = desk.glance("GET", "/images?backup_type=weekly").json["images"]
    assert left == []
    for odd in ({}, {**weekly, "rotation": -1}, {**weekly, "backup_type": ""}):
        assert desk.act(server_id, "createBackup", odd).status == 400
    desk.act(server_id, "os-stop")
    assert desk.act(server_id, "createBackup", weekly).status == 409


def test_flavors_of_administrators(rooms: dict[str, Desk]) -> None:
    demo, admin = rooms["demo"], rooms["admin"]
    told = {"name": "nano", "ram": 64, "vcpus": 1, "disk": 0, "os-flavor-access:is_public": False}
    assert demo.nova("POST", "/flavors", {"flavor": told}).status == 403
    made = admin.nova("POST", "/flavors", {"flavor": told}).json["flavor"]
    assert admin.nova("POST", "/flavors", {"flavor": told}).status == 409
    assert admin.nova("POST", "/flavors", {"flavor": {**told, "ram": 0}}).status == 400
    here = f"/flavors/{made['id']}"
    assert demo.nova("GET", here).status == 404
    project = demo.person.project_id
    grant = {"addTenantAccess": {"tenant": project}}
    assert admin.nova("POST", f"{here}/action", grant).status == 200
    assert demo.nova("GET", here).json["flavor"]["ram"] == 64
    specs = {"extra_specs": {"hw:cpu_policy": "dedicated"}}
    assert admin.nova("POST", f"{here}/os-extra_specs", specs).json == specs
    assert demo.nova("GET", here, version="2.61").json["flavor"]["extra_specs"]
    assert admin.nova("DELETE", here).status == 202
    assert demo.nova("GET", here).status == 404
    small = demo.nova("GET", "/flavors?minRam=4096&sort_key=memory_mb").json["flavors"]
    assert [one["name"] for one in small] == ["m1.medium", "m1.large", "m1.xlarge"]
    page = demo.nova("GET", "/flavors?limit=2").json
    assert len(page["flavors"]) == 2 and "marker=2" in page["flavors_links"][0]["href"]


def test_servers_are_there_again_and_go_on(tmp_path: Path) -> None:
    clock = ManualClock(1_795_268_000.0)
    with Box(tmp_path, clock=clock) as box:
        desk = Desk(box, clock, box.person("demo"))
        server_id = desk.make("kept").json["server"]["id"]
        clock.advance(1)
        assert desk.status(server_id)[0] == "BUILD"
        password = desk.make("secret", adminPass="hunter-two").json["server"]["adminPass"]
        assert password == "hunter-two"
        assert b"hunter-two" not in (tmp_path / "box.db").read_bytes()
    clock.advance(LONG)
    with Box(tmp_path, clock=clock) as box:
        desk = Desk(box, clock, box.person("demo"))
        shown = desk.show(server_id)
        assert shown["status"] == "ACTIVE" and shown["updated"] == "2026-11-21T13:33:23Z"


def test_many_at_once_are_as_many_as_the_quota_lets(desk: Desk) -> None:
    assert desk.make("many", min_count=1, max_count=2**31 - 1).status == 202
    assert len(desk.nova("GET", "/servers").json["servers"]) == 10
    assert desk.make("more", min_count=2**31 - 1, max_count=2**31 - 1).status == 403


def test_nobody_is_told_where_to_log_in(rooms: dict[str, Desk]) -> None:
    for path in ("/compute/v2.1/servers", "/image/v2/images"):
        for token in (None, "wrong"):
            reply = ask(rooms["demo"].box.url, "GET", path, token=token)
            assert reply.status == 401 and reply.json["error"]["title"] == "Unauthorized"
            assert reply.headers["www-authenticate"].startswith("Keystone uri=")
    assert ask(rooms["demo"].box.url, "GET", "/compute/v2.1/").status == 200
    assert ask(rooms["demo"].box.url, "GET", "/image/").status == 300
