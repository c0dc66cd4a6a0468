"""Issuing a certificate: its key is on the disk before anybody is asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pelagos.cli.commands.credentials import _issue
from pelagos.slap.errors import SlapError


def command(issue: Any) -> Any:
    master = SimpleNamespace(issue_certificate=issue)
    return SimpleNamespace(context=SimpleNamespace(master=master, say=print))


def test_the_key_is_there_before_the_certificate_is_asked_for(tmp_path: Path) -> None:
    seen = []

    def issue(*_: str) -> Any:
        seen.extend(path.read_text() for path in tmp_path.iterdir())
        return SimpleNamespace(certificate="the certificate")

    _issue(command(issue), "person", "ann", tmp_path)
    key = tmp_path / "ann.key"
    assert seen == [key.read_text()] and "PRIVATE" in seen[0]
    assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "ann.pem").read_text() == "the certificate"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ann.key", "ann.pem"]


def test_a_refusal_leaves_the_former_key(tmp_path: Path) -> None:
    (tmp_path / "ann.key").write_text("former")

    def refuse(*_: str) -> Any:
        raise SlapError("no")

    with pytest.raises(SlapError):
        _issue(command(refuse), "person", "ann", tmp_path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("ann.key", "former")]
