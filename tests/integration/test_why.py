"""`pelagos why` names the cause in its first line: each fault made for real on a running plane."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.plane.settings import Part
from support.agent_site import PROFILE
from support.plane import HELLO, Plane, eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path, poll_interval=0.5)
    yield plane
    plane.stop()


def release(plane: Plane, name: str, body: str, parts: str = "web") -> str:
    """A profile without downloads that is supplied to this computer."""
    path = plane.folder / f"{name}.cfg"
    indented = "\n".join(f"  {line}" for line in body.splitlines())
    path.write_text(PROFILE.format(parts=parts, body=indented))
    plane.run("supply", str(path))
    return str(path)


def first_line(plane: Plane, thing: str) -> str:
    """What `why` says first; empty while it cannot say anything."""
    return (plane.run("why", thing, check=False).stdout.splitlines() or [""])[0]


def until(plane: Plane, thing: str, code: str) -> str:
    """The first line of `why`, once it names this cause; and the whole answer says what to do."""
    line = eventually(
        lambda: (line := first_line(plane, thing)).endswith(f"({code})") and line,
        within=60,
        every=0.5,  # each look is a program that is started
    )
    rest = plane.run("why", thing).stdout
    for said in ("state", "since", "seen by", "next"):
        assert f"\n  {said} " in rest
    return line


def ask(plane: Plane, name: str, url: str, *words: str) -> None:
    assert plane.run("request", name, url, *words, check=False).returncode in {0, 3}


def test_why_a_release_that_nobody_was_asked_to_supply(plane: Plane):
    plane.start()
    ask(plane, "dream", "http://127.0.0.1:9/software.cfg")
    assert "http://127.0.0.1:9/software.cfg" in until(plane, "dream", "release-unknown")
    assert "pelagos supply http://127.0.0.1:9/software.cfg" in plane.run("why", "dream").stdout


def test_why_a_release_that_is_not_supplied_where_it_is_wanted(plane: Plane):
    plane.start()
    here = plane.data.endpoints().computer_id
    plane.run("supply", str(HELLO))
    other = plane.folder / "other.cfg"
    other.write_text("[buildout]\nparts =\n")
    plane.run("supply", str(other))
    plane.run("supply", str(other), "--remove")
    ask(plane, "s", str(other), "--filter", f"computer_guid={here}")
    line = eventually(lambda: "release-" in (line := first_line(plane, "s")) and line, within=60)
    assert line.endswith(("(release-not-supplied)", "(release-unknown)"))
    assert str(other) in line


def test_why_there_is_no_free_partition(plane: Plane):
    plane.start(options=("--partitions", "1"))
    url = release(plane, "sleeper", "[web]\nrecipe = pelagos:service\ncommand = /bin/sleep 1000")
    plane.run("request", "first", url, "--wait")
    ask(plane, "second", url)
    assert until(plane, "second", "no-partition-free").startswith("second: ")
    plane.run("service", "destroy", "first", "--wait")
    assert until(plane, "second", "ok").startswith("second: ")


def test_why_a_build_fails(plane: Plane):
    plane.start()
    bad = plane.folder / "bad.cfg"
    bad.write_text("[buildout]\nparts = broken\n[broken]\nrecipe = pelagos:template\n")
    plane.run("supply", str(bad))
    line = until(plane, str(bad), "buildout-failed")
    assert "part broken" in line and "line " in line
    ask(plane, "s", str(bad))
    assert "part broken" in until(plane, "s", "buildout-failed")


def test_why_a_service_crashes_on_start(plane: Plane):
    plane.start()
    body = "[web]\nrecipe = pelagos:service\ncommand =\n  /bin/sh\n  -c\n  echo no luck; exit 3"
    ask(plane, "s", release(plane, "crash", body))
    line = until(plane, "s", "service-crashed")
    assert "exit status 3" in line and "no luck" in line


def test_why_a_promise_is_red(plane: Plane):
    plane.start()
    body = (
        "[web]\nrecipe = pelagos:service\ncommand = /bin/sleep 1000\n"
        "[mood]\nrecipe = pelagos:promise\ncommand =\n  /bin/sh\n  -c\n  echo too hot; exit 1"
    )
    ask(plane, "s", release(plane, "red", body, "web mood"))
    line = until(plane, "s", "promise-failed")
    assert "mood" in line and "too hot" in line


def test_why_a_port_is_taken(plane: Plane):
    plane.start()
    plane.run("supply", str(HELLO))
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        ask(plane, "s", str(HELLO), "--param", f"port={port}")
        assert port in until(plane, "s", "port-taken")


def test_why_the_agent_is_down(plane: Plane):
    plane.start(Part.MASTER)
    plane.start(Part.AGENT)
    computer = plane.data.endpoints().computer_id
    url = release(plane, "sleeper", "[web]\nrecipe = pelagos:service\ncommand = /bin/sleep 1000")
    plane.kill(Part.AGENT)
    ask(plane, "s", url)
    assert computer in until(plane, "s", "agent-down")
    plane.start(Part.AGENT)
    until(plane, "s", "ok")


def test_why_the_agent_cannot_reach_the_master(plane: Plane):
    plane.start(Part.MASTER)
    plane.start(Part.AGENT)
    computer = plane.data.endpoints().computer_id
    plane.kill(Part.MASTER)
    url = plane.data.endpoints().master_url
    assert url in until(plane, computer, "master-unreachable")
    plane.start(Part.MASTER)
    until(plane, computer, "ok")


def test_why_the_disk_of_a_partition_is_full(plane: Plane, require):
    if subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        require.missing("unshare -rm is not allowed here: it needs user namespaces")
    disk = plane.data.node / "instance" / "slappart0"
    disk.mkdir(parents=True)
    script = (
        f"mount -t tmpfs -o size=256k,mode=0750 tmpfs {disk} && "
        f'head -c 262144 /dev/zero > {disk}/filler; exec "$@"'
    )
    plane.start(before=("unshare", "-rm", "sh", "-c", script, "sh"))
    ask(
        plane,
        "s",
        release(plane, "sleeper", "[web]\nrecipe = pelagos:service\ncommand = /bin/sleep 1000"),
    )
    assert str(plane.data.node) in until(plane, "s", "disk-full")


def test_why_an_unknown_thing_names_the_nearest(plane: Plane):
    plane.start(Part.MASTER)
    ask(plane, "database", "http://127.0.0.1:9/software.cfg")
    done = plane.run("why", "databse", check=False)
    assert done.returncode == 4
    assert "database" in done.stderr


def test_the_doctor_finds_a_sound_plane_sound_and_a_stopped_one_not(plane: Plane):
    plane.start()
    eventually(lambda: plane.run("doctor", check=False).returncode == 0)
    plane.terminate()
    done = plane.run("doctor", check=False)
    assert done.returncode == 1
    assert "pelagos up" in done.stdout


def test_the_doctor_names_the_process_of_a_plane_that_hangs(plane: Plane):
    plane.start()
    eventually(lambda: plane.run("doctor", check=False).returncode == 0)
    pid = plane.data.running(Part.AGENT)
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        # On a busy machine a check may end late, and then cannot name the process.
        done = eventually(lambda: _told_of(plane, pid))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert done.returncode == 1
    found = {line[6:].split()[0]: line[:4] for line in done.stdout.splitlines() if line[0] != " "}
    assert found["plane"] == found["master"] == found["agent"] == "fail"


def _told_of(plane: Plane, pid: int) -> subprocess.CompletedProcess[str] | None:
    """What the doctor says, when plane, master, agent and directory have how to wake it."""
    done = plane.run("doctor", check=False)
    return done if done.stdout.count(f"kill -CONT {pid}") == 4 else None
