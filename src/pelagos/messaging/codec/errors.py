"""What is wrong with bytes of AMQP, or cannot be written as such."""

from __future__ import annotations

from typing import Final

from pelagos.messaging.errors import MessagingError

FRAME_ERROR: Final = 501
SYNTAX_ERROR: Final = 502
UNEXPECTED_FRAME: Final = 505
NOT_IMPLEMENTED: Final = 540


class CodecError(MessagingError):
    """Bytes that are no AMQP 0-9-1, or a value that AMQP 0-9-1 cannot carry.

    Attributes:
        code: the reply code with which a peer that reads such bytes closes the connection.
    """

    def __init__(self, message: str, *, code: int = SYNTAX_ERROR) -> None:
        super().__init__(message)
        self.code = code
