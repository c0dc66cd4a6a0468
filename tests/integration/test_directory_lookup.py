"""Lookups and reverse lookups over HTTP: misbehaving sources, answers as they come, favourites."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from pelagos.core.web import Server
from pelagos.directory import Directory
from support.directory import BACKENDS, SERVICES, Hung, Raising, offer

pytestmark = pytest.mark.integration

PATIENCE = 60.0
ROWS = (
    "id,first,last,tel,cell\n"
    "1,Céline,Dupont,2041,+33 1 23 45 67 89\n"
    "2,Bob,Boss,2042,\n"
    "3,Bobette,Boss,2043,5550199\n"
)


class Site:
    """A directory behind a real server, and a person with a token who asks it."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc

    def call(
        self, method: str, path: str, body: Any = None, token: str = "good", **query: str
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self._address, timeout=PATIENCE * 2)
        try:
            whole = f"/0.1{path}" + (f"?{urlencode(query)}" if query else "")
            sent = body if isinstance(body, bytes | None) else json.dumps(body)
            connection.request(method, whole, sent, {"X-Auth-Token": token})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def lookup(self, profile: str, term: str) -> Any:
        status, body = self.call("GET", f"/directories/lookup/{profile}", term=term)
        assert status == 200, body
        return body

    def reverse(self, profile: str, exten: str, user: str = "u-1") -> Any:
        path = f"/directories/reverse/{profile}/{quote(user, safe='')}"
        status, body = self.call("GET", path, exten=exten)
        assert status == 200, body
        return body

    @contextlib.contextmanager
    def stream(self, profile: str, term: str) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self._address, timeout=PATIENCE * 2)
        path = f"/0.1/directories/lookup/{profile}/stream?term={term}"
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"X-Auth-Token": "good"})
            with connection.getresponse() as response:
                yield response

    def events(self, profile: str, term: str) -> list[tuple[str, Any]]:
        with self.stream(profile, term) as response:
            return list(events(response))


class RaisingEverywhere(Raising):
    def first_match(self, _exten: str) -> Any:
        raise ConnectionError("cannot reach http://agent:s3cret@crm/")


def events(response: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    """The events, each when it is there."""
    name = ""
    while line := response.readline().decode():
        if line.startswith("event: "):
            name = line.removeprefix("event: ").strip()
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@pytest.fixture
def serve() -> Iterator[Callable[..., Site]]:
    """Serves a configuration; everything ends with the test."""
    ending: list[Callable[[], Any]] = []

    def serve(sources: Mapping[str, Any], threads: int = 8, **config: Any) -> Site:
        directory = Directory({"sources": sources, **config}, verify=_verify)
        ending.append(directory.close)
        server = Server(directory.app, threads=threads)
        server.start()
        ending.append(server.stop)
        return Site(server.url)

    yield serve
    for end in reversed(ending):
        end()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hung]]:
    class Hanging(Hung):
        release = threading.Event()

        def first_match(self, _exten: str) -> None:
            self.release.wait(PATIENCE)

    offer(monkeypatch, BACKENDS, hung=Hanging, raising=RaisingEverywhere)
    yield Hanging
    Hanging.release.set()


