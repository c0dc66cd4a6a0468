"""Answers as objects: `read` for what comes in, `parse` for what is already here.

The classes of known roots are generated (`pelagos one generate`) and loaded one by one, when an
answer needs them; an unknown root is an `Element` with all that is in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from pelagos.one.errors import OneAnswerException
from pelagos.one.results.document import Document
from pelagos.one.results.element import Element
from pelagos.one.results.registry import class_of
from pelagos.one.results.template import Template

__all__ = ["Document", "Element", "Template", "class_of", "parse", "read"]


def read(pieces: Iterator[bytes]) -> Element | str:
    """An answer's text: XML as an object, all else as text.

    Raises:
        OneAnswerException: neither good XML nor UTF-8.
    """
    first = next(pieces, b"")
    if first.lstrip()[:1] == b"<":
        document = Document(itertools.chain([first], pieces))
        return class_of(document.root).of(document.root, document.children())
    try:
        return b"".join([first, *pieces]).decode()
    except UnicodeDecodeError as error:
        raise OneAnswerException(f"the answer is not UTF-8: {error.reason}") from error


def parse(text: str | bytes) -> Element:
    """An XML text as an object.

    Raises:
        OneAnswerException: it is not well-formed XML.

    >>> parse("<VM><ID>7</ID><NAME>web</NAME></VM>").NAME
    'web'
    """
    document = Document(iter([text.encode() if isinstance(text, str) else text]))
    return class_of(document.root).of(document.root, document.children())
