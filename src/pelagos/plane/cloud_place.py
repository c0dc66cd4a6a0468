"""A place in the object storage of a cloud, as the plane keeps things there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from pelagos.clients.errors import CloudNotConfigured, NotFound
from pelagos.core.errors import ConfigError

if TYPE_CHECKING:  # not for a cycle: who uses no such place does not pay for the clients
    from pelagos.clients.cloud import Cloud
    from pelagos.clients.pithos import PithosClient

#: How a setting begins that names such a place.
SCHEME = "cloud:"


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

    def keep(
        self,
        name: str,
        data: IO[bytes] | bytes,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Store an object; the container is made when it is missing."""
        client, where = self.client, self.place.container

        def put() -> None:
            client.upload_object(
                self.place.prefix + name,
                data,
                content_type=content_type,
                metadata=metadata,
                container=where,
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
