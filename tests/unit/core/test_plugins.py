"""core.plugins: what cannot be loaded is named, and the rest goes on."""

from __future__ import annotations

import json
import logging
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from stevedore import ExtensionManager

from pelagos.core import plugins

GROUP = "pelagos.test.things"


@pytest.fixture(autouse=True)
def things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "thing_that_asserts.py").write_text("assert False, 'not on this machine'\n")
    (tmp_path / "thing_that_exits.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "thing_that_tells.py").write_text("raise OSError('http://me:pw@host refused')\n")
    monkeypatch.syspath_prepend(tmp_path)
    offers = {
        "decoder": "json:JSONDecoder",
        "encoder": "json:JSONEncoder",
        "no-module": "no_such_module_here:Thing",
        "no-attribute": "json:NoSuchThing",
        "asserts": "thing_that_asserts:Thing",
        "exits": "thing_that_exits:Thing",
        "tells": "thing_that_tells:Thing",
    }
    offered = [EntryPoint(name, value, GROUP) for name, value in offers.items()]
    offered.append(EntryPoint("twice", "json:JSONDecoder", GROUP))
    offered.append(EntryPoint("twice", "json:JSONEncoder", GROUP))
    offered.append(EntryPoint("decoder", "json:JSONDecoder", GROUP))  # same package seen twice
    monkeypatch.setitem(ExtensionManager.ENTRY_POINT_CACHE, GROUP, offered)


def test_a_plugin_is_found_by_group_and_name() -> None:
    assert plugins.load(GROUP, "decoder") is json.JSONDecoder


def test_names_lists_what_is_offered_and_imports_nothing() -> None:
    assert plugins.names(GROUP) == (
        "asserts", "decoder", "encoder", "exits", "no-attribute", "no-module", "tells", "twice",
    )  # fmt: skip
    assert "thing_that_asserts" not in sys.modules


def test_the_groups_of_the_installed_package_are_found() -> None:
    assert "csv" in plugins.names("pelagos.directory.backends")
    assert plugins.names("pelagos.no.such.group") == ()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-module", "ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("no-attribute", "AttributeError: module 'json' has no attribute 'NoSuchThing'"),
        ("asserts", "AssertionError: not on this machine"),
        ("exits", "SystemExit: 3"),
        ("tells", "OSError: http://***@host refused"),
        ("twice", "two packages offer it: json:JSONDecoder, json:JSONEncoder"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_says_why(name: str, reason: str) -> None:
    with pytest.raises(plugins.PluginError) as caught:
        plugins.load(GROUP, name)
    assert caught.value.failure.reason == reason
    assert name in str(caught.value) and GROUP in str(caught.value)


def test_an_unknown_plugin_names_the_nearest_right_name() -> None:
    with pytest.raises(plugins.PluginError) as caught:
        plugins.load(GROUP, "Decodr")
    assert caught.value.hint == "did you mean 'decoder'?"


def test_an_unknown_plugin_that_resembles_none_lists_them_all() -> None:
    with pytest.raises(plugins.PluginError) as caught:
        plugins.load(GROUP, "zzz")
    assert str(caught.value.hint).startswith("there are: asserts, decoder")
    with pytest.raises(plugins.PluginError) as caught:
        plugins.load("pelagos.no.such.group", "zzz")
    assert caught.value.hint == "no installed package offers any"


def test_what_fails_is_named_and_logged_and_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wanted = ["encoder", "asserts", "nothing-like-it", "exits", "decoder", "encoder"]
    with caplog.at_level(logging.ERROR):
        loaded = plugins.load_enabled(GROUP, wanted)
    assert list(loaded.plugins.items()) == [
        ("encoder", json.JSONEncoder),
        ("decoder", json.JSONDecoder),
    ]
    assert [f.name for f in loaded.failures] == ["asserts", "nothing-like-it", "exits"]
    assert [r.exc_info is not None for r in caplog.records] == [True, False, True]
