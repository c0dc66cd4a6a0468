"""Bytes that no client should send: the embedded broker refuses them, and serves the others."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from pelagos.messaging import codec
from pelagos.messaging.broker.server import Bounds, EmbeddedBroker
from pelagos.messaging.broker.server.connection import Connection
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.base import Properties
from support.amqp_desk import Desk, bodies, put

pytestmark = pytest.mark.integration

SEEDS = range(12)
INPUTS = 2000

_HELLO = [
    codec.PROTOCOL_HEADER,
    codec.encode_method(
        0, methods.ConnectionStartOk({"capabilities": {}}, "PLAIN", b"\0guest\0guest", "en_US")
    ),
    codec.encode_method(0, methods.ConnectionTuneOk(2047, 131072, 0)),
    codec.encode_method(0, methods.ConnectionOpen("/")),
    codec.encode_method(1, methods.ChannelOpen()),
]
_MESSAGE = Properties(
    "m", "text/plain", headers={"CC": ["q"], "n": 1}, reply_to="r", expiration=60.0, priority=3
)
_TALK: list[codec.Method] = [
    methods.ExchangeDeclare("x", "topic", auto_delete=True),
    methods.QueueDeclare("q", exclusive=True, arguments={"x-max-length": 50}),
    methods.QueueBind("q", "x", "a.#", arguments={"k": [1, {"a": None}]}),
    methods.ExchangeBind("x", "amq.headers", "k"),
    methods.ConfirmSelect(),
    methods.BasicPublish("x", "a.b", mandatory=True),
    methods.BasicPublish("", "nowhere", mandatory=True),
    methods.BasicGet("q"),
    methods.BasicQos(0, 5),
    methods.BasicConsume("q", "c"),
    methods.BasicConsume("amq.rabbitmq.reply-to", "r", no_ack=True),
    methods.BasicPublish("", "q"),
    methods.BasicAck(1, multiple=True),
    methods.BasicNack(0, multiple=True),
    methods.BasicReject(2),
    methods.BasicRecover(requeue=True),
    methods.BasicCancel("c"),
    methods.TxSelect(),
    methods.TxCommit(),
    methods.ChannelFlow(active=True),
    methods.QueuePurge("q"),
    methods.QueueUnbind("q", "x", "a.#"),
    methods.QueueDelete("q"),
    methods.ExchangeDelete("x"),
    methods.ChannelClose(200, "bye"),
    methods.ConnectionClose(200, "bye"),
]


class Wire(asyncio.Transport):
    """A transport without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert isinstance(data, bytes)

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


def frames(method: codec.Method, channel: int, dice: random.Random) -> bytes:
    if method.CONTENT:
        return codec.encode_content(channel, method, _MESSAGE, dice.randbytes(20), 4096)
    return codec.encode_method(channel, method)


def odd_value(value: Any, dice: random.Random) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return dice.random() < 0.5
    if isinstance(value, int):
        return dice.choice([0, 1, 2, 100, 255, 65535])
    if isinstance(value, str):
        names = ["", "q", "x", "c", "r", "amq.", "amq.topic", "a.#", "\0", "ä" * 100, "q" * 255]
        return dice.choice([*names, "amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to.x"])
    if isinstance(value, bytes):
        return dice.randbytes(dice.randrange(50))
    keys = ["x-max-length", "x-message-ttl", "x-expires", "x-max-priority", "x-match", "CC"]
    keys += ["x-queue-type", "x-dead-letter-exchange", "x-priority", "alternate-exchange", ""]
    values = [0, -1, 2**40, True, None, "any", "quorum", "", [], {}, [[[[]]]], 1.5, b"\0", "x"]
    return {dice.choice(keys): dice.choice(values) for _ in range(dice.randrange(4))}


def odd_method(dice: random.Random) -> bytes:
    """Any method, of either side, with any values."""
    kinds = [getattr(methods, name) for name in methods.__all__]
    kind = dice.choice([k for k in kinds if isinstance(k, type) and k is not codec.Method])
    made = kind()
    for name, value in list(vars(made).items()):
        setattr(made, name, odd_value(value, dice))
    channel = dice.choice([0, 1, 1, 1, 1, 2, 2047, 65535])
    try:
        return frames(made, channel, dice)
    except codec.CodecError:
        return b""


def flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randrange(1, 6)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def attack(dice: random.Random) -> bytes:
    """The bytes of a hostile client."""
    talk = [*_HELLO, *(frames(method, 1, dice) for method in _TALK)]
    hello, whole = b"".join(_HELLO), b"".join(talk)
    ways: list[Callable[[], bytes]] = [
        lambda: dice.randbytes(dice.randrange(200)),
        lambda: hello + dice.randbytes(dice.randrange(1, 300)),
        lambda: flipped(whole, dice),
        lambda: hello + flipped(whole[len(hello) :], dice),
        lambda: hello + b"".join(dice.sample(talk, len(talk))),
        lambda: whole[: dice.randrange(len(whole))],
        lambda: hello + b"".join(odd_method(dice) for _ in range(30)),
    ]
    return dice.choice(ways)()


def pieces(data: bytes, dice: random.Random) -> list[bytes]:
    if dice.random() < 0.7:
        return [data]
    size = dice.randrange(1, 60)
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def assault(broker: EmbeddedBroker, data: list[bytes], number: int) -> None:
    """One client that sends this, and goes."""
    wire = Wire()
    connection = Connection(broker, number)
    connection.connection_made(wire)
    for piece in data:
        if not wire.closed:
            connection.data_received(piece)
    connection.connection_lost(None)


@pytest.mark.parametrize("seed", SEEDS)
def test_hostile_bytes_harm_nobody(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(seed)
    caplog.set_level(logging.ERROR, "pelagos")
    with EmbeddedBroker(bounds=Bounds(message=100_000)) as broker, ExitStack() as stack:
        for number in range(INPUTS):
            data = pieces(attack(dice), dice)
            broker._do(_bound(assault, broker, data, number))
            assert not caplog.records, (seed, number, caplog.text)
        assert not broker.connections and not broker.core().queues()
        gc.collect()
        assert broker.meter.used == 0
        desk = Desk(broker.url, stack)
        channel = desk.confirming()
        queue = desk.queue(channel)
        put(channel, queue, "alive")
        assert bodies(channel, queue, 1) == ["alive"]


def _bound(what: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    return lambda: what(*arguments)


def test_hostile_sockets_harm_nobody(embedded_broker: EmbeddedBroker) -> None:
    dice = random.Random(1)
    with ExitStack() as stack:
        desk = Desk(embedded_broker.url, stack)
        for _ in range(200):
            link = desk.stranger()
            link.write(attack(dice))
            link.close()
        channel = desk.confirming()
        queue = desk.queue(channel)
        put(channel, queue, "alive")
        assert bodies(channel, queue, 1) == ["alive"]
