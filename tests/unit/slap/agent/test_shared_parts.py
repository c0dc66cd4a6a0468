"""Folders of shared parts reach releases and instances in zc.buildout's words."""

from __future__ import annotations

import configparser
from pathlib import Path

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.builders.base import Connection, Run
from pelagos.slap.agent.builders.buildout import BuildoutBuilder
from pelagos.slap.agent.builders.profile_text import instance_tail
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.settings import AgentSettings


def profile(tmp_path: Path, **options: tuple[Path, ...]) -> configparser.ConfigParser:
    layout = Layout(tmp_path, 1)
    layout.software.mkdir()
    settings = AgentSettings("C", tmp_path, **options)  # type: ignore[arg-type]  # two of one type
    builder = BuildoutBuilder(layout, settings, clock=ManualClock())
    folder = layout.release("/a.cfg")
    builder._begin_build("/a.cfg", folder)
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((folder / "buildout.cfg").read_text())
    return parser


def test_a_release_is_told_where_parts_are_shared(tmp_path: Path) -> None:
    found = profile(tmp_path, shared_parts=(Path("/s1"), Path("/s2")))["buildout"]
    assert found["shared-part-list"].split() == ["/s1", "/s2"]
    assert "build-time-part-list" not in found


def test_nothing_is_said_where_nothing_is_shared(tmp_path: Path) -> None:
    assert dict(profile(tmp_path)["buildout"]) == {"extends": "/a.cfg"}


def test_an_instance_is_told_the_same(tmp_path: Path) -> None:
    run = Run(tmp_path, tmp_path / "log", 0, Connection("C", "p", "http://m", "/a", "started"), {})
    settings = AgentSettings("C", tmp_path, shared_parts=(Path("/s"),))
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(instance_tail(run, settings))
    assert parser["slap-connection"]["shared-part-list"].split() == ["/s"]
    assert parser["slap_connection"]["shared_part_list"].split() == ["/s"]
    assert parser["slap-connection"]["build-time-part-list"] == ""
