"""The servers of one cloud, asked of its compute service."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pelagos.core.http import HttpClient
from pelagos.directory.errors import SourceError
from pelagos.plane.sources.server_rows import Row, flavor_id, is_there, row_of

if TYPE_CHECKING:  # a directory without clouds does not pay for their clients
    from pelagos.clients.base import Reply
    from pelagos.clients.base.call import Path
    from pelagos.clients.cloud import Cloud
    from pelagos.clients.compute import ComputeClient
    from pelagos.clients.errors import ClientError

log = logging.getLogger(__name__)

#: Seconds after which a list that still has further pages is given up.
_LONGEST = 120.0
#: Seconds for which the names of flavours are not asked for again, though one is unknown.
_FLAVORS_KEPT = 60.0
_SERVERS = ("servers", "detail")


class CloudServers:
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

    def rows(self, limit: int | None = None) -> list[Row]:
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


def _line(error: ClientError) -> str:
    return " ".join(error.message.split()).rstrip(".")
