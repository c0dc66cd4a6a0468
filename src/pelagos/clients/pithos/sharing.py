"""Who may read and write an object, as its header field says it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from pelagos.clients.errors import ClientError


def sharing_field(permissions: Mapping[str, Iterable[str] | str] | None) -> str | None:
    """The value of X-Object-Sharing.

    Args:
        permissions: under `read` and `write` lists of users, `ACCOUNT:GROUP` or `*` (everybody);
            None leaves the sharing as it is, empty lists end it.

    >>> sharing_field({"read": ["u1", "*"], "write": ["a:g"]})
    'read=u1,*;write=a:g'
    >>> sharing_field({"read": [], "write": []})
    ''

    Raises:
        ClientError: a name holds what separates names.
    """
    if permissions is None:
        return None
    if unknown := set(permissions) - {"read", "write"}:
        raise ClientError(f"there is no right {min(unknown)!r}: only read and write")
    told = {right: as_names(permissions.get(right)) for right in ("read", "write")}
    return ";".join(f"{right}={','.join(names)}" for right, names in told.items() if names)


def as_names(value: Iterable[str] | str | None) -> list[str]:
    """A list of names without doubles; a text has commas between them."""
    found = value.split(",") if isinstance(value, str) else list(value or ())
    names = [name.strip() for name in found if name.strip()]
    if wrong := [name for name in names if any(sign in name for sign in ";=,\r\n")]:
        raise ClientError(f"{wrong[0]!r} is no name of a user or a group")
    return list(dict.fromkeys(names))


def parse_sharing(field: str | None) -> dict[str, str]:
    """What an answer's X-Object-Sharing says: `{"read": "u1,u2", "write": …}`.

    >>> parse_sharing("read=%2A; write=u1,u2")
    {'read': '*', 'write': 'u1,u2'}
    """
    rights: dict[str, str] = {}
    for piece in unquote(field or "").split(";"):
        right, equals, names = piece.partition("=")
        if equals and right.strip():
            rights[right.strip()] = names.strip()
    return rights
