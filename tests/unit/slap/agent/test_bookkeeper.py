"""Usage on its way to the master: nothing lost, nothing told twice, nothing believed blindly."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.bookkeeper import Bookkeeper
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.supervisors.memory import MemorySupervisor
from pelagos.slap.agent.usage import Meter, movements
from pelagos.slap.errors import BadRequest, SlapError
from pelagos.slap.tio import Movement, read_journal

REPORT = """\
<consumption><movement><resource>mails</resource><quantity>7.0</quantity><price>0</price>
<VAT></VAT></movement></consumption>
"""


class Master:
    """Takes journals, or does what the test says."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.failure: SlapError | None = None

    def report_usage(self, computer_id: str, report: str) -> None:
        assert computer_id == "COMP-1"
        if self.failure is not None:
            raise self.failure
        self.taken.append(report)

    @property
    def movements(self) -> list[Movement]:
        return [m for text in self.taken for t in read_journal(text.encode()) for m in t.movements]

    def amounts(self, resource: str) -> list[tuple[str, float]]:
        return [(m.reference, m.quantity) for m in self.movements if m.resource == resource]


class Case:
    """A computer with one busy partition of three."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder, 3)
        self.layout.instance.mkdir()
        self.folder = self.layout.partition("slappart1")
        PartitionFiles(self.folder).ensure()
        self.reports = self.folder / "var" / "xml_report"
        self.reports.mkdir(parents=True)
        self.master = Master()
        self.clock = ManualClock()

    def keeper(self) -> Bookkeeper:
        settings = AgentSettings("COMP-1", self.layout.root, 3, hook_timeout=2.0)
        supervisor = MemorySupervisor(clock=self.clock)
        return Bookkeeper(
            settings, self.master, layout=self.layout, supervisor=supervisor, clock=self.clock
        )

    def round(self, keeper: Bookkeeper | None = None) -> None:
        keeper = keeper or self.keeper()
        self.clock.advance(60)
        keeper.report()
        keeper.send()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_an_instance_reports_through_its_script(case: Case) -> None:
    script = case.folder / "etc" / "report" / "mails"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/sh\ncat > $1 <<'EOF'\n{REPORT}EOF\n")
    script.chmod(0o750)
    case.round()
    assert case.master.amounts("mails") == [("slappart1", 7.0)]
    assert list(case.reports.iterdir()) == []
    assert list((case.layout.root / "usage").iterdir()) == []


def test_a_script_that_fails_or_hangs_does_not_hold_up_the_rest(case: Case) -> None:
    for name, body in (("fails", "exit 3"), ("hangs", "sleep 60")):
        script = case.folder / "etc" / "report" / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o750)
    (case.reports / "one").write_text(REPORT)
    case.round()
    assert case.master.amounts("mails") == [("slappart1", 7.0)]


def test_files_are_collected_and_what_is_no_report_is_left(case: Case, tmp_path: Path) -> None:
    (case.reports / "good").write_text(REPORT)
    (case.reports / "bad").write_text("<consumption/>")
    (case.reports / "evil").write_text(f"<!DOCTYPE x [<!ENTITY a 'b'>]>{REPORT}")
    secret = tmp_path / "secret"
    secret.write_text(REPORT)
    (case.reports / "link").symlink_to(secret)
    os.mkfifo(case.reports / "pipe")
    (case.reports / "folder").mkdir()
    case.round()
    assert case.master.amounts("mails") == [("slappart1", 7.0)]
    left = sorted(path.name for path in case.reports.iterdir())
    assert left == ["bad", "evil", "folder", "link", "pipe"]
    assert secret.exists()


def test_nothing_is_lost_while_the_master_is_away(case: Case) -> None:
    case.master.failure = SlapError("away", status=503)
    (case.reports / "one").write_text(REPORT)
    case.round()
    (case.reports / "two").write_text(REPORT.replace("7.0", "8.0"))
    case.round()
    assert case.master.taken == [] and list(case.reports.iterdir()) == []
    case.master.failure = None
    case.round(case.keeper())
    assert case.master.amounts("mails") == [("slappart1", 7.0), ("slappart1", 8.0)]


def test_a_kill_before_the_sources_are_gone_repeats_nothing(case: Case) -> None:
    source = case.reports / "one"
    source.write_text(REPORT)
    seen = source.stat()
    case.master.failure = SlapError("away", status=503)
    keeper = case.keeper()
    spool = keeper._spool
    remove, spool.finish_sources = spool.finish_sources, lambda: None  # type: ignore[method-assign]
    case.round(keeper)  # killed after the journal was written
    assert source.exists() and source.stat().st_mtime_ns == seen.st_mtime_ns
    spool.finish_sources = remove  # type: ignore[method-assign]
    case.master.failure = None
    case.round(case.keeper())
    assert case.master.amounts("mails") == [("slappart1", 7.0)]


def test_a_file_that_was_written_again_is_told_again(case: Case) -> None:
    source = case.reports / "one"
    source.write_text(REPORT)
    keeper = case.keeper()
    spool = keeper._spool
    remove, spool.finish_sources = spool.finish_sources, lambda: None  # type: ignore[method-assign]
    keeper.report()
    source.write_text(REPORT.replace("7.0", "99.0"))
    spool.finish_sources = remove  # type: ignore[method-assign]
    case.round(keeper)
    assert case.master.amounts("mails") == [("slappart1", 7.0), ("slappart1", 99.0)]


def test_what_the_master_refuses_is_put_aside(case: Case) -> None:
    case.master.failure = BadRequest("no", status=400)
    case.round()
    assert [p.suffix for p in (case.layout.root / "usage").iterdir()] == [".refused"]


def test_many_movements_make_several_journals(case: Case) -> None:
    inner = REPORT.removeprefix("<consumption>").removesuffix("</consumption>\n")
    (case.reports / "many").write_text(f"<consumption>{inner * 5000}</consumption>")
    case.round()
    assert len(case.master.amounts("mails")) == 5000
    assert len(case.master.taken) > 1


def test_what_runs_is_measured(tmp_path: Path) -> None:
    folder = tmp_path / "slappart0"
    folder.mkdir()
    (folder / "data").write_bytes(b"x" * 1_000_000)
    os.link(folder / "data", folder / "again")
    meter = Meter({"slappart0": folder})
    burn = "import time,subprocess,sys\nend=time.time()+30\nwhile time.time()<end: pass"
    parent = f"import subprocess,sys; subprocess.run([sys.executable,'-c',{burn!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], start_new_session=True) as process:
        try:
            end = time.monotonic() + 60
            spent = 0.0
            while spent < 0.2 and time.monotonic() < end:
                time.sleep(0.1)
                meter.sample({"slappart0": [process.pid]})
                spent = meter._known["slappart0"].cpu
            use = meter.take()["slappart0"]
        finally:
            os.killpg(process.pid, 9)
    assert use.cpu >= 0.2 and use.processes == 2
    assert use.memory > 5_000_000
    assert use.disk is not None and 1_000_000 <= use.disk < 1_900_000
    assert {m.resource for m in movements(use)} == {"cpu", "memory", "processes", "disk"}
    assert meter.take()["slappart0"].cpu == 0.0


def test_the_disk_is_walked_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pelagos.slap.agent.usage.ENTRIES", 4)
    for number in range(10):
        (tmp_path / str(number)).write_bytes(b"x" * 4096)
    meter = Meter({"a": tmp_path})
    looks = 0
    while meter.take().get("a", None) is None or meter.take()["a"].disk is None:
        meter.sample({"a": []})
        looks += 1
        assert looks < 10
    assert looks == 3 and meter.take()["a"].disk == 10 * 4096


def test_the_computer_itself_is_told(case: Case) -> None:
    case.round()
    own = {m.resource for m in case.master.movements if m.reference == ""}
    assert own == {"cpu", "memory", "processes", "disk"}


def _other(case: Case) -> Path:
    """A second busy partition, behind the first, with a report that should get through."""
    folder = case.layout.partition("slappart2")
    PartitionFiles(folder).ensure()
    (folder / "var" / "xml_report").mkdir(parents=True)
    (folder / "var" / "xml_report" / "one").write_text(REPORT)
    return folder


@pytest.mark.parametrize("body", ["no interpreter named", "#!/missing/interpreter\n"])
def test_a_report_that_cannot_be_run_stops_nobody(case: Case, body: str) -> None:
    _other(case)
    script = case.folder / "etc" / "report" / "odd"
    script.parent.mkdir(parents=True)
    script.write_text(body)
    script.chmod(0o750)
    (case.reports / "one").write_text(REPORT)
    case.round()
    assert case.master.amounts("mails") == [("slappart1", 7.0), ("slappart2", 7.0)]


def test_a_closed_folder_of_reports_stops_nobody_and_is_told_once(case: Case) -> None:
    _other(case)
    (case.reports / "one").write_text(REPORT)
    case.reports.chmod(0o555)
    case.round()
    case.round()
    assert case.master.amounts("mails") == [("slappart1", 7.0), ("slappart2", 7.0)]


def test_a_report_may_have_a_name_that_is_no_text(case: Case) -> None:
    _other(case)
    (case.reports / os.fsdecode(b"\xff.xml")).write_text(REPORT)
    case.round()
    assert case.master.amounts("mails") == [("slappart1", 7.0), ("slappart2", 7.0)]
    assert list(case.reports.iterdir()) == []


def test_the_thread_goes_on_after_what_nobody_thought_of(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = case.keeper()
    calls = []

    def break_it() -> None:
        calls.append(1)
        raise RuntimeError("a defect")

    monkeypatch.setattr(keeper, "report", break_it)
    monkeypatch.setattr("pelagos.slap.agent.bookkeeper._NAP", 0.01)
    keeper.start()
    try:
        end = time.monotonic() + 60
        while len(calls) < 2 and time.monotonic() < end:
            case.clock.advance(3600)
            time.sleep(0.01)
    finally:
        keeper.close()
    assert len(calls) >= 2


def test_one_partition_cannot_fill_a_round(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pelagos.slap.agent.collecting.BYTES", 3 * len(REPORT))
    _other(case)
    for number in range(7):
        (case.reports / f"m{number}").write_text(REPORT)
    keeper = case.keeper()
    case.round(keeper)
    told = case.master.amounts("mails")
    assert told.count(("slappart1", 7.0)) == 3 and told.count(("slappart2", 7.0)) == 1
    for _ in range(4):
        case.round(keeper)
    assert case.master.amounts("mails").count(("slappart1", 7.0)) == 7


def test_files_that_are_no_reports_do_not_hide_those_that_are(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pelagos.slap.agent.collecting.LOOKS", 10)
    for number in range(15):
        (case.reports / f"a{number:02}").write_text("no report")
    (case.reports / "z").write_text(REPORT)
    keeper = case.keeper()
    case.round(keeper)
    case.round(keeper)
    assert case.master.amounts("mails") == [("slappart1", 7.0)]


def test_all_scripts_of_a_partition_share_one_limit(case: Case) -> None:
    _other(case)
    for number in range(10):
        script = case.folder / "etc" / "report" / f"s{number}"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("#!/bin/sh\nsleep 60\n")
        script.chmod(0o750)
    began = time.monotonic()
    case.round()
    assert time.monotonic() - began < 15
    assert case.master.amounts("mails") == [("slappart2", 7.0)]


def test_what_waits_and_what_is_put_aside_is_bounded(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pelagos.slap.agent.spool.WAITING", 5)
    monkeypatch.setattr("pelagos.slap.agent.spool.ASIDE", 3)
    case.master.failure = SlapError("away", status=503)
    for _ in range(6):
        (case.reports / "one").write_text(REPORT)
        case.round()
    case.clock.advance(1)
    case.keeper().send()
    assert len(list((case.layout.root / "usage").glob("*.json"))) == 5
    assert "given up" in caplog.text
    case.master.failure = BadRequest("no", status=400)
    case.keeper().send()
    case.keeper().send()
    assert len(list((case.layout.root / "usage").iterdir())) == 3
    assert "put aside are removed" in caplog.text
