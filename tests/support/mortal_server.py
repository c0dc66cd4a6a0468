"""A server of calls with a memory in SQLite that dies (SIGKILL) at one of its steps.

    python mortal_server.py URL DATABASE QUEUE LAST

It answers the call `charge` and has an effect in the transaction of its inbox. A step is each
statement and each commit before and after, each answer and each acknowledgement; the LAST one is
its last. With 0 it lives until it is ended.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import sqlalchemy as sa

from pelagos.core.backoff import Backoff
from pelagos.messaging import Exchange, MessageProcessor, RpcHandler, connect
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.sql import SqlInbox
from pelagos.messaging.transports.base import Queue


class Default(Exchange):
    name = ""


class Server(MessageProcessor):
    @RpcHandler("command", "charge")
    def rpc_charge(self, content: Any) -> str:
        self.current.transaction.execute(
            sa.text("INSERT INTO effects VALUES (:what)"), {"what": content["parameters"]}
        )
        return f"charged {content['parameters']} in {os.getpid()}"


class Steps:
    """Counts, and ends the process."""

    def __init__(self, last: int) -> None:
        self._left = last

    def step(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        act = getattr(owner, name)

        def counted(*args: Any, **kwds: Any) -> Any:
            self.step()
            result = act(*args, **kwds)
            self.step()
            return result

        setattr(owner, name, counted)


def queue(name: str) -> Queue:
    """Where calls are read."""
    return Queue(name)


def main(url: str, database: str, name: str, last: int) -> None:
    engine, steps = sa.create_engine(f"sqlite:///{database}"), Steps(last)
    for event in ("before_cursor_execute", "after_cursor_execute", "commit", "checkin"):
        sa.event.listen(engine, event, steps.step)
    for action in ("reply_raw", "ack"):
        steps.around(ReceivedMessage, action)
    server = Server(
        {"name": "server"},
        [(Default, [(queue(name), name)])],
        bus=connect(url),
        inbox=SqlInbox(engine),
        backoff=Backoff(0.05),
    )
    server.start_consuming()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
