"""Every call of the table against a server that is strict about its arguments."""

from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.one import OneServer, methods
from pelagos.one.errors import OneException, OneFaultException

MISSING, UNKNOWN = -501, -506
VALUES: dict[str, Any] = {"i": 987_654, "l": 2**40, "s": "x", "b": False, "I": [1]}
WRONG: dict[str, Any] = {"i": "x", "l": "x", "s": 1, "b": 1, "I": 1}
ALL = [method for method in methods.all_methods() if not method.is_internal]


@pytest.fixture(scope="module")
def one() -> Iterator[OneServer]:
    with Box(pace=0) as box, OneServer(box.one_url, session=box.one.session()) as one:
        yield one


def code_of(one: OneServer, method: methods.Method, arguments: list[Any]) -> int:
    """0 for an answer; arguments are sent as they are."""
    try:
        one.send(method.name, arguments, may_repeat=False)
    except OneFaultException as fault:
        return fault.code
    except OneException as error:
        return error.code or 1
    return 0


@pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)
def test_right_missing_extra_and_wrong_arguments(one: OneServer, method: methods.Method) -> None:
    right = [VALUES[parameter.kind] for parameter in method.parameters]
    assert code_of(one, method, right) >= 0
    assert code_of(one, method, [*right, 1]) >= 0
    required = [parameter for parameter in method.parameters if parameter.is_required]
    if required:
        assert code_of(one, method, right[: len(required) - 1]) == MISSING
        place = len(required) - 1
        wrong = [*right[:place], WRONG[required[-1].kind]]
        assert code_of(one, method, wrong) == MISSING


def test_what_daemons_say_to_each_other_stays_away(one: OneServer) -> None:
    internal = [method for method in methods.all_methods() if method.is_internal]
    assert len(internal) == 9
    for method in internal:
        assert code_of(one, method, [VALUES[p.kind] for p in method.parameters]) == UNKNOWN


def test_types_and_required_parameters_are_those_of_the_table() -> None:
    letters = {"i": "i", "s": "s", "b": "b", "I": "a"}
    with Box(pace=0) as box:
        answered = {method.name: (method.types, method.needed) for method in box.one.methods()}
    assert answered == {
        method.name: (
            "".join(letters[parameter.kind] for parameter in method.parameters),
            sum(parameter.is_required for parameter in method.parameters),
        )
        for method in ALL
    }


def test_a_template_that_is_read_and_sent_back_stays_what_it_is(one: OneServer) -> None:
    made = {
        "NAME": "t",
        "A": "",
        "TEXT": 'a "b" <c> & d\n e',
        "DISK": [{"SIZE": "1"}, {"SIZE": "2"}],
    }
    template_id = one.template.allocate({"TEMPLATE": made})
    before = one.template.info(template_id).TEMPLATE
    one.template.update(template_id, before)
    assert before == one.template.info(template_id).TEMPLATE
    assert before["TEXT"] == made["TEXT"] and before["A"] == ""
    assert [disk["SIZE"] for disk in before.DISK] == ["1", "2"]
