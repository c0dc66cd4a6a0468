"""`pelagos up` with a broker of its own: its parts, and other programs here, talk over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.messaging import GenericConsumer, connect
from pelagos.plane.events import PlaneEvents
from pelagos.plane.settings import Part
from support.plane import Plane, eventually

pytestmark = pytest.mark.integration


def test_parts_apart_talk_over_the_planes_own_broker(tmp_path: Path):
    plane = Plane(tmp_path)
    plane.configure(bus={"broker": True}, node={"poll_interval": 60.0})
    try:
        plane.start(Part.MASTER)
        url = (plane.data.path / "bus").read_text().strip()
        heard: list[str] = []
        own = {"name": "", "flags": {"exclusive": True}}
        consumer = GenericConsumer([(PlaneEvents, [(own, "#")])], bus=connect(url))
        consumer.start(lambda message: heard.append(message.content["kwds"]["kind"]))
        consumer.wait_ready(60)
        plane.start(Part.AGENT)
        computer_id = plane.data.endpoints().computer_id
        eventually(lambda: plane.run("computer", "ping", computer_id, check=False).returncode == 0)
        plane.run("supply", "http://example.org/software.cfg", computer_id)
        eventually(lambda: "release.supplied" in heard)
        consumer.stop()
        checks = plane.run("doctor", "--output", "csv", check=False).stdout
        assert "bus,ok" in checks
    finally:
        plane.stop()
