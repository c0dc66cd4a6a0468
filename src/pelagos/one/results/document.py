"""The text of an answer, checked and cut while it comes in.

expat looks at every byte of it (without making anything of it: a third of a second for 53 MB), so
that what is handed out later, cut by `markup`, is well-formed XML in UTF-8 of a bounded size.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from xml.parsers import expat

from pelagos.one.errors import OneAnswerException
from pelagos.one.results import markup
from pelagos.one.results.markup import Child
from pelagos.one.xmlrpc.values import not_xml, refuse_doctype

#: Bytes of one tag; expat would look at all of a longer one again with each piece.
_TAG_LIMIT = 1024 * 1024
#: Bytes within which the root must begin; the server writes nothing before it.
_LEAD = 512 * 1024
#: Bytes that expat is given at once.
_PIECE = 128 * 1024
#: Levels of elements, about; the server writes fewer than ten.
_DEPTH_LIMIT = 100_000
#: Of so many pieces, one is counted.
_SAMPLED = 32
#: Bytes of a text with comments, which is not read piece by piece.
_NOTED_LIMIT = 64 * 1024 * 1024


class Document:
    """The elements below the root, in order, as soon as each is whole.

    Args:
        pieces: the text in UTF-8.

    Attributes:
        root: name of the root element.

    Raises:
        OneAnswerException: it is not well-formed, not UTF-8, or has a document type.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.StartDoctypeDeclHandler = refuse_doctype
        parser.CommentHandler = parser.ProcessingInstructionHandler = self._note
        self._has_notes = False
        self._is_over = False
        self._fed = 0
        self._depth = _Depth(parser)
        self._parser = parser
        self._pieces = pieces
        self._start, self.root = self._open()

    def inner(self) -> bytes:
        """All that is in the root; to be taken once."""
        parts = [self._start]
        while more := self._take():
            parts.append(more)
        text = b"".join(parts)
        return text[: max(0, text.rfind(b"</"))]

    def children(self, *, child_limit: int | None = None) -> Iterator[Child]:
        """Name and inner text of each element below the root; to be taken once.

        Args:
            child_limit: bytes that one of them may have.
        """
        rest = self._start
        is_last = False
        while not is_last:
            found: list[Child] = []
            stop = markup.cut_some(rest, 0, found)
            yield from found
            rest = rest[stop:]
            if child_limit is not None and len(rest) > child_limit:
                raise OneAnswerException(f"one element has more than {child_limit:,} bytes")
            more = self._next(len(rest))
            is_last = not more
            rest += more
        if re.fullmatch(rb"\s*(</%b\s*>\s*)?" % re.escape(self.root.encode()), rest) is None:
            raise OneAnswerException(f"the answer does not come apart at {rest[:40]!r}")

    def _next(self, size: int) -> bytes:
        """At least so many bytes more: one large element is not looked at again and again."""
        more = [self._take()]
        got = len(more[0])
        while more[-1] and got < size:
            more.append(self._take())
            got += len(more[-1])
        return b"".join(more)

    def _take(self) -> bytes:
        """The next piece, looked at by expat; none at the end."""
        for piece in self._pieces:
            if piece:
                self._check(piece)
                return self._without_notes(piece) if self._has_notes else piece
        if not self._is_over:
            self._check(b"", is_last=True)
            self._is_over = True
        return b""

    def _without_notes(self, piece: bytes) -> bytes:
        """All the rest of the text, without comments: OpenNebula writes none, so it is no pool."""
        rest = [piece]
        size = len(piece)
        for more in self._pieces:
            self._check(more)
            rest.append(more)
            size += len(more)
            if size > _NOTED_LIMIT:
                raise OneAnswerException(
                    f"the answer has comments and more than {_NOTED_LIMIT:,} bytes"
                )
        return markup.without_notes(b"".join(rest))

    def _check(self, piece: bytes, *, is_last: bool = False) -> None:
        try:
            whole = memoryview(piece)
            for place in range(0, len(piece), _PIECE):
                self._depth.feed(whole[place : place + _PIECE])
            if is_last:
                self._parser.Parse(b"", True)  # there is no more
        except expat.ExpatError as error:
            raise not_xml(error) from error
        self._fed += len(piece)
        if self._fed - self._parser.CurrentByteIndex > _TAG_LIMIT + len(piece):
            raise OneAnswerException(f"the answer has a tag of more than {_TAG_LIMIT:,} bytes")

    def _note(self, *_: object) -> None:
        self._has_notes = True

    def _open(self) -> tuple[bytes, str]:
        """What is behind the root's opening tag so far, and its name."""
        lead = b""
        while True:
            more = self._take()
            lead += more
            name, close, is_empty = markup.opening(lead)
            if close >= 0:
                return (b"" if is_empty else lead[close + 1 :]), name
            if not more or len(lead) > _LEAD:
                raise OneAnswerException("the answer has no root element where one should be")


class _Depth:
    """How deep the elements are nested, about: what expat notes of each open one has a limit.

    Handlers for every element would double the work of expat. So they count in one piece of
    many, chosen by chance, which nobody can write an answer for; once that looks deep, in all.
    """

    def __init__(self, parser: expat.XMLParserType) -> None:
        self._parser = parser
        self._depth = self._here = 0
        self._is_certain = False

    def feed(self, piece: memoryview) -> None:
        """Let expat look at a piece.

        Raises:
            OneAnswerException: there are too many elements in elements.
        """
        if not self._is_certain and os.urandom(1)[0] % _SAMPLED:
            self._parser.Parse(piece, False)  # there may be more
            return
        self._here = 0
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._down, self._up
        self._parser.Parse(piece, False)  # as above
        self._parser.StartElementHandler = self._parser.EndElementHandler = None
        self._depth += self._here if self._is_certain else self._here * _SAMPLED
        if self._depth > _DEPTH_LIMIT:
            if self._is_certain:
                raise OneAnswerException(
                    f"the answer is nested deeper than {_DEPTH_LIMIT:,} elements",
                    hint="OpenNebula does not write that; check what is in between",
                )
            self._is_certain, self._depth = True, 0

    def _down(self, *_: object) -> None:
        self._here += 1

    def _up(self, *_: object) -> None:
        self._here -= 1
