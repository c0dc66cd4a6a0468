"""Back-end `servers`: the servers of a cloud as entries of the directory."""

from __future__ import annotations

import builtins
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pelagos.core.clock import Clock
from pelagos.core.http import HttpClient
from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends import keys
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import SourceError
from pelagos.directory.index import Table
from pelagos.directory.model import SourceResult
from pelagos.directory.result import make_result_class
from pelagos.directory.settings import COMMON_KEYS, checks
from pelagos.plane.sources.kept import Kept
from pelagos.plane.sources.server_rows import COLUMNS, flavor_id, is_there, row_of, same_address

if TYPE_CHECKING:  # a directory without clouds does not pay for their clients
    from pelagos.clients.base import Reply
    from pelagos.clients.base.call import Path
    from pelagos.clients.cloud import Cloud
    from pelagos.clients.compute import ComputeClient
    from pelagos.clients.errors import ClientError

log = logging.getLogger(__name__)

_KEYS = (*COMMON_KEYS, "cloud", "all_projects", "fresh")
_NAMED_BY = ("name", "addresses")
#: Seconds for which a list is not asked for again, unless `fresh` says otherwise.
_FRESH = 5.0
#: Seconds after which a list that still has further pages is given up.
_LONGEST = 120.0
#: Seconds for which the names of flavours are not asked for again, though one is unknown.
_FLAVORS_KEPT = 60.0
_SERVERS = ("servers", "detail")


