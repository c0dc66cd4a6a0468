"""Requests to the broker: each gets its own answer, and its own refusal."""

from __future__ import annotations

import pytest

from pelagos.messaging import ConnectionLostError, TopologyError, codec
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.requests import CONTROL, GETTING, Requests
from pelagos.messaging.transports.amqp.stream import Stream

ASK = methods.QueuePurge("q")
REFUSED = TopologyError("no", code=404, name="q")


class Sink(Stream):
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes | memoryview) -> int:
        self.data += bytes(data)
        return len(data)

    def heard(self) -> list[tuple[int, str]]:
        data, self.data = self.data, b""
        return [(channel, type(said).__name__) for channel, said, _ in codec.Decoder().feed(data)]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def requests(sink: Sink) -> Requests:
    return Requests(Outgoing(sink, lambda: None))


def test_a_channel_is_opened_once_and_again_when_the_broker_has_closed_it(
    requests: Requests, sink: Sink
) -> None:
    for channel in (CONTROL, GETTING):
        requests.start(channel, ASK, "q")
        assert sink.heard() == [(channel, "ChannelOpen"), (channel, "QueuePurge")]
        requests.start(channel, ASK, "q")
        assert sink.heard() == [(channel, "QueuePurge")]
    requests.on_close(CONTROL, REFUSED)
    requests.start(GETTING, ASK, "q")
    requests.start(CONTROL, ASK, "q")
    assert sink.heard() == [
        (GETTING, "QueuePurge"),
        (CONTROL, "ChannelOpen"),
        (CONTROL, "QueuePurge"),
    ]


def test_only_what_answers_the_request_answers_it(requests: Requests) -> None:
    asked = requests.start(CONTROL, ASK, "q")
    requests.on_answer(CONTROL, methods.ChannelOpenOk(), None)
    requests.on_answer(GETTING, methods.QueuePurgeOk(1), None)
    requests.on_close(GETTING, REFUSED)
    requests.on_end(methods.QueueDelete.INDEX, REFUSED)
    assert not asked.done() and requests.name == "q"
    answer = methods.QueuePurgeOk(2)
    requests.on_answer(CONTROL, answer, None)
    requests.on_answer(CONTROL, methods.QueuePurgeOk(3), None)  # nobody asked
    requests.on_close(CONTROL, REFUSED)
    assert asked.result(0) == (answer, None)


@pytest.mark.parametrize("how", ["channel", "connection"])
def test_a_refusal_reaches_who_asked(requests: Requests, how: str) -> None:
    asked = requests.start(CONTROL, ASK, "q")
    if how == "channel":
        requests.on_close(CONTROL, REFUSED)
    else:
        requests.on_end(ASK.INDEX, REFUSED)
    requests.give_up(ConnectionLostError("gone"))
    assert asked.exception(0) is REFUSED


def test_what_cannot_be_written_is_refused_and_asks_nothing(
    requests: Requests, sink: Sink
) -> None:
    odd = methods.QueueDeclare("q", arguments={"x": object()})
    with pytest.raises(TopologyError, match="arguments of 'q' cannot be written") as failed:
        requests.start(CONTROL, odd, "q")
    assert (failed.value.code, failed.value.name) == (406, "q")
    assert sink.heard() == []


def test_when_it_is_over_whoever_asks_is_told(requests: Requests, sink: Sink) -> None:
    loss = ConnectionLostError("gone")
    asked = requests.start(CONTROL, ASK, "q")
    sink.heard()
    requests.give_up(loss)
    assert asked.exception(0) is loss
    with pytest.raises(ConnectionLostError, match="gone"):
        requests.start(CONTROL, ASK, "q")
    assert sink.heard() == []
