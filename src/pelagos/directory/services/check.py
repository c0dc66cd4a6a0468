"""Service `check`: does each source answer, how fast, and what can it not do?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.core.errors import PelagosError
from pelagos.core.fanout import Fanout, Reply, Verdict
from pelagos.directory.errors import SourceError
from pelagos.directory.model import Asker
from pelagos.directory.services.base import BaseServicePlugin, needed
from pelagos.directory.sources import Source

#: Seconds that each source has; more than a healthy one needs, less than a person waits.
TIMEOUT = 5.0
#: Is looked for in sources without a test of their own; nothing should be found, and that is well.
_TERM = "pelagos source check"


@dataclass(frozen=True, slots=True)
class Checked:
    """How a question to a source went.

    Attributes:
        said: what the source's own test could not do, and what to do about it.
    """

    name: str
    backend: str
    verdict: str
    ms: float
    error: str | None = None
    said: tuple[str, ...] = ()


class CheckService:
    """Tries sources. It asks past breakers and memories: what counts is how they are now.

    Args:
        sources: those that are there, by name.
        failures: why the others are not, by name.
        fanout: its own, so that what hangs in a check takes nothing from lookups.
        backends: the back-end of each configured source, loaded or not.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        failures: Mapping[str, str],
        fanout: Fanout,
        backends: Mapping[str, str] | None = None,
    ) -> None:
        self._sources = sources
        self._failures = failures
        self._fanout = fanout
        self._backends = backends or {}

    def sources(self) -> list[tuple[str, str, str | None]]:
        """Name, back-end, and why it is not there (None when it is) of every source."""
        sources, failures = {**self._sources}, {**self._failures}
        backends = {**{n: s.backend for n, s in sources.items()}, **self._backends}
        names = {**sources, **failures}
        return [(n, backends.get(n, ""), failures.get(n)) for n in names]

    def check(self, asker: Asker, names: Collection[str] = ()) -> list[Checked]:
        """Ask these sources, or all; those that could not be loaded are failed.

        Args:
            asker: for whom they are asked: a source may know people only.
            names: unknown ones are left out.
        """
        sources = {**self._sources}
        wanted = {n: (b, why or "") for n, b, why in self.sources() if not names or n in names}
        there = {name: sources[name] for name in wanted if name in sources}
        calls = {name: _test(source, asker) for name, source in there.items()}
        replies = {reply.name: reply for reply in self._fanout.ask(calls, timeout=TIMEOUT)}
        return [
            _checked(name, backend, replies.get(name), why)
            for name, (backend, why) in wanted.items()
        ]


def _checked(name: str, backend: str, reply: Reply[list[str]] | None, why: str) -> Checked:
    if reply is None:
        return Checked(name, backend, Verdict.FAILED, 0.0, why)
    ms = round(reply.elapsed_ms, 1)
    if reply.error is not None:
        return Checked(name, backend, reply.verdict, ms, reply.error)
    return Checked(name, backend, Verdict.ANSWERED, ms, None, tuple(reply.value or ()))


def _test(source: Source, asker: Asker) -> Callable[[], list[str]]:
    """What tries a source: its own test, else a search; returns what could not be done."""

    def test() -> list[str]:
        try:
            return tried()
        except PelagosError as error:
            if error.hint is None:
                raise
            raise SourceError(f"{error.message.rstrip('.')}; {error.hint}") from error

    def tried() -> list[str]:
        check = getattr(source.plugin, "check", None)
        if not callable(check):
            source.search(_TERM, asker.args())
            return []
        said = check()
        if said is None or said is True:
            return []
        return [said] if isinstance(said, str) else [str(line) for line in said]

    return test


class CheckPlugin(BaseServicePlugin):
    """Makes the service, with threads of its own."""

    def __init__(self) -> None:
        self._fanout: Fanout | None = None

    def load(self, args: Mapping[str, Any]) -> CheckService:
        """The service.

        Raises:
            ValueError: `args` lacks a key.
        """
        roster, sources, failures = needed(args, "roster", "sources", "failures")
        self._fanout = Fanout(slots=1)
        return CheckService(sources, failures, self._fanout, roster.backends)

    def unload(self) -> None:
        """End the threads."""
        if self._fanout is not None:
            self._fanout.close()
