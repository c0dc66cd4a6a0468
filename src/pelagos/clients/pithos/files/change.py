"""Files changed in place."""

from __future__ import annotations

from typing import IO

from pelagos.clients.base import Reply
from pelagos.clients.errors import ClientError, WrongAnswer
from pelagos.clients.pithos.files.down import DownClient
from pelagos.clients.pithos.files.up import BLOCKS, Place
from pelagos.clients.storage.local import Source
from pelagos.clients.storage.progress import Callback, Progress

_ROUNDS = 4
_PASSING = frozenset({0, 408, 429, 500, 502, 503, 504})


class FilesClient(DownClient):
    """What moves bytes: up, down and in place."""

    # ---- changed in place

    def append_object(
        self,
        obj: str,
        source_file: IO[bytes] | bytes,
        upload_cb: Callback | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> list[dict[str, str]]:
        """Add a file to the end of an object, block by block.

        Only one may do so at a time: the server does not keep two apart, and then loses what one
        of them has added.
        """
        place: Place = {"container": container, "account": account}
        size = self._size_of(obj, **place)
        return self._write_blocks(obj, source_file, None, size, upload_cb, place, "bytes */*")

    def overwrite_object(
        self,
        obj: str,
        start: int,
        end: int,
        source_file: IO[bytes] | bytes,
        source_version: int | str | None = None,
        upload_cb: Callback | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> list[dict[str, str]]:
        """Replace the bytes from `start` to `end`, both included, by those of a file."""
        place: Place = {"container": container, "account": account}
        size = self._size_of(obj, **place)
        if not 0 <= start <= end or start > size or end > size:
            raise ClientError(
                f"bytes {start} to {end} are not in {obj!r}, which has {size:,}", 416
            )
        length = end - start + 1
        return self._write_blocks(
            obj, source_file, length, start, upload_cb, place, version=source_version
        )

    def truncate_object(
        self,
        obj: str,
        upto_bytes: int,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Keep the first so many bytes of an object.

        Raises:
            ClientError: it has fewer (status 400).
        """
        if upto_bytes < 0:
            raise ClientError(f"an object cannot have {upto_bytes} bytes", 400)
        place: Place = {"container": container, "account": account}
        self._only_pithos("truncates objects")
        if upto_bytes == 0 and self._size_of(obj, **place) == 0:
            return self._read(self.object_head(obj, container=container, account=account).headers)
        where = self._place(container, account)[1]
        reply = self.object_post(
            obj,
            update=True,
            content_length=0,
            content_type=BLOCKS,
            content_range=f"bytes 0-{max(0, upto_bytes - 1)}/*",
            object_bytes=upto_bytes,
            source_object=f"/{where}/{obj}",
            container=container,
            account=account,
        )
        return self._read(reply.headers)

    def _size_of(self, obj: str, container: str | None, account: str | None) -> int:
        self._only_pithos("changes objects in place")
        reply = self.object_head(obj, container=container, account=account)
        return _length(reply)

    def _write_blocks(
        self,
        obj: str,
        file: IO[bytes] | bytes,
        length: int | None,
        start: int,
        upload_cb: Callback | None,
        place: Place,
        fixed: str | None = None,
        version: int | str | None = None,
    ) -> list[dict[str, str]]:
        """One request after another: the server would mix those that come at once."""
        rule = self._block_rule(place["container"], place["account"])
        if rule is None:
            raise ClientError("this service is not Pithos: it changes no object in place")
        answers = []
        with Source.of(file, length) as source:
            count = rule.count(source.size)
            progress = Progress(upload_cb, count)
            for index in range(count):
                offset, size = rule.place(index, source.size)
                first = start + offset
                span = fixed or f"bytes {first}-{first + size - 1}/*"
                answers.append(
                    self._write_block(obj, source.read(offset, size), span, first, place, version)
                )
                progress.advance()
        return answers

    def _write_block(
        self,
        obj: str,
        data: bytes,
        span: str,
        first: int,
        place: Place,
        version: int | str | None,
    ) -> dict[str, str]:
        """One block, in place; without an answer the object's length says whether it is there."""
        for attempt in range(1, _ROUNDS + 1):
            try:
                reply = self.object_post(
                    obj,
                    update=True,
                    content_type=BLOCKS,
                    content_length=len(data),
                    content_range=span,
                    source_version=version,
                    data=data,
                    timeout=self.time_for(len(data)),
                    success=(202, 204),
                    **place,
                )
            except ClientError as error:
                if error.status not in _PASSING or attempt == _ROUNDS:
                    raise
                head = self.object_head(obj, **place)
                now = _length(head)
                if span == "bytes */*" and now == first + len(data):
                    return self._read(head.headers)
                if span == "bytes */*" and now != first:
                    raise ClientError(
                        f"{obj!r} was changed by somebody else meanwhile: it has {now:,} bytes",
                        409,
                        hint="look at what it holds now; only one may append at a time",
                    ) from error
            else:
                if reply.status == 202:  # only data is answered by 204  # noqa: PLR2004
                    raise ClientError(f"the server took no data for {obj!r}")
                return self._read(reply.headers)
        raise AssertionError("the last attempt returns or raises")

    def _only_pithos(self, what: str) -> None:
        if self._is_swift:
            raise ClientError(
                f"only Pithos {what}; this cloud has Swift",
                hint="upload the whole object again",
            )


def _length(reply: Reply) -> int:
    text = reply.headers.get("content-length", "")
    if not (text.isascii() and text.isdigit()):
        raise WrongAnswer("the server does not say how long the object is", reply.status)
    return int(text)
