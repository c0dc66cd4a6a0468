"""Looking at a profile: within a time, with the builder's rights, and without a word."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.slap.agent.account import account_of
from pelagos.slap.agent.builders.profile import check_profile
from pelagos.slap.agent.errors import StepFailed


@contextlib.contextmanager
def server(start: bytes, drop: bytes) -> Iterator[str]:
    """A web server that says something, and goes on with it drop by drop without an end."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError), listening.accept()[0] as one:
                one.recv(4096)
                one.sendall(start)
                while not is_over.wait(0.05):
                    one.sendall(drop)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/software.cfg"
        is_over.set()
        thread.join()


SLOW = pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n[buildout]\n", b"#\n"),
        (b"HTTP/1.0 200 OK\r\n", b"X-More: y\r\n"),
        (b"", b""),
    ],
)


@SLOW
def test_a_slow_server_is_given_up_when_the_time_is_over(start: bytes, drop: bytes) -> None:
    began = time.monotonic()
    with server(start, drop) as url, pytest.raises(StepFailed, match="too slow") as failed:
        check_profile(url, timeout=0.5)
    assert failed.value.cause.code == "release-unreachable"
    assert time.monotonic() - began < 30


def test_a_slow_server_is_given_up_when_told() -> None:
    stop = threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    with server(b"HTTP/1.0 200 OK\r\n\r\n", b"#\n") as url, pytest.raises(StepFailed):
        check_profile(url, timeout=25.0, stop=stop)
    timer.join()


def test_a_file_of_this_computer_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("root:$6$hash:\n")
    with pytest.raises(StepFailed) as failed:
        check_profile(str(path), timeout=1.0)
    assert "hash" not in str(failed.value.cause)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
    with pytest.raises(StepFailed, match="not a file"):
        check_profile(path.as_uri(), timeout=1.0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read more")
def test_the_rights_of_who_builds_count(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o711)
    path = tmp_path / "software.cfg"
    path.write_text("[buildout]\nparts =\n")
    path.chmod(0o600)
    check_profile(str(path), timeout=1.0)
    with pytest.raises(StepFailed, match="Permission denied"):
        check_profile(str(path), timeout=1.0, owner=account_of(65534))
