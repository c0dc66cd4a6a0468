"""What the views of kept contacts share: bodies, files, pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from pelagos.core import wire
from pelagos.directory.errors import InvalidError
from pelagos.directory.store import Wanted

#: Bytes of a file that is imported: 100,000 contacts of some 600 bytes.
MAX_FILE = 64 * 1024 * 1024

_DIRECTIONS = ("asc", "desc")
_MAX_DIGITS = 9
#: Characters of what is searched for, and of the name of an attribute to sort by.
_LONGEST = 256


def json_body() -> Any:
    """The body of the request, read as JSON whatever its Content-Type says.

    Raises:
        InvalidError: it is empty, `null`, or no JSON.
    """
    data = request.get_data()
    if not data.strip():
        raise InvalidError(["the body is empty; a JSON object is needed"])
    try:
        body = wire.decode(data)
    except wire.WireError as error:
        raise InvalidError([error.message]) from error
    if body is None:
        raise InvalidError(["the body is null; a JSON object is needed"])
    return body


def file_body() -> tuple[bytes, str]:
    """The file that the request carries, and its charset."""
    request.max_content_length = MAX_FILE
    return request.get_data(cache=False), request.mimetype_params.get("charset", "utf-8")


def wants_whole() -> bool:
    """Whether of a file all is to be stored or nothing: the parameter `all_or_nothing`.

    Raises:
        InvalidError: it is neither `true` nor `false`.
    """
    given = request.args.get("all_or_nothing", "false").lower()
    if given not in {"true", "false"}:
        raise InvalidError([f"all_or_nothing: true or false is needed, not {given!r}"])
    return given == "true"


def wanted_page(params: Mapping[str, str], *, missing_last: bool = False) -> Wanted:
    """Which contacts or phonebooks are wanted, and in which order; 0 is no limit.

    Raises:
        InvalidError: a parameter cannot be meant; names all that cannot.
    """
    reasons: list[str] = []
    direction, order = params.get("direction", "asc"), params.get("order")
    if direction not in _DIRECTIONS:
        reasons.append(f"direction: asc or desc is needed, not {direction!r}")
    if order == "":
        reasons.append("order: the name of an attribute is needed")
    long = (name for name in ("search", "order") if len(params.get(name, "")) > _LONGEST)
    reasons += [f"{name}: at most {_LONGEST} characters" for name in long]
    limit, offset = (_natural(params, name, reasons) for name in ("limit", "offset"))
    if reasons:
        raise InvalidError(reasons)
    return Wanted(
        search=params.get("search", ""),
        order=order,
        is_descending=direction == "desc",
        missing_last=missing_last,
        limit=limit or None,
        offset=offset,
    )


def _natural(params: Mapping[str, str], name: str, reasons: list[str]) -> int:
    text = params.get(name, "0")
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    reasons.append(f"{name}: a whole number from 0 on is needed, not {text!r}")
    return 0
