"""All images of a box: records in the database, content in files named by the image."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pelagos.box.database import Database
from pelagos.box.errors import Refused
from pelagos.box.identity.quotas import Quotas
from pelagos.box.neighbours import ImageFacts
from pelagos.core.clock import Clock

#: Bytes of images that a project may have, unless it is told otherwise: `Box.limit`.
QUOTA = "glance.image_size_total"
_QUOTA_BYTES = 10 * 1024**3
_PIECE = 256 * 1024
_JSON = frozenset({"properties", "tags"})
_SEED = b"A disk of the box: it seems to boot, and holds nothing but this line.\n" * 256


@dataclass(frozen=True, slots=True)
class Image:
    """One image.

    Attributes:
        status: queued, saving, uploading, importing, active, deactivated, killed.
        visibility: public, private, shared, community.
        size: bytes; None until there is content.
        location: where the object is that it was registered from; empty for none.
    """

    id: str
    project_id: str
    user_id: str
    name: str | None
    status: str
    visibility: str
    is_protected: bool
    is_hidden: bool
    disk_format: str | None
    container_format: str | None
    size: int | None
    md5: str | None
    sha512: str | None
    min_disk: int
    min_ram: int
    created: float
    updated: float
    properties: dict[str, str] = field(repr=False)
    tags: list[str] = field(repr=False)
    location: str = ""

    @classmethod
    def of(cls, row: Any) -> Image:
        """From a row of the table."""
        values = dict(row)
        for name in _JSON:
            values[name] = json.loads(values[name])
        for name in ("is_protected", "is_hidden"):
            values[name] = bool(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Member:
    """A project with which an image is shared.

    Attributes:
        status: pending, accepted, rejected.
    """

    image_id: str
    member: str
    status: str
    created: float
    updated: float


class ImageStore:
    """Keeps images; safe to share between threads."""

    def __init__(self, database: Database, quotas: Quotas, folder: Path, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._quotas = quotas
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob("*.part"):
            left.unlink(missing_ok=True)
        with database.change() as connection:  # what was under way when the box ended
            connection.execute(
                "UPDATE images SET status = 'queued' WHERE status IN ('saving', 'importing')"
            )

    def seed(self, project_id: str, user_id: str) -> None:
        """Let there be an image that everybody may use."""
        properties = {"os_distro": "box", "osfamily": "linux", "users": "root"}
        values = {
            "name": "box-linux", "visibility": "public", "disk_format": "raw",
            "container_format": "bare", "properties": properties,
        }  # fmt: skip
        with self.database.change():
            image = self.add(project_id, user_id, values)
            self.fill(image, [_SEED])

    # reading

    def find(self, image_id: str) -> Image | None:
        """An image by its id, whoever's it is."""
        row = (
            self.database.read()
            .execute("SELECT * FROM images WHERE id = ?", (image_id.lower(),))
            .fetchone()
        )
        return Image.of(row) if row else None

    def all(self) -> Iterator[Image]:
        """All images, the latest first."""
        rows = self.database.read().execute("SELECT * FROM images ORDER BY created DESC, id DESC")
        return map(Image.of, rows.fetchall())

    def sees(self, image: Image, project_id: str, *, is_admin: bool = False) -> bool:
        """Whether a project may use an image."""
        if is_admin or image.project_id == project_id:
            return True
        if image.visibility in {"public", "community"}:
            return True
        return image.visibility == "shared" and self.member(image, project_id) is not None

    def members(self, image: Image) -> list[Member]:
        """With which projects an image is shared."""
        rows = self.database.read().execute(
            "SELECT * FROM image_members WHERE image_id = ? ORDER BY created, member", (image.id,)
        )
        return [Member(*row) for row in rows]

    def member(self, image: Image, project_id: str) -> Member | None:
        """One of the projects."""
        row = (
            self.database.read()
            .execute(
                "SELECT * FROM image_members WHERE image_id = ? AND member = ?",
                (image.id, project_id),
            )
            .fetchone()
        )
        return Member(*row) if row else None

    def shared_with(self, project_id: str) -> dict[str, str]:
        """How a project answered to each image that is shared with it: id and status."""
        rows = self.database.read().execute(
            "SELECT image_id, status FROM image_members WHERE member = ?", (project_id,)
        )
        return {row["image_id"]: row["status"] for row in rows}

    def used(self, project_id: str) -> int:
        """Bytes of a project's images that are files here."""
        row = (
            self.database.read()
            .execute(
                "SELECT COALESCE(SUM(size), 0) FROM images WHERE project_id = ? AND location = ''",
                (project_id,),
            )
            .fetchone()
        )
        return int(row[0])

    def limit(self, project_id: str) -> int:
        """Bytes that a project may have."""
        return self._quotas.limit(project_id, QUOTA, _QUOTA_BYTES)

    # changing

    def add(self, project_id: str, user_id: str, values: Mapping[str, Any]) -> Image:
        """A new image, without content.

        Raises:
            Refused: 409, there is one of that id.
        """
        now = self.clock.time()
        kept: dict[str, Any] = {
            "id": str(uuid.uuid4()), "project_id": project_id, "user_id": user_id, "name": None,
            "status": "queued", "visibility": "shared", "is_protected": False, "is_hidden": False,
            "disk_format": None, "container_format": None, "size": None, "md5": None,
            "sha512": None, "min_disk": 0, "min_ram": 0, "created": now, "updated": now,
            "properties": {}, "tags": [], "location": "", **values,
        }  # fmt: skip
        with self.database.change() as connection:
            if self.find(kept["id"]) is not None:
                raise Refused(409, f"Image ID {kept['id']} already exists!")
            connection.execute(
                f"INSERT INTO images ({', '.join(kept)}) VALUES ({', '.join('?' * len(kept))})",
                [_cell(name, value) for name, value in kept.items()],
            )
        return self._again(kept["id"])

    def change(self, image: Image, **values: Any) -> Image:
        """Let some of an image's record be so."""
        values.setdefault("updated", self.clock.time())
        with self.database.change() as connection:
            connection.execute(
                f"UPDATE images SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?",
                [*(_cell(name, value) for name, value in values.items()), image.id],
            )
        return self._again(image.id)

    def _again(self, image_id: str) -> Image:
        found = self.find(image_id)
        if found is None:
            raise Refused(404, f"Failed to find image {image_id}")
        return found

    def remove(self, image: Image) -> None:
        """Forget an image and its content."""
        with self.database.change() as connection:
            connection.execute("DELETE FROM images WHERE id = ?", (image.id,))
            self.database.later(lambda: self.path(image).unlink(missing_ok=True))

    def set_member(self, image: Image, member: str, status: str = "pending") -> Member:
        """Share an image with a project, or keep how it answered."""
        now = self.clock.time()
        with self.database.change() as connection:
            connection.execute(
                "INSERT INTO image_members VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET status = excluded.status, updated = excluded.updated",
                (image.id, member, status, now, now),
            )
        found = self.member(image, member)
        assert found is not None  # noqa: S101  # it was just written
        return found

    def remove_member(self, image: Image, member: str) -> None:
        """Share an image with a project no longer."""
        with self.database.change() as connection:
            connection.execute(
                "DELETE FROM image_members WHERE image_id = ? AND member = ?", (image.id, member)
            )

    # content

    def path(self, image: Image) -> Path:
        """Where the content is."""
        return self._folder / image.id

    def fill(self, image: Image, pieces: Iterable[bytes], status: str = "active") -> Image:
        """Let an image have this content; nothing of it stays when it breaks off.

        Raises:
            Refused: 413, the project may not have so much.
        """
        room = self.limit(image.project_id) - self.used(image.project_id)
        md5, sha512 = hashlib.md5(usedforsecurity=False), hashlib.sha512()
        part = self._folder / f"{image.id}-{uuid.uuid4().hex}.part"
        size = 0
        try:
            with part.open("xb") as file:
                for piece in pieces:
                    size += len(piece)
                    if size > room:
                        raise Refused(413, "Image storage quota exceeded")
                    md5.update(piece)
                    sha512.update(piece)
                    file.write(piece)
            with self.database.change():
                self._again(image.id)  # it may have gone meanwhile
                part.replace(self.path(image))
                return self.change(
                    image,
                    status=status,
                    size=size,
                    md5=md5.hexdigest(),
                    sha512=sha512.hexdigest(),
                )
        finally:
            part.unlink(missing_ok=True)

    def pieces(self, image: Image, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to before `end`; the file is open from now on.

        Raises:
            Refused: 404, there is no content.
        """
        try:
            file = self.path(image).open("rb")
        except FileNotFoundError as error:
            raise Refused(404, "Image data is not found") from error

        def flow() -> Iterator[bytes]:
            with file:
                file.seek(start)
                left = end - start
                while left > 0 and (piece := file.read(min(_PIECE, left))):
                    left -= len(piece)
                    yield piece

        return flow()


class ImagesOfServers:
    """Images as servers and volumes use them."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def find(self, image_id: str, project_id: str, *, is_admin: bool = False) -> ImageFacts | None:
        """An image that a project may use; None when there is none."""
        image = self._store.find(image_id)
        if image is None or not self._store.sees(image, project_id, is_admin=is_admin):
            return None
        return _facts(image)

    def make(
        self,
        project_id: str,
        user_id: str,
        name: str,
        properties: Mapping[str, str],
        *,
        size: int = 0,
        disk_format: str = "raw",
    ) -> ImageFacts:
        """An image of a server or volume, complete at once; its content is a line about it."""
        values = {
            "name": name, "visibility": "private", "disk_format": disk_format,
            "container_format": "bare", "properties": dict(properties),
        }  # fmt: skip
        with self._store.database.change():
            image = self._store.add(project_id, user_id, values)
            line = f"{name}: a snapshot, of {size} bytes\n".encode()
            return _facts(self._store.fill(image, [line]))

    def keep_latest(self, count: int, project_id: str, properties: Mapping[str, str]) -> None:
        """Remove a project's images that have these properties, but for the latest ones."""
        with self._store.database.change():
            those = [
                one
                for one in self._store.all()
                if one.project_id == project_id and properties.items() <= one.properties.items()
            ]
            for image in those[count:]:
                self._store.remove(image)


def _facts(image: Image) -> ImageFacts:
    return ImageFacts(
        image.id,
        image.name or "",
        image.status,
        image.project_id,
        image.size or 0,
        image.min_disk,
        image.min_ram,
        image.disk_format or "",
        image.container_format or "",
        image.properties,
    )


def _cell(name: str, value: Any) -> Any:
    if name in _JSON:
        return json.dumps(value)
    return int(value) if isinstance(value, bool) else value
