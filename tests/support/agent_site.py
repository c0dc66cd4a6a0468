"""A real master over HTTP and a real agent below one folder, for tests of the agent.

Run as a program it is the agent alone: agent_site.py ROOT MASTER_URL TOKEN OPTIONS-as-JSON
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from pelagos.core.clock import SystemClock
from pelagos.core.web import Server
from pelagos.slap.agent import Agent, AgentSettings
from pelagos.slap.agent.errors import SupervisorError
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.supervisors.supervisord import Supervisord
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master import CacheSettings, Master
from pelagos.slap.model import (
    Event,
    InstanceRequest,
    InstanceState,
    ReleaseOnComputer,
    Service,
    SupplyState,
)
from support.ports import free_ports

COMPUTER = "COMP-1"
QUICK: Mapping[str, object] = {
    "partition_count": 3,
    "poll_interval": 1.0,
    "observe_interval": 0.3,
    "retry_first": 1.0,
    "promise_grace": 3.0,
    "promise_interval": 0.5,
    "promise_timeout": 5.0,
    "stop_timeout": 5.0,
}

#: A release without downloads: its instance is what the test says.
PROFILE = """\
[buildout]
parts = instance

[instance]
recipe = pelagos:template
output = ${{buildout:directory}}/instance.cfg
inline =
  [buildout]
  parts = {parts}
  eggs-directory = ${{buildout:eggs-directory}}
  develop-eggs-directory = ${{buildout:develop-eggs-directory}}
{body}
"""


def make_agent(root: Path, url: str, token: str, options: Mapping[str, object]) -> Agent:
    settings = AgentSettings(COMPUTER, root, **{**QUICK, **options})
    return Agent(settings, SlapClient(url, token=token, timeout=5.0))


class Site:
    """Master and agent. `close` ends everything that was started."""

    def __init__(
        self, folder: Path, *, store: CacheSettings | None = None, **options: object
    ) -> None:
        self.folder = folder
        self.root = folder / "node"
        self.options = dict(options)
        self.layout = Layout(self.root, int(self.options.get("partition_count", 3)))
        self.agent: Agent | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._database = f"sqlite:///{folder / 'master.db'}"
        self.master = Master(self._database, notify=self._notify, cache=store)
        # A port of one's own choice can be taken again at once, one of the system's cannot.
        self.server = Server(self.master.app, port=free_ports(1)[0])
        self.server.start()
        self._person = self.master.service.create_person("tester")
        self._token = self.master.service.register_computer(COMPUTER)
        self.client = SlapClient(self.server.url, token=self._person)

    def _notify(self, events: tuple[Event, ...]) -> None:
        if self.agent is not None and any(event.computer_id for event in events):
            self.agent.wake()

    # ---- the agent ---------------------------------------------------------------------------

    def start(self, **options: object) -> Site:
        """Run the agent in a thread."""
        self._stop = threading.Event()
        self.agent = make_agent(
            self.root, self.server.url, self._token, {**self.options, **options}
        )
        self._thread = threading.Thread(target=self.agent.run, args=(self._stop,))
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the agent cleanly; services stay."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30.0)
            assert not self._thread.is_alive()
        self.agent = self._thread = None

    def spawn(self, *before: str, **options: object) -> subprocess.Popen[bytes]:
        """Run the agent in a process of its own."""
        words = [sys.executable, __file__, str(self.root), self.server.url, self._token]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            [*before, *words, json.dumps({**self.options, **options})],
            env=environ,
            start_new_session=True,
        )
        return self.process

    def kill(self) -> None:
        """kill -9 of the agent's process, and of nothing else."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self) -> None:
        self.stop()
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30.0)
        Supervisord(self.layout, clock=SystemClock()).shutdown()
        self.server.stop()
        self.master.close()

    # ---- the person --------------------------------------------------------------------------

    def release(self, name: str, parts: str, body: str) -> str:
        """Write a profile; `body` is the instance's, where $${…} is filled in there."""
        path = self.folder / f"{name}.cfg"
        indented = "".join(f"  {line}\n" for line in body.splitlines())
        path.write_text(PROFILE.format(parts=parts, body=indented))
        return str(path)

    def supply(self, url: str, state: SupplyState = SupplyState.AVAILABLE) -> None:
        self.client.supply(url, COMPUTER, state)

    def request(self, reference: str, url: str, **options: object) -> None:
        try:
            self.client.request(InstanceRequest(reference, url, **options))
        except ResourceNotReady:
            return

    def order(self, reference: str, url: str, **options: object) -> None:
        """Supply and request."""
        self.supply(url)
        self.request(reference, url, **options)

    def service(self, reference: str) -> Service:
        return self.client.service(reference)

    def release_state(self, url: str) -> ReleaseOnComputer:
        return next(release for release in self.client.releases() if release.url == url)

    def until(
        self, reference: str, holds: Callable[[Service], object], *, within: float = 60.0
    ) -> Service:
        """The service as soon as something holds of it."""
        clock = SystemClock()
        end = clock.monotonic() + within
        while True:
            service = self.service(reference)
            if holds(service):
                return service
            assert clock.monotonic() < end, service
            clock.sleep(0.05)

    def until_started(self, reference: str) -> Service:
        return self.until(reference, lambda s: s.status == "started")

    def until_cause(self, reference: str, code: str) -> Service:
        return self.until(reference, lambda s: s.cause.code == code)

    def until_release(self, url: str, code: str, *, within: float = 60.0) -> ReleaseOnComputer:
        clock = SystemClock()
        end = clock.monotonic() + within
        while (release := self.release_state(url)).cause.code != code:
            assert clock.monotonic() < end, release
            clock.sleep(0.05)
        return release

    def set_state(self, reference: str, state: InstanceState) -> None:
        self.client.set_state(reference, state)

    def partition(self, reference: str) -> Path:
        """The folder of a service."""
        name = self.service(reference).partition_id
        assert name is not None
        return self.layout.partition(name)

    def pids(self, reference: str) -> dict[str, int | None]:
        """The pids of a service's programs, as its supervisor sees them."""
        return self.pids_of(self.service(reference).partition_id or "")

    def pids_of(self, partition_id: str) -> dict[str, int | None]:
        """The same by partition, when the master cannot be asked."""
        try:
            seen = Supervisord(self.layout, clock=SystemClock()).observe()
        except SupervisorError:  # it is being started again
            return {}
        return {status.name: status.pid for status in seen.get(partition_id, ())}

    def serve(self, port: int) -> None:
        """Let the stopped master answer again where it did."""
        self.server = Server(self.master.app, port=port)
        self.server.start()

    def another(self) -> Agent:
        """A second agent for the same folder."""
        return make_agent(self.root, self.server.url, self._token, self.options)

    @staticmethod
    def never() -> threading.Event:
        """A stop event that nobody sets."""
        return threading.Event()


def main() -> None:
    root, url, token, options = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    make_agent(Path(root), url, token, json.loads(options)).run(stop)


if __name__ == "__main__":
    main()
