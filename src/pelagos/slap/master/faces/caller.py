"""What a caller's HTTP headers say beside his identity. Pure.

Nothing here says who asks: headers that name a partition are hints, and count only as far as the
identity that the token or certificate proves may speak for that partition.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pelagos.slap import protocol
from pelagos.slap.errors import BadRequest
from pelagos.slap.master.auth import Identity, permit

_HINT = re.compile(r"\s*X-SlapPartition\s+(?P<fields>.*)", re.IGNORECASE)


def own_url(environ: Mapping[str, Any]) -> str:
    """This master's address as the caller wrote it, with a slash at the end.

    A caller who showed his credential as `http://USER:PASSWORD@host` is given it back within the
    address: the ancestor's programs follow links without any other.
    """
    scheme = environ.get("wsgi.url_scheme", "http")
    host = environ.get("HTTP_HOST") or _bare_host(environ)
    prefix = quote(str(environ.get("SCRIPT_NAME", "")))
    path = f"/{prefix.strip('/')}/" if prefix.strip("/") else "/"
    return f"{scheme}://{_userinfo(environ.get('HTTP_AUTHORIZATION'))}{host}{path}"


def rest_url(environ: Mapping[str, Any]) -> str:
    """The address of the HATEOAS interface, likewise."""
    return f"{own_url(environ)}hateoas/"


def requester(environ: Mapping[str, Any], identity: Identity) -> tuple[str, str] | None:
    """The partition in whose name a request without a form is made; None for a person himself.

    A partition asks for itself. A person or a computer may name one in the header
    `X-SlapPartition` (or `Authorization: X-SlapPartition`, when a certificate says who asks).

    Raises:
        BadRequest: the header cannot be read.
        Unauthorized: the caller may not ask in the name of that partition.
    """
    named = _hinted(environ)
    if named is None and identity.computer_id is not None and identity.partition_id is not None:
        named = identity.computer_id, identity.partition_id
    if named is not None:
        permit(identity, protocol.REQUEST, *named)
    return named


def _hinted(environ: Mapping[str, Any]) -> tuple[str, str] | None:
    match = _HINT.match(environ.get("HTTP_AUTHORIZATION", ""))
    text = match["fields"] if match else environ.get("HTTP_X_SLAPPARTITION")
    if not text:
        return None
    fields = dict(part.strip().partition("=")[::2] for part in text.split(",") if "=" in part)
    try:
        return (
            protocol.text_field(fields, "computer_id"),
            protocol.partition_field(fields),
        )
    except BadRequest as error:
        raise BadRequest(
            f"the header X-SlapPartition: {error.message}",
            status=400,
            hint="write it as computer_id=COMPUTER, computer_partition_id=PARTITION",
        ) from error


def _bare_host(environ: Mapping[str, Any]) -> str:
    return f"{environ.get('SERVER_NAME', 'localhost')}:{environ.get('SERVER_PORT', '80')}"


def _userinfo(authorization: str | None) -> str:
    scheme, _, value = (authorization or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return f"{quote(user, safe='')}:{quote(password, safe='')}@"
