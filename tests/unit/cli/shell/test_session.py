"""Sessions in a pipe, line after line, against a fake master."""

import json
import logging

import pytest

from pelagos.cli import failures
from pelagos.cli.commands.service import ServiceList
from pelagos.cli.shell.session import Session


@pytest.fixture
def shell(world):
    world.routes = {
        "GET /v1/services?limit": world.page([world.service()]),
        "GET /v1/services/hello": world.answer(world.service()),
        "GET /v1/services": world.page([world.service()]),
        "GET /v1/computers": world.answer([world.computer()]),
    }

    def run(*lines: str, options: tuple[str, ...] = ()):
        world.stdin = "".join(f"{line}\n" for line in lines)
        return world.run("shell", *options)

    return run


def test_each_line_is_a_command(shell):
    ran = shell("service list --columns reference -o value", "", "# no", "computer list -j")
    assert ran.code == 0
    assert ran.out.startswith("hello\n[")
    assert ran.err == ""


def test_a_group_is_gone_into_and_left(shell):
    lines = ("service", "list -o value --columns reference", "..", "service list -j")
    ran = shell(*lines)
    assert ran.code == 0
    assert ran.out.startswith("hello\n[")


def test_all_lines_are_run_and_the_first_failure_is_told(shell):
    ran = shell("service lst", "computer info", "service list -o value --columns reference")
    assert ran.out == "hello\n"
    assert ran.code == failures.USAGE
    assert "did you mean: pelagos service list?" in ran.err
    assert "line 1 ended with 2" in ran.err
    assert "line 2 ended with 2" in ran.err


def test_the_exit_code_is_that_of_the_first_line_that_failed(shell, world):
    world.routes["GET /v1/services/gone"] = world.refusal(404, "there is no service gone")
    assert shell("service info gone", "service lst").code == failures.NOT_FOUND
    assert shell("service 'info", "service info gone").code == failures.USAGE


def test_a_script_may_end_at_its_first_failure(shell):
    ran = shell("service lst", "service list -j", options=("--stop",))
    assert ran.out == ""
    assert ran.code == failures.USAGE


def test_exit_ends_a_script(shell):
    assert shell("quit", "service lst").code == 0
    assert shell("service", "quit", "lst").code == 0


def test_options_hold_for_all_lines_that_do_not_say_otherwise(shell, tmp_path):
    (tmp_path / "own.toml").touch()
    ran = shell(
        "service list --columns reference",
        "service list --columns reference -o value",
        "config path",
        options=("-o", "json", "--config", str(tmp_path / "own.toml")),
    )
    assert ran.code == 0, ran.err
    listed, _, rest = ran.out.partition("]\n")
    assert json.loads(listed + "]") == [{"reference": "hello"}]
    assert rest == f"hello\n{tmp_path / 'own.toml'}\n"


def test_the_help_of_a_place_tells_the_words_of_the_shell(shell):
    ran = shell("help", "service", "?", "help list")
    assert "usage: pelagos COMMAND" in ran.out
    assert "usage: pelagos service COMMAND" in ran.out
    assert "usage: pelagos service list" in ran.out
    assert ran.out.count("in the shell:") == 2
    assert max(map(len, ran.out.splitlines())) <= 80


def test_lines_of_a_pipe_are_not_kept(shell, world):
    assert shell("service list", "history").out.endswith("nothing was typed yet\n")
    assert not (world.folder / ".local").exists()


def test_a_command_that_reads_gets_the_lines_that_follow(shell):
    ran = shell("join -", "one-time-token", "config path")
    assert "one-time-token" not in ran.err
    assert "there is no command" not in ran.err
    assert ran.out.endswith("config.toml\n")


def test_what_a_line_logs_ends_with_it(shell):
    root = logging.getLogger()
    before = list(root.handlers), root.level
    shell("service list -vv", "service list")
    assert (list(root.handlers), root.level) == before


def test_an_error_that_nobody_foresaw_ends_only_its_line(shell, monkeypatch):
    monkeypatch.setattr(ServiceList, "main", lambda _: 1 // 0)
    ran = shell("service list", "computer list -o value --columns computer_id")
    assert ran.out == "COMP\n"
    assert ran.code == failures.FAILED
    assert "this should not have happened" in ran.err
    assert "Traceback" not in ran.err


def test_an_interrupt_ends_a_script(shell, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ServiceList, "main", interrupt)
    ran = shell("service list", "computer list")
    assert (ran.code, ran.out) == (failures.INTERRUPTED, "")


def test_what_is_no_text_is_refused(shell):
    ran = shell("service info \udcff", "config path")
    assert ran.code == failures.USAGE
    assert ran.out.endswith("config.toml\n")


def test_the_history_is_shown_and_forgotten(world):
    path = world.folder / ".local" / "state" / "pelagos" / "history"
    path.parent.mkdir(parents=True)
    path.write_text("a\nb\nc\nd\n")
    assert [row["line"] for row in world.run("history", "show", "-j").data] == [*"abcd"]
    assert world.run("history", "show", "2:3", "-o", "value").out == "2\tb\n3\tc\n"
    assert world.run("history", "show", ":1", "-o", "value").out == "1\ta\n"
    assert world.run("history", "show", "4", "-o", "value").out == "4\td\n"
    assert world.run("history", "show", "4:", "-o", "value").out == "4\td\n"
    ran = world.run("history", "show", "x")
    assert (ran.code, "5:10" in ran.err) == (failures.USAGE, True)
    assert "4 lines forgotten" in world.run("history", "clean").err
    assert path.read_text() == ""


def test_a_history_that_cannot_be_read_is_told(world):
    (world.folder / ".local" / "state" / "pelagos" / "history").mkdir(parents=True)
    ran = world.run("history", "show")
    assert ran.code == failures.FAILED
    assert "it is not a file" in ran.err or "Is a directory" in ran.err
    assert "shell.history 0" in ran.err


def test_no_words_are_the_shell_only_for_a_person(world, monkeypatch):
    begun = []
    monkeypatch.setattr(Session, "run", lambda _: begun.append(1) or 0)
    assert "usage: pelagos COMMAND" in world.run().out
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert world.run().code == 0
    assert begun == [1]
    assert "usage: pelagos COMMAND" in world.run("--help").out
    assert world.run("--version").out.startswith("pelagos ")
    assert world.run("--vesion").code == failures.USAGE
    assert begun == [1]
