"""Where an agent's key for the calls of its master comes from."""

from __future__ import annotations

from hashlib import sha256

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.call_key import AskedKey, NoCallKeyError, TokenKey
from pelagos.slap.errors import MasterUnreachable
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
