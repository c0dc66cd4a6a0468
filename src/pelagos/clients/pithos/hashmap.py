"""What an object consists of, and what is to be moved to make two places equal. Pure."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pelagos.clients.errors import ClientError
from pelagos.clients.pithos.hashing import check_algorithm, top_hash

_HEX = frozenset(string.hexdigits)


@dataclass(frozen=True, slots=True)
class BlockRule:
    """How a container cuts and names blocks.

    Attributes:
        size: bytes of a block.
        algorithm: as `hashlib` names it.
    """

    size: int
    algorithm: str

    @classmethod
    def of(cls, size: object, algorithm: object) -> BlockRule:
        """From what a server says.

        Raises:
            ClientError: it says nothing that can be used.
        """
        try:
            number = int(str(size))
        except ValueError:
            number = 0
        if number < 1 or not algorithm:
            raise ClientError(
                f"the server names no usable size of a block: {size!r}, {algorithm!r}"
            )
        return cls(number, check_algorithm(str(algorithm)))

    def count(self, size: int) -> int:
        """Blocks of an object of so many bytes.

        >>> [BlockRule(4, "sha256").count(size) for size in (0, 1, 4, 5, 8)]
        [0, 1, 1, 2, 2]
        """
        return -(-size // self.size)

    def place(self, index: int, size: int) -> tuple[int, int]:
        """Offset and length of one block of an object of so many bytes."""
        start = index * self.size
        return start, min(self.size, size - start)


@dataclass(frozen=True, slots=True)
class HashMap:
    """An object as blocks.

    Attributes:
        rule: how it was cut.
        size: bytes of the object.
        hashes: one per block, in order, lower-case.
    """

    rule: BlockRule
    size: int
    hashes: tuple[str, ...]

    @classmethod
    def of(cls, answer: object) -> HashMap:
        """From a server's answer.

        Raises:
            ClientError: it is not one, or contradicts itself.
        """
        if not isinstance(answer, Mapping):
            raise ClientError("the server's hash map is no object of JSON")
        rule = BlockRule.of(answer.get("block_size"), answer.get("block_hash"))
        size, hashes = answer.get("bytes"), answer.get("hashes")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ClientError(f"the server's hash map gives no usable size: {size!r}")
        names = tuple(hash_names(hashes))
        if size == 0:
            names = ()  # servers say nothing, or the name of nothing
        if len(names) != rule.count(size):
            raise ClientError(
                f"the server's hash map names {len(names)} blocks for {size:,} bytes in blocks of "
                f"{rule.size:,}; there must be {rule.count(size)}"
            )
        return cls(rule, size, names)

    @property
    def top(self) -> str:
        """The object's hash."""
        return top_hash(self.hashes, self.rule.algorithm)

    def body(self) -> dict[str, Any]:
        """What is sent to a server."""
        return {"bytes": self.size, "hashes": list(self.hashes)}

    def told(self) -> dict[str, Any]:
        """As a server says it."""
        rule = {"block_size": self.rule.size, "block_hash": self.rule.algorithm}
        return {**rule, **self.body()}

    def place(self, index: int) -> tuple[int, int]:
        """Offset and length of a block."""
        return self.rule.place(index, self.size)

    def first_places(self, wanted: Collection[str]) -> list[int]:
        """For each wanted hash the first block of that name, in order of the object.

        Raises:
            ClientError: one is not of this object.
        """
        found: dict[str, int] = {}
        names = frozenset(wanted)
        for index, name in enumerate(self.hashes):
            if name in names:
                found.setdefault(name, index)
        if strange := names - found.keys():
            raise ClientError(
                f"the server asks for a block that is not of this object: {min(strange)}"
            )
        return list(found.values())

    def places_by_hash(self, indices: Sequence[int]) -> dict[str, list[int]]:
        """The given blocks by their names: what is fetched once and written to each place."""
        places: dict[str, list[int]] = {}
        for index in indices:
            places.setdefault(self.hashes[index], []).append(index)
        return places


def hash_names(answer: object) -> list[str]:
    """A server's list of hashes, each in lower case.

    Raises:
        ClientError: it is not one.
    """
    if answer is None:
        return []
    if not isinstance(answer, list) or not all(_is_hash(name) for name in answer):
        raise ClientError("the server answered with something else than a list of hashes")
    return [name.lower() for name in answer]


def _is_hash(name: object) -> bool:
    return isinstance(name, str) and bool(name) and len(name) % 2 == 0 and _HEX.issuperset(name)
