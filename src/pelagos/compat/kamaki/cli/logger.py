"""Logs of a program, into a file or onto a stream."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

__all__ = [
    "activate",
    "add_file_logger",
    "add_stream_logger",
    "deactivate",
    "get_log_filename",
    "get_logger",
    "set_log_filename",
]

_FILE_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_STREAM_FORMAT = "%(message)s"
#: Where a log goes that is added without a name of a file.
_PLACES = ["~/.kamaki.log"]
_LEVELS: dict[str, int] = {}


def get_log_filename() -> str:
    """The file of logs that are added without one."""
    return str(Path(_PLACES[-1]).expanduser())


def set_log_filename(filename: str) -> None:
    """Name that file."""
    _PLACES[:] = [filename]


def get_logger(name: str) -> logging.Logger:
    """The logger of a name."""
    return logging.getLogger(name)


def add_file_logger(
    name: str, level: int | None = None, filename: str | None = None
) -> logging.Logger:
    """Write a logger's records to a file that its owner alone may read.

    Args:
        name: of the logger; of kamaki's, "kamaki.clients" takes in all.
        level: the lowest; by default all.
        filename: by default that of `get_log_filename`.
    """
    path = Path(filename or get_log_filename()).expanduser()
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    return _add(name, level, logging.FileHandler(path, encoding="utf-8"), _FILE_FORMAT)


def add_stream_logger(
    name: str, level: int | None = None, fmt: str | None = None
) -> logging.Logger:
    """Write a logger's records to standard error.

    Args:
        name: of the logger.
        level: the lowest; by default all.
        fmt: as `logging` has it.
    """
    return _add(name, level, logging.StreamHandler(sys.stderr), fmt or _STREAM_FORMAT)


def _add(name: str, level: int | None, handler: logging.Handler, fmt: str) -> logging.Logger:
    found = logging.getLogger(name)
    handler.setFormatter(logging.Formatter(fmt))
    found.addHandler(handler)
    found.setLevel(level or logging.DEBUG)
    return found


def deactivate(name: str) -> None:
    """Let a logger be silent."""
    found = logging.getLogger(name)
    _LEVELS.setdefault(name, found.level)
    found.setLevel(logging.CRITICAL)


def activate(name: str) -> None:
    """Let a logger speak again."""
    logging.getLogger(name).setLevel(_LEVELS.pop(name, logging.DEBUG))
