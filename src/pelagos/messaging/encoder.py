"""How a message's dictionary becomes bytes and comes back.

The two sides agree by convention: a consumer uses its own encoder and does not look at the
message's content type.
"""

from __future__ import annotations

from typing import Any

from pelagos.core import wire
from pelagos.messaging.errors import EncodingError


class Encoder:
    """Passes data on as it is; the base of other encoders.

    Attributes:
        content_type: announced with every message.
    """

    content_type: str = ""

    @classmethod
    def encode(cls, data: Any) -> Any:
        """The data as it is sent: bytes or text.

        Raises:
            EncodingError: it cannot be written in this form.
        """
        return data

    @classmethod
    def decode(cls, data: Any) -> Any:
        """What `encode` was given.

        Raises:
            EncodingError: it is not in this form.
        """
        return data


class JsonEncoder(Encoder):
    """JSON in compact UTF-8.

    >>> JsonEncoder.decode(JsonEncoder.encode({"size": 10}))
    {'size': 10}
    """

    content_type = "application/json"

    @classmethod
    def encode(cls, data: Any) -> bytes:
        """JSON text; the order of keys is kept.

        What JSON has no form for is written as its nearest: NaN and infinity as null, bytes as
        Base64 text, sets as lists.
        """
        try:
            encoded = wire.encode(data)
        except (wire.WireError, OverflowError, UnicodeError) as error:
            raise EncodingError(
                f"the content cannot be written as JSON: {error}",
                hint="use text, numbers, lists and mappings with text keys",
            ) from error
        if len(encoded) > wire.DEFAULT_LIMIT:
            raise EncodingError(
                f"the message has {len(encoded):,} bytes; at most {wire.DEFAULT_LIMIT:,} are read",
                hint="put the data into a file or an object store, and send where it is",
            )
        return encoded

    @classmethod
    def decode(cls, data: Any) -> Any:
        """Plain data."""
        try:
            return wire.decode(data)
        except (wire.WireError, UnicodeError) as error:
            raise EncodingError(f"the body is not JSON: {error}") from error
