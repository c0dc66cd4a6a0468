"""The calls below /cache: built releases for other computers, in SlapOS' network cache's words.

Bodies go through in pieces, both ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from pelagos.core import wire
from pelagos.slap.binary_cache import ENTRY_LIMIT
from pelagos.slap.errors import BadRequest, Unauthorized
from pelagos.slap.master.auth import Kind, permit
from pelagos.slap.master.cache_store import CacheStore
from pelagos.slap.master.errors import TooLarge
from pelagos.slap.master.faces.call import Answer, Call, Route

BYTES = "application/octet-stream"
_PIECE = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_BODY_LIMIT = 4 * ENTRY_LIMIT


class CacheFace:
    """One method per call.

    Args:
        store: keeps it all.
        is_of_site: whether a computer belongs to the site, and not to a tenant.
    """

    def __init__(self, store: CacheStore, is_of_site: Callable[[str], bool]) -> None:
        self._store = store
        self._is_of_site = is_of_site

    def routes(self) -> list[Route]:
        """Where each call is answered."""
        return [
            Route("cache/read", "GET", "/cache/sha/<sha512>", self.archive),
            Route("cache/write", "POST", "/cache/sha", self.add_archive, streams=True),
            Route("cache/write", "POST", "/cache/sha/", self.add_archive, streams=True),
            Route("cache/write", "PUT", "/cache/sha/<sha512>", self.add_archive, streams=True),
            Route("cache/read", "GET", "/cache/dir/<key>", self.entries),
            Route("cache/write", "PUT", "/cache/dir/<key>", self.add_entry, streams=True),
        ]

    def archive(self, call: Call) -> Answer:
        """An archive, or the part of it that the header Range names."""
        _permit(call)
        sha512 = call.fields["sha512"]
        stream, size = self._store.open(sha512)
        headers = {"Accept-Ranges": "bytes", "ETag": f'"{sha512[:32]}"'}
        wanted = _wanted(call.range, size)
        if wanted is None:
            return Answer(b"", BYTES, 200, headers, _Pieces(stream, 0, size), size)
        first, last = wanted
        if first > last:
            stream.close()
            headers["Content-Range"] = f"bytes */{size}"
            return Answer(b"", BYTES, 416, headers)
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        length = last - first + 1
        return Answer(b"", BYTES, 206, headers, _Pieces(stream, first, length), length)

    def add_archive(self, call: Call) -> Answer:
        """Take an archive; answers with its SHA-512."""
        self._permit_upload(call)
        if call.stream is None:
            raise BadRequest(
                "this call carries an archive", status=400, hint="send the archive as the body"
            )
        found = self._store.put(call.stream, call.length, sha512=call.fields.get("sha512"))
        return Answer(found.encode(), status=201)

    def entries(self, call: Call) -> Answer:
        """What is said of a key."""
        _permit(call)
        return Answer.json(self._store.entries(call.fields["key"]))

    def add_entry(self, call: Call) -> Answer:
        """Say something of a key."""
        self._permit_upload(call)
        if call.stream is None or (call.length or 0) > _BODY_LIMIT:
            raise TooLarge(
                f"an entry has at most {_BODY_LIMIT:,} bytes",
                status=413,
                hint="send one entry at a time",
            )
        try:
            pair: Any = wire.decode(call.stream.read(_BODY_LIMIT))
        except wire.WireError as error:
            raise BadRequest(
                "the entry is not JSON",
                status=400,
                hint="send [entry, signature] as docs/reference/http-api.md says",
            ) from error
        self._store.add_entry(call.fields["key"], pair, call.identity.actor)
        return Answer(b"", status=201)

    def _permit_upload(self, call: Call) -> None:
        _permit(call)
        identity = call.identity
        uploaders = self._store.settings.uploaders
        is_chosen = identity.kind is Kind.COMPUTER and (
            identity.name in uploaders or ("*" in uploaders and self._is_of_site(identity.name))
        )
        if not (identity.is_operator or is_chosen):
            raise Unauthorized(
                f"{identity.kind} {identity.name} may not add to the binary cache",
                status=403,
                hint="an operator names the computers that may in cache.uploaders of the master",
            )


class _Pieces:
    """A part of an open file, in pieces; closes it at the end."""

    def __init__(self, stream: IO[bytes], start: int, length: int) -> None:
        self._stream = stream
        self._start = start
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        self._stream.seek(self._start)
        while self._left and (piece := self._stream.read(min(self._left, _PIECE))):
            self._left -= len(piece)
            yield piece

    def close(self) -> None:
        """Called by the web server, also when the peer has gone."""
        self._stream.close()


def _permit(call: Call) -> None:
    permit(call.identity, call.name, call.identity.computer_id, call.identity.partition_id)


def _wanted(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte that a Range names, first above last when there are none; or all."""
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[0] == "bytes=-":
        return None  # RFC 9110: what is not understood is ignored
    first, last = found[1], found[2]
    if not first:
        return max(0, size - int(last)), size - 1
    end = min(int(last), size - 1) if last else size - 1
    return (int(first), end) if int(first) < size else (1, 0)
