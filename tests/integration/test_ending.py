"""Instances that end, for real: their last words, and agents killed in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.slap.errors import NotFoundError
from pelagos.slap.model import InstanceState
from support.agent_site import Site

pytestmark = pytest.mark.integration

BODY = """\
[hook]
recipe = pelagos:template
output = $${{buildout:directory}}/{path}
mode = 0750
inline =
  #!/bin/sh
  {words}
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def until_gone(site: Site, reference: str, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while True:
        try:
            if site.service(reference).status == "destroyed":
                return
        except NotFoundError:
            return
        assert time.monotonic() < end, site.service(reference)
        time.sleep(0.05)


def test_the_last_words_are_heard_before_the_files_go(site: Site) -> None:
    words = site.folder / "words"
    site.start()
    url = site.release("a", "hook", BODY.format(path="etc/prerm/save", words=f"echo x >> {words}"))
    site.order("one", url)
    site.until_started("one")
    folder = site.partition("one")
    site.set_state("one", InstanceState.DESTROYED)
    until_gone(site, "one")
    assert words.read_text() == "x\n"
    assert not (folder / "etc").exists()


def test_why_says_until_when_the_files_are_kept(site: Site) -> None:
    site.start()
    url = site.release("a", "hook", BODY.format(path="etc/data", words="true"))
    site.order("one", url, filters={"retention_delay": "3"})
    site.until_started("one")
    folder = site.partition("one")
    site.set_state("one", InstanceState.DESTROYED)
    service = site.until_cause("one", "retention")
    assert "3 days" in service.cause.message
    assert (folder / "etc" / "data").exists()
    assert site.pids("one") == {}
    site.stop()
    (folder / ".slapos-retention-lock-date").write_text("0")
    site.start()
    until_gone(site, "one")


def test_an_agent_killed_at_any_point_of_an_end_goes_on(site: Site) -> None:
    words = site.folder / "words"
    script = f"sleep 0.3; echo x >> {words}"
    url = site.release("a", "hook", BODY.format(path="etc/prerm/save", words=script))
    site.spawn()
    site.order("one", url)
    site.until_started("one")
    site.set_state("one", InstanceState.DESTROYED)
    for pause in (0.05, 0.2, 0.35, 0.5, 0.7):
        time.sleep(pause)
        site.kill()
        site.spawn()
    until_gone(site, "one")
    assert 1 <= words.read_text().count("x") <= 6


def test_last_words_without_end_hold_up_no_other_instance(tmp_path: Path) -> None:
    site = Site(tmp_path, partition_workers=1)
    try:
        site.start()
        url = site.release("a", "hook", BODY.format(path="etc/prerm/talk", words="sleep 600"))
        site.order("one", url)
        site.until_started("one")
        site.set_state("one", InstanceState.DESTROYED)
        site.until("one", lambda s: s.cause and "etc/prerm/talk" in s.cause.message)
        site.order("two", url)
        site.until_started("two")
        site.stop()  # ends the script, and the next agent begins it anew
        site.start()
        assert site.service("one").status != "destroyed"
    finally:
        site.close()
