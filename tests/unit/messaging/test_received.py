"""A message is settled once, and a connection that is lost meanwhile is no failure."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.errors import ConnectionLostError, MessagingError, UnroutableError
from pelagos.messaging.message import MessageCommand
from pelagos.messaging.transports.base import Connection, Delivery, Done, Envelope, Properties


class Link:
    """Keeps what it was told; lost when told so."""

    def __init__(self, *, lost: bool = False, posts: bool = False) -> None:
        self.told: list[Any] = []
        self.lost = lost
        self.posts = posts
        self.answer: MessagingError | None = None

    def _tell(self, what: Any) -> None:
        if self.lost:
            raise ConnectionLostError("gone")
        self.told.append(what)

    def ack(self, _delivery: Delivery) -> None:
        self._tell("ack")

    def reject(self, _delivery: Delivery, *, requeue: bool) -> None:
        self._tell("requeue" if requeue else "reject")

    def post(self, envelope: Envelope, *, at_once: bool) -> bool:
        assert not at_once
        if self.posts:
            self._tell(envelope)
        return self.posts

    def publish(self, envelope: Envelope, done: Done) -> None:
        self._tell(envelope)
        done(self.answer)


def received(link: Link, message_id: str = "m") -> ReceivedMessage:
    properties = Properties(message_id, reply_to="answers", correlation_id="c")
    came = Delivery("q", "", "q", b"", properties, False, 1)
    return ReceivedMessage(MessageCommand("go").body, came, cast("Connection", link))


def settle(message: ReceivedMessage, how: str) -> None:
    if how == "ack":
        message.ack()
    else:
        message.reject(requeue=how == "requeue")


@pytest.mark.parametrize("first", ["ack", "reject", "requeue"])
@pytest.mark.parametrize("second", ["ack", "reject", "requeue"])
def test_the_first_decision_counts(first: str, second: str) -> None:
    link = Link()
    message = received(link)
    settle(message, first)
    settle(message, second)
    assert (link.told, message.outcome) == ([first], first)


@pytest.mark.parametrize("how", ["ack", "reject", "requeue"])
def test_a_decision_over_a_lost_connection_is_told_and_no_failure(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    message = received(Link(lost=True))
    with caplog.at_level(logging.INFO, "pelagos.messaging"):
        settle(message, how)
    assert "it will come again" in caplog.records[0].getMessage()


@pytest.mark.parametrize("posts", [True, False])
def test_an_answer_goes_where_it_was_asked_for(posts: bool) -> None:
    link = Link(posts=posts)
    received(link).reply_raw("word")
    (answer,) = link.told
    assert (answer.exchange, answer.key, answer.body) == ("", "answers", b"word")
    assert (answer.properties.message_id, answer.properties.correlation_id) == ("m.reply", "c")
    assert not answer.properties.persistent


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("m" * 200, "m" * 200 + ".reply"),
        ("m" * 201, ""),
        ("é" * 100, "é" * 100 + ".reply"),
        ("é" * 101, ""),
    ],
)
def test_the_id_of_an_answer_is_never_longer_than_a_broker_takes(asked: str, given: str) -> None:
    link = Link()
    received(link, asked).reply_raw(b"")
    assert link.told[0].properties.message_id == given


@pytest.mark.parametrize("posts", [True, False])
def test_an_answer_over_a_lost_connection_is_told_and_no_failure(
    posts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "pelagos.messaging"):
        received(Link(lost=True, posts=posts)).reply_raw(b"")
    assert caplog.records[0].getMessage().endswith("could not be delivered: gone")


def test_an_answer_that_nobody_waits_for_is_told_and_one_that_arrives_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    link = Link()
    with caplog.at_level(logging.INFO, "pelagos.messaging"):
        received(link).reply_raw(b"")
        assert not caplog.records
        link.answer = UnroutableError("nobody", message_id="m.reply")
        received(link).reply_raw(b"")
    assert len(caplog.records) == 1
