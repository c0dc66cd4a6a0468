"""directory.result: relations, unique ids and formatted columns of a source's rows."""

from __future__ import annotations

import logging

import pytest

from pelagos.directory import SourceResult, make_result_class
from pelagos.directory.model import RELATIONS


def test_relations_always_have_six_keys() -> None:
    result = make_result_class("s")({"a": 1})
    assert tuple(result.relations) == RELATIONS
    assert set(result.relations.values()) == {None}
    related = make_result_class("s", "id")({"id": 7}, user_id=7, xivo_id="x").relations
    assert related["source_entry_id"] == "7" and related["user_id"] == 7
    assert tuple(related) == RELATIONS


def test_an_unknown_relation_is_refused() -> None:
    with pytest.raises(TypeError, match="user_idd"):
        make_result_class("s")({}, user_idd=1)


def test_the_entry_id_is_the_raw_column_as_text() -> None:
    make = make_result_class("s", "id", {"id": "changed {id}"})
    result = make({"id": 12})
    assert result.source_entry_id() == "12" and result.fields["id"] == "changed 12"
    assert make({"id": None}).source_entry_id() is None, "not the text None"


def test_a_missing_unique_column_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    make = make_result_class("crm", "id")
    with caplog.at_level(logging.ERROR):
        assert [make({"a": n}).source_entry_id() for n in range(3)] == [None] * 3
    assert [record.getMessage() for record in caplog.records] == ["source crm: no column id"]


def test_columns_are_formatted_in_order_and_see_each_other() -> None:
    make = make_result_class("s", None, {"name": "{first} {last}", "shown": "{name} ({tel})"})
    fields = make({"first": "Ada", "last": None, "tel": "41"}).fields
    assert fields["name"] == "Ada" and fields["shown"] == "Ada (41)"


def test_what_is_empty_or_does_not_fit_is_none() -> None:
    make = make_result_class(
        "s", None, {"a": " {x} ", "b": "{list[3]}", "c": "{x.__class__}", "d": "{x:d}", "e": "{"}
    )
    fields = make({"x": "", "list": []}).fields
    assert [fields[c] for c in "abcde"] == [None] * 5


def test_a_broken_template_is_named_when_the_source_is_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_result_class("crm", None, {"name": "{first"})
    assert "source crm: template of name" in caplog.text


def test_a_result_is_a_copy_of_its_row() -> None:
    row = {"a": 1}
    result = make_result_class("s", None, {"b": "{a}"})(row)
    row["a"] = 2
    assert result.fields == {"a": 1, "b": "1"} and row == {"a": 2}


def test_results_are_equal_when_source_fields_and_relations_are() -> None:
    make = make_result_class("s", "id")
    assert make({"id": 1}) == make_result_class("s", "id", is_personal=True)({"id": 1})
    assert make({"id": 1}) != make({"id": 2})
    assert make({"id": 1}) != make_result_class("t", "id")({"id": 1})
    assert make({"id": 1}) != make({"id": 1}, user_id=1)
    assert isinstance(make({"id": 1}), SourceResult)
