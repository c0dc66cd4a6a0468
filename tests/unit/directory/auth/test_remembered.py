"""directory.auth.remembered: what is asked again, when, and by how many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpUnreachable
from pelagos.directory.auth import remembered
from pelagos.directory.auth.remembered import TRUST, Remembered

PATIENCE = 60.0


class Desk:
    """Knows the tokens that begin with "good" and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.expires_in: float | None = None
        self.broken: Exception | None = None

    def __call__(self, token: str) -> Mapping[str, Any] | None:
        self.asked.append(token)
        if self.broken:
            raise self.broken
        if not token.startswith("good"):
            return None
        return {"token": token, "expires_in": self.expires_in}

    def reaches(self, token: str, access: str, tenant: str | None) -> bool:
        self.asked.append(f"{token} {access} {tenant}")
        return access == "allowed"


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_valid_and_unknown_tokens_are_asked_about_once_in_a_while(desk: Desk) -> None:
    clock = ManualClock()
    verify = Remembered(desk, clock=clock)
    for token in ("good", "bad"):
        assert verify(token) is verify(token)
    assert desk.asked == ["good", "bad"]
    clock.advance(TRUST - 0.001)
    assert verify("good") and verify("bad") is None and len(desk.asked) == 2
    clock.advance(0.001)
    assert verify("good") and verify("bad") is None and len(desk.asked) == 4


@pytest.mark.parametrize(("expires_in", "kept"), [(2.0, 2.0), (1000, TRUST), (None, TRUST)])
def test_an_answer_is_never_good_for_longer_than_its_token(
    desk: Desk, expires_in: float | None, kept: float
) -> None:
    clock = ManualClock()
    desk.expires_in = expires_in
    verify = Remembered(desk, clock=clock)
    verify("good")
    clock.advance(kept - 0.001)
    verify("good")
    assert len(desk.asked) == 1
    clock.advance(0.002)
    verify("good")
    assert len(desk.asked) == 2


@pytest.mark.parametrize("expires_in", [0, -5])
def test_a_token_at_its_end_is_asked_about_each_time(desk: Desk, expires_in: float) -> None:
    desk.expires_in = expires_in
    verify = Remembered(desk)
    assert verify("good") and verify("good") and len(desk.asked) == 2


def test_the_time_counts_from_the_question_not_from_the_answer() -> None:
    clock = ManualClock()
    asked = []

    def slow(token: str) -> Mapping[str, Any]:
        asked.append(token)
        clock.advance(TRUST)
        return {"token": token}

    verify = Remembered(slow, clock=clock)
    verify("good")
    verify("good")
    assert len(asked) == 2


def test_a_failure_is_not_remembered(desk: Desk) -> None:
    verify = Remembered(desk)
    desk.broken = PelagosError("out of order")
    with pytest.raises(PelagosError, match="out of order"):
        verify("good")
    desk.broken = None
    assert verify("good")


def test_a_flood_of_invented_tokens_pushes_no_known_one_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_MOST", 100)
    verify = Remembered(desk)
    verify("good")
    for number in range(1000):
        verify(f"bad{number}")
    verify("good")
    assert desk.asked.count("good") == 1
    assert len(verify._unknown) == 100, "memory is bounded"
    verify("bad" * 10_000)
    assert all(len(key) == 32 for key in verify._unknown), "however long the tokens are"
    for number in range(1000):
        verify(f"good{number}")
    assert len(verify._valid) == 100


def test_rights_that_the_verifier_decides_are_remembered_each(desk: Desk) -> None:
    verify = Remembered(desk)
    for _ in range(3):
        assert verify.reaches("good", "allowed", None)
        assert not verify.reaches("good", "forbidden", None)
        assert verify.reaches("good", "allowed", "tenant")
    assert len(desk.asked) == 3


def test_a_verifier_without_a_say_in_rights_gives_none() -> None:
    assert not Remembered(lambda token: {"token": token}).reaches("good", "allowed", None)


