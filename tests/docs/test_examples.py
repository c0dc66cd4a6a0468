"""The examples hold for those who copy them."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

HELLO = Path(__file__).parents[2] / "examples" / "hello" / "software.cfg"


def test_the_example_runs_in_a_folder_with_a_space_in_its_name() -> None:
    software, instance = RawConfigParser(), RawConfigParser()
    software.read(HELLO)
    instance.read_string(software["instance"]["inline"])
    command = instance["hello"]["command"].split("\n")
    assert [line for line in command if " " in line] == []
