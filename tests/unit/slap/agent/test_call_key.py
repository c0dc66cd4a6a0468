"""Where an agent's key for the calls of its master comes from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from hashlib import sha256

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.call_key import AskedKey, NoCallKeyError, TokenKey
from pelagos.slap.errors import (
    AuthenticationError,
    BadRequest,
    MasterUnreachable,
    ServerError,
    SlapError,
    Unauthorized,
)
from pelagos.slap.remote import key_by_certificates, key_of


class Master:
    """Gives a key, unless it is away."""

    def __init__(self) -> None:
        self.key, self.is_away, self.asked = b"first", False, 0

    def ask(self) -> bytes:
        self.asked += 1
        if self.is_away:
            raise MasterUnreachable("it is away")
        return self.key


def test_the_key_of_a_token_is_the_masters_and_stays():
    key = TokenKey("secret")
    assert key.now() == key_of(sha256(b"secret").hexdigest())
    assert key.after(key.now()) is None
    assert key.fresh() == key.now()


def test_a_key_is_asked_for_once_and_again_when_it_opens_nothing():
    master, clock = Master(), ManualClock()
    key = AskedKey(master.ask, clock=clock)
    assert master.asked == 0
    assert [key.now(), key.now(), master.asked] == [b"first", b"first", 1]
    master.key = b"second"
    clock.advance(2.0)
    assert [key.after(b"first"), key.now(), master.asked] == [b"second", b"second", 2]
    assert key.after(b"first") == b"second"  # another thread was slower


def test_who_sends_what_cannot_be_opened_does_not_have_the_master_asked_each_time():
    master, clock = Master(), ManualClock()
    key = AskedKey(master.ask, clock=clock)
    for _ in range(100):
        assert key.after(key.now()) is None
    assert master.asked == 1
    clock.advance(2.0)
    for _ in range(100):
        assert key.after(key.now()) is None
    assert master.asked == 2


def test_a_master_that_is_away_leaves_the_key_that_there_is():
    master, clock = Master(), ManualClock()
    key = AskedKey(master.ask, clock=clock)
    master.is_away = True
    with pytest.raises(NoCallKeyError, match="it is away"):
        key.now()
    with pytest.raises(NoCallKeyError):  # and asks not again at once
        key.now()
    assert master.asked == 1
    clock.advance(2.0)
    master.is_away = False
    assert key.now() == b"first"
    clock.advance(2.0)
    master.is_away = True
    assert key.after(b"first") is None
    assert key.now() == b"first"


def test_the_key_is_of_the_computer_and_of_all_its_certificates():
    keys = {
        key_by_certificates(secret, name, serials)
        for secret in (b"s" * 32, b"t" * 32)
        for name in ("a", "b")
        for serials in (["1"], ["2"], ["1", "2"], ["12"])
    }
    assert len(keys) == 16
    assert key_by_certificates(b"s", "a", ["2", "1"]) == key_by_certificates(b"s", "a", ["1", "2"])


OVER = (
    AuthenticationError("your certificate was revoked", status=401),
    Unauthorized("you are no computer", status=403),
    BadRequest("there is a token", status=409, hint="revoke it"),
    ServerError("no certificate", status=503),
)


@pytest.mark.parametrize("over", OVER, ids=str)
def test_a_key_that_the_master_does_not_have_any_more_is_dropped(over: SlapError):
    answers: list[bytes | SlapError] = [b"first", over, b"second"]

    def ask() -> bytes:
        answer = answers.pop(0)
        if isinstance(answer, SlapError):
            raise answer
        return answer

    clock = ManualClock()
    key = AskedKey(ask, clock=clock)
    assert key.now() == b"first"
    clock.advance(2.0)
    assert key.after(b"first") is None
    for known in (key.now, key.fresh):
        with pytest.raises(NoCallKeyError, match=over.message) as caught:
            known()
        assert caught.value.hint and (over.hint or "") in caught.value.hint
    clock.advance(2.0)
    assert key.now() == b"second"


def test_a_key_does_its_work_for_a_minute_and_then_the_master_is_asked():
    master, clock = Master(), ManualClock()
    key = AskedKey(master.ask, clock=clock)
    assert key.now() == b"first"
    master.key = b"second"
    clock.advance(59.0)
    assert [key.fresh(), master.asked] == [b"first", 1]
    clock.advance(1.0)
    assert [key.now(), key.fresh(), key.now(), master.asked] == [b"first", *[b"second"] * 2, 2]
    clock.advance(60.0)
    master.is_away = True
    assert [key.fresh(), key.fresh(), master.asked] == [b"second", b"second", 3]


def test_a_failure_of_another_kind_has_a_cause_and_leaves_the_key():
    master, clock = Master(), ManualClock()

    def ask() -> bytes:
        if master.is_away:
            raise ValueError
        return master.ask()

    key = AskedKey(ask, clock=clock)
    master.is_away = True
    with pytest.raises(NoCallKeyError, match=r"calls: .*ValueError"):
        key.now()
    clock.advance(2.0)
    master.is_away = False
    assert key.now() == b"first"
    clock.advance(60.0)
    master.is_away = True
    assert key.fresh() == b"first"


class SlowMaster(Master):
    """Takes as long as it is told from its second answer on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self.may_answer = threading.Event(), threading.Event()

    def ask(self) -> bytes:
        key = super().ask()
        if self.asked > 1:
            self.is_asked.set()
            assert self.may_answer.wait(60)
        return key


@pytest.fixture
def slow() -> Iterator[SlowMaster]:
    made = SlowMaster()
    yield made
    made.may_answer.set()


def test_who_has_the_key_does_not_wait_for_a_slow_master(
    slow: SlowMaster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pelagos.slap.agent.call_key._PATIENCE", 0.0)
    clock = ManualClock()
    key = AskedKey(slow.ask, clock=clock)
    key.now()
    clock.advance(2.0)
    junk = threading.Thread(target=key.after, args=(b"first",))
    junk.start()
    assert slow.is_asked.wait(60)
    assert key.now() == b"first"
    assert key.after(b"first") is None  # one asker at a time
    clock.advance(30.0)
    slow.may_answer.set()
    junk.join(60)
    assert key.after(b"first") is None  # the pause begins with the answer
    assert slow.asked == 2
    clock.advance(2.0)
    assert key.after(b"first") is None
    assert slow.asked == 3
