"""Options whose text becomes something else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from pelagos.clients.errors import ClientError
from pelagos.compat.kamaki.cli.argument.base import ValueArgument
from pelagos.compat.kamaki.cli.errors import CLIInvalidArgument, CLISyntaxError
from pelagos.compat.kamaki.cli.utils import to_bytes

_DATES = (
    "%a %b %d %H:%M:%S %Y",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%d-%m-%Y",
    "%H:%M:%S %d-%m-%Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
)


class _Converted(ValueArgument, ABC):
    """An option whose text becomes something else.

    Raises:
        CLIInvalidArgument: it cannot.
    """

    @property
    def value(self) -> Any:
        """What was given, or the default."""
        return super().value

    @value.setter
    def value(self, newvalue: Any) -> None:
        self._value = None if newvalue is None else self._convert(newvalue)

    @abstractmethod
    def _convert(self, text: Any) -> Any:
        """The value of a text."""

    def _refuse(self, text: Any, wanted: str) -> NoReturn:
        raise CLIInvalidArgument(f"{self.lvalue}: {text!r} is not {wanted}")


class BooleanArgument(_Converted):
    """`true` or `false`."""

    def _convert(self, text: Any) -> bool:
        if str(text).lower() not in {"true", "false"}:
            self._refuse(text, "true or false")
        return str(text).lower() == "true"


class IntArgument(_Converted):
    """A whole number; 5.0 is one.

    Raises:
        CLISyntaxError: it is none.
    """

    def _convert(self, text: Any) -> int:
        try:
            number = float(text)
        except (TypeError, ValueError):
            number = 0.5
        if number != int(number):
            raise CLISyntaxError("IntArgument Error", [f"{text!r} is no whole number"])
        return int(number)


class DataSizeArgument(_Converted):
    """Bytes: 2.3GB, 10KiB, 512."""

    def _convert(self, text: Any) -> int:
        try:
            return to_bytes(text, "")
        except ValueError:
            self._refuse(text, "a size; write 512, 10KiB or 2.3GB")


class CommaSeparatedListArgument(_Converted):
    """Texts with commas between them: a list."""

    def _convert(self, text: Any) -> list[str]:
        return [one.strip() for one in str(text).split(",")]


class StatusArgument(_Converted):
    """One of some states, in upper case.

    Args:
        valid_states: which there are.
    """

    def __init__(self, *args: Any, **how: Any) -> None:
        self.valid_states = tuple(
            how.pop("valid_states", ("BUILD", "ACTIVE", "STOPPED", "REBOOT"))
        )
        super().__init__(*args, **how)

    def _convert(self, text: Any) -> str:
        state = str(text).upper()
        if state not in self.valid_states:
            self._refuse(text, f"one of {', '.join(self.valid_states)}")
        return state


class DateArgument(_Converted):
    """A time, in local time unless the text says UTC; its value is seconds since 1970."""

    @property
    def timestamp(self) -> float | None:
        """The same."""
        return self._value if self._value is not None else None

    @property
    def formated(self) -> str | None:
        """As text."""
        return self._text(_DATES[0])

    @property
    def isoformat(self) -> str | None:
        """As ISO 8601, with the zone."""
        moment = self.timestamp
        return None if moment is None else datetime.fromtimestamp(moment).astimezone().isoformat()

    def _text(self, form: str) -> str | None:
        moment = self.timestamp
        return None if moment is None else datetime.fromtimestamp(moment).strftime(form)  # noqa: DTZ006

    def _convert(self, text: Any) -> float:
        for form in _DATES:
            try:
                moment = datetime.strptime(str(text), form)  # noqa: DTZ007  # local, or told below
            except ValueError:
                continue
            return _in_utc(moment).timestamp() if form.endswith("GMT") else moment.timestamp()
        try:
            return datetime.fromisoformat(str(text)).timestamp()
        except ValueError:
            self._refuse(text, f"a time; write it as {datetime.now().strftime(_DATES[0])}")  # noqa: DTZ005


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


class FileContentArgument(_Converted):
    """The text of a file."""

    def _convert(self, text: Any) -> str:
        try:
            return Path(text).expanduser().read_text("utf-8")
        except (OSError, ValueError) as error:
            raise CLIInvalidArgument(f"{self.lvalue}: cannot read {text}", [str(error)]) from error


class UserAccountArgument(_Converted):
    """A user, by name or id: the id.

    Attributes:
        account_client: who is asked for ids; to be set before the line is read.
    """

    account_client: Any = None

    def _convert(self, text: Any) -> str:
        name = str(text)
        if self.account_client is None or "@" not in name:
            return name
        try:
            return str(self.account_client.usernames2uuids([name])[name])
        except (KeyError, ClientError) as error:
            raise CLIInvalidArgument(f"{self.lvalue}: nobody is called {name}") from error


class PithosLocationArgument(_Converted):
    """`pithos://UUID/CONTAINER/OBJECT`, `/CONTAINER/OBJECT` or `OBJECT`.

    Attributes:
        uuid, container, object: its parts; None for what is not said.
    """

    uuid: str | None = None
    container: str | None = None
    object: str | None = None

    def setdefault(self, term: str, value: str) -> None:
        """Let a part be this, when it is not said."""
        if not getattr(self, term):
            setattr(self, term, value)

    @property
    def dict(self) -> Mapping[str, str | None]:
        """The parts by their names."""
        return {"uuid": self.uuid, "container": self.container, "object": self.object}

    @property
    def tuple(self) -> tuple[str | None, str | None, str | None]:
        """The parts in order."""
        return self.uuid, self.container, self.object

    def _convert(self, text: Any) -> str:
        place = str(text)
        if place.startswith("pithos://"):
            self.uuid, _, place = place.removeprefix("pithos://").partition("/")
            place = f"/{place}"
        if not place.startswith("/"):
            self.object = place
            return str(text)
        container, _, name = place[1:].partition("/")
        if not container:
            self._refuse(
                text, "a place; write pithos://UUID/CONTAINER/OBJECT or /CONTAINER/OBJECT"
            )
        self.container, self.object = container, name or None
        return str(text)
