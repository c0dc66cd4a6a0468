"""`pelagos up` with its state on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.plane.settings import Part
from pelagos.slap.model import InstanceStatus
from support.agent_site import PROFILE
from support.plane import Plane, eventually
from support.postgresql import PASSWORD

pytestmark = pytest.mark.integration
BODY = "  [web]\n  recipe = pelagos:service\n  command = /bin/sleep 1000"


def test_a_plane_keeps_its_state_on_postgresql(tmp_path: Path, postgresql_url: str):
    plane = Plane(tmp_path)
    plane.configure(master={"database": postgresql_url}, node={"poll_interval": 0.5})
    release = tmp_path / "sleeper.cfg"
    release.write_text(PROFILE.format(parts="web", body=BODY))
    try:
        plane.start()
        plane.run("supply", str(release))
        plane.run("request", "kept", str(release), check=False)
        plane.run("service", "start", "kept", "--wait", "--timeout", "120")
        assert not plane.data.database.exists()
        plane.kill()
        plane.start()
        assert [one.reference for one in plane.client().services()] == ["kept"]
        eventually(lambda: plane.client().service("kept").status is InstanceStatus.STARTED)
        said = plane.run("config", "list").stdout + (plane.folder / "up.log").read_text()
        assert PASSWORD not in said
    finally:
        plane.stop()


def test_a_database_that_is_away_is_told_at_the_start(tmp_path: Path, postgresql_url: str):
    plane = Plane(tmp_path)
    plane.configure(master={"database": postgresql_url.rpartition(":")[0] + ":1/none"})
    done = plane.run("up", "--part", Part.MASTER, check=False)
    assert done.returncode != 0
    assert "does not answer" in done.stderr
    assert PASSWORD not in done.stderr
    plane.stop()
