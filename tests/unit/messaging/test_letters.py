"""Dead letters that lie there for other reasons than ours, and who looks at which."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pelagos.messaging.dead.letters import DeadLetter, DeadLetters
from pelagos.messaging.errors import MessagingError, TopologyError
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Properties, Queue
from pelagos.messaging.transports.memory import MemoryTransport

_names = itertools.count()


class Yard:
    """A queue of dead letters with the ids that are told."""

    def __init__(self, *ids: str) -> None:
        self.bus = MemoryTransport(f"yard-{next(_names)}")
        self.link: Connection = self.bus.open()
        self.dead = DeadLetters(self.bus, "dead")
        if ids:
            for name in ("dead", "home"):
                self.link.declare_queue(Queue(name))
        for one in ids:
            headers = {"x-pelagos-letter": one, "x-pelagos-queue": "home"}
            problems: list[object] = []
            letter = Envelope("", "dead", one.encode(), Properties(one, headers=headers))
            self.link.publish(letter, problems.append)
            assert problems == [None]

    def ids(self) -> list[str]:
        return [letter.id for letter in self.dead.list()]

    def home(self) -> list[bytes]:
        found = []
        while (delivery := self.link.get("home")) is not None:
            found.append(delivery.body)
        return found


def test_who_decides_beforehand_sees_just_what_is_chosen() -> None:
    yard, seen = Yard("a1", "b1", "c1"), []

    def look(letters: list[DeadLetter]) -> None:
        seen.append([letter.id for letter in letters])
        assert yard.link.declare_queue(Queue("home", passive=True)).messages == 0

    yard.dead.retry("c", "a", before=look)
    assert (seen, yard.home(), yard.ids()) == ([["a1", "c1"]], [b"a1", b"c1"], ["b1"])
    yard.dead.drop(before=lambda letters: seen.append([one.id for one in letters]))
    assert (seen[1:], yard.ids()) == ([["b1"]], [])


def test_what_is_raised_beforehand_keeps_them() -> None:
    yard = Yard("a", "b")

    def refuse(_letters: object) -> None:
        raise ZeroDivisionError

    for act in (yard.dead.retry, yard.dead.drop):
        with pytest.raises(ZeroDivisionError):
            act("a", before=refuse)
    assert (yard.ids(), yard.home()) == (["a", "b"], [])


def test_a_whole_id_is_not_the_beginning_of_another() -> None:
    yard = Yard("ab", "abc", "abd")
    assert yard.dead.show("ab").body == b"ab"
    with pytest.raises(MessagingError, match="3 dead letters begin with 'a'"):
        yard.dead.show("a")
    assert [one.id for one in yard.dead.drop("ab")] == ["ab"]
    assert yard.ids() == ["abc", "abd"]


def test_to_ask_for_letters_makes_no_queue() -> None:
    yard = Yard()
    assert (yard.dead.count(), yard.dead.list(), yard.dead.retry()) == (0, [], [])
    with pytest.raises(TopologyError):
        yard.bus.open().declare_queue(Queue("dead", passive=True))


def test_a_queue_that_may_not_be_looked_at_is_no_empty_one() -> None:
    yard = Yard()
    yard.link.declare_queue(Queue("dead", durable=False, exclusive=True))  # another one's own
    with pytest.raises(TopologyError) as refused:
        yard.dead.count()
    assert refused.value.code == 405


def test_letters_that_others_hold_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """They were there when they were counted, and somebody took them before we did."""
    yard = Yard("a", "b", "c")
    monkeypatch.setattr(yard.dead, "_waiting", lambda _connection: 3)
    assert yard.link.get("dead") is not None
    assert yard.ids() == ["b", "c"]


def test_each_letter_is_settled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    yard, settled = Yard("a", "b", "c"), []
    kind: Any = type(yard.link)
    for name in ("ack", "reject"):
        do = getattr(kind, name)

        def settle(
            link: Any, one: Delivery, *, do: Any = do, name: str = name, **how: Any
        ) -> None:
            settled.append((name, one.body))
            do(link, one, **how)

        monkeypatch.setattr(kind, name, settle)
    yard.dead.drop("b")
    assert settled == [("ack", b"b"), ("reject", b"c"), ("reject", b"a")]


@pytest.mark.parametrize(
    ("headers", "facts"),
    [
        ({"x-death": []}, ("", "", "not told", 0)),
        ({"x-death": {"queue": "q"}}, ("", "", "not told", 0)),
        ({"x-death": [5]}, ("", "", "not told", 0)),
        ({"x-death": [{"queue": 5, "routing-keys": []}]}, ("", "", "not told", 0)),
        ({"x-death": [{"routing-keys": "key"}]}, ("", "", "not told", 0)),
        ({"x-death": [{"routing-keys": [5], "count": True}]}, ("", "", "not told", 0)),
        (
            {"x-death": [{"queue": "q", "routing-keys": ["k"], "reason": "expired", "count": 3}]},
            ("q", "k", "it expired in its queue", 3),
        ),
        ({"x-death": [{"reason": "eaten"}], "x-pelagos-attempts": True}, ("", "", "eaten", 0)),
    ],
)
def test_whatever_a_broker_or_a_stranger_wrote_can_be_read(
    headers: dict[str, Any], facts: tuple[str, str, str, int]
) -> None:
    came = Delivery("dead", "", "dead", b"", Properties("m", headers=headers), False, 1)
    letter = DeadLetter.read(came)
    assert (letter.queue, letter.key, letter.cause, letter.attempts) == facts
    assert letter.died is None and len(letter.id) == 12
