"""A binary cache in the object storage of a cloud: `node_cache.url = "cloud:NAME/CONTAINER"`.

Archives are objects `sha/SHA512`; what is said of a release are objects `dir/KEY/…`, one for each
build, the newest first. The cloud is not trusted: an entry counts by its signature, and an
archive by the SHA-512 in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from pelagos.clients.errors import ClientError, CloudNotConfigured, NotFound
from pelagos.core import wire
from pelagos.core.errors import ConfigError
from pelagos.core.http.errors import HttpError
from pelagos.core.http.types import Response
from pelagos.slap.binary_cache import ENTRY_LIMIT, is_key, is_sha512

if TYPE_CHECKING:  # not for a cycle: a computer without such a cache does not pay for the clients
    from pelagos.clients.base import Reply
    from pelagos.clients.cloud import Cloud
    from pelagos.clients.pithos import PithosClient

#: How a `node_cache.url` begins that names a place in a cloud.
SCHEME = "cloud:"

_PIECE = 256 * 1024
#: Entries of a release that are read at the most: the newest.
_ENTRIES = 20
_PAIR_LIMIT = 4 * ENTRY_LIMIT
_SHA512_BYTES = 1024 * 1024
_CREATED = Response(201, {}, b"")


@dataclass(frozen=True, slots=True)
class CloudPlace:
    """A place in a cloud, as a setting names it.

    Attributes:
        cloud: name of a configured cloud.
        prefix: "" or one that ends with a slash.
    """

    cloud: str
    container: str
    prefix: str = ""

    @classmethod
    def of(cls, url: str) -> CloudPlace:
        """From `cloud:NAME/CONTAINER` or `cloud:NAME/CONTAINER/FOLDER`.

        Raises:
            ConfigError: it is no such text.
        """
        cloud, _, rest = url.removeprefix(SCHEME).partition("/")
        container, _, folder = rest.partition("/")
        if not cloud or not container:
            raise ConfigError(
                f"{url!r} names no place in a cloud",
                hint="write cloud:NAME/CONTAINER, as cloud:work/releases",
            )
        prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
        return cls(cloud, container, prefix)

    def open(self, environ: Mapping[str, str]) -> CloudStorage:
        """The storage; nothing is asked yet.

        Args:
            environ: where clouds are looked for.

        Raises:
            ConfigError: there is no such cloud.
        """
        from pelagos.clients.cloud import Cloud, KnownClouds  # dear

        try:
            settings = KnownClouds(environ).get(self.cloud)
        except CloudNotConfigured as error:
            raise ConfigError(" ".join(error.message.split()), hint=error.hint) from error
        return CloudStorage(Cloud(self.cloud, settings=settings), self)


class CloudStorage:
    """Objects of one place; their names are below its prefix."""

    def __init__(self, cloud: Cloud, place: CloudPlace) -> None:
        self._cloud = cloud
        self.place = place

    @property
    def client(self) -> PithosClient:
        """The client; logs in when nobody has yet."""
        return self._cloud.object_store

    def path(self, name: str) -> str:
        """Where an object is, below the endpoint."""
        return self.client.object_path(self.place.prefix + name, self.place.container)

    def url(self, name: str) -> str:
        """What errors call an object."""
        return f"{SCHEME}{self.place.cloud}/{self.place.container}/{self.place.prefix}{name}"

    def keep(self, name: str, data: IO[bytes] | bytes, content_type: str) -> None:
        """Store an object; the container is made when it is missing."""
        client, where = self.client, self.place.container

        def put() -> None:
            client.upload_object(
                self.place.prefix + name, data, content_type=content_type, container=where
            )

        at = None if isinstance(data, bytes) else data.tell()
        try:
            put()
        except NotFound:
            client.create_container(where)
            if at is not None and not isinstance(data, bytes):
                data.seek(at)
            put()

    def names(self, folder: str) -> list[str]:
        """The objects of a folder, the newest first, without the prefix."""
        found = self.client.list_objects(
            prefix=f"{self.place.prefix}{folder}/", container=self.place.container
        )
        newest = sorted(
            found,
            key=lambda one: (str(one.get("last_modified")), str(one.get("name"))),
            reverse=True,
        )
        return [
            str(one["name"]).removeprefix(self.place.prefix) for one in newest if "name" in one
        ]


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
