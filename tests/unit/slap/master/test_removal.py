"""Computers that leave the plane: only silent ones, and what sat there is seen to."""

from __future__ import annotations

import pytest

from pelagos.slap import master
from pelagos.slap.errors import NotFoundError, SlapError
from pelagos.slap.master.auth import Role
from pelagos.slap.master.errors import Conflict
from pelagos.slap.model import InstanceState
from support.slap_site import ADMIN, COMPUTER, Site


@pytest.fixture
def silent(site: Site) -> Site:
    """A site whose computer has one service and has not called for long."""
    site.supply()
    site.request("hello")
    site.clock.advance(3600.0)
    return site


def remove(site: Site, *, lost: bool = False) -> None:
    site.service.remove_computer(COMPUTER, ADMIN, lost=lost)


def refused(site: Site, *, lost: bool = False) -> Conflict:
    with pytest.raises(Conflict) as caught:
        remove(site, lost=lost)
    return caught.value


def test_a_computer_that_calls_is_not_removed(site: Site):
    said = refused(site, lost=True)
    assert "it is there" in said.message
    assert f"certificate {COMPUTER} --revoke" in (said.hint or "")
    assert site.service.computer(COMPUTER, ADMIN).draining is False


def test_an_empty_one_is_forgotten_with_its_token_and_its_name_is_free(site: Site):
    site.supply()
    site.clock.advance(3600.0)
    remove(site)
    assert site.service.identify(site.computer_token) is None
    with pytest.raises(NotFoundError):
        site.service.computer(COMPUTER, ADMIN)
    with pytest.raises(NotFoundError):
        remove(site)
    assert [one.kind for one in site.service.events(subject=COMPUTER)][-1] == "computer.removed"
    site.add_computer(COMPUTER, 1)
    assert site.service.computer(COMPUTER, ADMIN).free_count == 1


def test_services_on_it_keep_it_unless_it_is_lost(silent: Site):
    said = refused(silent)
    assert "hello" in said.message and "--lost" in (said.hint or "")
    assert silent.service.service("hello", ADMIN).computer_id == COMPUTER
    assert silent.service.computer(COMPUTER, ADMIN).draining is False


def test_what_sat_on_a_lost_one_gets_another_place(silent: Site):
    silent.add_computer("COMP-2", 1)
    silent.supply(computer_id="COMP-2")
    remove(silent, lost=True)
    assert silent.service.service("hello", ADMIN).computer_id == "COMP-2"


def test_what_finds_no_other_place_waits_and_says_why(silent: Site):
    remove(silent, lost=True)
    found = silent.service.service("hello", ADMIN)
    assert (found.computer_id, found.status) == (None, "waiting")
    assert found.cause.code == "release-unknown" and COMPUTER not in found.cause.message


def test_what_a_lost_host_served_waits_until_it_is_served_elsewhere(site: Site):
    site.supply()
    site.add_computer("COMP-2", 1)
    site.supply(computer_id="COMP-2")
    asker = site.request("asker", filters={"computer_guid": "COMP-2"})
    site.supply("/front.cfg")
    host = site.request("host", url="/front.cfg")
    page = site.child(asker, "page", url="/front.cfg", shared=True)
    site.publish(host, {"url": "http://here.test"}, page.guid)
    stamp = site.timestamp(asker)
    site.clock.advance(3600.0)
    remove(site, lost=True)
    waiting = site.refusal(
        "page", url="/front.cfg", shared=True, requester=("COMP-2", "slappart0")
    )
    assert waiting.code == "computer-lost" and "host" in waiting.message
    assert (site.timestamp(asker) or 0) > (stamp or 0)  # so its agent looks again
    site.add_computer("COMP-3", 1)
    site.supply("/front.cfg", computer_id="COMP-3")
    host = site.request("host", url="/front.cfg")
    assert host.computer_id == "COMP-3"
    site.publish(host, {"url": "http://there.test"}, page.guid)
    served = site.child(asker, "page", url="/front.cfg", shared=True)
    assert served.connection == {"url": "http://there.test"}


def test_what_is_stopped_stays_stopped_when_its_host_is_lost(site: Site):
    site.supply()
    host = site.request("host")
    page = site.request("page", shared=True)
    site.publish(host, {"url": "http://here.test"}, page.guid)
    site.set_state("page", "stopped")
    site.clock.advance(3600.0)
    remove(site, lost=True)
    found = site.service.service("page", ADMIN)
    assert (found.status, found.connection) == ("stopped", {})


def test_what_was_being_destroyed_there_is_gone(silent: Site):
    silent.service.set_state("hello", InstanceState.DESTROYED, ADMIN)
    remove(silent, lost=True)
    found = silent.service.service("hello", ADMIN)
    assert (found.status, found.computer_id) == ("destroyed", None)
    assert silent.refusal("hello").code == "release-unknown"  # its name is free


def test_a_parent_that_ends_outlives_its_lost_computer_until_its_child_is_gone(site: Site):
    site.supply()
    site.add_computer("COMP-2", 1)
    site.supply(computer_id="COMP-2")
    parent = site.request("parent", filters={"computer_guid": COMPUTER})
    child = site.child(parent, "child", filters={"computer_guid": "COMP-2"})
    site.service.set_state("parent", InstanceState.DESTROYED, ADMIN)
    site.clock.advance(3600.0)
    remove(site, lost=True)
    with pytest.raises(NotFoundError):
        site.service.computer(COMPUTER, ADMIN)
    left = site.service.service("parent", ADMIN)
    assert (left.computer_id, left.requested_state) == (None, "destroyed")
    assert "child" in left.cause.message
    site.report(child, "destroyed")
    assert site.service.service("parent", ADMIN).status == "destroyed"


def test_a_tenant_removes_own_computers_only(silent: Site):
    silent.service.create_person("ann", Role.TENANT)
    with pytest.raises(SlapError):
        silent.service.remove_computer(COMPUTER, master.person("ann", Role.TENANT), lost=True)
    assert silent.service.computer(COMPUTER, ADMIN).partition_count == 3
