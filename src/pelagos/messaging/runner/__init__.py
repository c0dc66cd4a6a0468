"""Runs processors until they are told to end: in threads, in processes, in event loops.

    run(lambda: Lights(fingerprint, bus=bus), Crew(threads=4))

SIGTERM or SIGINT lets every worker finish the message in hand, within `grace` seconds; a second
signal ends the program at once. The command `quit` ends the process that it reaches, `restart`
replaces it by a fresh one. Admission rule: what keeps workers alive, and nothing of messages.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock, SystemClock
from pelagos.messaging.errors import LoginError, MessagingError
from pelagos.messaging.processor.restart import restart_process
from pelagos.messaging.runner.event_loop import serve
from pelagos.messaging.runner.hands import Notes, Post
from pelagos.messaging.runner.interrupts import Interrupts
from pelagos.messaging.runner.processes import (
    OVERDUE_CODE,
    RESTART_CODE,
    Supervisor,
)
from pelagos.messaging.runner.target import NotMadeError, Target
from pelagos.messaging.runner.team import Ending, Make, Team, Worker

__all__ = ["Crew", "Ending", "Make", "Target", "Worker", "run", "serve"]

log = logging.getLogger(__name__)

#: One death tells not which of the messages in hand killed.
DEATHS_HINT = "make it 2 or more, or 0 for any number"
_FAREWELL = 1.0  # seconds for a thread that has said that it ends


@dataclass(frozen=True, slots=True)
class Crew:
    """How many work.

    Attributes:
        processes: worker processes; 0 works in this one.
        threads: workers in each process, each with a connection of its own.
        concurrency: messages at once in each worker, in an event loop, for `async def` handlers;
            0 handles one at a time without a loop.
        grace: seconds in which the messages in hand are finished after the first signal.
        deaths: how many worker processes may die with the same message in hand; then it goes to
            the dead letters. 0 for any number; not 1, as others in hand would go with it. Without
            worker processes nobody counts.
        keeps_trying: whether a login that is refused at the start is tried again, as a broker that
            is away is in any case; else it ends the program.
    """

    processes: int = 0
    threads: int = 1
    concurrency: int = 0
    grace: float = 15.0
    deaths: int = 3
    keeps_trying: bool = False

    def __post_init__(self) -> None:
        for name in ("processes", "threads", "concurrency", "grace", "deaths"):
            least = 1 if name == "threads" else 0
            given = getattr(self, name)
            kinds = int | float if name == "grace" else int
            if not isinstance(given, kinds) or not given >= least:
                raise MessagingError(f"{name} is {given!r}", hint=f"make it {least} or more")
        if self.deaths == 1:
            raise MessagingError("deaths is 1", hint=DEATHS_HINT)


def run(
    make: Make,
    crew: Crew | None = None,
    *,
    prepare: Callable[[], object] | None = None,
    clock: Clock | None = None,
    backoff: Backoff | None = None,
    on_begin: Callable[[], object] | None = None,
) -> int:
    """Run until a signal, or until the workers end; call it in the main thread.

    When a handler does not end within the grace, the process is ended with exit code 1.

    Args:
        make: makes one worker; with processes it must be possible to send it there: a class, a
            function of a module, a `Target`.
        prepare: called first in each worker process, to configure its log; a function of a module.
        backoff: pauses before a process that died is started again.
        on_begin: called here once, when all workers are made and work.

    Returns:
        an exit code: 0 when all ended in order.

    Raises:
        MessagingError: a worker cannot be made, or the broker refuses its login.
    """
    crew = crew or Crew()
    if not crew.processes:
        ending = _run_here(make, crew, on_begin=on_begin)
        if ending is Ending.RESTART:
            restart_process()
        if ending is Ending.OVERDUE:
            _end_at_once()
        return 1 if ending is Ending.FAILED else 0
    return Supervisor(
        functools.partial(_work, make, crew, prepare),
        crew.processes,
        grace=crew.grace,
        slots=crew.threads * max(1, crew.concurrency),
        deaths=crew.deaths,
        clock=clock or SystemClock(),
        backoff=backoff or Backoff(first=0.5, limit=30.0),
        on_begin=on_begin,
    ).run()


def _run_here(
    make: Make,
    crew: Crew,
    post: Post | None = None,
    on_begin: Callable[[], object] | None = None,
) -> Ending:
    notes = Notes(post) if post is not None and post.limit else None
    team = Team(make, threads=crew.threads, concurrency=crew.concurrency, notes=notes)
    if crew.processes:
        for consumer in team.consumers:
            _check_shared(consumer.bus.url, consumer.bus.capabilities.crosses_processes)
    if not crew.keeps_trying and (post is None or post.first):
        _check_logins(team)
    clock = SystemClock()
    with Interrupts(is_worker=post is not None) as interrupts:
        team.start(interrupts.ring)
        if on_begin is not None:
            on_begin()
        while not interrupts.count and team.ending is None:
            interrupts.wait(None)
        team.stop()
        deadline = clock.monotonic() + crew.grace
        while team.busy and (left := deadline - clock.monotonic()) > 0:
            interrupts.wait(left)
        if team.busy:
            log.error("a handler did not end within %g s; its message comes again", crew.grace)
            return Ending.OVERDUE
    team.join(_FAREWELL)
    return team.ending or Ending.STOPPED


def _end_at_once() -> NoReturn:
    """With exit code 1, without waiting for threads that a handler left working."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1)


def _check_shared(url: str, crosses: bool) -> None:
    if not crosses:
        raise MessagingError(
            f"{url} lives in one process, and cannot be shared by several",
            hint="use threads, or a bus that other processes reach",
        )


def _check_logins(team: Team) -> None:
    """Nobody waits for a password that is wrong; whoever is away may come.

    Raises:
        LoginError: a broker refuses a worker.
    """
    for bus in {consumer.bus.url: consumer.bus for consumer in team.consumers}.values():
        try:
            bus.open().close()
        except LoginError:
            raise
        except MessagingError:
            continue  # the worker tells it, and tries on


def _work(make: Make, crew: Crew, prepare: Callable[[], object] | None, post: Post) -> int:
    """In a worker process: its exit code.

    Raises:
        PelagosError: it cannot begin, and not another time, either.
    """
    if prepare is not None:
        prepare()
    try:
        ending = _run_here(make, crew, post, functools.partial(post.tell, None))
    except NotMadeError as error:
        if not error.may_pass:
            raise
        log.exception("a worker cannot begin", exc_info=error.__cause__)
        return 1
    codes = {Ending.RESTART: RESTART_CODE, Ending.FAILED: 1, Ending.OVERDUE: OVERDUE_CODE}
    return codes.get(ending, 0)
