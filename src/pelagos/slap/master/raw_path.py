"""The path of a request without loss: which slash was one of a name, and which divided names.

A WSGI server decodes a path before it hands it on. cheroot leaves `%2F` as it came, but `%252F`
becomes `%2F` as well, so that nobody can tell the name `x%2Fy` from the name `x/y`; other servers
decode both slashes to one. The address as it was sent (REQUEST_URI) still tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

_KEPT = re.compile(r"(%2[fF]|%25)")
_MEANT = {"%2F": "/", "%25": "%"}


def with_whole_names(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The application, given paths in which a `/` and a `%` of a name stand as %2F and %25."""

    def whole(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["PATH_INFO"] = _path(environ)
        return app(environ, start_response)

    return whole


def names(path: Mapping[str, str]) -> dict[str, str]:
    """The names in what a rule found in such a path."""
    return {key: _name(value) for key, value in path.items()}


def _name(value: str) -> str:
    return "".join(_MEANT.get(piece, piece) for piece in _KEPT.split(value))


def _path(environ: Mapping[str, Any]) -> str:
    sent = str(environ.get("REQUEST_URI") or "")
    if environ.get("SCRIPT_NAME") or not sent:
        # Nothing tells more than the decoded path: what is a `%` there was one in a name.
        return str(environ.get("PATH_INFO", "")).replace("%", "%25")
    raw = sent.partition("?")[0] if sent.startswith("/") else urlsplit(sent).path
    return "".join(
        piece.upper() if number % 2 else unquote_to_bytes(piece).decode("latin-1")
        for number, piece in enumerate(_KEPT.split(raw))
    )
