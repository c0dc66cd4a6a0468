"""Favourites as people keep them over HTTP, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.directory import BACKENDS, Raising, offer
from support.directory_site import DirectorySite, RecordingBus

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient_shelves")]

DEFAULT = "/directories/favorites/default"


class RaisingAtList(Raising):
    def list(self, _ids: list[str], _args: Any = None) -> list[dict[str, Any]]:
        raise ConnectionError("it is away")


def csv(path: Path, name: str) -> dict[str, Any]:
    file = path / f"{name}.csv"
    file.write_text("id,first,last\n1,Alice,Smith\n2,Bob,Jones\n", encoding="utf-8")
    return {
        "type": "csv", "file": str(file), "unique_column": "id", "searched_columns": ["first"],
        "format_columns": {"firstname": "{first}", "lastname": "{last}"},
    }  # fmt: skip


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    offer(monkeypatch, BACKENDS, broken=RaisingAtList)
    return {
        "staff": csv(tmp_path, "staff"),
        "twin": csv(tmp_path, "twin"),
        "two/parts and a space": csv(tmp_path, "parts"),
        "mine": {"type": "personal"},
        "broken": {"type": "broken"},
    }


@pytest.fixture
def bus() -> RecordingBus:
    return RecordingBus()


@pytest.fixture
def site(store_url: str, sources: Mapping[str, Any], bus: RecordingBus) -> Iterator[DirectorySite]:
    with DirectorySite(store_url, sources, bus=bus) as site:
        yield site


def names(answer: Any) -> list[tuple[str, str, Any]]:
    return [(r["source"], r["column_values"][0], r["column_values"][4]) for r in answer["results"]]


def test_one_marks_a_contact_sees_it_and_takes_it_back(site: DirectorySite) -> None:
    assert site.put("/directories/favorites/staff/1").status == 204
    assert names(site.get(DEFAULT).json) == [("staff", "Alice", True)]
    assert site.delete("/directories/favorites/staff/1").status == 204
    assert names(site.get(DEFAULT).json) == []


def test_only_the_same_person_sees_them_and_a_restart_keeps_them(
    site: DirectorySite, store_url: str, sources: Mapping[str, Any]
) -> None:
    site.put("/directories/favorites/staff/1")
    assert names(site.get(DEFAULT, "bob").json) == []
    with DirectorySite(store_url, sources) as again:
        assert names(again.get(DEFAULT).json) == [("staff", "Alice", True)]
        assert again.delete("/directories/favorites/staff/1", "bob").status == 404


def test_what_is_there_twice_or_not_at_all_is_refused(site: DirectorySite) -> None:
    path = "/directories/favorites/staff/1"
    assert [site.put(path).status for _ in "12"] == [204, 409]
    assert [site.delete(path).status for _ in "12"] == [204, 404]
    for call in (site.put, site.delete):
        refused = call("/directories/favorites/nowhere/1")
        assert refused.status == 404 and "nowhere" in refused.reasons
    unknown = site.get("/directories/favorites/other")
    assert unknown.status == 404 and "other" in unknown.reasons and "profile" in unknown.reasons


def test_lookups_favorites_and_personal_contacts_show_the_mark(site: DirectorySite) -> None:
    contact = site.post("/personal", {"firstname": "Alina", "lastname": "Own"}).json
    site.put("/directories/favorites/staff/1")
    found = names(site.get("/directories/lookup/default?term=ali").json)
    assert ("staff", "Alice", True) in found and ("twin", "Alice", False) in found
    assert ("mine", "Alina", False) in found
    site.put(f"/directories/favorites/mine/{contact['id']}")
    assert all(mark for *_, mark in names(site.get(DEFAULT).json))
    assert names(site.get("/directories/personal/default").json) == [("mine", "Alina", True)]


def test_a_removed_personal_contact_is_no_favorite_any_more(site: DirectorySite) -> None:
    contact = site.post("/personal", {"firstname": "Alina"}).json
    site.put(f"/directories/favorites/mine/{contact['id']}")
    site.delete(f"/personal/{contact['id']}")
    answer = site.get(DEFAULT)
    assert answer.status == 200 and answer.json["results"] == []


def test_a_broken_source_leaves_the_other_favorites_there(site: DirectorySite) -> None:
    for path in ("staff/1", "broken/1", "twin/2"):
        site.put(f"/directories/favorites/{path}")
    answer = site.get(DEFAULT).json
    assert names(answer) == [("staff", "Alice", True), ("twin", "Bob", True)]
    verdicts = {s["name"]: s["verdict"] for s in answer["sources"]}
    assert verdicts == {
        "staff": "answered", "twin": "answered", "two/parts and a space": "empty",
        "mine": "empty", "broken": "failed",
    }  # fmt: skip


def test_the_name_of_a_source_may_have_slashes_and_spaces(site: DirectorySite) -> None:
    path = "/directories/favorites/two%2Fparts%20and%20a%20space/2"
    assert site.put(path).status == 204
    assert names(site.get(DEFAULT).json) == [("two/parts and a space", "Bob", True)]
    assert site.delete("/directories/favorites/two/parts and a space/2").status == 204


def test_the_id_of_a_contact_may_have_slashes_and_any_letters(site: DirectorySite) -> None:
    for contact in ("cn=Zoë,ou=a%2Fb", "%23%3F", "x" * 1500):
        assert site.put(f"/directories/favorites/staff/{contact}").status == 204
        assert site.put(f"/directories/favorites/staff/{contact}").status == 409
        assert site.delete(f"/directories/favorites/staff/{contact}").status == 204


@pytest.mark.parametrize("contact", ["%00", "a%00b", "x" * 3000])
def test_an_id_that_no_database_keeps_is_refused(site: DirectorySite, contact: str) -> None:
    assert site.put(f"/directories/favorites/staff/{contact}").status in {400, 404}
    assert site.delete(f"/directories/favorites/staff/{contact}").status == 404


def test_each_change_is_announced(site: DirectorySite, bus: RecordingBus) -> None:
    site.put("/directories/favorites/staff/1")
    site.put("/directories/favorites/staff/1")
    site.delete("/directories/favorites/staff/1")
    body = {"user_uuid": "uuid-ada", "tenant": "sea", "source": "staff", "source_entry_id": "1"}
    assert bus.published == [
        ("favorite_added", "directory.favorite.added", body),
        ("favorite_deleted", "directory.favorite.deleted", body),
    ]


def test_a_token_of_nobody_has_no_favorites(site: DirectorySite) -> None:
    assert site.get(DEFAULT, "nobody").status == 401
    assert site.put("/directories/favorites/staff/1", token="nobody").status == 401
    assert site.delete("/directories/favorites/staff/1", "nobody").status == 401
    lookup = site.get("/directories/lookup/default?term=alice", "nobody")
    assert lookup.status == 200 and ("staff", "Alice", False) in names(lookup.json)


def test_what_a_removed_user_kept_goes(site: DirectorySite, bus: RecordingBus) -> None:
    for token in ("ada", "bob"):
        site.post("/personal", {"firstname": token}, token)
        site.put("/directories/favorites/staff/1", token=token)
    hear = bus.handlers["config.user.deleted"]
    for broken in ({}, {"data": None}, {"data": {"uuid": 7}}, {"data": {"uuid": ""}}):
        hear(broken)
    hear({"name": "user_deleted", "data": {"id": 4, "uuid": "uuid-ada"}})
    hear({"name": "user_deleted", "data": {"id": 4, "uuid": "uuid-ada"}})
    assert site.get("/personal").json == {"items": []}
    assert names(site.get(DEFAULT).json) == []
    assert len(site.get("/personal", "bob").json["items"]) == 1
    assert len(names(site.get(DEFAULT, "bob").json)) == 1
