"""Back-end `servers`: the servers of a cloud as entries of the directory."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pelagos.core.clock import Clock
from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends import keys
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import NotForAskerError, SourceError
from pelagos.directory.index import Table
from pelagos.directory.model import SourceResult
from pelagos.directory.result import make_result_class
from pelagos.directory.settings import COMMON_KEYS, checks
from pelagos.plane.sources.cloud_servers import CloudServers
from pelagos.plane.sources.kept import Kept
from pelagos.plane.sources.server_rows import COLUMNS, same_address

_KEYS = (*COMMON_KEYS, "cloud", "all_projects", "fresh")
_NAMED_BY = ("name", "addresses")
#: Seconds for which a list is not asked for again, unless `fresh` says otherwise.
_FRESH = 5.0


class ServersBackend(BaseSourcePlugin):
    """The servers that the configuration's own login sees, whoever asks the directory.

    People only are told, that is whoever has a token. The list is kept for a few seconds, and
    asked for once for all who ask meanwhile.

    Args:
        environ: where the configuration of clouds is looked for; None: this process' own.
        clock: tells how old the list is.
    """

    def __init__(
        self, environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._servers: CloudServers | None = None
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
        self._servers = CloudServers(
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
        """The servers in whose searched columns the term occurs.

        Raises:
            NotForAskerError: nobody is known to ask.
            SourceError: the list does not come.
        """
        return [self._make(row) for row in self._table(args).search(term)]

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """The first server with this name or address, however the address is written."""
        return self.match_all([exten], args).get(exten)

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many at once."""
        wanted = [exten for exten in extens if exten]
        found = self._table(args).match_all(wanted) if wanted else {}
        return {exten: self._make(row) for exten, row in found.items()}

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The servers with these ids."""
        wanted = builtins.list(uids)
        return [self._make(row) for row in self._table(args).list(wanted)] if wanted else []

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

    def _table(self, args: Mapping[str, Any] | None) -> Table:
        if self._kept is None:
            raise SourceError("this source is not loaded")
        if not (args or {}).get("token"):
            raise NotForAskerError(
                "the servers of a cloud are for people only, and nobody is known to ask",
                hint="ask with a token",
            )
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


def _seconds(config: Mapping[str, Any], key: str) -> float | None:
    value = config.get(key)
    return None if value is None else checks.seconds(value, key)
