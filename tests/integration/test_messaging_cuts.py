"""Producers, consumers and calls whose connection is cut at every frame, one after the other."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageProcessor,
    ReceivedMessage,
    RpcHandler,
    connect,
)
from pelagos.messaging.broker.server import EmbeddedBroker
from support.rough_proxy import Direction, each_frame

pytestmark = pytest.mark.integration

WAIT = 60.0
QUICK = Backoff(first=0.002, limit=0.02)
MESSAGES, CALLS = 6, 3
_numbers = itertools.count()


class Adder(MessageProcessor):
    """Notes the effect of each call."""

    def __init__(self, effects: list[str], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.effects = effects

    @RpcHandler("command", "add")
    def add(self, content: Any, reply: Callable[[object], None]) -> None:
        self.effects.append(content["parameters"])
        reply(content["parameters"])


class Scene:
    """One of each, on queues of their own, whose connections go through a proxy."""

    def __init__(self, url: str) -> None:
        name = f"scene-{next(_numbers)}"
        town = type("Town", (Exchange,), {"name": name})
        bus = connect(url)
        self.told: list[str] = []
        self.answered: list[str] = []
        self.effects: list[str] = []
        self.arrived: dict[str, list[str]] = defaultdict(list)
        self._changed = threading.Condition()
        self._work, self._calls = [(town, "work")], [(town, "calls")]
        self._producer = GenericProducer({"name": name}, bus=bus, backoff=QUICK)
        self._consumer = GenericConsumer([(town, [(name, "work")])], bus=bus, backoff=QUICK)
        self._server = Adder(
            self.effects,
            {"name": name},
            [(town, [(f"{name}.c", "calls")])],
            bus=bus,
            backoff=QUICK,
        )

    def _got(self, message: ReceivedMessage) -> None:
        with self._changed:
            self.arrived[message.content["parameters"]].append(message.message_id)
            self._changed.notify_all()

    def play(self) -> None:
        with self._consumer, self._server, self._producer as producer:
            self._consumer.start(self._got)
            self._server.start()
            self._consumer.wait_ready(WAIT)
            self._server.wait_ready(WAIT)
            options: dict[str, Any] = {"_eks": self._work, "_timeout": WAIT}
            flying = {
                what: producer.message_go(what, _future=True, **options)
                for what in (f"p{number}" for number in range(MESSAGES))
            }
            for number in range(CALLS):
                what = f"c{number}"
                if producer.rpc_add(what, _eks=self._calls, _timeout=2.0, _max_retry=15):
                    self.answered.append(what)
                producer.message_go(f"s{number}", **options)
                self.told.append(f"s{number}")
            for what, future in flying.items():
                future.result(WAIT)
                self.told.append(what)
            with self._changed:
                self._changed.wait_for(lambda: self.arrived.keys() >= set(self.told), WAIT)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as made:
        yield made


@pytest.mark.parametrize("direction", ["up", "down"])
def test_nothing_is_lost_at_whichever_frame_a_connection_is_cut(
    broker: EmbeddedBroker, direction: Direction
) -> None:
    scenes: list[Scene] = []

    def play(url: str) -> None:
        scenes.append(Scene(url))
        scenes[-1].play()

    again = 0
    for where in each_frame(broker.url, direction, play, at_least=40):
        scene = scenes.pop()
        assert set(scene.told) == set(scene.arrived), where
        assert scene.answered == [f"c{number}" for number in range(CALLS)], where
        assert sorted(scene.effects) == scene.answered, where
        assert all(len(set(ids)) == 1 for ids in scene.arrived.values()), where
        again += sum(len(ids) - 1 for ids in scene.arrived.values())
    if direction == "down":
        assert again  # what was not confirmed was sent again, with its id
