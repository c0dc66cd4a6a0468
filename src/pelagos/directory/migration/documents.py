"""Single YAML files of the ancestor: read safely, commands in them only when allowed.

The only door to PyYAML beside the API description.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pelagos.core.errors import ConfigError

#: Bytes of one file or of what a command prints; a directory's configuration has some thousands.
MAX_SIZE = 4 * 1024 * 1024
#: Seconds that a command may take.
COMMAND_TIMEOUT = 60.0

_MAX_NODES = 200_000  # aliases make billions of values from a few lines
_MAX_DEPTH = 50
_MAX_BITS = 63  # of a whole number, which our configuration file can say no longer


class DocumentError(ConfigError):
    """A file cannot be read, or what it says cannot be used."""


@dataclass(frozen=True, slots=True)
class _Exec:
    command: str


class _Loader(yaml.SafeLoader):
    """Plain data, and the one tag that the ancestor knows."""

    def __init__(self, stream: bytes) -> None:
        super().__init__(stream)
        self._left_to_merge = _MAX_NODES
        self._merging: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put in what `<<` names; a few lines of merges that merge merges name billions."""
        if id(node) not in self._merging:
            self._merging.add(id(node))
            for key, value in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    self._count(value)
            self._merging.discard(id(node))
        super().flatten_mapping(node)

    def _count(self, merged: yaml.Node) -> None:
        for part in merged.value if isinstance(merged, yaml.SequenceNode) else [merged]:
            if isinstance(part, yaml.MappingNode):
                self.flatten_mapping(part)
                self._left_to_merge -= 1 + len(part.value)
                if self._left_to_merge < 0:
                    raise yaml.constructor.ConstructorError(
                        None, None, "it merges more than a configuration needs", part.start_mark
                    )


def _construct_exec(loader: _Loader, node: yaml.Node) -> _Exec:
    value = loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else {}
    command = value.get("command")
    if not isinstance(command, str) or not command.strip():
        raise yaml.constructor.ConstructorError(
            None, None, "!exec needs a mapping with a `command`", node.start_mark
        )
    return _Exec(command)


_Loader.add_constructor("!exec", _construct_exec)


def read_document(path: Path, *, run_commands: bool = False) -> dict[str, Any]:
    """What a file says, as nested plain data; an empty file says nothing.

    Args:
        run_commands: run the command of a file whose whole content is `!exec`, and take what it
            prints for the file. Only commands of files that belong to root or to this user, and
            that nobody else may write, are run.

    Raises:
        DocumentError: it cannot be read, is not YAML or no mapping, or is a command that must not
            be run or failed.
    """
    content, status = _read(path)
    found = _parse(content, path)
    if isinstance(found, _Exec):
        if not run_commands:
            raise DocumentError(
                f"its content is what a command prints, which was not run: {found.command}",
                hint="look at the command; then allow it with --run-commands",
            )
        _refuse_strangers(path, status)
        found = _parse(_run(found.command), path)
    if found is None:
        return {}
    plain = _plain(found, _Budget())
    if not isinstance(plain, dict):
        raise DocumentError(f"a mapping is needed, not {plain!r:.60}")
    return plain


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """What a file has, and whose it is: this one's, should another take its place meanwhile."""
    try:
        # A pipe in the file's place would be waited for without O_NONBLOCK.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # of a descriptor
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise DocumentError("it is not a file")
            content = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_SIZE:
        raise DocumentError(f"it has more than {MAX_SIZE:,} bytes")
    return content, status


def _parse(content: bytes, path: Path) -> Any:
    try:
        return yaml.load(content, _Loader)  # noqa: S506  # derives from SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).replace('"<byte string>", ', "").split())
        raise DocumentError(f"is not YAML: {reason[:300]}") from error
    # What its constructors raise for tags with a value that does not fit: `!!bool maybe`.
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise DocumentError(f"has a tag in {path.name} with a value that does not fit") from error


def _refuse_strangers(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in {0, os.geteuid()} or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise DocumentError(
            "its command was not run: others than root and this user may have written the file",
            hint=f"look at it, then: chown {os.geteuid()} {path} && chmod go-w {path}",
        )


def _run(command: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S602  # a shell command is what the file has, and allowed
            command,
            shell=True,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DocumentError(f"its command failed: {error}") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[-200:]
        raise DocumentError(f"its command ended with {done.returncode}: {said or command}")
    if len(done.stdout) > MAX_SIZE:
        raise DocumentError(f"its command printed more than {MAX_SIZE:,} bytes")
    return done.stdout


class _Budget:
    """How many values may still be made."""

    def __init__(self) -> None:
        self._left = _MAX_NODES

    def spend(self, depth: int) -> None:
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            raise DocumentError("it has more values than a configuration needs")


def _plain(value: Any, budget: _Budget, depth: int = 0) -> Any:
    """The value without what TOML and JSON do not have; a key that is no text becomes one."""
    budget.spend(depth)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item, budget, depth + 1) for item in value]
    if isinstance(value, _Exec):
        raise DocumentError(f"!exec is understood as the whole of a file only: {value.command}")
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _number(value: int) -> int:
    if value.bit_length() > _MAX_BITS:
        raise DocumentError("it has a whole number of more than 64 bits", hint="put it in quotes")
    return value


def _key(key: Any) -> str:
    if isinstance(key, bool):  # YAML 1.1 reads yes, no, on and off as what they seem to mean
        raise DocumentError(f"a key reads as {str(key).lower()}", hint="put the key in quotes")
    if isinstance(key, str):
        return _text(key)
    if isinstance(key, int):
        return str(_number(key))
    raise DocumentError(f"the key {key!r:.60} is not text", hint="put the key in quotes")


def _text(value: str) -> str:
    """Text that a file can hold: YAML's escapes can name halves of characters."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
