"""plane.doctor: each check ends in a line of its own, whatever it meets, and in time."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pelagos.core import wire
from pelagos.core.clock import ManualClock
from pelagos.core.http import Response
from pelagos.plane import doctor, doctor_disk, doctor_process
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.doctor import Check, Grade
from pelagos.plane.sections import BusConfig
from pelagos.plane.settings import Part
from pelagos.slap.agent import AgentStatus
from pelagos.slap.model import Cause

NOW = 1_800_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


def check(checks: list[Check], name: str) -> Check:
    [found] = [one for one in checks if one.name == name]
    return found


def test_where_there_is_no_plane_that_is_told_once(tmp_path: Path):
    home = DataFolder(tmp_path / "none")
    checks = doctor.run(home, "", None, bus=BusConfig())
    bad = [(one.name, one.grade) for one in checks if one.grade is not Grade.OK]
    assert bad == [("plane", Grade.FAIL)]
    [plane] = [one for one in checks if one.name == "plane"]
    assert "pelagos up" in plane.mend and "--master-url" in plane.mend
    home.create()
    assert [one.name for one in doctor.run(home, "", None)][1] == "data folder"
    named = {one.name for one in doctor.run(home, "http://127.0.0.1:9", None)}
    assert {"master", "token", "agent", "directory"} <= named


def test_every_red_line_has_its_mend(tmp_path: Path):
    checks = doctor.run(DataFolder(tmp_path / "nothing"), "", None)
    assert check(checks, "python").grade is Grade.OK
    assert check(checks, "plane").grade is Grade.FAIL
    assert all(one.mend for one in checks if one.grade is not Grade.OK)


def test_the_checks_stand_in_the_order_in_which_to_mend_them(folder: DataFolder):
    names = [one.name for one in doctor.run(folder, "http://127.0.0.1:9", None)]
    assert names.index("data folder") < names.index("plane") < names.index("master")


def test_a_folder_that_is_open_to_others_is_red(folder: DataFolder):
    folder.path.chmod(0o755)
    found = check(doctor.run(folder, "", None), "data folder")
    assert (found.grade, found.mend) == (Grade.FAIL, f"chmod 700 {folder.path}")


def test_a_lock_that_cannot_be_read_is_a_red_line_and_not_the_end(folder: DataFolder):
    (folder.path / "run").rmdir()
    (folder.path / "run").touch()  # as if somebody else's: looking into it fails
    found = check(doctor.run(folder, "", None), "plane")
    assert found.grade is Grade.FAIL
    assert str(folder.path) in found.message and found.mend


def test_an_address_that_is_none_is_a_red_line_and_not_the_end(folder: DataFolder):
    checks = doctor.run(folder, "master.example.org", "secret")
    assert "not an address" in check(checks, "master").message
    assert "http://HOST:PORT" in check(checks, "master").mend
    assert not any("secret" in one.message + one.mend for one in checks)


def test_a_check_that_hangs_is_late_and_holds_up_nobody(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
):
    release = threading.Event()
    monkeypatch.setattr(doctor, "BUDGET", 0.05)
    monkeypatch.setattr(doctor, "_builder", lambda: release.wait(10) and None)
    found = check(doctor.run(folder, "", None), "builder")
    release.set()
    assert (found.grade, found.message) == (Grade.FAIL, "no result within 0.05 s")


@dataclass(frozen=True)
class Usage:
    free: int


@pytest.fixture
def agent(folder: DataFolder) -> Iterator[DataFolder]:
    """A folder whose agent, this process, had its master's answer at NOW."""
    status = AgentStatus("COMP", "http://m", Cause("ok", ""), os.getpid(), NOW, last_contact=NOW)
    (folder.node / "agent-status.json").write_bytes(wire.encode(status))
    with folder.hold(Part.AGENT):
        yield folder


@pytest.mark.parametrize(("age", "is_well"), [(1, True), (19, True), (21, False), (3600, False)])
def test_an_agent_is_judged_by_the_age_of_its_last_contact(
    agent: DataFolder, age: float, is_well: bool
):
    found = check(doctor.run(agent, "", None, clock=ManualClock(NOW + age)), "agent")
    assert (found.grade is Grade.OK) is is_well
    assert is_well or f"kill -KILL {os.getpid()}" in found.mend


