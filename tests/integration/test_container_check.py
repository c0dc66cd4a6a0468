"""`pelagos container check`: folders of a container get their marks, and nothing else changes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_FOUND
from pelagos.clients import Cloud


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0) as running:
        yield running


@pytest.fixture(params=["pithos", "swift"])
def lines(box: Box, tmp_path: Path, request: pytest.FixtureRequest) -> Lines:
    found = Lines(box, tmp_path / "home", who=f"u{random.randrange(10**9)}")
    found.environ["PELAGOS_CLOUD"] = request.param
    found.done("container", "create", "c")
    return found


def put(lines: Lines, *names: str) -> None:
    for name in names:
        lines.done("object", "upload", "-", f"c/{name}", stdin=b"x")


def faults(lines: Lines, *more: str, code: int = FAILED) -> dict[str, Any]:
    ran = lines.run("container", "check", "c", "-j", *more)
    assert ran.code == code, ran
    return {row["name"]: (row["fault"], row["mended"]) for row in ran.data}


def test_marks_that_lack_are_made(lines: Lines) -> None:
    put(lines, "top", "a/b/one", "größe ✓/two", "odd//name")
    lines.done("object", "mkdir", "c/empty")
    wanted = dict.fromkeys(("a", "a/b", "größe ✓", "odd"), ("no mark", False))
    assert faults(lines) == wanted
    mended = dict.fromkeys(wanted, ("no mark", True))
    assert faults(lines, "--fix", code=0) == mended
    told = lines.done("container", "check", "c")
    assert "9 objects, and every folder has its mark" in told.out + told.err
    assert lines.done("object", "cat", "c/a/b/one").out == "x"


def test_marks_with_a_slash_get_their_name(lines: Lines) -> None:
    store = Cloud(lines.environ["PELAGOS_CLOUD"], environ=lines.environ).object_store
    for name in ("plain/", "both/"):
        store.create_object(name, container="c")
    lines.done("object", "mkdir", "c/both")
    if lines.environ["PELAGOS_CLOUD"] == "swift":
        assert faults(lines, code=0) == {}
        return
    assert faults(lines) == {"plain/": ("slash", False), "both/": ("twice", False)}
    faults(lines, "--fix", code=0)
    assert faults(lines, code=0) == {}
    names = [row["name"] for row in lines.done("object", "list", "-r", "c", "-j").data]
    assert sorted(names) == ["both", "plain"]


def test_what_somebody_stored_stays_where_it_is(lines: Lines) -> None:
    put(lines, "a", "a/below")
    assert faults(lines, "--fix") == {"a": ("not a folder", False)}
    ran = lines.run("container", "check", "c")
    assert (ran.code, "pelagos object move c/a c/a.moved" in ran.err) == (FAILED, True)
    assert lines.done("object", "cat", "c/a").out == "x"
    lines.done("object", "move", "c/a", "c/a.moved")
    assert faults(lines, "--fix", code=0) == {"a": ("no mark", True)}


def test_a_container_that_is_not_there_is_told(lines: Lines) -> None:
    ran = lines.run("container", "check", "d")
    assert (ran.code, "Traceback" in ran.err) == (NOT_FOUND, False)
