"""Back-end `servers`: the servers of a cloud as entries of the directory."""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping
from typing import Any

from pelagos.core.clock import Clock
from pelagos.core.spelling import refuse_unknown
from pelagos.directory.errors import SourceError
from pelagos.directory.settings import COMMON_KEYS, checks
from pelagos.plane.sources.cloud_servers import CloudServers
from pelagos.plane.sources.listed import ListedBackend
from pelagos.plane.sources.server_rows import COLUMNS, Row

_KEYS = (*COMMON_KEYS, "cloud", "all_projects", "fresh")


class ServersBackend(ListedBackend):
    """The servers that the configuration's own login sees, whoever asks the directory.

    Args:
        environ: where the configuration of clouds is looked for; None: as the `context` of
            the directory says, or else in this process' own.
        clock: tells how old the list is.
    """

    COLUMNS = COLUMNS
    NAMED_BY = ("name", "addresses")
    WHAT = "the servers of a cloud"

    def __init__(
        self, environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(clock)
        self._environ = environ
        self._servers: CloudServers | None = None

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration; the cloud is asked later, so it need not answer yet.

        Raises:
            SourceError, ConfigError: there is no such cloud, or a key, a column or a value cannot
                be meant.
        """
        config = args["config"]
        refuse_unknown(config, _KEYS, SourceError)
        name, timeout = config.get("cloud"), config.get("timeout")
        is_whole = checks.flag(config.get("all_projects", False), "all_projects")
        environ = self._environ or args["context"].get("environ") or os.environ
        servers = CloudServers(
            None if name is None else checks.text(name, "cloud"),
            environ,
            timeout=None if timeout is None else checks.seconds(timeout, "timeout"),
            is_whole=is_whole,
        )
        self.keep(config, servers.timeout)
        self._servers = servers

    def unload(self) -> None:
        """Close the connections."""
        if self._servers is not None:
            self._servers.close()

    def rows(self) -> builtins.list[Row]:
        """The servers, see `CloudServers.rows`."""
        return self._loaded.rows()

    def check(self) -> builtins.list[str]:
        """What this source cannot do now, one line each; none when all is well.

        The cloud is asked for one server, whatever is remembered.

        Raises:
            SourceError: it does not answer, or does not let the configuration's login in.
        """
        rows = self._loaded.rows(limit=1)
        if self.shows("host") and rows and rows[0]["host"] is None:
            return ["the cloud does not tell this login where servers run: host is always empty"]
        return []

    @property
    def _loaded(self) -> CloudServers:
        if self._servers is None:
            raise SourceError("this source is not loaded")
        return self._servers
