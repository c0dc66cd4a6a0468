"""TOML files: read, and changed with their comments kept. The only door to tomlkit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pelagos.core.errors import ConfigError
from pelagos.core.files import write_atomic

_LIMIT = 4 * 1024 * 1024
"""Bytes of a file: a device may have no end."""


def read(path: Path) -> dict[str, Any]:
    """The file as nested dicts.

    Raises:
        ConfigError: it cannot be read, is not TOML (the message says the line), or far too long.
    """
    return _parsed(path)[1]


def _parsed(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a file, and what it says."""
    import tomllib  # noqa: PLC0415  # a command without a file does not pay for it

    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT + 1)
        if len(content) > _LIMIT:
            raise ConfigError(
                f"{path} is no configuration file: it has more than {_LIMIT >> 20} MiB",
                hint="see which file is meant: pelagos config path",
            )
        text = content.decode("utf-8").replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration file {path}: {error.strerror}",
            hint="see where it is looked for: pelagos config path",
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", hint="mend it with an editor") from error


@contextlib.contextmanager
def changing(path: Path) -> Iterator[Any]:
    """The file as a document to change, an empty one without a file; written when that is done.

    Nothing is written when the block raises, or has changed nothing.

    Raises:
        ConfigError: it cannot be read, or written, or not so that nothing else changes with it.
    """
    import tomlkit  # noqa: PLC0415  # only writing pays for it
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415  # the same

    before = _parsed(path)[0] if path.exists() else ""
    try:
        document = tomlkit.parse(before)
        yield document
        after, meant = document.as_string(), document.unwrap()
    except TOMLKitError as error:
        raise _too_tangled(path) from error
    if after == before:
        return
    if not _says(after, meant):
        raise _too_tangled(path)
    _write(path, after)


def as_item(table: Mapping[str, Any]) -> Any:
    """Plain data as a part of a document."""
    import tomlkit  # noqa: PLC0415  # only writing pays for it

    return tomlkit.item(dict(table))


def dumps(table: Mapping[str, Any]) -> str:
    """Plain data as the text of a file."""
    import tomlkit  # noqa: PLC0415  # only writing pays for it

    return tomlkit.dumps(table)


def _says(text: str, meant: Mapping[str, Any]) -> bool:
    """Whether a text is what a document means; tables that are apart are put together wrongly."""
    import tomllib  # noqa: PLC0415  # only writing pays for it

    try:
        return bool(_plain(tomllib.loads(text)) == _plain(meant))
    except tomllib.TOMLDecodeError:
        return False


def _plain(table: Any) -> Any:
    """The same without empty tables, which say nothing, and with texts for dates and the like."""
    if isinstance(table, Mapping):
        inner = {str(key): _plain(value) for key, value in table.items()}
        return {key: value for key, value in inner.items() if value != {}}
    return [_plain(one) for one in table] if isinstance(table, list) else repr(table)


def _too_tangled(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} has a section in several places, and cannot be changed without harm to others",
        hint="put what belongs together in one place: pelagos config edit",
    )


def _write(path: Path, text: str) -> None:
    """Replace the file, whole or not at all, closed to others: it may hold passwords."""
    target = path.resolve()  # a link stays a link
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(target, text, mode=0o600)
    except OSError as error:
        raise ConfigError(
            f"cannot write the configuration file {path}: {error.strerror or error}",
            hint="name another one with --config or PELAGOS_CONFIG",
        ) from error
