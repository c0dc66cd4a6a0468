"""Back-end `csv_ws`: a web service that is asked for a term and answers with CSV."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from pelagos.core.http import ClientTls, HttpError, Request, Response
from pelagos.core.http.transports.base import Transport
from pelagos.core.http.transports.pooled import PooledTransport
from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends import keys
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import SourceError
from pelagos.directory.index import CsvRows, Table, decode, read_csv
from pelagos.directory.number import NumberPlan
from pelagos.directory.settings.source import COMMON_KEYS
from pelagos.directory.sources import MAX_RESULTS

log = logging.getLogger(__name__)

#: Seconds for one answer of the service unless `timeout` says otherwise.
DEFAULT_TIMEOUT = 10.0
#: Bytes of an answer that are taken unless `max_size` says otherwise.
DEFAULT_MAX_SIZE = 64 * 1024 * 1024

_KEYS = (
    *COMMON_KEYS,
    "lookup_url", "list_url", "delimiter", "verify_certificate", "charset", "max_size", "region",
)  # fmt: skip
_OK, _NO_CONTENT, _NOT_MODIFIED = 200, 204, 304
_Rows = list[dict[str, Any]]
_NOBODY = "pelagos-asks-whether-you-answer"
_SHOWN_PROBLEMS = 3  # lines of one answer that are logged one by one


@dataclass(frozen=True, slots=True)
class CsvWsSettings:
    """What a csv_ws source is configured to be.

    Attributes:
        lookup_url: asked with one parameter per column, each with the term; without userinfo.
        list_url: answers with all entries; None: entries cannot be listed by their ids.
        authorization: header made of the userinfo of `lookup_url`, or None.
        list_authorization: the same of `list_url`; when that has none and is on the same server,
            that of `lookup_url`.
        delimiter: one character between the columns.
        timeout: seconds for one answer.
        tls: over https, whom to trust.
        charset: of the answers; None: what each says, or else UTF-8.
        max_size: bytes of one answer, unpacked.
        plan: how the numbers in it are written, so that two ways to write one are the same; None:
            they are compared as they are.
    """

    lookup_url: str
    list_url: str | None = None
    authorization: str | None = field(default=None, repr=False)
    list_authorization: str | None = field(default=None, repr=False)
    delimiter: str = ","
    timeout: float = DEFAULT_TIMEOUT
    tls: ClientTls = field(default_factory=ClientTls)
    charset: str | None = None
    max_size: int = DEFAULT_MAX_SIZE
    unique_column: str | None = None
    searched_columns: Sequence[str] = ()
    first_matched_columns: Sequence[str] = ()

    plan: NumberPlan | None = None

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> CsvWsSettings:
        """Read the configuration of a source, from the `args` of `load`.

        Raises:
            SourceError, ConfigError: an unknown key, or a value that cannot be meant.
        """
        config = args["config"]
        refuse_unknown(config, _KEYS, SourceError)
        lookup_url, authorization = _address(config.get("lookup_url"), "lookup_url")
        list_url, of_list = None, None
        if config.get("list_url") is not None:
            list_url, of_list = _address(config["list_url"], "list_url")
            if of_list is None and _host(list_url) == _host(lookup_url):
                of_list = authorization
        return cls(
            lookup_url,
            list_url,
            authorization,
            of_list,
            keys.character(config, "delimiter"),
            keys.seconds(config, "timeout", DEFAULT_TIMEOUT),
            _tls(config.get("verify_certificate", True)),
            keys.codec(config),
            keys.size(config, "max_size", DEFAULT_MAX_SIZE),
            config.get("unique_column"),
            tuple(config.get("searched_columns") or ()),
            tuple(config.get("first_matched_columns") or ()),
            keys.number_plan(args),
        )


class CsvWsBackend(BaseSourcePlugin):
    """Contacts that a web service finds.

    What it finds is trusted, but for exact matches, which are compared again here. The list of
    all entries is kept as long as the service says that it has not changed.

    Args:
        transport: who carries the requests; by default connections of its own.
    """

    tells_everyone_the_same = True

    def __init__(self, transport: Transport | None = None) -> None:
        self._settings = CsvWsSettings("")
        self._transport = transport
        self._listing = threading.Lock()
        self._listed: tuple[dict[str, str], Table] | None = None

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration; the service is asked later, so it need not run yet.

        Raises:
            SourceError: an unknown key, or a value that cannot be meant.
        """
        self._settings = CsvWsSettings.of(args)
        if self._transport is None:
            self._transport = PooledTransport(tls=self._settings.tls)

    def unload(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            self._transport.close()

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """What the service finds for the term in the searched columns."""
        del args
        return self._ask(self._settings.searched_columns, term)

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The first entry that the service finds of which a column equals `exten`."""
        del args
        columns, plan = self._settings.first_matched_columns, self._settings.plan
        if not exten or not columns:
            return None
        table = Table.of(
            self._ask(columns, exten),
            first_matched=columns,
            normal=plan.normal if plan is not None else None,
        )
        return table.first_match(exten)

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The entries with these unique ids; none without `list_url` and `unique_column`."""
        del args
        wanted = [str(uid) for uid in uids]
        settings = self._settings
        if not wanted or settings.list_url is None or settings.unique_column is None:
            return []
        return self._table(settings.list_url, settings.unique_column).list(wanted)

    def check(self) -> Iterator[str]:
        """What this source cannot do now, one line each; none when all is well.

        The service is asked for a term that nobody has, and for its list.

        Raises:
            SourceError: the service cannot be asked at all.
        """
        settings = self._settings
        columns = settings.searched_columns or settings.first_matched_columns
        if not columns:
            yield "it is never asked: neither searched_columns nor first_matched_columns are set"
        else:
            found = self._found(columns, _NOBODY)
            wanted = (*settings.searched_columns, *settings.first_matched_columns)
            if found.columns:
                for column in dict.fromkeys(c for c in wanted if c not in found.columns):
                    yield f"the service's answers have no column {column}"
        if settings.unique_column is not None and settings.list_url is not None:
            unique = settings.unique_column
            if unique in self._table(settings.list_url, unique).missing:
                yield f"the service's list has no column {unique}"

    def _ask(self, columns: Sequence[str], text: str) -> _Rows:
        if not columns:
            return []
        found = self._found(columns, text)
        some = islice(found, MAX_RESULTS + 1)  # which is too many, and all the rest no better
        rows = [dict(zip(found.columns, row, strict=False)) for row in some]
        self._report(found)
        return rows

    def _found(self, columns: Sequence[str], text: str) -> CsvRows:
        settings = self._settings
        mark = "&" if urlsplit(settings.lookup_url).query else "?"
        query = urlencode([(column, text) for column in columns], errors="replace")
        url = f"{settings.lookup_url}{mark}{query}"
        answer = self._get(url, {}, settings.authorization)
        return self._read(answer)

    def _table(self, url: str, unique: str) -> Table:
        """All entries, as they are now; one thread asks for them at a time."""
        with self._listing:
            held = self._listed
            answer = self._get(url, held[0] if held else {}, self._settings.list_authorization)
            if held is not None and answer.status == _NOT_MODIFIED:
                return held[1]
            found = self._read(answer)
            table = Table.of_lines(found.columns, found, unique=unique)
            self._report(found)
            if table.missing:
                log.warning("source %s: its list has no column %s", self.name, unique)
            tags = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
            known = {k: answer.headers[v] for k, v in tags.items() if v in answer.headers}
            self._listed = (known, table) if known else None
            return table

    def _get(self, url: str, headers: Mapping[str, str], authorization: str | None) -> Response:
        settings = self._settings
        if self._transport is None:
            raise SourceError("this source is not loaded")
        sent = {"Accept": "text/csv", "Accept-Encoding": "gzip", **headers}
        if authorization is not None:
            sent["Authorization"] = authorization
        request = Request("GET", url, sent, None, settings.timeout, settings.max_size)
        try:
            answer = self._transport.send(request)
        except HttpError as error:
            message = error.message.replace(url, _bare(url))
            raise SourceError(message, hint=error.hint) from None  # it names what was looked for
        if answer.status in {_OK, _NO_CONTENT} or (headers and answer.status == _NOT_MODIFIED):
            return answer
        raise SourceError(
            f"{_bare(url)} answered with status {answer.status}",
            hint="look whether the address is right; redirections are not followed",
        )

    def _read(self, answer: Response) -> CsvRows:
        text = _text(answer, self._settings.charset)
        return read_csv(StringIO(text, newline=""), self._settings.delimiter)

    def _report(self, found: CsvRows) -> None:
        for problem in found.problems[:_SHOWN_PROBLEMS]:
            log.warning("source %s: its answer, %s; left out", self.name, problem)
        if found.problem_count > _SHOWN_PROBLEMS:
            count = found.problem_count
            log.warning("source %s: %d lines of its answer left out", self.name, count)


def _text(answer: Response, named: str | None) -> str:
    if named is None:
        header = Message()
        header["content-type"] = answer.headers.get("content-type", "")
        value = header.get_param("charset")
        named = value if isinstance(value, str) and value else None
    if named is not None:
        return decode(answer.body, named)
    try:
        return answer.body.decode("utf-8-sig")
    except UnicodeDecodeError:  # what says nothing is UTF-8, or as old as those who said nothing
        return answer.body.decode("iso-8859-1")


def _address(url: Any, key: str) -> tuple[str, str | None]:
    """The address without userinfo, and that as a header."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        is_fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1)
    except ValueError:
        is_fit = False
    if not is_fit or not url.isprintable():
        raise SourceError(f"{key}: an http or https address is needed")
    userinfo, at, place = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=place, fragment=""))
    if not at:
        return bare, None
    secret = base64.b64encode(unquote(userinfo).encode()).decode()
    return bare, f"Basic {secret}"


def _host(url: str) -> tuple[str, str]:
    return urlsplit(url)[:2]


def _bare(url: str) -> str:
    """The address without its query, which tells who was looked for."""
    return url.partition("?")[0]


def _tls(verify: Any) -> ClientTls:
    if isinstance(verify, bool):
        return ClientTls(is_verified=verify)
    if isinstance(verify, str) and verify:
        return ClientTls(authority=Path(verify).expanduser())
    raise SourceError(
        f"verify_certificate: true, false or the path of a PEM file is needed, not {verify!r}"
    )
