"""A partition and a release hold whatever their authors like: nothing of it holds up the agent,
and nothing of it makes the agent say what the author could not read.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock, SystemClock
from pelagos.slap.agent import listening
from pelagos.slap.agent.builders.base import Connection, Run
from pelagos.slap.agent.builders.buildout import BuildoutBuilder
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.errors import StepFailed
from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.lock import Lock
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.promise_plugin import release_python
from pelagos.slap.agent.settings import AgentSettings

NOBODY = 65534
as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has more rights than a partition"
)


class Place:
    """One partition, of another user when the test runs as root, and one release."""

    def __init__(self, base: Path) -> None:
        for parent in (base, *base.parents[:3]):
            parent.chmod(parent.stat().st_mode | 0o711)
        self.layout = Layout(base / "node", 1)
        for folder in (self.layout.root, self.layout.software, self.layout.instance):
            folder.mkdir(mode=0o755)
        self.layout.logs.mkdir(mode=0o751)
        self.folder = self.layout.partition("slappart0")
        self.folder.mkdir(mode=0o750)
        self.own(self.folder)
        self.files = PartitionFiles(self.folder)
        self.files.ensure()
        self.url = "http://releases/software.cfg"
        self.release = self.layout.release(self.url)
        (self.release / "bin").mkdir(parents=True)
        (self.release / "instance.cfg").write_text("[buildout]\nparts =\n")
        self.secret = base / "secret"
        self.secret.write_text("of root alone\n")
        self.secret.chmod(0o600)

    def own(self, path: Path) -> Path:
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        return path

    def make(self, inside: str) -> Path:
        """The path of something in the partition, whose folders are there."""
        path = self.folder / inside
        missing = [one for one in path.parents if not one.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        for one in missing:
            self.own(one)
        return path

    def write(self, inside: str, text: str) -> Path:
        path = self.make(inside)
        path.write_text(text)
        return self.own(path)

    def script(self, text: str) -> None:
        path = self.release / "bin" / "buildout"
        path.write_text(text)
        path.chmod(0o755)

    def configure(self) -> None:
        settings = AgentSettings("COMP", self.layout.root, partition_timeout=20.0)
        builder = BuildoutBuilder(self.layout, settings, clock=SystemClock())
        told = Connection("COMP", "slappart0", "http://master/", self.url, "started")
        environ = {"PATH": os.environ["PATH"]}
        with Lock(self.files.lock).hold() as lock:
            run = Run(self.folder, self.files.log, lock, told, environ)
            builder.configure(self.url, run, threading.Event())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD = pytest.mark.parametrize("odd", [pipe, endless])


@as_root
def test_a_log_that_became_a_link_does_not_tell_what_it_leads_to(place: Place) -> None:
    log = ".slapgrid/log/instance.log"
    place.script(f"#!/bin/sh\nrm -f {log}; ln -s {place.secret} {log}; exit 1\n")
    with pytest.raises(StepFailed) as caught:
        place.configure()
    assert "of root" not in f"{caught.value.cause} {caught.value.log}"


def test_a_log_that_became_a_pipe_does_not_hold_up_the_agent(place: Place) -> None:
    log = ".slapgrid/log/instance.log"
    place.script(f"#!/bin/sh\nrm -f {log}; mkfifo {log}; exit 1\n")
    with pytest.raises(StepFailed):
        place.configure()


@ODD
def test_kept_ports_are_read_from_plain_files_only(
    place: Place, odd: Callable[[Path], None]
) -> None:
    odd(place.make("var/port/odd"))
    place.write("var/port/web", "30000 127.0.0.1\n")
    place.write("var/port/long", "9" * 5000)
    assert listening.kept_ports(place.folder) == {30000}


@as_root
def test_a_kept_port_is_not_read_from_where_a_link_leads(place: Place) -> None:
    place.secret.write_text("4711 is the pin")
    place.make("var/port/web").symlink_to(place.secret)
    assert listening.kept_ports(place.folder) == frozenset()


@ODD
def test_a_crash_is_told_whatever_the_service_is(
    place: Place, odd: Callable[[Path], None]
) -> None:
    odd(place.make("etc/service/web"))
    odd(place.make(".slappart0_web.log"))
    program = ProgramStatus(
        "web", ProgramState.BACKOFF, log=str(place.folder / ".slappart0_web.log")
    )
    cause = Causes("COMP", ManualClock()).crashed(place.folder, program, 1, ())
    assert cause.code == "service-crashed"


@ODD
def test_a_run_begins_whatever_lies_where_the_agent_notes_things(
    place: Place, odd: Callable[[Path], None]
) -> None:
    for name in ("running", "installed.cfg", "guid", "token"):
        odd(place.make(f".slapgrid/{name}"))
    for name in (".installed.cfg", ".timestamp"):
        odd(place.folder / name)
    for path in (*place.folder.iterdir(), *(place.folder / ".slapgrid").iterdir()):
        place.own(path)
    place.files.see(())
    place.files.token("GUID")
    place.files.begin("GUID", place.release)
    assert place.files.see(()).guid == "GUID"


def test_an_installed_file_that_is_huge_is_not_kept_in_part(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pelagos.slap.agent.partition._INSTALLED_LIMIT", 10)
    place.write(".installed.cfg", "[buildout] of more than ten bytes")
    place.files.begin("GUID", place.release)
    assert not (place.folder / ".slapgrid" / "installed.cfg").exists()


@ODD
def test_the_python_of_a_release_is_read_from_plain_files_only(
    place: Place, odd: Callable[[Path], None]
) -> None:
    odd(place.release / "bin" / "buildout")
    assert release_python(place.release) == ()


def test_too_many_services_are_refused_and_soon(place: Place) -> None:
    run = place.make("etc/run/0")
    for number in range(1200):
        run.with_name(str(number)).touch(0o755)
    began = time.thread_time()
    place.files.see(())
    assert time.thread_time() - began < 0.5
    with pytest.raises(StepFailed, match="more than 1,000 files"):
        place.files.programs()


def test_a_large_executable_is_known_by_its_beginning_and_its_stamp(place: Place) -> None:
    path = place.write("etc/service/big", "")
    with path.open("wb") as stream:
        stream.truncate(1 << 34)
    path.chmod(0o755)
    first = place.files.programs()[0].fingerprint
    assert place.files.programs()[0].fingerprint == first
    os.utime(path, (1, 1))
    assert place.files.programs()[0].fingerprint != first


def test_folders_in_folders_go_however_deep(place: Place) -> None:
    with contextlib.chdir(place.folder):
        for _ in range(1200):
            Path("d").mkdir()
            os.chdir(place.own(Path("d")))
    place.files.wipe()
    assert list(place.folder.iterdir()) == []


def test_folders_that_nobody_may_enter_go_too(place: Place) -> None:
    deep = place.write("a/b/c/file", "text")
    for path in (deep.parent, deep.parent.parent, deep.parent.parent.parent):
        path.chmod(0o000)
    place.files.wipe()
    assert list(place.folder.iterdir()) == []


@as_root
def test_what_belongs_to_others_goes_too_and_only_there(place: Place) -> None:
    outside = place.layout.root / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    inner = place.write("container/data/file", "text").parent
    (inner / "link").symlink_to(outside)
    for path in (inner / "file", inner, inner.parent):
        os.chown(path, 165_536, 165_536)
    inner.chmod(0o700)
    place.files.wipe()
    assert list(place.folder.iterdir()) == []
    assert (outside / "kept").exists()


@ODD
def test_a_partition_can_be_emptied_whatever_its_notes_became(
    place: Place, odd: Callable[[Path], None]
) -> None:
    place.files.begin("GUID", place.release)
    (place.folder / ".slapgrid").rename(place.folder / "moved")
    odd(place.folder / ".slapgrid")
    place.files.wipe()
    assert list(place.folder.iterdir()) == []