class Held:
    """Answers nothing until `release` is set."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.release = threading.Event()
        self.entered = threading.Event()
        self.asked = 0

    def __call__(self, _token: str) -> Any:
        self.asked += 1
        self.entered.set()
        assert self.release.wait(PATIENCE)
        return self.answer()


def in_threads(verify: Remembered, tokens: list[str]) -> tuple[list[threading.Thread], list[Any]]:
    found: list[Any] = []

    def ask(token: str) -> None:
        try:
            found.append(verify(token))
        except PelagosError as error:
            found.append(error)

    threads = [threading.Thread(target=ask, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    return threads, found


def test_many_who_come_at_once_with_a_token_wait_for_one_answer() -> None:
    held = Held(lambda: {"auth_id": "ann"})
    verify = Remembered(held)
    threads, found = in_threads(verify, ["good"] * 8)
    assert held.entered.wait(PATIENCE)
    held.release.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == [{"auth_id": "ann"}] * 8 and held.asked == 1


def test_what_was_under_way_when_all_was_forgotten_is_not_kept() -> None:
    held = Held(lambda: {"auth_id": "ann"})
    verify = Remembered(held)
    threads, _ = in_threads(verify, ["good"])
    assert held.entered.wait(PATIENCE)
    verify.forget()
    held.release.set()
    threads[0].join(PATIENCE)
    assert verify("good") and held.asked == 2


def test_nobody_waits_for_ever_for_a_verifier_that_says_nonsense() -> None:
    held = Held(lambda: {"expires_in": "soon"})
    verify = Remembered(held)
    raised: list[str] = []

    def ask() -> None:
        try:
            verify("good")
        except ValueError as error:
            raised.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert held.entered.wait(PATIENCE)
    held.release.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert raised


def unreachable() -> Any:
    raise HttpUnreachable("nobody answers at http://auth/", url="http://auth/")


def test_while_nobody_answers_one_asks_and_all_others_are_refused_at_once() -> None:
    held = Held(unreachable)
    held.release.set()
    verify = Remembered(held)
    with pytest.raises(HttpUnreachable):
        verify("good1")
    held.release.clear()
    held.entered.clear()
    probing, found = in_threads(verify, ["good2"])
    assert held.entered.wait(PATIENCE)
    for number in range(50):  # none of them waits for the hung one
        with pytest.raises(HttpUnreachable):
            verify(f"other{number}")
    assert held.asked == 2
    held.answer = lambda: {"auth_id": "ann"}
    held.release.set()
    probing[0].join(PATIENCE)
    assert found == [{"auth_id": "ann"}]
    assert verify("good3") == {"auth_id": "ann"}, "and then all goes on"


def test_a_failure_about_one_token_holds_up_no_other() -> None:
    def ask(token: str) -> Any:
        if token == "poison":
            raise PelagosError("status 500")
        return {"token": token}

    verify = Remembered(ask)
    for number in range(5):
        with pytest.raises(PelagosError, match="500"):
            verify("poison")
        assert verify(f"good{number}")


def test_an_outage_is_told_to_many_without_growing() -> None:
    verify = Remembered(Held(unreachable))
    verify._outage = HttpUnreachable("nobody answers", url="http://auth/")
    verify._is_probing = True
    for _ in range(100):
        with pytest.raises(HttpUnreachable) as caught:
            verify("good")
    depth, trace = 0, caught.value.__traceback__
    while trace is not None:
        depth, trace = depth + 1, trace.tb_next
    assert depth < 10


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0, 3), st.booleans(), st.booleans()),
        max_size=30,
    )
)
def test_no_answer_is_older_than_it_may_be(
    steps: list[tuple[str, float, bool, bool]],
) -> None:
    clock = ManualClock()
    said: dict[str, tuple[float, bool]] = {}
    truth = dict.fromkeys("abc", True)

    def ask(token: str) -> Mapping[str, Any] | None:
        said[token] = (clock.monotonic(), truth[token])
        return {"expires_in": 2.0} if truth[token] else None

    verify = Remembered(ask, clock=clock)
    for token, pause, changes, forgets in steps:
        clock.advance(pause)
        if changes:
            truth[token] = not truth[token]
        if forgets:
            verify.forget()
        answer = verify(token) is not None
        when, was = said[token]
        assert answer is was
        assert clock.monotonic() - when < (2.0 if was else TRUST) or when == clock.monotonic()
        assert not forgets or answer is truth[token]
