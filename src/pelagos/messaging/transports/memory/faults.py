"""How a bus in memory fails when it is told to: what no real broker does on request."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pelagos.core.clock import Clock
from pelagos.messaging.broker.core import Verdict
from pelagos.messaging.errors import ConnectionLostError, MessagingError, PublishRefusedError
from pelagos.messaging.transports.base import Done, Envelope


class Breakable(Protocol):
    """The broker, as far as its faults need it."""

    name: str
    clock: Clock

    def is_attached(self, link: object) -> bool:
        """Whether a connection is there."""

    def publish(self, link: object, envelope: Envelope) -> Verdict:
        """Take a message."""

    def pause(self, *, active: bool) -> None:
        """Stop delivering, or go on."""

    def cut(self, *links: object, reason: str = ...) -> None:
        """Lose these connections, or all."""

    def notice(self, at: float) -> None:
        """Come back at this time."""


Publish = Callable[[Envelope], MessagingError | None]


@dataclass(slots=True, eq=False)
class _Held:
    """A confirmation that is not given yet; `ready`: there is an answer, which is only held."""

    link: object
    done: Done
    ready: bool
    answer: MessagingError | None = None
    due: float | None = None


class Faults:
    """Switches that make a bus fail; all are off at first, and each says how it is undone.

    `count` is for how many messages a switch holds; None is until it is undone.
    """

    def __init__(self, broker: Breakable) -> None:
        self._broker = broker
        self._lock = threading.RLock()
        self._catching = threading.Lock()
        self._held: list[_Held] = []
        self._later: deque[Callable[[], None]] = deque()
        self._thawed = threading.Event()
        self._thawed.set()
        self._holding = False
        self._delay: float | None = None
        self._refusals: float = 0
        self._losses: float = 0
        self._cut_in: int | None = None
        self._cut_after_taking = False
        self.blocked: str | None = None
        #: Whether any switch is on; connections look here first.
        self.armed = False

    # Switches.

    def hold_confirms(self) -> None:
        """Messages are taken, but nobody hears of it until `release_confirms`."""
        self._switch(lambda: setattr(self, "_holding", True))

    def delay_confirms(self, seconds: float) -> None:
        """Messages are taken, and their publisher hears of it so much later; 0 is at once."""
        self._switch(lambda: setattr(self, "_delay", seconds or None))

    def release_confirms(self) -> None:
        """Give the confirmations that are held, in their order, and hold no more."""
        self._switch(lambda: setattr(self, "_holding", False))
        self._give(lambda held: held.ready and held.due is None)

    def refuse(self, count: float | None = None) -> None:
        """Answer that messages are not taken; undone by 0."""
        self._switch(lambda: setattr(self, "_refusals", _endless(count)))

    def lose(self, count: float | None = None) -> None:
        """Messages vanish, and nobody hears of them until the connection ends; undone by 0."""
        self._switch(lambda: setattr(self, "_losses", _endless(count)))

    def block(self, reason: str = "low on memory") -> None:
        """Take no messages, and say so, until `unblock`; they wait in their order."""
        self._switch(lambda: setattr(self, "blocked", reason))

    def unblock(self) -> None:
        """Take what has waited, and all that comes."""
        self._switch(lambda: setattr(self, "blocked", None))
        self._catch_up()

    def freeze(self) -> None:
        """Answer nothing and deliver nothing until `thaw`; connections stay open."""
        self._switch(self._thawed.clear)
        self._broker.pause(active=False)

    def thaw(self) -> None:
        """Do what has waited, and go on."""
        self._switch(self._thawed.set)
        self._broker.pause(active=True)
        self._catch_up()

    def cut_at(self, count: int, *, taken: bool = True) -> None:
        """Lose the connection that publishes the message of this number from now on.

        Args:
            count: 1 is the next message.
            taken: whether the broker has that message; its publisher does not hear of it.
        """

        def arm() -> None:
            self._cut_in, self._cut_after_taking = count, taken

        self._switch(arm)

    # What connections ask.

    def await_answer(self, link: object, timeout: float) -> None:
        """Let a request wait while the bus is frozen.

        Raises:
            ConnectionLostError: it waited too long, and the connection is given up.
        """
        if self._thawed.wait(timeout):
            return
        reason = f"no answer within {timeout:g} s"
        self._broker.cut(link, reason=reason)
        raise ConnectionLostError(f"{self._broker.name}: {reason}")

    def later(self, act: Callable[[], None]) -> bool:
        """Let this be done when the bus is thawed; False: it is not frozen."""
        with self._lock:
            if self._thawed.is_set():
                return False
            self._later.append(act)
            return True

    def publish(self, link: object, envelope: Envelope, take: Publish, done: Done) -> None:
        """Take a message, or not, as the switches are."""
        with self._lock:
            if self.blocked is not None or not self._thawed.is_set() or self._later:
                held = _Held(link, done, ready=False)
                self._held.append(held)
                self._later.append(lambda: self._publish_late(held, envelope, take))
                return
        self._publish(link, envelope, take, done)

    def _publish_late(self, held: _Held, envelope: Envelope, take: Publish) -> None:
        with self._lock:
            if held not in self._held:
                return  # its connection was lost meanwhile
            self._held.remove(held)
        self._publish(held.link, envelope, take, held.done)

    def _publish(self, link: object, envelope: Envelope, take: Publish, done: Done) -> None:
        with self._lock:
            cut = self._counts_down()
            lost = self._losses > 0
            refused = not lost and self._refusals > 0
            self._losses -= lost
            self._refusals -= refused
        answer: MessagingError | None = None
        if refused:
            answer = PublishRefusedError(
                "the broker was told to refuse",
                message_id=envelope.properties.message_id,
                retry_after=1.0,
            )
        elif not lost and (not cut or self._cut_after_taking):
            answer = take(envelope)
        if cut:
            self._broker.cut(link)
            done(ConnectionLostError(f"{self._broker.name}: the connection was cut"))
            return
        with self._lock:
            if lost or self._holding or self._delay is not None:
                wait = None if lost or self._holding else self._delay
                due = None if wait is None else self._broker.clock.monotonic() + wait
                self._held.append(_Held(link, done, not lost, answer, due))
                if due is not None:
                    self._broker.notice(due)
                return
        done(answer)

    def _counts_down(self) -> bool:
        if self._cut_in is None:
            return False
        self._cut_in -= 1
        if self._cut_in:
            return False
        self._cut_in = None
        return True

    # What the broker asks.

    def next_deadline(self) -> float | None:
        """When a confirmation is due, or None."""
        with self._lock:
            return min((held.due for held in self._held if held.due is not None), default=None)

    def expire(self) -> None:
        """Give the confirmations that are due."""
        now = self._broker.clock.monotonic()
        self._give(lambda held: held.due is not None and held.due <= now)

    def forget_lost(self) -> None:
        """Connections were lost: who waits there for a confirmation hears of it."""
        with self._lock:
            gone = [held for held in self._held if not self._broker.is_attached(held.link)]
            self._held = [held for held in self._held if held not in gone]
        for held in gone:
            held.done(ConnectionLostError(f"{self._broker.name}: the connection is lost"))

    # Inside.

    def _switch(self, turn: Callable[[], None]) -> None:
        with self._lock:
            turn()
            self.armed = True  # stays: a fault once used costs a look at each message

    def _give(self, ready: Callable[[_Held], bool]) -> None:
        with self._lock:
            given = [held for held in self._held if ready(held)]
            self._held = [held for held in self._held if held not in given]
        for held in given:
            held.done(held.answer)

    def _catch_up(self) -> None:
        with self._catching:  # one after the other, so that the order stays
            while True:
                with self._lock:
                    if not self._later or self.blocked is not None or not self._thawed.is_set():
                        return
                    act = self._later[0]
                act()
                with self._lock:
                    self._later.popleft()


def _endless(count: float | None) -> float:
    return float("inf") if count is None else float(count)
