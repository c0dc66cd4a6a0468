"""One round of a partition's promises: bounded, whatever an instance leaves there."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.process import clean_environment
from pelagos.slap.agent.promise import PromiseResult, PromiseRunner


class Case:
    """A partition, and one agent that asks its promises."""

    def __init__(self, folder: Path, timeout: float) -> None:
        self.folder = folder / "slappart0"
        PartitionFiles(self.folder).ensure()
        (self.folder / "etc" / "promise").mkdir(parents=True)
        self.runner = PromiseRunner(timeout=timeout, clock=SystemClock())

    def promise(self, name: str, body: str) -> None:
        path = self.folder / "etc" / "promise" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o750)

    def ask(self) -> dict[str, PromiseResult]:
        environ = clean_environment(os.environ, self.folder)
        found = self.runner.run(self.folder, environ, threading.Event())
        return {result.name: result for result in found}


def test_all_promises_together_have_a_limit(tmp_path: Path) -> None:
    case = Case(tmp_path, 0.5)
    for number in range(60):
        case.promise(f"p{number:02}", "sleep 60")
    case.promise("z", "exit 0")
    began = time.monotonic()
    found = case.ask()
    assert time.monotonic() - began < 20
    assert len(found) == 61 and not any(result.is_held for result in found.values())
    assert "not asked yet" in found["z"].message


def test_a_promise_that_was_left_out_comes_first_next_time(tmp_path: Path) -> None:
    case = Case(tmp_path, 0.5)
    for number in range(30):
        case.promise(f"p{number:02}", "sleep 60")
    case.promise("z", "exit 0")
    for _ in range(4):
        if case.ask()["z"].is_held:
            break
    else:
        pytest.fail("it was never asked")
    assert list(case.ask())[-1] == "z"


def test_a_promise_with_a_name_that_is_no_text_is_named(tmp_path: Path) -> None:
    case = Case(tmp_path, 5.0)
    case.promise("good", "exit 0")
    case.promise(os.fsdecode(b"p\xff"), "exit 0")
    found = case.ask()
    assert found["good"].is_held
    assert not found["p\\xff"].is_held and "rename the file" in found["p\\xff"].message
