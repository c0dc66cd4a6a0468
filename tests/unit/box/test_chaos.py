"""Faults on demand: what a person writes, and what comes of it."""

from __future__ import annotations

import pytest

from pelagos.box import BoxError
from pelagos.box.chaos import Chaos
from pelagos.box.errors import Refused
from pelagos.box.web import Request
from pelagos.core.clock import ManualClock

REQUEST = Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/"})


@pytest.mark.parametrize(
    "text", ["42=5%", "429", "429=5", "429=500%", "slow=x", "seed=1.x", "fast=1s", "429=-1%"]
)
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(BoxError) as caught:
        Chaos.parse(text)
    assert caught.value.hint


def test_so_many_of_all_requests_are_refused() -> None:
    chaos = Chaos.parse("429=20%,503=10%,seed=1")
    statuses = []
    for _ in range(2000):
        try:
            chaos.before(REQUEST)
            statuses.append(200)
        except Refused as refused:
            statuses.append(refused.status)
    assert 340 < statuses.count(429) < 460
    assert 150 < statuses.count(503) < 250


def test_answers_are_late_by_the_clock() -> None:
    clock = ManualClock()
    Chaos(slow=2.0, clock=clock).before(REQUEST)
    assert clock.monotonic() == 2.0
