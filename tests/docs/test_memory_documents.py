"""What the guide to tests in memory says is run."""

from __future__ import annotations

from pathlib import Path

from pelagos.messaging.transports.memory.faults import Faults

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "test-in-memory.md"


def test_the_guide_names_every_fault_that_there_is() -> None:
    asked_by_others = {
        "await_answer",
        "later",
        "publish",
        "next_deadline",
        "expire",
        "forget_lost",
    }
    switches = {name for name in vars(Faults) if not name.startswith("_")} - asked_by_others
    missing = {name for name in switches if f"{name}(" not in GUIDE.read_text()}
    assert missing == set()
