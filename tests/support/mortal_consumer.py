"""A program whose workers are killed at every step: consume, effect, outbox, commit, relay, ack.

    python mortal_consumer.py URL DATABASE NAME KILLS FIRST STEP

It forks one small worker after another. A worker takes commands from the queue NAME, has an effect
in SQL and puts a message into its outbox in the same transaction, acknowledges, and relays to the
queue NAME.done; a step before or after any of this is its last one (SIGKILL). After KILLS of them
one more is left alone until all commands are done. Prints how many died, as one JSON line.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback

import sqlalchemy as sa

from pelagos.core.backoff import Backoff
from pelagos.messaging import Exchange, MessageStatus, connect
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.sql import Outbox, OutboxRelay, SqlInbox, create_tables
from pelagos.messaging.transports.base import Delivery, Done, Envelope, Properties, Queue

COMMANDS = 400
#: Points of a worker that are tried before they begin anew; some six messages go by.
POINTS = 90
PATIENCE = 60.0


class Default(Exchange):
    name = ""


class Steps:
    """Counts what a worker does, and ends it at one of its steps."""

    def __init__(self, last: int | None) -> None:
        self._last = last
        self._count = 0
        self._lock = threading.Lock()

    def step(self, *_: object) -> None:
        with self._lock:
            self._count += 1
            if self._count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


class Watched:
    """The bus with a step before and after each publish and at its confirmation."""

    def __init__(self, bus, steps: Steps) -> None:
        self._bus, self._steps, self.url = bus, steps, bus.url

    def open(self, timeout: float = 10.0):
        connection, steps = self._bus.open(timeout), self._steps
        publish = connection.publish

        class Connection:
            def __getattr__(self, name: str):
                return getattr(connection, name)

            def publish(self, envelope: Envelope, done: Done) -> None:
                def confirmed(problem: MessagingError | None) -> None:
                    steps.step()
                    done(problem)

                steps.step()
                publish(envelope, confirmed)
                steps.step()

        return Connection()


def open_database(path: str, steps: Steps) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}")

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection, _record) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")  # a killed process is no power cut

    for name in ("before_cursor_execute", "after_cursor_execute", "commit", "checkin"):
        sa.event.listen(engine, name, steps.step)
    return engine


def worker(url: str, path: str, name: str, last: int | None) -> None:
    steps = Steps(last)
    engine = open_database(path, steps)
    inbox, outbox = SqlInbox(engine), Outbox({"name": name})
    relay = OutboxRelay(engine, Watched(connect(url), steps), poll=0.01, backoff=Backoff(0.05))
    relay.start()
    connection = connect(url).open()
    arrived: queue.SimpleQueue[Delivery | MessagingError] = queue.SimpleQueue()
    connection.consume(name, arrived.put, arrived.put, prefetch=5)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            delivery = arrived.get(timeout=0.1)
        except queue.Empty:
            if last is None and connection.declare_queue(Queue(name, passive=True)).messages == 0:
                break
            continue
        assert isinstance(delivery, Delivery), delivery
        steps.step()
        key = delivery.properties.message_id
        with inbox.receive(key, name) as receipt:
            if receipt.first:
                effect = sa.text("INSERT INTO effects (what) VALUES (:what)")
                receipt.transaction.execute(effect, {"what": key})
                outbox.send(
                    receipt.transaction,
                    MessageStatus(key),
                    Default,
                    f"{name}.done",
                    message_id=f"done-{key}",
                )
        steps.step()
        connection.ack(delivery)
        steps.step()
    assert relay.flush(PATIENCE), relay.problem
    relay.stop()
    connection.close()


def fill(url: str, path: str, name: str) -> None:
    engine = open_database(path, Steps(None))
    create_tables(engine)
    with engine.begin() as transaction:
        transaction.execute(
            sa.text("CREATE TABLE effects (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT)")
        )
    connection = connect(url).open()
    for queue_name in (name, f"{name}.done"):
        connection.declare_queue(Queue(queue_name))
    left = threading.Semaphore(0)
    for number in range(COMMANDS):
        envelope = Envelope("", name, b"{}", Properties(message_id=f"c{number}"))
        connection.publish(envelope, lambda problem: problem or left.release())
    for _ in range(COMMANDS):
        assert left.acquire(timeout=PATIENCE)
    connection.close()


def in_child(work, *arguments) -> int:
    """Run it in a forked process; the signal that ended it, or 0."""
    pid = os.fork()
    if pid:
        return os.WTERMSIG(os.waitpid(pid, 0)[1])
    code = 1
    try:
        work(*arguments)
        code = 0
    except BaseException:  # noqa: BLE001 - a forked child must not return
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(url: str, path: str, name: str, kills: str, first: str, step: str) -> None:
    in_child(fill, url, path, name)
    died, point = 0, int(first)
    while died < int(kills):
        number = in_child(worker, url, path, name, 1 + point % POINTS)
        if number != signal.SIGKILL:
            break  # all is done, or it failed: then what is left tells
        died += 1
        point += int(step)
    in_child(worker, url, path, name, None)
    sys.stdout.write(json.dumps({"died": died}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
