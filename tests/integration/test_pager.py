"""Long lists on a terminal go through a pager; nothing else does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.screen import Screen

PELAGOS = str(Path(sys.executable).with_name("pelagos"))
LONG = ("config", "list")
SHORT = ("config", "list", "--filter", "key=plane.timeout")
MARKING = "sh -c 'echo IN THE PAGER; cat'"

pytestmark = pytest.mark.integration


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PAGER": MARKING}


def shown(environ: dict[str, str], *words: str) -> tuple[int, str]:
    with Screen([PELAGOS, *words], environ) as screen:
        code = screen.ended()
        return code, screen.shown


def test_a_list_that_is_longer_than_the_terminal_is_paged(environ):
    code, text = shown(environ, *LONG)
    assert code == 0
    assert text.count("IN THE PAGER") == 1
    assert text.index("IN THE PAGER") < text.index("KEY")
    assert "plane.timeout" in text


@pytest.mark.parametrize("words", [SHORT, (*LONG, "--no-pager")])
def test_what_fits_and_what_is_wished_otherwise_is_not(environ, words):
    code, text = shown(environ, *words)
    assert code == 0
    assert "IN THE PAGER" not in text
    assert "plane.timeout" in text


@pytest.mark.parametrize("pager", ["none", "cat"])
def test_the_setting_turns_it_off(environ, pager):
    _, text = shown({**environ, "PELAGOS_PAGER": pager}, *LONG)
    assert "IN THE PAGER" not in text
    assert "plane.timeout" in text


def test_into_a_pipe_nothing_is_paged(environ):
    found = subprocess.run(
        [PELAGOS, *LONG], env=environ, capture_output=True, text=True, check=True
    )
    assert "IN THE PAGER" not in found.stdout
    assert "\x1b" not in found.stdout


def test_a_pager_that_is_not_there_loses_nothing(environ):
    code, text = shown({**environ, "PAGER": "/nowhere/pager"}, *LONG)
    assert code == 0
    assert "plane.timeout" in text
    assert "nowhere" not in text


def test_a_pager_that_is_no_command_line_is_said(environ):
    code, text = shown({**environ, "PAGER": "less 'x"}, *LONG)
    assert code != 0
    assert "PAGER" in text and "should not have happened" not in text


def test_a_pager_that_is_left_ends_the_command_without_a_word(environ):
    code, text = shown({**environ, "PAGER": "head -n 3"}, *LONG, "-o", "json")
    assert code == 0
    assert text.count("\n") == 3
    assert "rror" not in text


def test_ctrl_c_belongs_to_less_and_the_command_ends_after_it(environ, require):
    require.program("less", package="less")
    del environ["PAGER"]
    with Screen([PELAGOS, *LONG], environ) as screen:
        screen.until("node.root")
        screen.type("\x03")
        assert screen.process.poll() is None
        assert screen.ended(typing="q") in (0, 130)  # 130: it was still writing
        assert "Traceback" not in screen.shown
