"""One file up or down."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pelagos.clients.errors import ClientError, PreconditionFailed
from pelagos.clients.folder.partial import PartialFile
from pelagos.clients.folder.remote import Place, moment
from pelagos.clients.pithos import PithosClient
from pelagos.core.files import open_plain

_PLAIN = "application/octet-stream"

#: Told about bytes that are done.
Tell = Callable[[int], None]


def kind_of(path: str) -> tuple[str, str | None]:
    """Content type and encoding by the name.

    >>> kind_of("a.txt"), kind_of("a.tar.gz"), kind_of("a")
    (('text/plain', None), ('application/x-tar', 'gzip'), ('application/octet-stream', None))
    """
    kind, encoding = mimetypes.guess_type(path, strict=False)
    return kind or _PLAIN, encoding


def told_in_bytes(size: int, tell: Tell) -> Callable[[int], Iterator[None]]:
    """A callback of a transfer that tells bytes instead of units."""

    def callback(units: int) -> Iterator[None]:
        done = 0
        for number in range(1, units + 1):
            yield
            now = size * number // units
            tell(now - done)
            done = now
        yield

    return callback


def send(
    client: PithosClient,
    path: Path,
    name: str,
    place: Place,
    tell: Tell,
    **how: Any,
) -> Mapping[str, str]:
    """Store a file as an object; the header fields of the answer.

    Args:
        how: what else `upload_object` takes; without a content type, the name says it.

    Raises:
        ClientError: the object is not there, or not as the file is.
        OSError: the file cannot be read.
    """
    stream = open_plain(path, follow=True)
    if stream is None:
        raise ClientError(f"{path} is no file", hint="give a file, or a folder with -r")
    if how.get("content_type") is None:
        kind, encoding = kind_of(path.name)
        how["content_type"] = kind
        how.setdefault("content_encoding", encoding)
    with stream:
        before = os.fstat(stream.fileno())
        done = client.upload_object(
            name,
            stream,
            before.st_size,
            upload_cb=told_in_bytes(before.st_size, tell),
            **how,
            **place.where,
        )
        after = os.fstat(stream.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ClientError(
            f"{path} changed while it was being sent",
            hint="send it again when nobody writes to it",
        )
    return done


def fetch(
    client: PithosClient,
    name: str,
    target: Path,
    place: Place,
    tell: Tell,
    *,
    size: int,
    replace: bool,
    **how: Any,
) -> Mapping[str, str]:
    """Bring an object into a file, which is whole when it stands under its name.

    Args:
        size: bytes, as far as it is known, to tell progress.
        replace: whether a file of that name may go.
        how: what else `download_object` takes: `version`, `workers`.

    Returns:
        the object's header fields.

    Raises:
        ClientError: it is not there; what has arrived is kept, and the next call goes on.
        FileExistsError: a file of that name is there and may not go.
    """
    if not replace and os.path.lexists(target):
        raise FileExistsError(17, "File exists", str(target))
    part = PartialFile(target)
    with part.open() as file:
        found = client.download_object(
            name,
            file,
            told_in_bytes(size, tell),
            resume=True,
            journal=part.journal(file),
            **how,
            **place.where,
        )
        if not found:
            raise PreconditionFailed(f"{name} was not sent", 412)
        modified = moment({"last_modified": _iso(found.get("last-modified", ""))})
        part.finish(file, modified=modified or None, replace=replace)
    return found


def _iso(text: str) -> str:
    """The time of a header field as listings say it."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # beside its one use

    try:
        return parsedate_to_datetime(text).isoformat()
    except (TypeError, ValueError):
        return ""
