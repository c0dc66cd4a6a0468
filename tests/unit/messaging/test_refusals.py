"""Which of many messages a broker means that closes their channel."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.messaging.errors import ConnectionLostError, PublishRefusedError
from pelagos.messaging.transports.base import DIRECT_REPLY_TO, Envelope, Properties
from pelagos.messaging.transports.refusal import is_login_refusal, refusal, refused_publishes

LOST = ConnectionLostError("gone")


def letter(number: int, exchange: str = "x", body: bytes = b"x", **properties: Any) -> Envelope:
    return Envelope(exchange, "k", body, Properties(f"m-{number}", **properties))


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (
            letter(9, user_id="other"),
            "PRECONDITION_FAILED - user_id property set to 'other' but the user was 'me'",
        ),
        (letter(9, "secret"), "ACCESS_REFUSED - access to exchange 'secret' in vhost '/' refused"),
        (letter(9, ""), "ACCESS_REFUSED - access to exchange 'amq.default' in vhost '/' refused"),
        (
            letter(9, body=bytes(20_000)),
            "PRECONDITION_FAILED - message size 20000 is larger than configured max size 16000",
        ),
        (letter(9, body=bytes(20_000)), "a message of 20000 bytes; at most 16000 are taken"),
        (
            letter(9, reply_to=DIRECT_REPLY_TO),
            "PRECONDITION_FAILED - fast reply consumer does not exist",
        ),
        (letter(9, expiration=1e12), "PRECONDITION_FAILED - invalid expiration '1e12'"),
        (letter(9, headers={"CC": 5}), "the header CC of a message is not a list"),
        (
            letter(9, headers={"BCC": 5}),
            'PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"BCC",signedint}',
        ),
    ],
)
def test_the_one_that_is_meant_is_refused_and_the_others_are_sent_again(
    bad: Envelope, text: str
) -> None:
    sent = [letter(1), letter(2, user_id="me"), bad, letter(3, body=bytes(2000))]
    problems = refused_publishes(406, text, sent, LOST)
    assert [problem is LOST for problem in problems] == [True, True, False, True]
    refused = problems[2]
    assert isinstance(refused, PublishRefusedError) and refused.message_id == "m-9"
    assert refused.retry_after is None


def test_when_any_may_be_meant_all_are_told() -> None:
    problems = refused_publishes(406, "no", [letter(1), letter(2)], LOST)
    assert [getattr(problem, "message_id", "") for problem in problems] == ["m-1", "m-2"]
    assert all("one of 2 messages" in str(problem) for problem in problems)


def test_the_only_one_is_meant() -> None:
    (problem,) = refused_publishes(406, "no", [letter(1)], LOST)
    assert isinstance(problem, PublishRefusedError) and problem.retry_after is None
    assert refused_publishes(406, "no", [], LOST) == []


def test_a_missing_exchange_can_be_declared_again() -> None:
    text = "NOT_FOUND - no exchange 'x' in vhost '/'"
    assert refused_publishes(404, text, [letter(1), letter(2)], LOST) == [LOST, LOST]


@pytest.mark.parametrize(
    ("code", "text", "final"),
    [
        (403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN", True),
        (530, "NOT_ALLOWED - vhost none not found", True),
        (
            530,
            "NOT_ALLOWED - access to vhost '/' refused: connection limit (10) is reached",
            False,
        ),
        (530, "NOT_ALLOWED - user connection limit (2) is reached", False),
        (320, "CONNECTION_FORCED - going down", False),
    ],
)
def test_too_many_connections_are_no_wrong_password(code: int, text: str, final: bool) -> None:
    assert is_login_refusal(code, text) == final


def test_what_was_not_settled_in_time_is_no_wrong_declaration() -> None:
    text = "PRECONDITION_FAILED - delivery acknowledgement on channel 5 timed out. Timeout: 2000"
    problem = refusal(406, text, "amqp://sea", "q")
    assert isinstance(problem, ConnectionLostError)
    assert problem.hint is not None and "consumer_timeout" in problem.hint
