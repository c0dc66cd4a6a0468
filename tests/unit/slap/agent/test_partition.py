"""The files of a partition."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.slap.agent.files import empty_folder, locked, remove_folder, write_atomic
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.promise import find_promises


@pytest.fixture
def files(tmp_path: Path) -> PartitionFiles:
    made = PartitionFiles(tmp_path / "slappart0")
    made.ensure()
    return made


def executable(path: Path, text: str = "#!/bin/sh\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o750)


def test_the_folder_has_the_mode_that_instances_expect(files: PartitionFiles) -> None:
    assert files.folder.stat().st_mode & 0o777 == 0o750
    files.folder.chmod(0o777)
    files.ensure()
    assert files.folder.stat().st_mode & 0o777 == 0o750


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "slappart0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError):
        PartitionFiles(tmp_path / "slappart0").ensure()


def test_a_run_makes_the_timestamp_untrue_until_it_was_reported(files: PartitionFiles) -> None:
    files.begin("SOFTINST-1", files.folder.parent / "software")
    files.end()
    files.finish("123")
    assert files.see(()).timestamp == "123"
    files.begin("SOFTINST-1", files.folder.parent / "software")
    seen = files.see(())
    assert seen.timestamp is None and seen.guid == "SOFTINST-1" and not seen.is_empty


def test_after_a_killed_run_buildout_finds_its_last_good_notes(files: PartitionFiles) -> None:
    installed = files.folder / ".installed.cfg"
    release = files.folder.parent / "software"
    files.begin("g", release)
    installed.write_text("good")
    files.end()
    files.begin("g", release)
    installed.write_text("cut off in the mid")  # killed here: no end()
    files.begin("g", release)
    assert installed.read_text() == "good"


def test_after_a_first_run_that_was_killed_buildout_starts_anew(files: PartitionFiles) -> None:
    release = files.folder.parent / "software"
    files.begin("g", release)
    (files.folder / ".installed.cfg").write_text("cut o")
    files.begin("g", release)
    assert not (files.folder / ".installed.cfg").exists()


def test_the_link_to_the_release_follows_it(files: PartitionFiles) -> None:
    link = files.folder / "software_release"
    for name in ("one", "two"):
        files.begin("g", files.folder.parent / name)
        assert link.readlink() == files.folder.parent / name


def test_services_and_one_shots_are_told_apart(files: PartitionFiles) -> None:
    executable(files.folder / "etc/service/web")
    executable(files.folder / "etc/run/init")
    executable(files.folder / "etc/service/.hidden")
    executable(files.folder / "etc/service/bad name]")
    (files.folder / "etc/service/readme").write_text("not executable")
    found = {program.name: program for program in files.programs()}
    assert set(found) == {"web", "init"}
    assert found["web"].is_kept and not found["init"].is_kept
    before = found["web"].fingerprint
    executable(files.folder / "etc/service/web", "#!/bin/sh\nexec other\n")
    after = {program.name: program.fingerprint for program in files.programs()}
    assert after["web"] != before and after["init"] == found["init"].fingerprint


def test_promises_are_the_executables(files: PartitionFiles) -> None:
    executable(files.folder / "etc/promise/b")
    executable(files.folder / "etc/promise/a")
    (files.folder / "etc/promise/notes").write_text("")
    assert [path.name for path in find_promises(files.folder)] == ["a", "b"]
    assert find_promises(files.folder / "nothing") == ()


def test_a_token_belongs_to_one_instance_and_only_we_can_read_it(files: PartitionFiles) -> None:
    files.keep_token("SOFTINST-1", "s3cret")
    assert files.token("SOFTINST-1") == "s3cret"
    assert files.token("SOFTINST-2") is None
    kept = files.folder / ".slapgrid" / "token"
    assert kept.stat().st_mode & 0o777 == 0o600
    files.forget_token()
    assert files.token("SOFTINST-1") is None


def test_wiping_leaves_an_empty_folder_and_follows_no_link(files: PartitionFiles) -> None:
    outside = files.folder.parent / "precious"
    outside.mkdir()
    (outside / "data").write_text("keep")
    (files.folder / "link").symlink_to(outside)
    files.begin("g", outside)
    deep = files.folder / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").write_text("")
    deep.chmod(0o500)
    (files.folder / "a").chmod(0o500)
    files.wipe()
    assert list(files.folder.iterdir()) == []
    assert (outside / "data").read_text() == "keep"
    assert files.see(()).is_empty


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert write_atomic(path, "one", mode=0o640)
    assert not write_atomic(path, "one", mode=0o640)
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(TypeError):
        write_atomic(path, 5, mode=0o640)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == [path] and path.read_text() == "one"


def test_only_one_holds_a_lock(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"), pytest.raises(BlockingIOError), locked(tmp_path / "lock"):
        pass
    with locked(tmp_path / "lock") as handle:
        assert handle > 2


def test_removing_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove_folder(tmp_path / "nothing")
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "file").touch()
    empty_folder(tmp_path / "some")
    remove_folder(tmp_path / "some")
    assert list(tmp_path.iterdir()) == []
