"""directory.app: start and end of plugins, routes, tokens, and the errors' shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flask_restful
import pytest

from pelagos.core.clock import ManualClock
from pelagos.core.errors import ConfigError, PelagosError
from pelagos.directory import (
    AuthResource,
    BaseServicePlugin,
    BaseViewPlugin,
    Directory,
    asker,
    required_acl,
)
from support.directory import (
    BACKENDS,
    SERVICES,
    VIEWS,
    Hung,
    PingView,
    Raising,
    Rows,
    ShortPingView,
    config,
    offer,
)

LOOKUP = "/0.1/directories/lookup/default"
TOKEN = {"X-Auth-Token": "good"}

Start = Callable[..., Directory]


def verify(token: str) -> Mapping[str, Any] | None:
    if token == "br0ken":
        raise PelagosError("the master does not answer")
    return {"xivo_user_uuid": "u-1", "auth_id": "ada"} if token == "good" else None


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    offer(monkeypatch, BACKENDS, rows=Rows, raising=Raising, hung=Hung)
    started: list[Directory] = []

    def make(whole: Mapping[str, Any]) -> Directory:
        started.append(Directory(whole, verify=verify, clock=ManualClock(1000.0)))
        return started[-1]

    yield make
    for directory in started:
        directory.close()


def get(directory: Directory, path: str, headers: Mapping[str, str] = TOKEN) -> tuple[int, Any]:
    response = directory.app.test_client().get(path, headers=dict(headers))
    assert response.mimetype == "application/json"
    return response.status_code, json.loads(response.data)


PEOPLE = {"staff": {"type": "rows", "rows": [{"name": "Ada"}, {"name": "Bob"}]}}


def test_a_lookup_answers_in_the_known_shape_and_says_what_each_source_did(start: Start) -> None:
    directory = start(config({**PEOPLE, "crm": {"type": "raising"}}))
    status, body = get(directory, f"{LOOKUP}?term=Ad")
    verdicts = body.pop("sources")
    assert status == 200 and body == {
        "term": "Ad",
        "column_headers": ["Name"],
        "column_types": ["name"],
        "results": [
            {
                "column_values": ["Ada"],
                "source": "staff",
                "backend": "rows",
                "relations": {
                    "xivo_id": None, "agent_id": None, "user_id": None, "user_uuid": None,
                    "endpoint_id": None, "source_entry_id": None,
                },
            }
        ],
    }  # fmt: skip
    assert [v.pop("ms") >= 0 for v in verdicts] == [True, True]
    assert verdicts == [
        {"name": "staff", "verdict": "answered"},
        {
            "name": "crm",
            "verdict": "failed",
            "error": "ConnectionError: cannot reach http://***@crm/",
        },
    ]


def test_the_empty_term_is_accepted(start: Start) -> None:
    assert len(get(start(config(PEOPLE)), f"{LOOKUP}?term=")[1]["results"]) == 2


def test_headers_are_answered_alone(start: Start) -> None:
    expected = {"column_headers": ["Name"], "column_types": ["name"]}
    assert get(start(config(PEOPLE)), f"{LOOKUP}/headers") == (200, expected)


@pytest.mark.parametrize(
    ("path", "headers", "status", "reason"),
    [
        (LOOKUP, TOKEN, 400, "the parameter `term` is missing"),
        (f"{LOOKUP}?term=%00", TOKEN, 400, "the term is not text"),
        (f"{LOOKUP}?term=a%0Ab", TOKEN, 400, "the term is not text"),
        (f"{LOOKUP}?term={'x' * 5000}", TOKEN, 400, "the term has 5,000 characters"),
        (f"{LOOKUP}?term=a", {}, 401, "no token"),
        (f"{LOOKUP}?term=a", {"X-Auth-Token": "b4d"}, 401, "this token is not valid"),
        (f"{LOOKUP}?term=a", {"X-Auth-Token": "tök\x01n"}, 401, "this token is not valid"),
        (f"{LOOKUP}?term=a", {"X-Auth-Token": "br0ken"}, 503, "cannot be verified"),
        (f"{LOOKUP}/headers", {}, 401, "no token"),
        (f"{LOOKUP}s?term=a", TOKEN, 404, "the profile `defaults` does not exist"),
        ("/0.1/directories/lookup/x/headers", TOKEN, 404, "the profile `x` does not exist"),
        ("/0.1/nothing/here", TOKEN, 404, "there is nothing at /0.1/nothing/here"),
        ("/nothing", {}, 404, "there is nothing at /nothing"),
    ],
)
def test_a_refusal_has_the_known_shape(
    start: Start, path: str, headers: Mapping[str, str], status: int, reason: str
) -> None:
    answered, body = get(start(config(PEOPLE)), path, headers)
    assert answered == status == body["status_code"]
    # A bare number where the token was refused, as it always was.
    assert body["timestamp"] == (1000.0 if status in {401, 503} else [1000.0])
    assert len(body["reason"]) == 1
    assert reason in body["reason"][0]
    assert not headers or headers["X-Auth-Token"] not in body["reason"][0]


def test_an_unknown_profile_names_the_nearest(start: Start) -> None:
    _, body = get(start(config(PEOPLE)), "/0.1/directories/lookup/defalt?term=a")
    assert body["reason"][0].endswith("did you mean `default`?")


def test_a_method_that_is_not_there_is_405_with_those_that_are(start: Start) -> None:
    client = start(config(PEOPLE)).app.test_client()
    response = client.post(LOOKUP, headers=TOKEN)
    assert response.status_code == 405 and response.json["status_code"] == 405
    assert "GET" in response.headers["Allow"]


def test_a_display_that_does_not_exist_shows_no_column(start: Start) -> None:
    whole = config(PEOPLE)
    whole["views"]["profile_to_display"] = {"default": "nothing", "other": "people"}
    directory = start(whole)
    _, body = get(directory, f"{LOOKUP}?term=a")
    assert body["column_headers"] == [] and body["results"][0]["column_values"] == []
    _, body = get(directory, "/0.1/directories/lookup/other?term=a")
    assert body["column_headers"] == ["Name"] and body["results"] == []


@pytest.mark.parametrize("view", [PingView, ShortPingView])
def test_a_rule_works_with_and_without_the_prefix(
    start: Start, monkeypatch: pytest.MonkeyPatch, view: type[PingView]
) -> None:
    offer(monkeypatch, VIEWS, ping=view)
    directory = start(config(PEOPLE) | {"enabled_plugins": {"views": {"ping": True}}})
    assert get(directory, "/0.1/directories/ping", {}) == (200, {"message": "pong"})
    assert get(directory, "/0.1/0.1/directories/ping", {})[0] == 404
    assert get(directory, f"{LOOKUP}?term=Ada")[0] == 200


def test_a_resource_on_our_base_is_closed_to_those_without_a_token(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WhoAmI(AuthResource):
        @required_acl("dird.test.read")
        def get(self) -> dict[str, Any]:
            return {"me": asker().token_infos["auth_id"], "uuid": asker().args()["xivo_user_uuid"]}

    class View:
        def load(self, args: Mapping[str, Any]) -> None:
            args["rest_api"].add_resource(WhoAmI, "/me")

    offer(monkeypatch, VIEWS, me=View)
    directory = start({"enabled_plugins": {"views": ["me"]}})
    assert get(directory, "/0.1/me") == (200, {"me": "ada", "uuid": "u-1"})
    assert get(directory, "/0.1/me", {})[0] == 401


def test_an_unexpected_error_of_a_view_tells_nothing_of_the_inside(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(AuthResource):
        @required_acl("dird.test.read")
        def get(self) -> None:
            raise RuntimeError("secret inside")

    class View:
        def load(self, args: Mapping[str, Any]) -> None:
            args["rest_api"].add_resource(Failing, "/fail")

    offer(monkeypatch, VIEWS, fail=View)
    status, body = get(start({"enabled_plugins": {"views": ["fail"]}}), "/0.1/fail")
    assert status == 500 and "secret" not in str(body) and "secret inside" in caplog.text


def test_the_reason_that_a_strangers_view_gives_reaches_the_client(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(AuthResource):
        @required_acl("dird.test.read")
        def get(self) -> None:
            flask_restful.abort(409, message="already a favourite")

    class View:
        def load(self, args: Mapping[str, Any]) -> None:
            args["rest_api"].add_resource(Refusing, "/refuse")

    offer(monkeypatch, VIEWS, refuse=View)
    status, body = get(start({"enabled_plugins": {"views": ["refuse"]}}), "/0.1/refuse")
    assert status == 409 and body["reason"] == ["already a favourite"]


def test_plugins_start_sources_first_and_end_views_first(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    given: dict[str, Any] = {}

    def recording(kind: str, base: type[Any] = object) -> type[Any]:
        def load(_self: Any, args: Mapping[str, Any]) -> str:
            happened.append(f"load {kind}")
            given[kind] = args
            return f"{kind} object"

        def nothing(*_: Any) -> None: ...

        methods = {
            "load": load,
            "unload": lambda _self: happened.append(f"unload {kind}"),
            "search": nothing,
            "first_match": nothing,
        }
        return type(kind, (base,), methods)

    offer(monkeypatch, BACKENDS, one=recording("source"), two=recording("source 2"))
    offer(monkeypatch, SERVICES, svc=recording("service", BaseServicePlugin))
    offer(monkeypatch, VIEWS, view=recording("view", BaseViewPlugin))
    whole = {
        "sources": {"a": {"type": "one"}, "b": {"type": "two"}},
        "services": {"svc": {"x": 1}},
        "views": {"view": {"y": 2}},
        "enabled_plugins": {"services": ["svc"], "views": ["view"]},
    }
    directory = start(whole)
    directory.close()
    directory.close()
    assert happened == [
        "load source", "load source 2", "load service", "load view",
        "unload view", "unload service", "unload source 2", "unload source",
    ]  # fmt: skip
    assert given["service"]["config"] == whole and set(given["service"]["sources"]) == {"a", "b"}
    assert given["view"]["config"] == {"view": {"y": 2}}
    assert given["view"]["services"] == {"svc": "service object"}
    assert given["view"]["http_app"] is directory.app and "rest_api" in given["view"]


def test_a_plugin_that_fails_is_named_and_the_rest_goes_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bad:
        def load(self, _args: Mapping[str, Any]) -> None:
            raise RuntimeError("no licence")

        def unload(self) -> None:
            raise AssertionError("was never loaded")

    class Forgetful:
        def load(self, _args: Mapping[str, Any]) -> None: ...

        def unload(self) -> None:
            raise OSError("stuck")

    offer(monkeypatch, SERVICES, bad=Bad, forgetful=Forgetful)
    offer(monkeypatch, VIEWS, bad=Bad, broken=ImportError("no flask_x"), ok=Forgetful)
    enabled = {
        "services": ["lookup", "bad", "forgetful", "lokup"],
        "views": ["lookup_json", "bad", "broken", "ok"],
    }
    whole = config(PEOPLE | {"x": {"type": "nothing"}}) | {"enabled_plugins": enabled}
    directory = start(whole)
    assert directory.status.sources == ("staff",)
    assert directory.status.services == ("lookup",)
    assert directory.status.views == ("lookup_json", "ok")
    failed = {(f.group.rpartition(".")[2], f.name): f.reason for f in directory.status.failures}
    assert failed == {
        ("backends", "x"): "back-end nothing: no installed package offers it",
        ("services", "lokup"): "no installed package offers it",
        ("services", "bad"): "RuntimeError: no licence",
        ("services", "forgetful"): (
            "TypeError: load returned None; a service plugin returns its service"
        ),
        ("views", "broken"): "ImportError: no flask_x",
        ("views", "bad"): "RuntimeError: no licence",
    }
    status, body = get(directory, f"{LOOKUP}?term=Ada")
    assert status == 200 and [v["verdict"] for v in body["sources"]] == ["answered", "failed"]


def test_without_the_lookup_service_its_view_is_not_there(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other:
        def load(self, _args: Mapping[str, Any]) -> object:
            return self

    offer(monkeypatch, SERVICES, other=Other)
    enabled = {"services": ["other"], "views": ["lookup_json"]}
    directory = start(config(PEOPLE) | {"enabled_plugins": enabled})
    (failure,) = directory.status.failures
    assert failure.name == "lookup_json" and "lookup" in failure.reason
    assert get(directory, f"{LOOKUP}?term=a")[0] == 404


def test_a_configuration_that_cannot_be_used_starts_nothing(start: Start) -> None:
    with pytest.raises(ConfigError, match="unknown key 'source'"):
        start({"source": {}})


def test_a_row_that_cannot_be_json_breaks_no_answer(start: Start) -> None:
    rows = [{"name": object()}, {"name": float("nan")}, {"name": "\udcff"}, {"name": b"x"}]
    status, body = get(start(config({"odd": {"type": "rows", "rows": rows}})), f"{LOOKUP}?term=")
    assert status == 200
    assert [r["column_values"] for r in body["results"]] == [[None], [None], ["?"], [None]]


def test_an_address_with_a_line_break_begins_no_line_of_its_own_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(AuthResource):
        @required_acl("dird.x.read")
        def get(self, name: str) -> None:
            raise ZeroDivisionError(name)

    class View:
        def load(self, args: Mapping[str, Any]) -> None:
            args["rest_api"].add_resource(Broken, "/x/<name>")

    offer(monkeypatch, VIEWS, broken=View)
    settings = {"enabled_plugins": {"views": ["broken"]}}
    with Directory(settings, verify=lambda _: {"auth_id": "ann"}) as directory:
        path = "/0.1/x/a%0A12:00:00%20ERROR%20pelagos:%20all%20is%20lost"
        answer = directory.app.test_client().get(path, headers={"X-Auth-Token": "t"})
    assert answer.status_code == 500
    (record,) = [r for r in caplog.records if "/0.1/x/" in r.getMessage()]
    assert "\n" not in record.getMessage() and "%0A12" in record.getMessage()
