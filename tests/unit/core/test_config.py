from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pelagos.core import config, toml
from pelagos.core.config import Config
from pelagos.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Plane:
    """What every command needs."""

    VARIABLES: ClassVar[str] = "PELAGOS_"

    master_url: str = ""
    token_file: Path | None = None
    timeout: float = field(default=60.0, metadata={"least": 0.001})


@dataclass(frozen=True, slots=True)
class Master:
    """A server.

    Attributes:
        host: address to listen on.
        port: TCP port. 0: a free one, because
            others keep it.
    """

    host: str = "127.0.0.1"
    port: int = field(default=0, metadata={"least": 0, "most": 65535})


@dataclass(frozen=True, slots=True)
class Node:
    """A computer."""

    partitions: int = field(default=10, metadata={"least": 1, "most": 10000})
    poll_interval: float = 5.0


@dataclass(frozen=True, slots=True)
class Directory:
    """A table."""

    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bus:
    """A text."""

    url: str = "memory:plane"


SECTIONS = {"plane": Plane, "master": Master, "node": Node, "directory": Directory, "bus": Bus}
DEFAULTS = Config({name: kind() for name, kind in SECTIONS.items()})


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    return config.load(SECTIONS, path, environ)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


# ---- places


def test_places_follow_xdg_and_are_overridden_by_our_variables():
    home = {"HOME": "/home/ada"}
    assert config.data_dir(home) == Path("/home/ada/.local/share/pelagos")
    assert config.config_file(home) == Path("/home/ada/.config/pelagos/config.toml")
    xdg = {**home, "XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}
    assert config.data_dir(xdg) == Path("/d/pelagos")
    assert config.config_file(xdg) == Path("/c/pelagos/config.toml")
    own = {**xdg, "PELAGOS_DATA": "/p", "PELAGOS_CONFIG": "/p/c.toml"}
    assert config.data_dir(own) == Path("/p")
    assert config.config_file(own) == Path("/p/c.toml")


def test_a_relative_xdg_path_is_ignored_as_the_specification_says():
    environ = {"HOME": "/home/ada", "XDG_DATA_HOME": "relative"}
    assert config.data_dir(environ) == Path("/home/ada/.local/share/pelagos")


# ---- reading


def test_without_file_and_variables_the_defaults_hold(file: Path):
    assert load(environ={"HOME": str(file.parent)}) == DEFAULTS


def test_a_file_that_is_named_must_exist(file: Path):
    with pytest.raises(ConfigError, match="No such file"):
        load(file, {})
    with pytest.raises(ConfigError, match="No such file"):
        load(environ={"PELAGOS_CONFIG": str(file)})


def test_the_file_is_above_the_defaults_and_the_environment_above_the_file(file: Path):
    write(file, "[node]\npartitions = 20\npoll_interval = 2\n[bus]\nurl = 'amqp://h/'\n")
    found = load(file, {"PELAGOS_NODE_PARTITIONS": "30", "PELAGOS_MASTER_URL": "http://m"})
    assert found.of(Node).partitions == 30
    assert found.of(Node).poll_interval == 2.0
    assert isinstance(found.of(Node).poll_interval, float)
    assert found.of(Plane).master_url == "http://m"
    assert found.origins == {
        "node.partitions": "PELAGOS_NODE_PARTITIONS",
        "node.poll_interval": "file",
        "bus.url": "file",
        "plane.master_url": "PELAGOS_MASTER_URL",
    }


def test_an_empty_variable_sets_nothing(file: Path):
    write(file, "[node]\npartitions = 20\n")
    assert load(file, {"PELAGOS_NODE_PARTITIONS": ""}).of(Node).partitions == 20


def test_a_home_in_a_path_is_written_out(file: Path):
    write(file, "[plane]\ntoken_file = '~/t'\n")
    assert load(file, {}).of(Plane).token_file == Path.home() / "t"


def test_a_table_is_taken_as_it_is(file: Path):
    write(file, "[directory.settings.sources.crm]\ntype = 'csv'\n")
    found = load(file, {}).of(Directory).settings
    assert found == {"sources": {"crm": {"type": "csv"}}}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[maste]\nport = 1", "unknown section: maste", "did you mean master?"),
        ("[master]\nprot = 1", "unknown key: master.prot", "did you mean master.port?"),
        ("[master]\nqqqqqqqqqqqqqqqqqq = 1", "unknown key", "there are: master.host"),
        ("master = 1", "master must be a section", None),
        ("[master]\nport = '80'", 'master.port must be a whole number, not "80"', "default is 0"),
        ("[master]\nport = true", "must be a whole number, not true", None),
        ("[master]\nport = 1.5", "must be a whole number", None),
        ("[master]\nport = 70000", "must be 0 to 65535, not 70000", None),
        ("[master]\nport = -1", "must be 0 to 65535, not -1", None),
        ("[master]\nhost = 7", "master.host must be text, not 7", None),
        ("[master]\nhost = [1]", "must be text, not a list", None),
        ("[master]\nhost = {}", "must be text, not a table", None),
        ("[plane]\ntimeout = 0", "must be 0.001 or more", None),
        ("[plane]\ntimeout = nan", "must be a number", None),
        ("[plane]\ntoken_file = 'a\\u0000b'", "", None),
        ("[plane\n", "is not TOML", "mend it"),
        ("[master]\nport = 1\nport = 2", "is not TOML", None),
    ],
)
def test_what_is_wrong_in_the_file_is_named(file: Path, text: str, message: str, hint: str | None):
    write(file, text.replace("'a\\u0000b'", '"a\\u0000b"'))
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert message in caught.value.message
    assert str(file) in caught.value.message
    assert (hint or "") in (caught.value.hint or "")


