"""directory.migration.tree: the ancestor's files lie over each other as they did there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pelagos.directory.migration import Tree, TreeError, documents, read_tree

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "xivo-dird"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write


def said(tree: Tree) -> str:
    return "\n".join(f"{remark} | {remark.hint}" for remark in tree.remarks)


def test_files_are_merged_deeply_and_the_first_of_two_wins(write: Write) -> None:
    folder = write({
        "config.yml": "foo: {bar: main, other: main, list: [1, 2]}",
        "conf.d/050-generated.yml": "foo: {other: gen, baz: gen, deep: {a: 50, b: 50}}",
        "conf.d/010-local.yml": "foo: {other: local, list: [3], deep: {a: 10}}",
        "conf.d/.hidden.yml": "foo: {other: hidden}",
        "conf.d/000-not.yaml": "foo: {other: not}",
        "conf.d/000-not.yml.bak": "foo: {other: not}",
    })  # fmt: skip
    tree = read_tree(folder)
    assert tree.config["foo"] == {
        "bar": "main", "other": "local", "list": [3], "baz": "gen", "deep": {"a": 10, "b": 50},
    }  # fmt: skip
    assert [path.name for path in tree.files] == [
        "config.yml", "050-generated.yml", "010-local.yml",
    ]  # fmt: skip
    assert not tree.remarks


def test_a_file_of_sources_adds_to_a_source_that_others_define(write: Write) -> None:
    folder = write({
        "config.yml": "sources: {staff: {type: csv, name: staff, format_columns: {a: x}}}",
        "conf.d/1.yml": "sources: {crm: {type: ldap, name: crm}}",
        "sources.d/anything.yml": "{name: staff, unique_column: id, format_columns: {b: y}}",
        "sources.d/new.yml": "{name: new, type: sample}",
    })  # fmt: skip
    assert read_tree(folder).config["sources"] == {
        "staff": {
            "type": "csv", "name": "staff", "unique_column": "id",
            "format_columns": {"a": "x", "b": "y"},
        },
        "crm": {"type": "ldap", "name": "crm"},
        "new": {"name": "new", "type": "sample"},
    }  # fmt: skip


def test_a_broken_source_file_is_named_and_the_others_are_read(write: Write) -> None:
    folder = write({
        "config.yml": "{}",
        "sources.d/a.yml": "type: csv",
        "sources.d/b.yml": "name: [",
        "sources.d/c.yml": "- name",
        "sources.d/d.yml": "",
        "sources.d/e.yml": "{name: good, type: csv}",
        "sources.d/f.yml": "{name: good, type: ldap, file: x}",
        "sources.d/g.yml": "{name: yes, type: csv}",
    })  # fmt: skip
    tree = read_tree(folder)
    assert tree.config["sources"] == {"good": {"name": "good", "type": "csv", "file": "x"}}
    assert said(tree).count("has no name") == 3
    assert "b.yml: is not YAML" in said(tree) and "c.yml: a mapping is needed" in said(tree)
    assert "f.yml: another file has a source good, too" in said(tree)


def test_the_folders_may_be_elsewhere(write: Write, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.yml").write_text("{name: far, type: csv}")
    folder = write({
        "config.yml": f"{{extra_config_files: /etc/xivo-dird/more, source_config_dir: {other}}}",
        "more/a.yml": "foo: 1",
        "conf.d/b.yml": "foo: 2",
        "sources.d/c.yml": "{name: near, type: csv}",
    })  # fmt: skip
    tree = read_tree(folder)
    assert tree.config["foo"] == 1 and list(tree.config["sources"]) == ["far"]
    moved = read_tree(write({"config.yml": "source_config_dir: nowhere"}))
    assert "nowhere: cannot be read" in said(moved)


def test_the_main_file_may_have_any_name_and_must_be_there(write: Write, tmp_path: Path) -> None:
    folder = write({"mine.yml": "foo: 1", "conf.d/a.yml": "bar: 2"})
    assert read_tree(folder / "mine.yml").config == {"foo": 1, "bar": 2, "sources": {}}
    with pytest.raises(TreeError, match="cannot be read: No such file"):
        read_tree(tmp_path / "nothing")


@pytest.mark.parametrize(
    "content",
    [
        "a: [", "- a", "&a [*a, *a]", "\0", "a: !!python/object:os.system x", "a: !!bool maybe",
        "a: !!int x", "a: !!timestamp x", "? [a]\n: b", "a: " + "9" * 5000, "1.5: x",
        "0x" + "F" * 5000, "a: 0x" + "F" * 5000, "? 0x" + "F" * 5000 + "\n: 1",
        "a: 9223372036854775808",
    ],
)  # fmt: skip
def test_a_main_file_that_means_nothing_is_refused(write: Write, content: str) -> None:
    with pytest.raises(TreeError):
        read_tree(write({"config.yml": content}))


def test_half_characters_become_whole_ones(write: Write) -> None:
    config = read_tree(write({"config.yml": 'a: "x\\ud800"\n"\\udcff": 1'})).config
    assert config["a"] == "x?" and config["?"] == 1


def test_a_command_is_run_when_that_is_allowed_and_never_else(write: Write) -> None:
    folder = write({
        "config.yml": "{}",
        "made.txt": "sources: {made: {type: csv}}",
    })  # fmt: skip
    command = f"cd {folder} && touch ran && cat made.txt"
    (folder / "conf.d").mkdir()
    (folder / "conf.d/gen.yml").write_text(f"!exec\ncommand: {command}")
    tree = read_tree(folder)
    assert tree.config["sources"] == {} and not (folder / "ran").exists()
    assert f"not run: {command}" in said(tree) and "--run-commands" in said(tree)
    tree = read_tree(folder, run_commands=True)
    assert tree.config["sources"] == {"made": {"type": "csv"}} and not tree.remarks
    assert (folder / "ran").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("!exec {command: 'echo no >&2; exit 3'}", "its command ended with 3: no"),
        ("!exec {command: 'echo a: ['}", "is not YAML"),
        ("!exec {command: echo hello}", "a mapping is needed, not 'hello'"),
        ("!exec {run: x}", "!exec needs a mapping with a `command`"),
        ("!exec x", "!exec needs a mapping"),
        ("a: !exec {command: echo}", "the whole of a file only"),
        ('!exec {command: "yes | head -c 5000000"}', "printed more than"),
    ],
)
def test_a_command_that_fails_is_told(write: Write, content: str, reason: str) -> None:
    folder = write({"config.yml": "a: 1", "conf.d/x.yml": content})
    tree = read_tree(folder, run_commands=True)
    assert tree.config == {"a": 1, "sources": {}} and reason in said(tree)


def test_a_command_that_others_may_have_written_is_not_run(write: Write) -> None:
    folder = write({"config.yml": "{}", "conf.d/x.yml": "!exec {command: 'echo a: 1'}"})
    (folder / "conf.d/x.yml").chmod(0o666)
    tree = read_tree(folder, run_commands=True)
    assert "a" not in tree.config and "chmod go-w" in said(tree)


def test_a_command_is_that_of_the_file_whose_owner_was_looked_at(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write({"config.yml": "{}", "good": "{}"})
    (folder / "conf.d").mkdir()
    (folder / "good").chmod(0o600)
    place = folder / "conf.d/x.yml"
    place.write_text("!exec {command: 'echo a: 1'}")
    place.chmod(0o666)
    parse = documents._parse

    def swapped(content: bytes, path: Path) -> Any:
        if path == place:  # between reading it and looking whose it is
            (folder / "good").replace(place)
        return parse(content, path)

    monkeypatch.setattr(documents, "_parse", swapped)
    tree = read_tree(folder, run_commands=True)
    assert "a" not in tree.config and "was not run" in said(tree)


def test_what_is_merged_many_times_over_takes_no_memory(write: Write) -> None:
    bomb = "a: &a {k1: 1, k2: 2}\n"
    for here, below in zip("bcdefghijk", "abcdefghij", strict=True):
        bomb += f"{here}: &{here} {{<<: [{', '.join([f'*{below}'] * 10)}]}}\n"
    with pytest.raises(TreeError, match="merges more than"):
        read_tree(write({"config.yml": bomb}))


def test_merges_mean_what_yaml_says(write: Write) -> None:
    text = "a: &a {k: 1, z: 2}\nb: {<<: *a, k: 3}\nc: {<<: [*a, {k: 4, q: 5}]}\nd: &d {<<: *d}"
    config = read_tree(write({"config.yml": text})).config
    assert config["b"] == {"k": 3, "z": 2} and config["c"] == {"k": 1, "z": 2, "q": 5}
    assert config["d"] == {}


def test_what_stands_in_a_files_place_holds_up_nothing(write: Write) -> None:
    folder = write({"config.yml": "{}", "conf.d/a.yml": "a: 1"})
    os.mkfifo(folder / "conf.d/b.yml")
    (folder / "conf.d/c.yml").mkdir()
    (folder / "conf.d/d.yml").symlink_to("gone")
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for here, below in zip("bcdefgh", "abcdefg", strict=True):
        bomb += f"{here}: &{here} [{', '.join([f'*{below}'] * 10)}]\n"
    (folder / "conf.d/e.yml").write_text(bomb)
    (folder / "conf.d/f.yml").write_text("a: " + "[" * 5000)
    (folder / "conf.d/g.yml").write_text("{no: 1}")
    (folder / "conf.d/h.yml").write_text("{day: 2016-10-01, data: !!binary aGk=, far: .inf}")
    tree = read_tree(folder)
    assert tree.config == {
        "a": 1, "sources": {}, "day": "2016-10-01", "data": "hi", "far": "inf",
    }  # fmt: skip
    text = said(tree)
    assert "b.yml: it is not a file" in text and "d.yml: cannot be read" in text
    assert "e.yml: it has more values" in text and "f.yml:" in text
    assert "c.yml" in text and "g.yml: a key reads as false" in text
