"""How a connection begins: who the client is, and what both sides agree upon."""

from __future__ import annotations

import hmac
import logging
import struct
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from pelagos.messaging import codec
from pelagos.messaging.broker.core import Broker
from pelagos.messaging.broker.server.bounds import Bounds
from pelagos.messaging.broker.server.refusals import Refusal
from pelagos.messaging.codec import methods

log = logging.getLogger(__name__)

_CAPABILITIES: Final = (
    "authentication_failure_close",
    "basic.nack",
    "connection.blocked",
    "consumer_cancel_notify",
    "consumer_priorities",
    "direct_reply_to",
    "exchange_exchange_bindings",
    "per_consumer_qos",
    "publisher_confirms",
)


def start(version: str) -> methods.ConnectionStart:
    """How the broker introduces itself."""
    properties = {
        "product": "Pelagos",
        "version": version,
        "platform": "Python",
        "capabilities": dict.fromkeys(_CAPABILITIES, True),
    }
    return methods.ConnectionStart(0, 9, properties, b"PLAIN AMQPLAIN", b"en_US")


def log_in(asked: methods.ConnectionStartOk, users: Mapping[str, str]) -> str:
    """Who the client is.

    Raises:
        Refusal: it is nobody whom we know.
    """
    name, password = _credentials(asked)
    known = users.get(name)
    given, wanted = password.encode(), (known or "").encode()
    if known is None or not hmac.compare_digest(given, wanted):
        raise Refusal("Login was refused: unknown user or wrong password", code=403)
    return name


def _credentials(asked: methods.ConnectionStartOk) -> tuple[str, str]:
    response = asked.response
    if asked.mechanism == "PLAIN":
        parts = response.split(b"\0")
        if len(parts) == 3:  # noqa: PLR2004 - as whom, who, password
            return parts[1].decode(errors="replace"), parts[2].decode(errors="replace")
    elif asked.mechanism == "AMQPLAIN":
        table, _ = codec.decode_table(struct.pack(">I", len(response)) + response, 0)
        name, password = table.get("LOGIN"), table.get("PASSWORD")
        if isinstance(name, str) and isinstance(password, str):
            return name, password
    else:
        raise Refusal(f"unknown authentication mechanism {asked.mechanism!r}", code=403)
    raise Refusal("the answer to PLAIN or AMQPLAIN cannot be read", code=403)


def check_tuning(asked: methods.ConnectionTuneOk, bounds: Bounds) -> None:
    """See that the client stays within what was proposed.

    Raises:
        Refusal: it does not.
    """
    if not codec.FRAME_MIN <= asked.frame_max <= bounds.frame:
        raise Refusal(
            f"negotiated frame_max = {asked.frame_max}; possible are {codec.FRAME_MIN} to "
            f"{bounds.frame}",
            code=530,
        )
    if not 0 < asked.channel_max <= bounds.channels:
        raise Refusal(
            f"negotiated channel_max = {asked.channel_max}; possible are 1 to {bounds.channels}",
            code=530,
        )


class Entry(Protocol):
    """Who may come in, and where to."""

    bounds: Bounds

    @property
    def users(self) -> Mapping[str, str]:
        """Passwords by name."""

    @property
    def brokers(self) -> Mapping[str, Broker]:
        """The virtual hosts by name."""


class Opening:
    """The handshake of one connection, and what came of it.

    Attributes:
        broker: that of the virtual host, once the connection is open.
        heartbeat: seconds; 0 is none.
    """

    def __init__(self, entry: Entry, tell: Callable[[codec.Method], None]) -> None:
        self.user = ""
        self.frame_max = codec.FRAME_MIN
        self.channel_max = 0
        self.heartbeat = 0
        self.broker: Broker | None = None
        self._entry = entry
        self._tell = tell
        self._client: methods.ConnectionStartOk | None = None
        self._step: Callable[[codec.Method], bool] = self._start_ok

    def can(self, capability: str) -> bool:
        """Whether the client says that it understands this."""
        if self._client is None:
            return False
        capabilities = self._client.client_properties.get("capabilities")
        return isinstance(capabilities, Mapping) and capabilities.get(capability) is True

    def take(self, asked: codec.Method) -> bool:
        """Go one step on; False: nothing can be said, the client is to be cut off.

        Raises:
            Refusal: the client is refused.
        """
        return self._step(asked)

    def _start_ok(self, asked: codec.Method) -> bool:
        if not isinstance(asked, methods.ConnectionStartOk):
            raise _out_of_turn(asked)
        self._client = asked
        try:
            self.user = log_in(asked, self._entry.users)
        except Refusal as error:
            log.warning("a client was refused: %s", error)
            if self.can("authentication_failure_close"):
                raise
            return False
        bounds = self._entry.bounds
        self._tell(methods.ConnectionTune(bounds.channels, bounds.frame, bounds.heartbeat))
        self._step = self._tune_ok
        return True

    def _tune_ok(self, asked: codec.Method) -> bool:
        if not isinstance(asked, methods.ConnectionTuneOk):
            raise _out_of_turn(asked)
        check_tuning(asked, self._entry.bounds)
        self.frame_max, self.channel_max = asked.frame_max, asked.channel_max
        self.heartbeat = asked.heartbeat
        self._step = self._open
        return True

    def _open(self, asked: codec.Method) -> bool:
        if not isinstance(asked, methods.ConnectionOpen):
            raise _out_of_turn(asked)
        self.broker = self._entry.brokers.get(asked.virtual_host)
        if self.broker is None:
            raise Refusal(f"vhost {asked.virtual_host!r} not found", code=530)
        self._tell(methods.ConnectionOpenOk())
        self._step = self._opened
        return True

    def _opened(self, asked: codec.Method) -> bool:
        if not isinstance(asked, methods.ConnectionUpdateSecret):
            raise _out_of_turn(asked)
        self._tell(methods.ConnectionUpdateSecretOk())
        return True


def _out_of_turn(method: codec.Method) -> Refusal:
    return Refusal(f"unexpected method {type(method).__name__} in this state", code=504)
