"""The methods that move messages, and the two kinds of certainty about them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final, Self

from pelagos.messaging.codec.errors import CodecError
from pelagos.messaging.codec.methods.base import Method
from pelagos.messaging.codec.table import encode_short

_TAG_AND_BITS: Final = struct.Struct(">QB")


class BasicQos(Method):
    """basic.qos."""

    INDEX = (60, 10)
    KINDS = "lht"

    prefetch_size: int = 0
    prefetch_count: int = 0
    is_global: bool = False


class BasicQosOk(Method):
    """basic.qos-ok."""

    INDEX = (60, 11)


class BasicConsume(Method):
    """basic.consume."""

    INDEX = (60, 20)
    KINDS = "0ssttttF"

    queue: str = ""
    consumer_tag: str = ""
    no_local: bool = False
    no_ack: bool = False
    exclusive: bool = False
    nowait: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


class BasicConsumeOk(Method):
    """basic.consume-ok."""

    INDEX = (60, 21)
    KINDS = "s"

    consumer_tag: str = ""


class BasicCancel(Method):
    """basic.cancel."""

    INDEX = (60, 30)
    KINDS = "st"

    consumer_tag: str = ""
    nowait: bool = False


class BasicCancelOk(Method):
    """basic.cancel-ok."""

    INDEX = (60, 31)
    KINDS = "s"

    consumer_tag: str = ""


class BasicPublish(Method):
    """basic.publish."""

    INDEX = (60, 40)
    KINDS = "0sstt"
    CONTENT = True

    exchange: str = ""
    routing_key: str = ""
    mandatory: bool = False
    immediate: bool = False

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """As every method, but faster."""
        exchange = 7 + data[6]
        key = exchange + 1 + data[exchange]
        bits = data[key]
        return cls(
            data[7:exchange].decode("utf-8", "replace"),
            data[exchange + 1 : key].decode("utf-8", "replace"),
            bits & 1 != 0,
            bits & 2 != 0,
        )


class BasicReturn(Method):
    """basic.return."""

    INDEX = (60, 50)
    KINDS = "hsss"
    CONTENT = True

    reply_code: int = 0
    reply_text: str = ""
    exchange: str = ""
    routing_key: str = ""


class BasicDeliver(Method):
    """basic.deliver."""

    INDEX = (60, 60)
    KINDS = "sqtss"
    CONTENT = True

    consumer_tag: str = ""
    delivery_tag: int = 0
    redelivered: bool = False
    exchange: str = ""
    routing_key: str = ""

    def encode(self) -> bytes:
        """As every method, but faster."""
        try:
            return b"".join(
                (
                    self.PREFIX,
                    encode_short(self.consumer_tag),
                    _TAG_AND_BITS.pack(self.delivery_tag, self.redelivered),
                    encode_short(self.exchange),
                    encode_short(self.routing_key),
                )
            )
        except struct.error as error:
            raise CodecError(f"{self!r} cannot be written: {error}") from error

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """As every method, but faster."""
        tag = 5 + data[4]
        number, bits = _TAG_AND_BITS.unpack_from(data, tag)
        exchange = tag + 10 + data[tag + 9]
        key = exchange + 1 + data[exchange]
        if key > len(data):
            raise CodecError("a BasicDeliver is cut short")
        return cls(
            data[5:tag].decode("utf-8", "replace"),
            number,
            bits & 1 != 0,
            data[tag + 10 : exchange].decode("utf-8", "replace"),
            data[exchange + 1 : key].decode("utf-8", "replace"),
        )


class BasicGet(Method):
    """basic.get."""

    INDEX = (60, 70)
    KINDS = "0st"

    queue: str = ""
    no_ack: bool = False


class BasicGetOk(Method):
    """basic.get-ok."""

    INDEX = (60, 71)
    KINDS = "qtssl"
    CONTENT = True

    delivery_tag: int = 0
    redelivered: bool = False
    exchange: str = ""
    routing_key: str = ""
    message_count: int = 0


class BasicGetEmpty(Method):
    """basic.get-empty."""

    INDEX = (60, 72)
    KINDS = "1"


class BasicAck(Method):
    """basic.ack."""

    INDEX = (60, 80)
    KINDS = "qt"

    delivery_tag: int = 0
    multiple: bool = False

    def encode(self) -> bytes:
        """As every method, but faster."""
        try:
            return self.PREFIX + _TAG_AND_BITS.pack(self.delivery_tag, self.multiple)
        except struct.error as error:
            raise CodecError(f"{self!r} cannot be written: {error}") from error

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """As every method, but faster."""
        number, bits = _TAG_AND_BITS.unpack_from(data, 4)
        return cls(number, bits & 1 != 0)


class BasicReject(Method):
    """basic.reject."""

    INDEX = (60, 90)
    KINDS = "qt"

    delivery_tag: int = 0
    requeue: bool = True


class BasicRecoverAsync(Method):
    """basic.recover-async."""

    INDEX = (60, 100)
    KINDS = "t"

    requeue: bool = False


class BasicRecover(Method):
    """basic.recover."""

    INDEX = (60, 110)
    KINDS = "t"

    requeue: bool = False


class BasicRecoverOk(Method):
    """basic.recover-ok."""

    INDEX = (60, 111)


class BasicNack(Method):
    """basic.nack."""

    INDEX = (60, 120)
    KINDS = "qtt"

    delivery_tag: int = 0
    multiple: bool = False
    requeue: bool = True


class ConfirmSelect(Method):
    """confirm.select."""

    INDEX = (85, 10)
    KINDS = "t"

    nowait: bool = False


class ConfirmSelectOk(Method):
    """confirm.select-ok."""

    INDEX = (85, 11)


class TxSelect(Method):
    """tx.select."""

    INDEX = (90, 10)


class TxSelectOk(Method):
    """tx.select-ok."""

    INDEX = (90, 11)


class TxCommit(Method):
    """tx.commit."""

    INDEX = (90, 20)


class TxCommitOk(Method):
    """tx.commit-ok."""

    INDEX = (90, 21)


class TxRollback(Method):
    """tx.rollback."""

    INDEX = (90, 30)


class TxRollbackOk(Method):
    """tx.rollback-ok."""

    INDEX = (90, 31)
