"""The log of events forgets its oldest, in small steps, and says so."""

from __future__ import annotations

from pathlib import Path

from pelagos.slap import master
from support.slap_site import Site

DAY = 86400.0


def test_old_events_go_in_small_steps_and_a_follower_is_told(tmp_path: Path):
    settings = master.MasterSettings(events_lifetime=10 * DAY, events_kept=20)
    site = Site(tmp_path, settings=settings, partitions=0)
    for number in range(600):
        site.service.create_person(f"p{number}")
    assert site.service.events()[0].kind == "person.token-made"
    site.clock.advance(11 * DAY)
    left = []
    for number in range(4):
        site.service.create_person(f"late{number}")
        site.clock.advance(2)
        left.append(len(site.service.events(limit=1000)))
    assert left[0] > left[1]  # not all at once
    found = site.service.events(limit=1000)
    assert found[0].kind == "events.trimmed"
    assert found[0].id == found[1].id - 1
    assert len(found) - 1 < 30
    assert len(found) - 1 >= 20
    # Whoever is further on is told nothing of it.
    kinds = [event.kind for event in site.service.events(after=found[0].id)]
    assert "events.trimmed" not in kinds
    assert site.service.events(after=5, limit=1)[0].kind == "events.trimmed"
    assert site.service.events(after=-1)[0].kind == "person.token-made"
    site.close()


def test_young_events_and_the_newest_stay(tmp_path: Path):
    settings = master.MasterSettings(events_lifetime=10 * DAY, events_kept=1)
    site = Site(tmp_path, settings=settings, partitions=0)
    site.service.create_person("old")
    site.clock.advance(9 * DAY)
    for number in range(3):
        site.service.create_person(f"young{number}")
    before = [event.id for event in site.service.events()]
    site.clock.advance(DAY / 2)
    site.service.create_person("late")
    assert [event.id for event in site.service.events()][: len(before)] == before
    site.close()
