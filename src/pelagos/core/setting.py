"""One key of the configuration: its type, its limits, and how text becomes its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pelagos.core.errors import ConfigError


class Setting(NamedTuple):
    """One key of the configuration.

    Attributes:
        key: dotted, "master.port".
        variable: name of the environment variable that sets it; empty when only the file can.
        kind: what a value must be, in words.
        default: its value when nothing sets it.
        about: what it means, with unit and the reason of the default.
    """

    section: str
    name: str
    kind: str
    default: Any
    about: str
    variable: str
    least: float | None = None
    most: float | None = None

    @property
    def key(self) -> str:
        """The dotted key."""
        return f"{self.section}.{self.name}"

    def check(self, value: Any, where: str) -> Any:
        """The value in the field's type.

        Args:
            value: as TOML gives it.
            where: what to blame: the file or the variable; empty: the program itself.

        Raises:
            ConfigError: the type is wrong or the number is out of range.
        """
        convert = _CONVERTERS[self.kind]
        result = convert(value)
        blamed = f"{where}: " if where else ""
        if result is _WRONG:
            raise ConfigError(
                f"{blamed}{self.key} must be {self.kind}, not {_in_words(value)}",
                hint=f"its default is {_as_toml(self.default)}",
            )
        too_small = self.least is not None and result < self.least
        if too_small or (self.most is not None and result > self.most):
            upper = f" to {self.most}" if self.most is not None else " or more"
            raise ConfigError(f"{blamed}{self.key} must be {self.least}{upper}, not {value}")
        return result

    def parse(self, text: str, where: str) -> Any:
        """The value of a text from the environment or the command line; see `check`."""
        value: Any = text
        if self.kind in (_NUMBER, _WHOLE):
            number = int if self.kind == _WHOLE else float
            try:
                value = number(text)
            except ValueError:
                value = text
        elif self.kind == _TRUTH:
            value = {
                "true": True,
                "yes": True,
                "1": True,
                "false": False,
                "no": False,
                "0": False,
            }.get(text.lower(), text)
        return self.check(value, where)


_TEXT, _WHOLE, _NUMBER, _TRUTH = "text", "a whole number", "a number", "true or false"
_FOLDER, TABLE = "a path", "a table"
KINDS = {
    "str": _TEXT,
    "int": _WHOLE,
    "float": _NUMBER,
    "bool": _TRUTH,
    "Path | None": _FOLDER,
    "Mapping[str, Any]": TABLE,
}
_WRONG = object()


def _number(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and value == value else _WRONG  # noqa: PLR0124 - NaN


def _path(value: Any) -> Any:
    if not isinstance(value, str) or "\0" in value:
        return value if isinstance(value, Path) else _WRONG
    try:
        return Path(value).expanduser() if value else None
    except RuntimeError:  # a user who does not exist
        return _WRONG


def _of_type(kind: type) -> Callable[[Any], Any]:
    # `type(...) is`, because True is an int and a date is no text.
    return lambda value: value if type(value) is kind else _WRONG


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    _TEXT: lambda value: value if isinstance(value, str) and "\0" not in value else _WRONG,
    _WHOLE: _of_type(int),
    _NUMBER: _number,
    _TRUTH: _of_type(bool),
    _FOLDER: _path,
    TABLE: lambda value: value if isinstance(value, Mapping) else _WRONG,
}


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return f"{_as_toml(value)}"


def _as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "an empty table"
    if value is None or isinstance(value, str | Path):
        return f'"{value or ""}"'
    return str(value)
