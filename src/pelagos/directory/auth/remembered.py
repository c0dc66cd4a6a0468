"""A verifier's answers, good for seconds; and what happens to askers while it cannot answer."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.http import HttpError
from pelagos.directory.auth import Verify

#: Seconds for which an answer is good. A lookup comes with every letter that a person types; a
#: token that was taken back works this much longer at the most.
TRUST = 5.0
#: Answers that are kept at the most, of each kind.
_MOST = 10_000


@dataclass(slots=True)
class _Flight:
    """One question that is being asked, for all who wait for it."""

    landed: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    error: BaseException | None = None


class Remembered:
    """Asks a verifier once in a while for each token, whoever comes with it meanwhile.

    An answer is never kept for longer than its `expires_in`. Valid and unknown tokens are kept
    apart, so that a flood of invented ones pushes no known one out. Many who come at once with
    the same token wait for one answer. While nobody answers there, one asker at a time tries
    again and all others are refused at once: a hung verifier holds up one thread, not all.

    Args:
        verify: asks; see `pelagos.directory.auth`.
        seconds: how long an answer is good at the most.
    """

    def __init__(
        self, verify: Verify, *, seconds: float = TRUST, clock: Clock | None = None
    ) -> None:
        self._verify = verify
        self._seconds = seconds
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._valid: dict[bytes, tuple[float, Any]] = {}
        self._unknown: dict[bytes, tuple[float, Any]] = {}
        self._flights: dict[bytes, _Flight] = {}
        self._outage: HttpError | None = None
        self._is_probing = False

    def __call__(self, token: str) -> Mapping[str, Any] | None:
        """The infos of the token, or None.

        Raises:
            PelagosError: the verifier cannot tell now.
        """
        infos: Mapping[str, Any] | None = self._ask(_key(token), lambda: self._verify(token))
        return infos

    def reaches(self, token: str, access: str, tenant: str | None) -> bool:
        """Whether the verifier says that the token has this right, in this tenant.

        Raises:
            PelagosError: the verifier cannot tell now.
        """
        reaches = getattr(self._verify, "reaches", None)
        if reaches is None:
            return False
        key = _key(token, access, tenant or "")
        return bool(self._ask(key, lambda: reaches(token, access, tenant)))

    def forget(self) -> None:
        """Ask anew from now on; an answer that is under way is for those alone who wait for it."""
        with self._lock:
            self._valid.clear()
            self._unknown.clear()
            self._flights = {}

    def _ask(self, key: bytes, ask: Callable[[], Any]) -> Any:
        with self._lock:
            now = self._clock.monotonic()
            for kept in (self._valid, self._unknown):
                if (entry := kept.get(key)) and now < entry[0]:
                    return entry[1]
            flight = self._flights.get(key)
            is_mine = flight is None
            if flight is None:
                if self._outage is not None and self._is_probing:
                    raise self._outage.with_traceback(None)  # else it grows with each asker
                self._is_probing = self._outage is not None
                flight = self._flights[key] = _Flight()
        if is_mine:
            self._fly(key, flight, ask)
        else:
            flight.landed.wait()
        if flight.error is not None:
            raise flight.error.with_traceback(None)
        return flight.answer

    def _fly(self, key: bytes, flight: _Flight, ask: Callable[[], Any]) -> None:
        asked = self._clock.monotonic()
        try:
            flight.answer = ask()
        except BaseException as error:  # noqa: BLE001  # raised again by each who waits for it
            flight.error = error
        try:
            with self._lock:
                self._is_probing = False
                self._outage = flight.error if isinstance(flight.error, HttpError) else None
                if self._flights.get(key) is flight:  # else all was forgotten meanwhile
                    del self._flights[key]
                    if flight.error is None:
                        self._keep(key, flight.answer, asked)
        finally:  # whatever a strange verifier said, nobody waits for ever
            flight.landed.set()

    def _keep(self, key: bytes, answer: Any, asked: float) -> None:
        seconds = self._seconds
        if isinstance(answer, Mapping) and answer.get("expires_in") is not None:
            seconds = min(seconds, float(answer["expires_in"]))
        kept, other = (self._valid, self._unknown) if answer else (self._unknown, self._valid)
        other.pop(key, None)
        kept.pop(key, None)  # so that the oldest stands first
        if seconds > 0:
            kept[key] = (asked + seconds, answer)
        while len(kept) > _MOST:
            del kept[next(iter(kept))]


def _key(*texts: str) -> bytes:
    """What stands for these texts: of a known size, and no token that a core dump could show."""
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).digest()
