"""A login that is kept: made when it is first needed, and again before it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pelagos.clients.login.access import Access
from pelagos.core.clock import Clock, SystemClock

#: Seconds before its end from which a token is not used any more; of short ones, a tenth.
MARGIN = 60.0


class CloudSession:
    """Shared by the clients of one cloud, in any thread; many who need a login make one.

    Args:
        login: logs in.
        clock: tells when a token ends.
    """

    def __init__(self, login: Callable[[], Access], clock: Clock | None = None) -> None:
        self._login = login
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._access: Access | None = None
        self._end = 0.0

    def access(self) -> Access:
        """The login that is good now.

        Raises:
            ClientError: it cannot be made.
        """
        found = self._access
        if found is not None and not self._is_ending(found):
            return found
        with self._lock:
            if self._access is None or self._is_ending(self._access):
                self._enter()
            return self._kept()

    def token(self) -> str:
        """A token that is good now.

        Raises:
            ClientError: there is none to be had.
        """
        return self.access().token

    def renew(self, old: str) -> str:
        """Another token, because this one was refused; the same one when it cannot be made anew.

        Raises:
            ClientError: the login failed.
        """
        with self._lock:
            if self._access is not None and self._access.token == old:
                if not self._access.is_own:
                    return old
                self._enter()
            elif self._access is None:
                self._enter()
            return self._kept().token

    def _enter(self) -> None:
        began = self._clock.monotonic()
        access = self._login()
        lifetime = access.lifetime
        if lifetime is not None and access.is_own:
            self._end = began + lifetime - min(MARGIN, max(0.0, lifetime) / 10)
        self._access = access

    def _kept(self) -> Access:
        if self._access is None:
            raise RuntimeError("a login came back with nothing")
        return self._access

    def _is_ending(self, access: Access) -> bool:
        if access.lifetime is None or not access.is_own:
            return False  # another login would give the same token
        return self._clock.monotonic() >= self._end
