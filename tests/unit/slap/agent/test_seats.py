"""Who sits where, as the agent notes it for programs of its own computer."""

from pathlib import Path

from pelagos.slap.agent.seats import FILE, Seat, find_seats, write_seats
from pelagos.slap.model import Partition


def taken(number: int, title: str) -> Partition:
    return Partition(
        "COMP",
        f"slappart{number}",
        "started",
        release_url="/a.cfg",
        instance_guid=f"SOFTINST-{number}",
        instance_title=title,
    )


def test_a_service_is_found_by_its_name_and_by_its_guid(tmp_path: Path):
    write_seats(tmp_path, [taken(0, "web"), taken(1, "db"), Partition("COMP", "slappart2")])
    web = Seat("slappart0", "web", "SOFTINST-0")
    assert find_seats(tmp_path, "web") == (web,)
    assert find_seats(tmp_path, "SOFTINST-0") == (web,)
    assert find_seats(tmp_path, "slappart2") == ()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_note_that_is_missing_or_damaged_is_none(tmp_path: Path):
    assert find_seats(tmp_path, "web") is None
    (tmp_path / FILE).write_text("what?")
    assert find_seats(tmp_path, "web") is None
