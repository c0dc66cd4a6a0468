"""--filter and --sort: the same of every list."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.cli.failures import UsageError
from pelagos.cli.launch import load
from pelagos.cli.output import Column, Output
from pelagos.cli.selection import FilterArgument, Selection, SortArgument, ordered
from pelagos.cli.tree import Node, pelagos_tree

FILTER = FilterArgument("x", "--filter")
SORT = SortArgument("x", "--sort")
ROWS = [
    {"name": "web10", "size": 3, "up": True, "cause": {"code": "ok"}, "tags": ["a", "blue"]},
    {"name": "web9", "size": 12, "up": False, "cause": {"code": "error"}, "tags": []},
    {"name": "DB", "size": None, "up": True, "cause": {"code": "ok"}, "tags": ["b"]},
]


def names(conditions: tuple[str, ...] = (), order: str = "", rows: Any = ROWS) -> list[str]:
    selection = Selection(
        [FILTER.parse_one(one) for one in conditions], SORT.parse_one(order) if order else ()
    )
    stream = io.StringIO()
    columns = (Column("name"), Column("cause.code", "state"))
    Output(stream, "json", selection=selection).show_list(rows, columns)
    return [row["name"] for row in json.loads(stream.getvalue())]


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        (("name=web10",), ["web10"]),
        (("name=WEB*",), ["web10", "web9"]),
        (("name=*b*",), ["web10", "web9", "DB"]),
        (("name!=web*",), ["DB"]),
        (("name~B1",), ["web10"]),
        (("size=12",), ["web9"]),
        (("size=",), ["DB"]),
        (("size!=",), ["web10", "web9"]),
        (("up=yes",), ["web10", "DB"]),
        (("up=false",), ["web9"]),
        (("tags=blue",), ["web10"]),
        (("tags!=blue",), ["web9", "DB"]),
        (("tags=",), []),
        (("cause.code=ok", "name~web"), ["web10"]),
        (("state=error",), ["web9"]),
        (("name=web[19]*",), []),
        (("name=a=b",), []),
    ],
)
def test_conditions_leave_the_rows_that_are_so(conditions: tuple[str, ...], left: list[str]):
    assert names(conditions) == left


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("name", ["DB", "web9", "web10"]),
        ("-name", ["web10", "web9", "DB"]),
        ("size", ["web10", "web9", "DB"]),
        ("size:desc", ["web9", "web10", "DB"]),
        ("up,-size", ["web9", "web10", "DB"]),
        ("state,name", ["web9", "DB", "web10"]),
    ],
)
def test_rows_come_in_the_order_of_keys(order: str, found: list[str]):
    assert names(order=order) == found


VALUES = st.none() | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.text()


@given(st.lists(VALUES | st.lists(VALUES, max_size=2), max_size=20), st.booleans())
def test_whatever_the_values_are_they_can_be_sorted_and_none_is_lost(values, is_down: bool):
    rows = [{"key": value, "at": position} for position, value in enumerate(values)]
    found = ordered(rows, [("key", is_down)])
    assert sorted(row["at"] for row in found) == list(range(len(rows)))
    assert ordered(found, [("key", is_down)]) == found


def test_numbers_of_any_length_are_compared():
    rows = [{"n": "9" * 5000}, {"n": "1" + "0" * 5000}, {"n": "007"}, {"n": "7"}]
    assert ordered(rows, [("n", False)]) == [rows[2], rows[3], rows[0], rows[1]]


def test_a_list_that_comes_bit_by_bit_is_filtered_bit_by_bit():
    taken = []

    def rows():
        for number in range(2000):
            taken.append(number)
            yield {"name": str(number)}

    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            if "1" in text and "taken" not in seen:
                seen["taken"] = len(taken)
            return super().write(text)

    seen: dict[str, int] = {}
    stream = Watched()
    selection = Selection([FILTER.parse_one("name~1")])
    Output(stream, "value", selection=selection).show_list(rows(), (Column("name"),))
    assert seen["taken"] < 2000
    assert len(stream.getvalue().splitlines()) == sum("1" in str(one) for one in range(2000))


def test_a_key_that_no_row_has_is_refused_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        names(("nmae=x",))
    assert caught.value.hint == "did you mean name?"
    with pytest.raises(UsageError, match="there is no column stat"):
        names(order="stat")


@pytest.mark.parametrize("text", ["name", "=x", "", " =x"])
def test_what_is_no_condition_is_refused(text: str):
    with pytest.raises(UsageError) as caught:
        FILTER.parse_one(text)
    assert "KEY=VALUE" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", "a,,b", "-", "a:up", ":desc"])
def test_what_is_no_order_is_refused(text: str):
    with pytest.raises(UsageError) as caught:
        SORT.parse_one(text)
    assert "KEY:desc" in str(caught.value.hint)


def test_of_nothing_every_key_will_do_where_none_is_declared():
    assert names(("x=1",), "y", rows=[]) == []


def test_a_table_says_that_rows_were_left_out_and_not_that_there_are_none():
    stream = io.StringIO()
    selection = Selection([FILTER.parse_one("name=x")])
    Output(stream, selection=selection).show_list(ROWS, (Column("name"),), empty="nothing there")
    assert stream.getvalue() == "--filter leaves none of 3\n"


def test_a_limit_counts_what_is_left():
    stream = io.StringIO()
    selection = Selection([FILTER.parse_one("name~web")], SORT.parse_one("name"))
    output = Output(stream, "value", selection=selection)
    output.show_list(ROWS, (Column("name"),), limit=1)
    assert stream.getvalue() == "web9\n"


def test_one_thing_is_not_sorted():
    output = Output(io.StringIO(), selection=Selection((), [("name", False)]))
    with pytest.raises(UsageError, match="--filter and --sort are for lists"):
        output.show_one(ROWS[0])


def test_columns_are_named_by_their_headings_too():
    stream = io.StringIO()
    output = Output(stream, "json", columns=["name", "State"])
    output.show_list(ROWS[:1], (Column("name"), Column("cause.code", "state")))
    assert json.loads(stream.getvalue()) == [{"name": "web10", "cause.code": "ok"}]


@pytest.mark.parametrize("node", list(pelagos_tree().root.walk()), ids=lambda node: node.line)
def test_what_is_called_a_list_is_filtered_and_sorted(node: Node):
    command = load(node)
    assert command.lists or node.terms[-1] != "list"
    assert command.shows or not command.lists


def test_the_options_reach_the_list(world):
    services = [world.service(name) for name in ("web10", "web9", "db")]
    world.routes["GET /v1/services"] = world.page(services)
    ran = world.run("service", "list", "-o", "value", "--columns", "name", "--sort", "-name")
    assert ran.out == "web10\nweb9\ndb\n"
    ran = world.run("service", "list", "--filter", "name=web*", "--sort=name", "-o", "value")
    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["web9", "web10"]
    ran = world.run("service", "list", "--filter", "nam=x")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean name?" in ran.err


def test_events_that_are_followed_are_filtered_and_never_sorted(world):
    ran = world.run("events", "--follow", "--sort", "id")
    assert ran.code == 2
    assert "--follow and --sort exclude each other" in ran.err
    stream = io.StringIO()
    output = Output(stream, selection=Selection([FILTER.parse_one("name~web")]))
    assert [output.admits(row) for row in ROWS] == [True, True, False]


def test_a_command_that_shows_one_thing_takes_no_sort(world):
    ran = world.run("service", "info", "hello", "--sort", "name")
    assert ran.code == 2
    assert "unknown option: --sort" in ran.err
