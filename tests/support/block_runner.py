"""Does what the blocks of a page say, in their order, and compares what comes of it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from configparser import RawConfigParser

from pelagos.core import toml
from support import settings_block
from support.desk import Desk
from support.page import Block, command_lines

_ENDED = re.compile(r"\[exit (\d+)\]")


class Runner:
    """The blocks of one page, at one desk or several.

    Args:
        desk: makes the desk of a name; that of the reader has the name "".
    """

    def __init__(self, desk: Callable[[str], Desk]) -> None:
        self._desk = desk
        self._desks: dict[str, Desk] = {}
        #: The blocks that were carried out, and turned out as the page says.
        self.done: list[Block] = []
        self._said = ""
        self._program = ""
        self._kinds = {
            "console": self._commands,
            "sh": self._commands,
            "python": self._python,
            "toml": self._toml,
            "json": self._json,
            "ini": self._ini,
            "text": self._text,
        }

    def desk(self, name: str = "") -> Desk:
        """The desk of this name."""
        if name not in self._desks:
            self._desks[name] = self._desk(name)
            for other in self._desks.values():
                self._desks[name].said += other.said
        return self._desks[name]

    def close(self) -> None:
        """End all that runs."""
        for desk in reversed(self._desks.values()):
            desk.end()

    def run(self, block: Block, *, goes_on: bool = False) -> None:
        """Do what a block says.

        Args:
            block: the block.
            goes_on: the next one belongs to the same program, which runs with that one.

        Raises:
            AssertionError: it is not so, or there is no way to do it.
        """
        assert block.language in self._kinds, f"{block}: nobody knows the language of this block"
        desk = self.desk(block.at)
        if block.name:
            desk.write(block.name, block.text)
        if goes_on:
            self._program = (self._program if block.goes_on else "") + block.text
        else:
            self._kinds[block.language](block, desk)
        self.done.append(block)

    def _commands(self, block: Block, desk: Desk) -> None:
        self._said = ""
        for line, below in command_lines(block):
            ended = next((int(found[1]) for one in below if (found := _ENDED.fullmatch(one))), 0)
            code, said, told = desk.type(line)
            assert code == ended, f"{block}: $ {line}\n[exit {code}]\n{said}{told}"
            assert "Traceback" not in told, told
            self._said += said + told
            shown = "\n".join(one for one in below if not _ENDED.fullmatch(one)).strip()
            assert matches(shown, said + told), f"{block}: $ {line}\n{said}{told}"

    def _python(self, block: Block, desk: Desk) -> None:
        if block.name and not block.name.startswith("test_"):
            return  # what it is good for, the other blocks show
        self._program = (self._program if block.goes_on else "") + block.text
        code, self._said, told = desk.program(self._program)
        assert code == 0, f"{block}:\n{self._said}{told}"

    def _toml(self, block: Block, desk: Desk) -> None:
        said = tomllib.loads(desk.here(block.text).replace('"~/', f'"{desk.folder}/'))
        if "project" in said:
            desk.install(said["project"]["entry-points"])
            return
        file = desk.folder / ".config/pelagos/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        known = tomllib.loads(file.read_text()) if file.exists() else {}
        if block.by_itself:
            known, file = {}, desk.folder / ".by-itself.toml"
        for name in settings_block.files_of(said):
            if not (desk.folder / name).exists():
                desk.write(name, "secret\n")
        file.write_text(toml.dumps(settings_block.merge(known, said)))
        file.chmod(0o600)
        settings_block.check(file)

    def _json(self, block: Block, _desk: Desk) -> None:
        json.loads(block.text)

    def _ini(self, block: Block, _desk: Desk) -> None:
        assert block.name, f"{block}: nothing can be done with a file without a name"
        parser = RawConfigParser(delimiters="=", strict=False)
        parser.read_string(block.text)
        assert parser.sections(), block

    def _text(self, block: Block, _desk: Desk) -> None:
        if block.name or block.no_output:
            return
        assert matches(block.text.strip(), self._said), f"{block}: what was said:\n{self._said}"


def matches(shown: str, said: str) -> bool:
    """Whether a text that is shown stands in what was said; `…` is anything."""
    pattern = ".*?".join(re.escape(part) for part in shown.split("…"))
    return re.search(pattern, said, re.DOTALL) is not None
