"""What the reference of `pelagos.one` says is run against the box."""

import re
from pathlib import Path
from typing import Any

from pelagos.box import Box
from pelagos.one import OneServer

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "opennebula.md"


def test_the_blocks_of_the_page_run_one_after_the_other() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with Box(pace=0) as box, OneServer(box.one_url, session=box.one.session()) as one:
        names: dict[str, Any] = {"one": one}
        for block in blocks:
            exec(block, names)
    assert len(blocks) == 6 and names["host"] and names["memory"] and names["disks"]
    assert "web-1" in names["running"] and "web-1" in names["names"].values()
