"""directory.asking: breakers, stale answers, deadlines of single sources, answers from memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.core.clock import ManualClock
from pelagos.core.fanout import Fanout
from pelagos.directory.asking import Asking, Question
from pelagos.directory.asking.breaker import FAILURES, Breaker
from pelagos.directory.asking.memory import Memory
from pelagos.directory.asking.pace import QUICK, Pace
from pelagos.directory.errors import NotForAskerError, RequestError
from pelagos.directory.former import is_former
from pelagos.directory.model import Asker, SourceAnswer, SourceResult
from pelagos.directory.settings import SourceSettings
from pelagos.directory.sources import Source

PATIENCE = 60.0
SHORT = 0.1


class Plugin:
    """A back-end whose search is given."""

    def __init__(self, search: Callable[[str], Any], **attributes: Any) -> None:
        self.search = search
        vars(self).update(attributes)


class House:
    """An `Asking` over sources that the test adds."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.fanout = Fanout(slots=4)
        self.sources: dict[str, Source] = {}
        self.asking = Asking(self.sources, {}, self.fanout, clock=self.clock)

    def add(
        self, name: str, search: Callable[[str], Any], *, stale: float | None = None, **plugin: Any
    ) -> None:
        settings = SourceSettings(name, "test", {}, stale=stale)
        self.sources[name] = Source(settings, Plugin(search, **plugin))

    def ask(
        self, term: str = "x", timeout: float = PATIENCE, who: Asker | None = None
    ) -> dict[str, SourceAnswer]:
        def search(source: Source) -> list[SourceResult]:
            return source.search(term)

        calls = dict.fromkeys(self.sources, search)
        answers = self.asking.ask(calls, timeout, Question(term, who or Asker()))
        return {answer.verdict.name: answer for answer in answers}

    def verdict(self, name: str, **how: Any) -> str:
        return str(self.ask(**how)[name].verdict.verdict)


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    assert house.fanout.close(PATIENCE)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Switch:
    """A source that fails until it is mended."""

    def __init__(self) -> None:
        self.is_broken = True
        self.asked = 0

    def __call__(self, term: str) -> list[dict[str, str]]:
        self.asked += 1
        if self.is_broken:
            raise OSError("gone")
        return [{"name": term}]


# ---- the breaker -------------------------------------------------------------------------------


def test_a_source_that_fails_again_and_again_is_left_alone_and_tried_again(house: House) -> None:
    switch = Switch()
    house.add("crm", switch)
    house.add("good", lambda _term: [{"name": "here"}])
    assert [house.verdict("crm") for _ in range(7)] == ["failed"] * FAILURES + ["open"] * 2
    assert switch.asked == FAILURES
    answers = house.ask()
    assert answers["good"].verdict.verdict == "answered"
    error = str(answers["crm"].verdict.error)
    assert "5 failures in a row" in error and "1.0 s" in error and "OSError: gone" in error
    house.clock.advance(1.1)
    assert [house.verdict("crm") for _ in range(2)] == ["failed", "open"], "one trial"
    house.clock.advance(1.1)
    assert house.verdict("crm") == "open", "it is left alone for longer each time"
    house.clock.advance(1)
    switch.is_broken = False
    assert [house.verdict("crm") for _ in range(3)] == ["answered"] * 3


def test_only_failures_in_a_row_count(house: House) -> None:
    switch = Switch()
    house.add("crm", switch)
    for _ in range(4):
        switch.is_broken = True
        assert {house.verdict("crm") for _ in range(FAILURES - 1)} == {"failed"}
        switch.is_broken = False
        assert house.verdict("crm") == "answered"


def test_a_refused_asker_does_not_close_a_source_to_the_others(house: House) -> None:
    def refuse(_term: str) -> list[Any]:
        raise NotForAskerError("who are you?")

    house.add("plane", refuse)
    assert {house.verdict("plane") for _ in range(FAILURES * 3)} == {"failed"}


def test_a_memory_that_fails_is_asked_each_time(house: House) -> None:
    switch = Switch()
    house.add("csv", switch, answers_from_memory=True)
    assert {house.verdict("csv") for _ in range(FAILURES * 3)} == {"failed"}
    switch.is_broken = False
    assert house.verdict("csv") == "answered"


