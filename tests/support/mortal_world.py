"""A master whose wishes change, and one agent after the other, each with a fate of its own.

Each wish leads from the settled state to another one; after all seven the world is as before.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pelagos.core.clock import SystemClock
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.supervisors.supervisord import Supervisord
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.model import InstanceRequest, InstanceState, SupplyState
from support.agent_site import COMPUTER, QUICK, Site
from support.mortal_agent import Mortals

FIRST, SECOND = "/nowhere/first.cfg", "/nowhere/second.cfg"  # the shipped fake builds them
SERVICE = "#!/bin/sh\nexec sleep 100000\n"
PROMISE = "#!/bin/sh\ntest -e etc/service/web\n"
FILES = {"etc/service/web": SERVICE, "etc/promise/there": PROMISE}
PATIENCE = 60.0
#: A file that `write_atomic` had begun and never put in its place.
_LEFT_BEHIND = re.compile(r"\..+\.[a-z0-9_]{8}")

Holds = Callable[[], bool]


class World:
    """Site, wishes, and the agent that lives now."""

    def __init__(self, site: Site, mortals: Mortals) -> None:
        self.site = site
        self.mortals = mortals
        self.round = 0
        self.pid = mortals.spawn()

    # ---- wishes: what is wished, and what tells that it came true

    def change(self) -> Holds:
        self.ask("one", size=str(self.round))
        return lambda: self.is_now("one", "started") and self._was_told("one")

    def stop(self) -> Holds:
        self.site.set_state("one", InstanceState.STOPPED)
        return lambda: self.is_now("one", "stopped") and not self._runs("one")

    def start(self) -> Holds:
        self.site.set_state("one", InstanceState.STARTED)
        return lambda: self.is_now("one", "started") and self._runs("one")

    def destroy(self) -> Holds:
        folder = self.site.partition("two")
        self.site.set_state("two", InstanceState.DESTROYED)
        return lambda: not self._exists("two") and not list(folder.iterdir())

    def create(self) -> Holds:
        self.ask("two")
        return lambda: self.is_now("two", "started") and self._runs("two")

    def supply(self) -> Holds:
        self.site.supply(SECOND)
        return lambda: self.release() == "available"

    def remove(self) -> Holds:
        self.site.supply(SECOND, SupplyState.DESTROYED)
        folder = self.site.layout.release(SECOND)
        return lambda: self.release() is None and not folder.exists()

    # ---- what is seen

    def ask(self, name: str, **parameters: str) -> None:
        with contextlib.suppress(ResourceNotReady):
            self.site.client.request(InstanceRequest(name, FIRST, parameters=parameters))

    def is_now(self, name: str, status: str) -> bool:
        return str(self.site.service(name).status) == status

    def release(self) -> str | None:
        found = [one for one in self.site.client.releases() if one.url == SECOND]
        return str(found[0].status) if found else None

    def causes(self) -> dict[str, str]:
        """Code and message of whatever the master says to be wrong."""
        every = [one.cause for one in self.site.client.services()]
        every += [one.cause for one in self.site.client.releases()]
        return {cause.code: cause.message for cause in every}

    def _exists(self, name: str) -> bool:
        return any(one.reference == name for one in self.site.client.services())

    def _was_told(self, name: str) -> bool:
        """The agent noted the wish that it carried out: the newest."""
        stamp = self.site.partition(name) / ".timestamp"
        there = self.site.client.fetch_partition(
            COMPUTER, self.site.service(name).partition_id or ""
        )
        return stamp.is_file() and stamp.read_text().strip() == str(there.timestamp)

    def _runs(self, name: str) -> bool:
        return any(self.site.pids(name).values())

    def half_written(self) -> list[str]:
        """The agent's files that hold only a part of what belongs there, at any moment."""
        found = []
        for folder in self.site.layout.instance.glob("slappart*"):
            for name, form in (
                (".timestamp", r"\d+"),
                (".slapgrid/guid", r"\S{8,}"),
                (".slapgrid/token", r"\S{8,}\n\S{16,}"),
                ("etc/service/web", re.escape(SERVICE)),
                ("etc/promise/there", re.escape(PROMISE)),
            ):
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    text = (folder / name).read_text()
                    if not re.fullmatch(form, text):
                        found.append(f"{folder.name}/{name}: {text!r}")
        return found

    def left_behind(self) -> list[Path]:
        """Files that were begun and given up; or are being written at this moment."""
        return [
            path
            for folder in (self.site.layout.instance, self.site.layout.software)
            for path in folder.rglob(".*.*")
            if _LEFT_BEHIND.fullmatch(path.name)
        ]

    # ---- the agent

    def end_agent(self) -> None:
        """kill -9, and nothing else of it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not self.mortals.is_alive(self.pid), "it does not die")


#: In groups that lead back to where they began.
WISHES = (
    (World.change,),
    (World.stop, World.start),
    (World.destroy, World.create),
    (World.supply, World.remove),
)


def wait_until(holds: Holds, otherwise: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


@contextlib.contextmanager
def settled_world(folder: Path, *, start_seconds: int = 1, **settings: object) -> Iterator[World]:
    """Two instances run; at the end everything that was started is ended.

    A service has started after so many seconds; the less, the more wishes come true in a minute.
    """
    site = Site(folder)
    options = {
        "settings": {**QUICK, "computer_id": COMPUTER, "poll_interval": 0.2, **settings},
        "releases": {FIRST: FILES, SECOND: FILES},
        "start_seconds": start_seconds,
    }
    world: World | None = None
    try:
        with Mortals(site.root, site.server.url, site._token, options) as mortals:
            world = World(site, mortals)
            site.supply(FIRST)
            for name in ("one", "two"):
                world.ask(name)
            wait_until(lambda: world.is_now("one", "started"), "one does not start")
            wait_until(lambda: world.is_now("two", "started"), "two does not start")
            yield world
            os.kill(world.pid, signal.SIGTERM)
            wait_until(lambda: not mortals.is_alive(world.pid), "it does not end")
    finally:
        if world is not None:
            mortals.tell(world.pid)  # only when something is wrong it still lives
            world.end_agent()
        Supervisord(Layout(site.root, 3), clock=SystemClock()).shutdown()
        site.close()
