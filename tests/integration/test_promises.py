"""Promises as real processes: plugins, modes, periodicity, and what bad ones try."""

from __future__ import annotations

import json
import logging
import os
import pwd
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock, SystemClock
from pelagos.slap.agent import promise_record
from pelagos.slap.agent.process import clean_environment
from pelagos.slap.agent.promise import PromiseResult, PromiseRunner
from pelagos.slap.agent.promise_plugin import Asked, Mode
from support.reach import open_to_others

pytestmark = pytest.mark.integration

ENVIRON = clean_environment(os.environ, Path("/tmp"))
HEAD = "import sys\nsys.path[0:0] = []\nfrom pelagos.slap.promise import *\n"
ANOMALY = Asked(Mode.ANOMALY)
SILENT = "class RunPromise(GenericPromise):\n  def sense(self): pass\n"


def plugin(folder: Path, name: str, body: str, head: str = HEAD) -> Path:
    path = folder / "etc" / "plugin" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + body)
    return path


def script(folder: Path, name: str, body: str | bytes) -> Path:
    path = folder / "etc" / "promise" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = body if isinstance(body, bytes) else f"#!/bin/sh\n{body}\n".encode()
    path.write_bytes(text)
    path.chmod(0o750)
    return path


class Bench:
    """A partition, and a runner whose clock stands still."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.runner = PromiseRunner(timeout=10.0, clock=self.clock)

    def run(self, asked: Asked | None = None) -> dict[str, PromiseResult]:
        found = self.runner.run(self.folder, ENVIRON, threading.Event(), asked)
        return {result.name: result for result in found}

    def records(self) -> dict[str, promise_record.PromiseRecord]:
        return {one.name: one for one in promise_record.read(self.folder)}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


COUNTING = """
class RunPromise(GenericPromise):
    def __init__(self, config):
        super().__init__(config)
        {set_up}
    def sense(self):
        with open(self.getPartitionFolder() + "/runs", "a") as runs:
            runs.write("x")
        mood = open(self.getPartitionFolder() + "/mood").read()
        (self.logger.info if mood == "good" else self.logger.error)("mood is %s", mood)
"""


def count(bench: Bench) -> int:
    runs = bench.folder / "runs"
    return len(runs.read_text()) if runs.exists() else 0


def mood(bench: Bench, text: str) -> None:
    (bench.folder / "mood").write_text(text)


def test_a_plugin_of_ours_says_what_its_log_says(bench: Bench) -> None:
    plugin(bench.folder, "mood", COUNTING.format(set_up="self.setPeriodicity(minute=3)"))
    mood(bench, "good")
    held = bench.run()["mood.py"]
    assert held.is_held and held.message == "mood is good"
    mood(bench, "bad")
    failed = bench.run()["mood.py"]  # fresh: asked a moment ago
    assert failed.is_held
    bench.clock.sleep(6)
    failed = bench.run()["mood.py"]
    assert (failed.is_held, failed.message, failed.wants_bang) == (False, "mood is bad", False)
    document = json.loads((bench.folder / ".slapgrid/promise/result/mood.status.json").read_text())
    assert {"title", "name", "path", "execution-time", "result"} <= document.keys()
    assert document["title"] == "mood" and document["name"] == "mood.py"
    assert document["result"]["type"] == "Test Result" and document["result"]["failed"] is True
    cache = json.loads((bench.folder / ".slapgrid/promise/cache/mood").read_text())
    assert cache["periodicity"] == 3.0 and cache["next_run_after"] > cache["timestamp"]
    log = (bench.folder / ".slapgrid/promise/log/mood.log").read_text().splitlines()
    assert [line.split(" - ")[1] for line in log] == ["INFO", "ERROR"]
    assert [one.failed for one in bench.records()["mood.py"].history] == [False, True]


def test_an_anomaly_is_looked_for_as_often_as_the_plugin_wishes(bench: Bench) -> None:
    plugin(bench.folder, "mood", COUNTING.format(set_up="self.setPeriodicity(minute=3)"))
    mood(bench, "good")
    bench.run()
    for _ in range(3):
        assert bench.run(ANOMALY)["mood.py"].is_held
    assert count(bench) == 1
    bench.clock.sleep(170)
    mood(bench, "bad")
    assert bench.run(ANOMALY)["mood.py"].is_held
    bench.clock.sleep(11)
    failed = bench.run(ANOMALY)["mood.py"]
    assert not failed.is_held and failed.wants_bang and count(bench) == 2
    bench.runner.banged(bench.folder)
    bench.clock.sleep(21)  # red: asked sooner
    assert not bench.run(ANOMALY)["mood.py"].wants_bang and count(bench) == 3
    mood(bench, "good")
    bench.clock.sleep(21)
    assert bench.run(ANOMALY)["mood.py"].is_held
    mood(bench, "bad")
    bench.clock.sleep(181)
    assert bench.run(ANOMALY)["mood.py"].wants_bang  # another time


def test_a_new_configuration_asks_all_again(bench: Bench) -> None:
    path = plugin(bench.folder, "mood", COUNTING.format(set_up="pass"))
    mood(bench, "good")
    bench.run()
    bench.run(ANOMALY)
    bench.runner.renew(bench.folder)
    bench.run()
    assert count(bench) == 2
    bench.run(ANOMALY)
    path.write_text(path.read_text() + "\n# another version\n")
    bench.run(ANOMALY)
    assert count(bench) == 3


@pytest.mark.parametrize("how", ["self.allowBang(False)", "extra"])
def test_a_plugin_may_forbid_its_bang(bench: Bench, how: str) -> None:
    body = COUNTING.format(set_up="pass" if how == "extra" else how)
    if how == "extra":
        body += "\nextra_config_dict = {'bang-on-failure': 'False'}\n"
    plugin(bench.folder, "mood", body)
    mood(bench, "bad")
    failed = bench.run(ANOMALY)["mood.py"]
    assert not failed.is_held and not failed.wants_bang


def test_test_and_anomaly_are_switched_off_each_on_its_own(bench: Bench) -> None:
    mood(bench, "bad")
    plugin(bench.folder, "a", COUNTING.format(set_up="self.setTestLess()"))
    plugin(bench.folder, "b", COUNTING.format(set_up="self.setAnomalyLess()"))
    both = "self.setTestLess(); self.setAnomalyLess()"
    plugin(bench.folder, "c", COUNTING.format(set_up=both))
    tested = bench.run()
    assert tested.keys() == {"b.py", "c.py"} and not tested["b.py"].is_held
    assert "without test and without anomaly" in tested["c.py"].message
    bench.clock.sleep(1000)
    assert bench.run(ANOMALY).keys() == {"a.py", "c.py"}


def test_a_plugin_has_its_configuration_and_its_own_words(bench: Bench) -> None:
    body = """
