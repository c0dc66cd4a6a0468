"""What services ask sources with: deadlines, bulkheads, circuit breakers, and stale answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.fanout import Fanout, FanoutClosedError
from pelagos.core.verdict import Reply, Verdict, describe, log_failure, verdict_on
from pelagos.core.wanted import wanted_while
from pelagos.directory.asking.breaker import Breaker
from pelagos.directory.asking.memory import Memory
from pelagos.directory.asking.pace import Pace
from pelagos.directory.errors import NotForAskerError, RequestError
from pelagos.directory.former import listening
from pelagos.directory.model import Asker, SourceAnswer, SourceResult, SourceVerdict
from pelagos.directory.sources import Source

T = TypeVar("T")

_NOT_THERE = "no source of this name is configured"


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer is remembered by, for sources that may answer with a stale one.

    What a source said to one person is repeated to nobody else, unless its back-end says that it
    tells everyone the same (`tells_everyone_the_same = True`). Another source of the same name
    has nothing of the former's.

    Attributes:
        what: the method and what is looked for.
    """

    what: Hashable
    asker: Asker

    def of(self, source: Source) -> Hashable:
        """The same as a key of one source's answers."""
        if getattr(source.plugin, "tells_everyone_the_same", False) is True:
            return (source, self.what)
        return (source, self.what, self.asker.token, self.asker.user, self.asker.tenant)


