"""pelagos config edit: an editor on a copy, which counts only when nothing is wrong in it."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from unit.cli.conftest import World

OLD = "# mine\n[node]\npartitions = 3  # few\n"


@pytest.fixture
def path(world: World) -> Path:
    return world.folder / ".config/pelagos/config.toml"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def editor(world: World, program: str) -> None:
    """Let the editor be this program; `text` and `save` are of the file."""
    script = world.folder / "editor.py"
    script.write_text(
        "import sys, pathlib\n"
        "file = pathlib.Path(sys.argv[-1])\n"
        "text = file.read_text()\n"
        f"{program}\n"
    )
    world.environ["EDITOR"] = f"{sys.executable} '{script}'"


def test_what_is_right_takes_the_place_of_the_file(world: World, path: Path) -> None:
    write(path, OLD)
    path.chmod(0o644)
    editor(world, "file.write_text(text.replace('3', '4'))")
    ran = world.run("config", "edit")
    assert ran.code == 0 and f"written to {path}" in ran.err
    assert path.read_text() == OLD.replace("3", "4")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(path.parent.glob("*.edited"))


def test_visual_goes_before_editor_and_may_have_options(world: World, path: Path) -> None:
    write(path, OLD)
    editor(world, "file.write_text(text + '# ' + sys.argv[1])")
    world.environ["VISUAL"] = world.environ["EDITOR"] + " --wait"
    world.environ["EDITOR"] = "/nowhere"
    assert world.run("config", "edit").code == 0
    assert path.read_text() == OLD + "# --wait"


def test_a_first_file_begins_with_a_line_that_helps(world: World, path: Path) -> None:
    editor(world, "assert 'pelagos config list' in text")
    ran = world.run("config", "edit")
    assert ran.code == 0 and "nothing was changed" in ran.err and not path.exists()
    editor(world, "file.write_text(text + '[node]\\npartitions = 4\\n')")
    assert world.run("config", "edit").code == 0
    assert world.run("config", "get", "node.partitions").out == "4\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[node]\npartitons = 4\n", "did you mean node.partitions?"),
        ("[noode]\npartitions = 4\n", "did you mean node?"),
        ("[node]\npartitions = 'four'\n", "must be a whole number"),
        ("[node\n", "is not TOML"),
        ("[bus]\nurl = 'http://x'\n", "bus.url"),
        ("[directory.settings.sources.x]\ntype = 3\n", "directory.settings"),
        ("[capacity.named.north]\ndriver = 3\n", "capacity.named"),
        ("[cloud.named.x]\nauth_url = 'http://h/'\ntokn = 't'\n", "did you mean token?"),
        ("[cloud.named]\nx = 3\n", "cloud.named.x must be a table"),
    ],
)
def test_what_is_wrong_is_told_and_kept_for_another_try(
    world: World, path: Path, text: str, said: str
) -> None:
    write(path, OLD)
    editor(world, f"file.write_text({text!r})")
    ran = world.run("config", "edit")
    kept = path.with_name("config.toml.edited")
    assert ran.code == 2 and said in ran.err and f"it is kept in {kept}" in ran.err
    assert path.read_text() == OLD and kept.read_text() == text
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    editor(world, "file.write_text('[node]\\npartitions = 5\\n')")
    ran = world.run("config", "edit")
    assert ran.code == 0 and "going on with what was kept" in ran.err
    assert world.run("config", "get", "node.partitions").out == "5\n" and not kept.exists()


def test_all_that_is_wrong_is_told_at_once(world: World) -> None:
    editor(world, "file.write_text('[node]\\na = 1\\nb = 2\\n[bus]\\nport = true\\n')")
    err = world.run("config", "edit").err
    assert "node.a" in err and "node.b" in err and "bus.port" in err


def test_what_was_kept_can_be_thrown_away(world: World, path: Path) -> None:
    write(path, OLD)
    editor(world, "file.write_text('wrong')")
    assert world.run("config", "edit").code == 2
    editor(world, "assert text.startswith('# mine')")
    ran = world.run("config", "edit", "--discard")
    assert ran.code == 0 and "nothing was changed" in ran.err
    assert not path.with_name("config.toml.edited").exists()


def test_a_file_that_changed_since_then_is_not_overwritten(world: World, path: Path) -> None:
    write(path, OLD)
    editor(world, "file.write_text('wrong')")
    assert world.run("config", "edit").code == 2
    later = time.time() + 10
    os.utime(path, (later, later))
    ran = world.run("config", "edit")
    assert ran.code == 1 and "has changed since" in ran.err and "--discard" in ran.err


def test_a_file_that_changes_meanwhile_is_not_overwritten(world: World, path: Path) -> None:
    write(path, OLD)
    editor(
        world,
        f"pathlib.Path({str(path)!r}).write_text('[bus]\\n'); file.write_text(text + '# x')",
    )
    ran = world.run("config", "edit")
    assert ran.code == 1 and "by somebody else meanwhile" in ran.err
    assert path.read_text() == "[bus]\n"
    assert path.with_name("config.toml.edited").read_text() == OLD + "# x"


def test_an_editor_that_fails_changes_nothing(world: World, path: Path) -> None:
    write(path, OLD)
    editor(world, "file.write_text('x'); sys.exit(3)")
    ran = world.run("config", "edit")
    assert ran.code == 1 and "ended with 3" in ran.err and path.read_text() == OLD
    assert "is kept in" in ran.err and path.with_name("config.toml.edited").read_text() == "x"


@pytest.mark.parametrize("program", ["sys.exit(3)", None])
def test_an_editor_that_wrote_nothing_leaves_nothing(
    world: World, path: Path, program: str | None
) -> None:
    write(path, OLD)
    if program:
        editor(world, program)
    else:
        world.environ["EDITOR"] = "/nowhere/ed"
    ran = world.run("config", "edit")
    assert ran.code in (1, 2) and "kept in" not in ran.err and path.read_text() == OLD
    assert not path.with_name("config.toml.edited").exists()


@pytest.mark.parametrize(
    ("named", "said"), [("/nowhere/ed", "cannot run the editor"), ("'x", "VISUAL or EDITOR")]
)
def test_an_editor_that_cannot_be_run_is_told(world: World, named: str, said: str) -> None:
    world.environ["EDITOR"] = named
    ran = world.run("config", "edit")
    assert ran.code == 2 and said in ran.err


def test_without_an_editor_or_a_terminal_it_says_so(world: World) -> None:
    world.environ["PATH"] = str(world.folder)
    ran = world.run("config", "edit")
    assert ran.code == 2 and "there is no editor" in ran.err and "EDITOR=" in ran.err


def test_a_link_stays_a_link(world: World, path: Path) -> None:
    real = world.folder / "real.toml"
    real.write_text(OLD)
    path.parent.mkdir(parents=True)
    path.symlink_to(real)
    editor(world, "file.write_text(text.replace('3', '4'))")
    assert world.run("config", "edit").code == 0
    assert path.is_symlink() and real.read_text() == OLD.replace("3", "4")


def test_an_editor_that_is_no_command_is_refused(world: World, path: Path) -> None:
    write(path, OLD)
    world.environ["VISUAL"] = " "
    ran = world.run("config", "edit")
    assert ran.code == 2 and "VISUAL" in ran.err
    assert path.read_text() == OLD


def test_a_file_that_leads_to_itself_is_told(world: World, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path)
    world.environ["EDITOR"] = "true"
    ran = world.run("config", "edit")
    assert ran.code == 1 and str(path) in ran.err
    assert "should not have happened" not in ran.err


def test_what_is_kept_is_private_whatever_the_editor_made_of_it(world: World, path: Path) -> None:
    write(path, OLD)
    editor(world, "file.unlink(); file.write_text('x'); file.chmod(0o644)")
    assert world.run("config", "edit").code == 2
    kept = path.with_name("config.toml.edited")
    assert kept.read_text() == "x" and stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_an_editor_that_takes_the_file_away_changes_nothing(world: World, path: Path) -> None:
    write(path, OLD)
    editor(world, "file.unlink()")
    ran = world.run("config", "edit")
    assert ran.code and "should not have happened" not in ran.err
    assert path.read_text() == OLD
