"""`pelagos object append|overwrite|truncate|manifest`, and what is brought only on a condition."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_FOUND, USAGE

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


@pytest.fixture(params=["swift", "pithos"])
def lines(request: pytest.FixtureRequest, box: Box, tmp_path: Path) -> Lines:
    found = Lines(box, tmp_path / "home", who=f"u{random.randrange(10**9)}")
    found.environ["PELAGOS_CLOUD"] = request.param
    found.done("container", "create", "c")
    return found


@pytest.fixture
def pithos(box: Box, tmp_path: Path) -> Lines:
    found = Lines(box, tmp_path / "home", who=f"u{random.randrange(10**9)}")
    found.environ["PELAGOS_CLOUD"] = "pithos"
    found.done("container", "create", "c")
    return found


def content(lines: Lines, place: str) -> bytes:
    return lines.done("object", "cat", place).raw


def test_an_object_grows_changes_and_shrinks(pithos: Lines, tmp_path: Path) -> None:
    data = random.Random(1).randbytes(9 * MIB + 5)
    (tmp_path / "f").write_bytes(data)
    pithos.done("object", "upload", tmp_path / "f", "c/o", "--meta", "k=v", "--type", "a/b")
    ran = pithos.done("object", "append", "-", "c/o", stdin=b"the end")
    assert "c/o is longer now: 9 MiB" in ran.err
    (tmp_path / "middle").write_bytes(b"M" * (5 * MIB))
    pithos.done("object", "overwrite", tmp_path / "middle", "c/o", "--from", str(4 * MIB - 3))
    pithos.done("object", "overwrite", "-", "c/o", "--from", "1", "--to", "2", stdin=b"XYZ")
    wanted = bytearray(data + b"the end")
    wanted[4 * MIB - 3 : 9 * MIB - 3] = b"M" * (5 * MIB)
    wanted[1:3] = b"XY"
    assert content(pithos, "c/o") == wanted
    pithos.done("object", "truncate", "c/o", "--size", "5MiB")
    assert content(pithos, "c/o") == wanted[: 5 * MIB]
    info = pithos.done("object", "info", "c/o", "-j").data
    assert (info["meta"], info["content_type"]) == ({"k": "v"}, "a/b")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("overwrite", "-", "c/o"), USAGE, "--from"),
        (("overwrite", "-", "c/o", "--from", "3", "--to", "2"), USAGE, "before"),
        (("overwrite", "-", "c/o", "--from", "0"), USAGE, "--to"),
        (("overwrite", "-", "c/o", "--from", "2", "--to", "4"), FAILED, "which has 4"),
        (("overwrite", "-", "c/none", "--from", "0", "--to", "0"), NOT_FOUND, "no object none"),
        (("truncate", "c/o", "--size", "9"), FAILED, "fewer"),
        (("append", "-", "c/none"), NOT_FOUND, "no object none"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    words: tuple[str, ...], code: int, told: str, pithos: Lines
) -> None:
    pithos.done("object", "upload", "-", "c/o", stdin=b"abcd")
    ran = pithos.run("object", *words, stdin=b"123")
    assert (ran.code, told in ran.err) == (code, True), ran.err
    assert content(pithos, "c/o") == b"abcd"


def test_swift_says_what_it_cannot(box: Box, tmp_path: Path) -> None:
    swift = Lines(box, tmp_path / "home", who="sue", environ={"PELAGOS_CLOUD": "swift"})
    for words in (
        ("append", "-", "c/o"),
        ("overwrite", "-", "c/o", "--from", "0", "--to", "0"),
        ("truncate", "c/o", "--size", "1"),
        ("info", "c/o", "--hashmap"),
        ("upload", str(swift.file), "c/o", "--source-is-hashmap"),
    ):
        ran = swift.run("object", *words, stdin=b"x")
        assert ran.code == FAILED
        assert "only Pithos" in ran.err


def test_an_object_of_parts_reads_as_one(lines: Lines) -> None:
    for name in ("2", "1", "3"):
        lines.done("object", "upload", "-", f"c/film/{name}", stdin=name.encode() * 3)
    told = lines.done("object", "manifest", "c/film", "--type", "video/x")
    assert "c/film has 9 B from what is below it" in told.err
    assert content(lines, "c/film") == b"111222333"
    assert lines.done("object", "info", "c/film", "-j").data["content_type"] == "video/x"


def test_only_what_is_meant_is_brought(lines: Lines, tmp_path: Path) -> None:
    lines.done("object", "upload", "-", "c/o", stdin=b"abc")
    name = lines.done("object", "info", "c/o", "-j").data["hash"]
    target = tmp_path / "o"
    past, coming = "2001-01-01", "2099-01-01"
    for met, unmet in (
        (("--if-match", name), ("--if-match", "0" * 64)),
        (("--if-none-match", "0" * 64), ("--if-none-match", name)),
        (("--if-modified-since", past), ("--if-modified-since", coming)),
        (("--if-unmodified-since", coming), ("--if-unmodified-since", past)),
    ):
        assert lines.done("object", "cat", "c/o", *met).raw == b"abc"
        lines.done("object", "download", "c/o", target, "-f", *met)
        assert target.read_bytes() == b"abc"
        target.unlink()
        for words in (("cat", "c/o"), ("download", "c/o", target)):
            ran = lines.run("object", *words, *unmet)
            assert (ran.code, ran.raw) == (FAILED, b"")
            assert "the condition does not hold" in ran.err
        assert not target.exists()
    ran = lines.run("object", "cat", "c/o", "--if-modified-since", "soon")
    assert (ran.code, "'soon' is not a time" in ran.err) == (USAGE, True)


def test_an_object_is_made_of_blocks_that_are_there(pithos: Lines, tmp_path: Path) -> None:
    data = random.Random(2).randbytes(5 * MIB)
    (tmp_path / "f").write_bytes(data)
    pithos.done("object", "upload", tmp_path / "f", "c/o")
    blocks = pithos.done("object", "info", "c/o", "--hashmap", "-j").data
    assert (blocks["bytes"], len(blocks["hashes"])) == (5 * MIB, 2)
    (tmp_path / "map").write_text(json.dumps(blocks))
    pithos.done("object", "upload", tmp_path / "map", "c/copy", "--source-is-hashmap")
    assert content(pithos, "c/copy") == data
    ran = pithos.run("object", "upload", tmp_path / "map", "c/copy", "--source-is-hashmap")
    assert (ran.code, "is there already" in ran.err) == (FAILED, True)
    (tmp_path / "map").write_text(json.dumps({"bytes": 3, "hashes": ["ab" * 32]}))
    ran = pithos.run("object", "upload", tmp_path / "map", "c/x", "--source-is-hashmap")
    assert ran.code == FAILED
    assert pithos.run("object", "info", "c/x").code == NOT_FOUND


def test_a_copy_can_have_another_type(lines: Lines) -> None:
    lines.done("object", "upload", "-", "c/o", "--type", "a/b", stdin=b"abc")

    def kind(place: str) -> str:
        return str(lines.done("object", "info", place, "-j").data["content_type"])

    lines.done("object", "copy", "c/o", "c/p")
    lines.done("object", "copy", "c/o", "c/q", "--type", "x/y")
    lines.done("object", "move", "c/p", "c/r", "--type", "m/n")
    assert [kind("c/o"), kind("c/q"), kind("c/r")] == ["a/b", "x/y", "m/n"]
    lines.done("object", "move", "c/q", "c/q", "--type", "again/x", "-f")
    assert (kind("c/q"), content(lines, "c/q")) == ("again/x", b"abc")


def test_versions_up_to_a_time_are_gone_and_the_present_one_never(pithos: Lines) -> None:
    for text in (b"1", b"2", b"3"):
        pithos.done("object", "upload", "-", "c/o", "-f", stdin=text)
    asked = pithos.run("object", "purge", "c/o", "--until", "2001-01-01")
    assert (asked.code, "0 former versions up to 2001-01-01" in asked.err) == (USAGE, True)
    pithos.done("object", "purge", "c/o", "--until", "2001-01-01", "--yes")
    assert len(pithos.done("object", "versions", "c/o", "-j").data) == 3
    pithos.done("object", "purge", "c/o", "--until", "2099-01-01", "--yes")
    assert content(pithos, "c/o") == b"3"


def test_containers_are_listed_as_asked(pithos: Lines) -> None:
    pithos.done("container", "create", "d")
    pithos.done("object", "upload", "-", "d/o", stdin=b"x")
    pithos.done("object", "publish", "d/o")

    def names(*words: str) -> list[str]:
        return [one["name"] for one in pithos.done("container", "list", *words, "-j").data]

    assert (names(), names("-n", "1"), names("--public")) == (["c", "d"], ["c"], ["d"])
    assert names("--shared") == []
    assert names("--until", "2099-01-01") == ["c", "d"]
