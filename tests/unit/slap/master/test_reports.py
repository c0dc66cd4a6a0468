"""What reports, publications and bangs do."""

from __future__ import annotations

import pytest

from pelagos.slap import master, protocol
from pelagos.slap.errors import NotFoundError
from pelagos.slap.master.errors import TooLarge
from pelagos.slap.model import Cause, InstanceStatus, ReleaseStatus
from support.slap_site import COMPUTER, URL, Site

AGENT = master.computer(COMPUTER)


def release(site: Site) -> ReleaseStatus:
    (only,) = site.service.releases()
    return only.status


def test_a_release_goes_from_requested_to_available(site: Site):
    assert site.service.releases()[0].cause.code == "waiting-for-agent"
    site.service.report_release(COMPUTER, URL, "building", AGENT)
    assert release(site) is ReleaseStatus.BUILDING
    site.service.report_release(COMPUTER, URL, "available", AGENT)
    assert release(site) is ReleaseStatus.AVAILABLE
    assert site.kinds(URL) == ["release.supplied", "release.building", "release.available"]


def test_a_failed_build_is_the_cause_of_the_services_that_need_it(site: Site):
    site.request()
    log = "While:\n  Installing app.\nError: Couldn't find a distribution for 'nothing'.\n"
    site.service.report_release_error(COMPUTER, URL, log, AGENT)
    found = site.service.explain("hello")
    assert found.cause.code == "buildout-failed"
    assert "nothing" in found.cause.message
    assert found.cause.detail == log
    assert found.cause.seen_by == "agent on COMP-1"
    assert [cause.code for cause in found.chain] == ["waiting-for-agent"]


def test_an_agents_own_cause_wins_but_its_time_and_witness_are_ours(site: Site):
    said = Cause("release-unreachable", "404", hint="check the URL", since=1.0, seen_by="me")
    site.service.report_release_error(COMPUTER, URL, "log", AGENT, said)
    cause = site.service.releases()[0].cause
    assert (cause.code, cause.hint) == ("release-unreachable", "check the URL")
    assert (cause.since, cause.seen_by) == (site.clock.time(), "agent on COMP-1")


def test_a_repeated_report_changes_nothing_and_keeps_its_since(site: Site):
    hello = site.request()
    site.fail(hello, "promise x failed")
    since = site.service.service("hello").cause.since
    before = site.kinds()
    site.clock.advance(10)
    site.fail(hello, "promise x failed")
    assert site.kinds() == before
    site.fail(hello, "promise y failed")
    cause = site.service.service("hello").cause
    assert (cause.message, cause.since) == ("promise y failed", since)


def test_an_error_of_a_foreign_agent_says_where_to_look(site: Site):
    site.fail(site.request(), "Traceback\n  line\nValueError: bad port")
    site.service.report_release(COMPUTER, URL, "available", AGENT)
    cause = site.service.service("hello").cause
    assert cause.code == "instance-error"
    assert cause.message == "ValueError: bad port"
    assert cause.hint == "pelagos service logs hello"


def test_only_the_end_of_a_long_log_is_kept(site: Site):
    hello = site.request()
    site.fail(hello, "x" * 100_000 + "\nthe end")
    cause = site.service.service("hello").cause
    assert len(cause.detail) <= 32_768
    assert cause.detail.endswith("the end")
    assert len(cause.message) <= 1000


def test_a_log_from_outside_cannot_drive_a_terminal(site: Site):
    hello = site.request()
    site.fail(hello, "first\n\x1b[2J\x1b]0;owned\x07 bad\x00 \u202e end")
    cause = site.service.service("hello").cause
    assert cause.message == "[2J ]0;owned  bad    end"
    assert "\x1b" not in cause.detail and "first\n" in cause.detail


def test_a_report_about_an_older_wish_does_not_count(site: Site):
    hello = site.request()
    site.service.seen(COMPUTER)
    site.master.app.test_client().get(
        f"/{protocol.FETCH_COMPUTER}?computer_id={COMPUTER}",
        headers={"Authorization": f"Bearer {site.computer_token}"},
    )
    assert site.report(hello) == "OK"
    site.request(parameters={"changed": "1"})
    assert "changed meanwhile" in site.report(hello)
    assert site.service.service("hello").status is InstanceStatus.WAITING
    site.master.app.test_client().get(
        f"/{protocol.FETCH_COMPUTER}?computer_id={COMPUTER}",
        headers={"Authorization": f"Bearer {site.computer_token}"},
    )
    assert site.report(hello) == "OK"
    assert site.service.service("hello").status is InstanceStatus.STARTED


def test_a_report_that_names_its_wish_counts_for_that_wish_alone(site: Site):
    first = site.request()
    second = site.request(parameters={"changed": "1"})
    assert "changed meanwhile" in site.report(first, timestamp=first.timestamp)
    assert site.service.service("hello").status is InstanceStatus.WAITING
    site.service.bang(COMPUTER, first.partition_id, "again", AGENT)
    assert site.report(first, timestamp=second.timestamp) == "OK"
    assert site.service.service("hello").status is InstanceStatus.STARTED


