"""A release's own schema on its way: agent, master, requester; and promises on theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.errors import BadRequest
from support.agent_site import Site

pytestmark = pytest.mark.integration

SLEEPER = "[web]\nrecipe = pelagos:service\ncommand = /bin/sleep 1000"
PLUGIN = """\
from pelagos.slap.promise import GenericPromise

class RunPromise(GenericPromise):
    def __init__(self, config):
        super().__init__(config)
        self.setPeriodicity(minute=0.01)

    def sense(self):
        with open(self.getConfig("file")) as file:
            mood = file.read()
        (self.logger.info if mood == "good" else self.logger.error)("the mood is %s", mood)
"""
PLUGGED = """\
[web]
recipe = pelagos:service
command = /bin/sleep 1000

[mood]
recipe = pelagos:promise
plugin = {plugin}
config = file = {mood}
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


def test_the_agent_brings_the_schema_and_the_master_keeps_to_it(site: Site) -> None:
    url = site.release("sized", "web", SLEEPER)
    types = {"serialisation": "xml", "software-type": {"default": {"request": "input.json"}}}
    (site.folder / "sized.cfg.json").write_text(json.dumps(types))
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}
    (site.folder / "input.json").write_text(json.dumps(schema))
    site.request("early", url, parameters={"size": "ten"})
    site.supply(url)
    site.start()
    site.until_started("early")  # nobody told the release to mind
    known = site.client.parameter_schema(url)
    assert known.schemas is not None and len(known.schemas.schemas) == 1
    with pytest.raises(BadRequest) as refused:
        site.request("late", url, parameters={"size": "ten"})
    assert "parameters.size is 'ten'" in refused.value.message
    assert refused.value.hint == "it must be a whole number"
    site.request("late", url, parameters={"size": "10"})
    site.until_started("late")


def test_a_plugin_of_a_release_turns_red_bangs_and_turns_green(site: Site, tmp_path: Path) -> None:
    mood, plugin = tmp_path / "mood", tmp_path / "mood_plugin.py"
    mood.write_text("good")
    plugin.write_text(PLUGIN)
    url = site.release("plugged", "web mood", PLUGGED.format(plugin=plugin, mood=mood))
    site.start()
    site.order("p", url)
    site.until_started("p")
    mood.write_text("bad")
    cause = site.until_cause("p", "promise-failed").cause
    assert "mood.py" in cause.message and "the mood is bad" in cause.message
    assert [e.kind for e in site.client.events(limit=1000)].count("instance.banged") == 1
    mood.write_text("good")
    site.until_started("p")
    mood.write_text("bad")
    site.until_cause("p", "promise-failed")
    clock = SystemClock()
    end = clock.monotonic() + 10
    while [e.kind for e in site.client.events(limit=1000)].count("instance.banged") < 2:
        assert clock.monotonic() < end
        clock.sleep(0.05)


def test_an_instance_that_waits_for_something_converges_by_being_configured_again(
    site: Site, tmp_path: Path
) -> None:
    # The recipe writes what it finds when it runs; the promise wants to see what came later.
    source = tmp_path / "source"
    source.write_text("nothing yet")
    body = (
        "[web]\nrecipe = pelagos:service\ncommand = /bin/sleep 1000\n\n"
        f"[copy]\nrecipe = pelagos:template\nsource = {source}\noutput = seen\n\n"
        "[mood]\nrecipe = pelagos:promise\ncommand = /bin/grep -q ready seen\n"
    )
    url = site.release("waits", "web copy mood", body)
    site.start(rerun_first=1.0, promise_grace=1.0)
    site.order("w", url)
    site.until_cause("w", "promise-failed")
    pids = site.pids("w")
    source.write_text("ready")
    site.until_started("w")
    assert site.pids("w") == pids  # its service ran on
