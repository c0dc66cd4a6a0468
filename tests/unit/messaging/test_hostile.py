"""Ten thousand messages that nobody should send: each is quarantined, answered or handled."""

from __future__ import annotations

import logging

import pytest

from pelagos.messaging.transports.memory import MemoryTransport
from support.hostile_desk import survive

COUNT = 12_000


@pytest.mark.timeout(600)
def test_no_hostile_message_harms_a_processor(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "pelagos.messaging")
    tally = survive(MemoryTransport("hostile"), COUNT, seed=4)
    assert sum(tally.values()) >= COUNT
    assert min(tally.values()) > COUNT // 50, tally
