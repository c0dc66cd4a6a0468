"""Whole lists, and what the first answer's header fields say of them."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from pelagos.clients.base import Client, Reply, Success, records
from pelagos.clients.base.call import Path


def whole_list(
    client: Client,
    path: Path,
    key: str,
    params: Mapping[str, Any] | None = None,
    *,
    limit: int | None = None,
    headers: Mapping[str, Any] | None = None,
    response_headers: MutableMapping[str, Any] | None = None,
    success: Success = 200,
) -> Any:
    """All records under a key, from all pages.

    Args:
        client: who asks.
        path: of the list.
        key: what the records stand under.
        params: the query; None leaves an entry out.
        limit: records at the most; None: all.
        headers: of each request.
        response_headers: filled from the first answer, see `fill`.
        success: statuses of a page; 304 is one without records.

    Raises:
        ClientError: a page did not come, or is none.
    """
    asking = client if response_headers is None else _Noting(client, response_headers)
    return records(
        asking,  # type: ignore[arg-type]  # `get` is all that is called
        path,
        key,
        params,
        limit=limit,
        headers=headers,
        success=success,
    )


def fill(into: MutableMapping[str, Any] | None, reply: Reply) -> None:
    """Give each header name that is a key its value in an answer, where there is one."""
    if into is not None:
        into.update({name: reply.headers[name] for name in into if name in reply.headers})


class _Noting:
    """A client that notes header fields of the first answer."""

    def __init__(self, client: Client, into: MutableMapping[str, Any]) -> None:
        self.endpoint_url = client.endpoint_url
        self._client = client
        self._into: MutableMapping[str, Any] | None = into

    def get(self, path: Path, **how: Any) -> Reply:
        reply = self._client.get(path, **how)
        if self._into is not None:
            fill(self._into, reply)
            self._into = None
        return reply
