import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pelagos import __version__
from pelagos.cli import failures
from pelagos.cli.commands.service import ServiceDestroy, ServiceStart, ServiceStop
from pelagos.cli.main import main
from pelagos.cli.tree import pelagos_tree
from pelagos.core.errors import PelagosError
from pelagos.slap.model import (
    Cause,
    InstanceState,
    ReleaseOnComputer,
    ReleaseStatus,
    SupplyState,
)


def test_the_version_is_printed(world):
    assert world.run("--version").out == f"pelagos {__version__}\n"
    assert world.run("-V").code == 0


def test_no_words_print_the_help(world):
    ran = world.run()
    assert ran.code == 0
    assert ran.out.startswith("usage: pelagos COMMAND …\n")
    assert world.run("--help").out == world.run("help").out == ran.out


def test_the_help_shows_each_command_once_below_its_heading(world):
    lines = world.run("--help").out.splitlines()
    for above, below in (
        ("services:", "up"),
        ("clouds:", "server …"),
        ("this program:", "doctor"),
    ):
        section = lines[lines.index(above) :]
        section = section[: section.index("")]
        assert any(line.startswith(f"  {below} ") for line in section)
    shown = [line.split()[0] for line in lines if line.startswith("  ") and line[2].isalpha()]
    assert sorted(shown) == sorted(pelagos_tree().groups)
    assert max(map(len, lines)) <= 80


def test_help_goes_before_the_words_and_after_a_group(world):
    assert world.run("help", "service", "list").out == world.run("service", "list", "--help").out
    assert world.run("help", "service").out == world.run("service", "--help").out
    assert world.run("service", "help").out == world.run("service", "--help").out
    wrong = world.run("help", "service", "lst")
    assert wrong.code == failures.USAGE
    assert "did you mean: pelagos service list?" in wrong.err


