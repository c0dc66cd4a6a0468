"""What the guide to tests in memory says is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pelagos.messaging.transports.memory.faults import Faults

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "test-in-memory.md"


def test_the_blocks_of_the_guide_run_one_after_the_other() -> None:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 3


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
