"""The command lines of the guides about object storage are ones that the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pelagos.cli.command_base import parse
from pelagos.cli.launch import load
from pelagos.cli.main import resolve
from pelagos.cli.tree import pelagos_tree

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = ("keep-files-in-a-cloud", "back-up-a-plane")


def lines(guide: str) -> list[str]:
    text = (DOCS / "how-to" / f"{guide}.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`(pelagos [a-z][^`…]*)`", text)
    return [line for block in blocks for line in block.splitlines()] + inline


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_line_of_a_guide_is_taken(guide: str) -> None:
    found = [line for line in lines(guide) if "pelagos " in line]
    assert len(found) > 3
    for line in found:
        words = shlex.split(line[line.index("pelagos ") + len("pelagos ") :].partition(" | ")[0])
        node, options, operands = resolve(pelagos_tree(), words)
        assert node.can_run or not operands, line
        if not node.can_run:
            continue
        command = load(node)
        _, given = parse(command, node.line, options + operands)
        if "`" + line + "`" not in (DOCS / "how-to" / f"{guide}.md").read_text() or given:
            command.check_operands(given, node.line)
