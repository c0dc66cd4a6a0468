"""A builder without buildout, for tests and simulations: releases are declared, not built."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pelagos.slap.agent.builders.base import Connection, Run
from pelagos.slap.agent.errors import StepDeferred, StepFailed
from pelagos.slap.agent.files import remove_folder, write_atomic
from pelagos.slap.agent.layout import Layout
from pelagos.slap.model import Cause


@dataclass(frozen=True, slots=True)
class FakeRelease:
    """What a release would do.

    Attributes:
        build_failure: why it cannot be built; None when it can.
        configure_failure: why its instances cannot be configured; None when they can.
        files: path in the partition → content of an executable, e.g. "etc/service/web".
    """

    build_failure: Cause | None = None
    configure_failure: Cause | None = None
    files: Mapping[str, str] = field(default_factory=dict)


class FakeBuilder:
    """Builds what it was told of; a URL that it was not told of is unreachable."""

    def __init__(self, layout: Layout, releases: Mapping[str, FakeRelease]) -> None:
        self._layout = layout
        self.releases = dict(releases)
        self.configured: list[Connection] = []
        self.may_build = threading.Event()
        self.may_build.set()

    def build(self, url: str, on_start: Callable[[], None], stop: threading.Event) -> None:
        """Make the release's folder, or fail as declared; waits while `may_build` is not set."""
        release = self._release(url)
        on_start()
        while not self.may_build.wait(0.01):
            if stop.is_set():
                raise StepDeferred("The agent stops.")
        if release.build_failure is not None:
            raise StepFailed(release.build_failure, log=f"Error: {release.build_failure.message}")
        folder = self._layout.release(url)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / "instance.cfg", "[buildout]\n", mode=0o644)

    def _release(self, url: str) -> FakeRelease:
        try:
            return self.releases[url]
        except KeyError:
            cause = Cause("release-unreachable", f"The profile {url} cannot be read: not there.")
            raise StepFailed(cause) from None

    def complete(self, url: str) -> None:
        """Mark a release as usable."""
        (self._layout.release(url) / ".completed").touch()

    def is_complete(self, url: str) -> bool:
        """Whether a release may be used."""
        return (self._layout.release(url) / ".completed").exists()

    def prepare(self, url: str) -> None:
        """Nothing needs to be prepared."""

    def remove(self, url: str) -> None:
        """Remove a release's folder."""
        remove_folder(self._layout.release(url))

    def configure(self, url: str, run: Run, stop: threading.Event) -> None:
        """Write the declared executables, or fail as declared."""
        if stop.is_set():
            raise StepDeferred("The agent stops.")
        release = self._release(url)
        self.configured.append(run.connection)
        if release.configure_failure is not None:
            raise StepFailed(release.configure_failure)
        for name, content in release.files.items():
            path = run.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, content, mode=0o750)

    def close(self) -> None:
        """Nothing runs."""
