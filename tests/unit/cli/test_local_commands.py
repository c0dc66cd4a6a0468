"""Commands that look at what lies on this computer, and the resume point of events."""

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pelagos.cli import failures
from pelagos.core.clock import ManualClock
from pelagos.core.http import HttpUnreachable
from pelagos.slap.agent.layout import Layout
from pelagos.slap.model import (
    Cause,
    Event,
    ReleaseOnComputer,
    ReleaseStatus,
    SupplyState,
)

RELEASE = "/srv/hello/software.cfg"


class LimitedClock(ManualClock):
    """Does something at each sleep, then interrupts, as a person would."""

    def __init__(self, *deeds):
        super().__init__(1_800_000_000.0)
        self.deeds = list(deeds)

    def sleep(self, seconds):
        super().sleep(seconds)
        if not self.deeds:
            raise KeyboardInterrupt
        self.deeds.pop(0)()


@pytest.fixture
def folder(world):
    """The folder of the service's partition."""
    node = world.folder / "node"
    made = node / "instance" / "slappart0"
    made.mkdir(parents=True)
    world.plane(node_root=str(node))
    world.routes = {"GET /v1/services/hello": world.answer(world.service())}
    return made


def log_of(folder, name, text):
    with (folder / f".slappart0_{name}.log").open("a") as file:
        file.write(text)


def test_logs_are_followed_over_rotation_and_new_programs(world, folder):
    log_of(folder, "web", "one\ntwo\n")

    def rotate():
        (folder / ".slappart0_web.log").rename(folder / "old")
        log_of(folder, "web", "four\n")

    world.clock = LimitedClock(
        lambda: log_of(folder, "web", "thr"),
        lambda: log_of(folder, "web", "ee\n"),
        rotate,
        lambda: log_of(folder, "db", "five\n"),
        lambda: None,
    )
    ran = world.run("service", "logs", "hello", "-n", "1", "--follow")
    assert ran.code == failures.INTERRUPTED
    lines = [line for line in ran.out.splitlines() if not line.startswith("==>")]
    assert lines == ["two", "three", "four", "five"]
    assert ran.out.count("==> web") == 1 and ran.out.count("==> db") == 1


def test_a_program_that_has_no_log_yet_can_be_followed(world, folder):
    world.clock = LimitedClock(lambda: log_of(folder, "web", "at last\n"), lambda: None)
    ran = world.run("service", "logs", "hello", "--program", "web", "-f")
    assert (ran.code, ran.out) == (failures.INTERRUPTED, "at last\n")


def test_a_log_that_became_a_link_is_not_followed(world, folder):
    secret = world.folder / "secret"
    secret.write_text("hidden\n")

    def link():
        (folder / ".slappart0_web.log").unlink()
        (folder / ".slappart0_web.log").symlink_to(secret)

    log_of(folder, "web", "one\n")
    world.clock = LimitedClock(link, lambda: None, lambda: None)
    assert "hidden" not in world.run("service", "logs", "hello", "-f").out


def test_logs_of_a_partition_with_a_user_of_its_own_are_found(world, folder):
    own = world.folder / "node" / "log" / "slappart0"
    own.mkdir(parents=True)
    (own / "web.log").write_text("hello\n")
    (folder / ".slappart0_web.log").symlink_to(own / "web.log")
    assert world.run("service", "logs", "hello", "--program", "web").out == "hello\n"


def test_logs_never_wait_for_a_pipe_nor_leave_the_partition(world, folder):
    os.mkfifo(folder / ".slappart0_web.log")
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.log").write_text("hidden\n")
    (folder / "var").mkdir()
    (folder / "var" / "log").symlink_to(elsewhere)
    ran = world.run("service", "logs", "hello")
    assert ran.code == failures.NOT_FOUND and "hidden" not in ran.out


