"""The hashes of blocks, and the one hash above them. Pure."""

from __future__ import annotations

import hashlib

BLOCK_SIZE = 4 * 1024 * 1024
BLOCK_HASH = "sha256"
DIGEST_BYTES = 32
EMPTY = hashlib.sha256(b"").digest()


def block_digest(block: bytes | memoryview) -> bytes:
    """A block's digest; NUL bytes at its end do not count, as blocks are padded with them.

    >>> block_digest(bytes(100)) == EMPTY
    True
    """
    return hashlib.sha256(bytes(block).rstrip(b"\0")).digest()


def top_hash(digests: list[bytes]) -> str:
    """The hash of a whole object: a tree of pairs, filled up with zeros to a power of two.

    >>> top_hash([])[:16], top_hash([b"x" * 32]) == (b"x" * 32).hex()
    ('e3b0c44298fc1c14', True)
    """
    if not digests:
        return EMPTY.hex()
    level = list(digests)
    width = 1
    while width < len(level):
        width *= 2
    level += [bytes(len(level[0]))] * (width - len(level))
    while len(level) > 1:
        level = [
            hashlib.sha256(level[at] + level[at + 1]).digest() for at in range(0, len(level), 2)
        ]
    return level[0].hex()


def block_count(size: int) -> int:
    """How many blocks hold so many bytes."""
    return -(-size // BLOCK_SIZE)


def split(joined: bytes) -> list[bytes]:
    """The digests that stand one after the other."""
    return [joined[at : at + DIGEST_BYTES] for at in range(0, len(joined), DIGEST_BYTES)]
