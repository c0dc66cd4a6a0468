"""What a schema finds, in words, and what it may not do."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pelagos.core.json_schema import Budget, SchemaError, check

SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["size"],
    "additionalProperties": False,
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "mode": {"enum": ["fast", "safe"]},
        "password": {"type": "string", "minLength": 8},
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        "backup": {
            "type": "object",
            "properties": {
                "hours": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
            },
        },
        "place": {
            "oneOf": [
                {"type": "string", "maxLength": 3},
                {"type": "object", "properties": {"port": {"type": "integer"}}},
            ]
        },
    },
}


def told(value: object, schema: object = SCHEMA, **more: Any) -> list[str]:
    return [str(problem) for problem in check(value, schema, name="parameters", **more)]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({}, "parameters.size is missing; it must be a whole number"),
        ({"size": "ten"}, "parameters.size is 'ten'; it must be a whole number"),
        ({"size": 10}, "parameters.size is 10; it must be at most 9"),
        ({"size": True}, "parameters.size is true; it must be a whole number"),
        ({"size": 1, "sise": 2}, "parameters.sise is not known; did you mean size?"),
        ({"size": 1, "mode": "x"}, "parameters.mode is 'x'; it must be one of: 'fast', 'safe'"),
        (
            {"size": 1, "backup": {"hours": ["x"]}},
            "parameters.backup.hours[0] is 'x'; it must be a whole number",
        ),
        (
            {"size": 1, "backup": {"hours": [1, 1]}},
            "parameters.backup.hours is a list of 2; no two of its items may be equal",
        ),
        (
            {"size": 1, "password": "hunter2"},
            "parameters.password has a value that is not shown; it must have at least 8 characters",  # noqa: E501
        ),
        (
            {"size": 1, "name": "Ab"},
            "parameters.name is 'Ab'; it must match the pattern '^[a-z]+$'",
        ),
        (
            {"size": 1, "place": {"port": "x"}},
            "parameters.place.port is 'x'; it must be a whole number",
        ),
        (
            {"size": 1, "place": "long"},
            "parameters.place is 'long'; it must have at most 3 characters",
        ),
        ([], "parameters is a list of 0; it must be an object"),
    ],
)
def test_a_problem_has_a_path_and_plain_words(value: object, says: str) -> None:
    assert told(value) == [says]


def test_what_fits_has_no_problem() -> None:
    assert told({"size": 3, "mode": "safe", "backup": {"hours": [1, 2]}, "place": "abc"}) == []


def test_the_draft_that_the_schema_names_counts() -> None:
    old = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3}
    old["exclusiveMaximum"] = True  # in draft 4 a flag, later a number
    assert told(3, old) and not told(2, old)
    with pytest.raises(SchemaError):
        check(3, {**old, "$schema": "http://json-schema.org/draft-07/schema#"})


def test_references_lead_to_what_was_passed_in_and_nowhere_else() -> None:
    schema = {"properties": {"port": {"$ref": "parts/port.json#/definitions/port"}}}
    port = {"definitions": {"port": {"type": "integer"}}}
    base = "http://example.org/a/schema.json"
    known = {"http://example.org/a/parts/port.json": port}
    assert told({"port": "x"}, schema, base=base, resources=known) == [
        "parameters.port is 'x'; it must be a whole number"
    ]
    with pytest.raises(SchemaError, match="unknown"):
        check({"port": "x"}, schema, base=base)
    with pytest.raises(SchemaError, match="unknown"):
        check(1, {"$ref": "http://127.0.0.1:1/x.json"})


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "(a|a|a|a|a)*b"},
        {"pattern": "((a{1,50})*)x"},
        {"pattern": "(a?){30}a{30}"},
        {"patternProperties": {"(x+x+)+y": {}}},
        {"properties": {"a": {"items": [{"patternProperties": {"^(([a-z])+.)+$": {}}}]}}},
        {"pattern": "a" * 2000},
        {"type": "nothing"},
        "text",
        {"$ref": "#"},
        {"pattern": "("},
        {
            "$ref": "#/$defs/0",
            "$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 4} for n in range(30)}
            | {"30": {}},
        },
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_soon(schema: Any) -> None:
    began = time.thread_time()
    with pytest.raises(SchemaError):
        check("a" * 40 + "!", schema)
    assert time.thread_time() - began < 5


def test_slow_checks_of_long_values_are_left_out() -> None:
    began = time.thread_time()
    for pattern in ("^(a+)+$", "(a|a)*b", "^(a?a)*b$"):
        assert check("a" * 40 + "!", {"pattern": pattern}) == ()
        check("a" * 15 + "!", {"pattern": pattern})
    host = {"pattern": "^[a-z]+([.][a-z]+)*$"}
    assert not check("web.example", host) and check("Web.example", host)
    assert check("a" * 100_000, {"pattern": "^.*a.*b.*c.*d$"}) == ()
    assert check([{"a": n} for n in range(50_000)], {"uniqueItems": True}) == ()
    assert time.thread_time() - began < 5


HOSTILE: dict[str, tuple[Any, Any]] = {
    "an unsuspicious pattern on many texts": (
        ["a" * 55 + "!"] * 18_000,
        {"items": {"pattern": "^[a-z]+[0-9a-z]*[a-z]+$"}},
    ),
    "many cheap patterns on one text": ("a" * 3000, {"allOf": [{"pattern": "[a-z]*!$"}] * 5000}),
    "many choices of many": (
        list(range(5000)),
        {"items": {"anyOf": [{"enum": list(range(-300, 0))}] * 60}},
    ),
    "patterns of names": (
        {"a" * 200 + str(number): 1 for number in range(5000)},
        {"patternProperties": {f"^[a-z]*[0-9]*x{number}$": {} for number in range(50)}},
    ),
    "a long name": ({"a" * 500_000: 1}, {"patternProperties": {"[a-z]*[a-z]!": {}}}),
    "strangers beside patterns": (
        {"a" * 200 + str(number): 1 for number in range(5000)},
        {
            "patternProperties": {f"^[a-z]*[0-9]*x{number}$": {} for number in range(50)},
            "additionalProperties": False,
        },
    ),
    "objects that may be alike": ([{"a": [number] * 50} for number in range(3000)], {
        "items": {"uniqueItems": True}, "uniqueItems": True,
    }),
    "rules that mean nothing": ([1] * 300_000, {"items": {f"x{n}": 1 for n in range(15_000)}}),
    "many rules": ([1] * 300_000, {"items": {"allOf": [{"minimum": 0}] * 100}}),
    "what nothing evaluates": (
        {str(number): number for number in range(3000)},
        {"allOf": [{"properties": {"a": {}}}] * 3000, "unevaluatedProperties": False},
    ),
    "strangers": (
        {f"strange{number}" * 5: number for number in range(20_000)},
        {"properties": {f"known{n}" * 5: {} for n in range(5000)}, "additionalProperties": False},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_schema_makes_a_check_take_long(name: str) -> None:
    value, schema = HOSTILE[name]
    check(1, {})  # loads the library
    began = time.thread_time()
    try:
        problems = check(value, schema)
    except SchemaError:
        problems = ()
    assert time.thread_time() - began < 3
    assert len(problems) <= 100


def test_a_large_schema_is_refused_before_it_is_looked_at() -> None:
    began = time.thread_time()
    with pytest.raises(SchemaError, match="too large"):
        check("a", {"allOf": [{"pattern": "[a-z]*!$"}] * 80_000})
    with pytest.raises(SchemaError, match="too large"):
        check("a", {"$ref": "x:y"}, resources={"x:y": {"enum": list(range(50_000))}})
    assert time.thread_time() - began < 1


def test_the_largest_schema_that_is_taken_is_soon_known() -> None:
    check(1, {})
    began = time.thread_time()
    schema = {"properties": {str(n): {"type": "string", "minLength": 1} for n in range(6000)}}
    assert check({"1": ""}, schema)
    assert time.thread_time() - began < 4


def test_what_passes_before_the_first_check_is_not_of_the_budget() -> None:
    budget = Budget(seconds=0.5)
    until = time.thread_time() + 0.6  # the library is loaded, say
    while time.thread_time() < until:
        pass
    assert check([1] * 200, {"items": {"type": "integer"}}, budget=budget) == ()


def test_checks_that_belong_together_share_one_budget() -> None:
    budget = Budget(steps=200)
    for _ in range(3):
        check([1] * 10, {"items": {"type": "integer"}}, budget=budget)
    with pytest.raises(SchemaError, match="takes too long"):
        check([1] * 1000, {"items": {"type": "integer"}}, budget=budget)
    check([1] * 100, {"items": {"type": "integer"}})


@pytest.mark.parametrize("part", [{"properties": 5}, {"items": [5]}, {"required": 3}, 7])
def test_a_broken_schema_that_is_referred_to_is_told(part: object) -> None:
    with pytest.raises(SchemaError):
        check({"a": [1]}, {"$ref": "x:y", "properties": {"a": {"$ref": "x:y"}}},
              resources={"x:y": part})  # fmt: skip


def test_plain_values_of_a_long_list_are_compared() -> None:
    names = [str(number) for number in range(20_000)]
    assert check(names, {"uniqueItems": True}) == ()
    assert check([*names, "7"], {"uniqueItems": True})
