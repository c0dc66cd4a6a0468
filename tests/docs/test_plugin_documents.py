"""The plugin documents say what the code does, and their examples run."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.fanout import Verdict
from pelagos.directory import Directory, DirectorySettings
from pelagos.directory.model import RELATIONS
from pelagos.directory.services.lookup import MAX_TERM_LENGTH
from pelagos.plane.directory_config import directory_config, with_database
from pelagos.plane.sources.instances import COLUMNS
from support.directory import BACKENDS, offer

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/plugins.md").read_text(encoding="utf-8")
DIRECTORY = (ROOT / "docs/reference/directory.md").read_text(encoding="utf-8")
HOW_TO = (ROOT / "docs/how-to/add-a-directory-source.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def merge(into: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    for key, value in more.items():
        into[key] = merge(into.get(key, {}), value) if isinstance(value, dict) else value
    return into


def test_the_reference_lists_every_group_and_every_plugin_of_ours() -> None:
    offered: dict[str, set[str]] = {}
    for group, plugins in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "entry-points"
    ].items():
        offered[group] = set(plugins)
    rows = re.findall(r"^\| `([\w.]+)` \| [^|]+ \| ([^|]+) \|$", REFERENCE, re.MULTILINE)
    assert {group: set(re.findall(r"`([\w-]+)`", ours)) for group, ours in rows} == offered


def test_the_reference_of_the_directory_says_what_the_code_does() -> None:
    verdicts = re.findall(r"^\| `(\w+)` \| It ", DIRECTORY, re.MULTILINE)
    assert verdicts == [str(verdict) for verdict in Verdict]
    keys = re.findall(
        r"^\| `([\w.A-Z]+)` \| ", DIRECTORY.partition("## Configuration")[2], re.MULTILINE
    )
    (answer,) = blocks(DIRECTORY, "json")
    assert tuple(json.loads(answer)["results"][0]["relations"]) == RELATIONS
    assert len(keys) > 8
    for key in keys:
        DirectorySettings.from_mapping(_with(key.replace("NAME", "n").replace("PROFILE", "p")))
    columns = re.findall(
        r"`(\w+)`", DIRECTORY.partition("its columns are ")[2].partition(".\n")[0]
    )
    assert tuple(columns) == COLUMNS
    assert f"at most {MAX_TERM_LENGTH} characters" in DIRECTORY


def _with(key: str) -> dict[str, Any]:
    """A configuration that sets this key, with a value of its type."""
    lists = ("searched_columns", "first_matched_columns", "sources", "views.displays.n")
    value: Any = 1 if key.endswith(("timeout", "stale", "slots")) else "x"
    value = [] if key.endswith(lists) else value
    value = (
        {}
        if key.endswith(("format_columns", "enabled_plugins", "reverse.p", "favorites.p"))
        else value
    )
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def test_what_the_reference_lists_is_installed() -> None:
    for group in ("backends", "services", "views"):
        assert entry_points(group=f"pelagos.directory.{group}")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings of the how-to's blocks: of its file, of all sources, of its back-end."""
    (csv,) = blocks(HOW_TO, "text")
    (tmp_path / "phones.csv").write_text(csv, encoding="utf-8")
    (code,) = blocks(HOW_TO, "python")
    namespace: dict[str, Any] = {"__name__": "rooms"}
    exec(code, namespace)  # what the document shows is what is tested
    first, named, entry, second = (tomllib.loads(block) for block in blocks(HOW_TO, "toml"))
    assert entry["project"]["entry-points"][BACKENDS] == {"rooms": "rooms:RoomsBackend"}
    offer(monkeypatch, BACKENDS, rooms=namespace["RoomsBackend"])
    said = [block["directory"]["settings"] for block in (first, named, second)]
    said[0]["sources"]["phones"]["file"] = str(tmp_path / "phones.csv")
    return said


def test_a_source_alone_is_enough(settings: list[dict[str, Any]], tmp_path: Path) -> None:
    config = with_database(directory_config(settings[0], has_plane=False), str(tmp_path))
    with Directory(config, verify=lambda _: {"xivo_user_uuid": "ann"}) as directory:
        assert directory.status.failures == ()
        web, headers = directory.app.test_client(), {"X-Auth-Token": "t"}
        for term in ("gretel", "okafor gretel"):
            answer = web.get(f"/0.1/directories/lookup/default?term={term}", headers=headers)
            (result,) = answer.get_json()["results"]
            shown = dict(
                zip(answer.get_json()["column_headers"], result["column_values"], strict=True)
            )
            assert (shown["Name"], shown["Phone"]) == ("Gretel Okafor", "2041")
        answer = web.get("/0.1/directories/reverse/default/ann?exten=2041", headers=headers)
        assert answer.get_json()["display"] == "Gretel Okafor"
        answer = web.put("/0.1/directories/favorites/phones/17", headers=headers)
        assert answer.status_code == 204


@pytest.fixture
def directory(settings: list[dict[str, Any]], tmp_path: Path) -> Any:
    """A directory that is made of the how-to's own blocks."""
    first, named, second = settings
    said = merge(merge(first, named), second)
    said["services"]["lookup"]["default"]["sources"].append("house")
    config = with_database(directory_config(said), str(tmp_path))

    class Master:
        def with_token(self, _token: str | None) -> Master:
            return self

        def services(self) -> list[Any]:
            return []

    with Directory(config, verify=lambda _: {}, context={"slap": Master()}) as directory:
        assert directory.status.failures == ()
        yield directory


@pytest.mark.parametrize(
    ("term", "found", "source"),
    [
        ("GRETEL", ["Gretel Okafor", "2041", ""], "phones"),
        ("neptune", ["Room Neptune", "2201", ""], "house"),
    ],
)
def test_the_how_tos_sources_find_what_it_says(
    directory: Directory, term: str, found: list[str], source: str
) -> None:
    path = f"/0.1/directories/lookup/default?term={term}"
    answer = directory.app.test_client().get(path, headers={"X-Auth-Token": "t"}).get_json()
    (result,) = answer["results"]
    assert result["column_values"] == found and result["source"] == source
    assert {s["name"]: s["verdict"] for s in answer["sources"]} == {
        "phones": "answered" if source == "phones" else "empty",
        "personal": "empty",
        "instances": "empty",
        "house": "answered" if source == "house" else "empty",
    }