def test_a_program_runs_in_the_place_of_a_service(folder):
    script = """if True:
        import sys
        from pelagos.cli.commands.exec import _replace
        from pathlib import Path
        import os
        os.chdir(sys.argv[1])
        _replace(("/bin/sh", "-c", "pwd; echo $HOME; exit 7"), {"HOME": "x"}, Path(sys.argv[1]))
    """
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (7, f"{folder}\nx\n")


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [("no-such-program", 127, "there is no program 'no-such-program'"), ("./data", 126, "cannot")],
)
def test_a_program_that_cannot_run_is_named(world, folder, monkeypatch, program, code, said):
    (folder / "data").write_text("no program")
    monkeypatch.chdir(folder)
    ran = world.run("service", "exec", "hello", "--", program)
    assert ran.code == code
    assert said in ran.err and "Traceback" not in ran.err


def test_exec_of_a_service_elsewhere_says_where(world):
    world.plane(node_root="/nowhere", computer_id="OTHER")
    world.routes = {
        "GET /v1/services/hello": world.answer(world.service()),
        "POST /v1/services/hello/exec": world.answer({"error": {"message": "no agent"}}, 503),
    }
    ran = world.run("service", "exec", "hello", "--", "ls")
    assert ran.code == failures.FAILED
    assert "on its computer, COMP" in ran.err and "pelagos service exec hello" in ran.err
    assert "no agent" in ran.err
    assert world.run("service", "exec", "hello").code == failures.USAGE


def test_exec_of_a_service_elsewhere_passes_on_what_its_agent_ran(world):
    world.plane(node_root="/nowhere", computer_id="OTHER")
    said = {"status": 3, "output": "aGkK", "errors": "bm8K", "is_late": False, "is_cut": True}
    world.routes = {
        "GET /v1/services/hello": world.answer(world.service()),
        "POST /v1/services/hello/exec": world.answer(said),
    }
    assert world.run("service", "exec", "hello", "--timeout", "5", "--", "ls").code == 3
    said |= {"is_late": True, "status": -9}
    world.routes["POST /v1/services/hello/exec"] = world.answer(said)
    ran = world.run("service", "exec", "hello", "--", "ls")
    assert (ran.code, ran.out) == (124, "hi\n")
    assert "no\n" in ran.err and "dropped" in ran.err and "ended after 30 s" in ran.err
    for time in ("0", "301", "10m"):
        ran = world.run("service", "exec", "hello", "--timeout", time, "--", "ls")
        assert ran.code == failures.USAGE
        assert "--timeout: on another computer a program has at most 5m" in ran.err


def test_logs_of_a_service_elsewhere_are_its_agents(world):
    world.plane(node_root="/nowhere", computer_id="OTHER")
    files = [{"name": "web", "path": "/srv/web.log", "lines": ["one", "t\x1b[2Jwo"]}]
    world.routes = {
        "GET /v1/services/hello": world.answer(world.service()),
        "POST /v1/services/hello/logs": world.answer({"files": files, "known": ["web"]}),
    }
    ran = world.run("service", "logs", "hello")
    assert ran.code == failures.OK
    assert ran.out.startswith("==> web (/srv/web.log)\none\n") and "\x1b" not in ran.out
    ran = world.run("service", "logs", "hello", "--follow")
    assert ran.code == failures.FAILED
    assert "--follow works there only" in ran.err and "leave --follow out" in ran.err