@pytest.fixture
def staff(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "staff.csv"
    path.write_text(ROWS, encoding="utf-8")
    return {
        "type": "csv", "file": str(path),
        "searched_columns": ["first", "last"], "first_matched_columns": ["tel", "cell"],
        "format_columns": {"name": "{first} {last}", "reverse": "{first} {last}"},
    }  # fmt: skip


def _verify(token: str) -> Mapping[str, Any] | None:
    return {"xivo_user_uuid": "u-1"} if token == "good" else None


def views(*columns: Mapping[str, Any]) -> dict[str, Any]:
    shown = list(columns) or [{"title": "Name", "field": "name"}]
    profiles = ("default", "quick", "patient", "ordered")
    return {"displays": {"d": shown}, "profile_to_display": dict.fromkeys(profiles, "d")}


def asking(*sources: str, timeout: float = PATIENCE, **more: Any) -> dict[str, Any]:
    profile = {"default": {"sources": list(sources), "timeout": timeout, **more}}
    return {"lookup": {"default": {"sources": list(sources), "timeout": timeout}},
            "reverse": profile}  # fmt: skip


def names(body: Any) -> list[str]:
    return [row["column_values"][0] for row in body["results"]]


def verdicts(body: Any) -> dict[str, str]:
    return {source["name"]: source["verdict"] for source in body["sources"]}


# ---- lookup ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hanging")
def test_a_raising_source_takes_nothing_from_the_others(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    site = serve(
        {"crm": {"type": "raising"}, "staff": staff, "twin": staff},
        services=asking("crm", "staff", "twin"),
        views=views(),
    )
    for _ in range(8):
        body = site.lookup("default", "bob")
        assert names(body) == ["Bob Boss", "Bobette Boss"] * 2
        assert verdicts(body)["staff"] == "answered"
        assert verdicts(body)["crm"] in {"failed", "open"}
        assert "s3cret" not in json.dumps(body)
    assert {row["backend"] for row in body["results"]} == {"csv"}


def test_rows_without_an_id_have_all_relations_and_those_with_one_have_it_as_text(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    site = serve(
        {"plain": staff, "unique": {**staff, "unique_column": "id"}},
        services=asking("plain", "unique"),
        views=views(),
    )
    plain, unique = site.lookup("default", "dupont")["results"]
    keys = ("xivo_id", "agent_id", "user_id", "user_uuid", "endpoint_id", "source_entry_id")
    assert plain["relations"] == dict.fromkeys(keys)
    assert unique["relations"] == {**dict.fromkeys(keys), "source_entry_id": "1"}


def test_sources_with_few_slots_starve_and_block_nobody(
    serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Hung):
        def search(self, term: str, _args: Any = None) -> list[dict[str, str]]:
            time.sleep(0.05)
            return [{"name": term}]

    offer(monkeypatch, BACKENDS, slow=Slow)
    sources = {name: {"type": "slow", "slots": 2} for name in ("a", "b", "c")}
    site = serve(sources, services=asking(*sources), views=views())
    with ThreadPoolExecutor(5) as pool:
        for _ in range(4):
            bodies = list(pool.map(lambda n: site.lookup("default", str(n)), range(5)))
            assert [names(body) for body in bodies] == [[str(n)] * 3 for n in range(5)]


def test_a_former_answer_stands_in_and_is_called_stale(
    serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying(Hung):
        is_dead = False

        def search(self, term: str, _args: Any = None) -> list[dict[str, str]]:
            if self.is_dead:
                raise OSError("the line is cut")
            return [{"name": f"{term} of the CRM"}]

    offer(monkeypatch, BACKENDS, dying=Dying)
    site = serve({"crm": {"type": "dying", "stale": 3600}}, services=asking("crm"), views=views())
    assert verdicts(site.lookup("default", "ada")) == {"crm": "answered"}
    Dying.is_dead = True
    body = site.lookup("default", "ada")
    assert names(body) == ["ada of the CRM"] and verdicts(body) == {"crm": "stale"}
    assert "the line is cut" in body["sources"][0]["error"]
    body = site.lookup("default", "bob")
    assert names(body) == [] and verdicts(body) == {"crm": "failed"}


# ---- answers as they come ----------------------------------------------------------------------


def test_the_first_results_are_there_while_another_source_hangs(
    serve: Callable[..., Site], hanging: type[Hung], staff: dict[str, Any]
) -> None:
    site = serve(
        {"ldap": {"type": "hung"}, "staff": staff},
        services=asking("ldap", "staff", "typo", timeout=15),
        views=views(),
    )
    with site.stream("default", "bob") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        came = events(response)
        name, head = next(came)
        assert name == "headers" and head["column_headers"] == ["Name"] and head["term"] == "bob"
        early = dict.fromkeys(("typo", "staff"))
        for _ in early:
            name, body = next(came)
            assert name == "source"
            early[body["name"]] = body
        assert early["typo"]["verdict"] == "failed" and early["typo"]["results"] == []
        assert names(early["staff"]) == ["Bob Boss", "Bobette Boss"]
        hanging.release.set()
        name, late = next(came)
        assert (name, late["name"], late["verdict"]) == ("source", "ldap", "empty")
        name, end = next(came)
        assert name == "end" and list(verdicts(end)) == ["ldap", "staff", "typo"]
        assert next(came, None) is None


@pytest.mark.usefixtures("hanging")
def test_a_stream_ends_at_the_deadline(serve: Callable[..., Site], staff: dict[str, Any]) -> None:
    site = serve(
        {"ldap": {"type": "hung"}, "staff": staff},
        services=asking("ldap", "staff", timeout=2.0),
        views=views(),
    )
    assert verdicts(site.events("default", "bob")[-1][1]) == {
        "ldap": "late", "staff": "answered",
    }  # fmt: skip


@pytest.mark.usefixtures("hanging")
def test_whoever_goes_away_from_a_stream_leaves_its_thread_to_others(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    site = serve(
        {"ldap": {"type": "hung"}, "staff": staff},
        threads=2,
        services={
            "lookup": {
                "default": {"sources": ["ldap", "staff"], "timeout": 0.5},
                "quick": {"sources": ["staff"], "timeout": PATIENCE},
            }
        },
        views=views(),
    )
    for _ in range(6):
        with site.stream("default", "bob") as response:
            response.readline()
    assert names(site.lookup("quick", "celine")) == ["Céline Dupont"]


def test_a_stream_that_is_refused_is_refused_as_any_answer(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    site = serve({"staff": staff}, services=asking("staff"), views=views())
    path = "/directories/lookup/default/stream"
    assert site.call("GET", path)[0] == 400
    assert site.call("GET", path, term="a\0b")[0] == 400
    assert site.call("GET", path, token="bad", term="a")[0] == 401
    status, body = site.call("GET", "/directories/lookup/defalt/stream", term="a")
    assert status == 404 and "profile `defalt`" in body["reason"][0]


# ---- favourites --------------------------------------------------------------------------------


class Favorites:
    """A service that knows one favourite, or hangs, or fails."""

    mood = "well"
    awake = threading.Event()

    def load(self, _args: Mapping[str, Any]) -> Favorites:
        return self

    def ids(self, _profile: str, asker: Any) -> dict[str, set[str]]:
        if self.mood == "hung":
            self.awake.wait(PATIENCE)
        if self.mood == "failing":
            raise ConnectionError("postgresql://joe:s3cret@db/ is away")
        return {"staff": {"1"}} if asker.user == "u-1" else {}


@pytest.mark.parametrize(
    ("mood", "verdict"), [("well", None), ("hung", "late"), ("failing", "failed")]
)
def test_favourites_are_marked_and_a_database_that_is_away_takes_nothing_else(
    serve: Callable[..., Site],
    staff: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    mood: str,
    verdict: str | None,
) -> None:
    class Moody(Favorites):
        pass

    Moody.mood, Moody.awake = mood, threading.Event()
    offer(monkeypatch, SERVICES, fakefavorites=Moody)
    monkeypatch.setattr(
        "pelagos.directory.views.lookup_json.FAVORITES", "fakefavorites", raising=True
    )
    timeout = 3.0 if mood == "hung" else PATIENCE
    if mood != "hung":
        monkeypatch.setattr("pelagos.directory.views.lookup_json.MARKS_PATIENCE", PATIENCE)
    site = serve(
        {"staff": {**staff, "unique_column": "id"}},
        services=asking("staff", timeout=timeout),
        views=views({"field": "name"}, {"title": "Fav", "type": "favorite"}),
        enabled_plugins={"services": {"fakefavorites": True}},
    )
    body = site.lookup("default", "")
    marks = {row["column_values"][0]: row["column_values"][1] for row in body["results"]}
    assert marks == {
        "Céline Dupont": verdict is None, "Bob Boss": False, "Bobette Boss": False,
    }  # fmt: skip
    assert body.get("favorites", {}).get("verdict") == verdict
    assert "s3cret" not in json.dumps(body)
    began = time.monotonic()
    with site.stream("default", "bob") as response:
        streamed = events(response)
        first = next(body for name, body in streamed if name == "source")
        waited = time.monotonic() - began
        *_, (_, end) = streamed
    assert len(first["results"]) == 2
    assert waited < 0.9 * timeout  # marks have but a part of it
    assert end.get("favorites", {}).get("verdict") == verdict
    Moody.awake.set()


# ---- reverse -----------------------------------------------------------------------------------


def test_a_number_that_nobody_has_is_answered_with_nulls(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    site = serve({"staff": staff}, services=asking("staff"), views=views())
    body = site.reverse("default", "999")
    (source,) = body.pop("sources")
    assert body == {"display": None, "exten": "999", "source": None, "fields": {}}
    assert (source["name"], source["verdict"]) == ("staff", "empty")


@pytest.mark.parametrize("exten", ["2043", "5550199"])
def test_a_number_is_found_in_each_of_the_matched_columns(
    serve: Callable[..., Site], staff: dict[str, Any], exten: str
) -> None:
    site = serve({"staff": staff, "twin": staff}, services=asking("staff", "twin"), views=views())
    body = site.reverse("default", exten)
    assert body["display"] == "Bobette Boss" and body["exten"] == exten
    assert body["source"] in {"staff", "twin"}
    assert body["fields"] == {
        "id": "3", "first": "Bobette", "last": "Boss", "tel": "2043", "cell": "5550199",
        "name": "Bobette Boss", "reverse": "Bobette Boss",
    }  # fmt: skip


@pytest.mark.usefixtures("hanging")
def test_of_a_broken_and_a_good_source_the_good_one_answers(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    for order in (("crm", "staff"), ("staff", "crm")):
        site = serve(
            {"crm": {"type": "raising"}, "staff": staff},
            services=asking(*order, ordered=order[0] == "crm"),
            views=views(),
        )
        assert site.reverse("default", "2042")["display"] == "Bob Boss"


def test_a_web_service_that_sleeps_is_late_for_one_profile_and_found_by_a_patient_one(
    serve: Callable[..., Site],
) -> None:
    awake = threading.Event()

    def sleeping(_environ: Any, start: Callable[..., Any]) -> list[bytes]:
        awake.wait(PATIENCE)
        body = b"name,tel\nAda,2041\n"
        start("200 OK", [("Content-Type", "text/csv"), ("Content-Length", str(len(body)))])
        return [body]

    web = Server(sleeping)
    web.start()
    try:
        site = serve(
            {
                "web": {
                    "type": "csv_ws", "lookup_url": f"{web.url}/ws", "searched_columns": ["name"],
                    "first_matched_columns": ["tel"], "format_columns": {"reverse": "{name}"},
                }
            },
            services={
                "reverse": {
                    "quick": {"sources": ["web"], "timeout": 0.1},
                    "patient": {"sources": ["web"], "timeout": PATIENCE},
                }
            },
            views=views(),
        )  # fmt: skip
        for _ in range(7):  # more than a breaker takes
            body = site.reverse("quick", "2041")  # answered before the web service wakes up
            assert body["display"] is None and body["fields"] == {}
            assert verdicts(body)["web"] in {"late", "open"}
        threading.Timer(0.5, awake.set).start()
        assert site.reverse("patient", "2041")["display"] == "Ada"
    finally:
        awake.set()
        web.stop()


def test_a_number_is_found_however_it_is_written(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    site = serve({"staff": staff}, services=asking("staff"), views=views(), region="FR")
    for exten in ("+33 1 23 45 67 89", "0123456789", "0033123456789", "+33(0)1.23.45.67.89"):
        assert site.reverse("default", exten)["display"] == "Céline Dupont", exten


@pytest.mark.usefixtures("hanging")
def test_many_numbers_are_answered_in_one_question(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    site = serve(
        {"crm": {"type": "raising"}, "staff": staff},
        services=asking("crm", "staff"),
        views=views(),
    )
    path = "/directories/reverse/default/u-1"
    status, body = site.call("POST", path, {"extens": ["2042", "999", "2041", "2042"]})
    assert status == 200
    assert [(r["exten"], r["display"], r["source"]) for r in body["results"]] == [
        ("2042", "Bob Boss", "staff"), ("999", None, None),
        ("2041", "Céline Dupont", "staff"), ("2042", "Bob Boss", "staff"),
    ]  # fmt: skip
    assert verdicts(body) == {"crm": "failed", "staff": "answered"}
    assert site.call("POST", path, {"extens": []}) == (200, {"results": [], "sources": []})


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{", b"[]", b'"x"', b"{}", b'{"extens": "2041"}', b'{"extens": [1]}',
     b'{"extens": [null]}', b'{"extens": {"a": "b"}}', b"\xff", b'{"extens": ["a\\u0000b"]}',
     json.dumps({"extens": ["1"] * 201}).encode(), json.dumps({"extens": ["1" * 257]}).encode()],
)  # fmt: skip
def test_a_body_that_is_no_list_of_numbers_is_refused(
    serve: Callable[..., Site], staff: dict[str, Any], body: bytes
) -> None:
    site = serve({"staff": staff}, services=asking("staff"), views=views())
    status, answer = site.call("POST", "/directories/reverse/default/u-1", body)
    assert status == 400 and answer["status_code"] == 400
    assert all(isinstance(reason, str) for reason in answer["reason"])


def test_what_is_refused_of_reverse_lookups(
    serve: Callable[..., Site], staff: dict[str, Any]
) -> None:
    site = serve({"staff": staff}, services=asking("staff"), views=views())
    assert site.call("GET", "/directories/reverse/default/u-1")[0] == 400
    assert site.call("GET", "/directories/reverse/default/u-1", token="bad", exten="1")[0] == 401
    status, body = site.call("GET", "/directories/reverse/defualt/u-1", exten="1")
    assert status == 404 and "profile `defualt`" in body["reason"][0]
    for user in ("no uuid", "../..", "é", "x" * 500):
        assert site.reverse("default", "2042", user)["display"] == "Bob Boss"
