"""Ids are unique, also those that several threads ask for first."""

from __future__ import annotations

import os
import threading

import pytest

from pelagos.messaging.sending.ids import IdSource


def test_the_first_ids_of_several_threads_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()
    found: list[str] = []
    source = IdSource()
    urandom = os.urandom

    def slow(count: int) -> bytes:
        monkeypatch.setattr(os, "urandom", urandom)
        asked.set()
        assert answered.wait(60)
        return urandom(count)

    monkeypatch.setattr(os, "urandom", slow)
    first = threading.Thread(target=lambda: found.append(source.next()))
    first.start()
    assert asked.wait(60)
    found.append(source.next())  # the other thread is about to begin
    answered.set()
    first.join(60)
    assert [len(one) for one in found] == [32, 32]
    assert len(set(found)) == 2
