"""How old the last configuration is, and when the next is due."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.builders.fake import FakeBuilder
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.observe import Observer
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.supervisors.memory import MemorySupervisor

URL = "/srv/web/software.cfg"
NAME = "slappart0"
DAY = 86_400.0


class Case:
    """A computer with one release and one partition."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder, 1)
        self.layout.instance.mkdir()
        self.layout.software.mkdir()
        self.clock = ManualClock()
        self.files = PartitionFiles(self.layout.partition(NAME))
        self.files.ensure()
        self.builder = FakeBuilder(self.layout, {})
        self.observer = self.another()
        self.layout.release(URL).mkdir()
        self.builder.complete(URL)

    def another(self) -> Observer:
        supervisor = MemorySupervisor(clock=self.clock)
        return Observer(
            self.layout, self.builder, supervisor, clock=self.clock, maximum_periodicity=DAY
        )

    def finish(self, text: str = "7") -> None:
        """As a deployment does it, now."""
        stamp = self.files.folder / ".timestamp"
        stamp.unlink(missing_ok=True)
        self.files.finish(text)
        os.utime(stamp, (self.clock.time(), self.clock.time()))

    def age(self, observer: Observer | None = None) -> float | None:
        return (observer or self.observer).look([URL]).partitions[NAME].age

    def period(self, text: str | None) -> float | None:
        if text is not None:
            (self.layout.release(URL) / "periodicity").write_text(text)
        return self.observer.look([URL]).periods.get(URL)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        (None, DAY),
        ("3600\n", 3600.0),
        ("0", 60.0),
        ("5", 60.0),
        ("-1", None),
        ("soon", DAY),
        ("nan", DAY),
        ("inf", DAY),
    ],
)
def test_a_release_says_how_often(case: Case, text: str | None, period: float | None) -> None:
    assert case.period(text) == period


def test_a_pipe_in_place_of_the_number_holds_up_nobody(case: Case) -> None:
    os.mkfifo(case.layout.release(URL) / "periodicity")
    assert case.period(None) == DAY


def test_without_a_note_there_is_no_age(case: Case) -> None:
    assert case.age() is None


def test_the_age_grows_and_begins_anew_with_each_note(case: Case) -> None:
    case.finish()
    assert case.age() == 0.0
    case.clock.advance(100)
    assert case.age() == 100.0
    case.finish()
    assert case.age() == 0.0


def test_another_agent_goes_on_where_the_last_one_ended(case: Case) -> None:
    case.finish()
    case.clock.advance(DAY)
    assert case.age(case.another()) == pytest.approx(DAY)


@pytest.mark.parametrize("jump", [-20 * 365 * DAY, 20 * 365 * DAY])
def test_a_clock_that_is_set_changes_no_age(case: Case, jump: float) -> None:
    case.finish()
    assert case.age() == 0.0
    case.clock.jump(jump)
    case.clock.advance(10)
    assert case.age() == 10.0
    case.finish()
    assert case.age() == 0.0


def test_an_instance_cannot_have_itself_configured_all_the_time(case: Case) -> None:
    case.finish()
    assert case.age() == 0.0
    os.utime(case.files.folder / ".timestamp", (0, 0))
    assert case.age() == 0.0
