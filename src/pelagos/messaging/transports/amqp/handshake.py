"""How a connection begins: from a host's address to a broker that has let us in."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pelagos.messaging import codec
from pelagos.messaging.codec import CodecError, Decoder, Method, methods
from pelagos.messaging.errors import BrokerUnreachableError, MessagingError
from pelagos.messaging.transports.address import BrokerAddress
from pelagos.messaging.transports.amqp.stream import Stream, dial
from pelagos.messaging.transports.encryption import (
    PlainlyWrongError,
    explain,
    make_context,
    speaks_tls,
)
from pelagos.messaging.transports.refusal import is_login_refusal, login_refusal

_M = TypeVar("_M", bound=Method)

_CHANNEL_MAX: Final = 65_535
_UNASKED: Final = (methods.ConnectionBlocked, methods.ConnectionUnblocked)
_CLIENT: Final[dict[str, Any]] = {
    "product": "Pelagos",
    "connection_name": "pelagos",
    "capabilities": {
        "authentication_failure_close": True,
        "basic.nack": True,
        "connection.blocked": True,
        "consumer_cancel_notify": True,
        "exchange_exchange_bindings": True,
        "publisher_confirms": True,
    },
}


@dataclass(slots=True)
class Link:
    """A connection that is open, and what both sides agreed upon.

    Attributes:
        decoder: has read what came so far.
        channel_max: the highest number of a channel.
        heartbeat: seconds.
        server: what the broker says of itself.
        early: what the broker said right behind that.
    """

    stream: Stream
    decoder: Decoder
    channel_max: int
    frame_max: int
    heartbeat: int
    server: Mapping[str, Any] = field(default_factory=dict)
    early: tuple[Method, ...] = ()


def shake_hands(address: BrokerAddress, timeout: float) -> Link:
    """Connect to the first host that answers, and log in.

    Raises:
        BrokerUnreachableError: no host answers in time.
        LoginError: a host answers and refuses the credentials or the virtual host.
        BusUrlError: the certificates cannot be used.
    """
    context = None if address.tls is None else make_context(address.tls)
    deadline = time.monotonic() + timeout
    problems: list[str] = []
    hint = "see whether it runs and listens there"
    places = address.hosts
    for number, (host, port) in enumerate(places):
        limit = time.monotonic() + max(deadline - time.monotonic(), 0.0) / (len(places) - number)
        try:
            return _open(address, host, port, context, limit)
        except (OSError, CodecError) as error:
            said, cure = explain(error) or (_said(error), hint)
            problems.append(f"{host}: {said}" if address.others else said)
            hint = cure
    raise BrokerUnreachableError(
        f"no connection to the broker at {address.url}: {'; '.join(problems)}",
        hint=hint,
    )


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return str(getattr(error, "strerror", None) or error)


def _open(
    address: BrokerAddress, host: str, port: int, context: ssl.SSLContext | None, limit: float
) -> Link:
    stream = dial(host, port, context, max(limit - time.monotonic(), 0.001))
    try:
        link = _Greeting(address, stream, limit).exchange()
        stream.release()
    except BaseException:
        stream.close()
        raise
    return link


class _Greeting:
    """One handshake."""

    def __init__(self, address: BrokerAddress, stream: Stream, limit: float) -> None:
        self._address = address
        self._stream = stream
        self._limit = limit
        self._decoder = Decoder(codec.FRAME_MAX)
        self._read: deque[Method] = deque()
        self._heard = False

    def exchange(self) -> Link:
        address = self._address
        self._patience()
        self._stream.write_all(codec.PROTOCOL_HEADER)
        start = self._take(methods.ConnectionStart)
        can = start.server_properties.get("capabilities")
        if not (isinstance(can, dict) and can.get("publisher_confirms")):
            raise CodecError("it does not confirm messages, and what is not confirmed may be lost")
        if b"PLAIN" not in start.mechanisms.split():
            offered = start.mechanisms[:60].decode("ascii", "replace")
            raise login_refusal(f"it offers {offered!r} and not PLAIN", address.url)
        secret = f"\0{address.user}\0{address.password}".encode()
        self._send(methods.ConnectionStartOk(_CLIENT, "PLAIN", secret))
        tune = self._take(methods.ConnectionTune)
        link = Link(
            self._stream,
            self._decoder,
            channel_max=tune.channel_max or _CHANNEL_MAX,
            frame_max=min(tune.frame_max or codec.FRAME_MAX, codec.FRAME_MAX),
            heartbeat=min(tune.heartbeat or address.heartbeat, address.heartbeat),
            server=start.server_properties,
        )
        if link.frame_max < codec.FRAME_MIN:
            raise CodecError(f"it wants frames of at most {link.frame_max} bytes")
        agreed = methods.ConnectionTuneOk(link.channel_max, link.frame_max, link.heartbeat)
        self._send(agreed)
        self._send(methods.ConnectionOpen(address.vhost))
        self._take(methods.ConnectionOpenOk)
        link.early = tuple(self._read)
        for method in link.early:
            if isinstance(method, methods.ConnectionClose):
                raise self._refused(method)
            if not isinstance(method, _UNASKED):
                raise CodecError("it speaks before it is asked")
        return link

    def _send(self, method: Method) -> None:
        self._patience()
        with contextlib.suppress(ConnectionError):  # what it said before it hung up is read next
            self._stream.write_all(codec.encode_method(0, method))

    def _patience(self) -> None:
        remaining = self._limit - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._stream.wait_for(remaining)

    def _take(self, kind: type[_M]) -> _M:
        """The next method of channel 0, which must be of this kind."""
        while not self._read:
            self._patience()
            data = self._hear()
            if not data:
                raise OSError("it ended the connection during the handshake")
            if self._address.tls is None and speaks_tls(data):
                raise PlainlyWrongError(tls=True)
            frames = self._decoder.feed(data)
            self._read += [m for _, m, _ in frames if not isinstance(m, codec.Heartbeat)]
        method = self._read.popleft()
        if isinstance(method, methods.ConnectionClose):
            raise self._refused(method)
        if not isinstance(method, kind):
            raise CodecError(f"{type(method).__name__} instead of {kind.__name__}")
        return method

    def _hear(self) -> bytes | None:
        try:
            data = self._stream.read()
        except ConnectionResetError:
            data = b""
        if not data and not self._heard and self._address.tls is None:
            raise PlainlyWrongError(tls=False)
        self._heard = True
        return data

    def _refused(self, close: methods.ConnectionClose) -> MessagingError | OSError:
        self._send(methods.ConnectionCloseOk())
        if is_login_refusal(close.reply_code, close.reply_text):
            return login_refusal(close.reply_text, self._address.url)
        return OSError(f"{close.reply_code} {close.reply_text}")