def test_a_source_too_slow_for_one_profile_is_still_asked_for_a_patient_one() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.refusal(0.1) is None
        breaker.failed("no answer within 0.1 s", clock.monotonic(), 0.1)
    assert breaker.refusal(0.1) is not None
    assert breaker.refusal(5.0) is None
    breaker.failed("no answer within 5 s", clock.monotonic(), 5.0)
    assert breaker.refusal(5.0) is not None, "not patient enough, either"
    clock.advance(10)
    assert breaker.refusal(5.0) is None
    breaker.succeeded()
    assert breaker.refusal(0.1) is None


def test_only_one_question_at_a_time_tries_a_source_that_was_left_alone() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.failed("gone", clock.monotonic())
    clock.advance(1.5)
    assert breaker.refusal(2.0) is None
    assert "being tried now" in str(breaker.refusal(2.0))
    breaker.abandoned()
    assert breaker.refusal(2.0) is None, "the one that tried was given up"
    clock.advance(2.5)
    assert breaker.refusal(2.0) is None, "a trial whose end nobody tells does not last for ever"


def test_questions_on_their_way_when_a_breaker_opens_do_not_lengthen_its_pause() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    asked = clock.monotonic()
    clock.advance(2)
    for _ in range(40):
        breaker.failed("late", asked, 2.0)
    clock.advance(1.1)
    assert breaker.refusal(2.0) is None


@given(st.lists(st.sampled_from(["error", "late", "pass"]), max_size=60))
def test_a_source_is_always_tried_again_within_half_a_minute(events: list[str]) -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for event in events:
        if breaker.refusal(1.0) is None:
            if event == "error":
                breaker.failed("gone", clock.monotonic())
            elif event == "late":
                breaker.failed("late", clock.monotonic(), 1.0)
            else:
                breaker.abandoned()
        else:
            clock.advance(0.7)
    clock.advance(30)
    assert breaker.refusal(1.0) is None
    breaker.succeeded()
    assert all(breaker.refusal(1.0) is None for _ in range(3))


# ---- stale answers -----------------------------------------------------------------------------


def test_a_former_answer_stands_in_where_the_source_allows_it(house: House) -> None:
    switch = Switch()
    switch.is_broken = False
    house.add("crm", switch, stale=60)
    house.add("plain", switch)
    assert house.verdict("crm") == "answered"
    switch.is_broken = True
    house.clock.advance(12)
    answers = house.ask()
    assert answers["plain"].verdict.verdict == "failed" and not answers["plain"].results
    assert answers["crm"].verdict.verdict == "stale"
    assert not answers["crm"].verdict.has_answered
    assert [r.fields["name"] for r in answers["crm"].results] == ["x"]
    assert answers["crm"].verdict.error == "answered 12 s ago; now: OSError: gone"
    for _ in range(FAILURES):
        assert house.verdict("crm") == "stale", "left alone, too"
    assert house.verdict("crm", term="y") == "open", "that was never asked"
    house.clock.advance(49)
    assert house.verdict("crm") in {"failed", "open"}, "too old"


def test_an_empty_answer_stands_in_as_an_empty_one(house: House) -> None:
    answers: list[Any] = [[], OSError("gone")]

    def search(_term: str) -> list[Any]:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return list(answer)

    house.add("crm", search, stale=60)
    assert house.verdict("crm") == "empty"
    answer = house.ask()["crm"]
    assert answer.verdict.verdict == "stale" and answer.results == ()


def test_what_was_said_to_one_person_is_repeated_to_no_other(house: House) -> None:
    ada = Asker("token-a", {"xivo_user_uuid": "ada"})
    bob = Asker("token-b", {"xivo_user_uuid": "bob"})
    same = Switch()
    same.is_broken = False
    house.add("personal", same, stale=60)
    house.add("ldap", same, stale=60, tells_everyone_the_same=True)
    house.ask(who=ada)
    same.is_broken = True
    assert house.ask(who=ada)["personal"].verdict.verdict == "stale"
    assert house.ask(who=ada.on_behalf_of("carl"))["personal"].verdict.verdict == "failed"
    answers = house.ask(who=bob)
    assert answers["personal"].verdict.verdict == "failed"
    assert answers["ldap"].verdict.verdict == "stale"


def test_a_refused_asker_gets_no_former_answer(house: House) -> None:
    refusing: list[int] = []

    def search(_term: str) -> list[dict[str, str]]:
        if refusing:
            raise NotForAskerError("your right is gone")
        return [{"name": "secret"}]

    house.add("plane", search, stale=60)
    assert house.verdict("plane") == "answered"
    refusing.append(1)
    answer = house.ask()["plane"]
    assert answer.verdict.verdict == "failed" and answer.results == ()


