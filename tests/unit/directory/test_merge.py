"""directory.merge: answers in the configured order, rows as the display says, always JSON."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.directory.merge import cell, column_values, merge, row
from pelagos.directory.model import Column, Display, SourceAnswer, SourceResult, SourceVerdict
from pelagos.directory.result import make_result_class


def answer(name: str, *rows: str, verdict: str = "answered") -> SourceAnswer:
    results = tuple(SourceResult({"name": text}, name) for text in rows)
    return SourceAnswer(SourceVerdict(name, verdict, 1.0), results)


def test_results_and_verdicts_keep_the_order_of_the_sources() -> None:
    merged = merge([answer("b", "z", "a"), answer("a", verdict="late"), answer("c", "z")])
    assert [(r.source, r.fields["name"]) for r in merged.results] == [
        ("b", "z"), ("b", "a"), ("c", "z"),
    ]  # fmt: skip
    assert [(v.name, v.verdict) for v in merged.sources] == [
        ("b", "answered"), ("a", "late"), ("c", "answered"),
    ]  # fmt: skip
    assert not merged.is_complete and merge([answer("b", verdict="empty")]).is_complete


@given(st.lists(st.lists(st.text(max_size=3), max_size=4), max_size=5))
def test_merging_drops_and_sorts_nothing(parts: list[list[str]]) -> None:
    merged = merge(answer(str(n), *rows) for n, rows in enumerate(parts))
    assert [r.fields["name"] for r in merged.results] == [text for rows in parts for text in rows]
    assert len(merged.sources) == len(parts)


def test_a_default_is_for_an_absent_field_only() -> None:
    display = Display((Column(field="a", default="-"), Column(field="b", default="-"), Column()))
    assert column_values(SourceResult({"a": None}, "s"), display, {}) == [None, "-", None]


def test_favorites_are_flagged_by_source_and_entry_id() -> None:
    display = Display((Column(field="fav", type="favorite"), Column(type="personal")))
    result = make_result_class("s", "id")({"id": 7, "fav": "overwritten"})
    favorites = {"s": {"7"}, "t": {"8"}}
    assert column_values(result, display, favorites) == [True, False]
    assert column_values(result, display, {"t": {"7"}}) == [False, False]
    assert column_values(SourceResult({}, "s"), display, {"s": {"None"}}) == [False, False]


def test_a_favorite_column_may_come_without_a_field() -> None:
    result = make_result_class("s", "id", is_personal=True)({"id": 7})
    display = Display((Column(type="favorite"), Column(type="personal")))
    assert column_values(result, display, {"s": ["7"]}) == [True, True]


def test_a_row_has_values_relations_and_source() -> None:
    result = make_result_class("s", "id")({"id": 7, "name": "Ada"})
    shown = row(result, Display((Column(field="name"), Column(field="id"))))
    assert shown["column_values"] == ["Ada", 7], "values keep their type"
    assert shown["source"] == "s" and shown["relations"]["source_entry_id"] == "7"
    assert len(shown["relations"]) == 6


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), (7, 7), (1.5, 1.5), ("é", "é"), ([1, ("a",)], [1, ["a"]]),
        ({"a": dt.date(2026, 1, 2)}, {"a": "2026-01-02"}), (decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (float("nan"), None), (float("inf"), None), (object(), None), (b"x", None),
        (1 << 65, None), ("\udc80", "?"), ({object(): 1}, {}), ({1, 2}, None),
        ({"\udc80": "\udc80"}, {"?": "?"}),
    ],
)  # fmt: skip
def test_a_cell_is_always_json(value: Any, expected: Any) -> None:
    assert cell(value) == expected
    json.dumps(cell(value), allow_nan=False)


LEAVES = st.none() | st.integers() | st.floats() | st.text() | st.binary()
VALUES = st.recursive(LEAVES, lambda v: st.lists(v) | st.dictionaries(st.text(), v))


@given(VALUES)
def test_whatever_a_row_holds_can_be_sent(value: Any) -> None:
    sent = json.dumps(cell(value), allow_nan=False).encode()
    assert json.loads(sent) == cell(value)
