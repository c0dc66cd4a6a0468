"""An object of Pithos into a file: its hash map first, then each distinct block once.

All blocks are of one version. Each block is hashed when it is here; blocks of zeros are not asked
for; with `resume`, neither are those that the file has. Memory is workers times the size of a
block.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from pelagos.clients.errors import ClientError, WrongAnswer
from pelagos.clients.pithos.hashing import block_hash, zero_hash
from pelagos.clients.pithos.hashmap import HashMap
from pelagos.clients.storage.local import Sink
from pelagos.clients.storage.progress import Callback, Progress
from pelagos.clients.storage.ranges import Part
from pelagos.clients.storage.transfer import as_done, in_order

log = logging.getLogger(__name__)

_TRIES = 4
_PASSING = frozenset({0, 408, 429, 500, 502, 503, 504})

#: Brings a part of the object.
Fetch = Callable[[Part], bytes]


class BlockDownload:
    """One version of an object on its way.

    Args:
        fetch: asks the server; its answer is not believed.
        workers: blocks at once.
    """

    def __init__(self, hashmap: HashMap, fetch: Fetch, workers: int) -> None:
        self._map = hashmap
        self._fetch = fetch
        self._workers = workers
        self._zero = zero_hash(hashmap.rule.algorithm)

    def into(self, sink: Sink, *, resume: bool = False, callback: Callback | None = None) -> None:
        """The whole object.

        Raises:
            ClientError: not all of it is in the file.
        """
        progress = Progress(callback, len(self._map.hashes))
        if sink.is_positional:
            self._scatter(sink, sink.size if resume else 0, progress)
            sink.cut(self._map.size)
            return
        for index, data in in_order(self._block, range(len(self._map.hashes)), self._workers):
            sink.write(self._map.place(index)[0], data)
            progress.advance()

    def parts_into(
        self, sink: Sink, parts: Sequence[Part], callback: Callback | None = None
    ) -> None:
        """Parts of the object: each at its own position, or one behind the other."""
        jobs = [piece for part in parts for piece in self._by_blocks(part)]
        progress = Progress(callback, len(jobs))
        bring = in_order if not sink.is_positional else as_done
        for (_, part), data in bring(self._piece, jobs, self._workers):
            sink.write(part.start, data)
            progress.advance()
        sink.stand_behind(max((part.end for part in parts), default=0))

    def _by_blocks(self, part: Part) -> list[tuple[int, Part]]:
        size = self._map.rule.size
        found = []
        for index in range(part.start // size, -(-part.end // size)):
            start, length = self._map.place(index)
            if common := part.common(start, start + length):
                found.append((index, common))
        return found

    def _piece(self, job: tuple[int, Part]) -> bytes:
        index, part = job
        _, length = self._map.place(index)
        if part.length == length:
            return self._block(index)
        if self._map.hashes[index] == self._zero:
            return bytes(part.length)
        data = self._got(part)
        if len(data) != part.length:
            data = self._got(part)
        if len(data) != part.length:
            raise WrongAnswer(f"{len(data):,} bytes came where {part.length:,} were asked for")
        return data

    def _scatter(self, sink: Sink, there: int, progress: Progress) -> None:
        places = self._map.places_by_hash(range(len(self._map.hashes)))

        def receive(indices: list[int]) -> None:
            wanted = [index for index in indices if not self._has(sink, there, index)]
            if wanted:
                self._write(sink, self._block(indices[0]), wanted)

        for indices, _ in as_done(receive, places.values(), self._workers):
            progress.advance(len(indices))

    def _write(self, sink: Sink, data: bytes, indices: Sequence[int]) -> None:
        for index in indices:
            start, length = self._map.place(index)
            # Blocks of one name differ by zeros at their ends alone, and the last may be shorter.
            sink.write(start, data[:length] + bytes(max(0, length - len(data))))

    def _has(self, sink: Sink, there: int, index: int) -> bool:
        start, length = self._map.place(index)
        if start >= there:
            return False
        local = sink.read(start, length)
        return block_hash(local, self._map.rule.algorithm) == self._map.hashes[index]

    def _block(self, index: int) -> bytes:
        """One block, whole and as its name says."""
        start, length = self._map.place(index)
        name = self._map.hashes[index]
        if name == self._zero:
            return bytes(length)
        former: bytes | None = None
        for _ in range(_TRIES):
            data = self._got(Part(start, start + length))
            if len(data) == length:
                if block_hash(data, self._map.rule.algorithm) == name:
                    return data
                if data == former and length < self._map.rule.size:
                    # Servers keep the name of a last block that was cut by truncating the object.
                    log.warning(
                        "the last block is not as its hash says; twice the same bytes came"
                    )
                    return data
                former = data
        raise WrongAnswer(
            f"block {index} did not arrive as its hash says, {_TRIES} times",
            hint="download it again; if it stays so, the way or the store is broken",
        )

    def _got(self, part: Part) -> bytes:
        for attempt in range(1, _TRIES + 1):
            try:
                return self._fetch(part)
            except ClientError as error:
                if error.status not in _PASSING or attempt == _TRIES:
                    raise
                log.info(
                    "bytes from %d on are asked for again: %s", part.start, error.message.strip()
                )
        raise AssertionError("the last attempt returns or raises")
