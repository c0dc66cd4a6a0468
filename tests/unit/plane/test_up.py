"""plane.up: what ended by itself is named; how a whole plane runs is for the integration tests."""

from pathlib import Path

import pytest

from pelagos.core.errors import PelagosError
from pelagos.plane import up
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import PlaneSettings


def test_what_ended_by_itself_is_named_with_where_to_look(tmp_path: Path):
    alive = {"master": lambda: True, "agent": lambda: False, "directory": lambda: True}
    with pytest.raises(PelagosError, match=r"^the agent ended by itself$") as caught:
        up._check(alive, DataFolder(tmp_path))
    assert str(tmp_path) in (caught.value.hint or "")


def test_all_that_ended_are_named(tmp_path: Path):
    alive = {"master": lambda: False, "directory": lambda: False}
    with pytest.raises(PelagosError, match=r"^the master and the directory ended"):
        up._check(alive, DataFolder(tmp_path))


def test_a_plane_that_runs_passes(tmp_path: Path):
    assert up._check({"master": lambda: True}, DataFolder(tmp_path)) is None


def test_no_plane_starts_on_the_data_of_a_computer_that_joined_another(tmp_path: Path):
    folder = DataFolder(tmp_path)
    folder.create()
    folder.keep_node_token("secret")
    folder.note(master_url="http://elsewhere:1", computer_id="box")
    before = (tmp_path / "plane.json").read_bytes()
    with pytest.raises(
        PelagosError, match="box, which joined the plane at http://elsewhere"
    ) as it:
        up.run(PlaneSettings(data=tmp_path), on_ready=lambda _: None)
    assert "pelagos node run" in (it.value.hint or "")
    assert (tmp_path / "plane.json").read_bytes() == before
    folder.keep_token("own")
    assert up._refuse_joined(folder) is None
