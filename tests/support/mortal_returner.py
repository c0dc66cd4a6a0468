"""A processor that dies (SIGKILL) while it brings back what waited.

    python mortal_returner.py URL QUEUE LAST

All that it gets fails until it is dead, in QUEUE.dead. The LAST step of its returner is its last
one: before or after it takes a message, gives it back, sends it on or acknowledges it. With 0 it
lives until it is ended.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from pelagos.core.backoff import Backoff
from pelagos.messaging import Exchange, MessageHandler, MessageProcessor, Retry, connect

STEPS = ("get", "reject", "publish", "ack")


class Default(Exchange):
    name = ""


class Failing(MessageProcessor):
    retry = Retry(attempts=4, first=0.05, factor=2)

    @MessageHandler("command", "go")
    def msg_go(self, _content: Any) -> None:
        raise OSError("disk full")


class Watched:
    """The bus; the steps of a returner are counted."""

    def __init__(self, bus: Any, last: int) -> None:
        self._bus, self._left, self.url = bus, last, bus.url

    def _step(self) -> None:
        if threading.current_thread().name == "returner":
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def open(self, timeout: float = 10.0) -> Any:
        connection, step = self._bus.open(timeout), self._step

        class Connection:
            def __getattr__(self, name: str) -> Any:
                act = getattr(connection, name)
                if name not in STEPS:
                    return act

                def watched(*args: Any, **kwds: Any) -> Any:
                    step()
                    result = act(*args, **kwds)
                    step()
                    return result

                return watched

        return Connection()


def main(url: str, queue: str, last: int) -> None:
    kind = type("Mortal", (Failing,), {"dead_letters": f"{queue}.dead"})
    bus: Any = Watched(connect(url), last)
    kind(
        {"name": "mortal"}, [(Default, [(queue, queue)])], bus=bus, backoff=Backoff(0.05)
    ).start_consuming()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
