"""directory.backends.csv: a file that may change, grow, vanish or never have been one."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.errors import ConfigError
from pelagos.directory.backends import csv
from pelagos.directory.backends.csv import CsvBackend
from pelagos.directory.errors import SourceError
from pelagos.directory.former import listening


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("id,name\n1,Ada\n2,Bob\n", encoding="utf-8")
    return path


def backend(path: Path | str, **config: Any) -> CsvBackend:
    plugin = CsvBackend()
    plugin.name = "people"
    settings = {"file": str(path), "searched_columns": ["name"], "unique_column": "id"} | config
    plugin.load({"config": settings, "main_config": {}, "context": {}})
    return plugin


def names(plugin: CsvBackend, term: str = "") -> list[str | None]:
    return [row["name"] for row in plugin.search(term)]


def test_rows_are_found_matched_and_listed(path: Path) -> None:
    plugin = backend(path, first_matched_columns=["id"])
    assert names(plugin, "ad") == ["Ada"]
    assert plugin.first_match("2") == {"id": "2", "name": "Bob"}
    assert plugin.list(["1", "7"]) == [{"id": "1", "name": "Ada"}]
    assert plugin.match_all(["1", "9"]) == {"1": {"id": "1", "name": "Ada"}}


def test_a_file_url_a_separator_and_a_byte_order_mark_are_understood(path: Path) -> None:
    path.write_bytes("\ufeffname|id\nZoé|1\n".encode())
    assert names(backend(path.as_uri(), separator="|"), "zoe") == ["Zoé"]


def test_another_charset_is_read_when_it_is_named(path: Path) -> None:
    path.write_bytes("id,name\n1,Zoé €\n".encode("cp1252"))
    assert names(backend(path, charset="windows-1252"), "zoe") == ["Zoé €"]
    assert names(backend(path)) == []  # named as a problem, see below
    with pytest.raises(SourceError, match="there is no charset 'klingon'"):
        backend(path, charset="klingon")
    with pytest.raises(SourceError, match="charset: a name"):
        backend(path, charset=8)
    path.write_bytes("id,name\n1,Zoé\n".encode("utf-16"))
    assert names(backend(path, charset="utf-16"), "zoe") == ["Zoé"]


def test_bytes_that_are_not_of_a_wide_charset_fail_and_say_so(path: Path) -> None:
    path.write_bytes(b"\xff\xfei")
    with pytest.raises(SourceError, match=r"people\.csv is not utf-16"):
        backend(path, charset="utf-16").search("")


def test_a_number_matches_in_any_of_its_forms_when_the_region_is_known(path: Path) -> None:
    path.write_text("id,name\n1,01 23 45 67 89\n", encoding="utf-8")
    own = {"first_matched_columns": ["name"]}
    for asked in ("+33 1 23 45 67 89", "0123456789", "0033123456789"):
        assert backend(path, **own, region="FR").first_match(asked) is not None
        is_abroad = "33" in asked  # which nobody can tell who does not know the country
        assert (backend(path, **own).first_match(asked) is None) == is_abroad
    plugin = CsvBackend()
    plugin.load({"config": {"file": str(path), **own}, "main_config": {"region": "FR"}})
    assert plugin.first_match("+33123456789") is not None
    with pytest.raises(ConfigError, match="region: 'Atlantis'"):
        backend(path, region="Atlantis")
    with pytest.raises(SourceError, match="region: the two letters"):
        backend(path, region=33)


def test_it_answers_from_memory_unless_it_must_read_first(path: Path, tmp_path: Path) -> None:
    plugin = backend(path)
    assert plugin.answers_from_memory is True
    path.write_text("id,name\n3,Cleo\n", encoding="utf-8")
    assert plugin.answers_from_memory is False
    assert names(plugin) == ["Cleo"] and plugin.answers_from_memory is True
    assert backend(tmp_path / "nowhere.csv").answers_from_memory is False


def test_a_file_of_another_computer_is_never_waited_for_by_the_asking_thread() -> None:
    assert csv.is_local(Path(__file__)) and not csv.is_local(Path("/proc/self/mountinfo"))


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    original = csv.read_csv
    monkeypatch.setattr(csv, "read_csv", lambda *a: reads.append(a) or original(*a))
    plugin = backend(path)
    assert names(plugin) == names(plugin) == ["Ada", "Bob"] and len(reads) == 1
    path.write_text("id,name\n3,Cleo\n", encoding="utf-8")
    assert names(plugin) == ["Cleo"] and len(reads) == 2
    new = path.with_suffix(".new")
    new.write_text("id,name\n4,Dora\n", encoding="utf-8")
    new.replace(path)
    assert names(plugin) == ["Dora"] and len(reads) == 3


def test_a_missing_file_fails_until_it_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "later.csv"
    plugin = backend(path)
    assert "No such file" in caplog.text
    with pytest.raises(SourceError, match="No such file"):
        plugin.search("a")
    path.write_text("id,name\n1,Ada\n", encoding="utf-8")
    assert names(plugin) == ["Ada"]
    path.unlink()
    with pytest.raises(SourceError, match="No such file"):
        plugin.search("a")


def test_a_file_above_the_limit_is_refused(path: Path) -> None:
    plugin = backend(path, max_size=10)
    with pytest.raises(SourceError, match="20 bytes; max_size is 10") as caught:
        plugin.search("")
    assert "max_size" in str(caught.value.hint)


def test_what_is_not_a_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"not a file|directory"):
        backend(tmp_path).search("")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="not a file"):
        backend(pipe).search("")
    with pytest.raises(SourceError, match="not a file"):
        backend("/dev/zero").search("")


def test_a_refused_file_leaves_no_descriptor_open(path: Path) -> None:
    plugin = backend(path, max_size=1)
    for _ in range(5):
        with pytest.raises(SourceError):
            plugin.search("")
    opened = [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]
    assert str(path.resolve()) not in opened


def test_a_number_is_found_however_it_is_parted(path: Path) -> None:
    path.write_text("id,name\n1,+49 (0)30 123-45\n2,030/12345\n3,+493012346\n", encoding="utf-8")
    plugin = backend(path, first_matched_columns=["name"], unique_column="id")

    def who(number: str) -> str | None:
        found = plugin.first_match(number)
        return None if found is None else str(found["id"])

    assert [who(n) for n in ("+493012345", "0049 30 12345", "+49 30 12346")] == ["1", "1", "3"]
    assert who("03012345") == "2"
    assert [who(n) for n in ("493012345", "3012345", "+493012347", "")] == [None] * 4


def test_a_check_tells_what_the_source_cannot_do(path: Path) -> None:
    assert list(backend(path).check()) == []
    path.write_text("id,nom\n1,Ada\n2,Bob,3\n", encoding="utf-8")
    assert list(backend(path).check()) == [
        f"{path} has no column name; it has id, nom",
        f"{path}, line 3: 3 values, but the header names 2 columns; left out",
    ]
    formats = {"nom": "{nom}", "broken": "{nom} {", "n": "{nam} {nom}", "m": "{n}"}
    (_, said, _) = backend(path, format_columns=formats).check()
    assert said == f"format_columns.n: {path} has no column nam; it has id, nom"
    path.write_text("id;name\n1;Ada\n", encoding="utf-8")
    assert list(backend(path).check()) == [
        f"{path} has one column, 'id;name': is its separator ';' rather than ','?"
    ]
    path.write_text("id,name\n" + "1,2,3\n" * 30, encoding="utf-8")
    assert list(backend(path).check())[-1] == f"{path}: 30 lines are left out in all"
    path.write_text("", encoding="utf-8")
    assert "is empty" in next(iter(backend(path).check()))
    path.unlink()
    with pytest.raises(SourceError, match="No such file"):
        list(backend(path).check())


def test_bad_lines_are_reported_with_file_and_line(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"id,name\n1,Ada\n2,Bob,extra\n3,\xff\n4,Dora\n")
    with caplog.at_level(logging.WARNING):
        plugin = backend(path)
    assert names(plugin) == ["Ada", "Dora"]
    assert [problem.line for problem in plugin.problems] == [3, 4]
    assert f"{path}, line 3: 3 values" in caplog.text and "line 4: the bytes" in caplog.text


def test_a_thousand_bad_lines_are_not_a_thousand_log_lines(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("id\n" + "1,2\n" * 1000, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        backend(path)
    assert len(caplog.records) < 30 and "1000 lines left out" in caplog.text


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        ({"separater": ";"}, "unknown key 'separater'", "did you mean 'separator'?"),
        ({"separator": "||"}, "separator: one character", None),
        ({"separator": 7}, "separator: one character", None),
        ({"file": ""}, "`file` is needed", None),
        ({"file": None}, "`file` is needed", None),
        ({"file": "a\0b"}, "`file` is needed", None),
        ({"max_size": True}, "max_size: a number of bytes", None),
        ({"max_size": "1"}, "max_size: a number of bytes", None),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(
    path: Path, config: dict[str, Any], message: str, hint: str | None
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        backend(path, **config)
    assert caught.value.hint == hint


def test_while_one_thread_reads_the_others_answer_from_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = backend(path)
    reading, go_on = threading.Event(), threading.Event()
    original = csv.read_csv

    def slow(*args: Any) -> Any:
        reading.set()
        assert go_on.wait(60)
        return original(*args)

    monkeypatch.setattr(csv, "read_csv", slow)
    path.write_text("id,name\n3,Cleo\n", encoding="utf-8")
    found: list[list[str | None]] = []
    reader = threading.Thread(target=lambda: found.append(names(plugin)))
    reader.start()
    assert reading.wait(60)
    with listening() as heard:
        assert names(plugin) == ["Ada", "Bob"]
    assert "is still being read" in heard[0]
    go_on.set()
    reader.join(60)
    assert found == [["Cleo"]] and names(plugin) == ["Cleo"]


def test_a_large_file_is_read_aside_and_nobody_waits(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "LARGE", 10)
    plugin = backend(path)
    reading, go_on = threading.Event(), threading.Event()
    original = csv.read_csv

    def slow(*args: Any) -> Any:
        reading.set()
        assert go_on.wait(60)
        return original(*args)

    monkeypatch.setattr(csv, "read_csv", slow)
    path.write_text("id,name\n3,Cleopatra\n", encoding="utf-8")
    assert plugin.answers_from_memory is True
    assert names(plugin) == ["Ada", "Bob"] and reading.wait(60)
    assert names(plugin) == ["Ada", "Bob"]
    go_on.set()
    assert plugin._reader is not None
    plugin._reader.join(60)
    assert names(plugin) == ["Cleopatra"]
    path.write_text("id,id,name\n3,4,Cleopatra\n", encoding="utf-8")
    assert names(plugin) == ["Cleopatra"]
    plugin._reader.join(60)
    with pytest.raises(SourceError, match="a column twice: id"):
        plugin.search("")
    path.write_text("id,name\n5,Dorothy\n", encoding="utf-8")
    names(plugin)
    plugin._reader.join(60)
    with listening() as heard:
        assert names(plugin) == ["Dorothy"]
    assert heard == []
    plugin.unload()


def test_a_file_that_is_mended_while_its_bad_state_is_read_is_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "LARGE", 10)
    plugin = backend(path)
    original = csv.read_csv

    def then_mended(*args: Any) -> Any:
        try:
            return original(*args)
        finally:
            path.write_text("id,name\n3,Cleopatra\n", encoding="utf-8")

    path.write_text("id,id,name\n3,4,Cleopatra\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(csv, "read_csv", then_mended)
        assert names(plugin) == ["Ada", "Bob"]
        assert plugin._reader is not None
        plugin._reader.join(60)
    assert names(plugin) == ["Ada", "Bob"]
    plugin._reader.join(60)
    assert names(plugin) == ["Cleopatra"]
    plugin.unload()


def test_a_machine_without_threads_reads_a_changed_file_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "LARGE", 10)
    plugin = backend(path)
    path.write_text("id,name\n3,Cleopatra\n", encoding="utf-8")

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert names(plugin) == ["Ada", "Bob"]
    assert names(plugin) == ["Ada", "Bob"]
    assert plugin._reader is not None
    plugin._reader.join(60)
    assert names(plugin) == ["Cleopatra"]
    plugin.unload()


def test_a_file_that_is_no_csv_is_not_read_at_each_question(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("id,id\n", encoding="utf-8")
    reads = []
    original = csv.read_csv
    monkeypatch.setattr(csv, "read_csv", lambda *a: reads.append(a) or original(*a))
    plugin = backend(path)
    for _ in range(3):
        with pytest.raises(SourceError, match="a column twice"):
            plugin.search("")
    assert len(reads) == 1
    path.write_text("id,name\n1,Ada\n", encoding="utf-8")
    assert names(plugin) == ["Ada"]
