"""directory.app: what a directory takes at its start it gives back at its end."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.errors import PelagosError
from pelagos.directory import Directory
from pelagos.directory.store import DirectoryStore
from support.directory import BACKENDS, SERVICES, VIEWS, Rows, offer
from support.directory_site import RecordingBus


class Noting:
    """A plugin of any kind that notes what it got and when it ended."""

    name = "source"

    def __init__(self) -> None:
        self.args: dict[str, Any] = {}

    def load(self, args: Mapping[str, Any]) -> object:
        self.args = dict(args)
        GIVEN.append(self.args)
        return self

    def search(self, _term: str, _args: Any) -> list[Any]:
        return []

    def unload(self) -> None:
        ENDED.append(type(self).__name__)


GIVEN: list[dict[str, Any]] = []
ENDED: list[str] = []


class Service(Noting): ...


class View(Noting): ...


class Stuck(Noting):
    def unload(self) -> None:
        super().unload()
        raise SystemExit(3)


CONFIG: dict[str, Any] = {
    "sources": {"one": {"type": "noting"}, "two": {"type": "stuck"}},
    "enabled_plugins": {"services": ["mine"], "views": ["mine"]},
}


@pytest.fixture(autouse=True)
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    GIVEN.clear()
    ENDED.clear()
    offer(monkeypatch, BACKENDS, noting=Noting, stuck=Stuck, rows=Rows)
    offer(monkeypatch, SERVICES, mine=Service)
    offer(monkeypatch, VIEWS, mine=View)


def nobody(_token: str) -> None:
    return None


def test_each_kind_gets_what_is_promised_and_nothing_is_shared(tmp_path: Path) -> None:
    whole = {**CONFIG, "views": {"displays": {}}}
    with (
        DirectoryStore(f"sqlite:///{tmp_path}/d.db") as store,
        Directory(whole, verify=nobody, store=store, bus=RecordingBus(), context={"x": 1}) as made,
    ):
        one, two, service, view = GIVEN
        assert (
            one["config"] == {"type": "noting", "name": "one"} and two["config"]["name"] == "two"
        )
        assert one["main_config"] == whole and one["context"] == {"x": 1}
        assert one["store"] is store and service["store"] is store and made.store is store
        assert service["config"] == whole and set(service["sources"]) == {"one", "two"}
        assert isinstance(service["bus"], RecordingBus)
        assert service["status"]().sources == ("one", "two")
        assert view["config"] == whole["views"] and set(view["services"]) == {"mine"}
        view["services"].clear()
        assert set(made.services) == {"mine"}
    assert ENDED == ["View", "Service", "Stuck", "Noting"]


def test_the_store_of_the_configuration_is_the_directorys_own(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/d.db"
    with Directory({**CONFIG, "db_uri": url}, verify=nobody) as made:
        assert made.store is not None and GIVEN[0]["store"] is made.store
        made.store.favorites.add("u", "s", "1")
    assert (tmp_path / "d.db").exists()
    with Directory(CONFIG, verify=nobody) as made:
        assert made.store is None and GIVEN[-1]["services"]


def test_a_start_that_fails_gives_back_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(View):
        def load(self, _args: Mapping[str, Any]) -> object:
            raise KeyboardInterrupt

    offer(monkeypatch, VIEWS, interrupted=Interrupted)
    before = threading.active_count()
    enabled = {"services": ["mine"], "views": ["mine", "interrupted"]}
    with pytest.raises(KeyboardInterrupt):
        Directory({**CONFIG, "enabled_plugins": enabled}, verify=nobody)
    assert ENDED == ["View", "Service", "Stuck", "Noting"]
    assert threading.active_count() <= before


def test_a_store_that_cannot_be_opened_is_said_before_anything_starts(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such/folder/d.db", "mongodb://x", "nonsense"):
        with pytest.raises(PelagosError):
            Directory({**CONFIG, "db_uri": url}, verify=nobody)
    assert GIVEN == []


def test_starting_and_ending_again_and_again_leaves_nothing_behind(tmp_path: Path) -> None:
    before = threading.active_count()
    for _ in range(10):
        config = {**CONFIG, "db_uri": f"sqlite:///{tmp_path}/d.db"}
        with Directory(config, verify=nobody) as made:
            made.close()
    assert len(ENDED) == 40 and threading.active_count() <= before
