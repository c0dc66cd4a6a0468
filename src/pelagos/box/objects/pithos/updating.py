"""What an object holds after a part of it was written anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pelagos.box.errors import Refused
from pelagos.box.objects.content import Content, Receiver
from pelagos.box.objects.hashmap import BLOCK_SIZE, block_count
from pelagos.box.objects.store import ObjectStore, Version

_RANGE = re.compile(r"bytes (?:\*|(\d{1,18})-(\d{0,18}))/(\*|\d{1,18})")

Growth = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Span:
    """Where bytes go.

    Attributes:
        start: None: at the end of what is there.
        length: how many are announced, None when nothing is said.
    """

    start: int | None
    length: int | None


def span_of(text: str, size: int) -> Span:
    """What a Content-Range header says of an object of this size.

    Raises:
        Refused: it is missing, or says what cannot be.
    """
    if not text:
        raise Refused(400, "Missing Content-Range header")
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise Refused(416, "Invalid Content-Range header")
    first, last, total = match.groups()
    if first is None:
        return Span(None, None)
    start = int(first)
    length = int(last) - start + 1 if last else None
    if length is not None and length <= 0:
        raise Refused(416, "Invalid Content-Range header")
    if total != "*":
        _check_total(start + (length or 0), int(total), size)
    if start > size:
        raise Refused(416, "Supplied offset is beyond object limits")
    return Span(start, length)


def _check_total(end: int, total: int, size: int) -> None:
    if end > total:
        raise Refused(416, "Invalid Content-Range header")
    if total != size:
        raise Refused(416, "Supplied range will change provided object limits")


class Update:
    """Writes into the content of a version, whose blocks have to be pinned meanwhile."""

    def __init__(self, store: ObjectStore, version: Version, receiver: Receiver) -> None:
        self._store = store
        self._version = version
        self._receiver = receiver

    def write(
        self, at: int | None, pieces: Iterable[bytes], length: int, growth: Growth
    ) -> Content:
        """The content with these bytes written into it; only blocks that they touch are new.

        Args:
            at: where; None: at the end.
            length: how many there are, as far as it is known.
            growth: is told how large the object gets, and may raise.
        """
        held = self._version.size
        start = held if at is None else at
        growth(max(held, start + length))
        first = start // BLOCK_SIZE
        counted = _Counted(pieces, lambda size: growth(max(held, start + size)))
        receiver = self._receiver
        receiver.take(self._old(first * BLOCK_SIZE, start))
        receiver.take(counted)
        end = start + counted.size
        old = self._version.digests
        kept_from = block_count(end)
        if end < self._version.size:
            receiver.take(self._old(end, min(kept_from * BLOCK_SIZE, self._version.size)))
        fresh = receiver.content().digests
        joined = [*old[:first], *fresh, *old[first + len(fresh) :]]
        return Content.of(max(end, self._version.size), joined)

    def _old(self, start: int, end: int) -> Iterator[bytes]:
        return self._store.pieces(self._version, start, end)


def cut(store: ObjectStore, content: Content, size: int, receiver: Receiver) -> Content:
    """The content without what is beyond a size; its last block is hashed anew."""
    if size >= content.size:
        return content
    whole, rest = divmod(size, BLOCK_SIZE)
    kept = list(content.digests[:whole])
    if rest:
        start = whole * BLOCK_SIZE
        receiver.take(store.read(list(content.digests), start, start + rest))
        kept += receiver.content().digests
    return Content.of(size, kept)


class _Counted:
    """Pieces, and how many bytes went by."""

    def __init__(self, pieces: Iterable[bytes], growth: Growth) -> None:
        self._pieces = pieces
        self._growth = growth
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            self._growth(self.size)
            yield piece
