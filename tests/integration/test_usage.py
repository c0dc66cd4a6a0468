"""What an instance uses and says of itself, from its partition to a person's terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.agent_site import COMPUTER, Site

pytestmark = pytest.mark.integration

BODY = """\
[report]
recipe = pelagos:template
output = $${buildout:directory}/etc/report/mails
mode = 0750
inline =
  #!/bin/sh
  printf %s '<consumption><movement><resource>mails</resource>' > $1
  printf %s '<quantity>7</quantity><price>0</price><VAT/></movement></consumption>' >> $1

[web]
recipe = pelagos:template
output = $${buildout:directory}/etc/service/web
mode = 0750
inline =
  #!/bin/sh
  while true; do sleep 1; done
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, usage_interval=0.5, report_interval=1.0)
    yield made
    made.close()


def test_usage_reaches_the_master_and_names_the_service(site: Site) -> None:
    site.start()
    site.order("one", site.release("a", "report web", BODY))
    site.until_started("one")
    end = time.monotonic() + 60
    while True:
        rows = site.client.usage(service="one", limit=10_000)
        most = {row.resource: row.quantity for row in sorted(rows, key=lambda r: r.quantity)}
        if {"mails", "cpu", "disk"} <= set(most) and most.get("processes"):
            break
        assert time.monotonic() < end, rows
        time.sleep(0.2)
    assert most["mails"] == 7
    assert most["memory"] > 100_000
    own = [r for r in site.client.usage(computer_id=COMPUTER, limit=10_000) if not r.partition_id]
    assert {row.resource for row in own} == {"cpu", "memory", "processes", "disk"}
    stamps = [row.stop for row in site.client.usage()]
    assert stamps == sorted(stamps, reverse=True)
    assert site.client.usage(since=time.time() + 60) == []


def test_reports_wait_for_a_master_that_is_away(site: Site) -> None:
    site.start()
    site.order("one", site.release("a", "report", BODY))
    site.until_started("one")
    port = site.server.port
    site.server.stop()
    spool = site.root / "usage"
    end = time.monotonic() + 60
    while len(list(spool.glob("*.json"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    site.serve(port)
    while list(spool.glob("*.json"))[1:]:
        assert time.monotonic() < end + 60
        time.sleep(0.1)
    assert site.client.usage(service="one")
