"""A desk at which a test works with processors: sends raw messages, asks, looks at what died."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable
from typing import Any

from pelagos.messaging import Exchange, JsonEncoder, Message, MessageCommand, RpcCommand
from pelagos.messaging.dead.letters import DeadLetter, DeadLetters
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.processor import MessageProcessor
from pelagos.messaging.transports.base import (
    Connection,
    Delivery,
    Envelope,
    Properties,
    Queue,
    Transport,
)

WAIT = 60.0


class Desk:
    """One bus, one exchange and queue of the test's own, and processors that are ended with it."""

    def __init__(self, bus: Transport, sender: Transport | None = None) -> None:
        self.bus = bus
        mark = uuid.uuid4().hex[:10]
        self.queue = f"desk-{mark}"
        self.graves = f"desk-{mark}.dead"
        self.exchange = type("Desks", (Exchange,), {"name": f"desk-{mark}.x"})
        self.dead = DeadLetters(bus, self.graves)
        self.got: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.link: Connection = (sender or bus).open()
        self.reply_queue = self.link.declare_queue(
            Queue("", durable=False, exclusive=True, auto_delete=True)
        ).name
        self.link.consume(self.reply_queue, self.answers.put, lambda _: None, prefetch=500)
        self.processors: list[MessageProcessor] = []
        self.queues: list[str] = [self.queue, self.graves]

    def run(
        self, kind: type[MessageProcessor], *, flags: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        """Start a processor on the desk's queue; its dead go to the desk's own."""
        own = {"dead_letters": self.graves} if kind.dead_letters else {}
        own_kind = type(kind.__name__, (kind,), {**own, "__qualname__": kind.__qualname__})
        where: Any = {"name": self.queue, "flags": flags} if flags else self.queue
        made = own_kind(
            {"name": "desk"}, [(self.exchange, [(where, "k")])], bus=self.bus, **options
        )
        made.desk = self  # type: ignore[attr-defined]
        self.processors.append(made)
        made.start()
        made.wait_ready(WAIT)
        return made

    def raw(self, body: bytes, **properties: Any) -> None:
        """Put bytes into the exchange, as somebody else might."""
        properties.setdefault("message_id", uuid.uuid4().hex)
        self.put(Envelope(self.exchange.name, "k", body, Properties(**properties), mandatory=True))

    def put(self, envelope: Envelope) -> None:
        """Publish and wait until the broker has it."""
        problems: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
        self.link.publish(envelope, problems.put)
        problem = problems.get(timeout=WAIT)
        if problem is not None:
            raise problem

    def send(self, message: Message, **properties: Any) -> None:
        """Send a message."""
        self.raw(JsonEncoder.encode(message.body), **properties)

    def tell(self, name: str, parameters: Any = None, **properties: Any) -> None:
        """Send a command."""
        self.send(MessageCommand(name, parameters), **properties)

    def ask(self, name: str, parameters: Any = None, **properties: Any) -> Any:
        """Call, and the content of the answer."""
        call_id = properties.setdefault("message_id", uuid.uuid4().hex)
        correlation_id = f"c-{call_id}"
        self.send(
            RpcCommand(name, parameters),
            reply_to=self.reply_queue,
            correlation_id=correlation_id,
            **properties,
        )
        answer = self.answer()
        assert answer.properties.correlation_id == correlation_id
        body = JsonEncoder.decode(answer.body)
        assert (body["type"], body["category"]) == ("result", "message")
        assert body["fingerprint"]["name"] == "desk"
        return body["content"]

    def answer(self) -> Delivery:
        """The next answer."""
        delivery = self.answers.get(timeout=WAIT)
        self.link.ack(delivery)
        return delivery

    def take(self) -> Any:
        """What a handler put into `got`."""
        return self.got.get(timeout=WAIT)

    def letters(self, count: int = 1) -> list[DeadLetter]:
        """The dead, once there are so many."""
        self.until(lambda: self.dead.count() >= count)
        found = self.dead.list()
        assert len(found) == count
        return found

    def waiting(self, name: str | None = None) -> int:
        """Messages in the queue, those in work not counted."""
        return self.link.declare_queue(Queue(name or self.queue, passive=True)).messages

    def settled(self) -> None:
        """Wait until all that was sent has been settled: a command comes after it, and is done."""
        self.stop()
        assert self.waiting() == 0

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        deadline = time.monotonic() + WAIT
        while not holds():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.01)

    def stop(self) -> None:
        """End the processors."""
        for processor in self.processors:
            assert processor.stop(WAIT)

    def close(self) -> None:
        """Leave nothing behind."""
        self.stop()
        for name in self.queues:
            self.link.delete_queue(name)
        self.link.delete_exchange(self.exchange.name)
        self.link.close()
