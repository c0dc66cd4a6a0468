"""`pelagos up` as a program: one per folder, clean ends, state that stays, parts apart."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.plane.settings import Part
from pelagos.slap.model import InstanceStatus
from support.agent_site import PROFILE
from support.plane import Plane, eventually

pytestmark = pytest.mark.integration
SLEEPER = "[web]\nrecipe = pelagos:service\ncommand = /bin/sleep 1000"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    yield plane
    plane.stop()


def sleeper(plane: Plane) -> str:
    path = plane.folder / "sleeper.cfg"
    indented = "\n".join(f"  {line}" for line in SLEEPER.splitlines())
    path.write_text(PROFILE.format(parts="web", body=indented))
    return str(path)


def test_a_second_plane_on_the_same_data_says_so_and_ends(plane: Plane):
    plane.start()
    done = plane.run("up", check=False)
    assert done.returncode == 1
    assert "already runs" in done.stderr and "pelagos down" in done.stderr
    assert str(plane.data.endpoints().pid) in done.stderr
    assert plane.run("service", "list").returncode == 0


def test_it_ends_cleanly_when_asked_and_carries_on_later(plane: Plane):
    plane.start()
    plane.run("request", "kept", "http://127.0.0.1:9/x.cfg", check=False)
    before, token = plane.data.endpoints(), plane.data.token()
    assert plane.terminate() == 0
    assert plane.run("service", "list", check=False).returncode == 6
    plane.start()
    assert plane.data.token() == token
    assert plane.data.endpoints().master_url == before.master_url
    assert [s.reference for s in plane.client().services()] == ["kept"]


def test_its_data_may_be_in_a_folder_of_any_name(tmp_path: Path):
    plane = Plane(tmp_path / "50%20 of what?")
    plane.folder.mkdir()
    try:
        plane.start(Part.MASTER)
        assert plane.data.database.exists() and not list(plane.client().services())
    finally:
        plane.stop()


def test_what_is_secret_is_closed_to_others(plane: Plane):
    plane.start()
    files = [plane.data.path / name for name in ("token", "plane.json", "plane.db", "node/token")]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert plane.data.path.stat().st_mode & 0o777 == 0o700
    token = plane.data.token()
    assert token is not None and token.encode() not in plane.data.database.read_bytes()
    assert token not in (plane.folder / "up.log").read_text()


def test_a_lost_token_is_made_anew(plane: Plane):
    plane.start()
    before = plane.data.token()
    plane.terminate()
    (plane.data.path / "token").unlink()
    plane.start()
    assert plane.data.token() not in {None, before}
    assert plane.run("service", "list").returncode == 0


def test_an_interrupt_is_a_clean_end_too(plane: Plane):
    plane.start(Part.MASTER)
    process = plane._processes.pop((Part.MASTER,))
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert plane.data.running(Part.MASTER) is None


def test_a_part_that_cannot_start_takes_the_others_down_in_order(plane: Plane):
    plane.start(Part.MASTER)
    port = plane.data.endpoints().master_url.rpartition(":")[2]
    done = plane.run(
        "up", "--data", str(plane.folder / "other"), "--master-port", port, check=False
    )
    assert done.returncode == 1
    assert f":{port}: the port is taken" in done.stderr


def test_a_plane_whose_process_is_stopped_is_told_from_one_that_is_slow(plane: Plane):
    plane.start(Part.MASTER)
    process = plane._processes[(Part.MASTER,)]
    process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    try:
        done = plane.run("service", "list", check=False)
        asked = plane.run("request", "sea", "http://127.0.0.1:1/sea.cfg", check=False)
        elapsed = time.monotonic() - began
    finally:
        process.send_signal(signal.SIGCONT)
    assert done.returncode == asked.returncode == 6
    assert f"the plane at {plane.data.endpoints().master_url} does not answer" in done.stderr
    assert f"its process {process.pid} is stopped: `kill -CONT" in done.stderr
    assert elapsed < 40


def test_an_agent_without_a_master_says_what_is_missing(plane: Plane):
    done = plane.run("up", "--part", "agent", check=False)
    assert done.returncode == 1
    assert "where the master is" in done.stderr


def test_down_ends_the_plane_and_keeps_the_services(plane: Plane):
    plane.start()
    url = sleeper(plane)
    plane.run("supply", url)
    plane.run("request", "s", url, "--wait")
    (process,) = plane._processes.values()
    plane.run("down")
    assert process.wait(60) == 0
    sleeping = [p for p in Path("/proc").glob("[0-9]*/cmdline") if _runs_sleeper(p, plane)]
    assert len(sleeping) == 1
    plane.run("down", "--stop-services")
    assert not sleeping[0].exists()


def _runs_sleeper(cmdline: Path, plane: Plane) -> bool:
    try:
        inside = str((cmdline.parent / "cwd").readlink()).startswith(str(plane.folder))
        return inside and b"sleep\x001000" in cmdline.read_bytes()
    except OSError:
        return False


def test_parts_apart_talk_over_rabbitmq(plane: Plane, rabbitmq_url: str):
    plane.configure(node={"poll_interval": 120.0}, bus={"url": rabbitmq_url})
    plane.start(Part.MASTER)
    plane.start(Part.AGENT)
    url = sleeper(plane)
    plane.run("supply", url)
    started = time.monotonic()
    plane.run("request", "s", url, "--wait", "--timeout", "60")
    assert time.monotonic() - started < 60  # woken, since the next poll is minutes away
    assert plane.client().service("s").status is InstanceStatus.STARTED


def test_parts_apart_find_each_other_by_polling_when_the_bus_is_away(plane: Plane):
    plane.configure(node={"poll_interval": 0.5}, bus={"url": "amqp://guest:guest@127.0.0.1:9/"})
    plane.start(Part.MASTER)
    plane.start(Part.AGENT)
    url = sleeper(plane)
    plane.run("supply", url)
    plane.run("request", "s", url, "--wait", "--timeout", "60")
    assert eventually(lambda: plane.client().service("s").status is InstanceStatus.STARTED)
