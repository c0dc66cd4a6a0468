import os
import stat
import threading

import pytest

from pelagos.cli.failures import CommandError
from pelagos.cli.shell.history import History


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "history"


def test_lines_are_kept_for_their_owner_alone(path):
    first, second = History(path, 10), History(path, 10)
    first.add("service list")
    second.add("computer list")
    assert first.lines() == ["service list", "computer list"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed(path):
    path.parent.mkdir()
    path.write_text("old\n")
    path.chmod(0o644)
    History(path, 10).add("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_newest_lines_are_kept(path):
    history = History(path, 5)
    for number in range(200):
        history.add(str(number))
    assert history.lines() == ["195", "196", "197", "198", "199"]
    history.trim()
    assert path.read_text().split() == ["195", "196", "197", "198", "199"]


def test_a_line_that_another_shell_adds_meanwhile_is_not_lost(path, monkeypatch):
    history = History(path, 5)
    for number in range(200):
        history.add(str(number))
    other = threading.Thread(target=History(path, 5).add, args=["of another"])
    read = History.lines

    def lines(self):
        found = read(self)
        other.start()
        other.join(0.3)  # without the other waiting, it has written now
        return found

    monkeypatch.setattr(History, "lines", lines)
    history.trim()
    other.join()
    assert path.read_text().split("\n")[-3:] == ["199", "of another", ""]


def test_no_limit_above_none_keeps_nothing(path):
    History(path, 10).add("x")
    none = History(path, 0)
    none.add("y")
    assert none.lines() == []
    none.trim()
    assert path.read_text() == ""


def test_all_is_forgotten(path):
    history = History(path, 10)
    assert history.clean() == 0
    history.add("x")
    assert history.clean() == 1
    assert history.lines() == []


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), os.mkfifo])
def test_what_is_no_file_is_told(path, make):
    path.parent.mkdir()
    make(path)
    history = History(path, 10)
    for use in (history.lines, lambda: history.add("x")):
        with pytest.raises(CommandError) as caught:
            use()
        assert "pelagos config set shell.history 0" in (caught.value.hint or "")


def test_bytes_that_are_no_text_do_no_harm(path):
    path.parent.mkdir()
    path.write_bytes(b"a\xff\nb\n")
    assert History(path, 10).lines() == ["a\ufffd", "b"]
