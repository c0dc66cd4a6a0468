"""The key with which a master seals its calls to this agent: from its token, or asked for.

An agent with a token has derived the key from it once and for all. One that has only a certificate
asks its master for the key: over TLS, where the certificate says who asks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.slap.errors import SlapError
from pelagos.slap.remote import key_of

log = logging.getLogger(__name__)

#: Seconds until the master is asked again: whoever reaches the bus can send what cannot be opened.
_PAUSE = 2.0


class NoCallKeyError(PelagosError):
    """The key is not known yet, so no call can be read."""


class CallKey(Protocol):
    """Where the key comes from; safe to share between threads."""

    def now(self) -> bytes:
        """The key (32 bytes).

        Raises:
            NoCallKeyError: it could not be fetched yet.
        """

    def after(self, former: bytes) -> bytes | None:
        """Another key than the one that did not open a call; None when there is none."""


class TokenKey:
    """The key of an agent with a token; it stays the same.

    Args:
        token: the agent's at its master.
    """

    def __init__(self, token: str) -> None:
        self._key = key_of(sha256(token.encode("utf-8", "surrogateescape")).hexdigest())

    def now(self) -> bytes:
        """The key."""
        return self._key

    def after(self, former: bytes) -> None:
        """There is no other one."""


class AskedKey:
    """The key of an agent that has a certificate only: another one after each renewal.

    Args:
        ask: asks the master; raises `SlapError`.
        clock: the time between two questions.
    """

    def __init__(self, ask: Callable[[], bytes], *, clock: Clock | None = None) -> None:
        self._ask = ask
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._key: bytes | None = None
        self._problem = ""
        self._again_at = self._clock.monotonic()

    def now(self) -> bytes:
        """The key; the first call fetches it."""
        with self._lock:
            key = self._key or self._fetched()
        if key is None:
            raise NoCallKeyError(
                f"the agent cannot get the key of its master's calls: {self._problem}",
                hint="the log of the agent says so, too; it is tried again by itself",
            )
        return key

    def after(self, former: bytes) -> bytes | None:
        """The key that the master has now, asked for at most every 2 seconds."""
        with self._lock:
            key = self._key if self._key != former else self._fetched()
            return None if key == former else key

    def _fetched(self) -> bytes | None:
        now = self._clock.monotonic()
        if now < self._again_at:
            return self._key
        self._again_at = now + _PAUSE
        try:
            self._key = self._ask()
        except SlapError as error:
            log.warning("the key of the master's calls cannot be fetched: %s", error)
            self._problem = error.message
        return self._key
