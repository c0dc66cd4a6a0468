"""The pages on recipes and causes say what the code does."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

from pelagos.slap.agent import AgentSettings

DOCS = Path(__file__).parents[2] / "docs"
AGENT = Path(__file__).parents[2] / "src" / "pelagos" / "slap" / "agent"


def test_each_recipe_and_each_option_has_its_line() -> None:
    page = (DOCS / "reference" / "recipes.md").read_text()
    chapters = dict(
        re.findall(r"^## pelagos:(\S+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    )
    recipes = {
        entry.name: entry.load()
        for entry in entry_points(group="zc.buildout")
        if entry.value.startswith("pelagos.")
    }
    assert set(chapters) == set(recipes)
    for name, recipe in recipes.items():
        told = re.findall(r"^\| `([a-z-]+)` \|", chapters[name], re.MULTILINE)
        assert sorted(told) == sorted(recipe.allowed), name


def test_each_cause_of_the_agent_is_listed() -> None:
    page = (DOCS / "reference" / "causes.md").read_text()
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    pattern = re.compile(r'(?:Cause|\.plain)\(\s*"([a-z-]+)"')
    used = {code for path in AGENT.rglob("*.py") for code in pattern.findall(path.read_text())}
    assert used >= {"port-taken", "disk-full", "promise-failed", "partition-occupied"}
    assert used <= listed


def test_each_setting_says_its_default() -> None:
    text = AgentSettings.__doc__ or ""
    for name in AgentSettings.__dataclass_fields__:
        assert re.search(rf"^\s+{name}: ", text, re.MULTILINE), name
