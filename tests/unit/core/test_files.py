import os
from pathlib import Path

import pytest

from pelagos.core.errors import PelagosError
from pelagos.core.files import check_token, read_token, write_atomic


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_holds_exactly_what_was_written_with_exactly_that_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert write_atomic(path, "é", mode=0o640)
    assert (path.read_bytes(), mode(path)) == ("é".encode(), 0o640)
    assert write_atomic(path, b"", mode=0o600, durable=False)
    assert (path.read_bytes(), mode(path)) == (b"", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, "one", mode=0o600)
    before = path.stat()
    assert not write_atomic(path, "one", mode=0o600)
    assert path.stat().st_ino == before.st_ino
    assert write_atomic(path, "two", mode=0o600)
    assert write_atomic(path, "two", mode=0o644)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    write_atomic(path, "old", mode=0o600)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "new", mode=0o600)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_token_is_one_word_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "token"
    assert read_token(path) is None
    assert read_token(path / "below") is None
    path.write_text("  t0ken\n")
    assert read_token(path) == "t0ken"
    path.write_text("\n")
    assert read_token(path) == ""


@pytest.mark.parametrize(
    "text", ["two words", "two\nlines", "a\0b", "x" * 5000, " " * 9 + "x" * 4096]
)
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(PelagosError, match="does not hold a token, alone on one line") as caught:
        read_token(path)
    assert str(path) in caught.value.message
    assert text not in str(caught.value) + str(caught.value.hint)


def test_no_more_of_a_wrong_file_is_read_than_a_token_has() -> None:
    with pytest.raises(PelagosError, match="/dev/zero does not hold a token"):
        read_token(Path("/dev/zero"))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    with pytest.raises(PelagosError, match="it is not text"):
        read_token(tmp_path / "token")
    with pytest.raises(PelagosError, match="Is a directory"):
        read_token(tmp_path)


def test_a_text_is_checked_under_its_own_name() -> None:
    assert check_token(" t0ken\n", "PELAGOS_TOKEN") == "t0ken"
    with pytest.raises(PelagosError, match=r"^PELAGOS_TOKEN does not hold a token"):
        check_token(" ", "PELAGOS_TOKEN")
