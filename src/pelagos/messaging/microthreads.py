"""Many small programs in one thread, each of which does a step in its turn.

    scheduler = MicroScheduler()
    scheduler.add_microthread(Lights(...))
    scheduler.add_microthread(Doors(...))
    for _ in scheduler.main():
        pass

Processors are microthreads: several of them live side by side, each handling one message in its
turn. While all have nothing to do the scheduler sleeps, and any message wakes it.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Final

from pelagos.messaging.errors import ExitScheduler

__all__ = ["ExitScheduler", "MicroScheduler", "MicroThread"]

_OVER: Final = object()

#: The longest sleep, in seconds, while nothing rings.
_LONGEST_SLEEP = 0.5


class MicroThread:
    """Derive a class; `create` runs once, then `step` again and again.

    A step that raises StopIteration ends this microthread, one that raises ExitScheduler ends the
    scheduler after the round.

    Attributes:
        is_idle: whether the last step found nothing to do, so that the scheduler may sleep until
            the bell rings. Plain microthreads always have something to do.
    """

    is_idle: bool = False

    def create(self) -> None:
        """Prepare, when the microthread is added."""

    def step(self) -> None:
        """Do one piece of work, and return soon: the others wait."""

    def attach(self, bell: Callable[[], None]) -> None:
        """Called before `create`: ring this bell, from any thread, when there is work again."""

    def destroy(self) -> None:
        """Give back what `create` took; called once, however the microthread ends."""

    def main(self) -> Iterator[int]:
        """The whole life, as an iterator that pauses after each step."""
        self.create()
        yield 1
        while True:
            try:
                self.step()
            except StopIteration:  # inside a generator it would be a RuntimeError (PEP 479)
                return
            yield 1


class MicroScheduler:
    """Gives every microthread its turn, in the order in which they were added.

    Args:
        autoquit: end when no microthread is left; otherwise wait for others to be added.
    """

    def __init__(self, autoquit: bool = False) -> None:
        self.autoquit = autoquit
        self._alive: dict[MicroThread, Iterator[int]] = {}
        self._bell = threading.Event()

    @property
    def microthreads(self) -> tuple[MicroThread, ...]:
        """Those that still have their turns."""
        return tuple(self._alive)

    def add_microthread(self, microthread: MicroThread) -> None:
        """Let it take part from the next round; its `create` runs now.

        Raises:
            TypeError: it is no MicroThread, or its step is a generator, which would never run.
        """
        if not isinstance(microthread, MicroThread):
            raise TypeError(f"{microthread!r} is no MicroThread")
        if inspect.isgeneratorfunction(microthread.step):
            name = type(microthread).__qualname__
            raise TypeError(f"{name}.step has a yield: it is to return after each piece of work")
        microthread.attach(self._bell.set)
        life = microthread.main()
        next(life, None)
        self._alive[microthread] = life
        self._bell.set()

    def main(self) -> Iterator[int]:
        """Run until the end, as an iterator that pauses after each round."""
        try:
            while not (self.autoquit and not self._alive):
                self._bell.clear()
                if not self._round():
                    return
                yield 1
                if all(microthread.is_idle for microthread in self._alive):
                    self._bell.wait(_LONGEST_SLEEP)
        finally:
            with contextlib.ExitStack() as endings:  # one that fails does not keep the others
                for microthread in reversed(self.microthreads):
                    endings.callback(self._end, microthread)

    def run(self) -> None:
        """Run until the end."""
        for _ in self.main():
            pass

    def _round(self) -> bool:
        """One step of each; whether there is to be another round."""
        goes_on = True
        for microthread, life in list(self._alive.items()):
            try:
                if next(life, _OVER) is _OVER:  # whatever it yields
                    self._end(microthread)
            except ExitScheduler:
                goes_on = False
        return goes_on

    def _end(self, microthread: MicroThread) -> None:
        self._alive.pop(microthread, None)
        microthread.destroy()
