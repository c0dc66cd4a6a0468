"""One suite for every builder: the shipped fake and zc.buildout."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.agent.builders.base import Builder, Connection, Run
from pelagos.slap.agent.builders.buildout import BuildoutBuilder
from pelagos.slap.agent.builders.fake import FakeBuilder, FakeRelease
from pelagos.slap.agent.errors import StepDeferred, StepFailed
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.lock import Lock
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.process import MARK, clean_environment, is_marked
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.model import Cause
from support.plane import eventually

pytestmark = pytest.mark.integration

INSTANCE = """\
[buildout]
parts = instance
[instance]
recipe = pelagos:template
output = ${buildout:directory}/instance.cfg
inline =
  [buildout]
  parts = web
  eggs-directory = ${buildout:eggs-directory}
  develop-eggs-directory = ${buildout:develop-eggs-directory}
  [web]
  recipe = pelagos:service
  command = %s
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "node", partition_count=2)
    for folder in (made.software, made.instance, made.logs):
        folder.mkdir(parents=True)
    return made


class Releases:
    """The same releases for each builder."""

    def __init__(self, folder: Path) -> None:
        self.good = self._write(folder / "good.cfg", INSTANCE % "/bin/true")
        self.bad_instance = self._write(folder / "bad.cfg", INSTANCE % "'open")
        self.bad_build = self._write(folder / "broken.cfg", "[buildout]\nparts = nothing\n")
        self.nowhere = str(folder / "nowhere.cfg")
        failed = Cause("buildout-failed", "part web: it fails")
        self.declared = {
            self.good: FakeRelease(files={"etc/service/web": "#!/bin/sh\nexec /bin/true\n"}),
            self.bad_instance: FakeRelease(configure_failure=failed),
            self.bad_build: FakeRelease(build_failure=failed),
        }

    @staticmethod
    def _write(path: Path, text: str) -> str:
        path.write_text(text)
        return str(path)


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path)


def real(layout: Layout, **options: object) -> BuildoutBuilder:
    settings = AgentSettings("COMP", layout.root, **options)
    return BuildoutBuilder(layout, settings, clock=SystemClock())


@pytest.fixture(params=["fake", "buildout"])
def builder(
    request: pytest.FixtureRequest, layout: Layout, releases: Releases
) -> Iterator[Builder]:
    made: Builder = (
        FakeBuilder(layout, releases.declared) if request.param == "fake" else real(layout)
    )
    yield made
    made.close()


def build(builder: Builder, url: str) -> list[str]:
    said: list[str] = []
    builder.build(url, lambda: said.append("begun"), threading.Event())
    return said


def configure(builder: Builder, layout: Layout, url: str, name: str = "slappart0") -> Path:
    files = PartitionFiles(layout.partition(name))
    files.ensure()
    files.begin("SOFTINST-1", layout.release(url))
    told = Connection("COMP", name, "http://x:s3cret@127.0.0.1:1", url, "started")
    with Lock(files.lock).hold() as lock:
        environ = clean_environment(os.environ, files.folder)
        run = Run(files.folder, files.log, lock, told, environ)
        builder.configure(url, run, threading.Event())
    files.end()
    return files.folder


def test_a_built_release_is_usable_only_once_it_is_complete(
    builder: Builder, releases: Releases, layout: Layout
) -> None:
    assert build(builder, releases.good) == ["begun"]
    assert not builder.is_complete(releases.good)
    assert (layout.release(releases.good) / "instance.cfg").exists()
    builder.complete(releases.good)
    assert builder.is_complete(releases.good)


def test_an_instance_gets_its_services(
    builder: Builder, releases: Releases, layout: Layout
) -> None:
    build(builder, releases.good)
    builder.complete(releases.good)
    builder.prepare(releases.good)
    for name in ("slappart0", "slappart1", "slappart0"):
        folder = configure(builder, layout, releases.good, name)
        assert "exec /bin/true" in (folder / "etc" / "service" / "web").read_text()


def test_a_release_that_cannot_be_built_says_why(builder: Builder, releases: Releases) -> None:
    with pytest.raises(StepFailed) as caught:
        build(builder, releases.bad_build)
    assert caught.value.cause.code == "buildout-failed"
    assert not builder.is_complete(releases.bad_build)


def test_a_release_that_does_not_exist_is_unreachable(
    builder: Builder, releases: Releases
) -> None:
    with pytest.raises(StepFailed) as caught:
        build(builder, releases.nowhere)
    assert caught.value.cause.code == "release-unreachable"


def test_an_instance_that_cannot_be_configured_says_why(
    builder: Builder, releases: Releases, layout: Layout
) -> None:
    build(builder, releases.bad_instance)
    builder.complete(releases.bad_instance)
    with pytest.raises(StepFailed) as caught:
        configure(builder, layout, releases.bad_instance)
    assert caught.value.cause.code == "buildout-failed"
    assert "part web" in caught.value.cause.message


def test_a_removed_release_is_gone(builder: Builder, releases: Releases, layout: Layout) -> None:
    build(builder, releases.good)
    builder.complete(releases.good)
    builder.remove(releases.good)
    assert not builder.is_complete(releases.good)
    assert not layout.release(releases.good).exists()
    builder.remove(releases.good)


# ---- zc.buildout alone --------------------------------------------------------------------------


