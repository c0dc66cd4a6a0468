"""Options of a line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from pelagos.compat.kamaki.cli.errors import CLISyntaxError


class Argument:
    """An option.

    Args:
        arity: 0 takes no value, more than 0 one, less than 0 one each time it is given.
        help: one line.
        parsed_name: its spellings, or the only one: "-n", "--name".
        default: its value when it is not given.

    Raises:
        AssertionError: a spelling begins with no dash.
    """

    def __init__(
        self,
        arity: int,
        help: str | None = None,  # noqa: A002  # the ancestor's
        parsed_name: str | Sequence[str] | None = None,
        default: Any = None,
    ) -> None:
        names = [parsed_name] if isinstance(parsed_name, str) else list(parsed_name or ())
        if wrong := [name for name in names if not name.startswith("-")]:
            raise AssertionError(f"{wrong[0]} is no spelling of an option: it begins with no dash")
        self.arity = int(arity)
        self.help = help or ""
        self.parsed_name = names
        self.default = default
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
        parsed_name: str | Sequence[str] | None = None,
        default: Any = None,
    ) -> None:
        super().__init__(0, help, parsed_name, default)


class ValueArgument(Argument):
    """An option with a text."""

    def __init__(
        self,
        help: str = "",  # noqa: A002  # the ancestor's
        parsed_name: str | Sequence[str] | None = None,
        default: Any = None,
    ) -> None:
        super().__init__(1, help, parsed_name, default)


class RepeatableArgument(Argument):
    """An option that may be given several times: the list of its texts."""

    def __init__(
        self,
        help: str = "",  # noqa: A002  # the ancestor's
        parsed_name: str | Sequence[str] | None = None,
        default: Any = None,
    ) -> None:
        super().__init__(-1, help, parsed_name, default if default is not None else [])


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
