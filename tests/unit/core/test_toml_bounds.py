"""A configuration file is read as far as one can be: a device may have no end."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.core import toml
from pelagos.core.errors import ConfigError


def test_a_device_without_an_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="/dev/zero is no configuration file") as caught:
        toml.read(Path("/dev/zero"))
    assert "pelagos config path" in str(caught.value.hint)


def test_a_huge_file_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("# 1234567\n" * 420_000)
    for use in (toml.read, lambda path: toml.changing(path).__enter__()):
        with pytest.raises(ConfigError, match="more than 4 MiB"):
            use(path)
    assert path.stat().st_size == 4_200_000


def test_line_ends_of_another_system_are_read(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b'[a]\r\nb = "c"\r\n')
    assert toml.read(path) == {"a": {"b": "c"}}
