"""directory: what a directory tells of itself: configuration, profiles, displays, sources."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core import plugins
from pelagos.directory import Directory
from pelagos.directory.settings.masking import MASK, masked
from support.directory import BACKENDS, Rows, offer

TOKENS: Mapping[str, Mapping[str, Any]] = {
    "all": {"auth_id": "ada"},
    "some": {"auth_id": "bob", "acls": ["dird.displays.read", "dird.directories.sales.#"]},
}
CONFIG: dict[str, Any] = {
    "db_uri": None,
    "sources": {
        "Zoë": {"type": "rows", "password": "s3cret"},
        "crm": {"type": "rows", "url": "https://joe:s3cret@crm/?q=1&api_key=s3cret&x=2"},
        "broken": {"type": "nothing"},
        "alone": {"backend": "rows"},
    },
    "services": {
        "lookup": {"sales": {"sources": ["crm", "Zoë", "gone"], "timeout": 0.5}},
        "reverse": {"sales": {"sources": ["broken"]}, "calls": {"sources": []}},
    },
    "views": {
        "displays": {
            "office": [{"title": None, "type": "name"}, {"field": "phone", "default": ""}],
            "empty": [],
        },
        "profile_to_display": {"sales": "office", "other": "gone"},
    },
}

Get = Callable[..., tuple[int, Any]]


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch) -> Iterator[Get]:
    offer(monkeypatch, BACKENDS, rows=Rows)
    with ExitStack() as stack:

        def get(path: str, token: str = "all", **config: Any) -> tuple[int, Any]:
            made = stack.enter_context(Directory({**CONFIG, **config}, verify=TOKENS.get))
            headers = {"X-Auth-Token": token} if token else {}
            response = made.app.test_client().get(f"/0.1{path}", headers=headers)
            return response.status_code, json.loads(response.data)

        yield get


def test_the_configuration_is_shown_without_its_secrets(get: Get) -> None:
    status, body = get("/config")
    assert status == 200 and "s3cret" not in json.dumps(body)
    assert body["sources"]["Zoë"] == {"type": "rows", "password": MASK}
    assert body["sources"]["crm"]["url"] == "https://***@crm/?q=1&api_key=***&x=2"
    assert body["services"] == CONFIG["services"] and body["views"] == CONFIG["views"]


def test_profiles_say_what_they_show_and_whom_they_ask(get: Get) -> None:
    status, body = get("/profiles")
    assert status == 200 and (body["total"], body["filtered"]) == (3, 3)
    assert body["items"] == [
        {
            "name": "sales",
            "display": {"name": "office"},
            "services": {
                "lookup": {
                    "sources": [{"name": "crm"}, {"name": "Zoë"}, {"name": "gone"}],
                    "options": {"timeout": 0.5},
                },
                "reverse": {"sources": [{"name": "broken"}], "options": {"timeout": 1.0}},
            },
        },
        {"name": "other", "display": {"name": "gone"}, "services": {}},
        {
            "name": "calls",
            "display": None,
            "services": {"reverse": {"sources": [], "options": {"timeout": 1.0}}},
        },
    ]


def test_displays_have_all_keys_of_their_columns(get: Get) -> None:
    column = {"title": None, "type": None, "field": None, "default": None, "number_display": None}
    assert get("/displays") == (
        200,
        {
            "items": [
                {
                    "name": "office",
                    "columns": [
                        {**column, "type": "name"},
                        {**column, "field": "phone", "default": ""},
                    ],
                },
                {"name": "empty", "columns": []},
            ],
            "total": 2,
            "filtered": 2,
        },
    )


def test_sources_say_whether_they_are_there(get: Get) -> None:
    _, body = get("/sources")
    assert [item["name"] for item in body["items"]] == ["Zoë", "crm", "broken", "alone"]
    assert body["items"][0] == {"name": "Zoë", "backend": "rows", "is_loaded": True}
    broken = body["items"][2]
    assert broken["is_loaded"] is False and "no installed package offers it" in broken["error"]
    assert "csv" in [item["name"] for item in get("/backends")[1]["items"]]
    _, body = get("/directories/sales/sources")
    assert [item["name"] for item in body["items"]] == ["crm", "Zoë", "broken"]
    status, body = get("/directories/nobody/sources")
    assert status == 404 and "nobody" in body["reason"][0]


def test_the_status_names_what_failed(get: Get) -> None:
    _, body = get("/status", enabled_plugins={"views": {"png": True}})
    assert body["rest_api"] == {"status": "ok"}
    assert body["sources"]["status"] == "fail"
    assert body["sources"]["failures"][0]["name"] == "broken"
    assert body["plugins"]["failures"][0]["name"] == "png"
    whole = {name: CONFIG["sources"][name] for name in ("crm", "alone")}
    _, body = get("/status", sources=whole)
    assert {part["status"] for part in body.values()} == {"ok"}


@pytest.mark.parametrize(
    ("query", "names", "filtered"),
    [
        ("", ["Zoë", "crm", "broken", "alone"], 4),
        ("search=ZOE", ["Zoë"], 1),
        ("search=r&order=name", ["broken", "crm"], 2),
        ("order=name&direction=desc", ["Zoë", "crm", "broken", "alone"], 4),
        ("order=backend", ["broken", "Zoë", "crm", "alone"], 4),
        ("limit=2&offset=1", ["crm", "broken"], 4),
        ("limit=0", [], 4),
        ("offset=9", [], 4),
        ("recurse=true&limit=1", ["Zoë"], 4),
    ],
)
def test_lists_are_searched_sorted_and_paged(
    get: Get, query: str, names: list[str], filtered: int
) -> None:
    status, body = get(f"/sources?{query}")
    assert status == 200 and [item["name"] for item in body["items"]] == names
    assert (body["total"], body["filtered"]) == (4, filtered)


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=True", "limit=x", "offset=3.14", "offset=", "limit=²", "order=color",
     "direction=up", "limit=99999999999999999999"],
)  # fmt: skip
def test_parameters_that_cannot_be_meant_are_refused(get: Get, query: str) -> None:
    status, body = get(f"/displays?{query}")
    assert status == 400 and query.partition("=")[0] in body["message"]


@pytest.mark.parametrize(
    "path",
    ["/config", "/status", "/profiles", "/displays", "/sources", "/backends",
     "/directories/sales/sources"],
)  # fmt: skip
def test_only_holders_of_the_right_read_it(get: Get, path: str) -> None:
    assert get(path, "")[0] == get(path, "nobody")[0] == 401
    is_allowed = path in {"/displays", "/directories/sales/sources"}
    assert get(path, "some")[0] == (200 if is_allowed else 401)


def test_a_route_whose_service_is_off_is_left_out_and_the_others_stay(
    get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    off = {"services": {"display": False}}
    assert get("/displays", enabled_plugins=off)[0] == 404
    assert "/displays is not served: the service display is not enabled" in caplog.text
    assert get("/profiles", enabled_plugins=off)[0] == 200


def test_each_service_is_a_plugin() -> None:
    names = set(plugins.names("pelagos.directory.services"))
    assert {"config", "display", "profile", "source", "status"} <= names


@pytest.mark.parametrize(
    "key",
    ["password", "ldap_password", "PASSWD", "passphrase", "secret", "client_secret", "token",
     "api_key", "service_key", "credentials", "private_token", "pwd", "tokens", "apiKeys",
     "X-Api-Key", "Authorization", "session_cookie", "signing_key"],
)  # fmt: skip
def test_what_looks_like_a_secret_is_masked(key: str) -> None:
    for value in ("x", 7, ["x", "y"], {"deep": [{key: "x"}]}):
        assert '"x"' not in json.dumps(masked({key: value}))
    assert masked({key: ""}) == {key: ""} and masked({key: None}) == {key: None}


@pytest.mark.parametrize(
    "config",
    [
        {"secrets": {"crm": "hunter2"}}, {"credentials": {"user": [{"value": "hunter2"}]}},
        {"dsn": "host=db password=hunter2 user=joe"}, {"lookup_url": "https://joe:a@hunter2@crm/x"},
        {"lookup_url": "//joe:hunter2@crm/x"}, {"url": "https://crm/?a=1&api_key=hunter2"},
        {"pem": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"},
        {"sources": {"crm": {"secrets": {"a": "hunter2"}}}},
        {"sources": {"services": {"lookup": {"password": "hunter2"}}}},
        {"services": {"strange": {"password": "hunter2"}}},
    ],
)  # fmt: skip
def test_a_secret_is_masked_wherever_it_stands(config: Any) -> None:
    assert "hunter2" not in json.dumps(masked(config)) and MASK in json.dumps(masked(config))


def test_a_name_that_people_gave_makes_no_secret() -> None:
    config = {
        "sources": {"tokens": {"type": "csv", "file": "/srv/tokens.csv"}},
        "services": {"lookup": {"secret": {"sources": ["tokens"], "timeout": 1}}},
        "views": {"profile_to_display": {"secret": "people"}},
    }
    assert masked(config) == config


def test_what_is_no_secret_is_shown() -> None:
    plain = {"unique_column": "key", "private_key": "/srv/key.pem", "timeout": 1.5, "on": True}
    assert masked(plain) == plain


VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_any_configuration_can_be_shown_as_json(config: Any) -> None:
    assert masked(masked(config)) == masked(config)
    json.dumps(masked(config))
