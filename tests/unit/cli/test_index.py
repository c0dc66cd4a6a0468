"""The index that start-up, help and completion read says what the classes say."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import pelagos.cli
from pelagos.cli import Command, CommandTree, index
from pelagos.cli.commands import one_things

TOOL = Path(__file__).parents[3] / "tools" / "write_commands.py"


def test_the_index_is_what_the_classes_say(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("OneZoneShow", "OneImageUnlock", "OneImageChmod"):
        getattr(one_things, name)  # whichever were made before, and in whichever order
    made = runpy.run_path(str(TOOL))["main"](["--check"])
    assert made == 0, capsys.readouterr().out


def test_a_command_that_goes_with_no_other_is_refused() -> None:
    check = runpy.run_path(str(TOOL))["check"]
    found, tree = CommandTree("pelagos"), CommandTree("farm")
    tree.add_command("farm_feed", "", Command)
    check(tree, found)
    found.add_tree(tree)
    check(tree, found)
    tree.set_class("farm_feed", object)
    with pytest.raises(SystemExit, match="both"):
        check(tree, found)
    tree.add_command("feed", "", Command)
    tree.groups.pop("farm")
    with pytest.raises(SystemExit, match="do not begin with farm"):
        check(tree, found)


def test_other_names_of_groups_lead_to_groups() -> None:
    assert set(index.ALIASES.values()) <= set(index.GROUPS)
    assert not set(index.ALIASES) & set(index.GROUPS)


def test_every_name_of_the_front_door_is_there() -> None:
    for name in dir(pelagos.cli):
        assert getattr(pelagos.cli, name, None) is not None or name.startswith("__"), name
    assert not hasattr(pelagos.cli, "nothing_of_the_kind")


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["__complete", "se"], 20),
        (["__complete", "service", "list", "-"], 55),
        (["service", "list", "--help"], 60),
        (["service", "nope"], 40),
    ],
)
def test_a_line_loads_its_own_command_and_no_other(words: list[str], most: int) -> None:
    """Modules are counted, never milliseconds: this holds on a busy machine too."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from pelagos.cli.main import main\n"
        "main(sys.argv[1:])\n"
        "print('loaded', *sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    loaded = done.stderr.splitlines()[-1].split()[1:]
    assert len(loaded) <= most, loaded
    heavy = {"dataclasses", "importlib.metadata", "inspect", "json", "msgspec", "urllib3"}
    assert not heavy & set(loaded)
    own = {one for one in loaded if one.startswith("pelagos.cli.commands.")}
    assert own <= {"pelagos.cli.commands.service"}
