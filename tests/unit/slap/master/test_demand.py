"""Machines on demand as a master sees them: who waits, who joins, who is forgotten."""

from __future__ import annotations

import pytest

from pelagos.slap import master
from pelagos.slap.errors import NotFoundError, Unauthorized
from pelagos.slap.model import InstanceState
from support.slap_site import ADMIN, URL, Site, announcement


def test_a_machine_joins_is_lent_a_release_and_is_forgotten(site: Site) -> None:
    assert site.refusal("db", url="/srv/new/software.cfg").code == "release-unknown"
    [wish] = site.service.waiting()
    assert (wish.title, wish.is_supplied, wish.cause.code) == ("db", False, "release-unknown")
    assert site.service.machines(["m-1"]) == {}
    secret = site.service.admit("m-1", 600.0)
    with pytest.raises(NotFoundError):
        site.service.lend("m-1", URL)
    token = site.service.join(secret).token
    with pytest.raises(Unauthorized):
        site.service.join(secret)
    agent = master.computer("m-1")
    site.service.format_computer(announcement(2, "m-1"), agent)
    assert site.service.machines(["m-1"])["m-1"].free == 2
    site.service.lend("m-1", wish.release_url)
    site.service.lend("m-1", wish.release_url)
    assert site.service.waiting() == []
    facts = site.service.machines(["m-1"])["m-1"]
    assert (facts.seats, facts.free) == (("db",), 1)
    assert facts.supplies == {wish.release_url}
    assert not site.service.seclude("m-1")
    assert not site.service.retire("m-1")
    found = site.service.service("db", ADMIN)
    site.service.set_state("db", InstanceState.DESTROYED, ADMIN)
    site.service.report_partition("m-1", found.partition_id or "", "destroyed", agent)
    assert site.service.seclude("m-1")
    assert site.service.machines(["m-1"])["m-1"].is_draining
    assert site.service.retire("m-1")
    assert site.service.retire("m-1")  # once more is no harm
    assert site.service.machines(["m-1"]) == {}
    assert site.service.identify(token) is None
    assert site.service.service("db", ADMIN).computer_id is None


def test_only_what_would_do_would_take_a_wish(site: Site) -> None:
    site.refusal("db", url="/srv/new/software.cfg", filters={"region": "north"})
    [wish] = site.service.waiting()
    assert master.would_take(wish, 1, {"region": "north"}, 0.0) is None
    refused = master.would_take(wish, 1, {"region": "south"}, 0.0)
    assert refused is not None
    assert refused.code == "filter-unmatched"


def test_shared_ones_and_those_that_end_wait_for_no_machine(site: Site) -> None:
    site.refusal("db", url="/srv/new/software.cfg")
    site.refusal("share", url="/srv/new/software.cfg", shared=True)
    assert [one.title for one in site.service.waiting()] == ["db"]
    site.service.set_state("db", InstanceState.DESTROYED, ADMIN)
    assert site.service.waiting() == []
