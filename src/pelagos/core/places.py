"""Where the data folder, the configuration file and the state folder are; see `core.config`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pelagos.core.errors import ConfigError


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of everything that Pelagos keeps; it may not exist yet."""
    return _place(environ, "PELAGOS_DATA", "XDG_DATA_HOME", ".local/share", "pelagos")


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file; it may not exist."""
    return _place(environ, "PELAGOS_CONFIG", "XDG_CONFIG_HOME", ".config", "pelagos/config.toml")


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of what is kept for comfort alone, as a history; it may not exist yet."""
    return _place(environ, "PELAGOS_STATE", "XDG_STATE_HOME", ".local/state", "pelagos")


def _place(environ: Mapping[str, str], own: str, base: str, below_home: str, rest: str) -> Path:
    if environ.get(own):
        return Path(environ[own]).expanduser().absolute()
    # The XDG specification: a relative path is to be ignored.
    if os.path.isabs(environ.get(base, "")):  # noqa: PTH117 - "" is no path
        return Path(environ[base], rest)
    return Path(environ.get("HOME") or _home(own), below_home, rest)


def _home(variable: str) -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise ConfigError(
            "this user has no home folder", hint=f"name a place with HOME or {variable}"
        ) from error
