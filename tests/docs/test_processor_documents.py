"""The programs of the pages about processors run, and print what they should."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PROGRAM = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("how-to/run-processors.md", [["door north", "light on"], ["True", "sea"]]),
        ("how-to/from-postage.md", [[], []]),
        ("reference/messaging-processors.md", [["disk1 to 20"]]),
    ],
)
def test_the_programs_of_a_page_run(page: str, expected: list[list[str]]) -> None:
    programs = PROGRAM.findall((DOCS / page).read_text("utf-8"))
    said = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        ).stdout.splitlines()
        for program in programs
    ]
    assert [sorted(lines) for lines in said] == expected


def test_the_table_of_a_crew_names_its_settings() -> None:
    from pelagos.messaging.runner import Crew  # noqa: PLC0415 - only this test needs it

    page = (DOCS / "how-to/run-processors.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)=", page, re.MULTILINE)) == set(Crew.__dataclass_fields__)
