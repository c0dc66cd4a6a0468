"""What a phone asks for, and the addresses that lead it on. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from pelagos.directory.errors import BadTermError, RequestError
from pelagos.directory.views.phones.vendors.base import Link

#: The user of a phone that names none.
NOBODY = "00000000-0000-0000-0000-000000000000"
#: The parameter that names the user in every URL of a document.
USER = "xivo_user_uuid"

_MOST_PARAMETERS = 100
_NATURAL = re.compile(r"[0-9]{1,9}")
_URL_CHARACTERS = "%:/?#[]@!$&'()*+,;=~-._"


class BadParameterError(RequestError):
    """A parameter is not what it must be."""

    status = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a phone.

    Attributes:
        limit: entries of a page; None: as many as the vendor's phones take.
        offset: entries before the page.
    """

    term: str
    limit: int | None = None
    offset: int = 0


def read_query(query: str) -> dict[str, str]:
    """The first value of each parameter of a query string, as it came.

    Percent signs hold UTF-8 or, of older phones, Windows' Latin letters.

    Raises:
        BadParameterError: there are too many.

    >>> read_query("term=C%E9line&term=x"), read_query("term=%C3%A9")
    ({'term': 'Céline'}, {'term': 'é'})
    """
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, encoding="latin-1", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError as error:
        raise BadParameterError([f"more than {_MOST_PARAMETERS} parameters"]) from error
    params: dict[str, str] = {}
    for key, value in pairs:
        params.setdefault(_text(key), _text(value))
    return params


def _text(value: str) -> str:
    raw = value.encode("latin-1", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def read_question(params: Mapping[str, str]) -> Asked:
    """The parameters `term`, `limit` and `offset`.

    Raises:
        BadTermError: there is no term.
        BadParameterError: a number is none, or negative.
    """
    if "term" not in params:
        raise BadTermError(["the parameter `term` is missing"])
    limit = _natural(params, "limit") if "limit" in params else None
    return Asked(params["term"], limit, _natural(params, "offset"))


def read_gigaset_question(params: Mapping[str, str]) -> Asked:
    """The same in the words of a Gigaset: `set_first`, `count` and `first`, which begins at 1.

    Raises:
        BadParameterError: a number is none, or negative.
    """
    term = params.get("set_first", "").replace("*", "")
    limit = _natural(params, "count") if params.get("count") else None
    return Asked(term, limit, max(0, _natural(params, "first") - 1))


def _natural(params: Mapping[str, str], name: str) -> int:
    value = params.get(name, "0")
    if not _NATURAL.fullmatch(value):
        raise BadParameterError([f"the parameter `{name}` is not a natural number"])
    return int(value)


def link(address: str, **params: str | int) -> Link:
    """An address with these parameters, which replace those of the same name that it has.

    >>> link("http://dir/lookup?a=1&term=x#end", term="R&D ü").url
    'http://dir/lookup?a=1&term=R%26D%20%C3%BC'
    """
    base, _, query = address.partition("#")[0].partition("?")
    own = {key: value for key, value in read_query(query).items() if key not in params}
    pairs = own | {key: str(value) for key, value in params.items()}
    clean = quote(base.strip(), safe=_URL_CHARACTERS)
    url = f"{clean}?{urlencode(pairs, quote_via=quote, errors='replace')}"
    return Link(clean, tuple(pairs.items()), url)
