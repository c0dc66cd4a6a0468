"""Charsets that text may come in, as people and servers name them."""

from __future__ import annotations

import codecs
import encodings
import pkgutil
from encodings.aliases import aliases
from functools import cache

from pelagos.directory.errors import SourceError

#: Of Python's text encodings those that are no charset of a text.
_NONE = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})


def charset(name: str) -> str:
    """The codec of a charset; that of UTF-8 passes over a byte order mark.

    Raises:
        SourceError: there is no such charset.
    """
    try:
        codec = codecs.lookup(name) if _is_known(name) else None
        "".encode(codec.name if codec is not None else "")  # a codec of bytes to bytes refuses
    except (LookupError, ValueError):
        codec = None
    if codec is None or codec.name.replace("-", "_") in _NONE:
        raise SourceError(
            f"there is no charset {name!r}", hint="utf-8, iso-8859-1 and cp1252 are usual ones"
        )
    return "utf-8-sig" if codec.name == "utf-8" else codec.name


def _is_known(name: str) -> bool:
    """Whether Python has such an encoding; asked for others, it remembers each name for ever."""
    plain = encodings.normalize_encoding(name).lower()
    return plain in _names() or plain.replace(".", "_") in _names()


@cache
def _names() -> frozenset[str]:
    modules = (module.name for module in pkgutil.iter_modules(encodings.__path__))
    return frozenset([*aliases, *aliases.values(), *modules])


def decode(data: bytes, name: str) -> str:
    """Text of bytes; those that are not of the charset are escaped, for `read_csv` to find.

    Raises:
        SourceError: there is no such charset, or the bytes are not of it at all.
    """
    codec = charset(name)
    try:
        return data.decode(codec, "surrogateescape")
    except ValueError as error:
        raise SourceError(f"the text is not {name}: {error}") from error
