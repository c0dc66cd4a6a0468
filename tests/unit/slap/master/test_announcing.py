"""The log of events as whoever announces it reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.slap_site import COMPUTER, Site


def read(announcements) -> list[int]:
    assert announcements.lead()
    return [event.id for event in announcements.read(1000)]


def newest(site: Site) -> int:
    found = site.service.events(after=-1)
    return found[0].id if found else 0


def test_what_happens_after_the_start_is_announced_in_order(tmp_path: Path):
    site = Site(tmp_path, partitions=0)
    before = newest(site)
    announcements = site.master.announcements()
    site.add_computer(COMPUTER, 1)
    site.supply()
    assert read(announcements) == list(range(before + 1, newest(site) + 1))
    site.close()


def test_what_was_not_marked_is_read_again_and_what_was_is_not(tmp_path: Path):
    site = Site(tmp_path, partitions=0)
    announcements = site.master.announcements()
    site.add_computer(COMPUTER, 1)
    first = read(announcements)
    assert read(announcements) == first
    announcements.done(first[-1])
    assert read(announcements) == []
    site.close()


def test_the_next_reader_goes_on_where_the_position_was_kept(tmp_path: Path):
    site = Site(tmp_path, partitions=0)
    announcements = site.master.announcements()
    site.add_computer(COMPUTER, 1)
    announcements.done(read(announcements)[-1])
    site.supply()
    unsaid = read(announcements)
    announcements.close()
    assert read(site.master.announcements()) == unsaid
    site.close()


def test_a_reader_that_was_killed_announces_a_second_again_and_loses_nothing(tmp_path: Path):
    site = Site(tmp_path, partitions=0)
    announcements = site.master.announcements()
    site.add_computer(COMPUTER, 1)
    all_of_them = read(announcements)
    site.clock.advance(5)
    announcements.done(all_of_them[0])  # written
    announcements.done(all_of_them[-1])  # within the second: only remembered
    announcements._lead.release()  # as the end of its process does
    again = read(site.master.announcements())
    assert again == all_of_them[1:]
    site.close()


def test_one_of_two_masters_announces_until_it_ends(tmp_path: Path, database: str):
    site = Site(tmp_path, partitions=0)
    first = site.master.announcements()
    second = site.master.announcements()
    assert first.lead() and first.lead()
    if database == "postgresql":
        assert not second.lead()
    first.close()
    assert second.lead()
    second.close()
    site.close()


@pytest.mark.parametrize("position", [5, 3])
def test_the_position_never_goes_back(tmp_path: Path, position: int):
    site = Site(tmp_path, partitions=0)
    with site.master._store.change() as writer:
        writer.note_announced(5)
        writer.note_announced(position)
        assert writer.events_announced_to() == 5
    site.close()
