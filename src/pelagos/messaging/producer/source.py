"""What is taken from whoever makes many messages, and what ended that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pelagos.messaging.message import Message


class Source:
    """Messages, or bodies, until there are no more or their maker fails.

    Attributes:
        problem: what the maker raised; what came before has been taken.
    """

    def __init__(self, messages: Iterable[Message | Mapping[str, Any]]) -> None:
        self._messages = messages
        self.problem: Exception | None = None

    def __iter__(self) -> Iterator[Message | Mapping[str, Any]]:
        try:
            for message in self._messages:
                yield checked(message)
        except Exception as error:  # noqa: BLE001 - a maker of others; it is raised in the end
            self.problem = error


def checked(message: object) -> Message | Mapping[str, Any]:
    """The same.

    Raises:
        TypeError: it is neither a message nor its body.
    """
    if isinstance(message, Message | Mapping):
        return message
    raise TypeError(f"a message or its body is sent, not {message!r}")
