"""Who is logged in to the page: opaque names for tokens, so that a browser never keeps a token.

Cookies are shared by all ports of a host, so what is in one must be worth nothing anywhere else.
Sessions live in memory: after a restart people log in again.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict

from pelagos.core.clock import Clock

#: Seconds for which a login is good: a working day.
LIFETIME = 12 * 3600.0
#: Sessions at the most; the oldest goes when another comes. Each takes some hundred bytes.
_MOST = 10_000
#: The same of one token, so that nobody logs all others out by logging in again and again.
_MOST_OF_ONE = 20


class Sessions:
    """The sessions of one directory; safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: OrderedDict[str, tuple[float, str]] = OrderedDict()  # the oldest first

    def open(self, token: str) -> str:
        """Begin a session for a token; returns what the browser shall keep."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            own = [name for name, (_, held) in self._tokens.items() if held == token]
            for name in own[: max(0, len(own) - _MOST_OF_ONE + 1)]:
                del self._tokens[name]
            while len(self._tokens) >= _MOST:
                self._tokens.popitem(last=False)
            self._tokens[_print(key)] = (self._clock.monotonic() + LIFETIME, token)
        return key

    def token(self, key: str) -> str | None:
        """The token of a session; None when there is none, or its time is over."""
        with self._lock:
            end, token = self._tokens.get(_print(key), (0.0, ""))
            if token and self._clock.monotonic() < end:
                return token
            self._tokens.pop(_print(key), None)
            return None

    def end(self, key: str) -> None:
        """Forget a session."""
        with self._lock:
            self._tokens.pop(_print(key), None)


def _print(key: str) -> str:
    # Found by its hash, so that how long the search takes tells nothing of the keys.
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