def test_an_answer_that_came_too_late_stands_in_for_the_next_one(house: House) -> None:
    done, go_on = threading.Event(), threading.Event()
    asked: list[int] = []

    def slow(_term: str) -> list[dict[str, str]]:
        asked.append(1)
        if len(asked) > 1:
            raise OSError("gone")
        go_on.wait(PATIENCE)
        return [{"name": "late"}]

    keep = house.asking.memory.keep

    def kept(*args: Any) -> None:
        keep(*args)
        done.set()

    house.asking.memory.keep = kept  # type: ignore[method-assign]
    house.add("crm", slow, stale=60)
    house.clock.advance(1)
    assert house.verdict("crm", timeout=SHORT) == "late"
    go_on.set()
    assert done.wait(PATIENCE)
    answer = house.ask()["crm"]
    assert answer.verdict.verdict == "stale" and answer.results[0].fields["name"] == "late"


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory = Memory(ManualClock(), capacity=100)
    for number in range(1000):
        memory.keep(number, ["row"] * 9)
    assert memory._size <= 100 and len(memory._held) == 10
    assert memory.recall(0, 60) is None and memory.recall(999, 60) is not None
    memory.keep(999, ["row"] * 50)
    assert memory.recall(999, 60) is None, "one too large pushes nothing out, and is not kept"
    assert memory.recall(998, 60) is not None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=80))
def test_the_memory_never_exceeds_its_capacity(kept: list[tuple[int, int]]) -> None:
    memory = Memory(ManualClock(), capacity=50)
    for question, size in kept:
        memory.keep(question, [None] * size)
        assert memory._size == sum(held[1] for held in memory._held.values()) <= 50


# ---- deadlines, threads ------------------------------------------------------------------------


def test_a_source_may_have_a_shorter_deadline_of_its_own(
    house: House, release: threading.Event
) -> None:
    def hang(_term: str) -> list[Any]:
        release.wait(PATIENCE)
        return []

    house.sources["slow"] = Source(SourceSettings("slow", "x", {}, timeout=SHORT), Plugin(hang))
    waited = threading.Event()

    def wait_for_the_other(_term: str) -> list[Any]:
        return [{"name": "patient"}] if waited.wait(PATIENCE) else []

    house.add("patient", wait_for_the_other)
    stream = house.asking.stream(
        {name: lambda s: s.search("x") for name in house.sources}, PATIENCE
    )
    first = next(stream).verdict
    assert (first.name, first.verdict) == ("slow", "late")
    assert first.error == f"no answer within {SHORT:g} s"
    waited.set()
    assert next(stream).verdict.verdict == "answered"
    stream.close()


def test_a_source_that_answers_from_memory_is_asked_in_the_same_thread(house: House) -> None:
    threads: dict[str, int] = {}

    def note(name: str) -> Callable[[str], list[Any]]:
        def search(_term: str) -> list[Any]:
            threads[name] = threading.get_ident()
            return []

        return search

    house.add("csv", note("csv"), answers_from_memory=True)
    house.add("ldap", note("ldap"))
    house.ask()
    assert threads["csv"] == threading.get_ident() != threads["ldap"]


def test_a_memory_that_takes_long_is_asked_in_another_thread_until_it_is_quick(
    house: House,
) -> None:
    threads: list[int] = []
    seconds = [QUICK * 2, QUICK * 2, 0.0, 0.0]

    def search(_term: str) -> list[Any]:
        threads.append(threading.get_ident())
        house.clock.advance(seconds[len(threads) - 1])
        return []

    house.add("csv", search, answers_from_memory=True)
    for _ in range(4):
        house.ask()
    here = threading.get_ident()
    assert [thread == here for thread in threads] == [True, False, False, True]


def test_a_memory_that_hangs_holds_only_those_who_came_at_once() -> None:
    clock = ManualClock()
    pace = Pace(clock)
    with pace.measured("csv"):
        assert pace.is_quick("csv")
        clock.advance(QUICK * 2)
        assert not pace.is_quick("csv") and pace.is_quick("other")


def test_a_memory_is_not_asked_after_the_deadline(house: House) -> None:
    def slow(_term: str) -> list[Any]:
        house.clock.advance(PATIENCE * 2)
        return [{"name": "slow"}]

    house.add("first", slow, answers_from_memory=True)
    house.add("second", slow, answers_from_memory=True)
    answers = house.ask()
    assert answers["second"].verdict.verdict == "late" and not answers["second"].results


