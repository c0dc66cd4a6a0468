"""A peer that speaks AMQP and does what a test tells it, down to single bytes."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Self

from pelagos.messaging import codec
from pelagos.messaging.codec import Method, methods

WAIT = 60.0

CAPABILITIES = {"publisher_confirms": True, "basic.nack": True, "consumer_cancel_notify": True}
START = codec.encode_method(
    0, methods.ConnectionStart(server_properties={"capabilities": CAPABILITIES})
)
TUNE = codec.encode_method(0, methods.ConnectionTune(2047, 131_072, 10))
OPEN_OK = codec.encode_method(0, methods.ConnectionOpenOk())


class Peer:
    """The broker's end of one connection."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.decoder = codec.Decoder()
        self.heard: queue.SimpleQueue[codec.Frame | None] = queue.SimpleQueue()
        self.held = threading.Event()  # set: it does not read
        self.released = threading.Event()
        self.silent = False  # it answers nothing
        self._lock = threading.Lock()
        self._published = 0
        self._backlog: list[codec.Frame] = []

    def greet(self) -> None:
        """The broker's half of the handshake."""
        assert self.link.recv(8) == codec.PROTOCOL_HEADER
        for words, answer in (
            (START, methods.ConnectionStartOk),
            (TUNE, methods.ConnectionTuneOk),
            (b"", methods.ConnectionOpen),
        ):
            self.send(words)
            self._await(answer)
        self.send(OPEN_OK)

    def _await(self, kind: type[Method]) -> None:
        while True:
            while self._backlog:
                if isinstance(self._backlog.pop(0)[1], kind):
                    return
            data = self.link.recv(4096)
            assert data
            self._backlog += self.decoder.feed(data)

    def send(self, data: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            self.link.sendall(data)

    def say(self, channel: int, method: Method) -> None:
        self.send(codec.encode_method(channel, method))

    def serve(self) -> None:
        """Answer everything in the usual way until the end."""
        with contextlib.suppress(OSError, codec.CodecError):
            while True:
                if self.held.is_set():
                    self.released.wait(WAIT)
                data = self.link.recv(65_536)
                if not data:
                    break
                for frame in self.decoder.feed(data):
                    self.heard.put(frame)
                    if not self.silent:
                        self._answer(frame[0], frame[1])
        self.heard.put(None)

    def _answer(self, channel: int, method: Any) -> None:
        answers: dict[type[Method], Callable[[], Method]] = {
            methods.ChannelOpen: methods.ChannelOpenOk,
            methods.ChannelClose: methods.ChannelCloseOk,
            methods.ConfirmSelect: methods.ConfirmSelectOk,
            methods.QueueDeclare: lambda: methods.QueueDeclareOk(method.queue or "amq.gen-1"),
            methods.BasicQos: methods.BasicQosOk,
            methods.BasicConsume: lambda: methods.BasicConsumeOk(method.consumer_tag),
            methods.BasicCancel: lambda: methods.BasicCancelOk(method.consumer_tag),
            methods.ConnectionClose: methods.ConnectionCloseOk,
        }
        if isinstance(method, methods.BasicPublish):
            self._published += 1
            self.say(channel, methods.BasicAck(self._published))
        elif type(method) in answers:
            self.say(channel, answers[type(method)]())

    def take(self, kind: type[Method]) -> Any:
        """The next method of a kind; others are passed over."""
        while True:
            frame = self.heard.get(timeout=WAIT)
            assert frame is not None, f"it ended before a {kind.__name__}"
            if isinstance(frame[1], kind):
                return frame[1]

    def deliver(self, channel: int, tag: str, first: int, count: int, body: bytes = b"x") -> bytes:
        return b"".join(
            codec.encode_content(
                channel,
                methods.BasicDeliver(tag, number, False, "", "q"),
                codec.decode_properties(bytes(14))[0],
                body,
            )
            for number in range(first, first + count)
        )

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_RDWR)
        self.released.set()


class FakeBroker:
    """Listens on loopback; each connection gets a Peer, which `script` drives."""

    def __init__(
        self,
        script: Callable[[Peer], None] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._script = script or self._usual
        self._context = context
        self.port: int = self._listener.getsockname()[1]
        self.peers: queue.SimpleQueue[Peer] = queue.SimpleQueue()
        self._all: list[Peer] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, options: str = "") -> str:
        scheme = "amqp" if self._context is None else "amqps"
        return f"{scheme}://127.0.0.1:{self.port}/{options}"

    @staticmethod
    def _usual(peer: Peer) -> None:
        peer.greet()
        peer.serve()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                thread = threading.Thread(target=self._talk, args=(link,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _talk(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError, AssertionError):
            if self._context is not None:
                link = self._context.wrap_socket(link, server_side=True)
            peer = Peer(link)
            self._all.append(peer)
            self.peers.put(peer)
            self._script(peer)
        link.close()

    def peer(self) -> Peer:
        return self.peers.get(timeout=WAIT)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._all:
            peer.cut()
        for thread in self._threads:
            thread.join(WAIT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
