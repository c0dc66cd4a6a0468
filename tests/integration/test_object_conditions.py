"""What only Pithos can: replace just the object that is meant, and list by metadata or time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.cli.failures import FAILED, USAGE
from pelagos.core.clock import ManualClock
from support.cloud_lines import Lines

pytestmark = pytest.mark.integration

CLOCK = ManualClock(start=1_800_000_000.0)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(clock=CLOCK, token_life=86_400) as running:
        yield running


def _lines(box: Box, folder: Path, cloud: str) -> Lines:
    found = Lines(box, folder / "home", who=folder.name)  # a person for each test
    found.environ["PELAGOS_CLOUD"] = cloud
    found.done("container", "create", "c")
    return found


@pytest.fixture
def pithos(box: Box, tmp_path: Path) -> Lines:
    return _lines(box, tmp_path, "pithos")


@pytest.fixture
def swift(box: Box, tmp_path: Path) -> Lines:
    return _lines(box, tmp_path, "swift")


@pytest.mark.parametrize("is_file", [True, False])
def test_only_the_object_that_is_meant_is_replaced(
    pithos: Lines, tmp_path: Path, *, is_file: bool
) -> None:
    def upload(text: bytes, *words: str) -> tuple[str, ...]:
        path = tmp_path / "text"
        path.write_bytes(text)
        return ("object", "upload", str(path) if is_file else "-", "c/o", *words)

    pithos.done(*upload(b"one"), stdin=b"one")
    first = pithos.done("object", "info", "c/o", "-j").data["hash"]
    pithos.done(*upload(b"two", "--if-match", first), stdin=b"two")
    late = pithos.run(*upload(b"three", "--if-match", first), stdin=b"three")
    assert late.code == FAILED
    assert f"is not the one with the hash {first}" in late.err
    assert "pelagos object info" in late.err
    assert pithos.done("object", "cat", "c/o").raw == b"two"


def test_what_contradicts_a_condition_is_refused(pithos: Lines, swift: Lines) -> None:
    for words in (("-f",), ("-r",)):
        odd = pithos.run("object", "upload", ".", "c/o", "--if-match", "x", *words)
        assert odd.code == USAGE and "exclude each other" in odd.err
    none = swift.run("object", "upload", "-", "c/o", "--if-match", "x", stdin=b"1")
    assert none.code == FAILED and "only Pithos" in none.err
    for words in (("--meta", "a"), ("--until", "2027-01-01")):
        none = swift.run("object", "list", "c", *words)
        assert none.code == FAILED and "only Pithos" in none.err


def test_a_list_is_narrowed_by_metadata(pithos: Lines) -> None:
    for name, words in (
        ("red", ("--meta", "colour=red")),
        ("blue", ("--meta", "colour=blue", "--meta", "old=yes")),
        ("bare", ()),
    ):
        pithos.done("object", "upload", "-", f"c/{name}", *words, stdin=b"1")

    def names(*terms: str) -> list[str]:
        words = [word for term in terms for word in ("--meta", term)]
        return [one["name"] for one in pithos.done("object", "list", "c", *words, "-j").data]

    assert names("colour") == ["blue", "red"]
    assert names("!colour") == ["bare"]
    assert names("colour=red") == ["red"]
    assert names("colour=red", "old") == ["blue", "red"]
    assert names("colour=green") == []


def test_a_list_shows_what_was_at_a_time(pithos: Lines) -> None:
    pithos.done("container", "create", "t", "--versioning", "auto")
    pithos.done("object", "upload", "-", "t/first", stdin=b"1")
    CLOCK.advance(100)
    then = datetime.fromtimestamp(CLOCK.time(), UTC).isoformat()
    CLOCK.advance(100)
    pithos.done("object", "upload", "-", "t/second", stdin=b"2")
    pithos.done("object", "delete", "t/first")
    assert [one["name"] for one in pithos.done("object", "list", "t", "-j").data] == ["second"]
    past = pithos.done("object", "list", "t", "--until", then, "-j").data
    assert [one["name"] for one in past] == ["first"]
    assert pithos.run("object", "list", "t", "--until", "soon").code == USAGE
