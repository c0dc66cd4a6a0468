"""Small functions that programs take from the clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any, AnyStr

from pelagos.clients.base.call import encode_query, path4url
from pelagos.clients.storage.fields import filter_in, filter_out
from pelagos.compat.kamaki.clients.utils import https
from pelagos.compat.kamaki.transports import escape_ctrl_chars

__all__ = [
    "dict2file",
    "escape_ctrl_chars",
    "filter_in",
    "filter_out",
    "https",
    "list2file",
    "list2str",
    "matches",
    "params4url",
    "path4url",
    "prefix_keys",
    "readall",
]


def readall(openfile: IO[AnyStr], size: int, retries: int = 7) -> AnyStr:
    """Exactly so many bytes or characters of a file that may give fewer at a time.

    Args:
        openfile: read from its position on.
        size: how many.
        retries: how often it may give nothing before it counts as ended.

    Raises:
        IOError: it ended before.
    """
    pieces: list[AnyStr] = []
    left = size
    while left > 0 and retries > 0:
        piece = openfile.read(left)
        if not piece:
            retries -= 1
            continue
        pieces.append(piece)
        left -= len(piece)
    if left:
        raise OSError(f"the file ended {left:,} before {size:,}")
    return openfile.read(0) if not pieces else pieces[0][:0].join(pieces)


def prefix_keys(d: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The same values under names with a prefix.

    >>> prefix_keys({"a": 1}, "X-")
    {'X-a': 1}
    """
    return {f"{prefix}{name}": value for name, value in d.items()}


def matches(val1: str, val2: str, exactMatch: bool = True) -> bool:  # noqa: N803  # the ancestor's
    """Whether two texts are the same, or the first begins with the second; case does not matter.

    >>> matches("Content-Type", "content-", exactMatch=False)
    True
    """
    one, other = val1.lower(), val2.lower()
    return one == other if exactMatch else one.startswith(other)


def params4url(params: Mapping[str, Any]) -> str:
    """The query with "?" before it; names without a value stand alone.

    >>> params4url({"update": None, "format": "json"})
    '?update&format=json'
    """
    return encode_query(None, params)


def list2str(alist: Iterable[Any], separator: str = ",") -> str:
    """The elements, sorted, with a separator between them.

    >>> list2str(["b", "a"])
    'a,b'
    """
    return separator.join(map(str, sorted(alist)))


def dict2file(d: Mapping[str, Any], f: IO[str], depth: int = 0) -> None:
    """Write a mapping as lines `name: value`; what is within is indented by tabs."""
    for name, value in d.items():
        begin = "\t" * depth + f"{name}:"
        if isinstance(value, Mapping):
            f.write(begin + "\n")
            dict2file(value, f, depth + 1)
        elif isinstance(value, list):
            f.write(begin + "\n")
            list2file(value, f, depth + 1)
        else:
            f.write(f"{begin} {value}\n")


def list2file(l: Iterable[Any], f: IO[str], depth: int = 1) -> None:  # noqa: E741  # the ancestor's
    """Write the elements, one a line."""
    for one in l:
        if isinstance(one, Mapping):
            dict2file(one, f, depth + 1)
        elif isinstance(one, list):
            list2file(one, f, depth + 1)
        else:
            f.write("\t" * depth + f"{one}\n")
