"""pelagos config import xivo-dird: written, printed, and honest about what was left out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from pelagos.core.config import load
from pelagos.directory import DirectorySettings
from pelagos.plane.sections import SECTIONS, DirectoryConfig
from unit.cli.conftest import World

FILES = {
    "config.yml": "{debug: true, services: {lookup: {sales: {sources: [staff], timeout: 1}}}}",
    "conf.d/views.yml": """
views:
  displays: {office: [{title: Name, field: name, type: name}]}
  profile_to_display: {sales: office}
""",
    "sources.d/staff.yml": """
name: staff
type: csv
file: /nowhere/staff.csv
format_columns: {name: "{first} {last}"}
""",
    "sources.d/broken.yml": "type: csv",
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "xivo-dird", FILES)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_configuration_is_written_and_what_was_left_out_is_said(world: World, old: Path) -> None:
    mine = world.folder / "mine.toml"
    mine.write_text("# mine\n[node]\npartitions = 3\n")
    ran = world.run("config", "import", "xivo-dird", str(old), "--config", str(mine))
    assert ran.code == 0 and ran.out == ""
    assert "debug: not needed" in ran.err and "broken.yml: it has no name" in ran.err
    assert "/nowhere/staff.csv is not on this machine" in ran.err
    assert f"3 files read, 1 sources, 5 remarks; written to {mine}" in ran.err
    assert mine.read_text().startswith("# mine\n[node]\npartitions = 3\n")
    settings = load(SECTIONS, mine).of(DirectoryConfig).settings
    read = DirectorySettings.from_mapping(settings)
    assert read.sources["staff"].format_columns == {"name": "{first} {last}"}
    assert list(read.displays) == ["sales"]


def test_it_can_be_looked_at_first(world: World, old: Path) -> None:
    ran = world.run("config", "import", "xivo-dird", str(old), "--dry-run")
    assert ran.code == 0 and "not written" in ran.err
    printed = tomllib.loads(ran.out)["directory"]["settings"]
    assert printed["services"]["lookup"]["sales"] == {"sources": ["staff"], "timeout": 1}
    assert not (world.folder / ".config/pelagos/config.toml").exists()


def test_what_is_configured_already_is_replaced_only_when_told(world: World, old: Path) -> None:
    mine = world.folder / "mine.toml"
    words = ("config", "import", "xivo-dird", str(old), "--config", str(mine))
    mine.write_text("[directory.settings.sources.mine]\ntype = 'sample'\n")
    refused = world.run(*words)
    assert refused.code and "has directory.settings already" in refused.err
    assert "--replace" in refused.err and "mine" in mine.read_text()
    assert world.run(*words, "--replace").code == 0
    assert "sources.mine" not in mine.read_text() and "sources.staff" in mine.read_text()


def test_a_command_in_a_file_is_run_only_when_told(world: World, old: Path) -> None:
    write(old, {"conf.d/gen.yml": "!exec {command: 'echo foo: 1; echo ran >&2'}"})
    ran = world.run("config", "import", "xivo-dird", str(old), "--dry-run")
    assert "not run: echo foo: 1" in ran.err and "foo: left out" not in ran.err
    ran = world.run("config", "import", "xivo-dird", str(old), "--dry-run", "--run-commands")
    assert "not run" not in ran.err and "foo: left out" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("xivo-dird", "/nowhere"), "/nowhere/config.yml cannot be read"),
        (("xivo_dird", "/nowhere"), "did you mean xivo-dird?"),
        (("xivo-dird",), "FOLDER is missing"),
    ],
)
def test_what_cannot_be_imported_is_said(world: World, words: tuple[str, ...], said: str) -> None:
    ran = world.run("config", "import", *words)
    assert ran.code and said in ran.err and "Traceback" not in ran.err
