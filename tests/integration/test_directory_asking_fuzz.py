"""Whatever is sent to lookups and reverse lookups: an answer or a refusal, and never an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.directory import Directory

pytestmark = pytest.mark.integration

HEADERS = {"X-Auth-Token": "good"}
FUZZ = settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXT = st.one_of(
    st.text(max_size=40),
    st.text("0123456789+() .-*#/", max_size=24),
    st.sampled_from(["", " ", "%", "_", "*)(uid=*", "'; DROP TABLE x;--", "{0.__class__}", "\0"]),
    st.text(min_size=250, max_size=300),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    file: Path = tmp_path_factory.mktemp("fuzz") / "staff.csv"
    file.write_text("first,tel\nCéline,+33123456789\n%_*,2041\n", encoding="utf-8")
    source = {
        "type": "csv", "file": str(file), "searched_columns": ["first"],
        "first_matched_columns": ["tel"], "format_columns": {"reverse": "{first}"},
    }  # fmt: skip
    profile = {"default": {"sources": ["staff", "gone"]}}
    config = {
        "sources": {"staff": source},
        "services": {"lookup": profile, "reverse": profile},
        "views": {
            "displays": {"d": [{"title": "Name", "field": "first"}]},
            "profile_to_display": {"default": "d"},
        },
        "region": "FR",
    }
    with Directory(config, verify=lambda _token: {}) as directory:
        yield directory.app.test_client()


def is_refusal(answer: Any) -> bool:
    body = answer.get_json()
    return answer.status_code == body["status_code"] and all(
        isinstance(reason, str) for reason in body["reason"]
    )


@FUZZ
@given(term=TEXT)
def test_any_term_is_answered_or_refused_at_once_and_as_a_stream(
    client: FlaskClient, term: str
) -> None:
    sent = {"query_string": {"term": term.encode("utf-8", "surrogatepass")}, "headers": HEADERS}
    whole = client.get("/0.1/directories/lookup/default", **sent)
    stream = client.get("/0.1/directories/lookup/default/stream", **sent)
    assert whole.status_code == stream.status_code in {200, 400}
    if whole.status_code == 400:
        assert is_refusal(whole) and is_refusal(stream)
        return
    body = whole.get_json()
    events = [part.split(b"\ndata: ", 1) for part in stream.data.strip().split(b"\n\n")]
    assert [name for name, _ in events] == [
        b"event: headers", *[b"event: source"] * 2, b"event: end",
    ]  # fmt: skip
    found = [row for _, data in events[1:3] for row in json.loads(data)["results"]]
    assert found == body["results"]


@FUZZ
@given(exten=TEXT, user=TEXT)
def test_any_number_is_answered_or_refused(client: FlaskClient, exten: str, user: str) -> None:
    who = quote(user.encode("utf-8", "surrogatepass"), safe="")
    answer = client.get(
        f"/0.1/directories/reverse/default/{who}",
        query_string={"exten": exten.encode("utf-8", "surrogatepass")},
        headers=HEADERS,
    )
    if answer.status_code == 200:
        body = answer.get_json()
        assert body["exten"] == exten and len(body["sources"]) == 2
        assert (body["source"] is None) == (body["fields"] == {})
    else:
        assert answer.status_code in {400, 404, 405, 308} and (
            answer.status_code == 308 or is_refusal(answer)
        )


@FUZZ
@given(body=st.one_of(st.binary(max_size=60), JSON, st.builds(lambda e: {"extens": e}, JSON)))
def test_any_body_is_answered_or_refused(client: FlaskClient, body: Any) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body)
    answer = client.post("/0.1/directories/reverse/default/u", data=data, headers=HEADERS)
    if answer.status_code == 200:
        assert len(answer.get_json()["results"]) == len(json.loads(data)["extens"])
    else:
        assert answer.status_code == 400 and is_refusal(answer)
