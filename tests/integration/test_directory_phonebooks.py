"""Phonebooks as tenants keep and ask them over HTTP, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from support.directory_site import DirectorySite

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient_shelves")]

BOOKS = "/tenants/sea/phonebooks"
SOURCE = {
    "type": "dird_phonebook", "tenant": "sea", "phonebook_name": "clients",
    "searched_columns": ["firstname", "company"], "first_matched_columns": ["number", "mobile"],
    "format_columns": {"reverse": "{firstname}", "lastname": "{company}"},
}  # fmt: skip


@pytest.fixture
def site(store_url: str) -> Iterator[DirectorySite]:
    with DirectorySite(store_url, {"clients": SOURCE}) as site:
        yield site


def book(site: DirectorySite, name: str = "clients", tenant: str = "sea") -> str:
    answer = site.post(f"/tenants/{tenant}/phonebooks", {"name": name})
    assert answer.status == 201
    return f"/tenants/{tenant}/phonebooks/{answer.json['id']}"


def fill(site: DirectorySite, path: str, count: int) -> None:
    lines = "\n".join(f"Contact {number},{number % 7}" for number in range(count))
    assert site.upload(f"{path}/contacts/import", f"firstname,group\n{lines}\n").status == 200


def test_a_phonebook_is_made_read_changed_and_removed(site: DirectorySite) -> None:
    made = site.post(BOOKS, {"name": "Clients", "description": None, "id": 99})
    assert made.status == 201
    path = f"{BOOKS}/{made.json['id']}"
    assert made.json == {"id": made.json["id"], "name": "Clients", "description": None}
    assert site.get(path).json == made.json
    changed = site.put(path, {"name": "Kunden", "description": "ours"})
    assert changed.status == 200
    assert changed.json == {"id": made.json["id"], "name": "Kunden", "description": "ours"}
    assert site.get(BOOKS).json == {"items": [changed.json], "total": 1}
    assert [site.delete(path).status for _ in "12"] == [204, 404]
    assert site.get(BOOKS).json == {"items": [], "total": 0}
    assert site.post(BOOKS, {"name": "new"}).json["id"] != made.json["id"]


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": None}, {"name": 7}, {"name": "x" * 256}, {"description": "x"},
     {"name": "x", "description": 7}, {"name": "a\x00"}, {"name": "\ud800"}, [], 7],
)  # fmt: skip
def test_what_is_no_phonebook_is_refused(site: DirectorySite, body: Any) -> None:
    path = book(site)
    before = site.get(BOOKS).json
    assert site.post(BOOKS, body).status == 400
    assert site.put(path, body).status == 400
    assert site.get(BOOKS).json == before


@pytest.mark.parametrize("tenant", ["Sea", "s a", "säa", "a%2Fb", "a%00", "x" * 300])
def test_a_tenant_has_a_plain_name(site: DirectorySite, tenant: str) -> None:
    path = f"/tenants/{tenant}/phonebooks"
    for answer in (site.get(path), site.post(path, {"name": "x"}), site.get(f"{path}/1")):
        assert answer.status in {400, 404}


def test_a_name_is_unique_in_its_tenant_only(site: DirectorySite) -> None:
    book(site, "one")
    other = book(site, "two")
    book(site, "one", "lake")
    assert site.post(BOOKS, {"name": "one"}).status == 409
    assert site.put(other, {"name": "one"}).status == 409
    assert site.get(other).json["name"] == "two"
    assert site.put(other, {"name": "two", "description": "same name"}).status == 200


def test_what_another_tenant_has_is_not_there(site: DirectorySite) -> None:
    path = book(site)
    contact = site.post(f"{path}/contacts", {"firstname": "Ada"}).json
    other = path.replace("sea", "lake")
    for method, where, body in (
        ("GET", other, None), ("PUT", other, {"name": "x"}), ("DELETE", other, None),
        ("GET", f"{other}/contacts", None), ("POST", f"{other}/contacts", {"a": "b"}),
        ("GET", f"{other}/contacts/{contact['id']}", None),
        ("PUT", f"{other}/contacts/{contact['id']}", {"a": "b"}),
        ("DELETE", f"{other}/contacts/{contact['id']}", None),
    ):  # fmt: skip
        assert site.call(method, where, json=body).status == 404, (method, where)
    assert site.upload(f"{other}/contacts/import", "a\nb\n").status == 404
    assert site.get("/tenants/lake/phonebooks").json == {"items": [], "total": 0}
    assert site.get(f"{path}/contacts").json == {"items": [contact], "total": 1}
    second = book(site, "second")
    assert site.get(f"{second}/contacts/{contact['id']}").status == 404
    assert site.get(f"{BOOKS}/999999/contacts").status == 404
    assert site.get(f"{BOOKS}/{2**70}").status == 404


@pytest.mark.parametrize(
    "wrong",
    ["limit=-1", "limit=True", "limit=foobar", "limit=3.14", "limit=", "offset=-1", "offset=True",
     "offset=x", "offset=3.14", "limit=99999999999999999999", "direction=up", "direction=",
     "order=", "limit=%C2%B2"],
)  # fmt: skip
def test_pages_that_cannot_be_meant_are_refused(site: DirectorySite, wrong: str) -> None:
    path = book(site)
    assert site.get(f"{BOOKS}?{wrong}").status == 400
    assert site.get(f"{path}/contacts?{wrong}").status == 400


def test_phonebooks_are_searched_sorted_and_paged(site: DirectorySite) -> None:
    for name, text in (("beta", "ÉCOLE"), ("Alpha", None), ("éclair", "x"), ("gamma", "Alp")):
        site.post(BOOKS, {"name": name, "description": text})

    def listed(query: str) -> tuple[list[str], int]:
        answer = site.get(f"{BOOKS}?{query}").json
        return [item["name"] for item in answer["items"]], answer["total"]

    assert listed("order=name") == (["Alpha", "beta", "éclair", "gamma"], 4)
    assert listed("order=name&direction=desc&limit=1&offset=1") == (["éclair"], 4)
    assert listed("search=ALP&order=name") == (["Alpha", "gamma"], 2)
    assert listed("search=ecole") == (["beta"], 1)
    assert listed("search=%25") == ([], 0)
    assert listed("limit=0") == (["beta", "Alpha", "éclair", "gamma"], 4)
    assert site.get(f"{BOOKS}?order=unknown").status == 400


def test_a_contact_is_made_read_changed_and_removed(site: DirectorySite) -> None:
    path = f"{book(site)}/contacts"
    made = site.post(path, {"firstname": "Zoë", "%": "?", "id": "mine"})
    assert made.status == 201 and made.json["id"] != "mine"
    one = f"{path}/{made.json['id']}"
    assert site.get(one).json == made.json
    changed = site.put(one, {"firstname": "Eve", "id": "stolen"})
    assert changed.status == 200 and changed.json == {"firstname": "Eve", "id": made.json["id"]}
    assert site.get(one).json == changed.json and site.get(f"{path}/stolen").status == 404
    assert [site.delete(one).status for _ in "12"] == [204, 404]
    for body in ({}, {"": "x"}, {"id": "x"}, {"a": None}, {"a": 1}, [], None):
        assert site.post(path, body).status == 400


def test_the_same_contact_is_refused_in_the_same_phonebook_only(site: DirectorySite) -> None:
    first, second = (f"{book(site, name)}/contacts" for name in ("one", "two"))
    contact = site.post(first, {"a": "1", "b": "2"}).json
    assert site.post(first, {"b": "2", "a": "1"}).status == 409
    assert site.post(second, {"b": "2", "a": "1"}).status == 201
    other = site.post(first, {"a": "2"}).json
    assert site.put(f"{first}/{other['id']}", {"a": "1", "b": "2"}).status == 409
    assert site.get(first).json == {"items": [contact, other], "total": 2}


def test_the_total_follows_the_search(site: DirectorySite) -> None:
    path = f"{book(site)}"
    lines = "".join(f"Contact {number}\n" for number in range(5000))
    site.upload(f"{path}/contacts/import", f"firstname\n{lines}")
    for search, total in ((" 5", 111), ("Contact 4", 1111), ("contact", 5000), ("nobody", 0)):
        for page in ("", "&limit=10", "&limit=10&offset=105&order=firstname"):
            answer = site.get(f"{path}/contacts?search={quote(search)}{page}").json
            assert answer["total"] == total
            assert len(answer["items"]) <= total
    assert len(site.get(f"{path}/contacts?search=%205&limit=10&offset=105").json["items"]) == 6
    assert len(site.get(f"{path}/contacts").json["items"]) == 5000


def test_contacts_are_sorted_by_one_attribute_without_accents(site: DirectorySite) -> None:
    path = f"{book(site)}/contacts"
    for name in ("zoe", "Émile", "eve", "Adam"):
        site.post(path, {"firstname": name, "group": "x"})
    site.post(path, {"lastname": "nameless"})

    def listed(query: str) -> list[str]:
        return [c.get("firstname", "") for c in site.get(f"{path}?{query}").json["items"]]

    assert listed("order=firstname") == ["", "Adam", "Émile", "eve", "zoe"]
    assert listed("order=firstname&direction=desc&limit=2") == ["zoe", "eve"]
    assert listed("order=firstname&search=x&limit=2&offset=1") == ["Émile", "eve"]
    site.post(path, {"firstname": "Bea"})
    assert listed("order=firstname&limit=3") == ["", "Adam", "Bea"]


def test_a_page_outlives_what_is_removed_meanwhile(site: DirectorySite) -> None:
    path = f"{book(site)}/contacts"
    ids = [site.post(path, {"firstname": name}).json["id"] for name in "abc"]
    assert site.get(f"{path}?order=firstname").json["total"] == 3
    site.delete(f"{path}/{ids[1]}")
    answer = site.get(f"{path}?order=firstname").json
    assert [c["firstname"] for c in answer["items"]] == ["a", "c"] and answer["total"] == 2


def test_a_file_is_imported_again_and_again_without_twins(site: DirectorySite) -> None:
    path = book(site)
    there = site.post(f"{path}/contacts", {"firstname": "a"}).json
    file = "firstname,mobile\na,\nb,2\nb,2\nc\nd,4,5,6\n"
    first = site.upload(f"{path}/contacts/import", file)
    assert first.status == 200
    assert [c["firstname"] for c in first.json["created"]] == ["b"]
    assert first.json["failed"] == [
        {"firstname": "c"}, {"firstname": "d", "mobile": "4", "null": ["5", "6"]},
    ]  # fmt: skip
    assert [error["line"] for error in first.json["errors"]] == [5, 6]
    again = site.upload(f"{path}/contacts/import", file)
    assert again.status == 200 and again.json["created"] == []
    assert site.get(f"{path}/contacts").json["items"] == [there, *first.json["created"]]


@pytest.mark.parametrize(
    ("file", "charset"),
    [(b"", ""), (b"a,b\n", ""), (b"a,a\n1,2\n", ""), (b"a\n1\n", "no-such-charset"),
     ("a\né\n".encode("cp1252"), "utf-8"), (b"a,,b\n1,2,3\n", ""), (b"a\n1,2\n", "")],
)  # fmt: skip
def test_a_file_with_nothing_good_is_refused(
    site: DirectorySite, file: bytes, charset: str
) -> None:
    path = book(site)
    answer = site.upload(f"{path}/contacts/import", file, charset)
    assert answer.status == 400 and answer.json["reason"]
    assert site.get(f"{path}/contacts").json == {"items": [], "total": 0}


def found(site: DirectorySite, term: str) -> list[str]:
    answer = site.get("/directories/lookup/default", query_string={"term": term}).json
    return [row["column_values"][0] for row in answer["results"]]


def test_a_lookup_sees_each_change_of_a_phonebook_at_once(site: DirectorySite) -> None:
    verdict = site.get("/directories/lookup/default?term=a").json["sources"][0]
    assert verdict["verdict"] == "failed" and "clients" in verdict["error"]
    path = book(site)
    assert found(site, "a") == []
    one = site.post(f"{path}/contacts", {"firstname": "Zoë", "company": "Sea"}).json
    assert found(site, "zoe") == found(site, "SEA") == ["Zoë"]
    assert found(site, one["id"]) == [] and found(site, "%") == []
    site.put(f"{path}/contacts/{one['id']}", {"firstname": "Eve"})
    assert found(site, "zoe") == [] and found(site, "eve") == ["Eve"]
    fill(site, path, 1000)
    assert len(found(site, "contact 99")) == 11
    site.delete(f"{path}/contacts/{one['id']}")
    assert found(site, "eve") == []
    site.delete(path)
    assert found(site, "contact") == []
    path = book(site)  # of the same name, another one
    site.post(f"{path}/contacts", {"firstname": "New"})
    assert found(site, "new") == ["New"]


def test_callers_and_favorites_are_found_in_a_phonebook(site: DirectorySite) -> None:
    path = book(site)
    contact = site.post(f"{path}/contacts", {"firstname": "Ada", "mobile": "06"}).json
    answer = site.get("/directories/reverse/default/uuid-bob?exten=06").json
    assert answer["display"] == "Ada" and answer["source"] == "clients"
    assert site.put(f"/directories/favorites/clients/{contact['id']}").status == 204
    row = site.get("/directories/favorites/default").json["results"][0]
    assert row["relations"]["source_entry_id"] == contact["id"]
    assert site.get("/directories/lookup/default?term=ada").json["results"] == [row]


def test_changes_of_a_large_phonebook_are_found_beside_its_table(site: DirectorySite) -> None:
    path = book(site)
    fill(site, path, 3000)
    assert len(found(site, "contact")) == 3000
    for round_ in range(3):
        some = site.get(f"{path}/contacts?search=Contact&limit=40&offset={100 * round_}").json
        for number, contact in enumerate(some["items"]):
            if number % 2:
                site.delete(f"{path}/contacts/{contact['id']}")
            else:
                name = f"Changed {round_} {number}"
                site.put(
                    f"{path}/contacts/{contact['id']}", {"firstname": name, "mobile": f"0{number}"}
                )
        assert len(found(site, "contact")) == 3000 - 40 * (round_ + 1)
        assert len(found(site, "changed")) == 20 * (round_ + 1)
        answer = site.get("/directories/reverse/default/u?exten=00").json
        assert answer["display"].startswith("Changed")


def test_a_source_without_a_name_has_all_phonebooks_of_its_tenant(store_url: str) -> None:
    every = {key: value for key, value in SOURCE.items() if key != "phonebook_name"}
    with DirectorySite(store_url, {"shared": every}) as site:
        verdict = site.get("/directories/lookup/default?term=a").json["sources"][0]
        assert verdict["verdict"] == "empty"
        one, two, other = book(site, "one"), book(site, "two"), book(site, "one", "lake")
        ids = {
            path: site.post(f"{path}/contacts", {"firstname": f"Ada {name}", "number": number})
            for path, name, number in ((two, "2", "7"), (one, "1", "7"), (other, "3", "8"))
        }
        assert found(site, "ada") == ["Ada 1", "Ada 2"]  # the older phonebook first
        asked = site.post("/directories/reverse/default/u", {"extens": ["7", "8"]}).json
        assert [answer["display"] for answer in asked["results"]] == ["Ada 1", None]
        for path in (one, two):
            assert site.put(f"/directories/favorites/shared/{ids[path].json['id']}").status == 204
        assert len(site.get("/directories/favorites/default").json["results"]) == 2
        site.delete(one)
        assert found(site, "ada") == ["Ada 2"]
        assert site.get("/directories/reverse/default/u?exten=7").json["display"] == "Ada 2"


@pytest.mark.parametrize("name", [{"phonebook_name": ""}, {"phonebook_name": None},
                                  {"phonebook_id": True}, {"phonebook_name": ["a"]}])  # fmt: skip
def test_a_name_that_is_none_does_not_mean_all(store_url: str, name: dict[str, Any]) -> None:
    wrong = {**SOURCE, **name}
    wrong = {key: value for key, value in wrong.items() if key in name or key != "phonebook_name"}
    with DirectorySite(store_url, {"clients": wrong}) as site:
        verdict = site.get("/directories/lookup/default?term=a").json["sources"][0]
        assert verdict["verdict"] == "failed" and "phonebook_name" in verdict["error"]
