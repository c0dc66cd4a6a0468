"""Servers that are kept for a while after they were deleted, as Nova can be told to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pelagos.box import Box
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.errors import Conflict, NotFound
from pelagos.core.clock import ManualClock
from support.nova_desk import LONG, Desk

HOUR = 3600.0
LIST = "/servers/detail"


def client(desk: Desk) -> Cloud:
    settings = CloudSettings(
        desk.box.auth_url, token=desk.token, project_id=desk.person.project_id
    )
    return Cloud(settings=settings)


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Box, ManualClock]]:
    clock = ManualClock(1_795_268_000.0)
    with Box(clock=clock, token_life=1e9, keep_deleted=HOUR) as box:
        networks = client(Desk(box, clock, box.person("demo"))).network
        networks.create_subnet(networks.create_network("inner")["id"], "10.9.0.0/24")
        yield box, clock


@pytest.fixture
def desk(site: tuple[Box, ManualClock]) -> Iterator[Desk]:
    box, clock = site
    made = Desk(box, clock, box.person("demo"))
    yield made
    made.clear()
    clock.advance(HOUR + LONG)


def kept(desk: Desk) -> str:
    server_id = desk.server()
    assert desk.nova("DELETE", f"/servers/{server_id}").status == 204
    assert desk.status(server_id) == ("ACTIVE", "soft-deleting")
    desk.clock.advance(LONG)
    assert desk.status(server_id) == ("SOFT_DELETED", None)
    return server_id


def ids(desk: Desk, query: str) -> set[str]:
    return {one["id"] for one in desk.nova("GET", LIST + query).json["servers"]}


def test_a_server_that_is_kept_is_in_no_plain_list(
    desk: Desk, site: tuple[Box, ManualClock]
) -> None:
    server_id = kept(desk)
    assert ids(desk, "") == set()
    assert ids(desk, "?status=SOFT_DELETED") == set()
    assert ids(desk, "?changes-since=2026-11-21T00:00:00Z&status=SOFT_DELETED") == {server_id}
    admin = Desk(site[0], site[1], site[0].admin)
    for query in ("deleted=true", "soft_deleted=true", "deleted=true&status=SOFT_DELETED"):
        assert server_id in ids(admin, f"?all_tenants=1&{query}"), query
    used = desk.nova("GET", "/limits").json["limits"]["absolute"]
    assert used["totalInstancesUsed"] == 0


def test_it_comes_back_as_it_was(desk: Desk) -> None:
    server_id = kept(desk)
    before = desk.show(server_id)["addresses"]
    assert desk.act(server_id, "os-start").status == 409
    assert desk.act(server_id, "restore").status == 202
    assert desk.status(server_id) == ("SOFT_DELETED", "restoring")
    desk.clock.advance(LONG)
    assert desk.status(server_id) == ("ACTIVE", None)
    assert desk.show(server_id)["addresses"] == before != {}
    desk.clock.advance(2 * HOUR)
    assert desk.status(server_id) == ("ACTIVE", None)
    assert desk.act(server_id, "restore").status == 409


def test_it_goes_when_its_time_is_over(desk: Desk) -> None:
    server_id = kept(desk)
    port = desk.nova("GET", f"/servers/{server_id}/os-interface").json["interfaceAttachments"]
    desk.clock.advance(HOUR)
    assert desk.nova("GET", f"/servers/{server_id}").status == 404
    with pytest.raises(NotFound):
        client(desk).network.get_port_details(port[0]["port_id"])


def test_whoever_deletes_twice_means_it(desk: Desk) -> None:
    for act in ("DELETE", "forceDelete"):
        server_id = kept(desk)
        path = f"/servers/{server_id}"
        done = desk.nova("DELETE", path) if act == "DELETE" else desk.act(server_id, act)
        assert done.status in {202, 204}
        desk.clock.advance(LONG)
        assert desk.nova("GET", path).status == 404


def test_what_never_ran_is_not_kept(desk: Desk) -> None:
    server_id = desk.server(metadata={"box:fault": "no"})
    assert desk.nova("DELETE", f"/servers/{server_id}").status == 204
    desk.clock.advance(LONG)
    assert desk.nova("GET", f"/servers/{server_id}").status == 404


def test_a_restored_server_counts_again(desk: Desk, site: tuple[Box, ManualClock]) -> None:
    project = desk.person.project_id
    site[0].limit(project, "cyclades.vm", 1)
    try:
        server_id = kept(desk)
        desk.server("another")
        refused = desk.act(server_id, "restore")
        assert refused.status == 403
        assert "Quota exceeded" in refused.json["forbidden"]["message"]
    finally:
        site[0].limit(project, "cyclades.vm", 10)


def test_the_client_can_do_both(desk: Desk) -> None:
    compute = client(desk).compute
    server_id = desk.server()
    with pytest.raises(Conflict):
        compute.restore_server(server_id)
    compute.delete_server(server_id)
    desk.clock.advance(LONG)
    compute.restore_server(server_id)
    desk.clock.advance(LONG)
    assert compute.get_server_details(server_id)["status"] == "ACTIVE"
    compute.force_delete_server(server_id)
    desk.clock.advance(LONG)
    with pytest.raises(NotFound):
        compute.get_server_details(server_id)


def test_nobody_restores_what_is_anothers(desk: Desk, site: tuple[Box, ManualClock]) -> None:
    server_id = kept(desk)
    other = Desk(site[0], site[1], site[0].person("other"))
    with pytest.raises(NotFound):
        client(other).compute.restore_server(server_id)
