import os
import subprocess
import sys
from pathlib import Path

import pytest

from pelagos.core.errors import PelagosError
from pelagos.core.files import read_token
from pelagos.plane.data_folder import AlreadyRunning, DataFolder
from pelagos.plane.endpoints import Endpoints
from pelagos.plane.settings import Part


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_secrets_and_folder_are_closed_to_others(folder: DataFolder):
    folder.keep_token("t1")
    folder.keep_node_token("t2")
    folder.note(pid=1)
    assert (folder.token(), folder.node_token()) == ("t1", "t2")
    assert mode(folder.path) == 0o700
    for name in ("token", "node/token", "plane.json"):
        assert mode(folder.path / name) == 0o600


def test_a_new_folder_knows_nothing(tmp_path: Path):
    folder = DataFolder(tmp_path / "none")
    assert folder.token() is None
    assert folder.endpoints() == Endpoints()
    assert [folder.running(part) for part in Part] == [None, None, None]


def test_endpoints_are_noted_one_by_one(folder: DataFolder):
    folder.note(master_url="http://a")
    folder.note(pid=7)
    assert folder.endpoints() == Endpoints(master_url="http://a", pid=7)


def test_a_damaged_note_is_an_error_and_stays_as_it_is(folder: DataFolder):
    (folder.path / "plane.json").write_text("{half")
    with pytest.raises(PelagosError, match="is damaged"):
        folder.endpoints()
    with pytest.raises(PelagosError, match="is damaged"):
        folder.note(computer_id="another")
    assert (folder.path / "plane.json").read_text() == "{half"


def test_a_part_that_runs_is_told_even_when_the_note_is_damaged(folder: DataFolder):
    (folder.path / "plane.json").write_text("{half")
    with (
        folder.hold(Part.MASTER),
        pytest.raises(AlreadyRunning, match="already runs"),
        folder.hold(Part.MASTER),
    ):
        pass


def test_a_part_runs_once(folder: DataFolder):
    with folder.hold(Part.MASTER):
        assert folder.running(Part.MASTER) == os.getpid()
        with (
            pytest.raises(AlreadyRunning, match="already runs") as caught,
            folder.hold(Part.MASTER),
        ):
            pass
        assert caught.value.pid == os.getpid()
        assert "pelagos down" in str(caught.value.hint)
        with folder.hold(Part.AGENT):
            assert folder.running(Part.AGENT) == os.getpid()
    assert folder.running(Part.MASTER) is None


def test_a_killed_process_holds_nothing(folder: DataFolder):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from pelagos.plane.data_folder import DataFolder\n"
        "from pelagos.plane.settings import Part\n"
        "with DataFolder(Path(sys.argv[1])).hold(Part.MASTER):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder.path)], check=False)
    assert done.returncode == -9
    assert folder.running(Part.MASTER) is None
    with folder.hold(Part.MASTER):
        assert folder.running(Part.MASTER) == os.getpid()


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PelagosError, match="cannot use") as caught:
        DataFolder(tmp_path / "file" / "data").create()
    assert "--data" in str(caught.value.hint)


def test_a_token_that_is_no_text_says_so(tmp_path: Path):
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    with pytest.raises(PelagosError, match="cannot read the token"):
        read_token(tmp_path / "token")