extra_config_dict = {"limit": "7"}
class RunPromise(GenericPromise):
    def sense(self):
        print("noise " * 100000, flush=True)
    def test(self):
        told = [self.getConfig(k) for k in ("limit", "computer-id", "partition-id", "none")]
        return TestResult(problem=True, message=repr(told) + self.getTitle() + self.getName())
"""
    plugin(bench.folder, "told-all", body)
    asked = Asked(config={"computer-id": "COMP", "partition-id": "slappart1"})
    said = bench.run(asked)["told-all.py"].message
    assert said == "['7', 'COMP', 'slappart1', None]told-alltold-all.py"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("syntax error\n", "SyntaxError"),
        ("import nothing_of_this_name\n", "ModuleNotFoundError"),
        ("x = 1\n", "no class RunPromise"),
        ("import os\nos._exit(3)\n", "without a result (exit status 3)"),
        ("import sys\nsys.exit(4)\n", "SystemExit"),
        (SILENT + "  def test(self): return None\n", "returned None"),
        (SILENT + "  def test(self): 1/0\n", "division by zero"),
        ("class RunPromise(GenericPromise): pass\n", "abstract"),
        ("class RunPromise(GenericPromise):\n  def sense(self): {}['gone']\n", "KeyError: 'gone'"),
        (SILENT + "  def test(self): return TestResult(True, 'y' * 90000)\n", "y" * 5000),
    ],
)
def test_a_broken_plugin_does_not_hold_and_says_why(bench: Bench, body: str, says: str) -> None:
    plugin(bench.folder, "broken", body)
    found = bench.run()["broken.py"]
    assert not found.is_held and says in found.message and len(found.message) <= 5000


def test_a_legacy_anomaly_is_three_failures_in_a_row(bench: Bench) -> None:
    script(bench.folder, "mood", "cat mood; grep -q good mood")
    mood(bench, "bad")
    assert not bench.run()["mood"].is_suspect  # a test: once is enough
    mood(bench, "good")
    assert bench.run()["mood"].is_held
    mood(bench, "bad")
    found = [bench.run(ANOMALY)["mood"] for _ in range(3)]
    assert [one.is_suspect for one in found] == [True, True, False]
    assert not any(one.wants_bang for one in found)


def test_history_is_kept_bounded_and_across_agents(bench: Bench) -> None:
    script(bench.folder, "mood", "cat mood; grep -q good mood")
    for number in range(30):
        mood(bench, "good" if number % 2 else "bad")
        bench.clock.sleep(1)
        bench.run()
    kept = bench.records()["mood"]
    assert len(kept.history) == promise_record.HISTORY and kept.is_held
    later = Bench(bench.folder)
    later.clock.sleep(1000)
    later.run()
    again = later.records()["mood"]
    assert len(again.history) == len(kept.history) and again.since == kept.since
    assert again.checked > kept.checked


def test_a_promise_that_is_gone_is_no_longer_shown(bench: Bench) -> None:
    path = script(bench.folder, "a", "exit 0")
    script(bench.folder, "b", "exit 0")
    bench.run()
    path.unlink()
    script(bench.folder, "c", "exit 0")
    bench.run()
    assert bench.records().keys() == {"b", "c"}


def test_a_file_that_is_not_executable_is_told_of_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    script(bench.folder, "readme", "exit 0").chmod(0o640)
    with caplog.at_level(logging.WARNING):
        assert bench.run() == bench.run() == {}
    assert len([r for r in caplog.records if "not executable" in r.getMessage()]) == 1


# ---- what bad ones try ------------------------------------------------------------------------


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, within: float = 5.0) -> bool:
    end = time.monotonic() + within
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


DAEMON = """
import os, sys, time
{before}
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
        with open("pid", "w") as file: file.write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists("pid") or not open("pid").read(): time.sleep(0.01)
{after}
"""


@pytest.mark.parametrize("after", ["print('fine')", "time.sleep(600)"])
def test_a_promise_that_daemonises_leaves_nothing_behind(bench: Bench, after: str) -> None:
    text = f"#!{sys.executable} -ISB\n" + DAEMON.format(before="", after=after)
    script(bench.folder, "daemon", text.encode())
    bench.runner = PromiseRunner(timeout=2.0, clock=SystemClock())
    found = bench.run()["daemon"]
    assert found.is_held == (after != "time.sleep(600)")
    assert gone(int((bench.folder / "pid").read_text()))


def test_a_plugin_that_hangs_is_ended_with_all_it_started(bench: Bench) -> None:
    body = """
