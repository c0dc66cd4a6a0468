"""Whoever asks again and again for something else does not fill the memory."""

from __future__ import annotations

import encodings
from pathlib import Path

import pytest

from pelagos.directory.errors import SourceError
from pelagos.directory.index import charset
from pelagos.directory.store import paging
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
