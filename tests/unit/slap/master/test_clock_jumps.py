"""The master's clock is set by days, back and forth: what it tells keeps its order and heals."""

from __future__ import annotations

from pelagos.slap.errors import ResourceNotReady
from support.slap_site import COMPUTER, Site

DAY = 86_400.0


def test_timestamps_and_events_keep_their_order(site: Site) -> None:
    stamps = []
    for number, ahead in enumerate((0.0, 30 * DAY, -60 * DAY, 5 * DAY, -1.0)):
        site.clock.jump(ahead)
        site.service.seen(COMPUTER)
        instance = site.request(parameters={"n": str(number)})
        site.report(instance)
        stamps.append(instance.timestamp)
    assert stamps == sorted(set(stamps))
    events = site.service.events(limit=1000)
    numbers = [event.id for event in events]
    assert numbers == sorted(set(numbers))
    assert site.service.service("hello").cause.code == "ok"


def test_a_computer_that_calls_is_never_silent_for_long(site: Site) -> None:
    for ahead in (3 * DAY, -10 * DAY, 0.5 * DAY, -30.0):
        site.clock.jump(ahead)
        site.service.seen(COMPUTER)
        assert site.service.computer(COMPUTER).cause.code == "ok"
        site.clock.advance(30)
        assert site.service.computer(COMPUTER).cause.code == "ok"


def test_a_dead_computer_is_silent_though_the_clock_went_back(site: Site) -> None:
    site.service.seen(COMPUTER)
    site.clock.jump(-DAY)  # its last sign of life is of tomorrow now
    assert site.service.computer(COMPUTER).cause.code == "computer-silent"
    site.clock.advance(600)
    assert site.service.computer(COMPUTER).cause.code == "computer-silent"
    site.service.seen(COMPUTER)
    assert site.service.computer(COMPUTER).cause.code == "ok"


def test_what_waited_for_a_computer_is_placed_after_a_jump(site: Site) -> None:
    site.clock.jump(3 * DAY)  # everybody is silent
    try:
        site.request("late")
    except ResourceNotReady:
        site.service.seen(COMPUTER)
    assert site.request("late").computer_id == COMPUTER
