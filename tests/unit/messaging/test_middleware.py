import logging

import pytest

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.middleware import Chain, Middleware, Outgoing

BODY = {"category": "rpc", "type": "command", "name": "sum"}


class Noting(Middleware):
    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    def before_publish(self, outgoing):
        self.notes.append(f"{self.name} before {outgoing.name}")
        outgoing.headers[self.name] = 1

    def after_publish(self, outgoing, error, seconds):
        self.notes.append(f"{self.name} after {outgoing.name} {error} {seconds}")


def test_before_runs_in_order_and_after_in_the_opposite_order():
    notes = []
    chain = Chain([Noting("a", notes), Noting("b", notes)])
    outgoing = Outgoing(BODY, "x", "k")
    chain.before_publish(outgoing)
    chain.after_publish(outgoing, None, 0.5)
    assert notes == [
        "a before sum",
        "b before sum",
        "b after sum None 0.5",
        "a after sum None 0.5",
    ]
    assert outgoing.headers == {"a": 1, "b": 1}
    assert (outgoing.category, outgoing.type, outgoing.name) == ("rpc", "command", "sum")


def test_a_middleware_may_refuse_a_message():
    class Refusing(Middleware):
        def before_publish(self, outgoing):
            raise MessagingError(f"{outgoing.name} is not allowed")

    with pytest.raises(MessagingError, match="sum is not allowed"):
        Chain([Refusing()]).before_publish(Outgoing(BODY, "x", "k"))


def test_one_that_fails_while_watching_is_told_and_passed_over(caplog):
    notes = []

    class Failing(Middleware):
        def after_publish(self, *_):
            raise ZeroDivisionError

        def on_connected(self, *_):
            raise ZeroDivisionError

    chain = Chain([Noting("a", notes), Failing()])
    with caplog.at_level(logging.ERROR):
        chain.after_publish(Outgoing(BODY, "x", "k"), None, 0.0)
        chain.on_connected("memory:x")
    assert notes == ["a after sum None 0.0"]
    assert "Failing failed" in caplog.text


def test_all_steps_may_be_left_out():
    chain = Chain([Middleware()])
    assert chain
    chain.before_publish(Outgoing(BODY, "", ""))
    chain.on_disconnected("memory:x", None)


def test_what_is_no_middleware_is_refused():
    with pytest.raises(MessagingError, match="not a middleware"):
        Chain([Middleware])
