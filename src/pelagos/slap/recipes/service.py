"""`recipe = pelagos:service`: a program that is kept running, or run once."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable
from pathlib import Path

from pelagos.slap.recipes.base import Options, Recipe, Sections, write_file


class Service(Recipe):
    """Writes the executable of a service: `etc/service/NAME` or, run once, `etc/run/NAME`.

    Options: command: one line is split into words as a shell would; of several lines each is one
    argument as it stands. name (default: the part's name); once (true: run once); environment,
    lines `NAME = value`; folder (working directory); restart-on, files whose change restarts the
    service.
    """

    allowed = ("command", "environment", "folder", "name", "once", "restart-on")
    required = ("command",)

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        kind = "run" if self.flag("once", default=False) else "service"
        self.path = self.folder / "etc" / kind / self.file_name()
        self.arguments = self._words()
        self.environment = self.pairs("environment")

    def _words(self) -> list[str]:
        lines = self.lines("command")
        if len(lines) > 1:
            return lines
        try:
            return shlex.split(lines[0])
        except ValueError as error:
            raise self.fail(f"command cannot be split into words: {error}") from error

    def install(self) -> Iterable[str]:
        """Write the wrapper when it would change."""
        text = ["#!/bin/sh\n"]
        text += [f"# {_digest(Path(self.folder, p))}\n" for p in self.lines("restart-on")]
        folder = self.options.get("folder", "").strip()
        if folder:
            text.append(f"cd {shlex.quote(folder)} || exit 1\n")
        for key, value in self.environment.items():
            text.append(f"export {key}={shlex.quote(value)}\n")
        text.append(f"exec {shlex.join(self.arguments)}\n")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_file(self.path, "".join(text), 0o750)
        return (str(self.path),)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "absent"
