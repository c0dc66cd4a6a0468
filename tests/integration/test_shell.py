"""The shell as a person meets it: on a terminal, and in a pipe."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos import __version__
from pelagos.box import Box
from pelagos.cli import failures
from support.require import Require
from support.typist import CTRL_C, CTRL_D, PATIENCE, TAB, UP, Tmux, Typist

pytestmark = pytest.mark.integration

PELAGOS = [sys.executable, "-m", "pelagos"]
GREETING = f"pelagos {__version__}: TAB completes, help helps, exit leaves\n"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A person who has nothing yet."""
    return {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "SHELL": "/bin/sh",
        "TERM": "xterm",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def shell(environ: dict[str, str]) -> Iterator[Typist]:
    with Typist(PELAGOS, environ) as typist:
        typist.see("pelagos> ")
        yield typist


@pytest.fixture
def silent(environ: dict[str, str]) -> Iterator[socket.socket]:
    """A master that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        environ["PELAGOS_MASTER_URL"] = f"http://127.0.0.1:{server.getsockname()[1]}"
        environ["PELAGOS_TOKEN"] = "t0ken"
        server.settimeout(PATIENCE)
        yield server


def piped(environ: dict[str, str], text: str | bytes, *words: str):
    """What a shell in a pipe does."""
    text = text.encode() if isinstance(text, str) else text
    return subprocess.run(
        [*PELAGOS, "shell", *words],
        input=text,
        env=environ,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


# ---- at a terminal


def test_a_session_reads_like_this(shell: Typist, tmp_path: Path):
    shell.line("config", "pelagos config> ")
    shell.line("get master.port", "pelagos config> ")
    shell.line("pth", "pelagos config> ")
    shell.line("service list", "pelagos config> ")
    shell.line("/service", "pelagos service> ")
    shell.line("list", "pelagos service> ")
    shell.line("", "pelagos service> ")
    shell.line("..", "pelagos> ")
    shell.line("!echo $((6 * 7))", "pelagos> ")
    shell.type("exit\n")
    assert shell.ended() == 0
    # A machine that is busy is longer at work than a person waits for without a word.
    assert re.sub(r"[a-z ]+: at work \(\d+ s\)", "", shell.transcript) == (
        GREETING
        + f"""\
pelagos> config
pelagos config> get master.port
0
pelagos config> pth
pelagos: there is no command config pth
  did you mean: pelagos config path?
pelagos config> service list
pelagos: there is no command config service
  from the top: /service list
pelagos config> /service
pelagos service> list
pelagos: no plane is known here: {tmp_path}/.local/share/pelagos has none
  start one: pelagos up
  or name one: --master-url URL, or PELAGOS_MASTER_URL
pelagos service> 
pelagos service> ..
pelagos> !echo $((6 * 7))
42
pelagos> exit
"""  # noqa: W291  # as it is
    )


def test_the_screen_looks_like_this(require: Require, environ: dict[str, str], tmp_path: Path):
    tmux = Tmux(require.program("tmux", package="tmux"), tmp_path, PELAGOS, environ)
    with contextlib.closing(tmux):
        tmux.screen("pelagos>")
        tmux.keys("completion ", "Tab")
        tmux.screen("bash  zsh   fish", "pelagos> completion")
        tmux.keys("C-u", "serv", "Tab")
        tmux.screen("pelagos> serv")
        tmux.keys("i", "Tab", "Enter", "re", "Tab", "-", "Tab")
        token_file = "--token-file  file that holds your token"
        shown = tmux.screen("pelagos service> rename -", showing=token_file)
        assert "pelagos service> rename -" in tmux.interrupt("pelagos service>")
        tmux.keys("info ", "Tab")
        end = tmux.screen("usage: service info SERVICE", "pelagos service> info")
    text = "\n".join(shown)
    assert "service  Services that you requested" in text
    assert "server   Servers of a cloud" in text
    assert end[-2:] == ["usage: service info SERVICE", "pelagos service> info"]


def test_tab_completes_what_is_typed(shell: Typist):
    shell.type(f"conf{TAB}ge{TAB}master.po{TAB}\n")
    assert "config get master.port" in shell.see("0\npelagos> ")
    shell.type(f"!cat /etc/hostn{TAB}")
    shell.see("!cat /etc/hostname ")


def test_what_tab_adds_before_it_shows_the_rest_stands_there_once(
    require: Require, environ: dict[str, str], tmp_path: Path
):
    tmux = Tmux(require.program("tmux", package="tmux"), tmp_path, PELAGOS, environ)
    offers = ("service  Services that you requested", "server   Servers of a cloud")
    with contextlib.closing(tmux):
        tmux.screen("pelagos>")
        tmux.keys("ser", "Tab")
        tmux.screen(*offers, "pelagos> serv")
        tmux.keys("C-u")
        tmux.screen(*offers, "pelagos>")
        tmux.keys("ser web", "Left", "Left", "Left", "Left", "Tab")
        tmux.screen(*offers, "pelagos> serv web")
        tmux.keys("i")
        shown = tmux.screen(*offers, "pelagos> servi web")
    assert shown[-3:] == [*offers, "pelagos> servi web"]


def test_ctrl_c_at_the_prompt_forgets_the_line(shell: Typist):
    shell.type("service nonsense")
    shell.see("nonsense")
    shell.interrupt("pelagos> ")
    assert shell.line("config path", "pelagos> ").strip().startswith("/")
    shell.type(CTRL_D)
    assert shell.ended() == 0
    assert "no command" not in shell.transcript


def test_ctrl_c_in_a_command_ends_only_that(environ: dict[str, str], silent: socket.socket):
    with Typist(PELAGOS, environ) as shell:
        shell.see("pelagos> ")
        for line in ("service list", "service info x", "request a http://127.0.0.1:9/s --wait"):
            shell.type(f"{line}\n")
            with silent.accept()[0]:
                shell.type(CTRL_C)
                shell.see("^C")
            assert "pelagos: interrupted" in shell.see("pelagos> ")
        assert "/config.toml" in shell.line("config path", "pelagos> ")
        shell.type(CTRL_D)
        assert shell.ended() == 0
    assert "Traceback" not in shell.transcript


def test_ctrl_c_ends_a_program_of_the_system_and_not_the_shell(shell: Typist):
    shell.type("!echo begun; sleep 1000\n")
    shell.see("begun\n")
    shell.interrupt("pelagos> ")
    assert "not found" in shell.line("!no-such-program", "pelagos> ")
    shell.type(CTRL_D)
    assert shell.ended() == 0


def test_a_server_runs_apart_until_ctrl_c(shell: Typist):
    shell.type("box up --port 0\n")
    shell.see("Ctrl-C ends it")
    shell.see("one vm list\n")
    shell.type(CTRL_C)
    shell.see("pelagos> ")
    assert "0\n" in shell.line("config get master.port", "pelagos> ")
    assert "Traceback" not in shell.transcript


def test_ctrl_d_leaves_the_group_and_then_the_shell(shell: Typist):
    shell.line("bus dead", "pelagos bus dead> ")
    for prompt in ("pelagos bus> ", "pelagos> "):
        shell.type(CTRL_D)
        shell.see(prompt)
    shell.type(CTRL_D)
    assert shell.ended() == 0


def test_the_next_session_remembers_and_no_secret_was_kept(
    environ: dict[str, str], tmp_path: Path
):
    with Typist(PELAGOS, environ) as shell:
        shell.see("pelagos> ")
        shell.line("config", "pelagos config> ")
        shell.line("set cloud.named.x.token s3cret", "pelagos config> ")
        shell.line("path", "pelagos config> ")
        shell.line(" get master.host", "pelagos config> ")
        shell.line("gte master.port", "pelagos config> ")
        shell.type("quit\n")
        assert shell.ended() == 0
    path = tmp_path / ".local/state/pelagos/history"
    assert path.read_text() == (
        "config\n/config set cloud.named.x.token ...\n/config path\nquit\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Typist(PELAGOS, environ) as shell:
        shell.see("pelagos> ")
        shell.type(f"{UP}{UP}\n")
        shell.see("/config path")
        assert "config.toml" in shell.see("pelagos> ")
        assert "cloud.named.x.token ..." in shell.line("history", "pelagos> ")


def test_a_history_that_cannot_be_kept_is_told_once(environ: dict[str, str], tmp_path: Path):
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/state").write_text("in the way")
    with Typist(PELAGOS, environ) as shell:
        told = shell.see("pelagos> ")
        told += shell.line("config path", "pelagos> ")
        told += shell.line("config path", "pelagos> ")
    assert told.count("the history") == 1
    assert "pelagos config set shell.history 0" in told


def test_options_at_the_start_hold_for_the_session(environ: dict[str, str], tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text("[master]\nport = 4711\n")
    with Typist([*PELAGOS, "--config", str(own), "-o", "json"], environ) as shell:
        shell.see("pelagos> ")
        assert "4711" in shell.line("config get master.port", "pelagos> ")
        assert '"value": 4711' in shell.line("config list --filter key=master.port", "pelagos> ")


def test_results_may_go_elsewhere_while_a_person_types(environ: dict[str, str], tmp_path: Path):
    out = tmp_path / "out"
    with out.open("wb") as file, Typist([*PELAGOS, "shell"], environ, stdout=file.fileno()) as one:
        one.see("pelagos> ")
        one.line("config path", "pelagos> ")
        one.type(CTRL_D)
        assert one.ended() == 0
    assert out.read_text() == f"{tmp_path}/.config/pelagos/config.toml\n"


def test_a_terminal_that_goes_away_ends_the_shell(environ: dict[str, str]):
    with Typist(PELAGOS, environ) as shell:
        shell.see("pelagos> ")
        os.kill(shell.process.pid, signal.SIGHUP)
        assert shell.process.wait(PATIENCE) == -signal.SIGHUP


def test_the_cloud_is_logged_in_to_once(environ: dict[str, str], tmp_path: Path):
    with Box() as box:
        person = box.person("demo")
        environ |= {
            "OS_AUTH_URL": box.auth_url,
            "OS_USERNAME": person.name,
            "OS_PASSWORD": person.password,
            "OS_PROJECT_NAME": person.project,
            "PELAGOS_DATA": str(tmp_path / "data"),
        }
        ran = piped(environ, "flavor list -v -j\nserver list -v -j\nimage list -v -j\n")
        listed = ran.stdout.decode()
    said = ran.stderr.decode()
    assert ran.returncode == 0, said
    assert json.JSONDecoder().raw_decode(listed)[0]
    assert said.count("clients.send: POST") == 1
    assert "/servers" in said and "/images" in said


# ---- in a pipe


def test_no_words_in_a_pipe_are_the_help(environ: dict[str, str]):
    done = subprocess.run(PELAGOS, env=environ, input=b"", capture_output=True, check=False)
    assert done.returncode == 0
    assert b"usage: pelagos COMMAND" in done.stdout


def test_a_command_apart_runs_nothing_that_lies_where_the_person_is(
    environ: dict[str, str], tmp_path: Path
):
    (tmp_path / "pelagos.py").write_text("print('from the folder')")
    done = subprocess.run(
        [sys.executable, "-P", *PELAGOS[1:], "shell"],
        input=b"object append x y\n",
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert b"pelagos: " in done.stderr and done.returncode
    assert b"from the folder" not in done.stdout


def test_a_script_is_run_without_prompt_or_history(environ: dict[str, str], tmp_path: Path):
    ran = piped(environ, "config\npath\n!echo hi; cat\n/config gte\n!exit 7\n")
    assert ran.stdout.decode() == f"{tmp_path}/.config/pelagos/config.toml\nhi\n"
    assert ran.returncode == failures.USAGE
    assert "pelagos: line 4 ended with 2\npelagos: line 5 ended with 7\n" in ran.stderr.decode()
    assert not (tmp_path / ".local/state").exists()


@pytest.mark.parametrize(
    "text",
    [b"\xff\xfe\n", b"\x00\n", b"\x1b[31m\n", b"'\n", b"a" * 100_000 + b"\n", b"/" * 5000, b"!"],
)
def test_any_bytes_are_answered_in_words(environ: dict[str, str], text: bytes):
    ran = piped(environ, text + b"\nconfig path\n")
    assert ran.returncode in {failures.USAGE, failures.OK}
    assert ran.stdout.endswith(b"config.toml\n")
    assert b"Traceback" not in ran.stderr
    assert b"\x1b" not in ran.stderr


def test_a_reader_that_has_seen_enough_is_no_error(environ: dict[str, str]):
    with subprocess.Popen(
        [*PELAGOS, "shell"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        process.stdin.write(b"config list\nconfig list\n")
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0
