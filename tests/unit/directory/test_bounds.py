"""Whoever asks again and again for something else does not fill the memory."""

from __future__ import annotations

import encodings
from pathlib import Path

import pytest

from pelagos.directory.errors import SourceError
from pelagos.directory.index import charset
from pelagos.directory.services import favorites, personal
from pelagos.directory.store import paging
from pelagos.directory.store.contacts import LONGEST
from support.directory_site import DirectorySite


def test_charsets_that_do_not_exist_are_not_remembered() -> None:
    known = len(encodings._cache)
    for number in range(500):
        with pytest.raises(SourceError, match="no charset"):
            charset(f"charset-{number}")
    assert len(encodings._cache) < known + 50


@pytest.mark.parametrize(
    "name", ["utf 8", "UTF_8", "cp1252", "Windows-1252", "ISO_8859-1:1987", "latin1", "Shift_JIS"]
)
def test_charsets_are_known_by_their_many_names(name: str) -> None:
    assert "é".encode(charset(name) if charset(name) != "shift_jis" else "utf-8")


def test_questions_that_find_nothing_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "_REMEMBERED", 4000)
    with DirectorySite(f"sqlite:///{tmp_path / 'directory.db'}") as site:
        book = site.post("/tenants/sea/phonebooks", {"name": "clients"}).json["id"]
        path = f"/tenants/sea/phonebooks/{book}/contacts"
        site.post(path, {"name": "Ines"})
        for number in range(100):
            assert site.get(f"{path}?search=nobody{number}").json == {"items": [], "total": 0}
        assert len(site.store._pages._orders) <= 20
        assert site.get(f"{path}?search=ines").json["total"] == 1


@pytest.mark.parametrize("name", ["search", "order"])
def test_no_text_to_search_for_is_longer_than_any_that_is_meant(tmp_path: Path, name: str) -> None:
    with DirectorySite(f"sqlite:///{tmp_path / 'directory.db'}") as site:
        for path in ("/personal", "/tenants/sea/phonebooks"):
            answer = site.get(f"{path}?{name}={'x' * 257}")
            assert answer.status == 400 and f"{name}: at most 256" in answer.reasons


def test_nobody_keeps_more_contacts_than_anybody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "MOST", 3)
    with DirectorySite(f"sqlite:///{tmp_path / 'directory.db'}") as site:
        assert site.post("/personal", {"name": "1"}).status == 201
        three = "name\n1\n2\n3\n"
        for _ in range(2):  # what is there already counts once
            assert site.upload("/personal/import", three).status == 201
        for answer in (
            site.post("/personal", {"name": "4"}),
            site.upload("/personal/import", "name\n3\n4\n"),
        ):
            assert answer.status == 400 and "at most 3 contacts" in answer.reasons
        assert len(site.get("/personal").json["items"]) == 3
        assert site.post("/personal", {"name": "4"}, token="bob").status == 201


def test_a_contact_is_no_place_for_a_picture(tmp_path: Path) -> None:
    with DirectorySite(f"sqlite:///{tmp_path / 'directory.db'}") as site:
        large = {"photo": "x" * LONGEST}
        assert site.post("/personal", large).status == 400
        file = f"a\n{'x' * LONGEST}\ny\n"  # that row alone fails
        imported = site.upload("/personal/import", file).json
        assert [one["a"] for one in imported["created"]] == ["y"]
        assert [failure["line"] for failure in imported["failed"]] == [2]
        book = site.post("/tenants/sea/phonebooks", {"name": "clients"}).json["id"]
        path = f"/tenants/sea/phonebooks/{book}/contacts"
        answer = site.post(path, large)
        assert answer.status == 400 and "characters" in answer.reasons
        imported = site.upload(f"{path}/import", file).json
        assert (len(imported["created"]), len(imported["failed"])) == (1, 1)
        one = site.post(path, {"photo": "x" * (LONGEST - 100)}).json
        assert site.put(f"{path}/{one['id']}", large).status == 400


def test_nobody_has_more_favorites_than_anybody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(favorites, "MOST", 2)
    with DirectorySite(f"sqlite:///{tmp_path / 'directory.db'}") as site:
        path = "/directories/favorites/mine"
        assert [site.put(f"{path}/{n}").status for n in range(3)] == [204, 204, 400]
        assert site.delete(f"{path}/0").status == 204
        assert site.put(f"{path}/2").status == 204
