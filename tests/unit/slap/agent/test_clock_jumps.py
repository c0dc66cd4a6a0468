"""Parts of the agent that keep times of the wall clock, which may be set by days."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from pelagos.core.certificate import Authority
from pelagos.core.clock import ManualClock
from pelagos.slap.agent.bookkeeper import Bookkeeper
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.certificates import PartitionCertificates
from pelagos.slap.agent.ending import Ending
from pelagos.slap.agent.errors import StepFailed
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.supervisors.memory import MemorySupervisor
from pelagos.slap.agent.usage import Meter
from pelagos.slap.errors import MasterUnreachable
from pelagos.slap.model import InstanceState, Partition
from pelagos.slap.tio import Transaction, read_journal

DAY = 86_400.0


@pytest.fixture
def files(tmp_path: Path) -> PartitionFiles:
    made = PartitionFiles(tmp_path / "slappart0")
    made.ensure()
    return made


# ---- retention ----------------------------------------------------------------------------------


def is_kept(ending: Ending, files: PartitionFiles) -> bool:
    try:
        ending.carry_out(files, lambda _: None, threading.Event())
    except StepFailed as failure:
        return failure.cause.code == "retention"
    return False


@pytest.mark.parametrize("ahead", [10 * DAY, 3650 * DAY])
def test_files_are_never_kept_longer_than_asked_since_the_clock_was_right(
    files: PartitionFiles, ahead: float
) -> None:
    clock = ManualClock()
    ending = Ending(causes=Causes("COMP-1", clock), clock=clock, hook_timeout=5.0)
    filters = {"retention_delay": "2"}
    wish = Partition("COMP-1", "slappart0", InstanceState.STARTED, filters=filters)
    ending.begin_life(wish, files.folder)
    clock.jump(ahead)
    assert is_kept(ending, files)  # noted for a day that is far away
    clock.jump(-ahead)
    assert is_kept(ending, files)
    clock.advance(1.9 * DAY)
    assert is_kept(ending, files)
    clock.advance(0.2 * DAY)
    assert not is_kept(ending, files)


# ---- certificates -------------------------------------------------------------------------------


class Issuer:
    """A master that gives certificates for 90 days."""

    url = "https://master.example"

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self._clock = clock
        self._authority = Authority.open(folder, name="test", now=clock.time())
        self.asked = 0
        self.is_away = False

    def partition_certificate(self, _computer_id: str, partition_id: str) -> dict[str, str]:
        if self.is_away:
            raise MasterUnreachable("nobody answers")
        self.asked += 1
        now = self._clock.time()
        issued = self._authority.issue(partition_id, "partition", now=now, lifetime=90 * DAY)
        return {"certificate": issued.certificate, "key": issued.key or ""}


def test_a_certificate_is_renewed_within_the_hour_when_the_clock_is_set(
    files: PartitionFiles, tmp_path: Path
) -> None:
    clock = ManualClock(1_700_000_000.0)
    issuer = Issuer(tmp_path / "authority", clock)
    certificates = PartitionCertificates(
        issuer,  # type: ignore[arg-type]  # the part that is used
        computer_id="COMP-1",
        clock=clock,
    )
    for _ in range(3):
        certificates.see_to("slappart0", "guid", files)
    assert issuer.asked == 1
    clock.jump(89 * DAY)
    clock.advance(3601.0)
    certificates.see_to("slappart0", "guid", files)
    assert issuer.asked == 2
    clock.jump(-89 * DAY)
    for _ in range(5):
        clock.advance(3601.0)
        certificates.see_to("slappart0", "guid", files)
    assert issuer.asked == 2  # good for long, as far as the clock says; no race either


def test_a_master_that_was_away_is_asked_again_though_the_clock_went_back(
    files: PartitionFiles, tmp_path: Path
) -> None:
    clock = ManualClock(1_700_000_000.0)
    issuer = Issuer(tmp_path / "authority", clock)
    certificates = PartitionCertificates(
        issuer,  # type: ignore[arg-type]  # the part that is used
        computer_id="COMP-1",
        clock=clock,
    )
    certificates.see_to("slappart0", "guid", files)
    issuer.is_away = True
    clock.advance(70 * DAY)
    certificates.see_to("slappart0", "guid", files)
    issuer.is_away = False
    clock.jump(-5 * DAY)
    clock.advance(3601.0)
    certificates.see_to("slappart0", "guid", files)
    assert issuer.asked == 2


# ---- usage --------------------------------------------------------------------------------------


class Taker:
    """A master that keeps what it is told."""

    def __init__(self) -> None:
        self.taken: list[Transaction] = []

    def report_usage(self, computer_id: str, report: str) -> None:
        assert computer_id == "COMP-1"
        self.taken += read_journal(report.encode())


def test_usage_reports_tell_the_time_that_passed_and_none_replaces_another(
    tmp_path: Path,
) -> None:
    clock, taker = ManualClock(1_700_000_000.0), Taker()
    layout = Layout(tmp_path, 1)
    layout.instance.mkdir()
    bookkeeper = Bookkeeper(
        AgentSettings("COMP-1", tmp_path, partition_count=1),
        taker,
        layout=layout,
        supervisor=MemorySupervisor(clock),
        clock=clock,
    )
    for ahead in (0.0, 5 * DAY, -9 * DAY, 4 * DAY - 3600.0, 0.0):
        clock.jump(ahead)
        clock.advance(3600.0)
        bookkeeper.report()
    assert len(list((tmp_path / "usage").glob("*.json"))) == 5
    bookkeeper.send()
    assert len(taker.taken) == 5
    assert {told.stop - (told.start or 0.0) for told in taker.taken} == {3600.0}


def test_processor_time_is_counted_once_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = Meter({"slappart0": tmp_path})
    burn = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ntime.sleep(600)"
    command = [os.environ.get("PYTHON", "python3"), "-c", burn]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            for ahead in (0.0, 3 * DAY, 6 * DAY):
                shown = time.time() + ahead
                monkeypatch.setattr("psutil.boot_time", lambda at=shown: at)
                monkeypatch.setattr("psutil._pslinux.boot_time", lambda at=shown: at)
                meter.sample({"slappart0": (process.pid,)})
            used = meter.take()["slappart0"].cpu
        finally:
            process.kill()
    assert 0.4 < used < 0.9