import subprocess, time
class RunPromise(GenericPromise):
    def sense(self):
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        open(self.getPartitionFolder() + "/pid", "w").write(str(child.pid))
        time.sleep(600)
"""
    plugin(bench.folder, "hung", body)
    bench.runner = PromiseRunner(timeout=2.0, clock=SystemClock())
    found = bench.run()["hung.py"]
    assert not found.is_held and "no answer within 2 s" in found.message
    assert gone(int((bench.folder / "pid").read_text()))


def test_a_gigabyte_of_output_is_read_and_forgotten(bench: Bench) -> None:
    script(bench.folder, "loud", "head -c 1000000000 /dev/zero | tr '\\0' y; exit 3")
    bench.runner = PromiseRunner(timeout=30.0, clock=SystemClock())
    found = bench.run()["loud"]
    assert (found.is_held, len(found.message)) == (False, 5000)


def test_bytes_that_are_no_text_are_shown_as_such(bench: Bench) -> None:
    script(bench.folder, "bytes", b"#!/bin/sh\nprintf 'caf\\351 \\377'; exit 1\n")
    assert bench.run()["bytes"].message.startswith("caf\N{REPLACEMENT CHARACTER}")
    assert bench.records()["bytes"].message.startswith("caf")


@pytest.mark.parametrize("make", [plugin, script])
def test_a_promise_that_deletes_its_own_file_has_a_result(
    bench: Bench, make: Callable[..., Path]
) -> None:
    if make is plugin:
        body = SILENT.replace("pass", "__import__('os').unlink(__file__)")
        name = make(bench.folder, "vanishing", body).name
    else:
        name = make(bench.folder, "vanishing", 'rm "$0"; echo bye').name
    assert bench.run()[name].is_held
    assert bench.run() == {}


def test_a_log_that_leads_elsewhere_is_not_written_to(bench: Bench) -> None:
    script(bench.folder, "a", "echo secret; exit 1")
    bench.run()
    log = bench.folder / ".slapgrid" / "promise" / "log" / "a.log"
    aim = bench.folder / "aim"
    aim.write_text("precious")
    log.unlink()
    log.symlink_to(aim)
    bench.clock.sleep(100)
    bench.run()
    assert aim.read_text() == "precious"


@pytest.mark.needs_root
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs a Python for everybody")
def test_as_root_promises_run_as_the_owner_of_their_partition(
    bench: Bench,
) -> None:
    owner = pwd.getpwnam("nobody")
    open_to_others(bench.folder)
    who = "import os\nclass RunPromise(GenericPromise):\n  def sense(self): "
    plugin(bench.folder, "plugged", who + "self.logger.info('user %s', os.getuid())\n")
    script(bench.folder, "legacy", "id -u")
    for path in (bench.folder, *bench.folder.rglob("*")):
        shutil.chown(path, owner.pw_uid, owner.pw_gid)
    found = bench.run(Asked(python=("/usr/bin/python3",)))
    assert found["legacy"].message == str(owner.pw_uid)
    assert found["plugged.py"].message == f"user {owner.pw_uid}"
    made = [*bench.folder.joinpath(".slapgrid").rglob("*")]
    assert len(made) >= 9 and {path.stat().st_uid for path in made} == {owner.pw_uid}
