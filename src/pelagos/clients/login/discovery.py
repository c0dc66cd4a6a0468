"""Where Keystone's v3 is, when it is not where it usually is: Keystone is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pelagos.clients.base import Client
from pelagos.clients.errors import NotFound

_MULTIPLE_CHOICES = 300
_GONE = frozenset({"deprecated", "experimental"})


def found_identity_url(client: Client) -> str:
    """The address of v3, by what Keystone says at the address of a client.

    Of the link only the path is used: its host is what Keystone believes to be called, and a
    password goes nowhere but to the server that was configured.

    Raises:
        NotFound: there is no v3.
        ClientError: no answer came, or none that says versions.
    """
    reply = client.get("/", success=(200, _MULTIPLE_CHOICES))
    known = list(_versions(reply.json))
    for name, link in known:
        if name.startswith("v3"):
            parts = urlsplit(client.endpoint_url)
            return urlunsplit(parts._replace(path=urlsplit(link).path.rstrip("/")))
    names = ", ".join(name for name, _ in known)
    raise NotFound(
        f"{client.endpoint_url} is no Keystone that knows v3",
        404,
        [f"it has {names}"] if names else None,
        hint="check that auth_url is the address of Keystone",
    )


def _versions(data: Any) -> Iterator[tuple[str, str]]:
    """Name and address of each version that is to be used."""
    found = data.get("versions", data) if isinstance(data, Mapping) else data
    if isinstance(found, Mapping):
        found = found.get("values") or [found.get("version")]
    for one in found if isinstance(found, list) else ():
        if not isinstance(one, Mapping) or str(one.get("status", "")).lower() in _GONE:
            continue
        links = one.get("links")
        for link in links if isinstance(links, list) else ():
            if isinstance(link, Mapping) and link.get("rel") == "self":
                yield str(one.get("id", "")), str(link.get("href", ""))
