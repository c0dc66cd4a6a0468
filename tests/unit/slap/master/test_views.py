"""Listings, events and explanations."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pelagos.slap import master
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.model import Event, InstanceStatus
from support.slap_site import ADMIN, COMPUTER, URL, Site


def test_a_service_is_shown_by_reference_and_by_guid(site: Site):
    instance = site.request(parameters={"a": "1"})
    assert site.service.service("hello") == site.service.service(instance.guid)
    assert site.service.services() == [site.service.service("hello")]


def test_a_destroyed_service_is_not_listed_and_can_still_be_explained(site: Site):
    instance = site.request()
    site.set_state("hello", "destroyed")
    site.report(instance, "destroyed")
    assert site.service.services() == []
    assert site.service.service("hello").status is InstanceStatus.DESTROYED
    assert site.service.explain("hello").cause.code == "destroyed"


def test_what_never_was_is_not_found(site: Site):
    for ask in (site.service.service, site.service.explain, site.service.computer):
        with pytest.raises(NotFoundError) as caught:
            ask("nothing")
        assert caught.value.hint


def test_a_computer_shows_who_sits_where(site: Site):
    site.request()
    status = site.service.computer(COMPUTER)
    assert (status.partition_count, status.free_count) == (3, 2)
    assert status.partitions[0].service == "hello"
    assert site.service.computers() == [status]


def test_an_explanation_has_the_newest_events_first(site: Site):
    instance = site.request()
    site.report(instance)
    found = site.service.explain("hello")
    assert (found.kind, found.state, found.cause.code) == ("service", "started", "ok")
    assert found.events[0].kind == "instance.started"
    assert found.events[-1].kind == "instance.requested"


def test_a_silent_computer_is_the_root_cause_of_its_services_and_releases(site: Site):
    site.request()
    site.clock.advance(120)
    assert site.service.explain("hello").cause.code == "computer-silent"
    assert site.service.explain(URL).cause.code == "computer-silent"
    assert site.service.explain(COMPUTER).state == "silent"
    assert site.service.services()[0].cause.code == "computer-silent"


def test_an_explanation_can_be_asked_for_one_kind(site: Site):
    site.request(COMPUTER)
    assert site.service.explain(COMPUTER).kind == "service"
    assert site.service.explain(COMPUTER, "computer").kind == "computer"
    with pytest.raises(BadRequest):
        site.service.explain(COMPUTER, "planet")


# ---- events -------------------------------------------------------------------------------------


def test_every_event_has_a_cause_a_time_and_an_actor(site: Site):
    instance = site.request()
    site.report(instance)
    site.set_state("hello", "destroyed")
    site.report(instance, "destroyed")
    events = site.service.events(limit=1000)
    assert [event.id for event in events] == sorted({event.id for event in events})
    for event in events:
        assert event.cause.code and event.cause.message and event.cause.seen_by
        assert event.actor and event.at == site.clock.time()


def test_events_are_read_on_from_where_one_stopped(site: Site):
    site.request()
    everything = site.service.events(limit=1000)
    assert site.service.events(after=everything[2].id, limit=2) == everything[3:5]
    assert site.service.events(after=-2) == everything[-2:]
    assert site.service.events(subject="hello") == [
        event for event in everything if event.reference == "hello"
    ]


def test_events_that_need_an_agent_name_its_computer(site: Site):
    site.request()
    by_kind = {event.kind: event for event in site.service.events(limit=99)}
    assert by_kind["instance.requested"].computer_id is None
    assert by_kind["instance.allocated"].computer_id == COMPUTER
    assert by_kind["release.supplied"].computer_id == COMPUTER
    assert by_kind["computer.formatted"].computer_id is None


def test_a_waiting_call_gets_the_event_when_it_happens(site: Site):
    last = site.service.events(after=-1)[0].id
    found: list[Event] = []
    waiting = threading.Thread(
        target=lambda: found.extend(site.service.events(after=last, wait=20))
    )
    waiting.start()
    site.request()
    waiting.join(60)
    assert not waiting.is_alive()
    assert found[0].kind == "instance.requested"


def test_closing_the_master_wakes_those_who_wait(tmp_path: Path):
    site = Site(tmp_path)
    last = site.service.events(after=-1)[0].id
    found: list[list[Event]] = []
    waiting = threading.Thread(
        target=lambda: found.append(site.service.events(after=last, wait=20))
    )
    waiting.start()
    site.close()
    waiting.join(60)
    assert found == [[]]


def test_the_listener_is_told_after_the_commit_and_cannot_break_a_call(tmp_path: Path):
    told: list[tuple[str, int]] = []

    def listen(events: tuple[Event, ...]) -> None:
        told.extend((event.kind, len(site.service.services())) for event in events)
        raise ValueError("the listener is broken")

    site = Site(tmp_path, partitions=0)
    site.master._hub._notify = listen
    site.add_computer(COMPUTER, 1)
    site.supply()
    site.request()
    assert ("instance.allocated", 1) in told
    site.close()


# ---- tokens -------------------------------------------------------------------------------------


def test_a_token_is_never_stored(site: Site):
    token = site.service.partition_token(COMPUTER, "slappart0", master.computer(COMPUTER))
    site.close()
    everything = b"".join(path.read_bytes() for path in site.path.parent.iterdir())
    for secret in (token, site.person_token, site.computer_token):
        assert secret.encode() not in everything


def test_the_database_is_readable_for_its_owner_only(site: Site):
    for path in site.path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", " ", "a\0b", "x" * 201, "new\nline"])
def test_impossible_names_get_no_token(bare: Site, name: str):
    with pytest.raises(BadRequest):
        bare.service.create_person(name)
    with pytest.raises(BadRequest):
        bare.service.register_computer(name)


def test_a_token_tells_who_holds_it(site: Site):
    assert site.service.identify(site.person_token) == ADMIN
    assert site.service.identify(site.computer_token) == master.computer(COMPUTER)
    assert site.service.identify("nobody's") is None


def test_the_admin_is_who_he_is(site: Site):
    told = {"kind": "person", "name": "admin", "role": "operator"}
    assert site.service.identity(ADMIN) == told
