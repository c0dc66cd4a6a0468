"""The plugin documents say what the code does."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pelagos.core.fanout import Verdict
from pelagos.directory import DirectorySettings
from pelagos.directory.model import RELATIONS
from pelagos.directory.services.lookup import MAX_TERM_LENGTH
from pelagos.plane.sources.instances import COLUMNS

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
