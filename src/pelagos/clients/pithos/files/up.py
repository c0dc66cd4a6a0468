"""Files up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import IO, Any, ClassVar, TypedDict

from pelagos.clients.base import Reply
from pelagos.clients.errors import ClientError, NotFound
from pelagos.clients.pithos import swift
from pelagos.clients.pithos.hashmap import BlockRule, HashMap, hash_names
from pelagos.clients.pithos.rest import PithosRestClient
from pelagos.clients.pithos.upload import Upload
from pelagos.clients.storage.local import Source
from pelagos.clients.storage.progress import Callback
from pelagos.core import wire
from pelagos.core.clock import Clock, SystemClock

BLOCKS = "application/octet-stream"

_CONFLICT = 409


class Place(TypedDict):
    """Where an object is."""

    container: str | None
    account: str | None


class UpClient(PithosRestClient):
    """What sends files. To Swift as `StorageClient` does it."""

    clock: ClassVar[Clock] = SystemClock()

    def _block_rule(
        self,
        container: str | None,
        account: str | None,
        cache: MutableMapping[str, Any] | None = None,
    ) -> BlockRule | None:
        """How a container cuts; None when it cuts nothing, because this is Swift."""
        if self._is_swift:
            return None
        name = self._place(container, account)[1]
        info = cache.get(name) if cache is not None else None
        if info is None:
            info = self._read(
                self.container_head(
                    container=container, account=account, success=(200, 204)
                ).headers
            )
            if cache is not None:
                cache[name] = info
        if "x-container-block-size" not in info:
            return None
        return BlockRule.of(info["x-container-block-size"], info.get("x-container-block-hash"))

    # ---- up

    def upload_object(  # type: ignore[override]  # the ancestor's order
        self,
        obj: str,
        f: IO[bytes] | bytes,
        size: int | None = None,
        hash_cb: Callback | None = None,
        upload_cb: Callback | None = None,
        etag: str | None = None,
        if_etag_match: str | None = None,
        if_not_exist: bool | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_type: str | None = None,
        sharing: Mapping[str, Iterable[str]] | None = None,
        public: bool | None = None,
        container_info_cache: MutableMapping[str, Any] | None = None,
        target_account: str | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        workers: int | None = None,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Store a file of any size, from its position on; only missing blocks are sent.

        Args:
            size: bytes; None: to the end of the file.
            hash_cb, upload_cb: progress; called with the number of blocks, advanced once to begin
                and once per block.
            if_etag_match: refuse with status 412 when the object is another one.
            if_not_exist: refuse with status 412 when there is one; two at once may both succeed.
            content_type: application/octet-stream unless told.
            sharing: as of `object_put`; None leaves it as it is.
            container_info_cache: what is remembered of containers between calls.
            target_account: whose container it goes to, when that is shared with us. The blocks go
                through our own container of the same name, which must be there.
            workers: blocks at once; MAX_THREADS unless told.

        Returns:
            the header fields of the last answer.

        Raises:
            ClientError: the object is not there, or as it was before.
        """
        place: Place = {"container": container, "account": target_account or account}
        rule = self._block_rule(**place, cache=container_info_cache)
        how: dict[str, Any] = _about(content_encoding, content_disposition, metadata) | place
        if rule is None:
            swift.refuse(sharing=sharing, public=public, condition=if_etag_match)
            how |= {"content_type": content_type, "if_not_exist": bool(if_not_exist)}
            done = super().upload_object(obj, f, size, hash_cb, upload_cb, workers=workers, **how)
            return dict(done)
        how |= {"content_type": content_type or BLOCKS, "permissions": sharing, "public": public}
        how |= _conditions(etag, if_etag_match, if_not_exist)
        with Source.of(f, size) as source:
            upload = self._upload(obj, source, rule, how, account, workers)
            return self._read(upload.run(hash_cb, upload_cb).headers)

    def _upload(
        self,
        obj: str,
        source: Source,
        rule: BlockRule,
        how: Mapping[str, Any],
        account: str | None,
        workers: int | None,
    ) -> Upload:
        """What sends the blocks of a file to our own account, then their names as `how` says."""
        container = how["container"]
        return Upload(
            source,
            rule,
            lambda hashmap: self._put_hashmap(obj, hashmap, how),
            lambda block: self._post_block(block, container, account),
            workers=workers or self.MAX_THREADS,
            clock=self.clock,
        )

    def _put_hashmap(self, obj: str, hashmap: HashMap, how: Mapping[str, Any]) -> Reply:
        return self.object_put(
            obj,
            format="json",
            hashmap=True,
            json=hashmap.body(),
            success=(201, _CONFLICT),
            timeout=self.time_for(100 * len(hashmap.hashes)),
            **how,
        )

    def _post_block(self, block: bytes, container: str | None, account: str | None) -> Reply:
        try:
            return self.container_post(
                update=True,
                format="json",
                content_type=BLOCKS,
                content_length=len(block),
                data=block,
                container=container,
                account=account,
                success=202,
                timeout=self.time_for(len(block)),
            )
        except NotFound as error:
            name = self._place(container, account)[1]
            raise NotFound(
                f"blocks go through a container {name!r} of your own, and there is none",
                error.status,
                hint="make one: it may stay empty",
            ) from error

    def upload_from_string(self, obj: str, input_str: str | bytes, **how: Any) -> dict[str, str]:
        """Store text or bytes; what else may be said is as of `upload_object`."""
        data = input_str.encode() if isinstance(input_str, str) else input_str
        return self.upload_object(obj, data, **how)

    def upload_object_unchunked(  # the ancestor's order
        self,
        obj: str,
        f: IO[bytes] | bytes,
        withHashFile: bool = False,  # the ancestor's name
        size: int | None = None,
        etag: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_type: str | None = None,
        sharing: Mapping[str, Iterable[str]] | None = None,
        public: bool | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Store a file in one request.

        Args:
            withHashFile: the file holds a hash map as JSON, whose blocks the server has.
            etag: MD5 of the bytes; the server refuses others with status 422.
        """
        about: dict[str, Any] = {
            "content_encoding": content_encoding,
            "content_disposition": content_disposition,
            "content_type": content_type or BLOCKS,
            "permissions": sharing,
            "public": public,
            "container": container,
            "account": account,
        }
        with Source.of(f, size) as source:
            if withHashFile:
                body = _hash_file(source.read(0, source.size))
                return self._read(self.object_put(obj, hashmap=True, json=body, **about).headers)
            reply = self.object_put(
                obj,
                format=None,
                etag=etag,
                content_length=source.size,
                data=source.file() if source.size else b"",
                timeout=self.time_for(source.size),
                **about,
            )
            return self._read(reply.headers)

    def create_object_by_manifestation(  # the ancestor's order
        self,
        obj: str,
        etag: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_type: str | None = None,
        sharing: Mapping[str, Iterable[str]] | None = None,
        public: bool | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Make an object whose content is that of all whose names begin with `obj/`, in order."""
        where = self._place(container, account)[1]
        reply = self.object_put(
            obj,
            format=None,
            content_length=0,
            etag=etag,
            content_encoding=content_encoding,
            content_disposition=content_disposition,
            content_type=content_type or BLOCKS,
            manifest=f"{where}/{obj}/",
            permissions=sharing,
            public=public,
            container=container,
            account=account,
        )
        return self._read(reply.headers)


def _about(
    encoding: str | None, disposition: str | None, metadata: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "content_encoding": encoding,
        "content_disposition": disposition,
        "metadata": metadata,
    }


def _conditions(
    etag: str | None, match: str | None, not_exist: bool | None
) -> dict[str, str | None]:
    return {
        "if_etag_match": match,
        "if_etag_not_match": "*" if not_exist else None,
        "etag": etag,
    }


def _hash_file(data: bytes) -> dict[str, Any]:
    try:
        body = wire.decode(data)
    except wire.WireError as error:
        raise ClientError(f"the file holds no hash map: {error}") from error
    if (
        not isinstance(body, dict)
        or not isinstance(body.get("hashes"), list)
        or "bytes" not in body
    ):
        raise ClientError("the file holds no hash map: `bytes` and `hashes` are needed")
    return {"bytes": body["bytes"], "hashes": hash_names(body["hashes"])}
