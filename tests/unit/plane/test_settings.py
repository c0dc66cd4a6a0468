from pathlib import Path

import pytest

from pelagos.core.errors import ConfigError
from pelagos.plane.sections import DirectoryConfig, MasterConfig, NodeConfig
from pelagos.plane.settings import PlaneSettings, default_computer_id


def test_by_default_all_parts_run(tmp_path: Path):
    assert {str(part) for part in PlaneSettings(tmp_path).parts} == {
        "master",
        "agent",
        "directory",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"node": NodeConfig(partitions=0)},
        {"master": MasterConfig(port=70000)},
        {"directory": DirectoryConfig(port=-1)},
        {"parts": frozenset()},
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(tmp_path: Path, wrong: dict):
    with pytest.raises(ConfigError):
        PlaneSettings(tmp_path, **wrong)


def test_a_limit_is_named_with_its_key_as_in_the_file(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"^node\.partitions must be 1 to 10000, not 0$"):
        PlaneSettings(tmp_path, node=NodeConfig(partitions=0))


@pytest.mark.parametrize(
    ("host", "name"),
    [("web-1.example", "web-1.example"), ("my host/é", "my-host"), ("..", "computer")],
)
def test_a_computer_is_named_after_its_host(monkeypatch: pytest.MonkeyPatch, host: str, name: str):
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert default_computer_id() == name
