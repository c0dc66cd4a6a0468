"""The back-end: what the directory asks, as searches, and entries as rows."""

from __future__ import annotations

import builtins
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.backends.ldap import filters
from pelagos.directory.backends.ldap.line import TooManyError
from pelagos.directory.backends.ldap.pool import Pool
from pelagos.directory.backends.ldap.settings import LdapSettings
from pelagos.directory.errors import SourceError

if TYPE_CHECKING:  # the library behind it is there by choice
    from pelagos.directory.backends.ldap.session import Entry, Session

T = TypeVar("T")

log = logging.getLogger(__name__)

_BASE, _SUBTREE = 0, 2  # scopes of a search
_ANY = "(objectClass=*)"
#: Characters that a number or an id may have; no entry has a longer one.
_LONGEST = 256
#: Bytes of a filter. The library writes it at once, so the local socket must have room for it.
LARGEST_FILTER = 64 * 1024
_AT_ONCE = 25  # values in one filter
_UUID_BYTES = 16


class LdapBackend(BaseSourcePlugin):
    """Entries of an LDAP server. See docs/reference/directory-ldap.md for its keys."""

    tells_everyone_the_same = True

    def __init__(self) -> None:
        self._settings = LdapSettings()
        self._pool: Pool[Session] | None = None

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration; the server is asked later, so it need not run yet.

        Raises:
            SourceError: a key or value cannot be meant, or the library is not installed.
        """
        settings = self._settings = LdapSettings.of(args)
        try:
            from pelagos.directory.backends.ldap.session import (  # noqa: PLC0415  # by choice
                Session,
            )
        except ImportError as error:
            raise SourceError(
                "the library bonsai is not installed",
                hint="pip install 'pelagos[ldap]'; it needs a compiler and the headers of libldap "
                "and libsasl (Debian: libldap-dev, libsasl2-dev)",
            ) from error
        if not settings.matched and settings.custom_filter is None:
            log.info("source %s has no first_matched_columns: no number is found", self.name)
        self._pool = Pool(
            lambda: Session(settings), size=settings.connections, patience=settings.timeout
        )

    def unload(self) -> None:
        """End the sessions."""
        if self._pool is not None:
            self._pool.close()

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The entries in which the term occurs."""
        del args
        settings = self._settings
        if not _is_sendable(term):
            return []
        if not settings.searched:
            return [self._row(e) for e in self._find(filters.filled(self._custom(), term))]
        return [self._row(entry) for entry in self._containing(term)]

    def _containing(self, term: str) -> builtins.list[Entry]:
        """The entries with the term; however accented, unless the server gives not that many."""
        settings = self._settings
        if settings.fold_accents:
            text = self._with_custom(filters.containing(settings.searched, term), term)
            try:
                found = self._find(text, settings.searched)
            except TooManyError as error:
                log.info("source %s: %s; asking for just what was typed", self.name, error)
            else:
                columns = _low(settings.searched)
                return [e for e in found if filters.occurs(term, _texts(e), columns)]
        text = filters.containing(settings.searched, term, loosely=False)
        return self._find(self._with_custom(text, term), settings.searched)

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The first entry one of whose first-matched columns equals `exten`."""
        return self.match_all([exten], args).get(exten)

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, dict[str, Any]]:
        """`first_match` for many at once, in few searches."""
        del args
        settings = self._settings
        wanted = [exten for exten in dict.fromkeys(extens) if _is_value(exten)]
        if not settings.matched or filters.PLACE in (settings.custom_filter or ""):
            matches = ((exten, self._match_one(exten)) for exten in wanted)
            return {exten: row for exten, row in matches if row is not None}
        rows: dict[str, dict[str, Any]] = {}
        for some in _chunks(wanted, _AT_ONCE):
            text = filters.equal(settings.matched, self._forms(some))
            found = self._find(self._with_custom(text, ""), settings.matched)
            for exten in some:
                entry = self._first_equal(found, exten)
                if entry is not None:
                    rows[exten] = self._row(entry)
        return rows

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The entries with these unique ids, in the order of the ids."""
        del args
        unique = self._settings.unique
        if unique is None:
            return []
        escaped = dict(pair for uid in uids if (pair := self._escaped_id(uid)) is not None)
        rows: builtins.list[dict[str, Any]] = []
        for some in _chunks(escaped, _AT_ONCE):
            text = filters.equal([unique], [escaped[uid] for uid in some])
            place = {uid: number for number, uid in enumerate(some)}
            found = [self._row(entry) for entry in self._find(text)]
            # The server may take two ids for the same that are not: ¹ and 1, A and a.
            right = [(place[row[unique]], row) for row in found if row.get(unique) in place]
            rows += [row for _, row in sorted(right, key=itemgetter(0))]
        return rows

    def check(self) -> builtins.list[str]:
        """What this source cannot do now, one line each; none when all is well.

        Raises:
            SourceError: the server cannot be asked at all.
        """
        settings = self._settings
        base = self._asked(lambda s: s.search(settings.base_dn, _BASE, _ANY, ["1.1"]))
        if not base and settings.base_dn:
            return [f"there is no entry {settings.base_dn!r}, or it is not shown: ldap_base_dn"]
        return builtins.list(self._unused_columns())

    def _unused_columns(self) -> Iterator[str]:
        """The configured columns that no entry has."""
        settings = self._settings
        columns = (*settings.searched, *settings.matched, *filter(None, [settings.unique]))
        for column in dict.fromkeys(columns):
            text = f"({column}=*)"
            if not self._asked(partial(_has_any, settings.base_dn, text)):
                yield f"no entry below {settings.base_dn!r} has the attribute {column!r}"

    def _custom(self) -> str:
        return self._settings.custom_filter or ""

    def _with_custom(self, generated: str, term: str) -> str:
        custom = self._settings.custom_filter
        return filters.joined(None if custom is None else filters.filled(custom, term), generated)

    def _match_one(self, exten: str) -> dict[str, Any] | None:
        """By the custom filter; one that does not look at the number would find just anybody."""
        settings = self._settings
        if not settings.matched:
            if filters.PLACE not in self._custom():
                return None
            found = self._find(filters.filled(self._custom(), exten))
            return self._row(found[0]) if found else None
        text = filters.equal(settings.matched, self._forms([exten]))
        found = self._find(self._with_custom(text, exten), settings.matched)
        entry = self._first_equal(found, exten)
        return None if entry is None else self._row(entry)

    def _forms(self, extens: Iterable[str]) -> builtins.list[str]:
        """The ways in which numbers may be written there, as values in a filter."""
        plan = self._settings.plan
        forms = extens if plan is None else (f for e in extens for f in (e, *plan.forms(e)))
        return [filters.escape(form) for form in dict.fromkeys(forms)]

    def _first_equal(self, found: Iterable[Entry], exten: str) -> Entry | None:
        """The first entry with just this number, or else with another form of it."""
        columns, plan = _low(self._settings.matched), self._settings.plan
        texts = [(e, [v for c in columns for v in _texts(e).get(c, ())]) for e in found]
        for entry, values in texts:
            if any(filters.is_equal(value, exten) for value in values):
                return entry
        normal = None if plan is None else plan.normal(exten)
        if plan is not None and normal is not None:
            for entry, values in texts:
                if any(plan.normal(value) == normal for value in values):
                    return entry
        return None

    def _find(self, text: str, more: Sequence[str] = ()) -> builtins.list[Entry]:
        settings = self._settings
        if len(text.encode()) > LARGEST_FILTER:
            raise SourceError("the question is too long for LDAP", hint="ask for less at once")
        columns = tuple(dict.fromkeys((*settings.columns, *more))) if settings.columns else ()
        return self._asked(lambda s: s.search(settings.base_dn, _SUBTREE, text, columns))

    def _asked(self, question: Callable[[Session], T]) -> T:
        if self._pool is None:
            raise SourceError("this source is not loaded")
        return self._pool.ask(question)

    def _row(self, entry: Entry) -> dict[str, Any]:
        unique = self._settings.unique
        names = self._settings.columns or (*entry.names, *([unique] if unique else []))
        return {name: self._value(name, entry.values.get(name.lower(), ())) for name in names}

    def _value(self, name: str, values: Sequence[bytes]) -> str | None:
        if not values:
            return None
        if self._settings.is_binary and name == self._settings.unique:
            return _uuid_text(values[0])
        return values[0].decode("utf-8", "replace") or None

    def _escaped_id(self, uid: str) -> tuple[str, str] | None:
        """An id as rows have it and as a value in a filter; None when no entry can have it."""
        if not self._settings.is_binary:
            return (uid, filters.escape(uid)) if _is_value(uid) else None
        try:
            found = uuid.UUID(uid)
        except ValueError:
            return None
        return str(found), filters.escape_bytes(found.bytes)


def _has_any(base: str, text: str, session: Session) -> bool:
    return session.has_any(base, text)


def _uuid_text(data: bytes) -> str | None:
    """16 bytes as a UUID, first byte first; None when they are not 16."""
    return str(uuid.UUID(bytes=data)) if len(data) == _UUID_BYTES else None


def _texts(entry: Entry) -> dict[str, list[str]]:
    return {
        name: [value.decode("utf-8", "replace") for value in values]
        for name, values in entry.values.items()
    }


def _low(columns: Iterable[str]) -> list[str]:
    return [column.lower() for column in columns]


def _chunks(items: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _is_value(text: str) -> bool:
    """Whether a text can be a number or an id."""
    return 0 < len(text) <= _LONGEST and _is_sendable(text)


def _is_sendable(text: str) -> bool:
    """Whether a text can be written in UTF-8, as LDAP wants it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