class Asking:
    """Questions to the sources of one directory; safe to share between threads.

    Every source that is named in a question gets a verdict, whatever happens to it. A call is
    made in another thread, unless the back-end says that it answers from memory
    (`answers_from_memory = True`) and has lately done so at once.

    Args:
        sources: those that are there, by name; may change between two questions.
        failures: why the others are not, by name; may change, too.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        failures: Mapping[str, str],
        fanout: Fanout,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.sources = sources
        self.failures = failures
        self.fanout = fanout
        self.clock = clock or SystemClock()
        self.memory = Memory(self.clock)
        self.pace = Pace(self.clock)
        self._breakers: dict[str, Breaker] = {}

    def ask(
        self,
        calls: Mapping[str, Callable[[Source], list[SourceResult]]],
        timeout: float,
        question: Question | None = None,
    ) -> tuple[SourceAnswer, ...]:
        """One answer per source, in the order of the calls, after `timeout` seconds at the latest.

        Args:
            calls: what to ask of each source, by its name; the results are lists, no generators.
            timeout: seconds for all; a source may have a shorter `timeout` of its own.
            question: what makes a later question the same as this one; without it, nothing is
                remembered.
        """
        answers = {answer.verdict.name: answer for answer in self.stream(calls, timeout, question)}
        return tuple(answers[name] for name in calls)

    def stream(
        self,
        calls: Mapping[str, Callable[[Source], list[SourceResult]]],
        timeout: float,
        question: Question | None = None,
    ) -> Generator[SourceAnswer, None, None]:
        """The same answers, each as soon as it is known; asked when the first is wanted.

        Whoever stops iterating gives up the rest.
        """
        for reply in self.replies(calls, timeout, question):
            yield SourceAnswer(verdict_of(reply), tuple(reply.value or ()))

    def replies(
        self,
        calls: Mapping[str, Callable[[Source], T]],
        timeout: float,
        question: Question | None = None,
    ) -> Generator[Reply[T], None, None]:
        """The same for calls whose values are no lists of results."""
        yield from _Round(self, calls, timeout, question).replies()

    def breaker(self, name: str) -> Breaker:
        """The circuit breaker of a source."""
        return self._breakers.get(name) or self._breakers.setdefault(name, Breaker(self.clock))

    def changed(self, name: str, former: Source | None) -> None:
        """Hear that there is another source of this name now, or none.

        How the former did, and what it said, counts for nothing any more.
        """
        self._breakers.pop(name, None)
        self.pace.forget(name)
        self.memory.forget(lambda question: isinstance(question, tuple) and question[0] is former)
        source = self.sources.get(name)
        self.fanout.set_slots(name, None if source is None else source.settings.slots)


def verdict_of(reply: Reply[Any]) -> SourceVerdict:
    """A reply without its value."""
    return SourceVerdict(reply.name, reply.verdict, round(reply.elapsed_ms, 1), reply.error)


class _Round(Generic[T]):
    """One question to its sources: what is refused, what is answered at once, what is awaited."""

    def __init__(
        self,
        asking: Asking,
        calls: Mapping[str, Callable[[Source], T]],
        timeout: float,
        question: Question | None,
    ) -> None:
        self._all = asking
        self._question = question
        self._asked = asking.clock.monotonic()
        self._timeout = timeout
        self._refused: list[Reply[T]] = []
        self._quick: dict[str, Callable[[], T]] = {}
        self._threaded: dict[str, Callable[[], T]] = {}
        self._limits: dict[str, float] = {}
        self._sources: dict[str, Source] = {}  # as they were when they were asked
        self._excused: set[str] = set()  # sources that refused the asker, not the question
        self._former: dict[str, str] = {}  # sources that answer from a former state, and why
        for name, call in calls.items():
            self._sort(name, call)

    def replies(self) -> Generator[Reply[T], None, None]:
        """Every source's, each as soon as it is known."""
        try:
            waiting = self._all.fanout.stream(self._threaded, self._timeout, self._limits)
        except FanoutClosedError as error:
            raise RequestError(
                ["the directory is ending; ask again in a moment"], status=503
            ) from error
        unsettled = set(self._threaded)
        try:
            yield from self._refused
            for name, call in self._quick.items():
                yield self._or_stale(self._answer_at_once(name, call))
            for reply in waiting:
                unsettled.discard(reply.name)
                self._note(reply)
                yield self._or_stale(reply)
        finally:
            waiting.close()
            for name in unsettled:
                self._all.breaker(name).abandoned()

    def _sort(self, name: str, call: Callable[[Source], T]) -> None:
        source = self._all.sources.get(name)
        if source is None:
            reason = self._all.failures.get(name, _NOT_THERE)
            self._refused.append(Reply(name, Verdict.FAILED, 0.0, None, reason))
            return
        self._sources[name] = source
        limit = min(self._timeout, source.settings.timeout or self._timeout)
        if source.answers_from_memory:
            is_quick = self._all.pace.is_quick(name)
            where = self._quick if is_quick else self._threaded
            where[name] = self._call(source, call, is_measured=True)
        elif (refusal := self._all.breaker(name).refusal(limit)) is not None:
            reply: Reply[T] = Reply(name, Verdict.OPEN, 0.0, None, str(refusal))
            self._refused.append(self._or_stale(reply))
        else:
            self._threaded[name] = self._call(source, call)
        self._limits[name] = limit

    def _call(
        self, source: Source, call: Callable[[Source], T], *, is_measured: bool = False
    ) -> Callable[[], T]:
        """The call and what else happens where it is made, though its answer may come too late."""

        def made() -> T:
            measured = self._all.pace.measured(source.name) if is_measured else nullcontext()
            try:
                with listening() as former, measured:
                    value = call(source)
            except NotForAskerError:
                self._excused.add(source.name)
                raise
            if former:
                self._former[source.name] = former[0]
            elif self._question is not None and source.settings.stale:
                self._all.memory.keep(self._question.of(source), value)
            return value

        return made

    def _answer_at_once(self, name: str, call: Callable[[], T]) -> Reply[T]:
        limit = self._limits[name]

        def has_time() -> bool:
            return self._elapsed() <= limit

        value: T | None = None
        error: str | None = None
        if has_time():
            try:
                with wanted_while(has_time):
                    value = call()
            except BaseException as raised:  # noqa: BLE001  # the boundary, as in core.fanout
                log_failure(name, raised)
                error = describe(raised)
        ms = self._elapsed() * 1000
        if not has_time():  # a call of much work has stopped in the middle of it
            return Reply(name, Verdict.LATE, ms, None, f"no answer within {limit:g} s")
        verdict = verdict_on(value) if error is None else Verdict.FAILED
        return Reply(name, verdict, ms, value, error)

    def _note(self, reply: Reply[T]) -> None:
        """Tell the breaker of the source."""
        breaker = self._all.breaker(reply.name)
        if reply.verdict in {Verdict.ANSWERED, Verdict.EMPTY} or reply.name in self._excused:
            breaker.succeeded()
        else:
            has_failed = reply.verdict is Verdict.FAILED
            waited = None if has_failed else self._limits[reply.name]
            breaker.failed(reply.error or "", self._asked, waited)

    def _or_stale(self, reply: Reply[T]) -> Reply[T]:
        """The reply; where there is no answer but a former one that may stand in, that one."""
        if reply.verdict in {Verdict.ANSWERED, Verdict.EMPTY}:
            reason = self._former.get(reply.name)
            return reply if reason is None else replace(reply, verdict=Verdict.STALE, error=reason)
        if self._question is None:
            return reply
        source = self._sources[reply.name]
        if not source.settings.stale or reply.name in self._excused:
            return reply
        held = self._all.memory.recall(self._question.of(source), source.settings.stale)
        if held is None:
            return reply
        age, value = held
        error = f"answered {age:.0f} s ago; now: {reply.error}"
        return replace(reply, verdict=Verdict.STALE, value=value, error=error)

    def _elapsed(self) -> float:
        return self._all.clock.monotonic() - self._asked
