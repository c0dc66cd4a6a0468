"""What a misspelt word was meant to be."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pelagos.core.errors import PelagosError

_MANY = 24
"""What of names is told at once: more nobody reads."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None.

    Case and the dashes of options do not count; the beginning of a long word is enough.

    >>> nearest("cvs", ["csv", "ldap"])
    'csv'
    >>> nearest("--colums", ["--columns", "--config"])
    '--columns'
    """
    import difflib  # noqa: PLC0415  # only an error pays for it

    meant = word.lstrip("-").lower()
    plain = {one.lstrip("-").lower(): one for one in known}
    if len(meant) > 1:  # one letter is like any word that has it
        plain = {name: one for name, one in plain.items() if len(name) > 1}
    found = difflib.get_close_matches(meant, list(plain), n=1, cutoff=0.6)
    if found:
        return plain[found[0]]
    return next((plain[one] for one in plain if meant and one.startswith(meant)), None)


def hint(word: str, known: Collection[str], *, quoted: bool = False) -> str:
    """What to write instead: the nearest known word, else all there are."""
    meant = nearest(word, known)
    if meant is not None:
        return f"did you mean {meant!r}?" if quoted else f"did you mean {meant}?"
    some = list(known)[:_MANY]
    more = f" and {len(known) - _MANY} more" if len(known) > _MANY else ""
    return f"there are: {', '.join(some)}{more}" if known else "there is none"


def refuse_unknown(
    names: Iterable[object],
    known: Collection[str],
    error: type[PelagosError],
    *,
    kind: str = "key",
    where: str = "",
) -> None:
    """Raise `error` about the first name that is not known, with the nearest one as hint.

    Args:
        kind: what the names are, in the message.
        where: the place that they are in; begins the message.
    """
    for name in names:
        if name not in known:
            place = f"{where}: " if where else ""
            message = f"{place}unknown {kind} {name!r}"
            raise error(message, hint=hint(str(name), known, quoted=True))
