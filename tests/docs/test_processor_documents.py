"""The programs of the pages about processors run, and print what they should."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PROGRAM = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_the_table_of_a_crew_names_its_settings() -> None:
    from pelagos.messaging.runner import Crew  # noqa: PLC0415 - only this test needs it

    page = (DOCS / "how-to/run-processors.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)=", page, re.MULTILINE)) == set(Crew.__dataclass_fields__)
