"""Personal contacts as people keep them over HTTP, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.directory_site import DirectorySite

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient_shelves")]

ODD = {"firstname": "Zoë", "%": "p", "?": "q", "#": "h", "shoe size": " 38 ", "": "x", "空": "é"}
KEEP = {key: value for key, value in ODD.items() if key}


@pytest.fixture
def site(store_url: str) -> Iterator[DirectorySite]:
    with DirectorySite(store_url) as site:
        yield site


def firsts(answer: Any) -> list[str]:
    return [row["column_values"][0] for row in answer.json["results"]]


def test_a_contact_comes_back_as_it_was_given_with_an_id(site: DirectorySite) -> None:
    answer = site.post("/personal", KEEP)
    assert answer.status == 201
    contact = answer.json
    assert contact == {**KEEP, "id": contact["id"]} and contact["id"]
    assert site.get(f"/personal/{contact['id']}").json == contact
    assert site.get("/personal").json == {"items": [contact]}


@pytest.mark.parametrize(
    "body",
    [{}, {"": "x"}, {"number": 7}, {"number": None}, {"a": {"b": "c"}}, [], "text", 7, {"id": "x"},
     {"name": "\ud800"}, {"\ud800": "x"}],
)  # fmt: skip
def test_what_is_no_contact_is_refused(site: DirectorySite, body: Any) -> None:
    there = site.post("/personal", {"firstname": "there"}).json
    for answer in (site.post("/personal", body), site.put(f"/personal/{there['id']}", body)):
        assert answer.status == 400
        assert isinstance(answer.json["reason"], list) and answer.json["reason"]
    assert site.get("/personal").json == {"items": [there]}


@pytest.mark.parametrize("data", [b"", b"null", b"{", b"\xff", b"[" * 5000])
def test_a_body_that_is_no_json_is_refused(site: DirectorySite, data: bytes) -> None:
    assert site.call("POST", "/personal", data=data).status == 400


def test_all_that_is_wrong_is_said_at_once(site: DirectorySite) -> None:
    assert len(site.post("/personal", {"": "x", "a": 1, "b": []}).json["reason"]) == 3


def test_a_nul_is_kept_on_every_database(site: DirectorySite) -> None:
    contact = site.post("/personal", {"firstname": "a\x00b", "x\x00": "y"})
    assert contact.status == 201
    assert site.get(f"/personal/{contact.json['id']}").json["firstname"] == "a\x00b"


def test_a_token_of_nobody_reaches_no_contact(site: DirectorySite) -> None:
    for method, path in (
        ("GET", "/personal"), ("POST", "/personal"), ("DELETE", "/personal"),
        ("GET", "/personal/x"), ("PUT", "/personal/x"), ("DELETE", "/personal/x"),
        ("POST", "/personal/import"), ("GET", "/directories/personal/default"),
    ):  # fmt: skip
        assert site.call(method, path, "nobody", {"firstname": "x"}).status == 401, path


def test_the_same_contact_is_refused_to_the_same_person_only(site: DirectorySite) -> None:
    assert site.post("/personal", {"a": "1", "b": "2"}).status == 201
    assert site.post("/personal", {"b": "2", "a": "1"}).status == 409
    assert site.post("/personal", {"b": "2", "a": "1", "id": "other"}).status == 409
    assert site.post("/personal", {"a": "1", "b": "2"}, "bob").status == 201
    for other in ({"a": "1", "b": "2 "}, {"A": "1", "b": "2"}, {"a": "1"}):
        assert site.post("/personal", other).status == 201


def test_put_replaces_all_attributes_and_keeps_the_id(site: DirectorySite) -> None:
    contact = site.post("/personal", {"firstname": "Ada", "old": "x"}).json
    path = f"/personal/{contact['id']}"
    answer = site.put(path, {"firstname": "Ada", "new": "y", "id": "another"})
    assert answer.status == 200
    assert answer.json == {"firstname": "Ada", "new": "y", "id": contact["id"]}
    assert site.get(path).json == answer.json
    assert site.put(path, answer.json).json == answer.json  # what one reads can be sent back
    assert site.put("/personal/unknown", {"a": "b"}).status == 404


def test_a_put_that_would_make_twins_changes_nothing(site: DirectorySite) -> None:
    one = site.post("/personal", {"firstname": "one"}).json
    two = site.post("/personal", {"firstname": "two"}).json
    assert site.put(f"/personal/{two['id']}", {"firstname": "one"}).status == 409
    assert site.get("/personal").json == {"items": [one, two]}


def test_contacts_of_another_person_are_not_there(site: DirectorySite) -> None:
    path = f"/personal/{site.post('/personal', {'firstname': 'Ada'}).json['id']}"
    assert site.get(path, "bob").status == 404
    assert site.put(path, {"firstname": "Bob"}, "bob").status == 404
    assert site.delete(path, "bob").status == 404
    assert site.delete("/personal", "bob").status == 204
    assert site.get(path).json["firstname"] == "Ada"


def test_purge_removes_all_and_again_is_harmless(site: DirectorySite) -> None:
    assert site.delete("/personal").status == 204
    for name in "abc":
        site.post("/personal", {"firstname": name})
    site.post("/personal", {"firstname": "his"}, "bob")
    assert [site.delete("/personal").status for _ in "12"] == [204, 204]
    assert site.get("/personal").json == {"items": []}
    assert len(site.get("/personal", "bob").json["items"]) == 1
    assert site.get("/directories/lookup/default?term=").json["results"] == []


@pytest.mark.parametrize("term", ["céline", "CELINE", "Céline", "elin"])
@pytest.mark.parametrize("name", ["Céline", "Celine"])
def test_accents_and_case_do_not_count_in_a_lookup(
    site: DirectorySite, term: str, name: str
) -> None:
    site.post("/personal", {"firstname": name})
    assert firsts(site.get("/directories/lookup/default", query_string={"term": term})) == [name]


def test_a_contact_that_matches_in_several_columns_comes_once(site: DirectorySite) -> None:
    site.post("/personal", {"firstname": "bob", "lastname": "bobson", "email": "bob@b"})
    assert firsts(site.get("/directories/lookup/default?term=bob")) == ["bob"]
    for wildcard in ("%25", "_", "b%25b"):
        assert firsts(site.get(f"/directories/lookup/default?term={wildcard}")) == []


def test_an_empty_attribute_is_null_in_a_display_and_kept_in_the_contact(
    site: DirectorySite,
) -> None:
    contact = site.post("/personal", {"firstname": "Ada", "lastname": ""}).json
    assert contact["lastname"] == ""
    for path in ("/directories/personal/default", "/directories/lookup/default?term=ada"):
        answer = site.get(path).json
        (row,) = answer["results"]
        assert row["column_values"][:3] == ["Ada", None, None]
        assert row["column_values"][5] is True
        assert row["relations"]["source_entry_id"] == contact["id"]
        assert answer["column_headers"][0] == "First"
    unknown = site.get("/directories/personal/unknown")
    assert unknown.status == 404 and "unknown" in unknown.reasons


def test_a_lookup_sees_each_change_at_once(site: DirectorySite) -> None:
    lookup = "/directories/lookup/default?term=a"
    assert firsts(site.get(lookup)) == []
    one = site.post("/personal", {"firstname": "anna"}).json
    two = site.post("/personal", {"firstname": "abel"}).json
    assert firsts(site.get(lookup)) == ["anna", "abel"]
    site.put(f"/personal/{one['id']}", {"firstname": "zara"})
    assert sorted(firsts(site.get(lookup))) == ["abel", "zara"]
    site.delete(f"/personal/{two['id']}")
    assert firsts(site.get(lookup)) == ["zara"]
    site.delete("/personal")
    assert firsts(site.get(lookup)) == []


def test_a_caller_is_known_to_the_person_only_who_has_the_contact(site: DirectorySite) -> None:
    contact = {"firstname": "Ines", "lastname": "A", "number": "5550199", "mobile": "06"}
    site.post("/personal", contact)
    for exten in ("5550199", "06"):
        mine = site.get(f"/directories/reverse/default/uuid-ada?exten={exten}").json
        assert mine["display"] == "Ines A" and mine["source"] == "mine"
    for other in ("uuid-bob", "no-uuid-at-all"):
        answer = site.get(f"/directories/reverse/default/{other}?exten=5550199")
        assert answer.status == 200
        assert {k: answer.json[k] for k in ("display", "exten", "source", "fields")} == {
            "display": None, "exten": "5550199", "source": None, "fields": {},
        }  # fmt: skip
    assert site.get("/directories/reverse/default/uuid-ada?exten=555").json["display"] is None


def test_a_number_that_moved_to_another_contact_is_the_other_contact(site: DirectorySite) -> None:
    reverse = "/directories/reverse/default/uuid-ada?exten=7"
    one = site.post("/personal", {"firstname": "one", "number": "7"}).json
    site.post("/personal", {"firstname": "two", "number": "7", "mobile": "8"})
    assert site.get(reverse).json["display"] == "one"
    site.put(f"/personal/{one['id']}", {"firstname": "one", "number": "9"})
    assert site.get(reverse).json["display"] == "two"


def test_two_ways_to_write_a_number_are_the_same_in_a_region(store_url: str) -> None:
    with DirectorySite(store_url, region="FR") as site:
        site.post("/personal", {"firstname": "Ines", "number": "01 23 45 67 89"})
        for exten in ("+33123456789", "0033 1 23 45 67 89", "0123456789"):
            answer = site.get(
                "/directories/reverse/default/uuid-ada", query_string={"exten": exten}
            )
            assert answer.json["display"] == "Ines", exten


def test_contacts_are_sorted_without_case_and_accents_the_missing_last(
    site: DirectorySite,
) -> None:
    for name in ("zoe", "Émile", "eve", "Adam"):
        site.post("/personal", {"firstname": name})
    site.post("/personal", {"lastname": "nameless"})

    def listed(query: str) -> list[str | None]:
        return [c.get("firstname") for c in site.get(f"/personal?{query}").json["items"]]

    assert listed("order=firstname") == ["Adam", "Émile", "eve", "zoe", None]
    assert listed("order=firstname&direction=desc") == ["zoe", "eve", "Émile", "Adam", None]
    assert listed("order=firstname&limit=2&offset=1") == ["Émile", "eve"]
    assert listed("limit=2") == ["zoe", "Émile"]
    for wrong in ("order=unknown", "direction=up", "limit=0", "limit=-1", "offset=x", "order="):
        assert site.get(f"/personal?{wrong}").status == 400, wrong
