"""Which methods of the cloud clients a run has called, on real services; which it must.

For runs of which every test is on a real OpenStack: `--real-calls`. Each worker notes what is
called, and the run fails when a method that real services answer never was.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from pelagos.clients import (
    BlockStorageClient,
    Client,
    ComputeClient,
    ImageClient,
    NetworkClient,
    PithosClient,
    StorageClient,
)

#: Whose methods are all called by the tests on all services of OpenStack.
KINDS: tuple[type[Client], ...] = (
    BlockStorageClient,
    ComputeClient,
    ImageClient,
    NetworkClient,
)
#: What no service of OpenStack answers, and why.
UNANSWERED: dict[type[Client], dict[str, str]] = {
    ImageClient: {"reregister": "locations of images are Synnefo's"},
    StorageClient: {"time_for": "it asks nothing"},
    PithosClient: {"time_for": "it asks nothing"},
}
_LOWER = re.compile(r"clients\.(base\.|.*rest)")
_FOUND = "real_calls"


def methods(kind: type[Client]) -> set[str]:
    """The public ones of a client, but for the calls one by one, of which they are made."""
    return {
        name
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") and not _LOWER.search(method.__module__)
    }


class RealCalls:
    """A plugin of pytest: in a worker it notes, where all come together it judges."""

    def __init__(self) -> None:
        self.called: set[str] = set()
        self.missing: list[str] = []
        for kind in KINDS:
            for name in methods(kind):
                self._watch(kind, name)

    def _watch(self, kind: type[Client], name: str) -> None:
        plain: Callable[..., Any] = getattr(kind, name)

        @functools.wraps(plain)
        def noted(*args: Any, **kwargs: Any) -> Any:
            self.called.add(f"{kind.__name__}.{name}")
            return plain(*args, **kwargs)

        setattr(kind, name, noted)

    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker noted."""
        self.called |= set(getattr(node, "workeroutput", {}).get(_FOUND, ()))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Hand on, or judge."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_FOUND] = sorted(self.called)
        elif exitstatus == pytest.ExitCode.OK:
            self.missing = sorted(_wanted() - self.called)
            if self.missing:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say so."""
        if self.missing:
            terminalreporter.section("never called on a real service", sep="=", red=True)
            terminalreporter.line(", ".join(self.missing))


def _wanted() -> set[str]:
    return {
        f"{kind.__name__}.{name}"
        for kind in KINDS
        for name in methods(kind) - set(UNANSWERED.get(kind, ()))
    }
