"""What an object consists of, and how a stream becomes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from pelagos.box.objects.blocks import Blocks
from pelagos.box.objects.hashmap import BLOCK_SIZE, block_digest, top_hash


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of an object, by its blocks.

    Attributes:
        digests: of the blocks, in order.
        md5: of all bytes, in hexadecimal; empty where nobody has read them all.
        top: the hash above the blocks' digests.
    """

    size: int
    digests: tuple[bytes, ...]
    md5: str
    top: str

    @classmethod
    def of(cls, size: int, digests: Iterable[bytes], md5: str = "") -> Self:
        """Of blocks that are known."""
        listed = tuple(digests)
        return cls(size, listed, md5, top_hash(list(listed)))


class Receiver:
    """Takes a stream into blocks, which stay pinned until `close`; one block in memory."""

    def __init__(self, blocks: Blocks, on_growth: Callable[[int], None] | None = None) -> None:
        self._blocks = blocks
        self._on_growth = on_growth
        self._kept = bytearray()
        self._digests: list[bytes] = []
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def take(self, pieces: Iterable[bytes]) -> Self:
        """Take all of these.

        `on_growth` is told the size so far before anything of it is kept, and may raise.
        """
        for piece in pieces:
            self._size += len(piece)
            if self._on_growth:
                self._on_growth(self._size)
            self._md5.update(piece)
            self._kept += piece
            while len(self._kept) >= BLOCK_SIZE:
                self._keep(bytes(self._kept[:BLOCK_SIZE]))
                del self._kept[:BLOCK_SIZE]
        return self

    def content(self) -> Content:
        """What was taken; the end of it is kept, too."""
        if self._kept:
            self._keep(bytes(self._kept))
            self._kept.clear()
        return Content.of(self._size, self._digests, self._md5.hexdigest())

    def close(self) -> None:
        """Let go of the blocks."""
        self._blocks.unpin(self._digests)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep(self, block: bytes) -> None:
        digest = block_digest(block)
        self._blocks.pin([digest])
        self._digests.append(digest)
        self._blocks.put_as(digest, block)
