"""Names of objects as paths below a folder, which they can never leave. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

#: How the names of files end that an interrupted download has left.
UNFINISHED = ".pelagos-part"
#: Bytes of one part of a path.
_LONGEST = 255


def why_not(path: str) -> str | None:
    """Why a path below a prefix cannot be that of a file below a folder; None when it can.

    >>> why_not("a/b.txt"), why_not("../b"), why_not("a//b")
    (None, "has a part '..'", 'has a part without a name')
    """
    for part in path.split("/"):
        if part in {".", ".."}:
            return f"has a part {part!r}"
        if not part:
            return "has a part without a name"
        if "\0" in part:
            return "has a NUL"
        if _bytes(part) > _LONGEST:
            return f"has a part of more than {_LONGEST} bytes"
        if part.endswith(UNFINISHED):
            return "is called as an unfinished download"
    return None


def is_excluded(path: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern (`*.tmp`, `cache/*`) fits the path, one of its parts or a folder of it.

    >>> is_excluded("a/cache/x", ["cache"]), is_excluded("a/x.tmp", ["*.tmp"])
    (True, True)
    """
    parts = path.split("/")
    ways = [*parts, *("/".join(parts[: count + 1]) for count in range(len(parts)))]
    return any(fnmatchcase(way, pattern) for pattern in patterns for way in ways)


def folders_of(path: str) -> list[str]:
    """The folders that a path goes through, the outermost first.

    >>> folders_of("a/b/c")
    ['a', 'a/b']
    """
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return _LONGEST + 1
