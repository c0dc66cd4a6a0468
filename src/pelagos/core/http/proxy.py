"""Which proxy a request goes through: what the environment says, as other programs read it.

`http_proxy`, `https_proxy`, and `all_proxy` for both, name a proxy for addresses of that scheme;
`no_proxy` says which hosts are reached without one. Names in capitals count, too, when the others
are not set. This computer's own addresses are always reached without one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from pelagos.core.http.errors import HttpUnreachable

_ALL = "*"
_PORTS = {"http": 80, "https": 443}
_HINT = "look at http_proxy, https_proxy, all_proxy and no_proxy in the environment"
_OURS = re.compile(r"localhost|127\.[0-9.]+|::1|.+\.localhost")


class Proxies:
    """The proxies of an environment; nothing in it changes.

    >>> proxies = Proxies({"https_proxy": "proxy:3128", "no_proxy": ".example.org,10.0.0.0/8"})
    >>> proxies.for_url("https://cloud.example.com/v3")
    'http://proxy:3128'
    >>> [proxies.for_url(url) for url in ("https://a.example.org", "https://10.1.2.3", "http://x")]
    [None, None, None]

    Args:
        environment: by default, this process's.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        both = _value(found, "all_proxy")
        of_scheme = {
            # A web server hands a header `Proxy` of anybody to a CGI program as HTTP_PROXY.
            "http": found.get("http_proxy", "")
            if "REQUEST_METHOD" in found
            else _value(found, "http_proxy"),
            "https": _value(found, "https_proxy"),
        }
        self._of_scheme = {
            scheme: address or both for scheme, address in of_scheme.items() if address or both
        }
        self._without = [one for one in re.split(r"[,\s]+", _value(found, "no_proxy")) if one]

    def __bool__(self) -> bool:
        return bool(self._of_scheme)

    def for_url(self, url: str) -> str | None:
        """The address of the proxy, or None.

        Raises:
            HttpUnreachable: it is of a kind that is not spoken here, or no address.
        """
        if not self._of_scheme:
            return None
        parts = urlsplit(url)
        found = self._of_scheme.get(parts.scheme)
        if not found:
            return None
        host = (parts.hostname or "").rstrip(".")
        if self._is_direct(host, parts.port or _PORTS[parts.scheme]):
            return None
        address = found if "://" in found else f"http://{found}"
        fault = _fault(address)
        if fault:
            raise unusable(url, address, fault)
        return address

    def _is_direct(self, host: str, port: int) -> bool:
        if _OURS.fullmatch(host):
            return True
        return any(one == _ALL or _is_meant(one, host, port) for one in self._without)


def shown(address: str) -> str:
    """A proxy's address without name and password."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def unusable(url: str, address: str, fault: str) -> HttpUnreachable:
    """Why a request could not go through a proxy; its password is not told."""
    message = f"{url} cannot be reached: its proxy {shown(address)} {fault}"
    return HttpUnreachable(message, url=url, hint=_HINT)


def _fault(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its words would show what is in the address
        return "is no address; in a password write @ as %40, # as %23 and / as %2F"
    return "" if is_usable else "is neither http nor https"


def _value(found: Mapping[str, str], name: str) -> str:
    value = found.get(name)
    return (found.get(name.upper(), "") if value is None else value).strip()


def _is_meant(pattern: str, host: str, port: int) -> bool:
    """Whether an entry of `no_proxy` means this host: a name and all below it, or a network."""
    if "/" in pattern:
        return _is_in(host, pattern)
    name, colon, wanted = pattern.partition(":")
    if colon and wanted.isdigit():
        if int(wanted) != port:
            return False
    elif colon:
        name = pattern.strip("[]")
    name = name.removeprefix("*").lstrip(".").lower()
    return bool(name) and (host.lower() == name or host.lower().endswith(f".{name}"))


def _is_in(host: str, network: str) -> bool:
    import ipaddress  # noqa: PLC0415  # only who names networks pays for it

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
