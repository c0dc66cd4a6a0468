"""What others wrote is read without waiting, without following, and up to a limit."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from pelagos.slap.agent import untrusted
from pelagos.slap.agent.account import account_of
from pelagos.slap.agent.files import read_tail, read_text
from pelagos.slap.agent.untrusted import (
    append_untrusted,
    list_untrusted,
    open_untrusted,
    read_untrusted,
)


def test_the_first_or_the_last_bytes_come_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_untrusted(path, limit=4) == b"0123"
    assert read_untrusted(path, limit=4, from_end=True) == b"6789"
    assert read_untrusted(path, limit=99, from_end=True) == b"0123456789"


@pytest.mark.parametrize("kind", ["nothing", "folder", "pipe", "link", "device", "loop"])
def test_whatever_else_is_there_is_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(__file__)
        case "device":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path)
    assert read_untrusted(path, limit=10) is None
    assert open_untrusted(path) is None
    assert read_text(path) is None
    assert read_tail(path) == ""
    if kind != "link":
        assert read_untrusted(path, limit=10, follow=True) is None


def test_a_link_is_followed_when_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to("file")
    assert read_untrusted(tmp_path / "link", limit=10, follow=True) == b"content"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_the_rights_of_the_owner_count(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of root")
    secret.chmod(0o600)
    (tmp_path / "link").symlink_to(secret)
    assert read_untrusted(secret, limit=10) == b"of root"
    nobody = account_of(65534)
    assert read_untrusted(secret, limit=10, owner=nobody) is None
    assert read_untrusted(tmp_path / "link", limit=10, owner=nobody, follow=True) is None


def test_a_computer_that_fails_is_not_taken_for_a_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(untrusted, "open_plain", fail)
    with pytest.raises(OSError, match="Too many"):
        read_untrusted(tmp_path / "file", limit=1)


def test_a_log_is_added_to_and_a_pipe_in_its_place_is_refused(tmp_path: Path) -> None:
    for text in (b"one ", b"two"):
        with append_untrusted(tmp_path / "log", mode=0o640) as stream:
            stream.write(text)
    assert (tmp_path / "log").read_bytes() == b"one two"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("log")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        for name in ("pipe", "link"):
            with pytest.raises(OSError, match=name):
                append_untrusted(tmp_path / name, mode=0o640)
    finally:
        os.close(reader)


def test_no_more_names_are_looked_at_than_wanted(tmp_path: Path) -> None:
    for name in "cab":
        (tmp_path / name).touch()
    assert list_untrusted(tmp_path, limit=9) == ["a", "b", "c"]
    assert len(list_untrusted(tmp_path, limit=2)) == 2
    assert list_untrusted(tmp_path / "a", limit=9) == []
    assert list_untrusted(tmp_path / "none", limit=9) == []


#: Where else files are opened: nothing of an instance or a release is there, or it says how.
ELSEWHERE = {
    "archive.py": "unpacks into a new folder",
    "attendant.py": "a file of the agent",
    "builders/buildout.py": "makes a new log (O_EXCL)",
    "builders/profile.py": "opens addresses",
    "cache.py": "what it has fetched itself",
    "certificates.py": "a file that the settings name",
    "collecting.py": "plain files, without waiting; it needs their stamps",
    "files.py": "locks of the agent",
    "lock.py": "locks, in the agent's own folder",
    "loop.py": "opens work",
    "plugin_launcher.py": "runs as the instance",
    "ports.py": "a file of the agent",
    "process.py": "/proc",
    "promise_plugin.py": "its own sources",
    "promise_record.py": "adds to plain files, without waiting",
    "removal.py": "folders, never a link",
    "seats.py": "a file of the agent",
    "spool.py": "files of the agent",
    "status.py": "a file of the agent",
    "supervisors/supervisord.py": "/proc",
    "untrusted.py": "the place for it",
    "uploads.py": "what it packs itself",
}
_OPENING = re.compile(
    r"\.open\(|\.read_text\(|\.read_bytes\(|\bos\.open\(|(?<![\w.])open\(|copyfile"
)


def test_nothing_else_opens_what_others_wrote() -> None:
    agent = Path(untrusted.__file__).parent
    found = {
        path.relative_to(agent).as_posix()
        for path in agent.rglob("*.py")
        if any(_OPENING.search(line) and "def open" not in line for line in _lines(path))
    }
    assert found <= set(ELSEWHERE), "open it with untrusted.read_untrusted, or say why not"


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()
