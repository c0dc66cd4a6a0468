"""Laws of contacts as CSV: what is written is read again, and nothing breaks the reading."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.directory.errors import InvalidError, RequestError
from pelagos.directory.services import contact_csv
from support.directory_site import DirectorySite

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
CONTACTS = st.lists(st.dictionaries(TEXT, TEXT, min_size=1, max_size=5), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(CONTACTS)
def test_what_is_written_is_read_again(contacts: list[dict[str, str]]) -> None:
    # With a comma in the header whatever the names are, as every export has its `id`.
    listed = [{**contact, "id": str(number), "z": "x"} for number, contact in enumerate(contacts)]
    file = contact_csv.read(contact_csv.write(listed).encode())
    assert [row.values for row in file.rows] == listed and file.failures == []


@settings(max_examples=1500, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text('abü",;|\t\r\n \0\ufeff', max_size=60).map(str.encode),
    ),
    st.one_of(st.sampled_from(["utf-8", "cp1252", "utf-16", "ascii", "rot13", "zlib"]), st.text()),
)
def test_any_bytes_are_contacts_or_refused(data: bytes, charset: str) -> None:
    try:
        file = contact_csv.read(data, charset)
    except InvalidError as error:
        assert error.reasons  # noqa: PT017  # most of them are read, some are not
        return
    assert file.rows or file.failures
    for row in file.rows:
        assert row.line >= 2 and row.values and all(row.values.values())
    lines = [item.line for item in (*file.rows, *file.failures)]
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("a,b\n1,2\n", [2], []), ("a,b\n1\n1,2\n1,2,3\n", [3], [2, 4]),
        ("\n\na,b\n\n1,2\n", [5], []), ('a,b\n"x\ny",2\n3\n4,5', [2, 5], [4]),
        ("a,b\r1,2\r3,4", [2, 3], []), ('a,b\n1,"2\n', [], [2]), ('a\n"x"y\nz\n', [3], [2]),
    ],
)  # fmt: skip
def test_lines_are_those_of_the_file(text: str, good: list[int], bad: list[int]) -> None:
    file = contact_csv.read(text.encode())
    assert [row.line for row in file.rows] == good
    assert [failure.line for failure in file.failures] == bad


def test_a_refused_file_says_all_reasons() -> None:
    with pytest.raises(RequestError, match="twice: a, b"):
        contact_csv.read(b"b,a,a,b\n1,2,3,4\n")


def test_a_file_of_too_many_columns_is_refused_at_once() -> None:
    header = ",".join(f"c{number}" for number in range(300_000))
    with pytest.raises(InvalidError, match="300,000 columns; 1,000 at most"):
        contact_csv.read(f"{header}\nx\n".encode())


@pytest.mark.parametrize("line", ["x\n", "1,2\n", '"x"y\n', "\n" * 5])
def test_a_file_of_too_many_rows_is_refused_before_it_takes_all_memory(line: str) -> None:
    few = contact_csv.MAX_ROWS
    with pytest.raises(InvalidError, match="more than 200,000 rows"):
        contact_csv.read(b"a,b\n" + line.encode() * (few + 1))


def test_a_file_of_as_many_rows_as_one_may_have_is_read() -> None:
    file = contact_csv.read(b"a,b\n" + b"1,2\n" * contact_csv.MAX_ROWS)
    assert len(file.rows) == contact_csv.MAX_ROWS


def test_an_import_of_countless_columns_holds_nobody_up(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(300_000))
    with DirectorySite(f"sqlite:///{tmp_path / 'd.db'}") as site:
        began = time.process_time()
        answer = site.upload("/personal/import", f"{header}\nx\n")
        assert answer.status == 400 and "columns" in answer.reasons
        assert time.process_time() - began < 10  # the square of the columns took minutes
