"""`recipe = pelagos:template`: files with values filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pelagos.slap.recipes.base import Options, Recipe, Sections, write_file

_REFERENCE = re.compile(r"(\$?)\$\{([^}:]*):([^}:]+)\}")


class Template(Recipe):
    """Writes a file whose `${section:option}` references are filled in; `$${…}` stands for `${…}`.

    Options: output; inline or source (a path); mode (default 0640).
    """

    allowed = ("inline", "mode", "output", "source")
    required = ("output",)

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        if ("inline" in options) == ("source" in options):
            raise self.fail("needs exactly one of the options inline and source.")
        self._mode = self._read_mode()
        self._text = self._fill()
        self.output = Path(self.folder, options["output"])
        options["output"] = str(self.output)

    def _read_mode(self) -> int:
        text = self.options.get("mode", "0640")
        if not re.fullmatch(r"0?[0-7]{3}", text):
            raise self.fail(f"mode is three octal digits such as 0640, not {text!r}.")
        return int(text, 8)

    def _fill(self) -> str:
        if "inline" in self.options:  # zc.buildout has filled in what is not escaped
            return self.options["inline"].replace("$${", "${").rstrip("\n") + "\n"
        source = Path(self.folder, self.options["source"])
        try:
            text = source.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self.fail(f"the source {source} cannot be read: {error}") from error
        return _REFERENCE.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        escape, section, option = match.groups()
        if escape:
            return match[0][1:]
        return self.buildout[section or self.name][option]

    def install(self) -> Iterable[str]:
        """Write the file when it would change."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        write_file(self.output, self._text, self._mode)
        return (str(self.output),)