@pytest.mark.needs_root
def test_root_runs_it_as_the_owner_of_the_folder():
    script = (
        "import os; from pelagos.cli.commands.exec import _become; _become(65534, 65534);"
        "print(os.getresuid(), os.getgroups())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "(65534, 65534, 65534) [65534]" in done.stdout


def supplied(computer_id="COMP", status=ReleaseStatus.AVAILABLE, detail=""):
    cause = Cause("ok", "built", detail=detail)
    return ReleaseOnComputer(RELEASE, computer_id, SupplyState.AVAILABLE, status, cause)


def test_software_is_removed_by_its_path_though_the_file_is_gone(world):
    world.routes = {
        "GET /v1/releases": world.answer([supplied()]),
        "POST /supplySupply": world.answer(""),
    }
    ran = world.run("software", "remove", RELEASE)
    assert ran.code == failures.OK
    (sent,) = world.sent("POST", "supplySupply")
    assert b"state=destroyed" in sent.body and b"computer_id=COMP" in sent.body


def test_the_log_of_a_build_is_read_here_and_told_from_elsewhere(world):
    node = world.folder / "node"
    log = Layout(node, 0).release_log(RELEASE)
    log.parent.mkdir(parents=True)
    log.write_text("first\nsecond\nthird\n")
    world.plane(node_root=str(node))
    away = supplied("AWAY", ReleaseStatus.ERROR, "its\nend\n")
    world.routes = {"GET /v1/releases": world.answer([away, supplied()])}
    assert world.run("software", "log", RELEASE, "-n", "2").out == "second\nthird\n"
    assert world.run("software", "log", RELEASE, "AWAY").out == "its\nend\n"
    log.unlink()
    ran = world.run("software", "log", RELEASE, "COMP")
    assert ran.code == failures.NOT_FOUND and "no build of it has begun" in ran.err
    assert world.run("software", "log", "https://example.com/x.cfg").code == failures.NOT_FOUND


def event(number):
    return Event(
        number, 1.0, "instance.started", "g", "hello", None, "master", Cause("ok", "runs")
    )


def test_events_go_on_where_they_were_left(world):
    mark = world.folder / "mark"
    world.routes = {"GET /v1/events": world.answer([event(4), event(5)])}
    assert world.run("events", "--resume", str(mark)).code == failures.OK
    assert mark.read_text() == "5\n"
    world.routes = {"GET /v1/events": world.answer([event(6)])}
    world.run("events", "--resume", str(mark))
    assert "after=5" in world.transport.requests[-1].url
    assert mark.read_text() == "6\n"


def test_a_damaged_resume_point_is_named(world):
    mark = world.folder / "mark"
    mark.write_text("what?")
    ran = world.run("events", "--resume", str(mark))
    assert ran.code == failures.USAGE and "does not hold the number" in ran.err
    ran = world.run("events", "--resume", str(mark), "--after", "3")
    assert ran.code == failures.USAGE and "exclude each other" in ran.err


@pytest.mark.needs_root
@pytest.mark.parametrize("is_watched", [True, False])
def test_root_gives_nobody_its_terminal(is_watched):
    script = (
        "from pathlib import Path; from pelagos.cli.commands import exec as e;"
        "e._leave_the_terminal(); e._become(65534, 65534);"
        "e._replace(('sh', '-c', 'id -u; ps -o tty= -p $$; exit 5'),"
        " {'PATH': '/usr/bin:/bin'}, Path('/'))"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        if not is_watched:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.execv(sys.executable, [sys.executable, "-c", script])
    own = Path(f"/proc/{pid}/fd/2").readlink().name
    said = b""
    with contextlib.suppress(OSError):
        while data := os.read(terminal, 4096):
            said += data
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    uid, tty = said.decode().split()
    assert uid == "65534"
    assert tty != f"pts/{own}" and (tty.startswith("pts/") if is_watched else tty == "?")


def test_events_are_followed_over_a_restart_of_the_master(world):
    away = HttpUnreachable("nobody answers", url="http://master.test:1")
    answers = [world.answer([event(7)]), away, away, world.answer([event(8)]), KeyboardInterrupt()]

    def answer(_request):
        found = answers.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found

    world.routes = {"GET /v1/events": answer}
    ran = world.run("events", "--follow", "-o", "json")
    assert ran.code == failures.INTERRUPTED
    assert '"id": 7' in ran.out and '"id": 8' in ran.out
    assert ran.err.count("trying again") == 1
