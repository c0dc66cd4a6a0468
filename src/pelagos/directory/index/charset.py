"""Charsets that text may come in, as people and servers name them."""

from __future__ import annotations

import codecs

from pelagos.directory.errors import SourceError

#: Of Python's text encodings those that are no charset of a text.
_NONE = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})


def charset(name: str) -> str:
    """The codec of a charset; that of UTF-8 passes over a byte order mark.

    Raises:
        SourceError: there is no such charset.
    """
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)  # a codec of bytes to bytes refuses
    except (LookupError, ValueError):
        codec = None
    if codec is None or codec.name.replace("-", "_") in _NONE:
        raise SourceError(
            f"there is no charset {name!r}", hint="utf-8, iso-8859-1 and cp1252 are usual ones"
        )
    return "utf-8-sig" if codec.name == "utf-8" else codec.name


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
