"""Ask a directory over HTTP: typed answers, errors that say what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient, HttpError, Response
from pelagos.core.wire import WireError
from pelagos.directory.errors import (
    BadTermError,
    DirectoryUnreachable,
    RequestError,
    TokenError,
    UnknownProfileError,
)
from pelagos.directory.model import SourceVerdict


@dataclass(frozen=True, slots=True)
class LookupRow:
    """One result.

    Attributes:
        column_values: one per header, in their order.
        source: name of the source that found it.
    """

    column_values: tuple[Any, ...]
    relations: dict[str, Any]
    source: str


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """What a directory answered.

    Attributes:
        sources: what each source did; empty from a directory that does not say.
    """

    term: str
    column_headers: tuple[str | None, ...]
    column_types: tuple[str | None, ...]
    results: tuple[LookupRow, ...]
    sources: tuple[SourceVerdict, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every source answered."""
        return all(verdict.has_answered for verdict in self.sources)


class DirectoryClient:
    """Questions to one directory. Immutable and safe to share between threads.

    Args:
        url: address of the directory, without `/0.1`.
        token: sent as `X-Auth-Token`.
        timeout: seconds for one answer.
        http: who carries the requests; by default a client of its own.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 10.0,
        http: HttpClient | None = None,
    ) -> None:
        self._http = http or HttpClient(url, timeout=timeout)
        self._headers = {"X-Auth-Token": token} if token else {}

    def __repr__(self) -> str:
        return f"DirectoryClient({self._http.base_url!r})"

    def lookup(self, term: str, profile: str = "default") -> LookupAnswer:
        """What the sources of the profile know of a term.

        Raises:
            BadTermError, TokenError, UnknownProfileError, RequestError: the directory refused.
            DirectoryUnreachable: no usable answer came.
        """
        path = f"0.1/directories/lookup/{quote(profile, safe='')}"
        answer: LookupAnswer = self._get(path, {"term": term}, LookupAnswer)
        return answer

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _get(self, path: str, params: dict[str, str], into: Any) -> Any:
        try:
            response = self._http.request("GET", path, params=params, headers=self._headers)
            if response.status != 200:  # noqa: PLR2004  # OK
                raise _refusal(response)
            return response.json(into)
        except HttpError as error:
            raise DirectoryUnreachable(
                f"the directory does not answer: {error.message}",
                hint=error.hint or "is `pelagos up` running?",
                retry_after=error.retry_after,
            ) from error
        except WireError as error:
            raise DirectoryUnreachable(
                f"what answers at {self._http.base_url} is not a directory: {error.message}",
                hint="check the address of the directory",
            ) from error


_REFUSALS: dict[int, tuple[type[RequestError], str | None]] = {
    400: (BadTermError, None),
    401: (TokenError, "check the token; `pelagos config` shows where it is taken from"),
    404: (UnknownProfileError, None),
}


def _refusal(response: Response) -> PelagosError:
    try:
        body = response.json()
    except WireError:
        body = None
    reasons = body.get("reason") if isinstance(body, dict) else None
    if not isinstance(reasons, list):
        reasons = [str(reasons or f"the directory answered with status {response.status}")]
    kind, hint = _REFUSALS.get(response.status, (RequestError, None))
    return kind([str(reason) for reason in reasons], status=response.status, hint=hint)