def test_a_group_alone_is_a_wrong_line_that_shows_its_commands(world):
    ran = world.run("service")
    assert ran.code == failures.USAGE
    assert ran.out == ""
    assert "logs" in ran.err
    assert world.run("service", "--help").code == 0


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (["servce"], "did you mean: pelagos service?"),
        (["service", "lst"], "did you mean: pelagos service list?"),
        (["destroy"], "did you mean: pelagos service destroy?"),
        (["qqqq"], "see: pelagos --help"),
        (["service", "qqqq"], "see: pelagos service --help"),
        (["service", "show", "x"], "did you mean: pelagos service info?"),
        (["service", "rm", "x"], "did you mean: pelagos service destroy?"),
        (["server", "rm", "x"], "did you mean: pelagos server delete?"),
        (["service", "ls"], "did you mean: pelagos service list?"),
        (["config", "unset", "x"], "did you mean: pelagos config delete?"),
        (["server", "rename", "x", "y"], "did you mean: pelagos server modify?"),
        (["image", "upload", "x"], "did you mean: pelagos image create?"),
        (["version"], "did you mean: pelagos --version?"),
        (["vm", "list"], "did you mean: pelagos server?"),
        (["--help", "servce"], "did you mean: pelagos service?"),
    ],
)
def test_an_unknown_command_is_answered_with_the_nearest(world, line, hint):
    ran = world.run(*line)
    assert ran.code == failures.USAGE
    assert hint in ran.err
    assert "there is no command" in ran.err


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (["--vesion"], "did you mean --version?"),
        (["service", "list", "--colums", "x"], "did you mean --columns?"),
        (["service", "list", "--output"], "pelagos: -o/--output: its value is missing"),
        (["service", "list", "-o", "jsn"], "did you mean json?"),
        (["service", "list", "--wait"], "see: pelagos service list --help"),
        (["service", "info"], "usage: pelagos service info SERVICE"),
        (["service", "info", "a", "b"], "'b' is too much"),
        (["service", "info", ""], "an argument is empty"),
        (["--data"], "--data: its value is missing"),
        (["service", "--config"], "--config: its value is missing"),
        (["service", "--bogus"], "unknown option: --bogus"),
        (["service", "list", "--master-url", "ftp://x", "--token-file", "{token}"], "http://HOST"),
        (
            ["service", "list", "--master-url", "http://a b", "--token-file", "{token}"],
            "not an addr",
        ),
        (["service", "list", "--master-url", "nowhere"], "'nowhere' is not an address"),
        (["request", "x"], "URL is missing"),
        (["request"], "REFERENCE and URL are missing"),
        (["completion", "tcsh"], "bash, zsh, fish"),
        (["service", "list", "--columns", "a,,b"], "a name is missing"),
        (["service", "stop", "x", "--timeout", "soon"], "90, 1.5m, 2h"),
        (["service", "stop", "x", "--timeout", "nan"], "not a length of time"),
        (["up", "--master-port", "70000"], "0 to 65535"),
        (["up", "--part", "slave"], "there is no 'slave'"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_what_is_right(world, line, hint):
    ran = world.run(*(word.format(token=world.data / "token") for word in line))
    assert ran.code == failures.USAGE
    assert hint in ran.err
    assert world.transport.requests == []


def test_options_of_every_command_may_stand_before_it(world):
    world.routes["GET /v1/services"] = world.page([])
    assert world.run("-o", "json", "service", "list").data == []
    assert world.run("--output=json", "service", "list").data == []
    assert world.run("service", "--output", "json", "list").data == []
    assert world.run("--data", str(world.data), "--help").code == 0


def test_an_option_may_stand_between_the_operands(world, profile):
    world.routes["POST /supplySupply"] = world.answer(None)
    well = Cause("ok", "built")
    supplied = ReleaseOnComputer(
        str(profile), "COMP", SupplyState.AVAILABLE, ReleaseStatus.AVAILABLE, well
    )
    world.routes["GET /v1/releases"] = world.answer([supplied])
    assert world.run("supply", "--remove", str(profile), "COMP").code == 0
    assert world.run("supply", str(profile), "--remove", "COMP").code == 0
    assert len(world.sent("POST", "supplySupply")) == 2


def test_words_after_two_dashes_are_no_options(world):
    world.routes["GET /v1/services/--help"] = world.answer(world.service("--help"))
    assert "--help" in world.run("service", "info", "--", "--help").out


def test_the_codes_of_failures_are_those_that_are_documented(world):
    world.routes["GET /v1/services"] = world.refusal(401, "this token is not known")
    assert world.run("service", "list").code == failures.NOT_ALLOWED
    world.routes["GET /v1/services"] = world.refusal(403, "this is not yours")
    assert world.run("service", "list").code == failures.NOT_ALLOWED
    world.routes["GET /v1/services"] = world.refusal(500, "the master failed")
    assert world.run("service", "list").code == failures.FAILED
    world.routes["GET /v1/services"] = world.answer("no list")
    assert world.run("service", "list").code == failures.FAILED


def test_a_plane_that_does_not_answer_names_the_command_that_starts_it(world):
    ran = world.run("service", "list")
    assert ran.code == failures.UNREACHABLE
    assert "start it: pelagos up" in ran.err


def test_the_silence_of_an_opennebula_is_not_that_of_the_plane(world):
    world.environ |= {"ONE_XMLRPC": "http://127.0.0.1:1/RPC2", "ONE_AUTH": str(world.data / "one")}
    (world.data / "one").write_text("ada:pw")
    ran = world.run("one", "vm", "list")
    assert ran.code == failures.UNREACHABLE
    assert "nobody answers at http://127.0.0.1:1" in ran.err
    assert "pelagos up" not in ran.err and "see that it runs" in ran.err


def test_without_a_plane_the_way_to_one_is_shown(world):
    (world.data / "plane.json").unlink()
    ran = world.run("service", "list")
    assert ran.code == failures.UNREACHABLE
    assert "pelagos up" in ran.err
    assert "--master-url" in ran.err


def test_an_unexpected_error_is_told_in_words_and_kept_in_a_private_file(world, monkeypatch):
    def broken(_request):
        raise ZeroDivisionError("Authorization: Bearer s3cret")

    monkeypatch.setenv("PELAGOS_DATA", str(world.data))
    world.routes["GET /v1/services"] = broken
    ran = world.run("service", "list", "--columns=s3cret")
    assert ran.code == failures.FAILED
    assert "ZeroDivisionError" in ran.err
    assert "Traceback" not in ran.err
    [path] = (world.data / "log").iterdir()
    assert str(path) in ran.err
    text = path.read_text()
    assert "Traceback" in text
    assert "s3cret" not in text + ran.err
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_unexpected_error_is_told_even_when_it_cannot_be_kept(world, monkeypatch):
    def broken(_request):
        raise ZeroDivisionError

    (world.folder / "file").write_text("")
    monkeypatch.setenv("PELAGOS_DATA", str(world.folder / "file"))
    world.routes["GET /v1/services"] = broken
    ran = world.run("service", "list")
    assert ran.code == failures.FAILED
    assert "could not be saved: Not a directory" in ran.err


def test_ctrl_c_ends_with_130_and_no_traceback(world):
    def interrupted(_request):
        raise KeyboardInterrupt

    world.routes["GET /v1/services"] = interrupted
    ran = world.run("service", "list")
    assert ran.code == failures.INTERRUPTED
    assert ran.err.endswith("pelagos: interrupted\n")


def test_control_characters_of_a_name_are_never_written_raw(world):
    nasty = "a\x1b[2Jb\x00c\x9bd\u202ee"
    world.routes["GET /v1/services"] = world.page([world.service(nasty)])
    for form in ("table", "json", "yaml", "csv", "value"):
        out = world.run("service", "list", "-o", form).out
        assert not {"\x1b", "\x00", "\x9b", "\u202e"} & set(out), form
    said = world.run("service", "info", nasty).err + world.run(nasty).err
    assert not {"\x1b", "\x00", "\x9b", "\u202e"} & set(said)


def test_a_closed_pipe_is_quiet():
    # A real pipe, because only a real one breaks.
    code = "import sys; from pelagos.cli.main import main; sys.exit(main(['config', 'list']))"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 0


def test_version_and_help_load_next_to_nothing():
    # Modules are counted, never milliseconds: this holds on a busy machine too.
    code = (
        "import sys; before = set(sys.modules)\n"
        "from pelagos.cli.main import main\n"
        "main([sys.argv[1]])\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    for option in ("--version", "--help"):
        done = subprocess.run(
            [sys.executable, "-c", code, option], capture_output=True, text=True, check=True
        )
        loaded = set(done.stderr.split())
        heavy = {"urllib3", "msgspec", "dataclasses", "typing", "argparse", "re", "json"}
        assert not loaded & (heavy | {"importlib.metadata", "logging", "pathlib"})
        assert len(loaded) < 25, loaded


def test_a_program_spends_nothing_on_what_it_will_not_use_again():
    code = (
        "import gc, sys\n"
        "from pelagos.cli.main import main\n"
        "main(['--version']); before = gc.get_threshold()[0], gc.get_freeze_count()\n"
        "sys.argv = ['pelagos', '--version']; main()\n"
        "print(*before, gc.get_threshold()[0], gc.get_freeze_count(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    usual, none, rare, frozen = map(int, done.stderr.split())
    assert (usual < 5000 < rare) and (none == 0 < frozen)


def test_a_command_that_runs_for_long_looks_for_the_unused_as_it_was_before():
    code = (
        "import gc, sys\n"
        "gc.set_threshold(1234, 11, 12)\n"
        "from pelagos.cli.main import main\n"
        "sys.argv = ['pelagos', 'bus', 'run', 'no.such:Thing']; main()\n"
        "print(*gc.get_threshold())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1234 11 12\n", done.stderr


def test_listing_services_loads_neither_the_pool_nor_the_decoder_nor_the_model():
    code = (
        "import sys, pelagos.cli.commands.service, pelagos.cli.glance, pelagos.core.config\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {
        "urllib3",
        "msgspec",
        "http.client",
        "ssl",
        "pelagos.slap.model",
        "tomlkit",
        "inspect",
    }
    assert not set(done.stdout.split()) & (heavy - {"inspect"})


def test_main_reads_the_arguments_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pelagos", "--version"])
    assert main() == 0
    assert __version__ in capsys.readouterr().out


def test_a_state_is_known_by_the_word_of_the_model():
    for kind in (ServiceStart, ServiceStop, ServiceDestroy):
        assert InstanceState(kind.state)


def run_program(*words: str, **more):
    line = [sys.executable, "-m", "pelagos", *words]
    return subprocess.run(line, stderr=subprocess.PIPE, check=False, **more)


def test_a_full_disk_below_the_output_is_told():
    with Path("/dev/full").open("w") as full:
        done = run_program("config", "list", stdout=full)
    assert done.returncode == failures.FAILED
    said, hint = done.stderr.decode().splitlines()
    assert said == "pelagos: cannot write the output: No space left on device"
    assert "make room" in hint


@pytest.mark.parametrize("error", [PelagosError("no such thing"), ValueError("odd")])
def test_an_error_after_output_that_cannot_be_written_is_told(error, tmp_path):
    """A script prints through `main`, so that the output waits when the command fails."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pelagos.cli import main\n"
        "from pelagos.core.errors import PelagosError\n"
        "def run(words, make_context):\n"
        "    print('a line')\n"
        f"    raise {type(error).__name__}({str(error)!r})\n"
        "main.run = run\n"
        "sys.exit(main.main([]))\n"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, script],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PELAGOS_DATA": str(tmp_path), "PYTHONUNBUFFERED": ""},
            check=False,
        )
    assert done.returncode == failures.FAILED
    assert str(error) in done.stderr.decode() and b"Traceback" not in done.stderr


def test_closed_streams_are_no_failure():
    line = f"exec {sys.executable} -m pelagos --version"
    for closed in (">&-", "2>&-", ">&- 2>&- <&-"):
        done = subprocess.run(["/bin/sh", "-c", f"{line} {closed}"], check=False)
        assert done.returncode == 0


def test_words_that_are_no_text_are_refused(world):
    ran = world.run("service", "info", "a\udcffb")
    assert ran.code == failures.USAGE
    assert "is not text in the encoding" in ran.err


def test_verbose_shows_the_calls_and_never_the_token(world):
    world.routes["GET /v1/services"] = world.page([])
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    try:
        for option in ("-v", "-vv"):
            ran = world.run("service", "list", option)
            assert "GET http://master.test:1/v1/services -> 200" in ran.err
            assert "t0ken" not in ran.err
        assert logging.getLevelName("DEBUG") == logging.DEBUG
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
        logging.getLogger("pelagos").setLevel(logging.NOTSET)


def test_a_user_without_a_home_is_told_what_to_set(world, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.home", homeless)
    world.environ |= {"HOME": "", "PELAGOS_DATA": ""}
    ran = world.run("service", "list")
    assert ran.code == failures.USAGE
    assert "PELAGOS_CONFIG" in ran.err or "PELAGOS_DATA" in ran.err


def test_a_data_folder_that_is_a_file_is_told(world):
    (world.folder / "file").write_text("")
    ran = world.run("service", "list", "--data", str(world.folder / "file"))
    assert ran.code == failures.FAILED
    assert "Not a directory" in ran.err
