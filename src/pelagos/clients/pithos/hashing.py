"""Hashes of blocks and of whole objects. Pure.

A block's hash leaves out the NUL bytes at its end: blocks are padded with them in thought, and the
padding must not change the name. An object's hash is a tree over its blocks' raw digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from pelagos.clients.errors import ClientError


def block_hash(block: bytes, algorithm: str = "sha256") -> str:
    r"""Hexadecimal name of one block, which holds at most a block size of bytes.

    >>> block_hash(b"ab\0\0") == block_hash(b"ab")
    True
    """
    return hashlib.new(algorithm, block.rstrip(b"\0")).hexdigest()


def top_hash(hashes: Sequence[str], algorithm: str = "sha256") -> str:
    """Hexadecimal name of an object: the top of the tree over its blocks' hashes, in order.

    >>> top_hash([block_hash(b"abcd"), block_hash(b"efgh")])[:8]
    '7d547371'
    """
    if not hashes:
        return zero_hash(algorithm)
    level = [bytes.fromhex(text) for text in hashes]
    padding = bytes(hashlib.new(algorithm).digest_size)
    level += [padding] * (_next_power_of_two(len(level)) - len(level))
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [hashlib.new(algorithm, left + right).digest() for left, right in pairs]
    return level[0].hex()


@lru_cache
def zero_hash(algorithm: str = "sha256") -> str:
    """The hash of a block of zeros alone, and of an object without blocks."""
    return hashlib.new(algorithm).hexdigest()


def check_algorithm(name: str) -> str:
    """The name as `hashlib` knows it.

    Raises:
        ClientError: this Python cannot compute it.
    """
    known = name.strip().lower()
    try:
        hashlib.new(known).hexdigest()
    except (ValueError, TypeError) as error:
        raise ClientError(
            f"the server names its blocks by {name!r}, which cannot be computed here"
        ) from error
    return known


def _next_power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()
