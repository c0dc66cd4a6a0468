"""The index that start-up, help and completion read says what the classes say."""

import runpy
from pathlib import Path

import pytest

import pelagos.cli
from pelagos.cli import index

TOOL = Path(__file__).parents[3] / "tools" / "write_commands.py"


def test_the_index_is_what_the_classes_say(capsys: pytest.CaptureFixture[str]) -> None:
    made = runpy.run_path(str(TOOL))["main"](["--check"])
    assert made == 0, capsys.readouterr().out


def test_other_names_of_groups_lead_to_groups() -> None:
    assert set(index.ALIASES.values()) <= set(index.GROUPS)
    assert not set(index.ALIASES) & set(index.GROUPS)


def test_every_name_of_the_front_door_is_there() -> None:
    for name in dir(pelagos.cli):
        assert getattr(pelagos.cli, name, None) is not None or name.startswith("__"), name
    assert not hasattr(pelagos.cli, "nothing_of_the_kind")
