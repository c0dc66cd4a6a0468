"""Steps carried out with a fake builder, a supervisor in memory and a clock that stands still."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.apply import Applier
from pelagos.slap.agent.builders.fake import FakeBuilder, FakeRelease
from pelagos.slap.agent.facts import ProgramState
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.memory import PartitionMemory
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.promise import PromiseRunner
from pelagos.slap.agent.report import Report, Told
from pelagos.slap.agent.step import Step, StepKind
from pelagos.slap.agent.steps.outcome import Outcome
from pelagos.slap.agent.supervisors.memory import MemorySupervisor
from pelagos.slap.agent.verdict import Health
from pelagos.slap.errors import MasterUnreachable
from pelagos.slap.model import Cause, InstanceState, Partition

URL = "/srv/web/software.cfg"
WISH = Partition(
    "COMP",
    "slappart0",
    requested_state=InstanceState.STARTED,
    release_url=URL,
    instance_guid="SOFTINST-1",
    timestamp=5,
)
SERVICE = {"etc/service/web": "#!/bin/sh\nexec web\n"}


class Client:
    """A master of which only partition tokens are asked."""

    url = "http://127.0.0.1:8080/"

    def __init__(self) -> None:
        self.token: str | None = "s3cret/token"
        self.asked: list[tuple[str, str]] = []
        self.is_down = False

    def partition_token(self, computer_id: str, partition_id: str) -> str | None:
        self.asked.append((computer_id, partition_id))
        if self.is_down:
            raise MasterUnreachable("nobody answers", retry_after=3.0)
        return self.token


class Bench:
    """An applier and what it works on."""

    def __init__(self, root: Path) -> None:
        self.clock = ManualClock()
        self.layout = Layout(root, partition_count=2)
        for folder in (self.layout.software, self.layout.instance):
            folder.mkdir(parents=True)
        self.builder = FakeBuilder(self.layout, {URL: FakeRelease(files=SERVICE)})
        self.supervisor = MemorySupervisor(self.clock)
        self.client = Client()
        self.told: list[Report] = []
        self.stop = threading.Event()
        self.applier = Applier(
            self.layout,
            computer_id="COMP",
            client=self.client,  # type: ignore[arg-type]  # the part that is used
            builder=self.builder,
            supervisor=self.supervisor,
            promises=PromiseRunner(timeout=1.0, clock=self.clock),
            clock=self.clock,
        )

    def do(
        self,
        kind: StepKind,
        wish: Partition | None = WISH,
        known: PartitionMemory | None = None,
        cause: Cause | None = None,
    ) -> Outcome:
        subject = wish.partition_id if wish else URL
        step = Step(kind, subject, wish, cause)
        return self.applier.apply(step, known or PartitionMemory(), self.told.append, self.stop)

    @property
    def files(self) -> PartitionFiles:
        return PartitionFiles(self.layout.partition("slappart0"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "node")


def test_a_build_says_that_it_begins_and_that_it_is_done(bench: Bench) -> None:
    outcome = bench.do(StepKind.BUILD, None)
    assert [report.told for report in bench.told] == [Told.RELEASE_BUILDING]
    assert outcome.is_done and outcome.report
    assert outcome.report.told is Told.RELEASE_AVAILABLE
    assert outcome.report.cause.seen_by == "agent on COMP"
    assert outcome.report.cause.since == bench.clock.time()


def test_a_failed_build_reports_its_cause_and_its_log(bench: Bench) -> None:
    failure = Cause("buildout-failed", "part web: no")
    bench.builder.releases[URL] = FakeRelease(build_failure=failure)
    outcome = bench.do(StepKind.BUILD, None)
    assert not outcome.is_done and outcome.report and outcome.report.log
    assert outcome.report.told is Told.RELEASE_ERROR
    assert outcome.report.cause.code == "buildout-failed"


def test_a_build_that_is_stopped_is_no_failure(bench: Bench) -> None:
    bench.builder.may_build.clear()
    bench.stop.set()
    outcome = bench.do(StepKind.BUILD, None)
    assert outcome.report is None and outcome.cause is None and outcome.retry_after


def test_a_started_instance_is_configured_and_runs(bench: Bench) -> None:
    outcome = bench.do(StepKind.DEPLOY)
    assert outcome.is_done and outcome.report is None  # the check that follows reports
    (status,) = bench.supervisor.observe()["slappart0"]
    assert status.name == "web" and status.is_kept
    (told,) = bench.builder.configured
    assert told.server_url == "http://partition:s3cret%2Ftoken@127.0.0.1:8080/"
    assert "s3cret" not in repr(told)
    assert told.requested_state == "started"


def test_the_partition_token_is_asked_once_and_again_after_a_failure(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    bench.do(StepKind.DEPLOY)
    assert bench.client.asked == [("COMP", "slappart0")]
    failure = Cause("buildout-failed", "the master does not know the token")
    bench.builder.releases[URL] = FakeRelease(configure_failure=failure)
    bench.do(StepKind.DEPLOY)
    bench.do(StepKind.DEPLOY)
    assert len(bench.client.asked) == 2


def test_a_master_without_tokens_gives_its_bare_address(bench: Bench) -> None:
    bench.client.token = None
    bench.do(StepKind.DEPLOY)
    assert bench.builder.configured[0].server_url == "http://127.0.0.1:8080/"


def test_a_master_that_does_not_answer_delays_and_fails_nothing(bench: Bench) -> None:
    bench.client.is_down = True
    outcome = bench.do(StepKind.DEPLOY)
    assert outcome.retry_after == 3.0 and outcome.cause is None and outcome.report is None


def test_a_stopped_instance_is_configured_and_then_stopped(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    stopped = replace(WISH, requested_state=InstanceState.STOPPED)
    outcome = bench.do(StepKind.DEPLOY, stopped)
    assert bench.supervisor.observe() == {}
    assert bench.builder.configured[-1].requested_state == "stopped"
    assert outcome.report and outcome.report.told is Told.STOPPED


def test_an_instance_stops_although_its_profile_fails(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    failure = Cause("buildout-failed", "part web: no")
    bench.builder.releases[URL] = FakeRelease(configure_failure=failure)
    stopped = replace(WISH, requested_state=InstanceState.STOPPED)
    outcome = bench.do(StepKind.DEPLOY, stopped)
    assert bench.supervisor.observe() == {}
    assert outcome.report and "part web: no" in outcome.report.cause.message


def test_a_check_says_well_once_all_is_well(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    outcome = bench.do(StepKind.CHECK)
    assert outcome.health is Health.WELL
    assert outcome.report and outcome.report.told is Told.STARTED and outcome.report.wish == "5"
    assert "1 service runs" in outcome.report.cause.message


def test_a_service_that_was_given_up_is_reported_and_revived(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    (status,) = bench.supervisor.observe()["slappart0"]
    Path(status.log).write_text("reading\nno such table\n")
    bench.supervisor.end("slappart0", "web", status=3, state=ProgramState.FATAL)
    outcome = bench.do(StepKind.CHECK)
    assert outcome.report
    cause = outcome.report.cause
    assert cause.code == "service-crashed"
    assert "exit status 3" in cause.message and "no such table" in cause.message
    assert status.log in cause.detail
    assert bench.do(StepKind.REVIVE).is_done
    assert bench.supervisor.observe()["slappart0"][0].is_alive


def test_a_restart_by_the_supervisor_is_seen(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    first = bench.do(StepKind.CHECK)
    known = PartitionMemory(wish="5", pids=first.pids)
    assert not bench.do(StepKind.CHECK, known=known).was_restarted
    bench.supervisor.end("slappart0", "web", status=-9, state=ProgramState.RUNNING)
    assert bench.do(StepKind.CHECK, known=known).was_restarted


def test_a_service_that_restarts_again_and_again_is_reported(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    known = PartitionMemory(wish="5", pids=(("web", 1),), restarts=(0.0, 0.0))
    outcome = bench.do(StepKind.CHECK, known=known)
    assert outcome.health is Health.CRASHED
    assert outcome.report and "3 restarts" in outcome.report.cause.message


def test_destroying_leaves_an_empty_folder(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    outcome = bench.do(StepKind.DESTROY)
    assert outcome.report and outcome.report.told is Told.DESTROYED
    assert list(bench.files.folder.iterdir()) == []
    assert bench.supervisor.observe() == {}
    assert bench.do(StepKind.DESTROY).is_done  # again, after a report that was lost


def test_a_refusal_reports_why(bench: Bench) -> None:
    cause = Cause("partition-occupied", "full of others")
    outcome = bench.do(StepKind.REFUSE, cause=cause)
    assert outcome.report and outcome.report.told is Told.ERROR
    assert outcome.report.cause.code == "partition-occupied"


def test_a_broken_supervisor_is_a_cause(bench: Bench) -> None:
    bench.supervisor.is_broken = True
    outcome = bench.do(StepKind.DEPLOY)
    assert outcome.cause and outcome.cause.code == "node-error"


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EACCES, "node-error")]
)
def test_what_the_system_refuses_is_a_cause(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "refused", "/srv/x")

    monkeypatch.setattr(bench.builder, "configure", refuse)
    outcome = bench.do(StepKind.DEPLOY)
    assert outcome.cause and outcome.cause.code == code
    assert outcome.report and outcome.report.told is Told.ERROR
    monkeypatch.setattr(bench.builder, "build", refuse)
    assert bench.do(StepKind.BUILD, None).cause.code == code  # type: ignore[union-attr]


def test_a_stop_that_cannot_be_configured_only_stops(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    outcome = bench.do(StepKind.STOP, replace(WISH, requested_state=InstanceState.STOPPED))
    assert outcome.is_done and outcome.report and outcome.report.told is Told.STOPPED
    assert not bench.supervisor.observe().get("slappart0")


@pytest.mark.parametrize("error", [ValueError("no int"), RecursionError("too deep")])
def test_a_defect_is_told_as_a_cause(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(bench.builder, "configure", fail)
    outcome = bench.do(StepKind.DEPLOY)
    assert not outcome.is_done and outcome.report
    assert outcome.report.cause.code == "node-error"
    assert type(error).__name__ in outcome.report.cause.message
    outcome.report.cause.message.encode()


def test_a_lock_that_stays_taken_is_told(bench: Bench) -> None:
    bench.do(StepKind.DEPLOY)
    holder = subprocess.Popen(
        ["flock", str(bench.files.lock), "sleep", "100"], start_new_session=True
    )
    try:
        end = time.monotonic() + 60
        while bench.do(StepKind.DEPLOY).is_done:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert bench.do(StepKind.DEPLOY).report is None
        bench.clock.advance(11.0)
        report = bench.do(StepKind.DEPLOY).report
        assert report and "its lock is taken" in report.cause.message
        assert str(holder.pid) in report.cause.message
        assert holder.poll() is None
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
    while not bench.do(StepKind.DEPLOY).is_done:
        time.sleep(0.02)
