"""Options of a line: ours, with the ancestor's order of parameters and a value that they keep."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from pelagos.cli import argument as own
from pelagos.cli.failures import UsageError
from pelagos.compat.kamaki.cli.errors import CLIInvalidArgument, CLISyntaxError

Names = str | Sequence[str] | None


class Argument(own.Argument):
    """An option.

    Args:
        arity: 0 takes no value, more than 0 one, less than 0 one each time it is given.
        help: one line.
        parsed_name: its spellings, or the only one: "-n", "--name".
        default: its value when it is not given.
        how: what our class of this kind takes besides.

    Raises:
        AssertionError: a spelling begins with no dash.
    """

    def __init__(
        self,
        arity: int,
        help: str | None = None,  # noqa: A002  # the ancestor's
        parsed_name: Names = None,
        default: Any = None,
        **how: Any,
    ) -> None:
        names = [parsed_name] if isinstance(parsed_name, str) else list(parsed_name or ())
        if wrong := [name for name in names if not name.startswith("-")]:
            raise AssertionError(f"{wrong[0]} is no spelling of an option: it begins with no dash")
        super().__init__(help or "", *names, **how)
        self.arity = int(arity)
        self.default = default
        self.parsed_name = names
        self._value: Any = None

    @property
    def value(self) -> Any:
        """What was given, or the default."""
        return self.default if self._value is None else self._value

    @value.setter
    def value(self, newvalue: Any) -> None:
        self._value = newvalue

    @property
    def lvalue(self) -> str:
        """Its spellings for a person."""
        return "/".join(self.parsed_name)

    @property
    def name(self) -> str:
        """The spellings, as errors show them."""
        return self.lvalue

    def update_parser(self, parser: argparse.ArgumentParser, name: str) -> None:
        """Add it to a parser, which will have what was given under a name."""
        action = "append" if self.arity < 0 else "store" if self.arity else "store_true"
        parser.add_argument(
            *self.parsed_name, dest=name, action=action, default=None, help=self.help
        )


class FlagArgument(Argument):
    """An option without a value: True when it is given."""

    def __init__(
        self,
        help: str = "",  # noqa: A002  # the ancestor's
        parsed_name: Names = None,
        default: Any = None,
    ) -> None:
        super().__init__(0, help, parsed_name, default)


class ValueArgument(Argument):
    """An option with a text."""

    def __init__(
        self,
        help: str = "",  # noqa: A002  # the ancestor's
        parsed_name: Names = None,
        default: Any = None,
        **how: Any,
    ) -> None:
        super().__init__(1, help, parsed_name, default, **how)


class ConvertedArgument(ValueArgument):
    """An option whose text becomes something else, as our class of this kind says.

    Raises:
        CLIInvalidArgument: it cannot.
    """

    REFUSAL: type[CLISyntaxError] = CLIInvalidArgument

    @property
    def value(self) -> Any:
        """What was given, or the default."""
        return super().value

    @value.setter
    def value(self, newvalue: Any) -> None:
        self._value = None if newvalue is None else self._convert(newvalue)

    def _convert(self, text: Any) -> Any:
        """The value of a text."""
        try:
            return self.parse_one(str(text))
        except UsageError as error:
            raise self.REFUSAL(error.message, error.hint or ()) from error


class RepeatableArgument(Argument):
    """An option that may be given several times: the list of its texts."""

    def __init__(
        self,
        help: str = "",  # noqa: A002  # the ancestor's
        parsed_name: Names = None,
        default: Any = None,
    ) -> None:
        super().__init__(-1, help, parsed_name, default if default is not None else [])

    def parse(self, texts: list[str]) -> Any:
        """All texts, in the order given."""
        return texts


class KeyValueArgument(RepeatableArgument):
    """`name=value`, several times: a mapping."""

    @property
    def value(self) -> dict[str, str]:
        """What was given until now."""
        return dict(self._value or self.default or {})

    @value.setter
    def value(self, keyvalue_pairs: Any) -> None:
        found = dict(self._value or {})
        for pair in keyvalue_pairs or ():
            name, equals, text = pair.partition("=")
            if not equals:
                raise CLISyntaxError(f"{self.lvalue}: {pair!r} has no =", ["write NAME=VALUE"])
            found[name] = text
        self._value = found or None
