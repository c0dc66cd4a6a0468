"""Sessions that are kept open and lent, one to each thread that asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from pelagos.directory.backends.ldap.line import LineError
from pelagos.directory.errors import SourceError

#: Seconds for which an unused session is kept; firewalls forget quiet connections.
MAX_IDLE = 120.0


class Lendable(Protocol):
    """What a pool keeps."""

    used: float

    def is_alive(self) -> bool:
        """Whether it can still be used, as far as one can see without asking."""

    def close(self) -> None:
        """End it; never raises."""


S = TypeVar("S", bound=Lendable)
T = TypeVar("T")


class Pool(Generic[S]):
    """At most `size` sessions; safe to share between threads.

    Args:
        make: opens a session.
        patience: seconds that a thread waits for a free one.
    """

    def __init__(self, make: Callable[[], S], *, size: int, patience: float) -> None:
        self._make = make
        self._size = size
        self._patience = patience
        self._free = threading.Condition()
        self._idle: list[S] = []
        self._lent = 0
        self._is_closed = False

    def ask(self, question: Callable[[S], T]) -> T:
        """What a session answers.

        One that was kept may have died unseen: then the question is asked once more, of a new one.

        Raises:
            LineError: no session came about, or the new one died, or the server was silent.
            Exception: whatever the question raised; the session is kept after a SourceError.
        """
        with self._lent_one() as kept:
            if kept is not None:
                try:
                    return self._asked(kept, question)
                except LineError as error:
                    if error.is_late:
                        raise
                    self._forget_idle()  # what ended this one has ended them all
            return self._asked(self._make(), question)

    def close(self) -> None:
        """End the idle sessions; those that are lent end when they come back."""
        with self._free:
            self._is_closed = True
        self._forget_idle()

    def _asked(self, session: S, question: Callable[[S], T]) -> T:
        try:
            answer = question(session)
        except LineError:
            session.close()
            raise
        except SourceError:  # the server refused, and goes on
            self._keep(session)
            raise
        except BaseException:  # nobody knows what it is in the middle of
            session.close()
            raise
        self._keep(session)
        return answer

    @contextmanager
    def _lent_one(self) -> Iterator[S | None]:
        """The right to use one session, and a kept one if there is a good one."""
        with self._free:
            if not self._free.wait_for(lambda: self._lent < self._size, self._patience):
                raise LineError(
                    f"all {self._size} connections of this source are in use",
                    hint="set ldap_connections, if the server bears more",
                    is_late=True,
                )
            self._lent += 1
        try:
            yield self._kept()
        finally:
            with self._free:
                self._lent -= 1
                self._free.notify()

    def _kept(self) -> S | None:
        while True:
            with self._free:
                if not self._idle:
                    return None
                session = self._idle.pop()
            if time.monotonic() - session.used < MAX_IDLE and session.is_alive():
                return session
            session.close()

    def _keep(self, session: S) -> None:
        with self._free:
            if not self._is_closed:
                self._idle.append(session)
                return
        session.close()

    def _forget_idle(self) -> None:
        with self._free:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()
