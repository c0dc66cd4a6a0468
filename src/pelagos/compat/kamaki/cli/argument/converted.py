"""Options whose text becomes something else: ours, and those that only the ancestor has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from pelagos.cli import argument as own
from pelagos.clients.errors import ClientError
from pelagos.compat.kamaki.cli.argument.base import ConvertedArgument
from pelagos.compat.kamaki.cli.errors import CLIInvalidArgument, CLISyntaxError

_FORM = "%a %b %d %H:%M:%S %Y"


class BooleanArgument(ConvertedArgument, own.BooleanArgument):
    """`true` or `false`."""


class IntArgument(ConvertedArgument):
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


class DataSizeArgument(ConvertedArgument, own.DataSizeArgument):
    """Bytes: 2.3GB, 10KiB, 512."""


class CommaSeparatedListArgument(ConvertedArgument, own.CommaSeparatedListArgument):
    """Texts with commas between them: a list."""


class StatusArgument(ConvertedArgument, own.StatusArgument):
    """One of some states, in upper case.

    Args:
        valid_states: which there are.
    """

    def __init__(self, *args: Any, **how: Any) -> None:
        states = how.pop("valid_states", ("BUILD", "ACTIVE", "STOPPED", "REBOOT"))
        super().__init__(*args, **how, valid_states=states)


class DateArgument(ConvertedArgument, own.DateArgument):
    """A time, in local time unless the text says otherwise; its value is seconds since 1970."""

    @property
    def timestamp(self) -> float | None:
        """The same."""
        seconds: float | None = self._value
        return seconds

    @property
    def formated(self) -> str | None:
        """As text."""
        moment = self.timestamp
        return None if moment is None else datetime.fromtimestamp(moment).strftime(_FORM)  # noqa: DTZ006

    @property
    def isoformat(self) -> str | None:
        """As ISO 8601, with the zone."""
        moment = self.timestamp
        return None if moment is None else datetime.fromtimestamp(moment).astimezone().isoformat()


class FileContentArgument(ConvertedArgument, own.FileContentArgument):
    """The text of a file."""


class UserAccountArgument(ConvertedArgument):
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


class PithosLocationArgument(ConvertedArgument):
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

    def _refuse(self, text: Any, wanted: str) -> NoReturn:
        raise CLIInvalidArgument(f"{self.lvalue}: {text!r} is not {wanted}")

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
