"""Failed messages, dead letters and outboxes whose connection is cut at every frame."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    Exchange,
    GenericProducer,
    JsonEncoder,
    MessageCommand,
    MessageHandler,
    MessageProcessor,
    MessageStatus,
    Retry,
    connect,
)
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.dead.letters import DeadLetters
from pelagos.messaging.sql import Outbox, OutboxRelay, create_tables
from pelagos.messaging.transports.base import Queue
from support.rough_proxy import Direction, each_frame

pytestmark = pytest.mark.integration

WAIT = 60.0
QUICK = Backoff(first=0.002, limit=0.02)
_numbers = itertools.count()


class Default(Exchange):
    name = ""


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as made:
        yield made


def parameters(body: bytes) -> str:
    return str(JsonEncoder.decode(body)["content"]["parameters"])


class Clinic(MessageProcessor):
    """Heals what is flaky at its second attempt; what is doomed dies after two."""

    retry = Retry(attempts=2, first=0.002)
    healed: ClassVar[Counter[str]]
    tried: ClassVar[Counter[str]]
    changed: ClassVar[threading.Condition]

    @MessageHandler("command", "flaky")
    def flaky(self, content: Any) -> None:
        what = content["parameters"]
        self.tried[what] += 1
        if self.current.message.attempt == 1:
            raise ValueError(what)
        with self.changed:
            self.healed[what] += 1
            self.changed.notify_all()

    @MessageHandler("command", "doomed")
    def doomed(self, content: Any) -> None:
        raise ValueError(content["parameters"])


@pytest.mark.parametrize("direction", ["up", "down"])
def test_what_failed_is_tried_again_or_among_the_dead(
    broker: EmbeddedBroker, direction: Direction, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "pelagos.messaging")
    direct, wanted = connect(broker.url), [f"m{number}" for number in range(3)]

    def play(url: str) -> None:
        name = f"clinic-{next(_numbers)}"
        own = {"healed": Counter(), "tried": Counter(), "changed": threading.Condition()}
        kind = type("Own", (Clinic,), {**own, "dead_letters": f"{name}.dead"})
        town = type("Town", (Exchange,), {"name": name})
        dead = DeadLetters(direct, f"{name}.dead")
        eqk = [(town, [(name, "k")])]
        with (
            kind({"name": name}, eqk, bus=connect(url), backoff=QUICK) as clinic,
            GenericProducer(bus=direct) as producer,
        ):
            clinic.start()
            clinic.wait_ready(WAIT)
            for what in wanted:
                producer.message_flaky(what, _eks=[(town, "k")])
                producer.message_doomed(what, _eks=[(town, "k")])
            with kind.changed:
                assert kind.changed.wait_for(lambda: kind.healed.keys() >= set(wanted), WAIT)
            pause = threading.Event()
            for _ in range(int(WAIT / 0.01)):
                letters = [] if dead.count() < len(wanted) else dead.list()
                found = {parameters(letter.body) for letter in letters}
                if found == set(wanted):
                    break
                pause.wait(0.01)
        seen.append((Counter(kind.healed), found, sum(kind.tried.values())))

    seen: list[tuple[Counter[str], set[str], int]] = []
    for where in each_frame(broker.url, direction, play):
        healed, found, tried = seen[-1]
        assert healed.keys() == found == set(wanted), where
        # Two tries of each; a cut that comes before all three of its acknowledgements (where it
        # was sent to, where it waited, where it came back to) lets each of these come once more,
        # and the first of them be put to wait once more.
        assert tried <= 6 * len(wanted), where


@pytest.mark.parametrize("direction", ["up", "down"])
def test_an_outbox_arrives_whole_and_in_order(
    broker: EmbeddedBroker, direction: Direction, tmp_path: Path
) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'outbox.db'}")
    create_tables(engine)
    outbox = Outbox({"name": "cuts"})
    wanted = [f"m{number}" for number in range(8)]
    link = connect(broker.url).open()
    queue = "outbox-cuts"
    link.declare_queue(Queue(queue))

    def play(url: str) -> None:
        with OutboxRelay(engine, connect(url), poll=0.002, backoff=QUICK) as relay:
            for what in wanted:
                with engine.begin() as transaction:
                    outbox.send(transaction, MessageStatus(what), Default, queue, message_id=what)
            assert relay.flush(WAIT), relay.problem

    def drained() -> list[str]:
        found = []
        while (delivery := link.get(queue)) is not None:
            found.append(delivery.properties.message_id)
            link.ack(delivery)
        return found

    # Several confirmations may come in one frame.
    for where in each_frame(broker.url, direction, play, at_least=6):
        assert list(dict.fromkeys(drained())) == wanted, where
    link.close()
    engine.dispose()


@pytest.mark.parametrize("direction", ["up", "down"])
def test_what_was_handed_over_is_there_after_the_flush(
    broker: EmbeddedBroker, direction: Direction
) -> None:
    link = connect(broker.url).open()
    queue = "handed-cuts"
    link.declare_queue(Queue(queue))
    wanted = [f"m{number}" for number in range(12)]

    def play(url: str) -> None:
        with GenericProducer(bus=connect(url), backoff=QUICK) as producer:
            for what in wanted[:6]:
                producer.message_go(what, _eks=[(Default, queue)], _wait=False, _timeout=WAIT)
            producer.flush(WAIT)
            rest = [MessageCommand("go", what) for what in wanted[6:]]
            assert producer.publish_many(rest, _eks=[(Default, queue)], _timeout=WAIT) == 6

    def drained() -> list[str]:
        found = []
        while (delivery := link.get(queue)) is not None:
            found.append(parameters(delivery.body))
            link.ack(delivery)
        return found

    for where in each_frame(broker.url, direction, play):
        assert list(dict.fromkeys(drained())) == wanted, where
    link.close()
