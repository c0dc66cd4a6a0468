"""Consumers on their channels: what the broker is asked, and whom its answers concern."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.messaging import ConnectionLostError, MessagingError, TopologyError, codec
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.amqp.consumers import Consumers
from pelagos.messaging.transports.amqp.consuming import Subscription
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.publishing import Publishing
from pelagos.messaging.transports.amqp.stream import Stream
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Delivery, Properties
from pelagos.messaging.transports.broker_transport import Wish

CONTENT = (Properties("m"), b"x", None)


class Sink(Stream):
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes | memoryview) -> int:
        self.data += bytes(data)
        return len(data)


class Case:
    """Consumers of one connection; what each got and how it ended."""

    def __init__(self, channel_max: int = 8) -> None:
        self.sink = Sink()
        self.outgoing = Outgoing(self.sink, lambda: None)
        publishing = Publishing(self.outgoing, codec.FRAME_MAX)
        self.loss: MessagingError | None = None
        self.consumers = Consumers(self.outgoing, publishing, channel_max, "amqp:", self._check)
        self.got: list[Delivery] = []
        self.ended: list[MessagingError] = []

    def _check(self) -> None:
        if self.loss is not None:
            raise self.loss

    def begin(
        self, queue: str = "q", prefetch: int = 10, *, no_ack: bool = False, **arguments: Any
    ) -> Subscription:
        wish = Wish(queue, prefetch, no_ack, exclusive=False, arguments=arguments)
        return self.consumers.begin(wish, self.got.append, self.ended.append)

    def started(self, channel: int = 5, **options: Any) -> Subscription:
        subscription = self.begin(**options)
        self.consumers.on_started(channel, subscription.name)
        self.heard()
        return subscription

    def deliver(self, subscription: Subscription, count: int) -> list[Delivery]:
        for tag in range(1, count + 1):
            method = methods.BasicDeliver(subscription.name, tag, False, "", "k")
            self.consumers.on_deliver(subscription.ledger.number, method, CONTENT)
        found, self.got[:] = list(self.got), []
        return found

    def heard(self, *, from_loop: bool = False) -> list[tuple[int, str]]:
        """What the broker heard since it was asked last: channels and methods."""
        if from_loop:  # what is said in answer leaves with the thread that reads
            assert self.sink.data == b""
            self.outgoing.send_from_loop(writable=True)
        data, self.sink.data = self.sink.data, b""
        return [(channel, type(said).__name__) for channel, said, _ in codec.Decoder().feed(data)]


def test_each_has_a_channel_of_its_own_and_only_who_is_meant_is_cancelled() -> None:
    case = Case()
    one, two = case.begin(), case.begin()
    begun = ("ChannelOpen", "BasicQos", "BasicConsume")
    assert case.heard() == [(channel, method) for channel in (5, 6) for method in begun]
    case.consumers.on_started(6, two.name)
    assert two.future.done() and not one.future.done()
    cancelled = case.consumers.cancel(two.name)
    assert cancelled is not None and not cancelled.done()
    assert case.heard() == [(6, "BasicCancel")]
    assert case.consumers.cancel(two.name) is None
    assert case.consumers.cancel("another") is None
    case.consumers.on_cancel(6, two.name)
    assert cancelled.done() and case.ended == []
    assert case.heard() == [(6, "ChannelClose")]


def test_a_number_is_used_again_when_the_broker_has_closed_its_channel() -> None:
    case = Case(channel_max=6)
    one = case.started()
    case.begin()
    with pytest.raises(MessagingError, match="at most 6 channels"):
        case.begin()
    found = case.deliver(one, 2)
    case.consumers.on_cancel(5, one.name)
    case.consumers.ack(found[0])
    case.consumers.on_close_ok(5)  # nobody asked for that
    with pytest.raises(MessagingError, match="at most"):
        case.begin()
    case.heard()
    case.consumers.reject(found[1], requeue=True)
    assert case.heard() == [(5, "BasicNack"), (5, "BasicAck"), (5, "ChannelClose")]
    with pytest.raises(MessagingError, match="at most"):
        case.begin()
    case.consumers.on_close_ok(5)
    case.consumers.on_close_ok(6)  # it is in use
    case.begin()
    assert case.heard()[0] == (5, "ChannelOpen")
    with pytest.raises(MessagingError, match="at most"):
        case.begin()


def test_a_cancelled_consumers_channel_ends_with_its_last_acknowledgement() -> None:
    case = Case(channel_max=5)
    one = case.started()
    found = case.deliver(one, 3)
    case.consumers.ack(found[0])
    case.consumers.on_cancel(5, one.name)
    case.consumers.on_cancel(5, one.name)
    assert [type(problem) for problem in case.ended] == [ConnectionLostError]
    case.consumers.ack(found[2])
    assert case.consumers.holds(found[1]) and case.sink.data == b""
    case.consumers.ack(found[1])
    assert case.heard() == [(5, "BasicAck"), (5, "ChannelClose")]
    case.consumers.on_close(5, 406, "timed out")  # at the same time
    with pytest.raises(MessagingError, match="at most"):
        case.begin()
    case.consumers.on_close_ok(5)
    two = case.started()
    found = case.deliver(two, 1)
    case.consumers.on_cancel(5, two.name)
    case.consumers.on_close(5, 406, "timed out")  # before all is settled
    assert not case.consumers.holds(found[0])
    case.heard()
    case.begin()
    case.consumers.ack(found[0])
    assert case.heard()[-1] == (5, "BasicConsume")


def test_what_cannot_be_written_takes_no_number() -> None:
    case = Case(channel_max=5)
    with pytest.raises(TopologyError, match="arguments of a consumer of 'q'") as failed:
        case.begin(odd=object())
    assert failed.value.code == 406 and failed.value.name == "q"
    case.begin()
    assert case.heard()[0] == (5, "ChannelOpen")


def test_direct_answers_come_where_it_is_published_and_need_no_acknowledgement() -> None:
    case = Case()
    with pytest.raises(TopologyError, match="cannot be acknowledged") as failed:
        case.begin(DIRECT_REPLY_TO)
    assert failed.value.code == 406 and failed.value.name == DIRECT_REPLY_TO
    direct = case.begin(DIRECT_REPLY_TO, no_ack=True)
    assert case.heard() == [(1, "ChannelOpen"), (1, "ConfirmSelect"), (1, "BasicConsume")]
    [delivery] = case.deliver(direct, 1)
    case.consumers.ack(delivery)
    case.consumers.reject(delivery, requeue=True)
    assert case.consumers.holds(delivery)
    case.consumers.on_cancel(1, direct.name)
    assert case.heard() == []


def test_a_closed_channel_concerns_its_own_consumer() -> None:
    case = Case()
    asked, other = case.begin(), case.begin()
    case.heard()
    case.consumers.on_close(5, 404, "no queue 'q'")
    assert case.heard(from_loop=True) == [(5, "ChannelCloseOk")]
    problem = asked.future.exception(0)
    assert isinstance(problem, TopologyError) and problem.is_missing and problem.name == "q"
    case.consumers.on_started(6, other.name)
    found = case.deliver(other, 2)
    case.consumers.ack(found[1])
    case.consumers.on_close(6, 406, "delivery acknowledgement on channel 6 timed out")
    assert [type(problem) for problem in case.ended] == [ConnectionLostError]
    assert not case.consumers.holds(found[0])
    assert case.heard(from_loop=True) == [(6, "ChannelCloseOk")]
    for delivery in found:
        case.consumers.ack(delivery)
        case.consumers.reject(delivery, requeue=True)
    assert case.heard() == []
    case.begin()
    case.begin()
    assert {channel for channel, _ in case.heard()} == {5, 6}
    case.consumers.give_up(ConnectionLostError("gone"), quiet=False)
    assert len(case.ended) == 1, "each is told once"


@pytest.mark.parametrize(("prefetch", "held"), [(1, 1), (2, 1), (10, 5), (600, 256)])
def test_acknowledgements_are_held_back_until_half_of_the_prefetch_is_done(
    prefetch: int, held: int
) -> None:
    case = Case()
    found = case.deliver(case.started(prefetch=prefetch), 1000)
    for delivery in found[: held - 1]:
        case.consumers.ack(delivery)
    assert case.sink.data == b""
    case.consumers.ack(found[held - 1])
    [(channel, ack, _)] = codec.Decoder().feed(case.sink.data)
    assert (channel, ack) == (5, methods.BasicAck(held, held > 1))


def test_what_was_got_is_settled_at_once_while_its_channel_is_there() -> None:
    case = Case()
    found = [
        case.consumers.got("q", methods.BasicGetOk(tag, False, "", "k", 0), CONTENT)
        for tag in (1, 2, 3)
    ]
    case.consumers.ack(found[1])
    assert case.heard() == [(3, "BasicAck")]
    case.consumers.on_close(3, 406, "timed out")
    assert case.heard(from_loop=True) == [(3, "ChannelCloseOk")]
    assert not case.consumers.holds(found[0])
    case.consumers.ack(found[0])
    assert case.heard() == []
    again = case.consumers.got("q", methods.BasicGetOk(1, False, "", "k", 0), CONTENT)
    assert case.consumers.holds(again) and not case.consumers.holds(found[2])
    assert (again.properties, again.body, again.damage) == CONTENT
    case.consumers.reject(again, requeue=False)
    assert case.heard() == [(3, "BasicReject")]


@pytest.mark.parametrize("quiet", [False, True])
def test_whoever_waits_when_it_is_over_is_told_and_others_unless_they_know(quiet: bool) -> None:
    case = Case()
    case.started(5)
    ending = case.started(6)
    asking = case.begin()
    cancelled = case.consumers.cancel(ending.name)
    case.loss = ConnectionLostError("gone")
    case.consumers.give_up(case.loss, quiet=quiet)
    case.consumers.give_up(case.loss, quiet=quiet)
    assert case.ended == ([] if quiet else [case.loss])
    assert cancelled is not None and cancelled.done()
    assert asking.future.exception(0) is case.loss
    for late in (case.begin, lambda: case.consumers.cancel("pelagos.1")):
        with pytest.raises(ConnectionLostError):
            late()
