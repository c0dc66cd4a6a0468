"""A crew: what is slow holds up nobody for ever."""

from __future__ import annotations

import threading

import pytest

from pelagos.slap.agent.crew import Crew


def test_slow_work_gets_another_thread_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pelagos.slap.agent.crew.PATIENCE", 0.1)
    crew = Crew("test", 2, most=3)
    end, done = threading.Event(), threading.Event()
    for _ in range(2):
        crew.do(end.wait)
    crew.do(done.set)
    assert done.wait(60)
    end.set()
    assert crew.close(60)


def test_a_crew_grows_no_further_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pelagos.slap.agent.crew.PATIENCE", 0.05)
    crew = Crew("test", 1, most=2)
    end, done = threading.Event(), threading.Event()
    for _ in range(2):
        crew.do(end.wait)
    crew.do(done.set)
    assert not done.wait(2)
    end.set()
    assert done.wait(60) and crew.close(60)
