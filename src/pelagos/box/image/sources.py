"""Where the content of images is: in files of the box, or in objects they were registered from."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from pelagos.box.errors import Refused
from pelagos.box.image.store import Image, ImageStore
from pelagos.box.objects.store import Container, ObjectStore, Version

_SCHEME = "pithos://"


def location_of(account: str, container: str, name: str) -> str:
    """Where an object is.

    >>> location_of("u", "images", "a b.img")
    'pithos://u/images/a b.img'
    """
    return f"{_SCHEME}{account}/{container}/{name}"


class Sources:
    """Reads the content of images."""

    def __init__(self, store: ImageStore, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    def find(self, location: str) -> tuple[Container, Version] | None:
        """The object at a location, `pithos://ACCOUNT/CONTAINER/NAME`; None when there is none."""
        if not location.startswith(_SCHEME):
            return None
        account, _, rest = location.removeprefix(_SCHEME).partition("/")
        container, _, name = rest.partition("/")
        for told in ((container, name), (unquote(container), unquote(name))):
            kept = self._objects.container(account, told[0])
            version = self._objects.current(kept, told[1]) if kept and told[1] else None
            if kept is not None and version is not None:
                return kept, version
        return None

    def exists(self, image: Image) -> bool:
        """Whether what an image was registered from is there still."""
        return not image.location or self.find(image.location) is not None

    def pieces(self, image: Image, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to before `end`.

        Raises:
            Refused: 404, there is no content.
        """
        if not image.location:
            return self._store.pieces(image, start, end)
        found = self.find(image.location)
        if found is None or not self._objects.hold(found[1]):
            raise Refused(404, "Image data is not found")
        version = found[1]

        def flow() -> Iterator[bytes]:
            try:
                yield from self._objects.pieces(version, start, end)
            finally:
                self._objects.release(version)

        return flow()
