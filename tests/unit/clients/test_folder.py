"""What is planned and where it may be written: pure decisions about whole folders."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.clients.errors import ClientError
from pelagos.clients.folder import PartialFile, Passed
from pelagos.clients.folder.entries import Entry
from pelagos.clients.folder.local import scan
from pelagos.clients.folder.names import folders_of, is_excluded, why_not
from pelagos.clients.folder.plan import draft, kept
from pelagos.clients.folder.pull import _inside

WORDS = st.text(alphabet=st.sampled_from("ab./\\ \0é~-"), max_size=12)
ENTRIES = st.dictionaries(
    WORDS,
    st.builds(Entry, st.just(""), st.integers(0, 3), st.floats(0, 3), st.sampled_from(["", "x"])),
    max_size=6,
)


@given(st.one_of(WORDS, st.text()))
def test_a_path_that_is_let_through_stays_below_the_folder(path: str) -> None:
    if why_not(path) is None:
        assert not path.startswith("/")
        joined = os.path.normpath(f"/srv/folder/{path}")
        assert joined.startswith("/srv/folder/")
        assert joined == f"/srv/folder/{path}"


@pytest.mark.parametrize(
    "path",
    ["", "/", "..", "a/../b", "./a", "a//b", "/a", "a/", "a\0", "x" * 256, ".f.pelagos-part"],
)
def test_these_are_never_files_of_ours(path: str) -> None:
    assert why_not(path) is not None


@given(ENTRIES, ENTRIES, st.booleans())
def test_every_path_is_planned_once(
    source: dict[str, Entry], target: dict[str, Entry], fast: bool
) -> None:
    found = draft(source, target, fast=fast)
    conflicts = [one.path for one in found.conflicts]
    planned = [*found.new, *found.changed, *found.same, *found.compare, *conflicts]
    assert sorted(planned) == sorted(source)
    assert set(found.only_target) == target.keys() - source.keys()
    assert all(path not in target for path in found.new)
    inner = {folder for path in source for folder in folders_of(path)}
    assert not inner & set(found.new)


def test_what_was_passed_over_shields_what_is_below_it() -> None:
    paths = ["a/b/c", "a/d", "e"]
    assert kept(paths, []) == tuple(paths)
    assert kept(paths, [Passed("a/b", "?")]) == ("a/d", "e")
    assert kept(paths, [Passed("", "?")]) == ()


def test_patterns_fit_parts_and_whole_paths() -> None:
    assert is_excluded("a/b/c.tmp", ["*.tmp"])
    assert is_excluded("cache/x/y", ["cache"])
    assert is_excluded("a/b/c", ["a/b"])
    assert not is_excluded("ab/c", ["a"])


def test_no_link_leads_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "away").symlink_to(tmp_path)
    (root / "near").symlink_to(root / "inner")
    assert _inside(root, "new/x") == root / "new/x"
    assert _inside(root, "near/x") == root / "near/x"
    with pytest.raises(ClientError, match="outside"):
        _inside(root, "away/x")


def test_a_folder_is_seen_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a/empty").mkdir(parents=True)
    (tmp_path / "a/f").write_text("12")
    (tmp_path / ".g.pelagos-part").write_text("left")
    (tmp_path / "to-a").symlink_to(tmp_path / "a")
    (tmp_path / "to-f").symlink_to(tmp_path / "a/f")
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    (tmp_path / os.fsdecode(b"b\xff")).write_text("")
    found = scan(tmp_path)
    assert {path: one.size for path, one in found.files.items()} == {"a/f": 2, "to-f": 2}
    assert found.empty == {"a/empty"}
    assert {one.path for one in found.passed} == {"to-a", "broken", "b\\xff"}


def test_a_partial_file_becomes_the_file_or_stays_apart(tmp_path: Path) -> None:
    target = tmp_path / "f"
    part = PartialFile(target)
    with part.open() as file:
        file.write(b"whole")
        with pytest.raises(ClientError, match="another download"), PartialFile(target).open():
            pass
        part.finish(file, modified=1.0, replace=False)
    assert target.read_bytes() == b"whole"
    assert target.stat().st_mtime == 1.0
    with part.open() as file:
        file.write(b"other")
        with pytest.raises(FileExistsError):
            part.finish(file, modified=None, replace=False)
        assert target.read_bytes() == b"whole"
        part.finish(file, modified=None, replace=True)
    assert target.read_bytes() == b"other"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_the_list_of_parts_is_of_one_object_only(tmp_path: Path) -> None:
    part = PartialFile(tmp_path / "f")
    with part.open() as file:
        assert part.journal(file).begin("etag", 100, 10) == frozenset()
        part.journal(file).note(10)
        part.journal(file).note(30)
        assert part.journal(file).begin("etag", 100, 10) == {10, 30}
        assert part.journal(file).begin("another", 100, 10) == frozenset()
        assert part.journal(file).begin("etag", 100, 10) == frozenset()
        part.journal(file).note(20)
        lines = tmp_path / ".f.done.pelagos-part"
        lines.write_bytes(lines.read_bytes() + b"7")  # the power went while it was written
        assert part.journal(file).begin("etag", 100, 10) == {20}


def test_nothing_that_waits_under_the_names_of_a_download_is_used(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    part = PartialFile(tmp_path / "f")
    lines = tmp_path / ".f.done.pelagos-part"
    lines.symlink_to(victim)
    with part.open() as file, pytest.raises(OSError, match="symbolic links"):
        part.journal(file).begin("etag", 100, 10)
    assert victim.read_text() == "kept"
    lines.unlink()
    os.mkfifo(lines)
    with part.open() as file, pytest.raises(ClientError, match="no plain file"):
        part.journal(file).begin("etag", 100, 10)
    lines.unlink()
    part.path.unlink()
    os.mkfifo(part.path)
    with pytest.raises(ClientError, match="no plain file"), part.open():
        pass
    part.path.unlink()
    os.link(victim, part.path)
    with pytest.raises(ClientError, match="other names"), part.open():
        pass
    assert victim.read_text() == "kept"
