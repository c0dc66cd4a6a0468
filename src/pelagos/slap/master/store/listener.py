"""A connection that does nothing but hear what others notify."""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

log = logging.getLogger(__name__)

#: Seconds between two attempts to connect again: short, because meanwhile nothing is remembered.
_RECONNECT = 1.0


class Listener:
    """A thread that sleeps until the server says something; close it when done.

    Args:
        words: for the driver's connect.
        named: for the driver's connect.
        first: statements that begin the listening, on each new connection.
        heard: called with each payload, and with None when some may have been missed.
    """

    def __init__(
        self,
        words: Sequence[Any],
        named: Mapping[str, Any],
        first: Sequence[str],
        heard: Callable[[str | None], None],
    ) -> None:
        self._words = words
        self._named = named
        self._first = first
        self._heard = heard
        self._up = threading.Event()
        self._closing, self._closed = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="news of masters", daemon=True)
        self._thread.start()
        self._up.wait(_RECONNECT)  # as a rule it is up when the master is

    @property
    def is_up(self) -> bool:
        """Whether it hears."""
        return self._up.is_set()

    def close(self) -> None:
        """End the thread and its connection."""
        self._closing.close()
        self._thread.join()

    def _run(self) -> None:
        with self._closed:
            missed = False
            while not self._is_closing(0):
                try:
                    with psycopg.connect(*self._words, **self._named, autocommit=True) as line:
                        for statement in self._first:
                            line.execute(statement.encode())
                        self._up.set()
                        if missed:
                            log.info("news of other masters are heard again")
                            self._pass(None)
                        self._hear(line)
                        return
                except psycopg.Error as error:
                    if not missed:
                        log.warning(
                            "news of other masters are not heard: %s", " ".join(str(error).split())
                        )
                    missed = True
                    # At once when it was up: the server may only have ended this connection.
                    pause = 0.0 if self._up.is_set() else _RECONNECT
                    self._up.clear()
                    self._pass(None)
                if self._is_closing(pause):
                    return

    def _hear(self, line: psycopg.Connection[Any]) -> None:
        """Pass on what comes until it is time to close."""
        while True:
            if self._closed.fileno() in readable(line.fileno(), self._closed.fileno()):
                return
            for notice in line.notifies(timeout=0):
                self._pass(notice.payload)

    def _pass(self, payload: str | None) -> None:
        try:
            self._heard(payload)
        except Exception:  # the thread must live on, whatever a listener does
            log.warning("news of another master could not be used", exc_info=True)

    def _is_closing(self, seconds: float) -> bool:
        return bool(readable(self._closed.fileno(), seconds=seconds))


def readable(*files: int, seconds: float | None = None) -> list[int]:
    """Which of the file descriptors can be read or have ended; waits for one, at most so long."""
    waiting = select.poll()  # not select(): its descriptors end at 1,024
    for file in files:
        waiting.register(file, select.POLLIN)
    return [file for file, _ in waiting.poll(None if seconds is None else seconds * 1000)]
