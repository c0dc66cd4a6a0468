"""Reads a line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from pelagos.compat.kamaki.cli.argument.base import Argument
from pelagos.compat.kamaki.cli.errors import CLISyntaxError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CLISyntaxError(f"Syntax error: {message}", [self.format_usage().strip()])


class ArgumentParseManager:
    """Reads a line.

    Args:
        exe: the name of the program.
        arguments: options by the names under which commands find them.
        required: which must be given: one of a list, all of a tuple, which may be in each other.
        syntax, description: for the help.
        check_required: whether `parse` sees to `required`.

    Attributes:
        arguments: the options.
        unparsed: the words that are none of them.
    """

    def __init__(
        self,
        exe: str,
        arguments: Mapping[str, Argument] | None = None,
        required: Any = None,
        syntax: str | None = None,
        description: str | None = None,
        check_required: bool = True,
    ) -> None:
        self.exe = exe
        self.arguments: dict[str, Argument] = dict(arguments or {})
        self.required = required
        self.syntax = syntax
        self.parser_description = description
        self._check_required = check_required
        self.parsed: argparse.Namespace | None = None
        self.unparsed: list[str] = []

    @property
    def parser(self) -> argparse.ArgumentParser:
        """The parser for these options."""
        parser = _Parser(
            prog=self.exe, description=self.parser_description, add_help=False, allow_abbrev=False
        )
        for name, argument in self.arguments.items():
            if argument.parsed_name:
                argument.update_parser(parser, name)
        return parser

    def update_arguments(self, arguments: Mapping[str, Argument]) -> None:
        """Add options."""
        self.arguments.update(arguments)

    def parse(self, new_args: Sequence[str] | None = None) -> list[str]:
        """Give the options their values; the words that are none.

        Raises:
            CLISyntaxError: an option lacks its value, or one that is required is missing.
        """
        words = sys.argv[1:] if new_args is None else new_args
        self.parsed, self.unparsed = self.parser.parse_known_args(list(words))
        for name, argument in self.arguments.items():
            given = getattr(self.parsed, name, None)
            if given is not None:
                argument.value = given
        if self._check_required and self.required and not self._is_there(self.required):
            raise CLISyntaxError(
                "Missing required arguments", [self.print_required(self.required)]
            )
        return self.unparsed

    def _is_there(self, required: Any) -> bool:
        if isinstance(required, str):
            return bool(self.arguments[required].value)
        judge: Callable[[Any], bool] = any if isinstance(required, list) else all
        return judge(self._is_there(one) for one in required)

    def print_required(self, required: Any) -> str:
        """What is required, in words."""
        if isinstance(required, str):
            return self.arguments[required].lvalue
        between = " or " if isinstance(required, list) else " and "
        return "(" + between.join(self.print_required(one) for one in required) + ")"

    def print_help(self, out: Any = None) -> None:
        """Print what the line may have."""
        text = self.parser.format_help()
        if self.syntax:
            text = text.replace("usage: " + self.exe, f"usage: {self.exe} {self.syntax}", 1)
        (out or sys.stderr).write(text)
