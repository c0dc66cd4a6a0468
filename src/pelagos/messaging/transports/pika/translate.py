"""Between pika's words and ours: parameters, properties and errors."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any, Final

import pika
from pika import exceptions as pika_errors

from pelagos.messaging.errors import (
    BrokerUnreachableError,
    ConnectionLostError,
    MessagingError,
    TopologyError,
)
from pelagos.messaging.transports import refusal as refusals
from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.base import Properties
from pelagos.messaging.transports.encryption import explain, make_context
from pelagos.messaging.transports.pika.tolerant import DAMAGE

_SAID: Final = re.compile(r"ConnectionClosedByBroker: \((\d+)\) '([^']*)")

_PERSISTENT: Final = 2

#: What pika raises at values that it cannot write.
UNWRITABLE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    RecursionError,
    TypeError,
    ValueError,
    pika_errors.ShortStringTooLong,
    pika_errors.UnsupportedAMQPFieldException,
    struct.error,
)


def make_parameters(
    address: BrokerAddress, place: tuple[str, int], timeout: float
) -> pika.ConnectionParameters:
    """What pika needs to connect to one of the address' hosts.

    Raises:
        BusUrlError: a file of the encryption cannot be used.
    """
    return pika.ConnectionParameters(
        host=place[0],
        port=place[1],
        ssl_options=_ssl_options(address, place[0]),
        virtual_host=address.vhost,
        credentials=pika.PlainCredentials(address.user, address.password, erase_on_connect=True),
        heartbeat=address.heartbeat,
        connection_attempts=1,
        socket_timeout=timeout,
        stack_timeout=timeout,
        client_properties={"connection_name": "pelagos"},
    )


def _ssl_options(address: BrokerAddress, host: str) -> pika.SSLOptions | None:
    if address.tls is None:
        return None
    return pika.SSLOptions(make_context(address.tls), host)


def check_table(arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    """See that arguments can be written, before the connection's thread tries."""
    try:
        table = dict(arguments)
        pika.data.encode_table([], table)
    except UNWRITABLE as error:
        raise TopologyError(
            f"the arguments of {name!r} cannot be written: {error!r}", code=406, name=name
        ) from error
    return table


def pack_properties(properties: Properties) -> pika.BasicProperties:
    """Ours as pika's; what is empty is left out."""
    expiration = properties.expiration
    return pika.BasicProperties(
        message_id=properties.message_id,
        content_type=properties.content_type or None,
        delivery_mode=_PERSISTENT if properties.persistent else 1,
        headers=dict(properties.headers) or None,
        reply_to=properties.reply_to,
        correlation_id=properties.correlation_id,
        expiration=None if expiration is None else _milliseconds(expiration),
        timestamp=properties.timestamp,
        content_encoding=properties.content_encoding,
        priority=properties.priority,
        type=properties.type,
        user_id=properties.user_id,
        app_id=properties.app_id,
    )


def _milliseconds(expiration: float) -> str:
    if expiration < 0:
        raise ValueError(f"an expiration of {expiration} seconds is in the past")
    return str(round(expiration * 1000))


def unpack_properties(properties: Any) -> Properties:
    """Pika's as ours; a stranger may have sent anything."""
    expiration = str(properties.expiration or "")
    return Properties(
        message_id=as_text(properties.message_id or ""),
        content_type=as_text(properties.content_type or ""),
        persistent=properties.delivery_mode == _PERSISTENT,
        headers=properties.headers or {},
        reply_to=_as_text_or_none(properties.reply_to),
        correlation_id=_as_text_or_none(properties.correlation_id),
        expiration=int(expiration) / 1000 if _is_number(expiration) else None,
        timestamp=properties.timestamp,
        content_encoding=_as_text_or_none(properties.content_encoding),
        priority=properties.priority,
        type=_as_text_or_none(properties.type),
        user_id=_as_text_or_none(properties.user_id),
        app_id=_as_text_or_none(properties.app_id),
    )


def as_text(value: str | bytes) -> str:
    """Text from the wire; pika leaves bytes that are not UTF-8 as they are."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _as_text_or_none(value: str | bytes | None) -> str | None:
    return None if value is None else as_text(value)


def damage_of(properties: Any) -> str | None:
    """Why the properties could not be read, or None."""
    error = (properties.headers or {}).get(DAMAGE)
    return None if error is None else f"its properties cannot be read ({error})"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _innermost(error: BaseException) -> BaseException:
    """What lies below the layers of pika's connection workflow."""
    while True:
        below = [
            *error.args,
            *(getattr(error, "exceptions", None) or ()),
            getattr(error, "exception", None),
        ]
        inner = [entry for entry in below if isinstance(entry, BaseException)]
        if not inner:
            return error
        error = inner[-1]


def _text(error: BaseException) -> str:
    text = getattr(error, "reply_text", None) or getattr(error, "strerror", None) or str(error)
    said = _SAID.search(text)
    return said[2] if said else text or type(error).__name__


def open_error(error: BaseException, address: BrokerAddress) -> MessagingError:
    """Why no connection could be opened."""
    cause = _innermost(error)
    # Only what the broker said counts: pika also calls a cut during the handshake a refusal.
    said = _SAID.search(str(cause))
    if isinstance(cause, pika_errors.AuthenticationError) or (
        said and refusals.is_login_refusal(int(said[1]), said[2])
    ):
        return refusals.login_refusal(_text(cause), address.url)
    what = f"no connection to the broker at {address.url}"
    trouble = explain(cause)
    if trouble is not None:
        return BrokerUnreachableError(f"{what}: {trouble[0]}", hint=trouble[1])
    return BrokerUnreachableError(
        f"{what}: {_text(cause)}", hint="see whether it runs and listens there"
    )


def lost_error(reason: BaseException, address: BrokerAddress) -> ConnectionLostError:
    """Why an open connection ended."""
    return ConnectionLostError(f"the connection to {address.url} ended: {_text(reason)}")


def refusal(reason: BaseException, address: BrokerAddress, name: str) -> MessagingError:
    """A request's failure: refused by the broker, or lost with the connection."""
    code = getattr(reason, "reply_code", 0)
    return refusals.refusal(code, _text(reason), address.url, name)
