"""Keeps the details of a failure that nobody foresaw, for whoever mends it."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from pathlib import Path

from pelagos import __version__
from pelagos.cli.main import said
from pelagos.core import config
from pelagos.core.errors import PelagosError
from pelagos.core.logs import hide


def save(error: Exception, words: list[str]) -> PelagosError:
    """Write the traceback to a file and return what to tell the person."""
    what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    message = f"this should not have happened: {hide(what)}"
    try:
        path = _write(error, words)
    except OSError as problem:
        reason = problem.strerror or problem
        return PelagosError(message, hint=f"its details could not be saved: {reason}")
    return PelagosError(message, hint=f"its details are in {path}; please report them")


def _write(error: Exception, words: list[str]) -> Path:
    folder = _data_folder(words) / "log"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [
        f"pelagos {__version__}, {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        "options and words: " + " ".join(_without_values(words)),
        *traceback.format_exception(error),
    ]
    # mkstemp makes the file with mode 0600.
    descriptor, name = tempfile.mkstemp(
        prefix=time.strftime("error-%Y%m%d-%H%M%S-"), suffix=".txt", dir=folder
    )
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(hide("\n".join(lines)) + "\n")
    return Path(name)


def _data_folder(words: list[str]) -> Path:
    """The data folder of the line, as far as it can be told from a line that failed."""
    given = said(words, "--data")
    return Path(given).expanduser() if given else config.data_dir()


def _without_values(words: list[str]) -> list[str]:
    """The words of the line without values that may be secret (parameters, settings)."""
    return [word.partition("=")[0] + "=…" if "=" in word else word for word in words]
