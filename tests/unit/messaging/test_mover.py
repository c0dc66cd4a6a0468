"""What is sent on arrives whatever a broker answers, and whole where that is possible."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging.dead import mover as module
from pelagos.messaging.dead.mover import Losses, Mover
from pelagos.messaging.errors import (
    ConnectionLostError,
    EncodingError,
    MessagingError,
    PublishRefusedError,
    PublishTimeoutError,
    TopologyError,
    UnroutableError,
)
from pelagos.messaging.transports.base import Connection, Done, Envelope, Properties, Queue

SILENT = "silent"
QUEUE = Queue("q")
REFUSED = PublishRefusedError("full", message_id="m")
LOST = ConnectionLostError("lost")


class Link:
    """Answers what it is told, one by one, then that all is well."""

    def __init__(self, *answers: Any, declares: tuple[MessagingError | None, ...] = ()) -> None:
        self.answers = list(answers)
        self.declares = list(declares)
        self.declared: list[str] = []
        self.sent: list[Envelope] = []

    def declare_queue(self, queue: Queue) -> None:
        self.declared.append(queue.name)
        problem = self.declares.pop(0) if self.declares else None
        if problem is not None:
            raise problem

    def publish(self, envelope: Envelope, done: Done) -> None:
        self.sent.append(envelope)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, MessagingError | None):
            done(answer)
        elif answer is not SILENT:
            raise answer


class Stopping(threading.Event):
    """Keeps how long it was waited for, and lets nobody wait; set after `end` waits."""

    def __init__(self, end: int = 100) -> None:
        super().__init__()
        self.waits: list[float] = []
        self._end = end

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return len(self.waits) >= self._end


def mover(link: Link, **options: Any) -> Mover:
    options.setdefault("stopping", Stopping())
    return Mover(cast("Connection", link), **options)


def envelope(message_id: str = "m", **headers: Any) -> Envelope:
    given = {"mine": 1, "x-pelagos-queue": "q", **headers}
    return Envelope("", "q", b"body", Properties(message_id, headers=given), mandatory=True)


def headers_of(link: Link) -> list[list[str]]:
    return [sorted(one.properties.headers) for one in link.sent]


WHOLE, BARE = ["mine", "x-pelagos-queue"], ["x-pelagos-queue"]


@pytest.mark.parametrize(
    "answer",
    [
        REFUSED,
        PublishTimeoutError("late", message_id="m"),
        UnroutableError("gone", message_id="m"),
        TopologyError("no", code=404, name="q"),
    ],
)
def test_what_the_queue_does_not_take_is_sent_again_whole(answer: MessagingError) -> None:
    link = Link(answer, answer)
    mover(link).move(QUEUE, envelope())
    assert headers_of(link) == [WHOLE] * 3


@pytest.mark.parametrize(
    "answer", [EncodingError("no form for it"), ValueError("bad"), OverflowError(), TypeError()]
)
def test_headers_that_cannot_be_sent_stay_behind(answer: Exception) -> None:
    link = Link(answer)
    mover(link).move(QUEUE, envelope())
    assert headers_of(link) == [WHOLE, BARE]


def test_the_first_try_again_is_at_once_and_then_with_longer_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    link, stopping = Link(*[REFUSED] * 4), Stopping()
    with caplog.at_level(logging.ERROR, "pelagos.messaging"):
        mover(link, stopping=stopping, backoff=Backoff(first=1)).move(QUEUE, envelope())
    assert stopping.waits == [2.0, 4.0, 8.0]
    assert len(link.sent) == 5
    (told,) = caplog.records
    assert "q, trying on: full" in told.getMessage()


def test_pauses_stay_short_unless_told() -> None:
    stopping = Stopping()
    mover(Link(*[REFUSED] * 9), stopping=stopping).move(QUEUE, envelope())
    assert stopping.waits == [0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0]


def test_at_the_end_it_says_that_the_message_stays() -> None:
    link = Link(*[REFUSED] * 10)
    with pytest.raises(PublishRefusedError, match="could not be moved to q: full") as refused:
        mover(link, stopping=Stopping(end=2)).move(QUEUE, envelope())
    assert "stays" in str(refused.value.hint)
    assert len(link.sent) == 3


def test_a_broker_that_is_silent_is_asked_once_more() -> None:
    link = Link(SILENT)
    mover(link, patience=0.01).move(QUEUE, envelope())
    assert headers_of(link) == [WHOLE] * 2


def test_a_queue_is_declared_once_and_again_when_it_is_gone() -> None:
    link = Link(None, None, UnroutableError("gone", message_id="m"), REFUSED, REFUSED)
    one = mover(link)
    for _ in range(4):
        one.move(QUEUE, envelope())
    assert link.declared == ["q", "q"]
    one.forget(QUEUE)
    one.move(QUEUE, envelope())
    assert link.declared == ["q", "q", "q"]


def test_a_queue_that_was_declared_differently_is_used_as_it_is() -> None:
    link = Link(declares=(TopologyError("other flags", code=406, name="q"),))
    one = mover(link)
    one.move(QUEUE, envelope())
    one.move(QUEUE, envelope())
    assert (link.declared, len(link.sent)) == (["q"], 2)


def test_nothing_is_sent_to_a_queue_that_cannot_be_made() -> None:
    problem = TopologyError("forbidden", code=403, name="q")
    link = Link(declares=(problem, problem))
    mover(link).move(QUEUE, envelope())
    assert (link.declared, headers_of(link)) == (["q"] * 3, [WHOLE])
    with pytest.raises(TopologyError):
        mover(Link(declares=(problem,))).declare(QUEUE)


# Connections that are lost.


def lose(losses: Losses, times: int, message: Callable[[], Envelope] = envelope) -> None:
    for _ in range(times):
        link = Link(LOST)
        with pytest.raises(ConnectionLostError):
            mover(link, losses=losses).move(QUEUE, message())
        assert len(link.sent) == 1  # nobody knows whether it is there: it is not sent again


def sent_with(losses: Losses, message: Envelope) -> list[str]:
    link = Link()
    mover(link, losses=losses).move(QUEUE, message)
    return headers_of(link)[0]


def test_headers_over_which_connections_are_lost_stay_behind() -> None:
    losses = Losses()
    lose(losses, 1)
    assert sent_with(losses, envelope()) == WHOLE
    lose(losses, 1)
    assert sent_with(losses, envelope()) == BARE
    assert sent_with(losses, envelope("another")) == WHOLE


def test_a_connection_that_is_lost_in_a_declaration_counts_too() -> None:
    losses = Losses()
    for _ in range(2):
        with pytest.raises(ConnectionLostError):
            mover(Link(declares=(LOST,)), losses=losses).move(QUEUE, envelope())
    assert sent_with(losses, envelope()) == BARE


def test_losses_are_counted_by_each_mover_for_itself_unless_shared() -> None:
    link = Link(LOST, LOST)
    one = mover(link)
    for _ in range(2):
        with pytest.raises(ConnectionLostError):
            one.move(QUEUE, envelope())
    one.move(QUEUE, envelope())
    assert headers_of(link) == [WHOLE, WHOLE, BARE]
    assert sent_with(Losses(), envelope()) == WHOLE


def test_of_the_losses_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    losses = Losses()
    for mark in (1, 2, 3, 1, 4):
        losses.add(mark)
    assert [losses.count(mark) for mark in (1, 2, 3, 4)] == [2, 0, 1, 1]
