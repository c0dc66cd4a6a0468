"""Programs that load a bus and write down what they were told and what they saw.

    python bus_load.py ROLE URL NAME FOLDER TAG

Roles: publish, consume, call, serve, nap. NAME begins the names of exchange and queues, FOLDER
holds one ledger for each role and the server's database, and TAG tells programs of one role apart
that come one after another. Each ends in order at SIGTERM, or when the program ends that started
it. A line of a ledger is TIME WORD VALUE…, with the time of CLOCK_MONOTONIC, which all processes
share; it is written before the message is acknowledged, in one call.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageProcessor,
    MessagingError,
    ReceivedMessage,
    RpcHandler,
    connect,
)
from pelagos.messaging.binding import make_queue
from pelagos.messaging.sql import SqlInbox, create_tables

BACKOFF = Backoff(first=0.1, limit=1.0)
#: Seconds that a message may wait for its confirmation; longer than any outage here.
PATIENCE = 90.0
#: Seconds that one attempt of a call waits, and attempts after the first; of two callers. The
#: hasty one asks again while its first question is in work.
CALLERS = ((4.0, 30), (0.05, 2000))
PAUSE = 0.005
WINDOW = 100
#: Seconds; twice that without a word is a lost connection.
HEARTBEAT = 2
NAP_HEARTBEATS = 10

_PR_SET_PDEATHSIG = 1

Write = Callable[..., None]


class Place:
    """The exchange and the queues of one load."""

    def __init__(self, name: str, kinds: tuple[str, ...] = ("classic", "quorum")) -> None:
        self.exchange = type("Town", (Exchange,), {"name": name})
        self.work = {kind: f"{name}.{kind}" for kind in kinds}
        self.calls = f"{name}.calls"

    @property
    def eqk(self) -> Any:
        flags = {
            kind: {"durable": True, "arguments": {"x-queue-type": kind}} for kind in self.work
        }
        pairs = [({"name": name, "flags": flags[kind]}, kind) for kind, name in self.work.items()]
        return [(self.exchange, pairs)]

    def declare(self, url: str) -> None:
        """So that nothing goes astray before the consumer is there."""
        link = connect(url).open()
        link.declare_exchange(self.exchange)
        for queue, key in self.eqk[0][1]:
            made = make_queue(queue)
            link.declare_queue(made)
            link.bind(self.exchange.name, made.name, key)
        link.declare_queue(made := make_queue(self.calls))
        link.bind(self.exchange.name, made.name, "calls")
        link.close()

    def delete(self, url: str) -> None:
        link = connect(url).open()
        for name in (*self.work.values(), self.calls):
            link.delete_queue(name)
        link.delete_exchange(self.exchange.name)
        link.close()


def ledger(path: Path) -> Write:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(word: str, *values: object) -> None:
        line = " ".join([f"{time.monotonic():.6f}", word, *map(str, values)])
        os.write(handle, (line.replace("\n", " ") + "\n").encode())

    return write


class Publishing:
    """Tells of each message whether it is safe."""

    def __init__(self, url: str, place: Place, write: Write, tag: str) -> None:
        self.producer = GenericProducer({"name": tag}, bus=connect(url), backoff=BACKOFF)
        self._place, self._write, self._tag = place, write, tag
        self._kinds = list(place.work)
        self._room = threading.Semaphore(WINDOW)

    def _send(self, what: str, number: int, **options: Any) -> Any:
        kind = self._kinds[number % len(self._kinds)]
        target = [(self._place.exchange, kind)]
        return self.producer.message_go(what, _eks=target, _timeout=PATIENCE, **options)

    def _told(self, what: str, error: BaseException | None) -> None:
        if error is None:
            self._write("ok", what)
        else:
            self._write("no", what, type(error).__name__, error)

    def one_by_one(self, number: int) -> None:
        what, problem = f"{self._tag}s{number}", None
        try:
            self._send(what, number)
        except MessagingError as error:
            problem = error
        self._told(what, problem)

    def in_flight(self, number: int) -> None:
        what = f"{self._tag}p{number}"
        if not self._room.acquire(timeout=0.2):
            return

        def done(future: Any) -> None:
            self._room.release()
            self._told(what, future.exception())

        try:
            future = self._send(what, number, _future=True)
        except MessagingError as error:
            self._room.release()
            self._told(what, error)
        else:
            future.add_done_callback(done)

    def close(self) -> None:
        for _ in range(WINDOW):  # all that is on its way
            self._room.acquire(timeout=PATIENCE)
        self.producer.close()


def publish(url: str, place: Place, write: Write, tag: str, stop: threading.Event) -> None:
    """One thread waits for each message; another one has many on their way."""
    publishing = Publishing(url, place, write, tag)
    in_threads([publishing.one_by_one, publishing.in_flight], stop)
    publishing.close()


def in_threads(works: list[Callable[[int], None]], stop: threading.Event) -> None:
    def run(work: Callable[[int], None]) -> None:
        number = 0
        while not stop.wait(PAUSE):
            work(number)
            number += 1

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def consume(url: str, place: Place, write: Write, _tag: str, stop: threading.Event) -> None:
    def got(message: ReceivedMessage) -> None:
        write("got", message.content["parameters"], message.message_id or "-")

    consumer = GenericConsumer(place.eqk, bus=connect(url), backoff=BACKOFF)
    consumer.start(got)
    stop.wait()
    consumer.stop(PATIENCE)


def call(url: str, place: Place, write: Write, tag: str, stop: threading.Event) -> None:
    """Each call is to have its effect once."""
    producer = GenericProducer({"name": tag}, bus=connect(url), backoff=BACKOFF)

    def ask(attempt: float, attempts: int, number: int) -> None:
        what = f"{tag}c{attempts}-{number}"
        try:
            answer = producer.rpc_add(
                what, _eks=[(place.exchange, "calls")], _timeout=attempt, _max_retry=attempts
            )
        except MessagingError as error:
            write("no", what, type(error).__name__, error)
            return
        content = answer.body["content"]
        if answer and content["value"] == what:
            write("ok", what)
        elif answer:
            write("wrong", what, content["value"])
        else:
            write("no", what, content["value"] or content["type"], content["message"])

    in_threads([functools.partial(ask, *patience) for patience in CALLERS], stop)
    producer.close()


def open_database(folder: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{folder / 'effects.db'}")

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")  # a killed process is no power cut

    create_tables(engine)
    with engine.begin() as transaction:
        transaction.execute(sa.text("CREATE TABLE IF NOT EXISTS effects (what TEXT)"))
    return engine


class Server(MessageProcessor):
    @RpcHandler("command", "add")
    def add(self, content: Any, reply: Callable[[object], None]) -> None:
        what = content["parameters"]
        effect = sa.text("INSERT INTO effects (what) VALUES (:what)")
        self.current.transaction.execute(effect, {"what": what})
        reply(what)


def serve(url: str, place: Place, write: Write, tag: str, stop: threading.Event) -> None:
    inbox = SqlInbox(open_database(Path(sys.argv[4])))
    eqk = [(place.exchange, [(place.calls, "calls")])]
    with Server({"name": tag}, eqk, bus=connect(url), inbox=inbox, backoff=BACKOFF) as server:
        server.start()
        while not stop.is_set():
            with contextlib.suppress(MessagingError):
                server.wait_ready(1.0)
                break
        write("ready", tag)
        stop.wait()


def nap(url: str, place: Place, write: Write, _tag: str, stop: threading.Event) -> None:
    """A handler that takes as long as 10 heartbeats: it gets its message once, and settles it."""
    queue = f"{place.exchange.name}.nap"

    def sleep(message: ReceivedMessage) -> None:
        write("begun", int(message.redelivered))
        time.sleep(NAP_HEARTBEATS * HEARTBEAT)
        write("slept")

    with GenericConsumer(
        [(place.exchange, [({"name": queue, "flags": {"durable": True}}, "nap")])],
        bus=connect(f"{url}?heartbeat={HEARTBEAT}"),
        backoff=BACKOFF,
    ) as consumer:
        consumer.start(sleep)
        consumer.wait_ready(PATIENCE)
        with GenericProducer(bus=connect(url)) as producer:
            producer.message_nap(_eks=[(place.exchange, "nap")])
        stop.wait()


def main(role: str, url: str, name: str, folder: str, tag: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    work = {"publish": publish, "consume": consume, "call": call, "serve": serve, "nap": nap}[role]
    write = ledger(Path(folder) / role)
    work(url, Place(name), write, tag, stop)
    write("end", tag)


if __name__ == "__main__":
    main(*sys.argv[1:])
