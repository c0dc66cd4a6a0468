"""Answers of every kind, whole, cut, and hostile."""

import contextlib
import copy
import json
import pickle
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.clock import ManualClock
from pelagos.core.http import HttpProtocolError, HttpTimeout, HttpTlsError, Request, Response
from pelagos.one import errors
from pelagos.one.errors import BY_CODE, OneAnswerException, OneException
from pelagos.one.results import Element
from pelagos.one.xmlrpc.answer import Flowing, read_answer
from pelagos.one.xmlrpc.request import encode_call
from pelagos.one.xmlrpc.values import Fault, decode_answer
from support.one_answers import (
    DATA,
    SESSION,
    fault_answer,
    sample,
    server,
    text_answer,
    value_answer,
)

#: What XML and OpenNebula both take.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"], max_codepoint=0xFFFD)
    | st.sampled_from("\n\t<>&]['\"")
)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return iter([data[place : place + size] for place in range(0, len(data), size)])


@given(TEXTS, st.integers(1, 300), st.booleans())
def test_a_text_comes_through_however_it_is_cut(text: str, size: int, is_long: bool) -> None:
    text = text * 200 if is_long else text
    answer = read_answer(pieces(text_answer(text), size))
    got = b"".join(answer.pieces).decode() if isinstance(answer, Flowing) else answer[1]
    assert got == text


@given(st.lists(TEXTS | st.booleans() | st.integers(-(2**31), 2**63 - 1), max_size=5))
def test_what_is_encoded_is_what_a_server_decodes(values: list[Any]) -> None:
    assert decode_answer(value_answer(*values)) == values
    import xmlrpc.client  # noqa: PLC0415  # the judge

    params, method = xmlrpc.client.loads(encode_call("one.x.y", values))
    assert method == "one.x.y" and list(params) == values


@pytest.mark.parametrize("text", ["\x00", "a\x1bb", "\ud800", "\ufffe", "\U0001f600"])
def test_a_character_that_the_daemon_refuses_is_not_sent(text: str) -> None:
    one, transport = server(b"")
    with pytest.raises(errors.OneValueException, match="parameter 2 of"):
        one.vm.rename(1, text)
    assert transport.requests == []


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_a_number_of_more_than_64_bits_is_not_sent(value: int) -> None:
    one, _ = server(b"")
    with pytest.raises(errors.OneValueException):
        one.vm.info(value)


@pytest.mark.parametrize("code", BY_CODE)
@pytest.mark.parametrize("rest", [[], [99], [99, -1]])
def test_each_code_has_its_class_and_its_facts(code: int, rest: list[int]) -> None:
    one, _ = server(value_answer(False, "[one.vm.info] Error.", code, *rest))
    with pytest.raises(BY_CODE[code]) as caught:
        one.vm.info(99)
    error = caught.value
    assert (error.code, error.method, error.message) == (
        code,
        "one.vm.info",
        "[one.vm.info] Error.",
    )
    assert error.object_id == (99 if rest else None)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and again.code == code


def test_an_unknown_code_is_kept() -> None:
    one, _ = server(value_answer(False, "what?", 0x40000, -1, -1))
    with pytest.raises(OneException) as caught:
        one.vm.info(99)
    assert type(caught.value) is OneException and caught.value.code == 0x40000
    assert caught.value.object_id is None


@pytest.mark.parametrize(
    "path",
    sorted((DATA / "samples").glob("err_*.json")),
    ids=lambda path: path.stem,
)
def test_recorded_failures(path: Any) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    answer = recorded["answer"]
    one, _ = server(value_answer(*answer))
    if answer[0]:  # it was no failure after all
        assert one.call(recorded["call"], *recorded["args"]) == answer[1]
        return
    with pytest.raises(BY_CODE[answer[2]]) as caught:
        one.call(recorded["call"], *recorded["args"])
    assert caught.value.message == answer[1]


def test_a_fault_is_an_error_of_the_same_tree() -> None:
    one, _ = server(fault_answer(-506, "Method 'one.vm.x' not defined"))
    with pytest.raises(errors.OneFaultException, match="not defined") as caught:
        one.vm.info(1)
    assert caught.value.code == -506


@pytest.mark.parametrize("text", ["", " ", "7.5.80", "12 13", "é€"])
def test_answers_that_are_only_text(text: str) -> None:
    one, _ = server(text_answer(text))
    assert one.system.version() == text


def test_whatever_is_cut_off_is_an_error_and_never_less_data() -> None:
    whole = text_answer(sample("vmpool_page_range.xml"))
    end_of_it = len(whole.rstrip())
    for end in [*range(500), *range(500, end_of_it, 97), *range(end_of_it - 230, end_of_it)]:
        one, _ = server(whole[:end])
        with pytest.raises(OneAnswerException):
            one.vmpool.info(-2, -1, -1, -1)


