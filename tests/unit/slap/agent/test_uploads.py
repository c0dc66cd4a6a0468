"""What is packed for the cache, and with whose rights."""

from __future__ import annotations

import os
import pwd
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.uploads import NOTE, Uploads

URL = "https://example.org/software.cfg"


class Cache:
    """Takes archives and keeps their names."""

    def __init__(self) -> None:
        self.use = SimpleNamespace(upload=True, retry_first=1.0, retry_limit=2.0)
        self.shared: list[tuple[str, list[str]]] = []

    def is_excluded(self, _: str) -> bool:
        return False

    def share(self, url: str, archive: Path) -> None:
        with tarfile.open(archive) as found:
            self.shared.append((url, found.getnames()))


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def release(layout: Layout, url: str) -> Path:
    made = layout.release(url)
    made.mkdir(parents=True)
    (made / "instance.cfg").write_text("[buildout]\n")
    (made / ".completed").touch()
    return made


def uploads(layout: Layout) -> tuple[Uploads, Cache]:
    cache: Any = Cache()
    return Uploads(cache, layout, clock=ManualClock()), cache


def test_a_note_of_another_release_uploads_nothing(folder: Path) -> None:
    layout = Layout(folder)
    made = release(layout, URL)
    (made / NOTE).write_text("https://example.org/another.cfg")
    box, cache = uploads(layout)
    box._try(made / NOTE)
    assert cache.shared == [] and not (made / NOTE).exists()
    (made / NOTE).write_text(URL)
    box._try(made / NOTE)
    assert [url for url, _ in cache.shared] == [URL]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as another user")
def test_files_that_only_root_may_read_are_not_packed(folder: Path) -> None:
    layout = Layout(folder)
    made = release(layout, URL)
    nobody = pwd.getpwnam("nobody")
    for path in (layout.software, made, *made.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    secret = made / "secret"  # as a link would lead to it, or a folder put in place of another
    secret.write_text("root's")
    secret.chmod(0o600)
    (made / NOTE).write_text(URL)
    box, cache = uploads(layout)
    box._try(made / NOTE)
    assert cache.shared == []
    secret.unlink()
    box._failures.clear()
    box._try(made / NOTE)
    assert len(cache.shared) == 1
