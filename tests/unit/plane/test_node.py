from pathlib import Path

import pytest

from pelagos.core.errors import PelagosError
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.node import NodeProgram
from pelagos.plane.settings import PlaneSettings


def test_a_computer_without_a_token_is_told_what_works_today(tmp_path: Path):
    folder = DataFolder(tmp_path)
    folder.create()
    with pytest.raises(PelagosError, match="has no token for the master at http://far") as caught:
        NodeProgram(PlaneSettings(tmp_path), folder, "C", "http://far")
    hint = str(caught.value.hint)
    assert "`pelagos up` with the part master" in hint
    assert "`pelagos node run TOKEN`" in hint
