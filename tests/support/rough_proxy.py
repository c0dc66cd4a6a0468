"""A TCP proxy for AMQP that cuts: at a random byte, or at a frame of one's choice."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal, Protocol, Self
from urllib.parse import urlsplit

Direction = Literal["up", "down"]  # to the broker, from the broker
Ending = Literal["end", "reset", "silence"]

_RESET = struct.pack("ii", 1, 0)
_GREETING = 8  # bytes of the protocol header, which is no frame
_FRAME_HEAD = 7


class Judge(Protocol):
    """Decides over the bytes of one direction of one connection."""

    def __call__(self, data: bytes) -> tuple[bytes, Ending | None]:
        """What passes, and how the connection ends after that, or None."""


class Proxy:
    """Forwards to a port of this machine what its judges let pass; use it as a context.

    Args:
        judge: makes the judge of a direction of a new connection.
    """

    def __init__(self, port: int, judge: Callable[[Direction], Judge]) -> None:
        self._target = port
        self._judge = judge
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.endings: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._open:
                _shut(one)
        for thread in self._threads:
            thread.join(5)

    def _begin(self, what: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=what, args=arguments, daemon=True)
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            over = threading.Semaphore(0)
            self._begin(self._pump, client, server, self._judge("up"), over)
            self._begin(self._pump, server, client, self._judge("down"), over)
            self._begin(self._close, client, server, over)

    def _pump(
        self, source: socket.socket, sink: socket.socket, judge: Judge, over: threading.Semaphore
    ) -> None:
        how = socket.SHUT_RDWR
        with contextlib.suppress(OSError):
            if self._flow(source, sink, judge) == "reset":
                how = socket.SHUT_RD  # closing it resets the connection
                for end in (source, sink):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        for end in (source, sink):
            _shut(end, how)
        over.release()

    def _flow(self, source: socket.socket, sink: socket.socket, judge: Judge) -> Ending:
        """Pass on what the judge lets pass; how it ended."""
        while data := source.recv(65536):
            passes, ending = judge(data)
            if passes:
                sink.sendall(passes)
            if ending is not None:
                self.endings[ending] += 1
                while ending == "silence" and source.recv(65536):
                    pass
                return ending
        return "end"

    def _close(
        self, client: socket.socket, server: socket.socket, over: threading.Semaphore
    ) -> None:
        over.acquire()
        over.acquire()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()


def _shut(end: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(how)


class Roughness:
    """Judges that delay at random, and end each direction after a random number of bytes.

    Attributes:
        is_smooth: everything passes.
        bytes_until: the most that a connection lives.
        endings: how it ends; one of them each time.
    """

    def __init__(self, seed: int, *, bytes_until: int, endings: tuple[Ending, ...]) -> None:
        self._random = random.Random(seed)
        self.is_smooth = False
        self.bytes_until = bytes_until
        self.endings = endings

    def __call__(self, _direction: Direction) -> Judge:
        left = self._random.randrange(1, self.bytes_until)

        def judge(data: bytes) -> tuple[bytes, Ending | None]:
            nonlocal left
            if self.is_smooth:
                return data, None
            if self._random.random() < 0.05:
                time.sleep(self._random.random() * 0.1)
            left -= len(data)
            if left > 0:
                return data, None
            return data[:left] if left else data, self._random.choice(self.endings)

        return judge


class FrameCut:
    """Judges that cut once: at the frame of this number, counted over all connections.

    Attributes:
        seen: frames that have begun so far in the direction that counts.
    """

    def __init__(self, direction: Direction, at: int, *, part: bool) -> None:
        self._direction = direction
        self._at = at
        self._part = part  # half of the frame passes, else none of it
        self._lock = threading.Lock()
        self.seen = 0

    def __call__(self, direction: Direction) -> Judge:
        if direction != self._direction:
            return lambda data: (data, None)
        held = b""
        greeting = _GREETING if direction == "up" else 0

        def judge(data: bytes) -> tuple[bytes, Ending | None]:
            nonlocal held, greeting
            held += data
            passed = held[:greeting]
            held, greeting = held[greeting:], greeting - len(passed)
            while len(held) >= _FRAME_HEAD:
                size = _FRAME_HEAD + int.from_bytes(held[3:7]) + 1
                if len(held) < size:
                    break
                with self._lock:
                    self.seen += 1
                    cuts = self.seen == self._at
                if cuts:
                    return passed + (held[: size // 2] if self._part else b""), "reset"
                passed += held[:size]
                held = held[size:]
            return passed, None

        return judge


def each_frame(
    url: str, direction: Direction, play: Callable[[str], None], *, at_least: int = 8
) -> Iterator[str]:
    """Play again and again, cut at another frame each time, until none of the play is left.

    Every second time half of the frame passes, else none of it. Yields, after each play that was
    cut, where that was.

    Args:
        url: of a broker on this machine.
        play: gets the URL of the proxy.
        at_least: so many frames a play has.
    """
    port = urlsplit(url).port or 0
    for at in itertools.count(1):
        cut = FrameCut(direction, at, part=at % 2 == 0)
        with Proxy(port, cut) as proxy:
            play(url.replace(f":{port}/", f":{proxy.port}/"))
            if not proxy.endings:
                assert at > at_least
                return
        yield f"cut at frame {at} {direction}"
