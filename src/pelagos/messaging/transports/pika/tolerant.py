"""A pika connection that survives messages whose properties it cannot read.

A stranger may put a date of the year 10000 into a header, and the broker passes it on. pika ends
the connection then; the message comes again, and so for ever. Here such a message arrives without
its properties and marked, so that its receiver can refuse it.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import pika
from pika import exceptions as pika_errors
from pika import frame as pika_frame

#: The header under which the reason stands.
DAMAGE: Final = "x-pelagos-unreadable"

_HEADER_FRAME: Final = 2
_PREFIX: Final = struct.Struct(">BHL")  # type, channel, size
_CONTENT: Final = struct.Struct(">HHQ")  # class, weight, size of the body
_END_SIZE: Final = 1


class TolerantConnection(pika.SelectConnection):  # type: ignore[misc]  # pika ships no types
    """Overrides the one place where pika reads a frame."""

    def _read_frame(self) -> tuple[int, Any]:
        try:
            return super()._read_frame()  # type: ignore[no-any-return]  # pika ships no types
        except (
            ArithmeticError,
            OSError,
            RecursionError,
            TypeError,
            ValueError,
            pika_errors.InvalidFieldTypeException,
            struct.error,
        ) as error:
            kind, channel, size = _PREFIX.unpack_from(self._frame_buffer)
            if kind != _HEADER_FRAME:
                raise
            _, _, body_size = _CONTENT.unpack_from(self._frame_buffer, _PREFIX.size)
            properties = pika.BasicProperties(headers={DAMAGE: type(error).__name__})
            return (
                _PREFIX.size + size + _END_SIZE,
                pika_frame.Header(channel, body_size, properties),
            )
