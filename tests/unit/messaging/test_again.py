"""What is sent on: its names, its headers, and what of strangers is believed."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.messaging import MessagingError, Retry
from pelagos.messaging.dead import again
from pelagos.messaging.transports.base import Delivery, Properties, Queue


def delivery(**headers: Any) -> Delivery:
    return Delivery("inbox", "", "k", b"{}", Properties("m", headers=headers), False, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {again.KEY: "a"},
        {again.EXCHANGE: "town"},
        {again.KEY: "a", again.EXCHANGE: 3},
        {again.KEY: "a" * 256, again.EXCHANGE: "town"},
    ],
)
def test_half_of_where_it_was_sent_is_not_believed(headers: dict[str, Any]) -> None:
    given = delivery(**headers)
    assert again.restored(given) is given


def test_where_it_was_sent_may_be_as_long_as_names_may_be() -> None:
    found = again.restored(delivery(**{again.KEY: "k" * 255, again.EXCHANGE: "e" * 255}))
    assert (found.exchange, found.key) == ("e" * 255, "k" * 255)


def test_the_queues_beside_a_queue_are_as_lasting_as_it() -> None:
    waiting = again.waiting_queue(Queue("own", durable=False, exclusive=True), 1000)
    assert (waiting.name, waiting.durable, waiting.exclusive) == ("own.retry.1000", False, True)


@pytest.mark.parametrize(("length", "shortened"), [(244, False), (245, True)])
def test_only_what_has_no_room_is_shortened(length: int, shortened: bool) -> None:
    name = again.waiting_queue(Queue("q" * length), 1000).name
    assert len(name) <= 255
    assert ("~" in name) is shortened


def test_a_note_that_no_queue_takes_is_told() -> None:
    assert again.note(1000, "inbox.retry.delays").mandatory


def test_a_cause_is_told_up_to_a_thousand_characters() -> None:
    assert again.clean("x" * 1000) == "x" * 1000
    assert again.clean("x" * 1001) == "x" * 999 + "…"


@pytest.mark.parametrize(
    "options",
    [
        {"limit": float("inf")},
        {"first": 1e10, "limit": 1e10},
        {"first": float("nan")},
        {"factor": 0.5},
        {"attempts": 0},
        {"attempts": 2.0},
    ],
)
def test_a_wait_that_no_note_has_room_for_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(MessagingError, match="cannot be used") as caught:
        Retry(**options)
    assert "years" in str(caught.value.hint)


def test_the_longest_wait_can_be_noted() -> None:
    delay = Retry(attempts=2, first=999_999_999.0, limit=999_999_999.0).delay_ms(1)
    assert delay is not None
    noted = Delivery("r", "", "r", b"%d" % delay, Properties("", headers={}), False, 1)
    assert again.noted(noted) == delay
