"""How the broker says no: AMQP's codes, what they end, and their words. Pure."""

from __future__ import annotations

from typing import Final

from pelagos.messaging.errors import MessagingError

_WORDS: Final = {
    312: "NO_ROUTE",
    320: "CONNECTION_FORCED",
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    506: "RESOURCE_ERROR",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}
_OF_CHANNEL: Final = frozenset({403, 404, 405, 406})
_TEXT_LIMIT: Final = 255  # bytes


class Refusal(MessagingError):
    """Something that a client may not do.

    Attributes:
        code: AMQP's reply code.
    """

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


def ends_channel_only(code: int) -> bool:
    """Whether a refusal ends the channel; others end the connection."""
    return code in _OF_CHANNEL


def reply_text(code: int, message: str) -> str:
    """What is said with a code, as long as a short string can be."""
    data = f"{_WORDS.get(code, 'ERROR')} - {message}".encode(errors="replace")
    return data[:_TEXT_LIMIT].decode(errors="ignore")
