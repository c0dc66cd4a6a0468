"""A binary cache in the object storage of a cloud: `node_cache.url = "cloud:NAME/CONTAINER"`.

Archives are objects `sha/SHA512`; what is said of a release are objects `dir/KEY/…`, one for each
build, the newest first. The cloud is not trusted: an entry counts by its signature, and an
archive by the SHA-512 in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from pelagos.clients.errors import ClientError
from pelagos.core import wire
from pelagos.core.http.errors import HttpError
from pelagos.core.http.types import Response
from pelagos.plane.cloud_place import CloudStorage
from pelagos.slap.binary_cache import ENTRY_LIMIT, is_key, is_sha512

if TYPE_CHECKING:  # not for a cycle: a computer without such a cache does not pay for the clients
    from pelagos.clients.base import Reply

_PIECE = 256 * 1024
#: Entries of a release that are read at the most: the newest.
_ENTRIES = 20
_PAIR_LIMIT = 4 * ENTRY_LIMIT
_SHA512_BYTES = 1024 * 1024
_CREATED = Response(201, {}, b"")


class _Incoming:
    def __init__(self, reply: Reply, url: str) -> None:
        self.status = reply.status
        self._reply = reply
        self._url = url

    def pieces(self) -> Iterator[bytes]:
        with _as_http(self._url):
            yield from self._reply.iter_bytes(_PIECE)


class _Ready:
    def __init__(self, status: int, body: bytes = b"") -> None:
        self.status = status
        self._body = body

    def pieces(self) -> Iterator[bytes]:
        yield self._body


class CloudArchives:
    """The archives by their SHA-512; a `Store` of the agent."""

    def __init__(self, storage: CloudStorage) -> None:
        self._storage = storage

    @contextmanager
    def get(self, path: str, *, offset: int = 0) -> Iterator[_Incoming | _Ready]:
        """An archive, from an offset on."""
        if not is_sha512(path):
            yield _Ready(404)
            return
        name = f"sha/{path}"
        url = self._storage.url(name)
        with _as_http(url):
            reply = self._storage.client.get(
                self._storage.path(name),
                headers={"Range": f"bytes={offset}-"} if offset else {},
                success=(200, 206, 404, 416),
                stream=True,
            )
        with reply:
            yield _Incoming(reply, url)

    def send(
        self,
        method: str,  # noqa: ARG002  # always POST
        path: str,  # noqa: ARG002  # always empty: the content is the name
        body: IO[bytes] | bytes,
        *,
        length: int | None = None,  # noqa: ARG002  # the body has an end
        content_type: str = "application/octet-stream",
    ) -> Response:
        """Keep an archive; answers its SHA-512."""
        digest = hashlib.sha512()
        if isinstance(body, bytes):
            digest.update(body)
        else:
            start = body.tell()
            while piece := body.read(_SHA512_BYTES):
                digest.update(piece)
            body.seek(start)
        name = f"sha/{digest.hexdigest()}"
        with _as_http(self._storage.url(name)):
            self._storage.keep(name, body, content_type)
        return Response(201, {}, digest.hexdigest().encode())


class CloudEntries:
    """What is said of releases, by their keys; a `Store` of the agent."""

    def __init__(self, storage: CloudStorage) -> None:
        self._storage = storage

    @contextmanager
    def get(self, path: str, *, offset: int = 0) -> Iterator[_Ready]:  # noqa: ARG002  # it is small
        """The entries of a release as a list of JSON; 404 when there are none."""
        pairs: list[object] = []
        if is_key(path):
            with _as_http(self._storage.url(f"dir/{path}")):
                names = self._storage.names(f"dir/{path}")[:_ENTRIES]
                pairs = [pair for name in names if (pair := self._pair(name)) is not None]
        yield _Ready(200, wire.encode(pairs)) if pairs else _Ready(404)

    def _pair(self, name: str) -> object:
        path = self._storage.path(name)
        reply = self._storage.client.get(path, success=(200, 404), stream=True)
        with reply:
            body = bytearray()
            for piece in reply.iter_bytes(_PIECE) if reply.status != 404 else ():  # noqa: PLR2004
                body += piece
                if len(body) > _PAIR_LIMIT:
                    return None
        try:
            return wire.decode(bytes(body))
        except wire.WireError:
            return None

    def send(
        self,
        method: str,  # noqa: ARG002  # always PUT
        path: str,
        body: IO[bytes] | bytes,
        *,
        length: int | None = None,  # noqa: ARG002  # the body has an end
        content_type: str = "application/json",
    ) -> Response:
        """Keep an entry; the same one again is harmless."""
        data = body if isinstance(body, bytes) else body.read()
        name = f"dir/{path}/{hashlib.sha256(data).hexdigest()}"
        with _as_http(self._storage.url(name)):
            self._storage.keep(name, data, content_type)
        return _CREATED


@contextmanager
def _as_http(url: str) -> Iterator[None]:
    """Errors of the cloud in the words of the agent, which tries again later."""
    try:
        yield
    except ClientError as error:
        said = " ".join(error.message.split())
        raise HttpError(
            f"{url}: {said}", url=url, hint=error.hint, retry_after=error.retry_after
        ) from error
