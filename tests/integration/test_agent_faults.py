"""What hangs is ended at its limit and named, and holds up nobody: supervisor, builds, waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.agent.supervisors import supervisord
from pelagos.slap.agent.supervisors.supervisord import Supervisord
from support.agent_site import Site

pytestmark = pytest.mark.integration

SLEEPER = """\
[service]
recipe = pelagos:template
output = $${buildout:directory}/etc/service/web
mode = 0750
inline =
  #!/bin/sh
  exec sleep 100000
"""
#: A release that brings its own bootstrap, which hangs, heeds no signal and leaves a daemon.
STUBBORN = """\
[buildout]
parts = instance bootstrap

[instance]
recipe = pelagos:template
output = ${{buildout:directory}}/instance.cfg
inline =
  [buildout]
  parts =

[bootstrap]
recipe = pelagos:template
output = ${{buildout:directory}}/bin/bootstrap-never
mode = 0755
inline =
  #!/bin/sh
  trap '' TERM HUP
  if [ -n "$1" ]; then
    echo $$ > {daemon}
    exec sleep 100000
  fi
  (setsid "$0" stay &)
  sleep 100000
"""
#: An agent alone, to which a signal comes again and again just as it waits for news; each takes
#: longer than that wait may last.
SIGNALLED = """\
import signal, sys, threading, time
from pathlib import Path
from pelagos.core.clock import SystemClock
from pelagos.slap.agent import Agent, AgentSettings
from pelagos.slap.agent.builders.fake import FakeBuilder
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.supervisors.memory import MemorySupervisor
from pelagos.slap.client import SlapClient

root = Path(sys.argv[1])
agent = Agent(
    AgentSettings("COMP-1", root, partition_count=1),
    SlapClient("http://127.0.0.1:9/", token="none", timeout=1.0),
    builder=FakeBuilder(Layout(root, 1), {}),
    supervisor=MemorySupervisor(SystemClock()),
)
stop = threading.Event()
signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.4))
signal.setitimer(signal.ITIMER_REAL, 0.5, 0.53)
threading.Timer(3.0, stop.set).start()
agent.run(stop)
signal.setitimer(signal.ITIMER_REAL, 0)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.close()


def eventually(holds: object, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_signal_never_makes_the_agents_wait_endless(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SIGNALLED, str(tmp_path / "node")]
    assert subprocess.run(command, env=environ, timeout=40, check=False).returncode == 0


def test_a_hung_supervisor_is_named_and_replaced_and_its_services_run_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisord, "HUNG_AFTER", 3.0)
    site.start()
    site.order("a", site.release("sleeper", "service", SLEEPER))
    site.until_started("a")
    hung = Supervisord(site.layout, clock=SystemClock()).pid()
    before = site.pids("a")["web"]
    assert hung is not None and before is not None and site.agent is not None
    os.kill(hung, signal.SIGSTOP)
    try:
        agent = site.agent
        eventually(lambda: agent.status().cause.code == "node-error")
        assert "does not answer" in agent.status().cause.message
        assert is_running(before)  # as long as there is hope, it is left alone
        # Meanwhile others are served: a release is built.
        other = site.release("other", "service", SLEEPER)
        site.supply(other)
        site.until_release(other, "ok")
        eventually(lambda: not is_running(hung), within=60.0)
    finally:
        if is_running(hung):
            os.kill(hung, signal.SIGCONT)
    eventually(lambda: agent.status().cause.code == "ok", within=60.0)
    eventually(lambda: site.pids("a").get("web") not in {None, before})
    assert not is_running(before)
    site.until_started("a")


def test_a_supervisor_that_only_stood_still_for_a_while_keeps_its_services(site: Site) -> None:
    site.start()
    site.order("a", site.release("sleeper", "service", SLEEPER))
    site.until_started("a")
    still = Supervisord(site.layout, clock=SystemClock()).pid()
    before = site.pids("a")
    assert still is not None and site.agent is not None
    agent = site.agent
    os.kill(still, signal.SIGSTOP)
    try:
        eventually(lambda: agent.status().cause.code == "node-error")
    finally:
        os.kill(still, signal.SIGCONT)
    eventually(lambda: agent.status().cause.code == "ok")
    assert Supervisord(site.layout, clock=SystemClock()).pid() == still
    assert site.pids("a") == before


def test_a_stubborn_configuration_ends_at_its_limit_with_its_daemon(
    site: Site, tmp_path: Path
) -> None:
    daemon = tmp_path / "daemon"
    profile = tmp_path / "stubborn.cfg"
    profile.write_text(STUBBORN.format(daemon=daemon))
    site.start(partition_timeout=2.0)
    site.order("bad", str(profile))
    site.order("good", site.release("sleeper", "service", SLEEPER))
    cause = site.until("bad", lambda s: s.cause.code == "buildout-failed", within=60.0).cause
    assert "after 2 s" in cause.message
    site.until_started("good")
    site.stop()
    assert not is_running(int(daemon.read_text()))
