"""Two agents for one computer: on one machine the second is refused, on two the master tells."""

from __future__ import annotations

import threading
from pathlib import Path

from support.agent_site import COMPUTER, Site, make_agent


def test_the_master_says_that_two_agents_call(tmp_path: Path) -> None:
    site = Site(tmp_path)
    stop = threading.Event()
    other = make_agent(tmp_path / "copy", site.server.url, site._token, {"poll_interval": 0.2})
    thread = threading.Thread(target=other.run, args=(stop,))
    try:
        site.start(poll_interval=0.2)
        assert site.agent is not None
        thread.start()
        deadline = threading.Event()
        for _ in range(200):
            if site.client.computer(COMPUTER).cause.code == "two-agents":
                break
            deadline.wait(0.1)
        said = site.client.explain(COMPUTER, "computer")
        assert said.cause.code == "two-agents"
        assert "pelagos computer add" in said.cause.hint
        assert site.agent.status().last_contact is not None  # both go on
        assert other.status().last_contact is not None
    finally:
        stop.set()
        thread.join(30.0)
        other.shutdown_services()
        site.close()
