"""directory: who is told why a source has no answer, and who only that it has none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.directory import BACKENDS, Raising, offer
from support.whole_directory import WholeDirectory

WHY = "cannot reach http://"  # of the back-end that fails
PERSON = ["dird.directories.#", "dird.status.read"]
OPERATOR = [*PERSON, "dird.sources.check.read"]
PATHS = (
    "/directories/lookup/default?term=a", "/directories/lookup/default/stream?term=a",
    "/directories/reverse/default/ann?exten=nobody", "/directories/favorites/default",
    "/directories/default/sources", "/status",
)  # fmt: skip


class NotLoaded(Raising):
    def load(self, _args: Any) -> None:
        raise ConnectionError("cannot reach http://registry/")


class Failing(Raising):
    def first_match(self, exten: str, _args: Any = None) -> None:
        self.search(exten)

    def list(self, _uids: Any, _args: Any = None) -> None:
        self.search("")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeDirectory]:
    offer(monkeypatch, BACKENDS, failing=Failing, missing=NotLoaded)
    profile = {"default": {"sources": ["crm", "gone"], "timeout": 20}}
    sources = {
        "crm": {"type": "failing"},
        "gone": {"type": "missing"},
        "mine": {"type": "personal"},
    }
    made = WholeDirectory(
        tmp_path,
        expects_all=False,
        sources=sources,
        services=dict.fromkeys(("lookup", "reverse", "favorites"), profile),
    )
    yield made
    made.directory.close()


def answers(site: WholeDirectory, rights: list[str]) -> dict[str, str]:
    site.rights = rights
    assert site.call("PUT", "/0.1/directories/favorites/crm/1").status_code in {204, 409}
    found = {path: site.call("GET", f"/0.1{path}") for path in PATHS}
    assert {path: one.status_code for path, one in found.items()} == dict.fromkeys(PATHS, 200)
    return {path: one.text for path, one in found.items()}


def test_whoever_may_check_sources_is_told_why(site: WholeDirectory) -> None:
    for path, text in answers(site, OPERATOR).items():
        assert WHY in text, path


def test_others_are_told_that_there_is_no_answer(site: WholeDirectory) -> None:
    for path, text in answers(site, PERSON).items():
        assert WHY not in text and "ConnectionError" not in text, path
    body = site.call("GET", f"/0.1{PATHS[0]}").json
    assert [(s["name"], s["verdict"], s["error"]) for s in body["sources"]] == [
        ("crm", "failed", "it cannot answer now"), ("gone", "failed", "it cannot answer now"),
    ]  # fmt: skip
    status = site.call("GET", "/0.1/status").json
    assert status["sources"] == {"status": "fail"}


def test_the_page_tells_the_same(site: WholeDirectory) -> None:
    for rights, is_told in ((OPERATOR, True), (PERSON, False)):
        site.rights = rights
        site.http.post("/search/login", data={"token": "ann's"})
        for path in ("/search?profile=default&term=a", "/search/stream?profile=default&term=a"):
            text = site.http.get(path).text
            assert "crm: failed" in text and (WHY in text) is is_told, path
