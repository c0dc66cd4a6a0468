"""Causes, in words that can be sent."""

from __future__ import annotations

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.cause import Causes
from pelagos.slap.model import Cause


def test_a_cause_holds_only_what_utf_8_has_bytes_for() -> None:
    odd = "etc/prerm/\udcff \ud800"
    cause = Causes("COMP", ManualClock()).sign(Cause("node-error", odd, odd, odd))
    for text in (cause.message, cause.hint, cause.detail):
        assert text.encode() == b"etc/prerm/\\udcff \\ud800"
