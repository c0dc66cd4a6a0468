"""Messages and answers that are larger than what a broker, or a reader, takes."""

from __future__ import annotations

import pytest

from pelagos.core import wire
from pelagos.messaging import (
    EncodingError,
    Exchange,
    GenericProducer,
    JsonEncoder,
    MessageProcessor,
    RpcHandler,
)
from pelagos.messaging.broker.server import Bounds, EmbeddedBroker

LIMIT = 300_000


class Texts(Exchange):
    name = "large-texts"


class Writer(MessageProcessor):
    eqk = ((Texts, [("large-texts", "write")]),)
    written = 0

    @RpcHandler("command", "write")
    def write(self, content: int) -> str:
        self.written += 1
        return "x" * content


class Reader(GenericProducer):
    eks = ((Texts, "write"),)


@pytest.mark.parametrize("engine", ["amqp", "amqp+pika"])
def test_who_called_is_told_at_once_that_the_answer_is_too_large(engine: str) -> None:
    with (
        EmbeddedBroker(bounds=Bounds(message=LIMIT)) as broker,
        Writer(bus=broker.url.replace("amqp", engine, 1)) as writer,
        Reader(bus=broker.url) as reader,
    ):
        writer.start()
        writer.wait_ready()
        sizes = [1, LIMIT - 1000, 2 * LIMIT]
        futures = [reader.rpc_write(size, _future=True, _timeout=30) for size in sizes]
        answers = [future.result(10) for future in futures]
        assert [bool(answer) for answer in answers] == [True, True, False]
        assert str(LIMIT) in answers[2].body["content"]["message"]
        assert reader.rpc_write(3, _timeout=10)
        assert writer.written == 4


def test_what_nobody_would_read_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "DEFAULT_LIMIT", 1000)
    assert JsonEncoder.encode("x" * 998)
    with pytest.raises(EncodingError, match="1,001 bytes; at most 1,000 are read") as raised:
        JsonEncoder.encode("x" * 999)
    assert raised.value.hint
