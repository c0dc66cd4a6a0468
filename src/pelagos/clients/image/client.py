"""The client of an image service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any, ClassVar, cast

from pelagos.clients.base.bilingual import Bilingual, given
from pelagos.clients.base.dialect import Dialect
from pelagos.clients.errors import ClientError
from pelagos.clients.image.glance import Glance
from pelagos.clients.image.plankton import Plankton
from pelagos.clients.image.types import Image, Member, SharedImage


class ImageClient(Bilingual):
    """Images: Synnefo's, made of objects, or Glance's, which have a content of their own."""

    service_type: ClassVar[str] = "image"
    DEFAULT_API_VERSION: ClassVar[str] = "1.0"
    HOME: ClassVar[Dialect] = "synnefo"
    API_VERSIONS: ClassVar[Mapping[Dialect, str]] = {"openstack": "2", "synnefo": "1.0"}
    TELLING_VERSIONS: ClassVar[Mapping[str, Dialect]] = {"2": "openstack", "1.0": "synnefo"}

    @property
    def _service(self) -> Plankton | Glance:
        return Plankton(self) if self.is_synnefo else Glance(self)

    def _glance(self, what: str) -> Glance:
        self._only_on(
            "openstack", what, "an image there is an object: use object storage and its location"
        )
        return Glance(self)

    def list_public(
        self, detail: bool = False, filters: Mapping[str, Any] | None = None, order: str = ""
    ) -> list[Image]:
        """The images that can be used, public or not.

        Args:
            detail: whole records; Glance gives them always.
            filters: those that are not empty count: name, status, container_format, disk_format,
                size_min, size_max.
            order: a field, with "-" before it the other way round.
        """
        return cast(list[Image], self._service.list_images(detail, filters or {}, order))

    def get_meta(self, image_id: str) -> Image:
        """An image's record."""
        return cast(Image, self._service.show(image_id))

    def register(
        self,
        name: str,
        location: Any = None,
        params: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> Image:
        """Make an image; its record.

        Args:
            name: of the image.
            location: Synnefo: `pithos://USER/CONTAINER/PATH`, or the three in a tuple. OpenStack:
                a file, open or by its path, an address that the service fetches later, or None:
                without content until `upload_image`.
            params: id, store, disk_format, container_format, is_public, owner; on Synnefo also
                size and checksum.
            properties: texts by name.
        """
        found = self._service.register(name, location, params or {}, properties or {})
        return cast(Image, found)

    def reregister(
        self,
        location: str,
        name: str | None = None,
        params: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Register the images of a location again, with further properties (Synnefo).

        Raises:
            ClientError: no image is made of that.
        """
        self._only_on("synnefo", "locations of images", "use update_image")
        found = [one for one in self.list_public(detail=True) if one.get("location") == location]
        if not found:
            raise ClientError(f"no image is made of {location}", 404)
        for one in found:
            merged = {**one.get("properties", {}), **(properties or {})}
            self.register(name or one["name"], location, params, merged)

    def unregister(self, image_id: str) -> Mapping[str, str]:
        """Remove an image, on OpenStack with its content; the answer's header fields."""
        return self._service.unregister(image_id)

    def update_image(  # an image has many properties
        self,
        image_id: str,
        name: str | None = None,
        disk_format: str | None = None,
        container_format: str | None = None,
        status: str | None = None,
        public: bool | None = None,
        owner_id: str | None = None,
        **properties: Any,
    ) -> Mapping[str, str]:
        """Change what is not None of an image, and properties; the answer's header fields.

        On OpenStack `status` is "active" or "deactivated", and a property that is None goes.
        """
        fields = given(
            name=name,
            disk_format=disk_format,
            container_format=container_format,
            status=status,
            is_public=public,
            owner=owner_id,
        )
        return self._service.update(image_id, fields, properties)

    # ---- with whom images are shared

    def list_members(self, image_id: str) -> list[Member]:
        """With whom an image is shared."""
        return cast(list[Member], self._service.list_members(image_id))

    def add_member(self, image_id: str, member: str) -> Mapping[str, str]:
        """Share an image with somebody; who has it already keeps it."""
        return self._service.add_member(image_id, member)

    def remove_member(self, image_id: str, member: str) -> Mapping[str, str]:
        """Share an image with somebody no longer."""
        return self._service.remove_member(image_id, member)

    def set_members(self, image_id: str, members: Iterable[str]) -> Mapping[str, str]:
        """Share an image with these, and nobody else."""
        return self._service.set_members(image_id, members)

    def list_shared(self, member: str) -> list[SharedImage]:
        """What others share with somebody: on OpenStack, with the project of the token."""
        return cast(list[SharedImage], self._service.list_shared(member))

    # ---- content, which only images of OpenStack have

    def upload_image(self, image_id: str, source: IO[bytes] | bytes) -> None:
        """Give an image its content, once.

        Raises:
            Unsupported: the cloud is a Synnefo.
        """
        self._glance("content of images").upload(image_id, source)

    def download_image(self, image_id: str, destination: IO[bytes]) -> None:
        """Write an image's content, and compare its hash with the record's.

        Raises:
            Unsupported: the cloud is a Synnefo.
            WrongAnswer: the hash is another one.
        """
        self._glance("content of images").download(image_id, destination)
