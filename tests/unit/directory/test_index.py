"""directory.index: CSV text to rows, bad lines named by their number, searched by folded text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.directory.errors import SourceError
from pelagos.directory.folding import fold
from pelagos.directory.index import (
    MAX_PROBLEMS,
    CsvRows,
    Table,
    blocks,
    charset,
    decode,
    read_csv,
    search,
)

PEOPLE = "id,first,last,tel\n1,Céline,Dupont,2041\n2,Bob,,\n3,Ada,Dupond\n"


def read(text: str, separator: str = ",") -> CsvRows:
    return read_csv(io.StringIO(text, newline=""), separator)


def rows(text: str, separator: str = ",") -> list[list[str | None]]:
    return [list(row) for row in read(text, separator)]


def indexed(text: str, **wanted: Any) -> Table:
    found = read(text)
    return Table.of_lines(found.columns, found, **wanted)


def people(**wanted: Any) -> Table:
    chosen = {"searched": ("first", "last"), "first_matched": ("tel",), "unique": "id"} | wanted
    return indexed(PEOPLE, **chosen)


def problems(text: str) -> list[str]:
    found = read(text)
    assert len(list(found)) == found.row_count
    return [str(problem) for problem in found.problems]


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
    assert people().search("celinedupont") == []
    assert people(searched=()).search("") == []


def test_words_may_be_in_different_columns() -> None:
    for term in ("céline dupont", " DUPONT  celine ", "dup cél"):
        assert [row["id"] for row in people().search(term)] == ["1"]
    assert people().search("dupon celine bob") == [] and people().search("celine 2041") == []
    assert people().search("pont line") == []  # within words
    text = "id,first,last\n1,Ada,O'Brien\n2,Ida,Brieno\n3,Obrien,Ada\n4,Zoë Ada,x-Brien\n"
    table = indexed(text, searched=("first", "last"), unique="id")
    assert [row["id"] for row in table.search("brien ada")] == ["1", "4"]
    assert [row["id"] for row in table.search("e a")] == ["4"]  # as a whole
    assert len(table.search("ada brien", 1)) == 1 and table.search("ada ada ida") == []
    assert people(searched=("last",)).search("dup dup ont") == []


def test_a_match_is_exact_and_the_first_row_wins() -> None:
    table = indexed("a,b,id\n1,2,x\n2,1,y\n", first_matched=("a", "b"))
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
        ("a,b\n1,\udcff\n3,4\n", ["line 2: the bytes are not of the charset"]),
        ("a,b\n1," + "x" * 200_000 + "\n", ["line 2: field larger than field limit (131072)"]),
    ],
)
def test_a_bad_line_is_left_out_and_named(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_good_lines_after_a_bad_one_are_read() -> None:
    assert rows('a,b\n1,2,3\n4,5\n"6"7,8\n9,10\n') == [["4", "5"], ["9", "10"]]


def test_many_bad_lines_are_counted_and_only_some_kept() -> None:
    found = read("a\n" + "1,2\n" * (MAX_PROBLEMS + 5))
    assert list(found) == []
    assert len(found.problems) == MAX_PROBLEMS and found.problem_count == MAX_PROBLEMS + 5


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n"])
def test_a_file_without_rows_is_empty(text: str) -> None:
    assert rows(text) == [] and indexed(text, searched=("a",)).search("") == []


def test_a_header_with_a_column_twice_is_refused() -> None:
    with pytest.raises(SourceError, match="twice: tel"):
        read("tel,name,tel\n1,2,3\n")


def test_a_header_of_very_many_columns_is_read_at_once() -> None:
    header = ",".join(map(str, range(40_000)))
    assert len(read(f"{header}\n1\n").columns) == 40_000
    with pytest.raises(SourceError, match=r"twice: 7$"):
        read(f"{header},7\n")


def test_columns_without_a_name_are_not_shown() -> None:
    table = indexed("a, b ,,\n1,2,3,4\n", searched=("b",))
    assert table.search("2") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(separator: str, ending: str) -> None:
    text = ending.join([separator.join("ab"), separator.join("12"), ""])
    assert rows(text, separator) == [["1", "2"]]


@settings(max_examples=200)
@given(st.text(alphabet='ab",;\n\r \x00é\udc80', max_size=60))
def test_any_text_is_read_or_its_header_refused(text: str) -> None:
    try:
        found = read(text)
    except SourceError:
        return
    table = Table.of_lines(
        found.columns, found, searched=("a", "b"), first_matched=("a",), unique="b"
    )
    for row in table.search(""):
        assert set(row) <= set(found.columns)
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= problem.line <= lines for problem in found.problems)


PAIRS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=20)


@given(PAIRS, st.text(alphabet="aAéE\u0301ß", max_size=3))
def test_the_index_finds_what_a_linear_search_finds(
    pairs: list[tuple[str, str]], term: str
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(["x", "y"])
    kept = [r for r in pairs if not _is_lost(r)]
    writer.writerows(kept)
    table = indexed(written.getvalue(), searched=("x", "y"))
    expected = [[c or None for c in r] for r in kept if any(fold(term) in fold(c) for c in r)]
    assert [list(found.values()) for found in table.search(term)] == expected


def _is_lost(cells: Sequence[str]) -> bool:
    text = "".join(cells)
    return "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text)


# ---- rows that are mappings -----------------------------------------------------


def test_rows_of_different_columns_keep_theirs() -> None:
    found = [{"id": "1", "name": "Ada"}, {"name": "Bob", "shoe size": "38"}, {}]
    table = Table.of(found, searched=["name"], unique="id")
    assert table.search("") == found and len(table) == 3
    assert table.columns == ("id", "name", "shoe size") and table.missing == ()
    assert table.list(["1"]) == [found[0]]


def test_nothing_is_missing_from_no_rows() -> None:
    assert Table.of([], searched=["name"]).missing == ()


def test_the_items_of_a_list_are_searched_and_matched() -> None:
    room = {"id": 7, "name": "Blue", "extensions": ["4001", "4002"], "open": True, "pin": None}
    table = Table.of([room], searched=["extensions"], first_matched=["extensions"], unique="id")
    assert table.search("002") == [room] and table.search("40014002") == []
    assert table.first_match("4002") == room and table.first_match("400") is None
    assert table.list([7]) == table.list(["7"]) == [room]  # type: ignore[list-item]  # an old client


def test_the_empty_text_is_none() -> None:
    assert Table.of([{"name": ""}], searched=["name"]).search("") == [{"name": None}]


def test_a_limit_ends_a_search() -> None:
    table = Table.of([{"n": str(number)} for number in range(100)], searched=["n"])
    assert [row["n"] for row in table.search("1", 3)] == ["1", "10", "11"]
    assert len(table.search("", 7)) == 7


def test_numbers_match_as_they_are_first_and_then_in_normal_form() -> None:
    def normal(text: str) -> str | None:
        digits = "".join(c for c in text if c.isdigit())
        return digits or None

    rows = [{"tel": "20 41"}, {"tel": "2041"}, {"tel": "none"}]
    table = Table.of(rows, first_matched=["tel"], normal=normal)
    assert table.first_match("2041") == {"tel": "2041"}
    assert table.first_match("2-0-4-1") == {"tel": "20 41"}
    assert table.first_match("none") == {"tel": "none"} and table.first_match("some") is None
    assert table.match_all(["2041", "9", "20.41"]) == {"2041": rows[1], "20.41": rows[0]}


def test_many_rows_with_one_number_are_matched_as_fast_as_one() -> None:
    table = Table.of(({"n": str(n), "tel": "1"} for n in range(50_000)), first_matched=["tel"])
    for _ in range(1000):
        assert table.first_match("1") == {"n": "0", "tel": "1"}


def test_very_many_numbers_are_all_found_by_the_first_row_that_has_them() -> None:
    table = Table.of(({"tel": str(n % 30_000)} for n in range(60_000)), first_matched=["tel"])
    assert all(table.first_match(str(n)) == {"tel": str(n)} for n in range(0, 30_000, 7))
    keys = table._exact._keys
    assert len(keys) == 60_000 and list(keys) == sorted(keys)


VALUES = st.none() | st.text(max_size=6) | st.integers(-9, 9) | st.lists(st.text(max_size=3))
COLUMNS = st.sampled_from(["a", "b", "c", "é"])


@given(st.lists(st.dictionaries(COLUMNS, VALUES, max_size=4), max_size=12), st.text(max_size=3))
def test_a_table_finds_what_looking_at_every_row_finds(
    given_rows: list[dict[str, Any]], text: str
) -> None:
    kept = [row for row in given_rows if not _is_lost(json.dumps(row, ensure_ascii=False))]
    table = Table.of(kept, searched=["a", "b"], first_matched=["b", "c"], unique="é")
    shown = [{k: None if v == "" else v for k, v in row.items()} for row in kept]
    assert [repr(row) for row in table.search("")] == (
        [repr(row) for row in shown] if any({"a", "b"} & row.keys() for row in kept) else []
    )
    searched = [r for r in shown if any(fold(text) in fold(t) for t in _texts(r, "ab"))]
    assert not fold(text) or table.search(text) == searched
    assert table.first_match(text) == next((r for r in shown if text in _texts(r, "bc")), None)
    assert table.list([text]) == [r for r in shown if text in _texts(r, "é")]


def _texts(row: dict[str, Any], columns: str) -> list[str]:
    texts: list[str] = []
    for value in (row.get(column) for column in columns):
        items = value if isinstance(value, list) else [value]
        texts += [str(item) for item in items if item is not None and item != ""]
    return texts


WORDS = st.lists(st.text(alphabet="abé\u0301ß\xff\ud800 ", max_size=8), max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(WORDS, max_size=60), st.text(alphabet="abéß \ud800", max_size=6), st.integers(1, 9)
)
def test_leaving_out_blocks_never_leaves_out_a_row(
    monkeypatch: pytest.MonkeyPatch, lists: list[list[str]], term: str, rows_of_block: int
) -> None:
    monkeypatch.setattr(search, "_FEW", 0)
    monkeypatch.setattr(blocks, "ROWS", rows_of_block)
    monkeypatch.setattr(blocks, "BUCKETS", 7)  # so that most bits stand for more than one triple
    index = search.TextIndex()
    for texts in lists:
        index.add(texts)
    index.freeze()
    expected = [n for n, texts in enumerate(lists) if any(fold(term) in fold(t) for t in texts)]
    assert list(index.find(term)) == (expected if fold(term) else list(range(len(lists))))


def test_a_rare_term_reads_few_of_many_rows() -> None:
    names = [f"Person {number} of {number % 977}" for number in range(20_000)]
    index = search.TextIndex()
    for name in names:
        index.add([name])
    index.freeze()
    assert index._filter is not None
    runs = list(index._filter.runs(b"person 12345"))
    assert 12345 in index.find("person 12345") and sum(b - a for a, b in runs) < 2_000
    assert sum(b - a for a, b in index._filter.runs(b"zzz")) == 0


# ---- charsets -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "ISO-8859-1", "cp1252", "utf-16", "shift_jis"])
def test_charsets_are_known_by_their_usual_names(name: str) -> None:
    assert decode("Zoe".encode(name), name) == "Zoe"


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode("\ufeffZoé".encode(), "utf-8") == "Zoé"


@pytest.mark.parametrize(
    "name", ["utf-9", "", "zip", "hex", "rot13", "idna", "punycode", "undefined", "a\0b", "é" * 99]
)
def test_what_is_no_charset_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match="there is no charset"):
        charset(name)


@given(st.binary(max_size=40), st.sampled_from(["utf-8", "cp1252", "utf-16", "gb2312", "utf-7"]))
def test_any_bytes_are_decoded_or_refused(data: bytes, name: str) -> None:
    try:
        text = decode(data, name)
    except SourceError:
        return
    assert isinstance(text, str)
