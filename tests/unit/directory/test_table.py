"""directory.table: CSV text to rows, bad lines named by their number, searched by folded text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.directory.errors import SourceError
from pelagos.directory.folding import fold
from pelagos.directory.table import MAX_PROBLEMS, Rows, Table, read_csv

PEOPLE = "id,first,last,tel\n1,Céline,Dupont,2041\n2,Bob,,\n3,Ada,Dupond\n"


def read(text: str, separator: str = ",") -> Rows:
    return read_csv(io.StringIO(text, newline=""), separator)


def people(**wanted: object) -> Table:
    chosen = {"searched": ("first", "last"), "first_matched": ("tel",), "unique": "id"} | wanted
    return Table.of(read(PEOPLE), **chosen)


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read(text).problems]


def test_empty_values_are_none_and_short_lines_lack_columns() -> None:
    assert people().search("bob") == [{"id": "2", "first": "Bob", "last": None, "tel": None}]
    assert people().search("ada") == [{"id": "3", "first": "Ada", "last": "Dupond"}]


def test_a_search_knows_neither_case_nor_accents_and_keeps_the_order() -> None:
    assert [row["id"] for row in people().search("DUPÓN")] == ["1", "3"]
    assert [row["id"] for row in people().search("celine")] == ["1"]


def test_the_empty_term_is_in_every_row() -> None:
    assert len(people().search("")) == 3


def test_only_the_searched_columns_are_searched_and_never_across_two() -> None:
    assert people().search("2041") == []
    assert people().search("celinedupont") == [] and people().search("céline dupont") == []
    assert people(searched=()).search("") == []


def test_a_match_is_exact_and_the_first_row_wins() -> None:
    table = Table.of(read("a,b,id\n1,2,x\n2,1,y\n"), first_matched=("a", "b"))
    assert table.first_match("1") == {"a": "1", "b": "2", "id": "x"}
    assert table.first_match("2") == {"a": "1", "b": "2", "id": "x"}
    assert table.first_match("") is None and table.first_match("12") is None


def test_entries_are_listed_by_id_as_text_in_the_order_of_the_file() -> None:
    assert [r["id"] for r in people().list(["3", "1", "9", "1"])] == ["1", "3"]
    assert people(unique=None).list(["1"]) == []


def test_columns_that_are_not_there_are_named() -> None:
    table = people(searched=("first", "nick"), unique="uid")
    assert table.missing == ("nick", "uid")
    assert len(table.search("bob")) == 1 and table.list(["1"]) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2,3\n4,5\n", ["line 2: 3 values, but the header names 2 columns"]),
        ('a,b\n1,"x\ny",9\n', ["line 2: 3 values, but the header names 2 columns"]),
        ('a,b\n\n\n1,"x"y\n3,4\n', ["line 4: ',' expected after '\"'"]),
        ('a,b\n1,2\n3,"4\n5,6\n', ['line 3: a quote (") that opens here is never closed']),
        ("a,b\n1,\udcff\n3,4\n", ["line 2: the bytes are not UTF-8"]),
        ("a,b\n1," + "x" * 200_000 + "\n", ["line 2: field larger than field limit (131072)"]),
    ],
)
def test_a_bad_line_is_left_out_and_named(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_good_lines_after_a_bad_one_are_read() -> None:
    assert read('a,b\n1,2,3\n4,5\n"6"7,8\n9,10\n').rows == [("4", "5"), ("9", "10")]


def test_many_bad_lines_are_counted_and_only_some_kept() -> None:
    found = read("a\n" + "1,2\n" * (MAX_PROBLEMS + 5))
    assert len(found.problems) == MAX_PROBLEMS and found.problem_count == MAX_PROBLEMS + 5


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n"])
def test_a_file_without_rows_is_empty(text: str) -> None:
    assert read(text).rows == [] and Table.of(read(text), searched=("a",)).search("") == []


def test_a_header_with_a_column_twice_is_refused() -> None:
    with pytest.raises(SourceError, match="twice: tel"):
        read("tel,name,tel\n1,2,3\n")


def test_columns_without_a_name_are_not_shown() -> None:
    table = Table.of(read("a, b ,,\n1,2,3,4\n"), searched=("b",))
    assert table.search("2") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(separator: str, ending: str) -> None:
    text = ending.join([separator.join("ab"), separator.join("12"), ""])
    assert read(text, separator).rows == [("1", "2")]


@settings(max_examples=200)
@given(st.text(alphabet='ab",;\n\r \x00é\udc80', max_size=60))
def test_any_text_is_read_or_its_header_refused(text: str) -> None:
    try:
        found = read(text)
    except SourceError:
        return
    table = Table.of(found, searched=("a", "b"), first_matched=("a",), unique="b")
    for row in table.search(""):
        assert set(row) <= set(found.columns)
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= problem.line <= lines for problem in found.problems)


ROWS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=20)


@given(ROWS, st.text(alphabet="aAéE\u0301ß", max_size=3))
def test_the_index_finds_what_a_linear_search_finds(
    rows: list[tuple[str, str]], term: str
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(["x", "y"])
    kept = [r for r in rows if not _is_lost(r)]
    writer.writerows(kept)
    table = Table.of(read(written.getvalue()), searched=("x", "y"))
    expected = [[c or None for c in r] for r in kept if any(fold(term) in fold(c) for c in r)]
    assert [list(found.values()) for found in table.search(term)] == expected


def _is_lost(cells: Sequence[str]) -> bool:
    text = "".join(cells)
    return "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text)
