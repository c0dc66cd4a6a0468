"""The bytes of objects of Pithos: whole, in ranges, or those of several that a manifest names."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from pelagos.box.errors import Refused
from pelagos.box.objects import ranges
from pelagos.box.objects.listing import Asked, listed
from pelagos.box.objects.store import Container, ObjectStore, Version
from pelagos.box.web import Answer, Request


class Gone(Refused):
    """A version went while it was looked at."""


class Reading:
    """Answers with what objects hold."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def parts(self, container: Container, version: Version) -> list[Version]:
        """What the object consists of: itself, or what its manifest names."""
        manifest = version.more.get("manifest")
        if not manifest:
            return [version]
        name, _, prefix = manifest.lstrip("/").partition("/")
        source = self._store.container(container.account, name)
        if source is None:
            return []
        items = listed(self._store.database, source, Asked(prefix))
        return [one for one in items if isinstance(one, Version)]

    def answer(self, request: Request, parts: list[Version], headers: dict[str, str]) -> Answer:
        """The bytes that are asked for.

        Raises:
            Refused: 416, there are not so many.
        """
        size = sum(part.size for part in parts)
        told = ranges.parse(request.header("Range"))
        if told is not None and request.header("If-Range"):
            told = None  # nothing that is sent there is ever the same as what is kept
        if told is None:
            return Answer(200, headers, self._flow(parts, [(b"", 0, size)]), size)
        asked = ranges.exactly(told, size)
        if asked is None:
            raise Refused(416, "Requested range exceeds object limits")
        if len(asked) == 1:
            start, end = asked[0]
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            return Answer(206, headers, self._flow(parts, [(b"", start, end)]), end - start)
        boundary = secrets.token_hex(16)
        pieces = []
        for start, end in asked:
            head = (
                f"--{boundary}\r\nContent-Range: bytes {start}-{end - 1}/{size}\r\n"
                "Content-Transfer-Encoding: binary\r\n\r\n"
            )
            pieces += [(head.encode(), start, end), (b"\r\n", 0, 0)]
        pieces.append((f"--{boundary}--\r\n".encode(), 0, 0))
        headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
        return Answer(206, headers, self._flow(parts, pieces))

    def _flow(self, parts: list[Version], pieces: list[tuple[bytes, int, int]]) -> Iterator[bytes]:
        held: list[Version] = []
        for part in parts:
            if not self._store.hold(part):
                for one in held:
                    self._store.release(one)
                raise Gone(404, "Object does not exist", name="itemNotFound")
            held.append(part)
        return self._read(parts, pieces)

    def _read(self, parts: list[Version], pieces: list[tuple[bytes, int, int]]) -> Iterator[bytes]:
        try:
            for head, start, end in pieces:
                if head:
                    yield head
                at = 0
                for part in parts:
                    low, high = max(start, at), min(end, at + part.size)
                    if low < high:
                        yield from self._store.pieces(part, low - at, high - at)
                    at += part.size
        finally:
            for part in parts:
                self._store.release(part)
