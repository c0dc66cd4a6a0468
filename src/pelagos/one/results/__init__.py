"""Answers as objects: `read` for what comes in, `parse` for what is already here.

The classes of known roots are generated (`pelagos one generate`) and loaded one by one, when an
answer needs them; an unknown root is an `Element` with all that is in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from pelagos.one.errors import OneAnswerException
from pelagos.one.results.document import Document
from pelagos.one.results.element import Element, Pool
from pelagos.one.results.registry import PACKAGE, Types, class_of
from pelagos.one.results.template import Template

__all__ = [
    "PACKAGE",
    "Document",
    "Element",
    "Template",
    "Types",
    "class_of",
    "elements",
    "parse",
    "read",
]


def read(pieces: Iterator[bytes], types: Types = PACKAGE) -> Element | str:
    """An answer's text: XML as an object, all else as text.

    Args:
        types: the package of the classes, or what chooses one.

    Raises:
        OneAnswerException: neither good XML nor UTF-8.
    """
    first = next(pieces, b"")
    if first.lstrip()[:1] == b"<":
        document = Document(itertools.chain([first], pieces))
        return _root(document, types)
    try:
        return b"".join([first, *pieces]).decode()
    except UnicodeDecodeError as error:
        raise OneAnswerException(f"the answer is not UTF-8: {error.reason}") from error


#: Bytes that one element may have when they come one by one.
_ELEMENT_LIMIT = 16 * 1024 * 1024


def elements(
    document: Document, types: Types = PACKAGE
) -> Iterator[Element | Template | str | int]:
    """What is below the root, in order; of a pool, its members alone.

    Raises:
        OneAnswerException: it breaks off, or one of them is larger than 16 MiB.
    """
    kind = class_of(document.root, types)
    member = getattr(kind, "_member_", None)
    root = kind(document.root, b"")
    for name, inner in document.children(child_limit=_ELEMENT_LIMIT):
        if member is None or name == member:
            yield root.read_child(name, inner)


def parse(text: str | bytes, types: Types = PACKAGE) -> Element:
    """An XML text as an object.

    Raises:
        OneAnswerException: it is not well-formed XML.

    >>> parse("<VM><ID>7</ID><NAME>web</NAME></VM>").NAME
    'web'
    """
    document = Document(iter([text.encode() if isinstance(text, str) else text]))
    return _root(document, types)


def _root(document: Document, types: Types) -> Element:
    kind = class_of(document.root, types)
    if issubclass(kind, Pool):  # its members are cut off while it comes in
        return kind.of(document.root, document.children())
    return kind(document.root, document.inner())