def test_an_agent_whose_disk_is_full_is_not_said_to_hang(
    agent: DataFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(doctor_disk.shutil, "disk_usage", lambda _path: Usage(free=4096))
    checks = doctor.run(agent, "", None, clock=ManualClock(NOW + 60))
    found = check(checks, "agent")
    assert found.grade is Grade.FAIL
    assert "could not write" in found.message and "kill" not in found.mend
    assert "make room" in found.mend


def test_the_disk_of_the_software_is_looked_at_too(
    folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = tmp_path / "root"
    root.mkdir()
    folder.note(node_root=str(root))

    def devices(path: Path) -> int:
        return 2 if path == root else 1

    monkeypatch.setattr(doctor_disk, "_device", devices)
    monkeypatch.setattr(
        doctor_disk.shutil,
        "disk_usage",
        lambda path: Usage(free=4096 if path == root else 10**12),
    )
    found = check(doctor.run(folder, "", None), "disk space")
    assert found.grade is Grade.FAIL
    assert found.message.startswith(f"0.0 GB free below {root}")
    assert f"1000.0 GB free below {folder.path}" in found.message


def test_an_agent_that_asks_rarely_may_be_silent_for_longer(agent: DataFolder):
    clock = ManualClock(NOW + 100)
    found = check(doctor.run(agent, "", None, clock=clock, poll_interval=60.0), "agent")
    assert found.grade is Grade.OK


@pytest.mark.parametrize("name", ["plane", "agent"])
def test_a_stopped_process_is_named_at_once(
    agent: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    stat = tmp_path / "proc" / str(os.getpid()) / "stat"
    stat.parent.mkdir(parents=True)
    stat.write_text(f"{os.getpid()} (a (strange) name) T 1 1 1 0")
    monkeypatch.setattr(doctor_process, "PROC", tmp_path / "proc")
    found = check(doctor.run(agent, "", None, clock=ManualClock(NOW)), name)
    assert found.grade is Grade.FAIL
    assert "is stopped" in found.message
    assert f"kill -CONT {os.getpid()}" in found.mend


@pytest.fixture
def joined(folder: DataFolder) -> DataFolder:
    """The data of a computer that joined a plane elsewhere."""
    folder.keep_node_token("secret")
    folder.note(master_url="http://127.0.0.1:1", computer_id="box")
    return folder


def test_a_computer_that_joined_is_not_told_to_start_a_plane(joined: DataFolder):
    checks = doctor.run(joined, "http://127.0.0.1:1", None)
    assert not [one for one in checks if "pelagos up" in one.message + one.mend]
    assert "pelagos node run" in check(checks, "plane").mend
    assert "pelagos node run" in check(checks, "agent").mend
    assert check(checks, "token").grade is Grade.OK
    assert "directory" not in [one.name for one in checks]


def test_a_computer_that_joined_needs_only_its_agent(joined: DataFolder):
    with joined.hold(Part.AGENT):
        found = check(doctor.run(joined, "http://127.0.0.1:1", None), "plane")
    assert found.grade is Grade.OK


def test_a_person_who_only_uses_a_plane_is_not_told_to_start_one(tmp_path: Path):
    nothing = DataFolder(tmp_path / "nothing")
    checks = doctor.run(nothing, "http://127.0.0.1:1", "secret", bus=BusConfig())
    assert [one.name for one in checks] == ["python", "master", "token"]
    assert check(checks, "master").grade is Grade.FAIL
    assert "see that it runs there" in check(checks, "master").mend
    lone = check(doctor.run(nothing, "http://127.0.0.1:1", None), "token")
    assert lone.grade is Grade.FAIL
    assert "pelagos up" not in lone.mend and "PELAGOS_TOKEN" in lone.mend


def test_a_named_authority_is_the_one_that_is_trusted(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
):
    asked = []

    class Client:
        def __init__(self, *_: object, tls: object = None, **_more: object) -> None:
            asked.append(tls)

        def close(self) -> None:
            pass

        def request(self, *_: object) -> Response:
            return Response(200, {}, b"")

        def identity(self) -> dict[str, str]:
            return {"kind": "person", "name": "ann"}

    monkeypatch.setattr(doctor, "HttpClient", Client)
    monkeypatch.setattr(doctor, "SlapClient", Client)
    authority = folder.path / "config.ca.pem"
    checks = doctor.run(folder, "https://m:1", "secret", authority=authority)
    assert check(checks, "token").message == "good for person ann"
    assert [tls and tls.authority for tls in asked[:2]] == [authority] * 2


def test_a_bus_that_is_away_is_yellow_for_agents_poll(folder: DataFolder):
    def look(bus: BusConfig) -> doctor.Check:
        return next(one for one in doctor.run(folder, "", None, bus=bus) if one.name == "bus")

    away = look(BusConfig(url="amqp://guest:secret-word@127.0.0.1:1/"))
    assert away.grade is doctor.Grade.WARN and "agents poll" in away.mend
    assert "secret-word" not in away.message + away.mend
    assert look(BusConfig()).grade is doctor.Grade.OK
