"""Follow a long list to its end, whichever way the service pages it.

- Nova, Cinder, Neutron: `{key}_links` with `rel: next`; Glance: `next`; Keystone: `links.next`.
  Of the link only the query is used: its host is what the service believes to be called, and the
  token goes nowhere but to the endpoint.
- Swift and Pithos: bare lists, gone on with the last name as `marker` until one comes empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pelagos.clients.base.call import Path
from pelagos.clients.base.client import Client, Success
from pelagos.clients.errors import WrongAnswer

#: After the name of a virtual folder, so that what is in it is passed over.
_LAST = "\U0010ffff"
_WITHOUT_BODY = frozenset({204, 304})


def pages(  # each a choice of the caller
    client: Client,
    path: Path,
    key: str | None,
    params: Mapping[str, Any] | None = None,
    *,
    limit: int | None = None,
    headers: Mapping[str, Any] | None = None,
    success: Success = 200,
) -> Iterator[list[Any]]:
    """The pages of a list, each a list of its records.

    Args:
        client: who asks.
        path: of the list.
        key: what the records stand under; None: the answer itself is the list (object storage).
        params: the query of the first page.
        limit: records at the most; None: all.
        headers: of each request.
        success: statuses of a page; 204 and 304 are ones without records.

    Raises:
        ClientError: a page did not come, or is none, or the service goes in circles.
    """
    query = {**(params or {}), **({"limit": limit} if limit is not None else {})}
    left = limit
    seen: set[frozenset[tuple[str, str]]] = set()
    while True:
        reply = client.get(path, params=query, headers=headers, success=success)
        if reply.status in _WITHOUT_BODY:
            return
        records = _records(reply.json if reply.content else [], key, reply.url)
        if left is not None:
            records = records[:left]
            left -= len(records)
        if records:
            yield records
        if not records or left == 0:
            return
        onward = _onward(reply.json, key, records)
        if onward is None:
            return
        query = {**query, **onward}
        mark = frozenset((name, str(value)) for name, value in query.items())
        if mark in seen:
            raise WrongAnswer(
                f"{client.endpoint_url} pages its list in circles",
                hint="tell the operator of the service",
            )
        seen.add(mark)


def records(  # those of `pages`
    client: Client,
    path: Path,
    key: str | None,
    params: Mapping[str, Any] | None = None,
    *,
    limit: int | None = None,
    headers: Mapping[str, Any] | None = None,
    success: Success = 200,
) -> list[Any]:
    """All records of a list, from all of its pages; as `pages` else."""
    found = pages(client, path, key, params, limit=limit, headers=headers, success=success)
    return [one for page in found for one in page]


def _records(data: Any, key: str | None, url: str) -> list[Any]:
    found = data if key is None else data.get(key) if isinstance(data, dict) else None
    if not isinstance(found, list) or (key and not all(isinstance(one, dict) for one in found)):
        what = "a list" if key is None else f"a list of {key!r}"
        raise WrongAnswer(
            f"{url} did not answer with {what}",
            hint="check that the address is that of the service",
        )
    return found


def _onward(data: Any, key: str | None, records: list[Any]) -> dict[str, Any] | None:
    """What the next page's query has; None after the last page."""
    if key is None:
        return _after(records[-1])
    link = _link(data, key)
    return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True)) if link else None


def _after(record: Any) -> dict[str, Any] | None:
    if not isinstance(record, dict):
        return {"marker": str(record)}
    if isinstance(name := record.get("name"), str):
        return {"marker": name}
    folder = record.get("subdir")
    return {"marker": f"{folder}{_LAST}"} if isinstance(folder, str) else None


def _link(data: Any, key: str) -> str | None:
    links = data.get(f"{key}_links")
    if isinstance(links, list):
        found = (
            one.get("href") for one in links if isinstance(one, dict) and one.get("rel") == "next"
        )
        return next((one for one in found if isinstance(one, str)), None)
    onward = data.get("next")
    if onward is None and isinstance(data.get("links"), dict):
        onward = data["links"].get("next")
    return onward if isinstance(onward, str) and onward else None
