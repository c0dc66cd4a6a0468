"""Archives that are sent to Swift and become objects there (`?extract-archive=`)."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from pelagos.box.errors import Refused
from pelagos.box.web import Answer, Request, json_answer

FORMATS = {"tar": "r|", "tar.gz": "r|gz", "tar.bz2": "r|bz2"}
MOST_FAILURES = 1000
_PIECE = 64 * 1024

#: Keeps a file: container, name, its bytes, and what the archive tells of it as metadata.
Keep = Callable[[str, str, Iterator[bytes], dict[str, str]], None]
_META = "SCHILY.xattr.user.meta."
_TYPE = "SCHILY.xattr.user.mime_type"


def extract(request: Request, container: str, prefix: str, keep: Keep) -> Answer:
    """Unpack the body of a request; what became of it.

    Args:
        container: where to; empty: the first folders of the archive are containers.
        prefix: of the objects' names.
        keep: called for each file; raises Refused when it cannot be.

    Raises:
        Refused: 400, the kind of archive is not known.
    """
    mode = FORMATS.get(request.query["extract-archive"].lower())
    if mode is None:
        raise Refused(400, f"Unsupported archive format: {', '.join(FORMATS)} can be unpacked")
    made, errors, trouble = 0, list[list[str]](), ""
    try:
        with tarfile.open(fileobj=cast(BinaryIO, _Body(request)), mode=mode) as archive:  # type: ignore[call-overload]  # one of FORMATS
            for entry in archive:
                place = _place(entry.name, container, prefix)
                if not entry.isfile() or place is None:
                    continue
                try:
                    keep(*place, _pieces(archive.extractfile(entry)), _told(entry))
                    made += 1
                except Refused as refused:
                    errors.append(["/".join(place), f"{refused.status} {refused.message}"])
                    if len(errors) > MOST_FAILURES or refused.status in {401, 413}:
                        break
    except tarfile.TarError as error:
        trouble = f"Invalid Tar File: {error}"
    is_bad = errors or trouble or not made
    told: dict[str, Any] = {
        "Number Files Created": made,
        "Response Status": "400 Bad Request" if is_bad else "201 Created",
        "Response Body": trouble or ("" if made or errors else "Invalid Tar File: No Valid Files"),
        "Errors": errors,
    }
    if "json" in request.header("Accept"):
        return json_answer(told)
    text = "".join(f"{name}: {value}\n" for name, value in told.items())
    return Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())


def _place(name: str, container: str, prefix: str) -> tuple[str, str] | None:
    """Which object a file of an archive becomes."""
    words = "/".join(filter(None, (container, prefix, name.removeprefix("./").strip("/"))))
    home, _, rest = words.partition("/")
    return (home, rest) if rest else None


def _told(entry: tarfile.TarInfo) -> dict[str, str]:
    found = {
        key.removeprefix(_META).title(): value
        for key, value in entry.pax_headers.items()
        if key.startswith(_META)
    }
    kind = entry.pax_headers.get(_TYPE)
    return {**found, **({"Content-Type": kind} if kind else {})}


def _pieces(stream: Any) -> Iterator[bytes]:
    while stream is not None and (piece := stream.read(_PIECE)):
        yield piece


class _Body:
    """The body of a request as a file that can only be read on."""

    def __init__(self, request: Request) -> None:
        self._pieces = request.pieces(_PIECE)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end."""
        kept = bytearray(self._rest)
        while size < 0 or len(kept) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            kept += piece
        if size < 0:
            size = len(kept)
        self._rest = bytes(kept[size:])
        return bytes(kept[:size])
