"""Options whose text becomes something else: sizes, times, states, files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pelagos.cli.argument.base import Argument
from pelagos.cli.failures import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)(b?)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
#: How times are written besides ISO 8601; those with GMT are in UTC, the others on the wall.
_TIMES = (
    "%a %b %d %H:%M:%S %Y",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%d-%m-%Y",
    "%H:%M:%S %d-%m-%Y",
)


class BooleanArgument(Argument):
    """`true` or `false`: True or False."""

    def __init__(self, text: str, *names: str, **rest: Any) -> None:
        super().__init__(text, *names, **{"metavar": "true|false", **rest})

    def parse_one(self, text: str) -> bool:
        """Which of the two."""
        if text.lower() not in {"true", "false"}:
            raise UsageError(f"{self.name}: {text!r} is not true or false")
        return text.lower() == "true"


class DataSizeArgument(Argument):
    """An amount of bytes: a number with K, M, G, T (1024) or KB, MB, GB, TB (1000)."""

    def __init__(self, text: str, *names: str, **rest: Any) -> None:
        super().__init__(text, *names, **{"metavar": "SIZE", **rest})

    def parse_one(self, text: str) -> int:
        """Bytes."""
        found = _SIZE.fullmatch(text.strip())
        if found is None:
            raise UsageError(
                f"{self.name}: {text!r} is not an amount of bytes",
                hint="write for example: 500MB, 10GiB, 1.5T",
            )
        number, unit, binary, letter = found.groups()
        step = 1000 if letter and unit and not binary else 1024
        return round(float(number) * float(step ** _POWERS[unit.lower()]))


class DateArgument(Argument):
    """A time: seconds since 1970. Without a zone it is the one on the wall."""

    def __init__(self, text: str, *names: str, **rest: Any) -> None:
        super().__init__(text, *names, **{"metavar": "DATE", **rest})

    def parse_one(self, text: str) -> float:
        """Seconds since 1970."""
        from datetime import UTC, datetime

        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            pass
        for form in _TIMES:
            try:
                found = datetime.strptime(text, form)  # noqa: DTZ007  # on the wall, or told below
            except ValueError:
                continue
            return (found.replace(tzinfo=UTC) if form.endswith("GMT") else found).timestamp()
        raise UsageError(
            f"{self.name}: {text!r} is not a time",
            hint=f"write for example: {self.name} 2026-07-14T09:30",
        )


class StatusArgument(Argument):
    """One of some states, in upper case.

    Args:
        valid_states: which there are.
    """

    def __init__(
        self, text: str, *names: str, valid_states: Iterable[str] = (), **rest: Any
    ) -> None:
        super().__init__(text, *names, **{"metavar": "STATUS", **rest})
        self.valid_states = tuple(valid_states)
        self.choices = self.valid_states

    def parse_one(self, text: str) -> Any:
        """The state."""
        return super().parse_one(text.upper())


class FileArgument(Argument):
    """The path of a file that is there."""

    def __init__(self, text: str, *names: str, **rest: Any) -> None:
        super().__init__(text, *names, **{"metavar": "FILE", "complete": "file", **rest})

    def parse_one(self, text: str) -> Any:
        """The path."""
        path = Path(text).expanduser()
        if not path.is_file():
            why = "it is no file" if path.exists() else "it is not there"
            raise UsageError(f"{self.name}: cannot read {text}: {why}")
        return path


class FileContentArgument(FileArgument):
    """The path of a file: its text."""

    def parse_one(self, text: str) -> str:
        """What is in the file."""
        try:
            return Path(text).expanduser().read_text("utf-8")
        except OSError as error:
            raise UsageError(f"{self.name}: cannot read {text}: {error.strerror}") from error
        except ValueError as error:
            raise UsageError(
                f"{self.name}: {text} is not text", hint="save the file as UTF-8"
            ) from error
