"""Fingerprints, encoders, messages and exchanges: the form on the wire."""

from __future__ import annotations

import datetime as dt
import json
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.messaging import (
    EncodingError,
    Exchange,
    Fingerprint,
    JsonEncoder,
    Message,
    MessageCommand,
    MessageResult,
    MessageResultError,
    MessageResultException,
    MessageStatus,
    PoisonError,
    RpcCommand,
)
from pelagos.messaging.encoder import Encoder
from pelagos.messaging.message import check_body, read_result

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

SIX = {"name": "n", "type": "t", "pid": "7", "host": "h", "user": "u", "vhost": "/v"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "null"),
        (-math.inf, "null"),
        (b"xy", '"eHk="'),
        ({1}, "[1]"),
        (dt.date(2026, 1, 2), '"2026-01-02"'),
    ],
)
def test_what_json_has_no_form_for_is_written_as_its_nearest(value, written):
    assert JsonEncoder.encode({"is": value}) == b'{"is":%s}' % written.encode()


def test_a_fingerprint_has_its_six_facts_in_order() -> None:
    fingerprint = Fingerprint(**SIX)
    assert fingerprint.as_dict() == SIX
    assert list(fingerprint.as_dict()) == ["name", "type", "pid", "host", "user", "vhost"]
    assert fingerprint.as_tuple() == ("n", "t", "7", "h", "u", "/v")


def test_every_value_of_a_fingerprint_is_text() -> None:
    facts = Fingerprint(name=5, pid=12).as_dict()
    assert facts["name"] == "5" and facts["pid"] == "12"
    assert facts["type"] == "None"
    assert all(isinstance(value, str) and value for value in facts.values())


