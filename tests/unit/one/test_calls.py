"""Every call of the table: with right arguments it is sent, with wrong ones nothing is."""

import json
from typing import Any

import pytest

from pelagos.one import methods
from pelagos.one.errors import OneCallException, OneException, OneUnknownException
from support.one_answers import DATA, SESSION, fault_answer, server, text_answer, value_answer

RECORDED = json.loads((DATA / "methods.json").read_text(encoding="utf-8"))["methods"]
KINDS = {"int": "i", "string": "s", "boolean": "b", "i8": "l", "array of int": "I"}
VALUES: dict[str, Any] = {"i": 1, "l": 2**40, "s": "x", "b": True, "I": [1, 2]}
WIRE = {
    "i": b"<i4>1</i4>",
    "l": b"<i8>1099511627776</i8>",
    "s": b"<string>x</string>",
    "b": b"<boolean>1</boolean>",
    "I": b"<array>",
}
ALL = methods.all_methods()
each = pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)


def call(one: Any, method: methods.Method) -> Any:
    return getattr(getattr(one, method.resource), method.call)


def test_the_table_is_what_the_daemon_registers() -> None:
    assert len(ALL) == len(RECORDED) == 307
    for method, recorded in zip(ALL, RECORDED, strict=True):
        assert method.name == recorded["method"]
        assert method.summary == recorded["summary"] and method.since == recorded["since"]
        assert method.is_internal == bool(recorded.get("internal"))
        assert [p.kind for p in method.parameters] == [
            KINDS[p["type"]] for p in recorded["params"]
        ]
        assert [p.is_required for p in method.parameters] == [
            p["required"] for p in recorded["params"]
        ]
        assert [p.default for p in method.parameters if not p.is_required] == [
            p["default"] for p in recorded["params"] if not p["required"]
        ]
        if recorded["result"] == "xml":
            assert method.result == recorded["result_root"]


@each
def test_a_call_sends_its_arguments_behind_the_session(method: methods.Method) -> None:
    one, transport = server(value_answer(True, 7, 0))
    arguments = [VALUES[parameter.kind] for parameter in method.parameters]
    named = {p.name: VALUES[p.kind] for p in method.parameters}
    assert call(one, method)(*arguments) == 7
    assert call(one, method)(**named) == 7
    first, second = (request.body for request in transport.requests)
    assert isinstance(first, bytes)
    assert first == second
    values = first.split(b"<param>")[1:]
    assert SESSION.encode() in values[0]
    assert len(values) == 1 + len(arguments)
    for value, parameter in zip(values[1:], method.parameters, strict=True):
        assert WIRE[parameter.kind] in value


@each
def test_a_wrong_call_sends_nothing(method: methods.Method) -> None:
    one, transport = server(value_answer(True, 7, 0))
    right = [VALUES[parameter.kind] for parameter in method.parameters]
    required = [p for p in method.parameters if p.is_required]
    with pytest.raises(OneCallException, match="arguments and got"):
        call(one, method)(*right, 1)
    with pytest.raises(OneCallException, match="has no parameter"):
        call(one, method)(*right[: len(required)], no_such=1)
    if required:
        with pytest.raises(OneCallException, match=f"needs .*{required[-1].name}"):
            call(one, method)(*right[: len(required) - 1])
    for place, parameter in enumerate(method.parameters):
        wrong = "x" if parameter.kind in "ilb" else 1.5
        for value in (wrong, None):
            with pytest.raises(OneCallException, match=parameter.name):
                call(one, method)(*right[:place], value, *right[place + 1 :])
    assert transport.requests == []


def test_numbers_and_booleans_are_made_what_the_daemon_wants() -> None:
    one, transport = server(value_answer(True, 7, 0))
    one.vm.deploy(True, 3, 1)  # type: ignore[arg-type]  # as programs write it
    body = transport.requests[0].body
    assert isinstance(body, bytes)
    assert b"<i4>1</i4>" in body and b"<boolean>1</boolean>" in body
    with pytest.raises(OneCallException, match="takes boolean as 'enforce' and got int 2"):
        one.vm.deploy(0, 3, 2)  # type: ignore[arg-type]


def test_what_stands_before_a_given_argument_is_sent_as_its_default() -> None:
    one, transport = server(value_answer(True, 7, 0))
    one.vm.deploy(5, 3, datastore_id=100)
    body = transport.requests[0].body
    assert isinstance(body, bytes)
    assert [value in body for value in (b"<i4>5<", b"<boolean>0<", b"<i4>100<")] == [True] * 3
    assert body.count(b"<param>") == 5


def test_a_misspelt_name_says_the_nearest() -> None:
    one, transport = server(b"")
    one_any: Any = one
    for path, hint in [
        ("vms.info", "did you mean 'vm'?"),
        ("vm.inof", "did you mean 'info'?"),
        ("vmpool.itr", "did you mean 'iter'?"),
    ]:
        resource, name = path.split(".")
        with pytest.raises(OneUnknownException) as caught:
            getattr(getattr(one_any, resource), name)
        assert caught.value.hint == hint
    assert not hasattr(one, "nothing_like_it") and not hasattr(one.vm, "frobnicate")
    assert transport.requests == []


def test_completion_knows_everything() -> None:
    one, _ = server(b"")
    assert {"vm", "vmpool", "acl", "batch", "close"} <= set(dir(one))
    assert {"info", "wait", "deploy"} <= set(dir(one.vm))
    assert repr(one.vm.info) == "<one.vm.info(id, decrypt=False)>"
    assert one.vm.info.__doc__ == "vm.info(id, decrypt=False): one virtual machine."


def test_any_call_by_its_name() -> None:
    one, transport = server(text_answer("<VM><ID>7</ID></VM>"))
    assert one.call("one.vm.info", 7).ID == one.call("vm.info", id=7).ID == 7
    one.call("one.vm.teleport", 7, "mars")
    body = transport.requests[-1].body
    assert isinstance(body, bytes) and b"one.vm.teleport" in body and b"mars" in body
    with pytest.raises(OneUnknownException):
        one.call("one.vm.teleport", place="mars")


def test_the_way_in_keeps_its_secret() -> None:
    one, _ = server(fault_answer(-501, "Not enough parameters"))
    with pytest.raises(OneException) as caught:
        one.vm.info(7)
    for text in (repr(one), str(caught.value), repr(caught.value), repr(one.vm.info)):
        assert "s3cret" not in text
    assert repr(one) == "OneServer('http://one.example:2633/RPC2', user='oneadmin')"
