"""Promises written for the original library, which is in the release's eggs, run unchanged."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.process import clean_environment
from pelagos.slap.agent.promise import PromiseResult, PromiseRunner
from pelagos.slap.agent.promise_plugin import Asked, Mode, release_python
from support import slapos_peer
from support.slapos_peer import PeerMissingError

pytestmark = [pytest.mark.interop, pytest.mark.timeout(400)]

CONFIG = {"computer-id": "COMP", "partition-id": "slappart0", "master-url": "http://127.0.0.1:1/"}
PLUGIN = """\
import sys
sys.path[0:0] = {eggs!r}

from zope.interface import implementer
from slapos.grid.promise import interface
from slapos.grid.promise.generic import AnomalyResult, GenericPromise, TestResult

extra_config_dict = {{"file": "mood"}}

@implementer(interface.IPromise)
class RunPromise(GenericPromise):
    def __init__(self, config):
        super(RunPromise, self).__init__(config)
        self.setPeriodicity(minute=3)
        {set_up}

    def sense(self):
        print("noise")
        path = self.getPartitionFolder() + "/" + self.getConfig("file")
        if open(path).read() == "good":
            self.logger.info("the mood is good on %s", self.getConfig("partition-id"))
        else:
            self.logger.error("the mood is bad")
"""
JUDGED = """
    def test(self):
        return self._test(result_count=3, failure_amount=3)

    def anomaly(self):
        return self._anomaly(result_count=3, failure_amount=3)
"""


@pytest.fixture(scope="module")
def eggs(require: Any) -> list[str]:
    """The original's packages, as zc.buildout would name them in the first lines of a script."""
    try:
        programs = slapos_peer.install()
    except PeerMissingError as error:
        require.missing(str(error))
        raise
    return [str(path) for path in programs.parent.glob("lib/python3*/site-packages")]


class Bench:
    def __init__(self, folder: Path, eggs: list[str], *, more: str = "", set_up: str = "") -> None:
        self.folder, self.clock = folder, ManualClock()
        self.runner = PromiseRunner(timeout=30.0, clock=self.clock)
        plugin = folder / "etc" / "plugin" / "check-mood.py"
        plugin.parent.mkdir(parents=True)
        plugin.write_text(PLUGIN.format(eggs=eggs, set_up=set_up) + more)
        python = folder / "release" / "bin" / "buildout"  # whose first line names the interpreter
        python.parent.mkdir(parents=True)
        python.write_text(f"#!{os.path.realpath('/proc/self/exe')}\n")
        self.mood("good")

    def mood(self, text: str) -> None:
        (self.folder / "mood").write_text(text)

    def run(self, mode: Mode = Mode.TEST) -> PromiseResult | None:
        self.clock.sleep(181)
        asked = Asked(mode, release_python(self.folder / "release"), CONFIG)
        environ = clean_environment(os.environ, self.folder)
        found = self.runner.run(self.folder, environ, threading.Event(), asked)
        return found[0] if found else None


def test_a_promise_of_the_original_holds_fails_and_bangs(tmp_path: Path, eggs: list[str]) -> None:
    bench = Bench(tmp_path, eggs)
    held = bench.run()
    assert held is not None and held.is_held
    assert held.message == "the mood is good on slappart0" and held.name == "check-mood.py"
    cache = (tmp_path / ".slapgrid/promise/cache/check-mood").read_text()
    assert '"periodicity":3.0' in cache
    bench.mood("bad")
    failed = bench.run(Mode.ANOMALY)
    assert failed is not None and not failed.is_held and failed.wants_bang
    assert failed.message == "the mood is bad"
    log = (tmp_path / ".slapgrid/promise/log/check-mood.log").read_text().splitlines()
    assert [line.split(" - ")[1] for line in log] == ["INFO", "ERROR"]


def test_three_of_three_as_the_original_counts(tmp_path: Path, eggs: list[str]) -> None:
    bench = Bench(tmp_path, eggs, more=JUDGED)
    bench.run()
    bench.mood("bad")
    found = []
    for _ in range(3):
        time.sleep(1.1)  # its log tells runs apart by the second
        found.append(bench.run(Mode.ANOMALY))
    assert [one is not None and one.is_held for one in found] == [True, True, False]


@pytest.mark.parametrize(
    ("set_up", "tested", "asked"),
    [("self.setTestLess()", False, True), ("self.setAnomalyLess()", True, False)],
)
def test_its_switches(
    tmp_path: Path, eggs: list[str], set_up: str, *, tested: bool, asked: bool
) -> None:
    bench = Bench(tmp_path, eggs, set_up=set_up)
    assert (bench.run() is not None) == tested
    assert (bench.run(Mode.ANOMALY) is not None) == asked


def test_it_may_forbid_its_bang(tmp_path: Path, eggs: list[str]) -> None:
    bench = Bench(tmp_path, eggs, set_up="self.allowBang(False)")
    bench.mood("bad")
    failed = bench.run(Mode.ANOMALY)
    assert failed is not None and not failed.is_held and not failed.wants_bang