@pytest.mark.parametrize("warm_limit", [0, 4])
def test_an_instance_run_is_offline_and_knows_its_master(
    layout: Layout, releases: Releases, warm_limit: int
) -> None:
    builder = real(layout, warm_limit=warm_limit)
    build(builder, releases.good)
    builder.complete(releases.good)
    folder = configure(builder, layout, releases.good)
    builder.close()
    profile = (folder / "buildout.cfg").read_text()
    assert "offline = true" in profile
    for line in ("computer-id = COMP", "computer_id = COMP", "requested_state = started"):
        assert f"\n{line}\n" in profile
    assert (folder / "buildout.cfg").stat().st_mode & 0o777 == 0o640
    assert (folder / ".installed.cfg").exists()
    assert "s3cret" not in (folder / ".slapgrid" / "log" / "instance.log").read_text()


def test_an_interrupted_build_starts_over_in_an_empty_folder(
    layout: Layout, releases: Releases
) -> None:
    builder = real(layout)
    folder = layout.release(releases.good)
    folder.mkdir()
    (folder / ".pelagos-building").touch()
    (folder / "half-written").touch()
    build(builder, releases.good)
    builder.close()
    assert not (folder / "half-written").exists()


def test_a_finished_build_is_not_repeated(layout: Layout, releases: Releases) -> None:
    builder = real(layout)
    build(builder, releases.good)
    assert build(real(layout), releases.good) == []
    builder.close()


def test_two_builds_never_run_in_one_folder(layout: Layout, releases: Releases) -> None:
    builder = real(layout)
    (layout.release(releases.good)).mkdir()
    (layout.release(releases.good) / ".pelagos-building").touch()
    with Lock(layout.release_lock(releases.good)).hold(), pytest.raises(StepDeferred):
        build(builder, releases.good)


def test_a_release_without_instance_profile_fails(layout: Layout, tmp_path: Path) -> None:
    profile = tmp_path / "empty.cfg"
    profile.write_text("[buildout]\nparts =\n")
    with pytest.raises(StepFailed, match=r"instance\.cfg"):
        build(real(layout), str(profile))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html></html>", "begins with something else"),
        (b"[other]\na = 1\n", "no section"),
        (b"\xff\xfe\x00", "not text"),
        (b"[buildout]\n" + b"#" * (1 << 20), "larger"),
        (b"", "begins with"),
    ],
)
def test_what_is_not_a_profile_is_refused_before_anything_runs(
    layout: Layout, tmp_path: Path, content: bytes, said: str
) -> None:
    profile = tmp_path / "odd.cfg"
    profile.write_bytes(content)
    with pytest.raises(StepFailed, match=said) as caught:
        build(real(layout), str(profile))
    assert caught.value.cause.code == "release-not-a-profile"
    assert not layout.release(str(profile)).exists()


@pytest.mark.parametrize(
    "url",
    ["software.cfg", "ftp://a/b.cfg", "http://127.0.0.1:1/x", "/", "/a b.cfg", "http://[x/", ""],
)
def test_what_cannot_be_read_is_unreachable(layout: Layout, url: str) -> None:
    with pytest.raises(StepFailed) as caught:
        build(real(layout), url)
    assert caught.value.cause.code == "release-unreachable"


def test_a_warm_buildout_that_was_killed_is_replaced(layout: Layout, releases: Releases) -> None:
    builder = real(layout)
    build(builder, releases.good)
    builder.complete(releases.good)
    configure(builder, layout, releases.good)
    (server,) = builder._warm._servers.values()
    server.process.kill()
    configure(builder, layout, releases.good)
    configure(builder, layout, releases.good)
    (other,) = builder._warm._servers.values()
    assert other.process.pid != server.process.pid
    builder.close()
    assert other.process.returncode is not None


def test_a_warm_buildout_ends_when_nothing_is_asked_of_it(
    layout: Layout, releases: Releases
) -> None:
    builder = real(layout, warm_idle=0.3)
    build(builder, releases.good)
    builder.complete(releases.good)
    (server,) = builder._warm._servers.values()
    assert server.process.wait(20) == 0
    configure(builder, layout, releases.good)
    builder.close()


def test_warm_buildouts_are_few(layout: Layout, releases: Releases, tmp_path: Path) -> None:
    builder = real(layout, warm_limit=1)
    build(builder, releases.good)
    (first,) = builder._warm._servers.values()
    other = tmp_path / "buildout"
    script = layout.release(releases.good) / "bin" / "buildout"
    other.write_text(script.read_text() + "# another\n")
    builder._warm.prepare(other)
    (second,) = builder._warm._servers.values()
    assert second.process.pid != first.process.pid
    assert first.process.returncode is not None
    builder.close()


def test_a_daemon_that_a_failed_build_left_does_not_hold_up_the_next(
    layout: Layout, releases: Releases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid(); time.sleep(100); os._exit(0)\n"
        "print('Error: no'); sys.exit(1)\n"
    )
    monkeypatch.setattr("pelagos.slap.agent.builders.buildout.DRIVER", driver)
    for _ in range(2):
        with pytest.raises(StepFailed, match="no"):
            build(real(layout), releases.good)


def test_a_lock_without_a_build_is_taken_back(layout: Layout, releases: Releases) -> None:
    lock = Lock(layout.release_lock(releases.good))
    handle = lock._take()  # as by an agent that was killed after the build had ended
    left = subprocess.Popen(
        ["sleep", "100"],
        pass_fds=[handle],
        env={**os.environ, MARK: "a-run"},
        start_new_session=True,
    )
    os.close(handle)
    assert eventually(lambda: is_marked(left.pid))  # it is begun before its environment is there
    builder = real(layout)
    with pytest.raises(StepDeferred):
        build(builder, releases.good)
    assert left.wait(60) < 0
    build(builder, releases.good)
    builder.close()