FORK = """
import os
from pelagos.messaging import Fingerprint, GenericProducer, connect
fingerprint = Fingerprint("forker")
producer = GenericProducer(fingerprint, bus=connect("memory:fork"))
child = os.fork()
if child == 0:
    own = str(os.getpid())
    os._exit(fingerprint.as_dict()["pid"] != own or producer.fingerprint["pid"] != own)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_reports_its_own_process_id() -> None:
    assert subprocess.run([sys.executable, "-c", FORK], check=False).returncode == 0


def test_the_wire_form_has_its_keys_in_order() -> None:
    command = MessageCommand("resize", {"size": 10})
    command.fingerprint(**SIX)
    assert JsonEncoder.encode(command.body).decode() == (
        '{"type":"command","name":"resize","category":"message","version":"2",'
        '"fingerprint":{"name":"n","type":"t","pid":"7","host":"h","user":"u","vhost":"/v"},'
        '"content":{"parameters":{"size":10}},"_reserved":{}}'
    )


@pytest.mark.parametrize(
    ("message", "type_", "category", "name", "content", "truth"),
    [
        (Message(), "none", "message", "none", {}, True),
        (Message(1, "b"), "none", "message", "none", {"args": [1, "b"]}, True),
        (Message(a=1), "none", "message", "none", {"kwds": {"a": 1}}, True),
        (MessageCommand("go"), "command", "message", "go", {"parameters": {}}, True),
        (MessageCommand("go", None), "command", "message", "go", {"parameters": None}, True),
        (MessageCommand(5, "x"), "command", "message", "5", {"parameters": "x"}, True),
        (RpcCommand("go", {"a": 1}), "command", "rpc", "go", {"parameters": {"a": 1}}, True),
        (MessageStatus("online"), "status", "message", "online", {}, True),
        (
            MessageResult(5, "five"),
            "result",
            "message",
            "none",
            {"type": "success", "value": 5, "message": "five"},
            True,
        ),
        (
            MessageResultError("no"),
            "result",
            "message",
            "none",
            {"type": "error", "value": None, "message": "no"},
            False,
        ),
        (
            MessageResultException("KeyError", "x"),
            "result",
            "message",
            "none",
            {"type": "exception", "value": "KeyError", "message": "x"},
            False,
        ),
    ],
)
def test_each_message_has_its_form_and_its_truth(
    message: Message, type_: str, category: str, name: str, content: object, truth: bool
) -> None:
    assert message.body["type"] == message.type == type_
    assert message.body["category"] == message.category == category
    assert message.body["name"] == name
    assert message.body["content"] == content
    assert (message.body["version"], message.body["_reserved"]) == ("2", {})
    assert bool(message) is truth
    assert check_body(message.body) is message.body


@pytest.mark.parametrize(
    "answer",
    [MessageResult([1], "one"), MessageResultError("no"), MessageResultException("KeyError", "x")],
)
def test_an_answer_is_read_as_what_it_was(answer: Message) -> None:
    answer.fingerprint(**SIX)
    read = read_result(JsonEncoder.decode(JsonEncoder.encode(answer.body)))
    assert read == answer and type(read) is type(answer) and bool(read) is bool(answer)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "not a message"),
        ({}, "not a message"),
        ({"content": 5}, "not a message"),
        ({"content": {}}, "unknown type None"),
        ({"content": {"type": "maybe"}}, "unknown type 'maybe'"),
        ({"content": {"type": "maybe"}, "fingerprint": 5}, "unknown type"),
    ],
)
def test_a_malformed_answer_is_an_error_result(data: object, said: str) -> None:
    read = read_result(data)
    assert isinstance(read, MessageResultError) and said in read.body["content"]["message"]


def test_an_answer_of_an_old_server_without_fingerprint_is_read() -> None:
    old = MessageResult(5).body | {"fingerprint": {}, "version": 2}
    assert read_result(old) == MessageResult(5)
    del old["fingerprint"], old["content"]["message"]
    assert read_result(old) == MessageResult(5)


@given(json_values)
def test_any_json_is_read_as_an_answer(data: object) -> None:
    assert read_result(data).type == "result"


def test_a_fingerprint_may_be_anything_that_can_be_turned_into_one() -> None:
    class Own:
        def as_dict(self) -> dict[str, str]:
            return SIX

    assert Fingerprint.of(SIX) == Fingerprint.of(Own()) == Fingerprint(**SIX)
    for wrong in (5, {"nmae": "x"}):
        with pytest.raises(TypeError):
            Fingerprint.of(wrong)


def test_messages_are_equal_when_their_bodies_are() -> None:
    assert MessageCommand("a", {"x": 1}) == MessageCommand("a", {"x": 1})
    assert MessageCommand("a") != RpcCommand("a")
    assert MessageCommand("a") != "a"
    assert MessageStatus("a") != MessageStatus("b")


def test_the_parameters_of_two_messages_are_not_shared() -> None:
    first, second = MessageCommand("a"), MessageCommand("a")
    first.body["content"]["parameters"]["x"] = 1
    assert second.body["content"]["parameters"] == {}


def test_saying_who_sends_keeps_what_was_said_before() -> None:
    message = MessageStatus("online")
    message.fingerprint(name="a", pid=3)
    message.fingerprint(name="b")
    assert message.body["fingerprint"] == {"name": "b", "pid": "3"}


def body(**changes: Any) -> dict[str, Any]:
    return MessageCommand("go").body | changes


@pytest.mark.parametrize("version", ["2", 2])
def test_version_two_is_read_as_text_and_as_a_number(version: object) -> None:
    assert check_body(body(version=version))["version"] == version


def test_what_old_senders_leave_out_is_not_missed() -> None:
    old = body()
    for key in ("version", "fingerprint", "_reserved"):
        del old[key]
    assert check_body(old) is old


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        ([], "not a mapping but of type list"),
        (None, "not a mapping"),
        ("text", "not a mapping"),
        ({}, "'type' is missing"),
        ({key: value for key, value in body().items() if key != "name"}, "'name' is missing"),
        (body(name=5), "'name' has the wrong type int"),
        (body(name=None), "'name' has the wrong type NoneType"),
        (body(content="x"), "'content' has the wrong type str"),
        (body(category="rcp"), "'category' is neither"),
        (body(version="3"), "'version' is not 2"),
        (body(version=True), "'version' is not 2"),
        (body(fingerprint=[]), "'fingerprint' is not a mapping"),
    ],
)
def test_what_is_no_message_is_named(data: object, cause: str) -> None:
    with pytest.raises(PoisonError) as poison:
        check_body(data)
    assert cause in poison.value.cause
    assert cause in str(poison.value)


@given(json_values)
def test_any_json_is_a_message_or_named_poison(data: object) -> None:
    cause = ""
    try:
        assert check_body(data) is data
    except PoisonError as poison:
        cause = poison.cause
    assert bool(cause) == (not isinstance(data, dict) or "name" not in data)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_what_json_encodes_it_decodes(content: dict[str, Any]) -> None:
    message = Message(**content)
    assert JsonEncoder.decode(JsonEncoder.encode(message.body)) == message.body
    assert json.loads(JsonEncoder.encode(message.body)) == message.body


@given(st.binary(max_size=60))
def test_bytes_that_are_not_json_are_an_error_of_ours(data: bytes) -> None:
    said = "JSON"
    try:
        JsonEncoder.decode(data)
    except EncodingError as error:
        said = str(error)
    assert "JSON" in said


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"{", b"[" * 100_000, b'{"a":' * 50_000, b'"\xed\xa0\x80"', b"1e999999"]
)
def test_hostile_bodies_are_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(EncodingError):
        JsonEncoder.decode(data)


@pytest.mark.parametrize("data", [{"a": object()}, "\ud800", {1j: 2}])
def test_content_that_json_cannot_hold_is_an_error_of_ours(data: object) -> None:
    with pytest.raises(EncodingError):
        JsonEncoder.encode(data)


def test_the_base_encoder_changes_nothing() -> None:
    assert (Encoder.content_type, JsonEncoder.content_type) == ("", "application/json")
    assert Encoder.encode("x") == "x" and Encoder.decode(b"x") == b"x"


def test_an_exchange_is_described_by_its_attributes() -> None:
    class Events(Exchange):
        name = "events"
        exchange_type = "topic"
        auto_delete = True

    expected = {
        "exchange": "events",
        "exchange_type": "topic",
        "passive": False,
        "durable": True,
        "auto_delete": True,
    }
    assert Events.parameters == expected
    assert Events().parameters == expected
    assert Exchange.parameters["exchange"] == "noname"
    assert Exchange.parameters["exchange_type"] == "direct"
