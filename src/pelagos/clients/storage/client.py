"""Object storage as Swift speaks it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import IO, Any
from urllib.parse import quote

from pelagos.clients.errors import ClientError
from pelagos.clients.storage import large
from pelagos.clients.storage.account import AccountClient
from pelagos.clients.storage.download import Download, Journal
from pelagos.clients.storage.local import Sink, Source
from pelagos.clients.storage.progress import Callback

_REMEMBERED = 60.0


class StorageClient(AccountClient):
    """An account's containers and objects; arguments as of `AccountClient`.

    Every method takes `container` and `account` as keywords and changes neither of the client's.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._segmented: dict[tuple[str, str], tuple[bool, float]] = {}

    # ---- objects: one

    def upload_object(  # what an object may have
        self,
        obj: str,
        f: IO[bytes] | bytes,
        size: int | None = None,
        hash_cb: Callback | None = None,
        upload_cb: Callback | None = None,
        *,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        if_not_exist: bool = False,
        metadata: Mapping[str, Any] | None = None,
        workers: int | None = None,
        whole_limit: int = large.WHOLE_LIMIT,
        segment_size: int = large.SEGMENT_SIZE,
        container: str | None = None,
        account: str | None = None,
    ) -> Any:
        """Store a file of any size, from its position on.

        What is larger than `whole_limit` goes in segments, of which those that are there already
        are not sent again.

        Args:
            size: bytes; None: to the end of the file.
            hash_cb, upload_cb: progress; called with the number of units, advanced once to begin
                and once per unit.
            if_not_exist: refuse with status 412 when there is an object of that name.
            workers: segments at once; MAX_THREADS unless told.

        Returns:
            the header fields of the answer.
        """
        found_account, found_container = self._place(container, account)
        headers = {
            "Content-Type": content_type or "application/octet-stream",
            "Content-Encoding": content_encoding,
            "Content-Disposition": content_disposition,
            "If-None-Match": "*" if if_not_exist else None,
            **self._meta("X-Object-Meta-", metadata),
        }
        self.object_path(obj, container, account)
        target = large.Target(found_account, found_container, obj, headers)
        with Source.of(f, size) as source:
            answer = large.upload(
                self,
                target,
                source,
                workers=workers or self.MAX_THREADS,
                whole_limit=whole_limit,
                segment_size=segment_size,
                hash_cb=hash_cb,
                upload_cb=upload_cb,
            )
        if source.size > whole_limit:
            self._segmented.pop((found_account, found_container), None)
        return self._read(answer)

    def download_object(  # the ancestor's order of what a caller may choose
        self,
        obj: str,
        dst: IO[bytes],
        download_cb: Callback | None = None,
        version: str | None = None,
        resume: bool = False,
        range_str: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: str | None = None,
        if_unmodified_since: str | None = None,
        *,
        workers: int | None = None,
        journal: Journal | None = None,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Write an object to a file, from its position on.

        Args:
            version: an older one.
            resume: keep what is in the file (open it as "rb+") as far as it is the same.
            range_str: parts: `A-B`, `A-`, `-N`, `N` (from 0 to N), with commas between. In a file
                with positions each is written to its own, into others one behind the other.

        Returns:
            the object's header fields; none when a condition did not hold and nothing was done.
        """
        conditions = {
            "If-Match": if_match,
            "If-None-Match": if_none_match,
            "If-Modified-Since": if_modified_since,
            "If-Unmodified-Since": if_unmodified_since,
        }
        download = Download(
            self,
            self.object_path(obj, container, account),
            params={self._version_key: version},
            headers=conditions,
            workers=workers or self.MAX_THREADS,
        )
        return self._read(
            download.run(
                Sink(dst),
                range_str=range_str,
                resume=resume,
                callback=download_cb,
                journal=journal,
            )
        )

    @property
    def _version_key(self) -> str:
        return "version-id"

    def get_object(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> tuple[Iterator[bytes], int]:
        """An object's bytes in pieces, which must be read to their end, and how many there are."""
        reply = self.get(self.object_path(obj, container, account), stream=True)
        return reply.iter_bytes(), int(reply.headers.get("content-length") or 0)

    def create_object(
        self,
        obj: str,
        content_type: str = "application/octet-stream",
        content_length: int = 0,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Make an object of zeros; without bytes unless told."""
        headers = {"Content-Type": content_type}
        path = self.object_path(obj, container, account)
        return self._read(
            self.put(path, data=bytes(content_length), headers=headers, success=201).headers
        )

    def create_directory(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Make the mark of a folder: an object of that type, without bytes."""
        return self.create_object(
            obj, "application/directory", container=container, account=account
        )

    def get_object_info(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Its header fields."""
        return self._read(
            self.head(self.object_path(obj, container, account), success=(200, 204)).headers
        )

    def get_object_meta(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Its metadata by their keys, in lower case."""
        found = self.get_object_info(obj, container=container, account=account)
        begin = "x-object-meta-"
        return {
            name.removeprefix(begin): value
            for name, value in found.items()
            if name.startswith(begin)
        }

    def del_object_meta(
        self, obj: str, metakey: str, *, container: str | None = None, account: str | None = None
    ) -> None:
        """Remove metadata; what else there is stays."""
        found = self.get_object_meta(obj, container=container, account=account)
        found.pop(metakey.lower(), None)
        self._post_object(obj, found, container, account)

    def replace_object_meta(
        self,
        metapairs: Mapping[str, Any],
        obj: str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> None:
        """Give an object these metadata and no others."""
        if obj is None:
            raise ClientError("no object is named", hint="give it as obj=")
        self._post_object(obj, metapairs, container, account)

    def _post_object(
        self, obj: str, pairs: Mapping[str, Any], container: str | None, account: str | None
    ) -> None:
        path = self.object_path(obj, container, account)
        headers: dict[str, Any] = self._meta("X-Object-Meta-", pairs)
        if not self._is_quoted:  # Swift forgets these, too, when they are not said again
            found = self.head(path, success=(200, 204)).headers
            kept = ("content-encoding", "content-disposition", "x-delete-at")
            headers |= {name.title(): found[name] for name in kept if found.get(name)}
        self.post(path, headers=headers, data=b"", success=202)

    def copy_object(
        self,
        src_container: str,
        src_object: str,
        dst_container: str,
        dst_object: str | None = None,
        *,
        content_type: str | None = None,
        account: str | None = None,
    ) -> Any:
        """Copy on the server; with another content type when one is told."""
        target = dst_object or src_object
        path = self.object_path(target, dst_container, account)
        kind = {"content-type": content_type} if content_type else {}
        if (src_container, src_object) != (dst_container, target):
            source = self._target(src_object, src_container, account)
            there = self._target(target, dst_container, account, kind)
            copied = large.copy(self, source, there)
            if copied is not None:
                return self._read(copied)
        headers = {"X-Copy-From": _source(src_container, src_object), **kind}
        return self._read(self.put(path, headers=headers, data=b"", success=201).headers)

    def move_object(
        self,
        src_container: str,
        src_object: str,
        dst_container: str,
        dst_object: str | None = None,
        *,
        content_type: str | None = None,
        account: str | None = None,
    ) -> Any:
        """Move on the server: a copy, and the former one is removed when that is there."""
        target = dst_object or src_object
        is_same = (src_container, src_object) == (dst_container, target)
        if is_same and not content_type:
            return self.get_object_info(src_object, container=src_container, account=account)
        found = StorageClient.copy_object(
            self,
            src_container,
            src_object,
            dst_container,
            target,
            content_type=content_type,
            account=account,
        )
        if is_same:
            return found
        StorageClient.delete_object(self, src_object, container=src_container, account=account)
        return found

    def _target(
        self,
        obj: str,
        container: str | None,
        account: str | None,
        headers: Mapping[str, Any] | None = None,
    ) -> large.Target:
        found_account, found_container = self._place(container, account)
        return large.Target(found_account, found_container, obj, headers or {})

    def delete_object(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> None:
        """Remove an object, and the segments that `upload_object` made for it.

        Raises:
            NotFound: there is none.
        """
        target = self._target(obj, container, account)
        former = large.former_segments(self, target)
        self.delete(self.object_path(obj, container, account), success=204)
        large.forget(self, target, former)

    def has_segments(self, account: str, container: str) -> bool:
        """Whether large objects of a container may have segments; asked once a minute at most."""
        key = (account, container)
        found, since = self._segmented.get(key, (False, -_REMEMBERED))
        if not found and time.monotonic() - since >= _REMEMBERED:
            reply = self.head(f"/{account}/{container}_segments", success=(200, 204, 403, 404))
            found = reply.status in {200, 204}
            self._segmented[key] = (found, time.monotonic())
        return found


def _source(container: str, obj: str) -> str:
    """What is copied, as a header field says it."""
    return "/" + quote(f"{container.strip('/')}/{obj}", safe="/")
