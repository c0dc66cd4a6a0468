"""Where the data folder, the configuration file and the state folder are; see `core.config`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pelagos.core.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:  # not for a cycle: who only reads the text of a place does not pay for pathlib
    from pathlib import Path


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of everything that Pelagos keeps; it may not exist yet."""
    from pathlib import Path  # noqa: PLC0415  # see above

    return Path(_place(environ, "PELAGOS_DATA", "XDG_DATA_HOME", ".local/share", "pelagos"))


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file; it may not exist."""
    from pathlib import Path  # noqa: PLC0415  # see above

    return Path(config_place(environ))


def config_place(environ: Mapping[str, str] = os.environ) -> str:
    """The same as text, without what a path costs."""
    return _place(environ, "PELAGOS_CONFIG", "XDG_CONFIG_HOME", ".config", "pelagos/config.toml")


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of what is kept for comfort alone, as a history; it may not exist yet."""
    from pathlib import Path  # noqa: PLC0415  # see above

    return Path(_place(environ, "PELAGOS_STATE", "XDG_STATE_HOME", ".local/state", "pelagos"))


def _place(environ: Mapping[str, str], own: str, base: str, below_home: str, rest: str) -> str:
    if environ.get(own):
        return os.path.abspath(_expanded(environ[own]))  # noqa: PTH100 - see above
    # The XDG specification: a relative path is to be ignored.
    if os.path.isabs(environ.get(base, "")):  # noqa: PTH117 - "" is no path
        return f"{environ[base].rstrip('/')}/{rest}"
    home = environ.get("HOME") or _home(own)
    return f"{home.rstrip('/')}/{below_home}/{rest}"


def _expanded(path: str) -> str:
    from pathlib import Path  # noqa: PLC0415  # see above

    return str(Path(path).expanduser()) if path.startswith("~") else path


def _home(variable: str) -> str:
    from pathlib import Path  # noqa: PLC0415  # see above

    try:
        return str(Path.home())
    except RuntimeError as error:
        raise ConfigError(
            "this user has no home folder", hint=f"name a place with HOME or {variable}"
        ) from error