def test_bytes_that_are_no_text_are_no_toml(file: Path):
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(file, {})


def test_what_is_wrong_in_the_environment_names_the_variable():
    with pytest.raises(ConfigError, match=r"PELAGOS_MASTER_PORT: master\.port must be a whole"):
        load(environ={"HOME": "/nowhere", "PELAGOS_MASTER_PORT": "many"})


# ---- settings


def test_a_setting_is_got_by_its_dotted_key():
    assert DEFAULTS.get("bus.url") == "memory:plane"
    with pytest.raises(ConfigError, match=r"unknown setting: bus\.ulr"):
        DEFAULTS.get("bus.ulr")


def test_a_setting_like_none_is_answered_with_those_of_its_section():
    with pytest.raises(ConfigError) as refused:
        DEFAULTS.get("node.zzzz")
    assert "node.partitions" in refused.value.hint
    assert "bus.url" not in refused.value.hint


# ---- writing


def test_a_value_is_written_and_comments_stay(file: Path):
    write(file, "# mine\n[node]\npartitions = 5 # few\n\n[bus] # here\nurl = 'memory:x'\n")
    config.set_value(SECTIONS, file, "node.partitions", "6")
    config.set_value(SECTIONS, file, "master.port", "8080")
    text = file.read_text()
    assert "# mine" in text and "# few" in text and "[bus] # here" in text
    found = load(file, {})
    assert (found.of(Node).partitions, found.of(Master).port, found.of(Bus).url) == (
        6,
        8080,
        "memory:x",
    )


def test_the_file_and_its_folder_are_made_and_closed_to_others(tmp_path: Path):
    path = tmp_path / "new" / "config.toml"
    config.set_value(SECTIONS, path, "bus.url", "amqp://me:pass@h/")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["config.toml"]


def test_a_file_that_was_open_to_others_is_closed_when_written(file: Path):
    write(file, "")
    file.chmod(0o644)
    config.set_value(SECTIONS, file, "master.port", "1")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path: Path):
    target = write(tmp_path / "real.toml", "")
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    config.set_value(SECTIONS, link, "master.port", "1")
    assert link.is_symlink()
    assert load(target, {}).of(Master).port == 1


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("master.prot", "1"),
        ("master.port", "x"),
        ("master.port", "-1"),
        ("directory.settings", "x"),
    ],
)
def test_a_wrong_key_or_value_leaves_the_file_as_it_was(file: Path, key: str, text: str):
    write(file, "[master]\nport = 7\n")
    with pytest.raises(ConfigError):
        config.set_value(SECTIONS, file, key, text)
    assert file.read_text() == "[master]\nport = 7\n"


def test_a_file_that_is_wrong_already_is_not_written(file: Path):
    write(file, "[maste]\n")
    with pytest.raises(ConfigError, match="unknown section"):
        config.set_value(SECTIONS, file, "master.port", "1")
    assert file.read_text() == "[maste]\n"


def test_a_value_is_removed_and_the_rest_stays(file: Path):
    write(file, "[master] # x\nport = 7\nhost = 'h'\n")
    assert config.delete_value(SECTIONS, file, "master.port")
    assert not config.delete_value(SECTIONS, file, "master.port")
    assert load(file, {}).of(Master) == Master(host="h")
    assert "# x" in file.read_text()
    assert not config.delete_value(SECTIONS, file.parent / "none.toml", "master.port")


