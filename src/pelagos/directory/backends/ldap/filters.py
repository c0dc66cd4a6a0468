"""Questions as LDAP filters (RFC 4515), and whether an entry answers one. Pure.

A server compares without case, and as its schema says, but with accents. So a search asks for a
little more than the term: where letters may carry an accent, any text may stand; what the server
then gives too much is left out here, by the rule that holds in the whole directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pelagos.directory.folding import fold

#: Stands for the term in a custom filter.
PLACE = "%Q"

_ATTRIBUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)(?:;[A-Za-z0-9-]+)*")
_SPECIAL = re.compile(r"[*()\\\x00]")
_ITEM = re.compile(r"[^()=~<>*\\\x00]+(?:~=|>=|<=|=)(?:[^()\\\x00]|\\[0-9A-Fa-f]{2})*")
_STARS = re.compile(r"\*{2,}")
_MAX_DEPTH = 50
_LEAST = 2  # letters that a loosened pattern must keep, so that it does not find everybody

_SHORT = 12  # letters of a term that are loosened one by one, too

_VOWELS = frozenset("aeiouy")
_CONSONANTS = frozenset("cdgjlnrstz")


def is_attribute(name: str) -> bool:
    """Whether a name can be that of an attribute, so that it may stand in a filter."""
    return _ATTRIBUTE.fullmatch(name) is not None


def escape(text: str) -> str:
    r"""The text as a value in a filter.

    >>> escape("a*(b)")
    'a\\2a\\28b\\29'
    """
    return _SPECIAL.sub(lambda found: f"\\{ord(found[0]):02x}", text)


def escape_bytes(data: bytes) -> str:
    r"""Bytes as a value in a filter.

    >>> escape_bytes(b"\x01\xff")
    '\\01\\ff'
    """
    return "".join(f"\\{byte:02x}" for byte in data)


def containing(columns: Sequence[str], term: str, *, loosely: bool = True) -> str:
    """What finds the entries in one of whose columns the term occurs; some more when `loosely`.

    >>> containing(["cn", "mail"], "bo", loosely=False)
    '(|(cn=*bo*)(mail=*bo*))'
    """
    patterns = ["*" if not term else f"*{escape(term)}*"]
    if loosely:
        patterns += [_STARS.sub("*", f"*{pattern}*") for pattern in loosened(term)]
    return any_of(f"({column}={pattern})" for column in columns for pattern in patterns)


def equal(columns: Iterable[str], values: Sequence[str]) -> str:
    """What finds the entries one of whose columns has one of the values (already escaped)."""
    return any_of(f"({column}={value})" for column in columns for value in values)


def any_of(filters: Iterable[str]) -> str:
    """What finds whatever one of the filters does; a single one stays as it is."""
    alternatives = list(dict.fromkeys(filters))
    return alternatives[0] if len(alternatives) == 1 else f"(|{''.join(alternatives)})"


def filled(custom: str, term: str) -> str:
    """A custom filter with the term in its places."""
    return _STARS.sub("*", custom.replace(PLACE, escape(term)))


def joined(custom: str | None, generated: str) -> str:
    """What finds the entries that both do."""
    return generated if custom is None else f"(&{custom}{generated})"


def loosened(term: str) -> list[str]:
    """Patterns, `*` for any text, that together find the term however it is accented.

    >>> loosened("céline")
    ['celine', 'c*l*n', '*eli*e']
    """
    plain = fold(term)
    if not plain:
        return ["*"]  # nothing that counts, such as a soft hyphen: it occurs everywhere
    if "\x00" in plain:
        return []
    if len(plain) == 1:
        return ["*"] if plain in _VOWELS | _CONSONANTS else [escape(plain)]
    least = min(_LEAST, len(plain) - 1)
    kinds = (_VOWELS, _CONSONANTS, _VOWELS | _CONSONANTS)
    wild = [_without(plain, letters) for letters in kinds]
    patterns = [pattern for pattern in wild if _letters(pattern) >= least]
    if len(patterns) < len(kinds) - 1 and len(plain) <= _SHORT:  # one letter at a time
        marked = _VOWELS | _CONSONANTS
        each = (
            f"{escape(plain[:i])}*{escape(plain[i + 1 :])}"
            for i, letter in enumerate(plain)
            if letter in marked
        )
        patterns += [pattern for pattern in each if _letters(pattern) >= least]
    exact = [] if plain == term else [escape(plain)]
    return list(dict.fromkeys([*exact, *(p for p in patterns if "*" in p)]))


def _without(text: str, letters: frozenset[str]) -> str:
    return _STARS.sub("*", "".join("*" if c in letters else escape(c) for c in text))


def _letters(pattern: str) -> int:
    return len(pattern.replace("*", ""))


def occurs(term: str, values: Mapping[str, Sequence[str]], columns: Iterable[str]) -> bool:
    """Whether the term occurs in one of the columns, without case and accents.

    Blanks and dashes do not count in what has no letters, such as a number. An entry none of
    whose columns may be read is believed to hold it: the server said so.
    """
    seen = [value for column in columns for value in values.get(column, ())]
    if not seen or not term:
        return True
    needle = fold(term)
    bare = "" if any(map(str.isalpha, needle)) else _bare(needle)
    folded = [fold(value) for value in seen]
    return any(needle in text or (bare and bare in _bare(text)) for text in folded)


def is_equal(value: str, asked: str) -> bool:
    """Whether a value is what was asked for; blanks and dashes in numbers do not count."""
    return value == asked or _bare(value) == _bare(asked) != ""


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def problem_of(text: str) -> str | None:
    """What is wrong with a filter, or None.

    >>> problem_of("(&(l=Québec)(cn=*%Q*))") is None
    True
    >>> problem_of("(cn=x")
    'a ) is missing at its end'
    """
    try:
        end = _read(text, 0, 0)
    except ValueError as error:
        return str(error)
    return None if end == len(text) else f"there is more after its end: {text[end:][:20]!r}"


def _read(text: str, at: int, depth: int) -> int:
    """Where the filter that begins at `at` ends."""
    if text[at : at + 1] != "(":
        raise ValueError(f"a ( is missing at {text[at:][:20]!r}")
    if depth > _MAX_DEPTH:
        raise ValueError("it is too deep")
    kind = text[at + 1 : at + 2]
    if kind in {"&", "|", "!"} and kind:
        at, count = at + 2, 0
        while text[at : at + 1] == "(":
            at, count = _read(text, at, depth + 1), count + 1
        if kind == "!" and count != 1:
            raise ValueError("! stands before one filter")
    else:
        found = _ITEM.match(text, at + 1)
        if found is None:
            raise ValueError(f"{text[at:][:20]!r} compares nothing")
        at = found.end()
    if text[at : at + 1] != ")":
        place = f"before {text[at:][:20]!r}" if at < len(text) else "at its end"
        raise ValueError(f"a ) is missing {place}")
    return at + 1