def test_a_wipe_of_the_former_instance_does_not_end_the_next(site: Site):
    former = site.request("former")
    site.set_state("former", "destroyed")
    doomed = site.timestamp(former)
    site.report(former, "destroyed", timestamp=doomed)
    site.clock.advance(1)
    following = site.request("next")
    assert following.partition_id == former.partition_id
    site.set_state("next", "destroyed")
    assert "changed meanwhile" in site.report(following, "destroyed", timestamp=doomed)
    assert site.service.service("next").status is not InstanceStatus.DESTROYED


def test_the_last_report_is_told_to_the_agent(site: Site):
    hello = site.request()
    assert site.service.partition(COMPUTER, "slappart0").access_status is None
    site.report(hello)
    status = site.service.partition(COMPUTER, "slappart0").access_status
    assert status is not None and status.startswith("#access")
    site.fail(hello, "broken")
    status = site.service.partition(COMPUTER, "slappart0").access_status
    assert status is not None and status.startswith("#error") and "broken" in status


def test_a_report_about_a_free_partition_has_no_effect(site: Site):
    for state in ("started", "stopped", "destroyed"):
        said = site.service.report_partition(COMPUTER, "slappart2", state, AGENT)
        assert said == "the partition is free"
    with pytest.raises(NotFoundError):
        site.service.report_partition(COMPUTER, "slappart9", "started", AGENT)


def test_a_wipe_that_nobody_asked_for_frees_nothing(site: Site):
    hello = site.request()
    assert "shall not be destroyed" in site.report(hello, "destroyed")
    assert site.service.service("hello").computer_id == COMPUTER


def test_a_withdrawn_release_goes_when_its_computer_says_so(site: Site):
    site.supply(state="destroyed")
    assert site.service.releases()[0].cause.code == "release-removing"
    site.service.report_release(COMPUTER, URL, "destroyed", AGENT)
    assert site.service.releases() == []


def test_a_release_supplied_again_during_its_removal_is_built_anew(site: Site):
    site.service.report_release(COMPUTER, URL, "available", AGENT)
    site.supply(state="destroyed")
    site.supply()
    site.service.report_release(COMPUTER, URL, "destroyed", AGENT)
    assert release(site) is ReleaseStatus.REQUESTED


def test_a_report_about_a_release_that_nobody_supplied_is_not_found(site: Site):
    with pytest.raises(NotFoundError):
        site.service.report_release(COMPUTER, "/other.cfg", "building", AGENT)


# ---- publishing ---------------------------------------------------------------------------------


def test_a_publication_reaches_the_requester_and_wakes_it_once(site: Site):
    root = site.request("root")
    child = site.child(root, "db")
    before = site.timestamp(root)
    site.publish(child, {"url": "pg://", "port": 5432})
    woken = site.timestamp(root)
    assert woken > before
    assert site.child(root, "db").connection == {"url": "pg://", "port": "5432"}
    site.publish(child, {"url": "pg://", "port": 5432})
    assert site.timestamp(root) == woken
    assert site.timestamp(child) == child.timestamp
    (event,) = [e for e in site.service.events(limit=99) if e.kind == "instance.published"]
    assert event.computer_id == COMPUTER
    assert "pg://" not in str(event)


def test_a_publication_of_a_root_wakes_nobody(site: Site):
    root = site.request("root")
    site.publish(root, {"url": "x"})
    assert site.timestamp(root) == root.timestamp
    (event,) = [e for e in site.service.events(limit=99) if e.kind == "instance.published"]
    assert event.computer_id is None


def test_a_publication_above_the_limit_is_refused_and_the_old_one_stays(site: Site):
    root = site.request("root")
    site.publish(root, {"url": "x"})
    with pytest.raises(TooLarge):
        site.publish(root, {"url": "x" * 1024 * 1024})
    assert site.service.service("root").connection == {"url": "x"}


# ---- bangs --------------------------------------------------------------------------------------


def test_a_bang_wakes_the_instance_and_all_above_it(site: Site):
    root = site.request("root")
    child, sibling = site.child(root, "a"), site.child(root, "b")
    before = {name: site.timestamp(item) for name, item in (("r", root), ("s", sibling))}
    site.service.bang(COMPUTER, child.partition_id, "service crashed", AGENT)
    assert site.timestamp(root) > before["r"]
    assert site.timestamp(child) > child.timestamp
    assert site.timestamp(sibling) == before["s"]
    banged = [e for e in site.service.events(limit=99) if e.kind == "instance.banged"]
    assert [event.reference for event in banged] == ["a", "root"]
    assert banged[0].cause.message == "service crashed"


def test_a_computers_bang_wakes_all_its_instances(site: Site):
    first, second = site.request("a"), site.request("b")
    site.service.bang_computer(COMPUTER, "rebooted", AGENT)
    assert site.timestamp(first) > first.timestamp
    assert site.timestamp(second) > second.timestamp