def test_an_error_in_memory_is_masked_and_its_own(house: House) -> None:
    def fail(_term: str) -> list[Any]:
        raise SystemExit("cannot reach http://joe:pw@crm/")

    house.add("csv", fail, answers_from_memory=True)
    house.add("good", lambda _term: [{"name": "here"}], answers_from_memory=True)
    answers = house.ask()
    assert answers["csv"].verdict.error == "SystemExit: cannot reach http://***@crm/"
    assert answers["good"].verdict.verdict == "answered"


def test_every_source_gets_a_verdict_in_the_order_of_the_calls(house: House) -> None:
    house.add("b", lambda _term: [])
    house.add("a", lambda _term: [{"name": "x"}], answers_from_memory=True)
    calls = dict.fromkeys(["gone", "b", "a"], lambda source: source.search("x"))
    answers = house.asking.ask(calls, PATIENCE)
    assert [(a.verdict.name, a.verdict.verdict) for a in answers] == [
        ("gone", "failed"), ("b", "empty"), ("a", "answered"),
    ]  # fmt: skip
    assert answers[0].verdict.error == "no source of this name is configured"


def test_whoever_stops_listening_gives_up_the_rest(house: House, release: threading.Event) -> None:
    def hang(_term: str) -> list[Any]:
        release.wait(PATIENCE)
        return []

    house.add("hung", hang)
    house.add("good", lambda _term: [{"name": "x"}])
    for _ in range(FAILURES * 2):
        stream = house.asking.stream(
            dict.fromkeys(house.sources, lambda source: source.search("x")), SHORT
        )
        assert next(stream).verdict.name == "good"
        stream.close()
    release.set()


def test_a_question_while_the_directory_ends_is_refused_for_now(house: House) -> None:
    house.add("good", lambda _term: [])
    house.fanout.close()
    with pytest.raises(RequestError) as caught:
        house.ask()
    assert caught.value.status == 503


def test_many_results_stop_to_be_made_when_nobody_waits(house: House) -> None:
    made = threading.Event()
    count = [0]

    def endless(_term: str) -> Iterator[dict[str, str]]:
        try:
            while True:
                count[0] += 1
                if count[0] > 2000:
                    made.wait(PATIENCE)
                yield {"name": "x"}
        finally:
            made.set()

    house.add("enormous", endless)
    assert house.verdict("enormous", timeout=SHORT) == "late"
    made.set()
    assert house.fanout.close(PATIENCE)
    assert count[0] < 3000, "far from the most that a source may give"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                None, 7, "text", b"", {}, {"a": 1}, [3], [None], [{}], [{"name": None}], (),
                {1: 2}, [[1]], [{1: 2}], float("nan"), object(), [b""], range(3), iter([{"n": 1}]),
            ]
        ),
        max_size=4,
    )
)  # fmt: skip
def test_garbage_is_a_verdict_and_never_an_error(kinds: list[Any]) -> None:
    house = House()
    for number, garbage in enumerate(kinds):
        house.add(
            f"s{number}",
            lambda _term, garbage=garbage: garbage,
            answers_from_memory=bool(number % 2),
        )
    house.add("good", lambda _term: [{"name": "here"}])
    answers = house.ask()
    assert len(answers) == len(kinds) + 1
    assert [r.fields["name"] for r in answers["good"].results] == ["here"]
    assert all(a.verdict.verdict in {"answered", "empty", "failed"} for a in answers.values())
    assert house.fanout.close(PATIENCE)


@pytest.mark.parametrize("memory", [True, False])
def test_a_back_end_that_answers_from_a_former_state_is_stale_and_well(
    house: House, memory: bool
) -> None:
    news = ["the list is being read"] * (FAILURES + 1)

    def search(term: str) -> list[dict[str, str]]:
        if news:
            is_former(news.pop())
        return [{"name": term}]

    house.add("book", search, stale=60, answers_from_memory=memory)
    for _ in range(FAILURES + 1):
        answer = house.ask()["book"]
        assert answer.verdict.verdict == "stale" and len(answer.results) == 1
        assert answer.verdict.error == "the list is being read"
    assert house.verdict("book") == "answered"


def test_many_results_from_memory_are_given_up_at_the_deadline(house: House) -> None:
    given = []

    def search(_term: str) -> Iterator[dict[str, str]]:
        for number in range(50_000):
            given.append(number)
            if number == 2000:
                house.clock.advance(2 * PATIENCE)
            yield {"name": str(number)}

    house.add("csv", search, answers_from_memory=True)
    answer = house.ask()["csv"]
    assert answer.verdict.verdict == "late" and answer.results == ()
    assert 2000 < len(given) < 5000
