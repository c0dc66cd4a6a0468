"""Objects from Swift: small ones in one request, large ones in parts at once.

All parts are of one and the same object: they are asked for by the ETag of the first answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pelagos.clients.errors import BrokenOff, ClientError, Late, PreconditionFailed, WrongAnswer
from pelagos.clients.storage.local import Sink
from pelagos.clients.storage.progress import Callback, Progress
from pelagos.clients.storage.ranges import Part, cut, parse_ranges
from pelagos.clients.storage.transfer import as_done

if TYPE_CHECKING:
    from pelagos.clients.storage.client import StorageClient

#: Bytes of a part that is asked for at once, when an object is larger.
PART_SIZE = 32 * 1024 * 1024
#: Bytes of a unit of progress.
UNIT = 4 * 1024 * 1024

_PIECE = 1024 * 1024
_TRIES = 4
_MD5 = re.compile(r"[0-9a-f]{32}\Z")


class Journal(Protocol):
    """Remembers which parts of an object are in a file, from one attempt to the next."""

    def begin(self, etag: str, size: int, part_size: int) -> frozenset[int]:
        """Where the parts begin that are there already; of another object none are."""

    def note(self, start: int) -> None:
        """The part that begins there is in the file."""

    def forget(self) -> None:
        """Nothing in the file counts."""


class Download:
    """One object on its way into a file.

    Args:
        path: of the object.
        params: of each request, such as the version.
        headers: conditions, of the first request.
    """

    def __init__(
        self,
        client: StorageClient,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        workers: int = 4,
        part_size: int = PART_SIZE,
    ) -> None:
        self._client = client
        self._path = path
        self._params = dict(params or {})
        self._headers = dict(headers or {})
        self._workers = workers
        self._part_size = part_size
        self._etag = ""

    def run(
        self,
        sink: Sink,
        *,
        range_str: str | None = None,
        resume: bool = False,
        callback: Callback | None = None,
        journal: Journal | None = None,
    ) -> dict[str, str]:
        """Receive the object, or parts of it; its header fields, none when it was not modified.

        Of a file with positions, each part is written to its own; into others one after another.
        With a journal, the parts of a large object that it knows are not asked for again.

        Raises:
            ClientError: what is in the file now is not the object, or not all of it.
        """
        if range_str:
            return self._ranges(sink, range_str, callback)
        there = sink.size if resume else 0
        with self._client.get(
            self._path,
            params=self._params,
            headers=self._headers,
            success=(200, 304, 412),
            stream=True,
        ) as reply:
            if reply.status != 200:  # noqa: PLR2004
                return {}
            found = dict(reply.headers)
            size = _size(found)
            self._etag = found.get("etag", "")
            progress = Progress(callback, -(-size // UNIT))
            is_noted = journal is not None and size > self._part_size and bool(self._etag)
            if (
                not is_noted
                and 0 < there <= size
                and self._goes_on(sink, there, size, found, progress)
            ):
                return found
            if size <= self._part_size or not sink.is_positional:
                digest = self._receive(reply.iter_bytes(_PIECE), sink, size, progress)
                self._check(digest, found)
                sink.cut(size)
                return found
        self._parts(sink, [Part(0, size)], size, progress, journal if is_noted else None)
        sink.cut(size)
        try:
            self._check(_digest(sink, size), found)
        except WrongAnswer:
            if journal is not None:
                journal.forget()
            raise
        return found

    def pieces(self, part: Part) -> Iterator[bytes]:
        """A part of the object, whole; a broken connection goes on where it was."""
        at, failures = part.start, 0
        while at < part.end:
            left = Part(at, part.end)
            begin = at
            try:
                for piece in self._ask(left):
                    at += len(piece)
                    if at > part.end:
                        raise WrongAnswer(f"{self._path}: the server sent more than was asked for")
                    yield piece
            except (BrokenOff, Late):
                failures = 1 if at > begin else failures + 1
                if failures >= _TRIES:
                    raise
                continue
            if at < part.end:
                failures = 1 if at > begin else failures + 1
                if failures >= _TRIES:
                    raise BrokenOff(
                        f"{self._path}: the answer ended {part.end - at:,} bytes early",
                        retry_after=1.0,
                    )

    def _ask(self, part: Part) -> Iterator[bytes]:
        headers = {"Range": part.header, **({"If-Match": self._etag} if self._etag else {})}
        try:
            reply = self._client.get(
                self._path, params=self._params, headers=headers, success=(200, 206), stream=True
            )
        except PreconditionFailed as error:
            raise PreconditionFailed(
                f"{self._path} changed while it was being downloaded",
                error.status,
                hint="download it again",
            ) from error
        with reply:
            if reply.status == 200 and part.start:  # noqa: PLR2004
                raise WrongAnswer(f"{self._path}: the server does not send parts of objects")
            yield from reply.iter_bytes(_PIECE)

    def _receive(self, pieces: Iterator[bytes], sink: Sink, size: int, progress: Progress) -> str:
        """Take a whole object in order; its MD5."""
        digest = hashlib.md5(usedforsecurity=False)
        at = 0
        broken: ClientError | None = None
        try:
            for piece in pieces:
                at = _taken(sink, at, piece, digest, progress)
        except (BrokenOff, Late) as error:
            broken = error
        if at > size or (at < size and not self._etag):
            raise broken or WrongAnswer(
                f"{self._path}: {at:,} bytes came where there should be {size:,}"
            )
        for piece in self.pieces(Part(at, size)):
            at = _taken(sink, at, piece, digest, progress)
        progress.advance(1 if size % UNIT else 0)
        return digest.hexdigest()

    def _goes_on(
        self, sink: Sink, there: int, size: int, found: Mapping[str, str], progress: Progress
    ) -> bool:
        """Fetch what is missing behind what is there; whether that made the object."""
        if not _plain_md5(found):
            return False
        if there < size:
            self._parts(sink, [Part(there, size)], size, Progress(None, 0))
        sink.stand_behind(size)
        if _digest(sink, size) != _plain_md5(found):
            return False
        progress.advance(-(-size // UNIT))
        sink.cut(size)
        return True

    def _parts(
        self,
        sink: Sink,
        parts: Sequence[Part],
        size: int,
        progress: Progress,
        journal: Journal | None = None,
    ) -> None:
        there = journal.begin(self._etag, size, self._part_size) if journal else frozenset()
        pieces = cut(parts, self._part_size)
        done = sum(part.length for part in pieces if part.start in there)
        progress.advance(-(-done // UNIT) if done == size else done // UNIT)
        missing = [part for part in pieces if part.start not in there]
        for part, _ in as_done(lambda part: self._store(sink, part), missing, self._workers):
            if journal is not None:
                journal.note(part.start)
            before, done = done, done + part.length
            progress.advance((-(-done // UNIT) if done == size else done // UNIT) - before // UNIT)

    def _store(self, sink: Sink, part: Part) -> None:
        at = part.start
        for piece in self.pieces(part):
            sink.write(at, piece)
            at += len(piece)

    def _ranges(self, sink: Sink, text: str, callback: Callback | None) -> dict[str, str]:
        reply = self._client.head(
            self._path, params=self._params, headers=self._headers, success=(200, 304, 412)
        )
        if reply.status != 200:  # noqa: PLR2004
            return {}
        found = dict(reply.headers)
        self._etag = found.get("etag", "")
        parts = parse_ranges(text, _size(found))
        if sink.is_positional:
            whole = sum(part.length for part in parts)
            self._parts(sink, parts, whole, Progress(callback, -(-whole // UNIT)))
            sink.stand_behind(max(part.end for part in parts))
            return found
        progress = Progress(callback, len(parts))
        for part in parts:
            for piece in self.pieces(part):
                sink.write(0, piece)
            progress.advance()
        return found

    def _check(self, digest: str, found: Mapping[str, str]) -> None:
        if (wanted := _plain_md5(found)) and digest and digest != wanted:
            raise WrongAnswer(
                f"{self._path} did not arrive as it is stored: its MD5 is {digest}, not {wanted}",
                hint="download it again; if it stays so, the way or the store is broken",
            )


def _taken(sink: Sink, at: int, piece: bytes, digest: Any, progress: Progress) -> int:
    sink.write(at, piece)
    digest.update(piece)
    progress.advance((at + len(piece)) // UNIT - at // UNIT)
    return at + len(piece)


def _digest(sink: Sink, size: int) -> str:
    """MD5 of what is in the file; "" when it cannot be read."""
    if sink.size < size:
        return ""
    digest = hashlib.md5(usedforsecurity=False)
    for start in range(0, size, _PIECE):
        digest.update(sink.read(start, min(_PIECE, size - start)))
    return digest.hexdigest()


def _plain_md5(found: Mapping[str, str]) -> str:
    """The MD5 of the content, when the ETag is that."""
    etag = found.get("etag", "").lower()
    is_made_of_others = "x-static-large-object" in found or "x-object-manifest" in found
    return etag if _MD5.match(etag) and not is_made_of_others else ""


def _size(found: Mapping[str, str]) -> int:
    text = found.get("content-length", "")
    if not (text.isascii() and text.isdigit()):
        raise WrongAnswer("the server does not say how long the object is")
    return int(text)
