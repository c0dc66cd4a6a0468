"""`pelagos object …`: places and versions that are not there, and what another service has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_FOUND, USAGE


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


@pytest.fixture(params=["swift", "pithos"])
def lines(request: pytest.FixtureRequest, box: Box, tmp_path: Path) -> Lines:
    found = Lines(box, tmp_path / "home", who=f"someone-{request.param}")
    found.environ["PELAGOS_CLOUD"] = request.param
    if "c" not in [one["name"] for one in found.done("container", "list", "-j").data]:
        found.done("container", "create", "c", "--versioning", "auto")
    return found


def test_a_misspelt_folder_removes_nothing_here(lines: Lines, tmp_path: Path) -> None:
    lines.done("object", "upload", "-", "c/album/sea", "-f", stdin=b"sea")
    here = tmp_path / "here"
    lines.done("object", "sync", "down", "c/album", here)
    ways = (
        ("object", "sync", "down", "c/albun", here, "--delete"),
        ("object", "sync", "down", "c/albun", here, "--delete", "--dry-run"),
        ("object", "download", "-r", "c/albun", tmp_path / "new"),
    )
    for words in ways:
        ran = lines.run(*words)
        assert ran.code == NOT_FOUND and "there is no object albun in c" in ran.err
    assert (here / "sea").read_bytes() == b"sea"
    assert not (tmp_path / "new").exists()


def test_what_is_to_be_sent_and_is_not_here_is_a_slip_of_the_line(
    lines: Lines, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    for words, said in (
        (("object", "upload", gone, "c/"), f"there is no file {gone}"),
        (("object", "upload", tmp_path, "c/"), f"{tmp_path} is a folder"),
        (("object", "upload", "-r", gone, "c/"), f"there is no folder {gone}"),
        (("object", "sync", "up", gone, "c/gone"), f"there is no folder {gone}"),
    ):
        ran = lines.run(*words)
        assert ran.code == USAGE and said in ran.err
    if lines.environ["PELAGOS_CLOUD"] == "pithos":
        assert lines.run("object", "append", gone, "c/o").code == USAGE


def test_a_folder_that_is_empty_there_is_one(lines: Lines, tmp_path: Path) -> None:
    lines.done("object", "mkdir", "c/hollow")
    lines.done("object", "download", "-r", "c/hollow", tmp_path / "hollow")
    lines.done("object", "upload", "-", "c/tmp/x.tmp", "-f", stdin=b"x")
    ran = lines.done("object", "sync", "down", "c/tmp", tmp_path / "tmp", "--exclude", "*.tmp")
    assert "0 files carried" in ran.err


def test_a_version_that_is_not_there_is_named(lines: Lines, tmp_path: Path) -> None:
    lines.done("object", "upload", "-", "c/o", "-f", stdin=b"one")
    lost = "41414141"
    for words in (
        ("object", "download", "c/o", tmp_path / "o", "--version", lost),
        ("object", "cat", "c/o", "--version", lost),
        ("object", "info", "c/o", "--version", lost),
        ("object", "restore", "c/o", lost),
    ):
        ran = lines.run(*words)
        assert ran.code == NOT_FOUND, words
        assert f"c/o has no version {lost}" in ran.err
        assert "pelagos object versions c/o" in ran.err


def test_what_swift_has_not_is_said_in_words_of_commands(box: Box, tmp_path: Path) -> None:
    swift = Lines(box, tmp_path / "home", who="someone-swift")
    swift.environ["PELAGOS_CLOUD"] = "swift"
    ran = swift.run("object", "shared")
    assert ran.code == FAILED and "only Pithos" in ran.err
    assert "pelagos container list --account" in ran.err and "arguments" not in ran.err
