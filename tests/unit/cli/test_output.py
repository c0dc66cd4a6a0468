import io
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.cli import yaml
from pelagos.cli.failures import UsageError
from pelagos.cli.moment import ago, clock_and_ago, length
from pelagos.cli.output import Column, Output
from pelagos.cli.terminal import clean
from pelagos.cli.values import plain
from pelagos.slap.model import Cause, InstanceState

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def shown(form: str, items: list[object], columns: tuple[Column, ...], **more: Any) -> str:
    stream = io.StringIO()
    Output(stream, form, columns=more.get("wanted"), width=more.get("width")).show_list(
        items, columns
    )
    return stream.getvalue()


@given(st.text())
def test_clean_text_cannot_steer_a_terminal(text: str):
    for char in clean(text):
        assert char.isprintable() or char in "\u00a0\u2003\u2009\u202f\u3000"


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_harmless_text_stays_as_it_is(text: str):
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b", "\\x1b"),
        ("\x7f", "\\x7f"),
        ("\x9b", "\\x9b"),
        ("\u202e", "\\u202e"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_escapes_are_those_of_python(raw: str, expected: str):
    assert clean(raw) == expected


@given(JSON)
def test_json_output_reads_back_as_what_it_was(data: object):
    stream = io.StringIO()
    Output(stream, "json").show_one({"data": data})
    assert json.loads(stream.getvalue()) == {"data": data}
    assert clean(stream.getvalue(), keep="\n\t") == stream.getvalue()


@given(JSON)
def test_yaml_is_printable_and_has_no_tabs_in_its_margins(data: object):
    text = yaml.dumps({"data": data})
    assert all(line.isprintable() or '"' in line for line in text.split("\n"))
    assert not any(line.startswith("\t") for line in text.splitlines())


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"a": 1, "b": "x"}, "a: 1\nb: x\n"),
        ([], "[]\n"),
        ({}, "{}\n"),
        ([{"a": [1, 2], "b": {}}], "- a:\n    - 1\n    - 2\n  b: {}\n"),
        ([[1], []], "- - 1\n- []\n"),
        ("no", '"no"\n'),
        ("1.0", '"1.0"\n'),
        ("", '""\n'),
        ("a: b", '"a: b"\n'),
        ("- a", '"- a"\n'),
        ("null", '"null"\n'),
        ("2026-07-14", '"2026-07-14"\n'),
        ("a\nb", '"a\\nb"\n'),
        ({"yes": None}, '"yes": null\n'),
        (True, "true\n"),
        (float("inf"), ".inf\n"),
        (-float("inf"), "-.inf\n"),
        (float("nan"), ".nan\n"),
        (1e-05, "1.0e-05\n"),
        (1.5, "1.5\n"),
        ("/srv/a_b.cfg", "/srv/a_b.cfg\n"),
        ("a#b", '"a#b"\n'),
    ],
)
def test_yaml_quotes_everything_that_a_reader_could_take_for_something_else(data, text):
    assert yaml.dumps(data) == text


def test_dataclasses_become_plain_data():
    cause = Cause("ok", "well", since=1.5)
    assert plain({"cause": cause, "states": (InstanceState.STARTED,)}) == {
        "cause": {
            "code": "ok",
            "message": "well",
            "hint": "",
            "detail": "",
            "since": 1.5,
            "seen_by": "",
        },
        "states": ["started"],
    }
    assert type(plain(InstanceState.STARTED)) is str


def test_a_table_is_aligned_and_has_no_trailing_blanks():
    text = shown("table", [{"a": "long", "b": ""}, {"a": "x", "b": 2}], (Column("a"), Column("b")))
    assert text == "A     B\nlong\nx     2\n"


def test_the_widest_columns_give_way_at_the_edge_of_the_terminal():
    items = [{"a": "/srv/" + "x" * 60 + "/end.cfg", "b": "y" * 100, "c": "short"}]
    text = shown("table", items, (Column("a"), Column("b"), Column("c")), width=60)
    row = text.splitlines()[1]
    assert max(map(len, text.splitlines())) <= 60
    first, second, third = row.split()
    assert first.startswith("…") and first.endswith("/end.cfg")
    assert second.endswith("y…")
    assert third == "short"


def test_csv_quotes_and_has_the_keys_in_its_head():
    text = shown(
        "csv", [{"a": 'say "x", y', "b": {"c": 1}}], (Column("a"), Column("b.c", "title"))
    )
    assert text == 'a,b.c\n"say ""x"", y",1\n'


def test_a_key_with_a_dot_in_it_is_found():
    stream = io.StringIO()
    Output(stream, "value", columns=["a.b", "c.d"]).show_one({"a.b": 1, "c": {"d": 2}})
    assert stream.getvalue() == "1\n2\n"


def test_a_column_that_no_row_has_is_an_error():
    with pytest.raises(UsageError, match="no column z"):
        shown("json", [{"a": 1}], (Column("a"),), wanted=["z"])


def test_lengths_and_moments_are_worded_for_a_person():
    assert [length(s) for s in (0, 59.9, 60, 3600, 86400, 200000)] == [
        "0 s",
        "59 s",
        "1 min",
        "1 h",
        "1 day",
        "2 days",
    ]
    assert ago(100.0, 99.0) == "just now"
    assert clock_and_ago(0.0, 180.0).endswith("(3 min ago)")


def test_a_terminal_without_unicode_gets_escapes_and_no_error():
    done = subprocess.run(
        [sys.executable, "-m", "pelagos", "service", "list", "--help"],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"A,B,\\u2026" in done.stdout
