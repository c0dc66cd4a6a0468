"""What all recipes share: options that are checked, a place, and files written whole."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import ClassVar, Protocol

from pelagos.core.files import write_atomic
from pelagos.core.spelling import nearest

LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,99}")
_HIGHEST_PORT = 65_535


Options = MutableMapping[str, str]


class Sections(Protocol):
    """A buildout: its sections by name."""

    def __getitem__(self, name: str) -> Options: ...


class RecipeError(Exception):
    """An option of a part is wrong. zc.buildout shows it as `Error: …`; see `user_error`."""


def user_error(message: str) -> Exception:
    """An error that zc.buildout prints as one line instead of a traceback."""
    try:
        module = sys.modules["zc.buildout"]
    except KeyError:
        return RecipeError(message)
    error: type[Exception] = module.UserError
    return error(message)


class Recipe:
    """What all recipes share: checked options, and a place in the partition."""

    allowed: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        self.buildout = buildout
        self.name = name
        self.options = options
        self.folder = Path(buildout["buildout"]["directory"])
        self._check_names()

    def _check_names(self) -> None:
        known = ("recipe", *self.allowed)
        for option in list(self.options):
            if option not in known and not option.startswith(("_", "<")):
                near = nearest(option, known)
                meant = f" Did you mean {near}?" if near else ""
                raise user_error(
                    f"[{self.name}] has no option {option!r}.{meant} "
                    f"It has: {', '.join(sorted(known))}."
                )
        for option in self.required:
            if not self.options.get(option, "").strip():
                raise user_error(f"[{self.name}] needs the option {option!r}.")

    def fail(self, message: str) -> Exception:
        """An error that names the part."""
        return user_error(f"[{self.name}] {message}")

    def lines(self, option: str) -> list[str]:
        """The lines of an option that are not empty, without surrounding space."""
        text = self.options.get(option, "")
        return [line.strip() for line in text.splitlines() if line.strip()]

    def pairs(self, option: str) -> dict[str, str]:
        """The lines `name = value` of an option."""
        found: dict[str, str] = {}
        for line in self.lines(option):
            key, equals, value = line.partition("=")
            key = key.strip()
            if not equals or not LABEL.fullmatch(key):
                raise self.fail(f"{option}: {line[:80]!r} is not a line 'name = value'.")
            found[key] = value.strip()
        return found

    def flag(self, option: str, *, default: bool) -> bool:
        """An option that is true or false."""
        text = self.options.get(option, "").strip().lower()
        if text not in {"", "true", "false"}:
            raise self.fail(f"{option} is true or false, not {text!r}.")
        return default if not text else text == "true"

    def port_of(self, text: str, option: str) -> int:
        """A port number."""
        if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _HIGHEST_PORT:
            raise self.fail(f"{option}: {text[:80]!r} is not a port (1 … 65535).")
        return int(text)

    def file_name(self) -> str:
        """The name of the file that this part writes: the option `name`, or the part's."""
        name = self.options.get("name", "").strip() or self.name
        if not _FILE_NAME.fullmatch(name):
            raise self.fail(f"the name {name[:80]!r} cannot be a file name here.")
        return name

    def install(self) -> Iterable[str]:
        """Do the part's work; returns the paths that go when the part goes."""
        return ()

    def update(self) -> Iterable[str]:
        """Do the part's work again where nothing changed."""
        return self.install()


def write_file(path: Path, text: str, mode: int) -> None:
    """Write a file in one step, and only when it would change."""
    # Without waiting for the disk: the recipe writes what differs whenever it runs again.
    write_atomic(path, text, mode=mode, durable=False)
