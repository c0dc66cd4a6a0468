"""Users that ask over connections that they keep, each one question after another."""

from __future__ import annotations

import random
import socket
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import quote

from benchmarks.directory.contacts import TOKEN, USER

PATIENCE = 600.0


def lookup(term: str, profile: str = "bench") -> bytes:
    return _get(f"/0.1/directories/lookup/{profile}?term={quote(term)}")


def stream(term: str, profile: str) -> bytes:
    return _get(f"/0.1/directories/lookup/{profile}/stream?term={quote(term)}")


def reverse(extens: list[str]) -> bytes:
    """One number by GET, more by POST."""
    path = f"/0.1/directories/reverse/bench/{USER}"
    if len(extens) == 1:
        return _get(f"{path}?exten={extens[0]}")
    quoted = ",".join(f'"{exten}"' for exten in extens)
    body = f'{{"extens":[{quoted}]}}'.encode()
    head = _head("POST", path) + f"Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _get(target: str) -> bytes:
    return (_head("GET", target) + "\r\n").encode()


def _head(method: str, target: str) -> str:
    return f"{method} {target} HTTP/1.1\r\nHost: bench\r\nX-Auth-Token: {TOKEN}\r\n"


@dataclass
class Round:
    """What one round of questions took.

    Attributes:
        seconds: of each question.
        elapsed: seconds of the whole round.
        hits: results in all answers.
    """

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    hits: int = 0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.elapsed

    def ms(self, part: float) -> float:
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def play(
    port: int, questions: list[list[bytes]], think: tuple[float, float] | None = None
) -> Round:
    """Ask all: one user per list, all users at once, with some seconds of thought before each."""
    result, lock = Round(), threading.Lock()
    begin = threading.Barrier(len(questions) + 1)
    failed: list[BaseException] = []

    def user(own: list[bytes], seed: int) -> None:
        pause = random.Random(seed)
        seconds, hits = [], 0
        person = User(port)
        try:
            begin.wait()
            for question in own:
                if think is not None:
                    time.sleep(pause.uniform(*think))
                mark = time.perf_counter()
                body = person.ask(question)
                seconds.append(time.perf_counter() - mark)
                hits += body.count(b'"source"')
        except BaseException as error:
            failed.append(error)
            begin.abort()
            raise
        finally:
            person.close()
        with lock:
            result.seconds += seconds
            result.hits += hits

    threads = [
        threading.Thread(target=user, args=(own, number)) for number, own in enumerate(questions)
    ]
    for thread in threads:
        thread.start()
    begin.wait()
    mark = time.perf_counter()
    for thread in threads:
        thread.join()
    result.elapsed = time.perf_counter() - mark
    if failed:
        raise failed[0]
    return result


class User:
    """One user's connection, opened again when the server does not keep it, as clients do."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: socket.socket | None = None

    def ask(self, question: bytes) -> bytes:
        """The body of the answer."""
        if self._connection is not None:
            try:
                return self._ask(self._connection, question)
            except _ClosedError:
                self.close()
        self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
        return self._ask(self._connection, question)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, connection: socket.socket, question: bytes) -> bytes:
        try:
            connection.sendall(question)
            received = _more(connection)
        except (ConnectionError, RuntimeError) as error:
            raise _ClosedError from error
        while b"\r\n\r\n" not in received:
            received += _more(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the answer is no success: {received[:300]!r}")
        lines = head.lower().split(b"\r\n")
        length = int(next(line for line in lines if line.startswith(b"content-length:"))[15:])
        parts = [body]
        missing = length - len(body)
        while missing:
            parts.append(_more(connection))
            missing -= len(parts[-1])
        if b"connection: close" in lines:
            self.close()
        return b"".join(parts)


class _ClosedError(Exception):
    """The server closed the connection instead of answering."""


def first_hit(port: int, question: bytes) -> float:
    """Seconds until the first result of a stream has arrived; the rest is not waited for."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        mark = time.perf_counter()
        connection.sendall(question)
        received = b""
        while b'"column_values"' not in received:
            received += _more(connection)
        return time.perf_counter() - mark


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 18)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data
