"""TOML files: read, and changed with their comments kept. The only door to tomlkit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pelagos.core.errors import ConfigError
from pelagos.core.files import write_atomic


def read(path: Path) -> dict[str, Any]:
    """The file as nested dicts.

    Raises:
        ConfigError: it cannot be read or is not TOML; the message says the line.
    """
    import tomllib  # noqa: PLC0415  # a command without a file does not pay for it

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration file {path}: {error.strerror}",
            hint="see where it is looked for: pelagos config path",
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", hint="mend it with an editor") from error


def open_document(path: Path) -> Any:
    """The file as a document to change; an empty one when there is no file."""
    import tomlkit  # noqa: PLC0415  # only writing pays for it

    if not path.exists():
        return tomlkit.document()
    return tomlkit.parse(path.read_text(encoding="utf-8"))


def as_item(table: Mapping[str, Any]) -> Any:
    """Plain data as a part of a document."""
    import tomlkit  # noqa: PLC0415  # only writing pays for it

    return tomlkit.item(dict(table))


def dumps(table: Mapping[str, Any]) -> str:
    """Plain data as the text of a file."""
    import tomlkit  # noqa: PLC0415  # only writing pays for it

    return tomlkit.dumps(table)


def write(path: Path, document: Any) -> None:
    """Replace the file, whole or not at all, closed to others: it may hold passwords.

    Raises:
        ConfigError: it cannot be written; the old one is unchanged.
    """
    target = path.resolve()  # a link stays a link
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(target, document.as_string(), mode=0o600)
    except OSError as error:
        raise ConfigError(
            f"cannot write the configuration file {path}: {error.strerror or error}",
            hint="name another one with --config or PELAGOS_CONFIG",
        ) from error
