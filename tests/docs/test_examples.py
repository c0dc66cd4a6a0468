"""The examples hold for those who copy them."""

from __future__ import annotations

import textwrap
from configparser import RawConfigParser
from pathlib import Path

HELLO = Path(__file__).parents[2] / "examples" / "hello" / "software.cfg"


def test_the_example_runs_in_a_folder_with_a_space_in_its_name() -> None:
    _, _, inline = HELLO.read_text("utf-8").rpartition("inline =\n")
    instance = RawConfigParser(delimiters="=")
    instance.read_string(textwrap.dedent(inline))
    command = instance["hello"]["command"].strip().split("\n")
    assert command and [argument for argument in command if " " in argument] == []
