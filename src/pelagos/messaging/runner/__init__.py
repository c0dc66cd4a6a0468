"""Runs processors until they are told to end: in threads, in processes, in event loops.

    run(lambda: Lights(fingerprint, bus=bus), Crew(threads=4))

SIGTERM or SIGINT lets every worker finish the message in hand, within `grace` seconds; a second
signal ends the program at once. The command `quit` ends the process that it reaches, `restart`
replaces it by a fresh one. Admission rule: what keeps workers alive, and nothing of messages.
"""

from __future__ import annotations

import functools
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, cast

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.messaging.consumer.consumer import GenericConsumer
from pelagos.messaging.errors import LoginError, MessagingError
from pelagos.messaging.middleware import Middleware
from pelagos.messaging.processor.restart import restart_process
from pelagos.messaging.runner.event_loop import serve
from pelagos.messaging.runner.hands import Notes, Post
from pelagos.messaging.runner.interrupts import Interrupts
from pelagos.messaging.runner.processes import (
    OVERDUE_CODE,
    RESTART_CODE,
    Supervisor,
)
from pelagos.messaging.runner.team import Ending, Make, Team, Worker

__all__ = ["Crew", "Ending", "Make", "Target", "Worker", "run", "serve"]

log = logging.getLogger(__name__)

#: One death tells not which of the messages in hand killed.
DEATHS_HINT = "make it 2 or more, or 0 for any number"
_FAREWELL = 1.0  # seconds for a thread that has said that it ends


class NotMadeError(MessagingError):
    """A class or function of a program failed to make its worker; the cause is its own error.

    Attributes:
        may_pass: it may succeed another time, as what it needs may be there then.
    """

    may_pass = True


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
            if getattr(self, name) < least:
                raise MessagingError(
                    f"{name} is {getattr(self, name)}", hint=f"make it {least} or more"
                )
        if self.deaths == 1:
            raise MessagingError("deaths is 1", hint=DEATHS_HINT)


@dataclass(frozen=True, slots=True)
class Target:
    """Makes the worker that a text `module:Name` stands for; can be sent to other processes.

    A class is called with a fingerprint of its own name and, where it is given, `bus`; a function
    is called with nothing.

    Attributes:
        watch: makes middlewares, in each process, that a class gets beside its own; a function of
            a module or an object that can be sent there.
    """

    path: str
    bus: str | None = None
    watch: Callable[[], Sequence[Middleware]] | None = None

    def __call__(self) -> Worker:
        """A new worker.

        Raises:
            MessagingError: there is no such module or name, it is no worker, cannot be made, or
                reads nothing.
        """
        found = self.find()
        if isinstance(found, type):
            options: dict[str, Any] = {} if self.bus is None else {"bus": self.bus}
            if self.watch is not None:
                options["middlewares"] = (*getattr(found, "middlewares", ()), *self.watch())
            made = self._made(found, {"name": found.__name__, "type": "processor"}, **options)
        else:
            made = self._made(found)
        if not (hasattr(made, "consumer") and hasattr(made, "dispatch")):
            raise MessagingError(
                f"{self.path} makes a {type(made).__name__}, which is no processor",
                hint="name a class derived from MessageProcessor, or a function that makes one",
            )
        worker = cast("Worker", made)
        self._check_reads(worker.consumer)
        return worker

    def _check_reads(self, consumer: GenericConsumer) -> None:
        if not consumer.bindings:
            raise MessagingError(
                f"{self.path} reads no queue, and would wait for ever",
                hint="give its class an eqk = [(Exchange, [(queue, key)])]",
            )
        if not consumer.bus.capabilities.crosses_processes:
            log.warning(
                "%s reads %s, which is inside this process: nobody else is on it",
                self.path,
                consumer.bus.url,
            )

    def _made(self, found: Callable[..., Any], *given: Any, **options: Any) -> Any:
        """What it returns.

        Raises:
            PelagosError: it does not want to.
            NotMadeError: it fails.
        """
        try:
            return found(*given, **options)
        except PelagosError:
            raise
        except Exception as error:  # other people's code, whatever it does
            wanted = ", ".join(["a fingerprint", *(f"{name}=" for name in options)])
            failed = NotMadeError(
                f"{self.path} cannot be made: {type(error).__name__}: {error}",
                hint=f"it is called with {wanted if given else 'nothing'}",
            )
            failed.may_pass = not isinstance(error, TypeError)
            raise failed from error

    def find(self) -> Any:
        """The class or function itself.

        Raises:
            MessagingError: there is none.
            NotMadeError: its module cannot be loaded.
        """
        module_name, _, name = self.path.partition(":")
        if not (module_name and name):
            raise MessagingError(
                f"{self.path!r} does not name a processor", hint="write MODULE:CLASS"
            )
        if "/" in module_name or module_name.endswith(".py"):
            raise MessagingError(
                f"{module_name} is a file, not a module",
                hint="name it as an import does, where it can be imported: "
                f"{module_name.rpartition('/')[2].removesuffix('.py')}:{name}",
            )
        if "" not in sys.path and os.getcwd() not in sys.path:  # noqa: PTH109 - as sys.path has it
            sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as `python -m` does
        found: Any = self._module(module_name)
        for part in name.split("."):
            if not hasattr(found, part):
                raise MessagingError(f"{module_name} has no {name}")
            found = getattr(found, part)
        if not callable(found):
            raise MessagingError(f"{self.path} is not callable", hint="name a class or a function")
        return found

    def _module(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except PelagosError:
            raise
        except Exception as error:  # other people's code, whatever it does
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and f"{name}.".startswith(f"{missing}."):
                raise MessagingError(
                    f"there is no module {missing}", hint="run it where the module can be imported"
                ) from error
            raise NotMadeError(
                f"{self.path} cannot be loaded: {type(error).__name__}: {error}{_place(error)}",
                hint="mend that module" if missing is None else f"install {missing}, or mend it",
            ) from error


def _place(error: Exception) -> str:
    """The last line of the program before it was raised; a syntax error says that itself."""
    ours = str(Path(__file__).parents[2])
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if not one.filename.startswith(("<", ours))]
    if isinstance(error, SyntaxError) or not theirs:
        return ""
    return f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})"


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
