"""Addresses of Swift that hold for some time and need no token. Pure."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote, urlencode, urlsplit


def signed(  # what a signature covers, and what goes with it
    url: str,
    name: str,
    key: str,
    expires: int,
    *,
    method: str = "GET",
    filename: str | None = None,
    is_prefix: bool = False,
) -> str:
    """An address with a signature.

    Args:
        url: of the container: `https://swift.example.org/v1/AUTH_a/c`.
        name: of the object.
        key: of the account or the container.
        expires: until when it holds, in seconds since 1970.
        method: for which requests; GET allows HEAD, too.
        filename: under which browsers keep it.
        is_prefix: the name is that of a folder, and the signature for all whose names begin so;
            to use it, put the rest of the name behind the path.

    >>> signed("https://h/v1/AUTH_a/c", "o", "k", 1)[:51]
    'https://h/v1/AUTH_a/c/o?temp_url_sig=3ac21c7db01937'
    """
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    path = f"{url[len(origin) :]}/{name}"
    query = {"temp_url_expires": str(expires)}
    if is_prefix:
        query["temp_url_prefix"] = name
    if filename:
        query["filename"] = filename
    covered = f"prefix:{path}" if is_prefix else path
    text = f"{method}\n{expires}\n{covered}"
    signature = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{origin}{quote(path)}?{urlencode({'temp_url_sig': signature, **query})}"
