"""A session with an LDAP server: bind and search. The only door to the library bonsai."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import bonsai
from bonsai.ldapconnection import BaseLDAPConnection
from bonsai.ldapurl import LDAPURL

from pelagos.directory.backends.ldap.line import (
    Line,
    LineError,
    TooManyError,
    dial,
    readable,
)
from pelagos.directory.backends.ldap.message import OF_SEARCH
from pelagos.directory.backends.ldap.settings import LdapSettings
from pelagos.directory.errors import SourceError

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Entries that are fetched at once, and at most.
PAGE = 500
MAX_ENTRIES = 100_000

_TRIES = 100  # that the library needs at most to see that a connection failed

#: Results after which the session goes on: a filter, a name or a right is at fault, or a limit.
_KEPT = frozenset({-7, 0x03, 0x04, 0x0B, 0x12, 0x15, 0x20, 0x22, 0x32})

_HINTS = {
    bonsai.SizeLimitError: "ask for more of the name, or let the server give more at once (its "
    "size limit)",
    bonsai.NoSuchObjectError: "check ldap_base_dn, and that ldap_username may see it",
    bonsai.InvalidDN: "check ldap_base_dn",
    bonsai.InsufficientAccess: "set ldap_username and ldap_password of somebody who may",
}


class LdapRefusal(SourceError):
    """The server understood, and refused; the session goes on."""


class BindRefusal(SourceError):
    """The server does not let us in."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        values: all values of each attribute; names in lower case.
        names: the attributes as the server writes them.
    """

    dn: str
    values: Mapping[str, Sequence[bytes]]
    names: Sequence[str]


class _Url(LDAPURL):  # type: ignore[misc]  # not looked into: it is there by choice
    """The address of a local socket, exactly as it is; the library would write it small."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        super().__init__("ldapi://")
        self._path = path

    def get_address(self) -> str:
        return "ldapi://" + "".join(f"%{byte:02X}" for byte in self._path.encode())


class _Connection(BaseLDAPConnection):  # type: ignore[misc]  # as above
    """The library's connection, which never waits: the line does."""

    def __init__(self, client: bonsai.LDAPClient, line: Line) -> None:
        self._line = line
        super().__init__(client, is_async=True)

    def _evaluate(self, msg_id: int, timeout: float | None = None) -> Any:
        deadline = time.monotonic() + (timeout or 0)
        try:
            while True:
                found = self.get_result(msg_id)
                if found is not None:
                    return found
                self._wait(deadline)
        except LineError:
            if self.closed:
                self._forget(msg_id)
            raise

    def _wait(self, deadline: float) -> None:
        if self._line.join():
            if not self._has_more():
                self._line.move(deadline)
        elif time.monotonic() > deadline:
            raise LineError("the LDAP library does not start", is_late=True)
        else:
            time.sleep(0.0005)  # its own thread reads its settings

    def _forget(self, opening: int) -> None:
        """Let go of a connection that did not come about: the library would keep it for ever.

        It forgets it only when it sees it fail, so the line is cut first.
        """
        self._line.close()
        for _ in range(_TRIES):
            try:
                if self.get_result(opening) is not None:
                    self.close()  # the answer had come after all
                    return
            except (bonsai.LDAPError, SystemError):
                return
            time.sleep(0.001)

    def _has_more(self) -> bool:
        """Whether messages lie at its end of the line: it takes one at a time."""
        return bool(readable(self.fileno(), timeout=0))


