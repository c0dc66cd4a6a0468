"""core.fanout: one deadline, a verdict for each source, and bulkheads that hold."""

from __future__ import annotations

import logging
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.core import fanout as module
from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.core.fanout import Fanout, FanoutClosedError, Verdict, describe

PATIENCE = 60.0  # seconds; only ever waited for when something is broken
SOON = 0.02


@pytest.fixture
def fanout() -> Iterator[Fanout]:
    fanout = Fanout(slots=2)
    yield fanout
    assert fanout.close(), "a test left a call running"


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What the hung calls of a test wait for; set at the end whatever happens."""
    event = threading.Event()
    yield event
    event.set()


def hang(release: threading.Event) -> Callable[[], list[str]]:
    def call() -> list[str]:
        release.wait(PATIENCE)
        return ["too late"]

    return call


def verdicts(replies: object) -> dict[str, Verdict]:
    return {reply.name: reply.verdict for reply in replies}


def test_each_source_gets_its_verdict_in_the_order_of_the_questions(fanout: Fanout) -> None:
    def fail() -> list[str]:
        raise ValueError("no such column")

    replies = fanout.ask(
        {"b": lambda: ["row"], "a": list, "c": fail, "n": lambda: None}, timeout=PATIENCE
    )
    assert [(r.name, r.verdict) for r in replies] == [
        ("b", Verdict.ANSWERED),
        ("a", Verdict.EMPTY),
        ("c", Verdict.FAILED),
        ("n", Verdict.EMPTY),
    ]
    assert replies[0].value == ["row"] and replies[0].error is None
    assert replies[2].value is None and replies[2].error == "ValueError: no such column"


def test_no_question_is_no_reply(fanout: Fanout) -> None:
    assert fanout.ask({}, timeout=0) == ()
    assert fanout.thread_count == 0


def test_a_late_source_is_reported_as_late_and_the_others_answer(
    fanout: Fanout, release: threading.Event
) -> None:
    begin = time.monotonic()
    replies = fanout.ask({"hung": hang(release), "good": lambda: [1]}, timeout=0.5)
    elapsed = time.monotonic() - begin
    assert verdicts(replies) == {"hung": Verdict.LATE, "good": Verdict.ANSWERED}
    assert replies[0].error == "no answer within 0.5 s" and replies[0].elapsed_ms >= 500
    assert 0.5 <= elapsed < 30
    release.set()


def test_a_timeout_of_zero_or_less_never_blocks(fanout: Fanout, release: threading.Event) -> None:
    for timeout in (0, -3):
        (reply,) = fanout.ask({"hung": hang(release)}, timeout=timeout)
        assert reply.verdict is Verdict.LATE
    release.set()


def test_a_source_whose_slots_all_hang_is_busy_at_once(
    fanout: Fanout, release: threading.Event
) -> None:
    for _ in range(2):
        assert verdicts(fanout.ask({"hung": hang(release)}, timeout=SOON)) == {"hung": "late"}
    asked = []
    begin = time.monotonic()
    replies = fanout.ask({"hung": lambda: asked.append(1), "good": lambda: [1]}, timeout=PATIENCE)
    assert time.monotonic() - begin < PATIENCE / 2
    assert verdicts(replies) == {"hung": Verdict.BUSY, "good": Verdict.ANSWERED}
    assert not asked and "2 slots" in str(replies[0].error)
    release.set()


def test_calls_that_never_end_give_their_slots_back_after_long_but_not_for_ever(
    release: threading.Event,
) -> None:
    clock = ManualClock()
    fanout = Fanout(slots=2, clock=clock)

    def verdict(call: Callable[[], list[object]], timeout: float) -> str:
        return str(fanout.ask({"s": call}, timeout=timeout)[0].verdict)

    for _ in range(2):
        assert verdict(hang(release), SOON) == "late"
    clock.advance(1)
    assert verdict(lambda: [1], SOON) == "busy"
    clock.advance(module.LOST_SECONDS)
    for _ in range(2):
        assert verdict(lambda: [1], PATIENCE) == "answered", "it is well again, and is asked"
        while len(fanout._bulkheads["s"].running) > 1:  # the slot is free a moment later
            time.sleep(0.001)
        assert verdict(hang(release), SOON) == "late"
    clock.advance(module.LOST_SECONDS + 1)
    assert verdict(lambda: [1], SOON) == "busy", "as many as there are slots are lost"
    assert fanout.thread_count <= 5, "twice the slots, and one that may be ending"
    release.set()
    assert fanout.close()
    assert not any(b.running or b.lost for b in fanout._bulkheads.values())


def test_a_source_that_recovers_is_asked_again(fanout: Fanout, release: threading.Event) -> None:
    done = threading.Semaphore(0)

    def slow() -> list[str]:
        release.wait(PATIENCE)
        done.release()
        return ["x"]

    for _ in range(2):
        fanout.ask({"s": slow}, timeout=SOON)
    release.set()
    assert done.acquire(timeout=PATIENCE) and done.acquire(timeout=PATIENCE)
    # The slots are free a moment after the calls returned.
    while verdicts(replies := fanout.ask({"s": lambda: [1]}, timeout=PATIENCE))["s"] == "busy":
        assert not fanout._is_closed
    assert verdicts(replies) == {"s": Verdict.ANSWERED}


def test_a_question_waits_for_a_slot_that_is_not_hung(release: threading.Event) -> None:
    fanout = Fanout(slots=1)
    started, answers = threading.Event(), []

    def first() -> list[int]:
        started.set()
        release.wait(PATIENCE)
        return [1]

    asker = threading.Thread(target=lambda: answers.extend(fanout.ask({"s": first}, timeout=9)))
    asker.start()
    assert started.wait(PATIENCE)
    waiting = fanout.stream({"s": lambda: [2]}, timeout=9)
    threading.Timer(SOON, release.set).start()
    assert [reply.value for reply in waiting] == [[2]]
    asker.join(PATIENCE)
    assert [reply.value for reply in answers] == [[1]]
    assert fanout.thread_count == 1, "the slot and its thread passed on"
    assert fanout.close()


def test_a_question_that_never_got_a_slot_is_busy_not_late(release: threading.Event) -> None:
    clock = ManualClock()  # stands still: the first call never outlives its deadline
    fanout = Fanout(slots=1, clock=clock)
    fanout.ask({"s": hang(release)}, timeout=SOON)
    asked = []
    (reply,) = fanout.ask({"s": lambda: asked.append(1)}, timeout=SOON)
    assert reply.verdict is Verdict.BUSY and not asked
    clock.advance(1)
    (reply,) = fanout.ask({"s": lambda: asked.append(1)}, timeout=PATIENCE)
    assert reply.verdict is Verdict.BUSY, "hung by now, so at once"
    release.set()
    assert fanout.close()
    assert not asked, "a question that was given up is never asked"


def test_idle_threads_are_used_again(fanout: Fanout) -> None:
    for _ in range(50):
        fanout.ask({"a": lambda: [1], "b": lambda: [2]}, timeout=PATIENCE)
    assert fanout.thread_count <= 4  # 2 sources of 2 slots
    many = Fanout(slots=16)
    for _ in range(50):
        many.ask({"a": lambda: [1]}, timeout=PATIENCE)
    assert many.thread_count <= 2  # one may still be putting its slot back
    assert many.close()


def test_a_thread_that_is_idle_for_long_ends(
    fanout: Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", SOON)
    assert verdicts(fanout.ask({"a": lambda: [1]}, timeout=PATIENCE)) == {"a": "answered"}
    for thread in list(fanout._threads):
        thread.join(PATIENCE)
    assert fanout.thread_count == 0
    assert verdicts(fanout.ask({"a": lambda: [1]}, timeout=PATIENCE)) == {"a": "answered"}


def test_threads_never_exceed_the_slots(fanout: Fanout, release: threading.Event) -> None:
    questions = {name: hang(release) for name in "abc"}
    for _ in range(5):
        fanout.ask(questions, timeout=0)
    assert fanout.thread_count <= 6
    release.set()


def test_replies_stream_as_they_are_known(fanout: Fanout, release: threading.Event) -> None:
    stream = fanout.stream({"slow": hang(release), "quick": lambda: [1]}, timeout=PATIENCE)
    assert next(stream).name == "quick"
    release.set()
    assert next(stream).value == ["too late"]
    assert list(stream) == []


def test_whoever_stops_iterating_gives_up_the_rest(release: threading.Event) -> None:
    fanout = Fanout(slots=1)
    asked = []
    stream = fanout.stream({"a": hang(release), "b": lambda: [1]}, timeout=PATIENCE)
    assert next(stream).name == "b"
    queued = fanout.stream({"b": lambda: [1], "a": lambda: asked.append(1)}, timeout=PATIENCE)
    assert next(queued).name == "b"
    queued.close()
    stream.close()
    release.set()
    assert fanout.close()
    assert not asked


def test_a_source_that_exits_the_program_is_only_failed(fanout: Fanout) -> None:
    def leave() -> None:
        raise SystemExit("bye")

    (reply,) = fanout.ask({"s": leave}, timeout=PATIENCE)
    assert reply.verdict is Verdict.FAILED and reply.error == "SystemExit: bye"


def test_a_call_that_is_cancelled_inside_gives_its_slot_back(fanout: Fanout) -> None:
    def cancelled() -> None:
        raise CancelledError("gone")  # of asyncio; no Exception

    for _ in range(3):  # one more than there are slots
        (reply,) = fanout.ask({"s": cancelled}, timeout=PATIENCE)
        assert reply.verdict is Verdict.FAILED and reply.error == "CancelledError: gone"


def test_an_error_is_logged_once_with_the_name_of_its_source(
    fanout: Fanout, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("gone")

    with caplog.at_level(logging.INFO):
        fanout.ask({"crm": fail}, timeout=PATIENCE)
    (record,) = caplog.records
    assert record.getMessage() == "source crm failed" and record.exc_info is not None


def test_secrets_in_errors_are_masked_and_long_ones_cut() -> None:
    assert describe(PelagosError("cannot reach http://joe:pw@crm/")) == (
        "cannot reach http://***@crm/"
    )
    assert len(describe(ValueError("x" * 10_000))) == 300
    assert describe(ValueError()) == "ValueError"


def test_an_error_without_text_of_its_own_is_still_described() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("broken too")

    assert describe(Broken()) == "Broken"


def test_after_close_nothing_is_asked() -> None:
    fanout = Fanout()
    fanout.ask({"a": lambda: [1]}, timeout=PATIENCE)
    assert fanout.close()
    assert fanout.thread_count == 0
    with pytest.raises(FanoutClosedError):
        fanout.ask({"a": lambda: [1]}, timeout=PATIENCE)
    assert fanout.close(), "closing twice is fine"


def test_close_does_not_wait_for_a_hung_source(
    release: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    fanout = Fanout()
    fanout.ask({"hung": hang(release)}, timeout=SOON)
    assert not fanout.close(timeout=SOON)
    assert "hung" in caplog.text
    release.set()
    assert fanout.close()


def test_a_machine_without_threads_fails_the_question_and_not_the_caller(
    fanout: Fanout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        (reply,) = fanout.ask({"s": lambda: [1]}, timeout=PATIENCE)
    assert reply.verdict is Verdict.FAILED and "no thread" in str(reply.error)
    assert verdicts(fanout.ask({"s": lambda: [1]}, timeout=PATIENCE)) == {"s": "answered"}


def test_many_askers_at_once_all_get_their_own_answers() -> None:
    fanout = Fanout(slots=3)
    wrong: list[object] = []

    def asker(number: int) -> None:
        for round_number in range(20):
            expected = (number, round_number)
            question = partial(list, [expected])
            replies = fanout.ask(dict.fromkeys("abcd", question), timeout=PATIENCE)
            wrong.extend(reply for reply in replies if reply.value != [expected])

    threads = [threading.Thread(target=asker, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 3)
    assert wrong == []
    assert fanout.thread_count <= 12
    assert fanout.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["answers", "empty", "raises", "hangs"]), max_size=8))
def test_every_question_has_exactly_one_reply_whatever_the_sources_do(kinds: list[str]) -> None:
    release = threading.Event()
    expected = {
        "answers": {Verdict.ANSWERED},
        "empty": {Verdict.EMPTY},
        "raises": {Verdict.FAILED},
        "hangs": {Verdict.LATE},
    }

    def make(kind: str) -> Callable[[], object]:
        def call() -> object:
            if kind == "raises":
                raise ValueError(kind)
            if kind == "hangs":
                release.wait(PATIENCE)
            return [kind] if kind == "answers" else []

        return call

    fanout = Fanout(slots=1)
    try:
        # With one that hangs the deadline is short, so on a busy machine others may be late, too.
        timeout = SOON * 5 if "hangs" in kinds else PATIENCE
        replies = fanout.ask(
            {f"{kind} {n}": make(kind) for n, kind in enumerate(kinds)}, timeout=timeout
        )
    finally:
        release.set()
    assert [r.name for r in replies] == [f"{kind} {n}" for n, kind in enumerate(kinds)]
    may_be_late = {Verdict.LATE} if "hangs" in kinds else set()
    assert all(r.verdict in expected[k] | may_be_late for r, k in zip(replies, kinds, strict=True))
    assert all((r.error is None) == (r.verdict in {"answered", "empty"}) for r in replies)
    assert fanout.close()


def test_after_a_rush_a_trickle_does_not_keep_the_threads(
    monkeypatch: pytest.MonkeyPatch, release: threading.Event
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.3)
    fanout = Fanout()
    rush = fanout.stream({str(n): hang(release) for n in range(20)}, PATIENCE)
    while fanout.thread_count < 20:
        time.sleep(0.001)
    release.set()
    assert len(list(rush)) == 20
    ends = time.monotonic() + PATIENCE
    while fanout.thread_count > 5 and time.monotonic() < ends:
        fanout.ask({"a": lambda: [1]}, timeout=PATIENCE)  # hundreds in the time of one's idleness
    assert fanout.thread_count <= 5
    assert fanout.close()
