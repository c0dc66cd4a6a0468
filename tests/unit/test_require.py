"""A test without its server is skipped here and fails in continuous integration."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.require import Require

MISSING = "apt-get install no-such-package"


def test_a_program_that_is_there_is_found() -> None:
    assert Path(Require().program("sh", package="dash")).exists()


def test_a_missing_program_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=MISSING):
        Require().program("no-such-program", package="no-such-package")


def test_a_missing_program_fails_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        Require().program("no-such-program", package="no-such-package")