class Session:
    """A bound session; for one thread at a time.

    Raises:
        LineError: the server cannot be reached.
        BindRefusal: it does not let us in.
    """

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._line = dial(settings)
        client = bonsai.LDAPClient("ldap://localhost")
        client.set_url(_Url(self._line.path))
        if settings.username or settings.password:
            client.set_credentials("SIMPLE", user=settings.username, password=settings.password)
        self._connection = _Connection(client, self._line)
        try:
            self._guarded(lambda: self._connection.open(settings.timeout))
        except BaseException:
            self._line.close()
            raise
        self.used = time.monotonic()

    def search(self, base: str, scope: int, text: str, columns: Sequence[str]) -> list[Entry]:
        """The entries below `base` that a filter finds.

        Args:
            scope: 0 the base itself, 2 all below it.
            columns: attributes; none means all.

        Raises:
            LineError: the session is over.
            LdapRefusal: the server refused; the session goes on.
        """
        raw = list(columns) or []
        return self._guarded(lambda: self._search(base, scope, text, raw))

    def _search(self, base: str, scope: int, text: str, columns: list[str]) -> list[Entry]:
        self._line.begin(OF_SEARCH)
        timeout = self._settings.timeout
        deadline = time.monotonic() + timeout
        connection = self._connection
        found = connection.paged_search(
            base, scope, text, columns or None, timeout, page_size=PAGE
        )
        entries: list[Entry] = []
        while True:
            entries += [_entry(one) for one in found if one.dn]
            if len(entries) > MAX_ENTRIES:
                raise LineError(f"more than {MAX_ENTRIES:,} entries; ask for less")
            message = found.acquire_next_page()
            if message is None:
                break
            found = connection._evaluate(message, max(0.001, deadline - time.monotonic()))  # noqa: SLF001  # ours
        self.used = time.monotonic()
        if self._line.left_out:
            where = self._settings.servers[0]
            log.warning("%s: %d entries were too large and left out", where, self._line.left_out)
        return entries

    def has_any(self, base: str, text: str) -> bool:
        """Whether the filter finds anything below `base`; only the first is fetched."""

        def first() -> bool:
            self._line.begin(OF_SEARCH)
            timeout = self._settings.timeout
            found = self._connection.paged_search(base, 2, text, ["1.1"], timeout, page_size=1)
            return any(True for _ in found)

        return self._guarded(first)

    def is_alive(self) -> bool:
        """Whether the server has not ended it meanwhile."""
        return not self._connection.closed and self._line.is_quiet()

    def close(self) -> None:
        """Say goodbye and hang up; never raises."""
        for _ in range(2):  # the first may fail at what is still awaited, and forgets it
            with contextlib.suppress(bonsai.LDAPError, OSError):
                self._connection.close()
        self._line.close()

    def _guarded(self, act: Callable[[], _T]) -> _T:
        server = ", ".join(map(str, self._settings.servers))
        try:
            return act()
        except bonsai.AuthenticationError as error:
            who = self._settings.username or "nobody"
            raise BindRefusal(
                f"{server} does not accept the password of {who}",
                hint="check ldap_username and ldap_password of this source",
            ) from error
        except bonsai.LDAPError as error:
            if isinstance(error, bonsai.SizeLimitError):
                raise TooManyError(f"{server}: {_words(error)}", hint=_hint(error)) from error
            if error.code in _KEPT:
                raise LdapRefusal(f"{server}: {_words(error)}", hint=_hint(error)) from error
            raise LineError(f"{server}: {_words(error)}") from error
        except SystemError as error:  # how the library says that it cannot read an answer
            raise LineError(f"{server}: its answer cannot be read") from error


def _words(error: bonsai.LDAPError) -> str:
    return " ".join(str(error.args[0] if error.args else error).split()) or type(error).__name__


def _hint(error: bonsai.LDAPError) -> str | None:
    for kind, hint in _HINTS.items():
        if isinstance(error, kind):
            return hint
    return None


def _entry(found: Any) -> Entry:
    values: dict[str, list[bytes]] = {}
    names: list[str] = []
    for name, many in found.items():
        if name == "dn":
            continue
        values[name.lower()] = [_bytes(value) for value in many]
        names.append(name)
    return Entry(str(found.dn), values, names)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, bool):
        return b"TRUE" if value else b"FALSE"
    return str(value).encode("utf-8", "surrogateescape")
