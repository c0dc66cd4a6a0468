"""A tap in the main thread of a program that gets signals."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

PROGRAM = """
import signal, time
from pelagos.messaging import Exchange, connect
from pelagos.messaging.observation.tap import Tap

class Events(Exchange):
    name = "events"
    exchange_type = "topic"

signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.03))
tap = Tap(connect("memory:bus"), [Events], ["#"])
tap.open()
for _ in range(3):
    signal.setitimer(signal.ITIMER_REAL, 0.04)  # its handler runs across the end of the wait
    assert tap.next(0.05) is None
"""


def test_a_signal_at_the_end_of_a_wait_does_not_let_it_go_on_for_ever() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], timeout=60, check=False)
    assert ended.returncode == 0
