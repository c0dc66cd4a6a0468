"""The key with which a master seals its calls to this agent: from its token, or asked for.

An agent with a token has derived the key from it once and for all. One that has only a certificate
asks its master for the key: over TLS, where the certificate says who asks. Nothing is done for a
call with a key about which the master was not asked for a minute, unless it cannot be reached. The
key of a token lasts as long as the agent runs with that token.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.slap.errors import AuthenticationError, SlapError, Unauthorized
from pelagos.slap.remote import key_of

log = logging.getLogger(__name__)

#: Seconds until the master is asked again: whoever reaches the bus can send what cannot be opened.
_PAUSE = 2.0
#: Seconds that a key does its work without the master being asked whether it still holds.
_FRESH = 60.0
#: Seconds that what could not be opened waits for a question that is under way.
_PATIENCE = 1.0
#: With what the master says that this computer has no key: it has a token, or no certificate.
_NO_KEY = frozenset({409, 503})


class NoCallKeyError(PelagosError):
    """The key is not known, so no call can be read."""


class CallKey(Protocol):
    """Where the key comes from; safe to share between threads."""

    def now(self) -> bytes:
        """The key (32 bytes) that is known.

        Raises:
            NoCallKeyError: it could not be fetched.
        """

    def fresh(self) -> bytes:
        """The key as the master had it a moment ago, if it can be asked.

        Raises:
            NoCallKeyError: there is none any more.
        """

    def after(self, former: bytes) -> bytes | None:
        """Another key than the one that did not open a call; None when there is none."""


class TokenKey:
    """The key of an agent with a token; it stays the same, even when the token is revoked.

    Args:
        token: the agent's at its master.
    """

    def __init__(self, token: str) -> None:
        self._key = key_of(sha256(token.encode("utf-8", "surrogateescape")).hexdigest())

    def now(self) -> bytes:
        """The key."""
        return self._key

    def fresh(self) -> bytes:
        """The key."""
        return self._key

    def after(self, former: bytes) -> None:
        """There is no other one."""


class AskedKey:
    """The key of an agent that has a certificate only: another one after each renewal.

    One thread at a time asks the master, and whoever only needs the key that there is does not
    wait for it. When the master says that this computer has none, it is dropped; while the master
    cannot be reached, it is kept.

    Args:
        ask: asks the master; raises `SlapError`.
        clock: the time between two questions.
    """

    def __init__(self, ask: Callable[[], bytes], *, clock: Clock | None = None) -> None:
        self._ask = ask
        self._clock = clock or SystemClock()
        self._asking = threading.Lock()  # what follows is only written by who holds it
        self._key: bytes | None = None
        self._problem = PelagosError("it was not asked for yet")
        self._again_at = self._fresh_until = self._clock.monotonic()

    def now(self) -> bytes:
        """The key; the first call fetches it."""
        if (key := self._key) is None:
            with self._asking:
                key = self._key or self._fetched()
        return self._there(key)

    def fresh(self) -> bytes:
        """The key, asked for again when the last answer is older than a minute."""
        with self._asking:
            is_old = self._clock.monotonic() >= self._fresh_until
            key = self._fetched() if is_old or self._key is None else self._key
        return self._there(key)

    def after(self, former: bytes) -> bytes | None:
        """The key that the master has now, asked for at most every 2 seconds."""
        if self._key == former and self._asking.acquire(timeout=_PATIENCE):
            try:
                if self._key == former:
                    self._fetched()
            finally:
                self._asking.release()
        key = self._key
        return None if key == former else key

    def _there(self, key: bytes | None) -> bytes:
        if key is None:
            raise NoCallKeyError(
                f"the agent cannot get the key of its master's calls: {self._problem.message}",
                hint=self._problem.hint
                or "the log of the agent says so, too; it is tried again by itself",
            )
        return key

    def _fetched(self) -> bytes | None:
        """The key after a question, unless the last one was just now; for who holds the lock."""
        if self._clock.monotonic() < self._again_at:
            return self._key
        try:
            self._key = self._ask()
            self._fresh_until = self._clock.monotonic() + _FRESH
        except SlapError as error:
            is_over = isinstance(error, AuthenticationError | Unauthorized)
            if is_over or error.status in _NO_KEY:
                self._key = None
            log.warning("the key of the master's calls cannot be fetched: %s", error)
            self._problem = error
        except Exception as error:  # a defect: whoever waits must hear of it, and the log tells it
            log.exception("the key of the master's calls cannot be fetched")
            self._problem = PelagosError(f"{type(error).__name__}: {error}")
        finally:
            self._again_at = self._clock.monotonic() + _PAUSE
        return self._key
