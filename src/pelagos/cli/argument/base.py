"""Options and operands of commands: how text from the command line becomes a value.

An argument is declared once, on the command's class; the parser, the help, the reference and
completion all read it. A value that cannot be used raises `UsageError` that says what was
expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pelagos.cli.failures import UsageError
from pelagos.core.spelling import nearest

_SHOWN = 40
"""Characters of a wrong value that an error repeats."""

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Operand:
    """A positional argument; its name and whether it may be left out come from `main`'s signature.

    Args:
        text: one line for the help.
        complete: what completion offers: "key", "file", "cloud", "cloud:server", "one:vm" (things
            of a cloud, of an OpenNebula), a kind that `pelagos.cli.plane_names` knows, or "".
        choices: the only words that are right; empty when any is.
    """

    def __init__(self, text: str, *, complete: str = "", choices: Sequence[str] = ()) -> None:
        self.help = text
        self.complete = complete
        self.choices = tuple(choices)


class Argument:
    """An option.

    Args:
        text: one line for the help.
        names: the spellings, e.g. ("--timeout",); the first long one is shown in errors.
        metavar: what the help calls the value.
        default: the value when the option is not given.
        complete: what completion offers for the value; see `Operand`.
        choices: the only values that are right; empty when any is.
        may_be_empty: whether '' says something, and so counts as given where one must be.

    Attributes:
        arity: 0 = no value, 1 = one value, -1 = a value each time it is given.
        may_begin_with_dash: whether any word after the option is its value, even -x.
    """

    arity = 1
    may_begin_with_dash = False

    def __init__(
        self,
        text: str,
        *names: str,
        metavar: str = "VALUE",
        default: Any = None,
        complete: str = "",
        choices: Sequence[str] = (),
        may_be_empty: bool = False,
    ) -> None:
        self.help = text
        self.names = names
        self.metavar = metavar
        self.default = default
        self.complete = complete
        self.choices = tuple(choices)
        self.may_be_empty = may_be_empty

    def instead(self, value: Any) -> str | None:
        """What is printed instead of running the command; None when it is to run."""
        del value
        return None

    @property
    def name(self) -> str:
        """The spelling that errors show."""
        return next((name for name in self.names if name.startswith("--")), self.names[0])

    def parse(self, texts: list[str]) -> Any:
        """The value, from the texts in the order given.

        Args:
            texts: at least one; all but the last are ignored, unless the option may be repeated.

        Raises:
            UsageError: a text cannot be used.
        """
        return self.parse_one(texts[-1])

    def parse_one(self, text: str) -> Any:
        """The value of one text."""
        if self.choices and text not in self.choices:
            near = nearest(text, self.choices)
            raise UsageError(
                f"{self.name}: there is no {text!r}",
                hint=f"did you mean {near}?" if near else f"use one of: {', '.join(self.choices)}",
            )
        return text


class ValueArgument(Argument):
    """An option with one text."""


class FlagArgument(Argument):
    """An option without a value: True when given."""

    arity = 0

    def __init__(self, text: str, *names: str) -> None:
        super().__init__(text, *names, default=False)


class CountArgument(FlagArgument):
    """A flag that counts how often it is given (-v, -vv)."""


class IntArgument(Argument):
    """A whole number.

    Args:
        least: the smallest number that is right.
        most: the largest.
    """

    def __init__(
        self, text: str, *names: str, least: int = 0, most: int | None = None, **rest: Any
    ) -> None:
        super().__init__(text, *names, **{"metavar": "N", **rest})
        self.least = least
        self.most = most

    def parse_one(self, text: str) -> int:
        """The number."""
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < self.least or (self.most is not None and number > self.most):
            limit = f" to {self.most}" if self.most is not None else " or more"
            raise UsageError(f"{self.name}: {text!r} is not a whole number, {self.least}{limit}")
        return number


class SecondsArgument(Argument):
    """A length of time: seconds, or a number with s, m, h or d ("90", "1.5m")."""

    def __init__(self, text: str, *names: str, **rest: Any) -> None:
        super().__init__(text, *names, **{"metavar": "TIME", **rest})

    def parse_one(self, text: str) -> float:
        """Seconds."""
        number, unit = (text[:-1], _SECONDS[text[-1]]) if text[-1:] in _SECONDS else (text, 1.0)
        try:
            seconds = float(number) * unit
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < float("inf"):
            raise UsageError(
                f"{self.name}: {text!r} is not a length of time",
                hint="give seconds, or a number with s, m, h or d: 90, 1.5m, 2h",
            )
        return seconds


class RepeatableArgument(Argument):
    """An option that may be given several times: the list of its texts."""

    arity = -1

    def __init__(self, text: str, *names: str, **rest: Any) -> None:
        super().__init__(text, *names, **{"default": (), **rest})

    def parse(self, texts: list[str]) -> Any:
        """All values, in the order given."""
        return [self.parse_one(text) for text in texts]


class KeyValueArgument(RepeatableArgument):
    """`key=value`, several times: a mapping. The first = splits; the value may be empty."""

    def __init__(self, text: str, *names: str, **rest: Any) -> None:
        super().__init__(text, *names, **{"metavar": "KEY=VALUE", **rest})

    def parse(self, texts: list[str]) -> dict[str, str]:
        """The mapping."""
        values: dict[str, str] = {}
        for text in texts:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise UsageError(
                    f"{self.name}: {_short(text)} is not KEY=VALUE",
                    hint=f"write for example: {self.name} size=10",
                )
            if key in values and values[key] != value:
                raise UsageError(f"{self.name}: {key} is given twice, with different values")
            values[key] = value
        return values


class CommaSeparatedListArgument(Argument):
    """Texts with commas between them: a list."""

    example = "a,b"

    def parse_one(self, text: str) -> list[str]:
        """The texts."""
        names = [name.strip() for name in text.split(",")]
        if not all(names):
            raise UsageError(
                f"{self.name}: a name is missing in {text!r}",
                hint=f"write for example: {self.name} {self.example}",
            )
        return names


class ColumnsArgument(CommaSeparatedListArgument):
    """Names of columns, with commas between them: a list."""

    example = "reference,status"


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def option_names(arguments: Iterable[Argument]) -> list[str]:
    """All spellings of these options."""
    return [name for argument in arguments for name in argument.names]
