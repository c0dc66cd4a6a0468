"""Instances that are configured again because time passed, and an agent that stays calm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.slap.model import InstanceState
from support.agent_site import Site

pytestmark = pytest.mark.integration

BODY = """\
[count]
recipe = pelagos:template
output = $${buildout:directory}/etc/service/web
mode = 0750
inline =
  #!/bin/sh
  exec sleep 1000
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("pelagos.slap.agent.observe.SHORTEST_PERIOD", 1.0)
    made = Site(tmp_path, maximum_periodicity=1.0)
    yield made
    made.close()


def renewals(stamp: Path, seconds: float) -> int:
    """How often the note of the last configuration is written anew."""
    seen, end = set(), time.monotonic() + seconds
    while time.monotonic() < end:
        if stamp.exists():
            found = stamp.stat()
            seen.add((found.st_ino, found.st_mtime_ns))
        time.sleep(0.05)
    return len(seen) - 1


@pytest.mark.parametrize("state", [InstanceState.STARTED, InstanceState.STOPPED])
def test_it_is_configured_again_each_period_and_no_more(site: Site, state: InstanceState) -> None:
    site.start()
    site.order("one", site.release("a", "count", BODY))
    site.until_started("one")
    pids = site.pids("one")
    if state is InstanceState.STOPPED:
        site.set_state("one", state)
        site.until("one", lambda service: service.status == "stopped")
    found = renewals(site.partition("one") / ".timestamp", 5.0)
    assert 1 <= found <= 6
    if state is InstanceState.STARTED:
        assert site.pids("one") == pids  # nothing changed, so its services went on