HOSTILE = [
    b"",
    b"hello",
    b"<html><body>502</body></html>",
    b"<methodResponse></methodResponse>",
    b"<methodResponse><params><param><value><i4>x</i4></value></param></params></methodResponse>",
    b'<!DOCTYPE a [<!ENTITY a "b">]><methodResponse/>',
    b"<methodResponse>" + b"<value><array><data>" * 100,
    value_answer(1, 2, 3),
    value_answer(),
    value_answer("x"),
    text_answer("x").replace(b"<boolean>1", b"<boolean>7"),
    text_answer("x").replace(b"x</string>", b"&foo;</string>"),
    text_answer("x").replace(b"x</string>", b"a & b</string>"),
    text_answer("x").replace(b"x</string>", b"&#0;</string>"),
    text_answer("x").replace(b"x</string>", b"\xff</string>"),
    text_answer("x").replace(b"x</string>", b"<b/></string>"),
    text_answer("x") + b"more",
    text_answer("<VM><ID>1</VM>"),
    text_answer("<VM><ID>\x01</ID></VM>"),
    text_answer('<!DOCTYPE a [<!ENTITY a "b">]><VM><ID>&a;</ID></VM>'),
    b" " * 300_000,
    text_answer("<VM>" + "<A>" * 40 + "</A>"),
    *[
        b"<?xml version='1.0' encoding='%b'?><methodResponse/>" % name
        for name in (b"nothing", b"zip", b"shift_jis", b"utf-7", b"idna", b"unicode_escape")
    ],
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("padding", [0, 4_000])
def test_what_is_no_answer_is_a_clear_error(body: bytes, padding: int) -> None:
    one, _ = server(body.replace(b"x</string>", b"x" * padding + b"x</string>"))
    with pytest.raises(OneException) as caught:
        one.vm.info(1)
    assert type(caught.value) in {OneAnswerException, OneException}
    assert caught.value.method == "one.vm.info" and "s3cret" not in str(caught.value)


def test_other_encodings_of_the_envelope() -> None:
    text = text_answer("né").decode().replace("UTF-8", "ISO-8859-1")
    one, _ = server(text.encode("latin-1"))
    assert one.system.version() == "né"


@given(st.binary(max_size=200), st.integers(0, 400))
def test_garbage_is_an_error_of_ours_or_an_answer(garbage: bytes, place: int) -> None:
    whole = text_answer("<VM><ID>1</ID></VM>")
    one, _ = server(whole[:place] + garbage + whole[place + len(garbage) :])
    with contextlib.suppress(OneException):
        assert isinstance(one.vm.info(1), Element)


def test_an_answer_that_is_too_large_is_left() -> None:
    one, _ = server(text_answer("x" * 3_000_000), size_limit=1_000_000)
    with pytest.raises(OneAnswerException, match="larger than 1,000,000 bytes"):
        one.system.version()


def failing(*failures: Exception) -> tuple[Any, list[int], ManualClock]:
    """A server whose first answers fail so."""
    left = list(failures)
    calls: list[int] = []

    def respond(_: Request) -> bytes:
        calls.append(1)
        if left:
            raise left.pop(0)
        return text_answer("7.5")

    clock = ManualClock()
    return server(respond, clock=clock)[0], calls, clock


BROKEN = HttpProtocolError("broke off", url="u")


def test_a_call_that_changes_nothing_is_tried_again() -> None:
    one, calls, clock = failing(BROKEN, BROKEN)
    assert one.system.version() == "7.5" and len(calls) == 3
    assert clock.monotonic() == pytest.approx(0.2 + 0.4)


def test_it_is_given_up_after_its_retries() -> None:
    one, calls, _ = failing(BROKEN, BROKEN, BROKEN)
    with pytest.raises(errors.OneBrokenException):
        one.system.version()
    assert len(calls) == 3


def test_a_call_that_changes_something_is_sent_once() -> None:
    one, calls, _ = failing(BROKEN)
    with pytest.raises(errors.OneBrokenException):
        one.vm.allocate("NAME=x")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (HttpTimeout("late", url="u"), errors.OneTimeoutException),
        (
            HttpTlsError("who?", url="u", problem="unknown-authority", hint="h"),
            errors.OneTlsException,
        ),
    ],
)
def test_what_will_not_get_better_is_not_tried_again(
    failure: Exception, kind: type[OneException]
) -> None:
    one, calls, _ = failing(failure)
    with pytest.raises(kind) as caught:
        one.system.version()
    assert len(calls) == 1 and caught.value.__cause__ is failure
    assert caught.value.method == "one.system.version"


def test_a_zone_without_a_leader_is_asked_again_about_what_changes_nothing() -> None:
    answers = [value_answer(False, "No leader found", 0x2000), text_answer("7.5")]
    one, _ = server(lambda _: answers.pop(0))
    assert one.system.version() == "7.5"


@pytest.mark.parametrize("status", [301, 401, 404, 500, 503])
def test_a_page_of_a_web_server_is_an_error_with_its_status(status: int) -> None:
    one, transport = server(b"", retries=0)
    transport.routes["POST /RPC2"] = Response(status, {}, b"<html>no</html>")
    with pytest.raises(errors.OneHttpException, match=str(status)) as caught:
        one.system.version()
    assert caught.value.status == status


def test_no_exception_of_another_library_comes_through() -> None:
    known = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for kind in known:
        if issubclass(kind, OneException):
            assert copy.copy(kind("x")).args == ("x",)
    assert escape(SESSION) not in repr(server(b"")[0].__dict__.get("_exchange").endpoint)  # type: ignore[union-attr]


def test_faults_are_values_of_their_own() -> None:
    assert decode_answer(fault_answer(-503, "no")) == Fault(-503, "no")


def test_a_session_that_a_server_repeats_is_in_no_text() -> None:
    for answer in (
        value_answer(False, f"who is {SESSION}, with s3cret-word?", 0x100),
        fault_answer(-501, f"not {SESSION}"),
    ):
        one, _ = server(answer)
        with pytest.raises(OneException) as caught:
            one.vm.info(1)
        assert "s3cret-word" not in f"{caught.value!r} {caught.value}" and "…" in str(caught.value)
