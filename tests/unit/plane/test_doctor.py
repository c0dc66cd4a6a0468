"""plane.doctor: each check ends in a line of its own, whatever it meets, and in time."""

import threading
from pathlib import Path

import pytest

from pelagos.plane import doctor
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.doctor import Check, Verdict


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


def check(checks: list[Check], name: str) -> Check:
    [found] = [one for one in checks if one.name == name]
    return found


def test_every_red_line_has_its_mend(tmp_path: Path):
    checks = doctor.run(DataFolder(tmp_path / "nothing"), "", None)
    assert check(checks, "python").verdict is Verdict.OK
    assert check(checks, "plane").verdict is Verdict.FAIL
    assert all(one.mend for one in checks if one.verdict is not Verdict.OK)


def test_the_checks_stand_in_the_order_in_which_to_mend_them(folder: DataFolder):
    names = [one.name for one in doctor.run(folder, "", None)]
    assert names.index("data folder") < names.index("plane") < names.index("master")


def test_a_folder_that_is_open_to_others_is_red(folder: DataFolder):
    folder.path.chmod(0o755)
    found = check(doctor.run(folder, "", None), "data folder")
    assert (found.verdict, found.mend) == (Verdict.FAIL, f"chmod 700 {folder.path}")


def test_a_lock_that_cannot_be_read_is_a_red_line_and_not_the_end(folder: DataFolder):
    (folder.path / "run").rmdir()
    (folder.path / "run").touch()  # as if somebody else's: looking into it fails
    found = check(doctor.run(folder, "", None), "plane")
    assert found.verdict is Verdict.FAIL
    assert str(folder.path) in found.message and found.mend


def test_an_address_that_is_none_is_a_red_line_and_not_the_end(folder: DataFolder):
    checks = doctor.run(folder, "master.example.org", "secret")
    assert "not an address" in check(checks, "master").message
    assert "http://HOST:PORT" in check(checks, "master").mend
    assert not any("secret" in one.message + one.mend for one in checks)


def test_a_check_that_hangs_is_late_and_holds_up_nobody(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
):
    release = threading.Event()
    monkeypatch.setattr(doctor, "BUDGET", 0.05)
    monkeypatch.setattr(doctor, "_builder", lambda: release.wait(10) and None)
    found = check(doctor.run(folder, "", None), "builder")
    release.set()
    assert (found.verdict, found.message) == (Verdict.FAIL, "no result within 0.05 s")
