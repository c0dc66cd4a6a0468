"""What people see of sources on other systems: LDAP and telephone systems, well, ill and away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import pbx as pbxes
from support.directory_site import DirectorySite
from support.pbx import FakePbx, conference, user
from support.require import Require
from support.slapd import Slapd, organization, person, require_all

FAVORITES = "/directories/favorites/default"
PEOPLE = [
    organization(),
    person("1", "Alice Élan", l="Québec", telephoneNumber="1001", mail="alice@x"),
    person("2", "Bob Roy", l="Montréal", telephoneNumber="1002"),
]


@pytest.fixture
def server(require: Require, tmp_path: Path) -> Iterator[Slapd]:
    require_all(require)
    server = Slapd(tmp_path / "slapd")
    server.fill(PEOPLE)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def csv(tmp_path: Path) -> dict[str, Any]:
    """A source that answers whatever happens to the others."""
    file = tmp_path / "near.csv"
    file.write_text("id,first,number\n1,Alina,7\n", encoding="utf-8")
    return {
        "type": "csv", "file": str(file), "unique_column": "id", "searched_columns": ["first"],
        "first_matched_columns": ["number"],
        "format_columns": {"firstname": "{first}", "reverse": "{first}"},
    }  # fmt: skip


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


def ldap(server: Slapd, **more: Any) -> dict[str, Any]:
    return {
        "type": "ldap", "ldap_uri": server.uri, "ldap_base_dn": server.base,
        "unique_column": "uid", "searched_columns": ["cn"],
        "first_matched_columns": ["telephoneNumber"],
        "format_columns": {"firstname": "{cn}", "number": "{telephoneNumber}", "reverse": "{cn}"},
        "ldap_timeout": 20, "ldap_network_timeout": 20, **more,
    }  # fmt: skip


def users(pbx: FakePbx, **more: Any) -> dict[str, Any]:
    return {
        "type": "xivo", "confd_config": pbx.old(**more), "searched_columns": ["firstname"],
        "first_matched_columns": ["exten"],
        "format_columns": {
            "firstname": "{full_name}", "number": "{exten}", "reverse": "{full_name}",
        },
    }  # fmt: skip


def rows(answer: Any) -> list[tuple[str, str]]:
    return [(r["source"], r["column_values"][0]) for r in answer.json["results"]]


def verdicts(answer: Any) -> dict[str, str]:
    return {s["name"]: s["verdict"] for s in answer.json["sources"]}


def lookup(site: DirectorySite, term: str) -> Any:
    answer = site.get("/directories/lookup/default", query_string={"term": term})
    assert answer.status == 200
    return answer


def reverse(site: DirectorySite, exten: str) -> Any:
    answer = site.get("/directories/reverse/default/uuid-ada", query_string={"exten": exten})
    assert answer.status == 200
    return answer.json


# ---- LDAP ---------------------------------------------------------------------------------------


def test_people_of_an_ldap_server_are_found_matched_and_marked(
    server: Slapd, csv: dict[str, Any], store_url: str
) -> None:
    sources = {"company": ldap(server), "near": csv}
    with DirectorySite(store_url, sources) as site:
        assert rows(lookup(site, "elan")) == [("company", "Alice Élan")]
        assert rows(lookup(site, "ali")) == [("company", "Alice Élan"), ("near", "Alina")]
        assert verdicts(lookup(site, "ali")) == {"company": "answered", "near": "answered"}
        found = reverse(site, "1002")
        assert (found["display"], found["source"]) == ("Bob Roy", "company")
        assert site.put("/directories/favorites/company/1").status == 204
        assert rows(site.get(FAVORITES)) == [("company", "Alice Élan")]
        assert [r["column_values"][4] for r in lookup(site, "").json["results"]] == [
            True, False, False,
        ]  # fmt: skip


def test_a_custom_filter_leaves_out_the_people_of_another_city(
    server: Slapd, store_url: str
) -> None:
    sources = {"company": ldap(server, ldap_custom_filter="(l=québec)")}
    with DirectorySite(store_url, sources) as site:
        assert rows(lookup(site, "")) == [("company", "Alice Élan")]
        assert reverse(site, "1002")["display"] is None


@pytest.mark.parametrize("fault", ["frozen", "down"])
def test_an_ldap_server_that_is_away_costs_its_own_part_of_an_answer_and_no_more(
    server: Slapd, csv: dict[str, Any], store_url: str, fault: str
) -> None:
    quick = ldap(server, ldap_timeout=0.5, ldap_network_timeout=0.3)
    with DirectorySite(store_url, {"company": quick, "near": csv}) as site:
        assert verdicts(lookup(site, "ali"))["near"] == "answered"
        server.freeze() if fault == "frozen" else server.stop(9)
        for _ in range(3):
            began = time.monotonic()
            answer = lookup(site, "ali")
            assert time.monotonic() - began < 20
            assert rows(answer) == [("near", "Alina")]
            assert verdicts(answer)["company"] in {"failed", "open"}
        assert reverse(site, "7")["display"] == "Alina"
        server.thaw() if fault == "frozen" else server.start()
        wait_until(lambda: verdicts(lookup(site, "ali"))["company"] == "answered")


def test_a_wrong_password_is_in_the_verdict_and_not_shown(
    server: Slapd, csv: dict[str, Any], store_url: str
) -> None:
    wrong = ldap(server, ldap_username=server.admin, ldap_password="s3cret-and-wrong")
    with DirectorySite(store_url, {"company": wrong, "near": csv}) as site:
        answer = lookup(site, "ali")
        assert rows(answer) == [("near", "Alina")]
        assert "does not accept the password" in answer.text and "s3cret" not in answer.text


# ---- telephone systems --------------------------------------------------------------------------


@pytest.fixture
def three() -> Iterator[list[FakePbx]]:
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(pbxes.serving()) for _ in range(3)]
        for place, server in zip(("Québec", "Lyon", "Liège"), servers, strict=True):
            server.users = [
                user(1, f"Alice of {place}", "", "1001"),
                user(2, "Bob", place, "1002"),
            ]
        yield servers


NAMES = ("quebec", "lyon", "liege")


@pytest.mark.parametrize("fault", ["missing", "broken", "garbage", "hung", "absent"])
def test_one_telephone_system_of_three_that_is_ill_leaves_the_two_others(
    three: list[FakePbx], store_url: str, fault: str
) -> None:
    sources = dict(zip(NAMES, (users(pbx) for pbx in three), strict=True))
    sources["lyon"] = users(three[1], timeout=0.3)
    if fault == "absent":
        three[1].stop()
    else:
        three[1].mood = fault
    with DirectorySite(store_url, sources) as site:
        answer = lookup(site, "alice")
        assert [source for source, _ in rows(answer)] == ["quebec", "liege"]
        assert verdicts(answer) == {"quebec": "answered", "lyon": "failed", "liege": "answered"}
        assert reverse(site, "1001")["source"] in {"quebec", "liege"}


def test_the_same_id_in_two_systems_is_two_people(three: list[FakePbx], store_url: str) -> None:
    sources = dict(zip(NAMES, (users(pbx) for pbx in three), strict=True))
    with DirectorySite(store_url, sources) as site:
        for name in ("lyon", "liege"):
            assert (
                site.put(f"/directories/favorites/{name}/{1 if name == 'lyon' else 2}").status
                == 204
            )
        assert rows(site.get(FAVORITES)) == [("lyon", "Alice of Lyon"), ("liege", "Bob Liège")]
        answer = lookup(site, "alice")
        assert [r["column_values"][4] for r in answer.json["results"]] == [False, True, False]
        relations = answer.json["results"][0]["relations"]
        assert relations["xivo_id"] == three[0].uuid and relations["user_id"] == 1
        assert relations["source_entry_id"] == "1" and relations["endpoint_id"] == 101
        assert rows(lookup(site, "nobody")) == []


def test_a_telephone_system_that_starts_later_is_found_without_a_restart(store_url: str) -> None:
    with pbxes.serving() as former:
        port = former.port
        source = users(former)
    with DirectorySite(store_url, {"staff": source}) as site:
        assert verdicts(lookup(site, "alice")) == {"staff": "failed"}
        with pbxes.serving(port=port) as pbx:
            pbx.users = [user(1, "Alice", "")]
            wait_until(lambda: rows(lookup(site, "alice")) == [("staff", "Alice")])


def test_conference_rooms_are_found_by_name_extension_and_incall(store_url: str) -> None:
    with pbxes.serving(scheme="token") as pbx:
        pbx.conferences = [
            conference(1, "Réunion", ["4001"], ["+331"]),
            conference(2, "Nowhere", [], []),
        ]
        source = {
            "type": "conference", **pbx.new(),
            "searched_columns": ["name", "extensions", "incalls"],
            "first_matched_columns": ["extensions", "incalls"],
            "format_columns": {
                "firstname": "{name}", "number": "{extensions[0]}", "reverse": "{name}",
            },
        }  # fmt: skip
        with DirectorySite(store_url, {"rooms": source}) as site:
            for term in ("reunion", "400", "331"):
                assert rows(lookup(site, term)) == [("rooms", "Réunion")]
            assert reverse(site, "+331")["display"] == "Réunion"
            (nowhere,) = lookup(site, "nowhere").json["results"]
            assert nowhere["column_values"][2] is None
            many = site.post(
                "/directories/reverse/default/uuid-ada", {"extens": ["4001", "x", "+331"]}
            )
            assert [r["display"] for r in many.json["results"]] == ["Réunion", None, "Réunion"]


def wait_until(holds: Any) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
