"""A client of AMQP 0-9-1 that is not polite: it sends what it is told, and shows what comes back.

It reads and writes with pamqp, a codec that we did not write.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from pamqp import body, commands, frame, header, heartbeat

HEADER = b"AMQP\x00\x00\x09\x01"
CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "publisher_confirms": True,
}


def raw_frame(kind: int, channel: int, payload: bytes, end: bytes = b"\xce") -> bytes:
    """One frame of these parts, sound or not."""
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


class RawLink:
    """One socket to a broker.

    Args:
        url: the broker's; user, password and virtual host are used by `open`.
        timeout: seconds to wait for each answer.
    """

    def __init__(self, url: str, timeout: float = 20.0) -> None:
        parts = urlsplit(url)
        self.user = unquote(parts.username or "guest")
        self.password = unquote(parts.password or "guest")
        self.vhost = unquote(parts.path[1:]) or "/"
        self._socket = socket.create_connection(
            (parts.hostname or "127.0.0.1", parts.port or 5672), timeout
        )
        self._buffer = b""
        self.closed = False
        self.frame_max = 131072

    def settimeout(self, seconds: float) -> None:
        """How long to wait for each answer from now on."""
        self._socket.settimeout(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up without a word."""
        self._socket.close()

    def open(
        self,
        *,
        heartbeat_seconds: int = 0,
        frame_max: int = 131072,
        channel_max: int = 2047,
        vhost: str | None = None,
        capabilities: dict[str, Any] | None = None,
    ) -> Self:
        """Shake hands; on return the connection is open."""
        start = self.start()
        assert isinstance(start, commands.Connection.Start)
        self.send(self.start_ok(capabilities=capabilities))
        tune = self.read()
        assert isinstance(tune, commands.Connection.Tune), tune
        self.frame_max = frame_max
        self.send(commands.Connection.TuneOk(channel_max, frame_max, heartbeat_seconds))
        self.send(commands.Connection.Open(self.vhost if vhost is None else vhost))
        assert isinstance(answer := self.read(), commands.Connection.OpenOk), answer
        return self

    def start(self) -> Any:
        """Send the header; the broker's first word."""
        self.write(HEADER)
        return self.read()

    def start_ok(
        self,
        mechanism: str = "PLAIN",
        response: str | None = None,
        capabilities: dict[str, Any] | None = None,
    ) -> commands.Connection.StartOk:
        """How this client introduces itself."""
        known = CAPABILITIES if capabilities is None else capabilities
        return commands.Connection.StartOk(
            client_properties={"product": "raw", "capabilities": dict(known)},
            mechanism=mechanism,
            response=f"\0{self.user}\0{self.password}" if response is None else response,
            locale="en_US",
        )

    def channel(self, number: int = 1) -> Self:
        """Open a channel."""
        answer = self.call(commands.Channel.Open(), number)
        assert isinstance(answer, commands.Channel.OpenOk), answer
        return self

    def write(self, data: bytes) -> None:
        """Send bytes as they are; a broker that has hung up is no error."""
        try:
            self._socket.sendall(data)
        except OSError:
            self.closed = True

    def send(self, value: Any, channel: int = 0) -> None:
        """Send one method, header or body."""
        self.write(frame.marshal(value, channel))

    def publish(
        self,
        content: bytes,
        key: str,
        *,
        exchange: str = "",
        channel: int = 1,
        properties: commands.Basic.Properties | None = None,
        **options: Any,
    ) -> None:
        """Send a message in as many frames as it needs."""
        self.send(commands.Basic.Publish(exchange=exchange, routing_key=key, **options), channel)
        self.send(
            header.ContentHeader(0, len(content), properties or commands.Basic.Properties()),
            channel,
        )
        size = self.frame_max - 8
        for start in range(0, len(content), size):
            self.send(body.ContentBody(content[start : start + size]), channel)

    def call(self, value: Any, channel: int = 1) -> Any:
        """Send a method and read the next frame."""
        self.send(value, channel)
        return self.read()

    def read(self) -> Any:
        """The next frame that is no heartbeat, decoded; None once the broker has hung up."""
        while True:
            found = self.read_any()
            if not isinstance(found, heartbeat.Heartbeat):
                return found

    def read_any(self) -> Any:
        """The next frame, decoded; None once the broker has hung up; bytes for its header."""
        if self._fill(8) and self._buffer[:4] == b"AMQP":
            found, self._buffer = self._buffer[:8], self._buffer[8:]
            return found
        if self.closed and len(self._buffer) < 8:
            return None
        (length,) = struct.unpack(">I", self._buffer[3:7])
        if not self._fill(length + 8):
            return None
        count, self.last_channel, value = frame.unmarshal(self._buffer)
        self._buffer = self._buffer[count:]
        return value

    def read_message(self) -> tuple[Any, Any, bytes]:
        """The next delivery: method, properties, body."""
        method = self.read()
        head = self.read()
        assert isinstance(head, header.ContentHeader), (method, head)
        content = b""
        while len(content) < head.body_size:
            part = self.read()
            assert isinstance(part, body.ContentBody), part
            content += part.value
        return method, head.properties, content

    def closing(self) -> tuple[str, int] | None:
        """How the broker ends the channel or the connection: ("channel", code); None: no word."""
        while (found := self.read()) is not None:
            if isinstance(found, commands.Channel.Close):
                return "channel", found.reply_code
            if isinstance(found, commands.Connection.Close):
                return "connection", found.reply_code
        return None

    def _fill(self, size: int) -> bool:
        while len(self._buffer) < size and not self.closed:
            try:
                data = self._socket.recv(65536)
            except ConnectionError:
                data = b""
            self._buffer += data
            self.closed = not data
        return len(self._buffer) >= size
