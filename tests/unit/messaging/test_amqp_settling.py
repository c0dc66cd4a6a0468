"""What becomes of each message that is published or taken: told once, and rightly."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pelagos.messaging import (
    ConnectionLostError,
    MessagingError,
    PublishRefusedError,
    UnroutableError,
    codec,
)
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.amqp.consuming import Ledger
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.publishing import CHANNEL, Publishing
from pelagos.messaging.transports.amqp.stream import Stream
from pelagos.messaging.transports.base import Envelope, Properties


class Sink(Stream):
    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes | memoryview) -> int:
        self.writes.append(bytes(data))
        return len(data)


class Case:
    """`told`: of each message by its number what was told, in order."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.wakes = 0
        self.outgoing = Outgoing(self.sink, self._wake)
        self.publishing = Publishing(self.outgoing, codec.FRAME_MAX)
        self.told: list[list[MessagingError | None]] = []

    def _wake(self) -> None:
        self.wakes += 1

    def publish(self, key: str = "a", *, mandatory: bool = False, body: object = b"x") -> None:
        told: list[MessagingError | None] = []
        self.told.append(told)
        envelope = Envelope("", key, body, Properties("same id"), mandatory=mandatory)  # type: ignore[arg-type]  # one test gives none
        self.publishing.publish(envelope, told.append)

    def confirm(self, tag: int, *, multiple: bool = False, refused: bool = False) -> None:
        self.publishing.on_confirm(tag, multiple=multiple, refused=refused)

    def give_back(self, key: str) -> None:
        content = (Properties("same id"), b"x", None)
        self.publishing.on_return(methods.BasicReturn(312, "NO_ROUTE", "", key), content)

    def kinds(self) -> list[list[type]]:
        return [[type(problem) for problem in told] for told in self.told]


NOT = type(None)


def test_confirmations_for_several_tell_each_once() -> None:
    case = Case()
    for _ in range(6):
        case.publish()
    case.confirm(2)
    assert case.kinds() == [[], [NOT], [], [], [], []]
    case.confirm(3, multiple=True)
    assert case.kinds() == [[NOT], [NOT], [NOT], [], [], []]
    case.confirm(2, multiple=True)
    case.confirm(4, multiple=True, refused=True)
    case.confirm(0, multiple=True)
    case.confirm(5)
    case.confirm(99, multiple=True)
    assert case.kinds() == [[NOT], [NOT], [NOT], [PublishRefusedError], [NOT], [NOT]]
    case.publish()
    case.confirm(7, multiple=True)
    assert case.kinds()[6:] == [[NOT]]


def test_what_comes_back_is_told_to_the_message_of_that_way_and_number() -> None:
    case = Case()
    for key in ("a", "b", "a", "a"):
        case.publish(key, mandatory=True)
    case.publish("a")
    for key in ("a", "b", "a", "elsewhere"):
        case.give_back(key)
    case.confirm(1)
    case.confirm(4, multiple=True)
    case.confirm(5)
    lost = UnroutableError
    assert case.kinds() == [[lost], [lost], [lost], [NOT], [NOT]]
    case.publish("a", mandatory=True)
    case.give_back("a")
    case.publish("a", mandatory=True)
    case.confirm(7)
    case.confirm(6)
    assert case.kinds()[5:] == [[lost], [NOT]]
    assert not case.publishing._tags_of and not case.publishing._returned


@pytest.mark.parametrize("how", ["over", "closed"])
def test_when_it_is_over_each_is_told_once_and_so_is_whoever_comes_later(how: str) -> None:
    case = Case()
    case.publish()
    case.publish()
    case.confirm(1)
    first = ConnectionLostError("first")
    if how == "closed":
        case.publishing.on_close(methods.ChannelClose(406, "PRECONDITION_FAILED", 0, 0), first)
        assert len(case.told[1]) == 1
        case.publishing.give_up(ConnectionLostError("second"))
    else:
        case.publishing.give_up(first)
        case.publishing.give_up(ConnectionLostError("second"))
        assert case.told[1] == [first]
    case.confirm(0, multiple=True)
    assert len(case.told[1]) == 1
    waiting = case.outgoing.count
    case.publish()
    assert [str(problem) for problem in case.told[2]] == ["first"]
    assert case.outgoing.count == waiting