def test_what_does_not_belong_into_the_file_can_be_removed(file: Path):
    write(file, "[master]\nprot = 7\nhost = 'h'\n[maste]\nport = 1\n")
    with pytest.raises(ConfigError, match="unknown setting"):
        config.delete_value(SECTIONS, file, "master.prt")
    assert config.delete_value(SECTIONS, file, "master.prot")
    assert config.delete_value(SECTIONS, file, "maste.port")
    assert load(file, {}).of(Master) == Master(host="h")
    with pytest.raises(ConfigError, match="unknown setting"):
        config.delete_value(SECTIONS, file, "master.prot")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_closed_is_named(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="Permission denied"):
        config.set_value(SECTIONS, tmp_path / "config.toml", "master.port", "1")
    tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be_made_is_named(file: Path):
    write(file, "")
    with pytest.raises(ConfigError, match="cannot write"):
        config.set_value(SECTIONS, file / "config.toml", "master.port", "1")


def test_a_room_adds_a_section_without_any_change_here(file: Path):
    @dataclass(frozen=True, slots=True)
    class Clouds:
        """Where machines come from."""

        region: str = "here"

    write(file, "[clouds]\nregion = 'there'\n[master]\nport = 1\n")
    found = config.load({**SECTIONS, "clouds": Clouds}, file, {"PELAGOS_CLOUDS_REGION": "far"})
    assert found.of(Clouds) == Clouds("far")
    assert found.get("clouds.region") == "far"
    assert found.of(Master).port == 1
    with pytest.raises(ConfigError, match="unknown section: clouds"):
        load(file, {})


def test_a_meaning_is_the_text_below_attributes_on_one_line():
    abouts = {one.key: one.about for one in config.settings(SECTIONS)}
    assert abouts["master.port"] == "TCP port. 0: a free one, because others keep it."
    assert abouts["node.partitions"] == ""


def test_a_section_that_a_program_makes_is_held_to_the_same_limits():
    config.check(SECTIONS, Plane())
    config.check(SECTIONS, Node(partitions=10000))
    with pytest.raises(ConfigError, match=r"^node\.partitions must be 1 to 10000, not 0$"):
        config.check(SECTIONS, Node(partitions=0))
    assert config.limits(Node, "partitions") == {"least": 1, "most": 10000}
    assert config.limits(Bus, "url") == {}


def test_settings_are_there_without_docstrings(monkeypatch: pytest.MonkeyPatch):
    for section in SECTIONS.values():  # as python -OO does it
        monkeypatch.setattr(section, "__doc__", None)
    assert config.find_setting(SECTIONS, "master.port").default == 0


def test_a_file_that_cannot_take_the_place_of_the_old_one_is_not_left_behind(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.mkdir()
    (path / "none").touch()
    with pytest.raises(ConfigError, match="cannot write"):
        toml._write(path, "")
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]
    assert (path / "none").exists()


TANGLED = "master.host = 'q'\nbus = {url = 'u'}\n"


def test_a_file_that_cannot_be_changed_without_harm_is_left_as_it_is(tmp_path: Path) -> None:
    """A section behind a dotted key would swallow what follows it."""
    path = tmp_path / "c.toml"
    path.write_text(TANGLED)
    harm = pytest.raises(ConfigError, match="without harm to others")
    with harm as caught, toml.changing(path) as document:
        document["master"].setdefault("named", {})["b"] = toml.as_item({"k": {"x": "v"}})
    assert "pelagos config edit" in (caught.value.hint or "")
    assert path.read_text() == TANGLED


def test_nothing_is_written_when_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    assert not config.delete_value(SECTIONS, path, "bus.url") and not path.exists()
    path.write_text('[bus]\nurl = "4" # four\n')
    before = path.stat().st_mtime_ns
    config.set_value(SECTIONS, path, "bus.url", "4")
    assert path.read_text() == '[bus]\nurl = "4" # four\n' and path.stat().st_mtime_ns == before


def test_several_settings_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('# mine\n[bus]\nurl = "4" # four\n')
    with pytest.raises(ConfigError, match=r"something else of bus\.url already"):
        config.set_values(SECTIONS, path, {"node.partitions": 3, "bus.url": "5"})
    assert path.read_text() == '# mine\n[bus]\nurl = "4" # four\n'
    config.set_values(SECTIONS, path, {"node.partitions": 3, "bus.url": "4"})
    assert path.read_text().startswith('# mine\n[bus]\nurl = "4" # four\n')
    assert tomllib.loads(path.read_text())["node"] == {"partitions": 3}


def test_all_mistakes_are_told(tmp_path: Path) -> None:
    table = {"node": {"a": 1, "partitions": "x"}, "noode": {"b": 1}, "bus": 3}
    environ = {"PELAGOS_MASTER_PORT": "x"}
    found = [str(one) for one in config.mistakes(SECTIONS, table, tmp_path, environ)]
    assert len(found) == 5
    for said in (
        "node.a",
        "node.partitions must be",
        "noode",
        "bus must be",
        "PELAGOS_MASTER_PORT",
    ):
        assert any(said in one for one in found), said