class ServersBackend(BaseSourcePlugin):
    """The servers that the configuration's own login sees, whoever asks the directory.

    The list is kept for a few seconds, and asked for once for all who ask meanwhile.

    Args:
        environ: where the configuration of clouds is looked for; None: this process' own.
        clock: tells how old the list is.
    """

    tells_everyone_the_same = True

    def __init__(
        self, environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._servers: _Servers | None = None
        self._kept: Kept[Table] | None = None
        self._searched: tuple[str, ...] = ()
        self._matched: tuple[str, ...] = ()
        self._shows_host = False
        self._make: Callable[..., SourceResult] = make_result_class("")

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration; the cloud is asked later, so it need not answer yet.

        Raises:
            SourceError, ConfigError: there is no such cloud, or a key, a column or a value cannot
                be meant.
        """
        config = args["config"]
        refuse_unknown(config, _KEYS, SourceError)
        self._searched = tuple(config.get(self.SEARCHED_COLUMNS) or _NAMED_BY)
        self._matched = tuple(config.get(self.FIRST_MATCHED_COLUMNS) or _NAMED_BY)
        refuse_unknown((*self._searched, *self._matched), COLUMNS, SourceError, kind="column")
        if config.get(self.UNIQUE_COLUMN) not in {None, "id"}:
            raise SourceError("unique_column is always id here", hint="leave it out")
        templates = checks.section(config, self.FORMAT_COLUMNS)
        self._make = make_result_class(self.name, "id", templates, backend=self.backend)
        self._shows_host = "host" in {*self._searched, *self._matched} or any(
            "{host" in str(template) for template in templates.values()
        )
        name = config.get("cloud")
        self._servers = _Servers(
            None if name is None else checks.text(name, "cloud"),
            self._environ,
            timeout=_seconds(config, "timeout"),
            is_whole=checks.flag(config.get("all_projects", False), "all_projects"),
        )
        self._kept = Kept(
            self._read,
            fresh=keys.seconds(config, "fresh", _FRESH),
            stale=_seconds(config, "stale"),
            limit=self._servers.timeout,
            clock=self._clock,
        )

    def unload(self) -> None:
        """Close the connections."""
        if self._servers is not None:
            self._servers.close()

    def search(
        self, term: str, args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The servers in whose searched columns the term occurs."""
        del args
        return [self._make(row) for row in self._table().search(term)]

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """The first server with this name or address, however the address is written."""
        return self.match_all([exten], args).get(exten)

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many at once."""
        del args
        wanted = [exten for exten in extens if exten]
        found = self._table().match_all(wanted) if wanted else {}
        return {exten: self._make(row) for exten, row in found.items()}

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The servers with these ids."""
        del args
        wanted = builtins.list(uids)
        return [self._make(row) for row in self._table().list(wanted)] if wanted else []

    def check(self) -> builtins.list[str]:
        """What this source cannot do now, one line each; none when all is well.

        The cloud is asked for one server, whatever is remembered.

        Raises:
            SourceError: it does not answer, or does not let the configuration's login in.
        """
        if self._servers is None:
            raise SourceError("this source is not loaded")
        rows = self._servers.rows(limit=1)
        if self._shows_host and rows and rows[0]["host"] is None:
            return ["the cloud does not tell this login where servers run: host is always empty"]
        return []

    def _table(self) -> Table:
        if self._kept is None:
            raise SourceError("this source is not loaded")
        return self._kept.get()

    def _read(self) -> Table:
        if self._servers is None:
            raise SourceError("this source is not loaded")
        return Table.of(
            self._servers.rows(),
            searched=self._searched,
            first_matched=self._matched,
            unique="id",
            normal=same_address,
        )


class _Servers:
    """The list of one cloud's servers; `rows` is called by one thread, or by few.

    Args:
        name: of the cloud; None: the one that is meant when none is named.
        environ: where clouds are looked for.
        timeout: seconds for one answer; None: those of the cloud.
        is_whole: whether the servers of all projects are wanted.

    Raises:
        SourceError: there is no such cloud, or it cannot have what is wanted.
    """

    def __init__(
        self,
        name: str | None,
        environ: Mapping[str, str],
        *,
        timeout: float | None,
        is_whole: bool,
    ) -> None:
        from pelagos.clients.cloud import Cloud, KnownClouds
        from pelagos.clients.errors import ClientError

        known = KnownClouds(environ)
        try:
            self._name = name or known.default()
            settings = known.get(self._name)
            self.timeout = min(timeout or settings.timeout, settings.timeout)
            settings = replace(settings, timeout=self.timeout)
            self._http = HttpClient(settings.auth_url, tls=settings.tls)
            self._cloud: Cloud = Cloud(self._name, settings=settings, http=self._http)
        except ClientError as error:
            raise SourceError(_line(error), hint=error.hint) from error
        if is_whole and self._cloud.dialect == "synnefo":
            raise SourceError(
                f"cloud {self._name} is a Synnefo, which lists one login's servers only",
                hint="leave all_projects out",
            )
        self._is_whole = is_whole
        self._flavors: dict[str, str] = {}
        self._flavors_until = 0.0

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The servers, in the cloud's order, from all pages.

        Args:
            limit: servers at the most.

        Raises:
            SourceError: they did not come.
        """
        from pelagos.clients.base import records
        from pelagos.clients.base.sending import Patience
        from pelagos.clients.compute import ComputeClient
        from pelagos.clients.errors import ClientError

        try:
            # A connection that was closed meanwhile is worth a second attempt, waiting is not.
            compute = self._cloud.client(ComputeClient, patience=Patience(2, longest=1.0))
            hurried: Any = _Hurried(compute, time.monotonic() + _LONGEST)
            query = {"all_tenants": "1"} if self._is_whole else {}
            found = records(hurried, _SERVERS, "servers", query, limit=limit)
            there = [server for server in found if is_there(server)]
            self._learn({flavor_id(server) for server in there} - {None}, hurried)
            access = self._cloud.access
        except ClientError as error:
            raise self._failure(error) from error
        own, name = access.project_id, access.project_name
        projects = {own: name} if own and name else {}
        return [row_of(server, self._flavors, projects) for server in there]

    def _learn(self, flavors: set[str | None], compute: Any) -> None:
        """Ask for the names of flavours when one is unknown; without an answer ids stay."""
        from pelagos.clients.base import records
        from pelagos.clients.errors import ClientError

        if flavors <= self._flavors.keys() or time.monotonic() < self._flavors_until:
            return
        self._flavors_until = time.monotonic() + _FLAVORS_KEPT
        query = {"is_public": "None"} if self._is_whole else {}  # those of some projects, too
        try:
            found = records(compute, ("flavors",), "flavors", query)
        except ClientError as error:
            log.info("cloud %s does not tell the names of flavours: %s", self._name, _line(error))
            return
        self._flavors = {str(f["id"]): str(f["name"]) for f in found if {"id", "name"} <= f.keys()}

    def _failure(self, error: ClientError) -> SourceError:
        from pelagos.clients.errors import Forbidden

        hint = error.hint
        if self._is_whole and isinstance(error, Forbidden):
            hint = "all_projects needs a login that may see all projects; leave it out, or use one"
        return SourceError(
            f"cloud {self._name}: {_line(error)}", hint=hint, retry_after=error.retry_after
        )


class _Hurried:
    """A client whose calls end in time, how many pages there may be."""

    def __init__(self, client: ComputeClient, ends: float) -> None:
        self.endpoint_url = client.endpoint_url
        self._client = client
        self._ends = ends

    def get(self, path: Path, **how: Any) -> Reply:
        left = self._ends - time.monotonic()
        if left <= 0:
            from pelagos.clients.errors import Late

            raise Late(
                f"{self.endpoint_url} gave page after page for {_LONGEST:g} s, and did not end"
            )
        return self._client.get(path, timeout=min(left, self._client.timeout), **how)


def _seconds(config: Mapping[str, Any], key: str) -> float | None:
    value = config.get(key)
    return None if value is None else checks.seconds(value, key)


def _line(error: ClientError) -> str:
    return " ".join(error.message.split()).rstrip(".")