def test_one_alone_leaves_at_once_and_others_leave_together() -> None:
    case = Case()
    assert not case.outgoing.send_from_loop(writable=False)
    case.publish()
    assert len(case.sink.writes) == 1 and case.wakes == 0
    case.publish()
    case.publish()
    assert len(case.sink.writes) == 1 and case.wakes == 1
    case.outgoing.send_from_loop(writable=False)
    assert len(case.sink.writes) == 2
    case.confirm(0, multiple=True)
    case.publish()
    assert len(case.sink.writes) == 3
    said = [frame[1] for frame in codec.Decoder().feed(b"".join(case.sink.writes))]
    kinds = [type(method) for method in said]
    assert kinds == [methods.ChannelOpen, methods.ConfirmSelect] + [methods.BasicPublish] * 4


def test_what_cannot_be_written_takes_no_number() -> None:
    case = Case()
    case.publish(body=None)
    case.publish()
    case.confirm(1)
    assert isinstance(case.told[0][0], MessagingError) and case.told[1] == [None]


class Waits:
    """A broker's side of a channel: what it still waits for."""

    def __init__(self, count: int) -> None:
        self.open = set(range(1, count + 1))
        self.refused: dict[int, bool] = {}

    def hear(self, data: bytes) -> int:
        frames = list(codec.Decoder().feed(data))
        for channel, method, _ in frames:
            assert channel == CHANNEL
            if isinstance(method, methods.BasicAck):
                tag = method.delivery_tag
                assert tag in self.open, "some brokers would take it for all"
                self.open -= {one for one in self.open if one < tag and method.multiple} | {tag}
            else:
                assert isinstance(method, methods.BasicReject | methods.BasicNack)
                self.open.remove(method.delivery_tag)
                self.refused[method.delivery_tag] = method.requeue
        return len(frames)


@example(2, 2, [(1, "a")])
@example(4, 4, [(2, "a"), (1, "r"), (3, "n"), (2, "a"), (9, "l")])
@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from("aaarnl")), max_size=40),
)
def test_whatever_is_settled_and_nothing_else_is_what_the_broker_hears(
    count: int, hold: int, steps: list[tuple[int, str]]
) -> None:
    ledger, broker = Ledger(CHANNEL, hold), Waits(count)
    for tag in range(1, count + 1):
        ledger.took(tag)
    held: set[int] = set()
    settled: set[int] = set()
    refused: dict[int, bool] = {}
    for tag, how in steps:
        if tag > count:
            continue
        if how == "a":
            held |= {tag} - settled
            settled.add(tag)
            now = ledger.accept(tag)
            assert now == (len(held) >= hold or len(settled) == count)
        elif how == "l":
            low = min(set(range(1, count + 2)) - settled)
            frames = broker.hear(ledger.late())
            assert frames == bool([one for one in held if one < low]) + len(
                [one for one in held if one > low]
            )
            held.clear()
        else:
            broker.hear(ledger.refuse(tag, requeue=how == "n"))
            if tag not in settled:
                refused[tag] = how == "n"
            settled.add(tag)
        assert ledger.is_settled == (len(settled) == count)
    broker.hear(ledger.late())
    assert broker.open == set(range(1, count + 1)) - settled
    assert broker.refused == refused
    assert ledger.late() == b""


def test_what_was_settled_on_a_channel_that_is_closed_is_told_nobody() -> None:
    ledger = Ledger(CHANNEL, 4)
    ledger.took(1)
    assert not ledger.is_settled
    assert ledger.accept(1)
    ledger.is_open = False
    assert ledger.late() == b""
