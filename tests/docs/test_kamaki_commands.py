"""Each command of kamaki stands in the page about them, beside commands and options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from pelagos.cli.command_base import Command
from pelagos.cli.index import COMMANDS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "kamaki-commands.md"
OLD = (ROOT / "tests" / "data" / "kamaki" / "commands.txt").read_text().splitlines()
TARGETS = {name: target for name, target, *_ in COMMANDS}
CODE = re.compile(r"`([^`]+)`")


def rows() -> Iterator[tuple[str, list[str], list[str]]]:
    """Release, old commands and new lines of each row."""
    release = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            release = line.removeprefix("## ")
        elif line.startswith("| `"):
            old, new = line.strip("| ").split(" | ", 1)
            yield release, CODE.findall(old), CODE.findall(new)


LINES = sorted({one for _, _, new in rows() for one in new})


def test_every_old_command_has_a_row() -> None:
    assert len(OLD) == 154 + 87
    told = [f"{release} {one}" for release, old, _ in rows() for one in old]
    assert sorted(told) == sorted(OLD)


def test_few_have_no_command() -> None:
    assert [old for _, old, new in rows() if not new] == [["test args"]]


@pytest.mark.parametrize("line", LINES)
def test_the_command_and_its_options_are_there(line: str) -> None:
    words = shlex.split(line)
    name = next(
        " ".join(words[:count])
        for count in range(len(words), 0, -1)
        if " ".join(words[:count]) in TARGETS
    )
    module, _, kind = TARGETS[name].partition(":")
    command: type[Command] = getattr(import_module(f"pelagos.cli.commands.{module}"), kind)
    arguments = {one: each for each in command.all_arguments().values() for one in each.names}
    left = words[len(name.split()) :]
    operands = []
    while left:
        word = left.pop(0)
        if word.startswith("-") and word != "-":
            assert word in arguments, f"{name} has no {word}"
            if arguments[word].arity:
                left.pop(0)
        else:
            operands.append(word)
    command.check_operands(operands, name)
