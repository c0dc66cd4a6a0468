"""The end of an instance: kept as long as asked, last words once, nothing removed before."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.ending import DATE, DELAY, WAIT_LIST, Ending
from pelagos.slap.agent.errors import StepDeferred, StepFailed
from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.model import Cause, InstanceState, Partition

DAY = 86_400.0


class Case:
    """One partition with an instance that is to end."""

    def __init__(self, folder: Path, **filters: object) -> None:
        self.clock = ManualClock()
        self.ending = self.another()
        self.files = PartitionFiles(folder / "slappart0")
        self.files.ensure()
        self.folder = self.files.folder
        self.partition = Partition("COMP-1", "slappart0", InstanceState.STARTED, filters=filters)
        self.ending.begin_life(self.partition, self.folder)
        self.said: list[Cause] = []

    def another(self, hook_timeout: float = 5.0) -> Ending:
        causes = Causes("COMP-1", self.clock)
        return Ending(causes=causes, clock=self.clock, hook_timeout=hook_timeout)

    def script(self, name: str, body: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o750)

    def end(self, ending: Ending | None = None, stop: threading.Event | None = None) -> None:
        """To the end, as an agent does it: looking again and again."""
        stop = stop or threading.Event()
        while True:
            try:
                self.look(ending, stop)
            except StepDeferred as deferred:
                if stop.is_set() or "earlier agent" in deferred.message:
                    raise
            else:
                return

    def look(self, ending: Ending | None = None, stop: threading.Event | None = None) -> None:
        (ending or self.ending).carry_out(self.files, self.said.append, stop or threading.Event())

    def failure(self) -> Cause:
        with pytest.raises(StepFailed) as failed:
            self.end()
        return failed.value.cause

    def words(self) -> list[str]:
        path = self.folder / "words"
        return path.read_text().split() if path.exists() else []


def test_without_wishes_it_may_end_at_once(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.end()
    assert (case.folder / DELAY).read_text() == "0.0"
    assert not (case.folder / DATE).exists()


def test_files_are_kept_as_long_as_was_asked(tmp_path: Path) -> None:
    case = Case(tmp_path, retention_delay="2.5")
    cause = case.failure()
    assert cause.code == "retention" and "2.5 days" in cause.message and DATE in cause.hint
    case.clock.advance(2.4 * DAY)
    assert case.failure().code == "retention"
    case.clock.advance(0.2 * DAY)
    case.end()


def test_what_was_asked_first_holds(tmp_path: Path) -> None:
    case = Case(tmp_path, retention_delay="1")
    later = Partition("COMP-1", "slappart0", InstanceState.STARTED, filters={})
    case.ending.begin_life(later, case.folder)
    assert (case.folder / DELAY).read_text() == "1.0"


def test_an_operator_can_end_it_sooner(tmp_path: Path) -> None:
    case = Case(tmp_path, retention_delay="7")
    case.script("etc/prerm/save", "echo save >> words")
    hint = case.failure().hint
    assert case.words() == []  # nothing is prepared before it may end
    assert hint.endswith(f"echo 0 > {case.folder / DATE}")
    (case.folder / DATE).write_text("0\n")
    case.end()
    assert case.words() == ["save"]


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "-3"])
def test_a_delay_that_is_none_keeps_nothing(text: str, tmp_path: Path) -> None:
    case = Case(tmp_path, retention_delay=text)
    case.end()
    assert not (case.folder / DATE).exists()


def test_the_last_words_come_in_order_and_once(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.script("etc/prerm/b", "echo b >> words; exit 3")  # that it ran is what counts
    case.script("etc/prerm/a", "echo a >> words")
    case.script("sbin/destroy", "echo destroy >> words")
    (case.folder / "etc" / "prerm" / "notes.txt").write_text("no program")
    case.end()
    case.end(case.another())
    assert case.words() == ["a", "b", "destroy"]
    assert [cause.code for cause in case.said] == ["destroying"] * 3


def test_a_destroy_that_fails_is_said_and_tried_again(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.script("sbin/destroy", "echo tried >> words; test -e ready || { echo not yet; exit 1; }")
    cause = case.failure()
    assert cause.code == "destroy-failed" and "not yet" in cause.detail
    (case.folder / "ready").touch()
    case.end()
    assert case.words() == ["tried", "tried"]


def test_a_destroy_that_hangs_is_ended(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.script("sbin/destroy", "sleep 60")
    with pytest.raises(StepFailed, match="too long"):
        case.end(case.another(hook_timeout=0.3))


def test_a_stopping_agent_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.script("etc/prerm/a", "echo a >> words")
    case.script("etc/prerm/b", "echo b >> words; test -e ready || sleep 60")
    stop = threading.Event()
    timer = threading.Timer(0.5, stop.set)
    timer.start()
    with pytest.raises(StepDeferred):
        case.end(stop=stop)
    timer.join()
    case.ending.close()
    (case.folder / "ready").touch()
    case.end(case.another())
    assert case.words() == ["a", "b", "b"]


def test_a_script_that_still_runs_is_waited_for(tmp_path: Path) -> None:
    """As after kill -9 of an agent: its script goes on and holds the partition's lock."""
    case = Case(tmp_path)
    case.script("etc/prerm/a", "sleep 1; echo a >> words")
    first = threading.Thread(target=case.end)
    first.start()
    time.sleep(0.3)
    with pytest.raises(StepDeferred, match="still runs"):
        case.end(case.another())
    first.join()
    case.end(case.another())
    assert case.words() == ["a"]


def test_last_words_without_end_hold_up_nobody(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.script("etc/prerm/endless", "echo a >> words; sleep 600")
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(StepDeferred, match="still runs"):
            case.look()
    assert time.monotonic() - began < 60
    assert case.words() == ["a"]  # begun once
    assert ["etc/prerm/endless" in cause.message for cause in case.said] == [True]
    case.ending.close()
    assert not any(t.name == "last-words" for t in threading.enumerate())


def test_a_script_with_a_name_that_is_no_text_has_its_say(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.script("etc/prerm/" + os.fsdecode(b"\xff"), "echo a >> words")
    case.end()
    assert case.words() == ["a"] and "etc/prerm/\\xff" in case.said[0].message


def test_named_services_are_waited_for(tmp_path: Path) -> None:
    case = Case(tmp_path)
    (case.folder / WAIT_LIST).write_text("slappart0:saver-on-watch\nother\n")
    running = ProgramStatus("saver", ProgramState.RUNNING)
    ended = ProgramStatus("other", ProgramState.EXITED)
    others = ProgramStatus("web", ProgramState.RUNNING)
    assert case.ending.awaited(case.folder, (running, ended, others)) == ["saver"]
    assert case.ending.awaited(tmp_path / "nothing", (running,)) == []


def test_an_empty_partition_has_nothing_to_say(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.files.wipe()
    case.end()
    assert case.said == []
