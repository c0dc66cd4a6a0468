import copy
import json
import pickle
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.clients.errors import (
    BadRequest,
    ClientError,
    Conflict,
    NotFound,
    OverLimit,
    ServiceFault,
    Unauthorized,
    from_reply,
)


def reply(status: int, body: Any = "", **headers: str) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(status=status, text=text, headers=fields)


@pytest.mark.parametrize(
    ("given_", "message", "status", "details"),
    [
        (
            (
                '404 Not Found {"itemNotFound":{"message":"no","code":404,"details":"d"}}',
                0,
                "dd",
            ),
            "404 Not Found itemNotFound (no)\n",
            404,
            ["dd", "d"],
        ),
        (
            ('409 Conflict {"conflictingRequest":{}}', 409),
            "409 Conflict conflictingRequest",
            409,
            [],
        ),
        (("boom",), "boom\n", 0, []),
        (("boom\n",), "boom\n", 0, []),
        (('a {"b": 1}', 5), 'a {"b": 1}\n', 5, []),
        (("a {b", "x", ["1", "2"]), "a {b\n", 0, ["1", "2"]),
    ],
)
def test_texts_are_parsed_as_the_ancestor_did(
    given_: tuple[Any, ...], message: str, status: int, details: list[str]
):
    error = ClientError(*given_)
    assert (error.message, str(error), error.status, error.details) == (
        message,
        message,
        status,
        details,
    )


def test_details_of_one_error_are_not_those_of_the_next():
    ClientError("a").details.append("x")
    assert ClientError("a").details == []


SHAPES: list[tuple[Any, str, str, list[str]]] = [
    ({"itemNotFound": {"message": "no", "code": 404}}, "itemNotFound (no)", "itemNotFound", []),
    (
        {"NeutronError": {"type": "NetworkNotFound", "message": "gone", "detail": "x"}},
        "NeutronError (gone)",
        "NeutronError",
        ["x"],
    ),
    ({"NeutronError": "gone"}, "NeutronError (gone)", "NeutronError", []),
    (
        {"error": {"code": 404, "message": "no user", "title": "Not Found"}},
        "error (no user)",
        "error",
        [],
    ),
    (
        {"message": "No image <br /><br />", "code": "404 Not Found", "title": "Not Found"},
        "No image",
        "",
        [],
    ),
    (
        {"errors": [{"status": 404, "title": "Not Found", "detail": "no provider"}]},
        "Not Found",
        "",
        ["no provider"],
    ),
    (
        {"fault": {"message": "NO", "code": 404, "details": '{"unauthorized": {"message": "x"}}'}},
        "fault (NO)",
        "fault",
        ['{"unauthorized": {"message": "x"}}', "unauthorized (x)"],
    ),
    ({"error_message": '{"faultstring": "bad", "debuginfo": null}'}, "bad", "", []),
    ([], "[]", "", []),
    ([1, 2], "[1,2]", "", []),
    ("null", "null", "", []),
    ("", "", "", []),
    ('{"a": ', '("a":', "", []),
]


@pytest.mark.parametrize(("body", "said", "fault", "details"), SHAPES)
def test_every_fault_shape_is_read(body: Any, said: str, fault: str, details: list[str]):
    error = from_reply(reply(404, body))
    assert isinstance(error, NotFound)
    assert error.message.rstrip("\n") == f"404 Not Found {said}".rstrip()
    assert (error.status, error.fault, error.details) == (404, fault, details)


def test_a_page_of_html_becomes_words():
    page = (
        "<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>p{}</style></head>"
        "<body><h1>502 Bad Gateway</h1>\n<script>evil()</script><p>nginx &amp; more</p></body>"
    )
    error = from_reply(reply(502, page, content_type="text/html"))
    assert error.message == "502 Bad Gateway nginx & more\n"


def test_a_status_line_counts_more_than_what_the_body_says():
    assert from_reply(reply(403, {"x": {"message": "m", "code": 200}})).status == 403


def test_the_token_is_not_quoted():
    error = from_reply(reply(401, {"x": {"message": "token SECRET is bad"}}), secret="SECRET")
    assert "SECRET" not in str(error) + repr(error) + str(error.details)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (409, Conflict),
        (413, OverLimit),
        (429, OverLimit),
        (500, ServiceFault),
        (599, ServiceFault),
        (418, ClientError),
    ],
)
def test_the_status_decides_the_kind(status: int, kind: type[ClientError]):
    assert type(from_reply(reply(status))) is kind


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("99999999999999999999", 86_400.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("Thu, 99 Jan 1970", 1.0),
    ],
)
def test_the_server_says_when_to_come_back(said: str, seconds: float):
    assert from_reply(reply(503, retry_after=said)).retry_after == seconds


def test_what_does_not_pass_by_itself_is_not_to_be_tried_again():
    assert from_reply(reply(404)).retry_after is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "details", "errors", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.integers(0, 999))
def test_no_json_raises(data: Any, status: int):
    error = from_reply(reply(status, json.dumps(data)))
    assert error.status == status
    assert all(isinstance(one, str) for one in error.details)
    ClientError(f"{status} {json.dumps(data)}", data, data)


@given(st.text(max_size=300), st.sampled_from(["text/html", "application/json", ""]))
def test_no_text_raises_or_fills_the_screen(text: str, kind: str):
    error = from_reply(reply(500, text * 40, content_type=kind))
    assert len(error.message) < 2_200
    assert "\x1b" not in error.message


@pytest.mark.parametrize("body", ["[" * 900 + "]" * 900, '{"errors":' * 400 + "1" + "}" * 400])
def test_a_deep_body_is_harmless(body: str):
    assert from_reply(reply(500, body)).status == 500


def test_an_error_survives_pickling_and_copying():
    error = from_reply(reply(404, {"itemNotFound": {"message": "no", "details": "d"}}))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(again), str(again), again.__dict__) == (NotFound, str(error), error.__dict__)
