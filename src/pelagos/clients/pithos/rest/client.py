"""Calls of Pithos for objects, one request each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from pelagos.clients.base import Reply, Success
from pelagos.clients.pithos.rest.containers import ContainersRestClient
from pelagos.clients.pithos.rest.fields import (
    Body,
    bare_key,
    content_fields,
    match_fields,
    place_field,
    since_fields,
)
from pelagos.clients.pithos.sharing import sharing_field


class PithosRestClient(ContainersRestClient):
    """Pithos, call by call. Each takes `container`, `account` and `success`, too.

    Arguments that are None are not sent: what they would change stays as it is.
    """

    # ---- objects

    def object_head(
        self,
        obj: str,
        version: int | str | None = None,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        *,
        container: str | None = None,
        account: str | None = None,
        success: Success = 200,
    ) -> Reply:
        """HEAD of an object or of a version of it."""
        headers = match_fields(if_etag_match, if_etag_not_match) | since_fields(
            if_modified_since, if_unmodified_since
        )
        path = self.object_path(obj, container, account)
        params = {self._version_key: version}
        return self.head(path, params=params, headers=headers, success=success)

    def object_get(
        self,
        obj: str,
        format: str | None = "json",  # the service's word
        hashmap: bool = False,
        version: int | str | None = None,
        data_range: str | None = None,
        if_range: str | None = None,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        *,
        container: str | None = None,
        account: str | None = None,
        success: Success = 200,
        stream: bool = False,
        timeout: float | None = None,
    ) -> Reply:
        """GET of an object: its bytes, a range of them, its hash map or its versions ("list")."""
        headers = match_fields(if_etag_match, if_etag_not_match) | since_fields(
            if_modified_since, if_unmodified_since
        )
        headers |= {"Range": data_range, "If-Range": if_range or None}
        if not hashmap and version != "list":
            headers["Accept-Encoding"] = "identity"  # the bytes as they are stored
        params = {"format": format, "hashmap": bare_key(hashmap), self._version_key: version}
        path = self.object_path(obj, container, account)
        return self.get(
            path, params=params, headers=headers, success=success, stream=stream, timeout=timeout
        )

    def object_put(
        self,
        obj: str,
        format: str | None = "json",  # the service's word
        hashmap: bool = False,
        delimiter: str | None = None,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        etag: str | None = None,
        content_length: int | None = None,
        content_type: str | None = None,
        transfer_encoding: str | None = None,
        copy_from: str | None = None,
        move_from: str | None = None,
        source_account: str | None = None,
        source_version: int | str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        manifest: str | None = None,
        permissions: Mapping[str, Iterable[str]] | None = None,
        public: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        data: Body = None,
        json: Any = None,
        container: str | None = None,
        account: str | None = None,
        success: Success = 201,
        timeout: float | None = None,
    ) -> Reply:
        """Make an object: of bytes, of a hash map, or of another object, as a copy or moved."""
        headers = match_fields(if_etag_match, if_etag_not_match)
        headers |= content_fields(content_type, content_length, transfer_encoding)
        headers |= {
            "ETag": etag,
            "X-Copy-From": place_field(copy_from),
            "X-Move-From": place_field(move_from),
            "X-Source-Account": source_account,
            "X-Source-Version": source_version,
            "X-Object-Manifest": quote(manifest) if manifest else manifest,
        }
        headers |= self._about(
            content_encoding, content_disposition, permissions, public, metadata
        )
        return self.put(
            self.object_path(obj, container, account),
            params={"format": format, "hashmap": bare_key(hashmap), "delimiter": delimiter},
            headers=headers,
            data=b"" if data is None and json is None else data,
            json=json,
            success=success,
            timeout=timeout,
        )

    def object_copy(
        self, obj: str, destination: str, *, success: Success = 201, **what: Any
    ) -> Reply:
        """COPY an object to `/CONTAINER/OBJECT`; what else may be said: see `_transplanted`."""
        path, how = self._transplanted(obj, destination, **what)
        return self.copy(path, success=success, **how)

    def object_move(
        self, object: str, destination: str, *, success: Success = 201, **what: Any
    ) -> Reply:  # the ancestor's name
        """MOVE an object to `/CONTAINER/OBJECT`; what else may be said: see `_transplanted`."""
        path, how = self._transplanted(object, destination, **what)
        return self.move(path, success=success, **how)

    def _transplanted(
        self,
        obj: str,
        destination: str,
        *,
        format: str | None = "json",  # the service's word
        ignore_content_type: bool = False,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        destination_account: str | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        source_version: int | str | None = None,
        permissions: Mapping[str, Iterable[str]] | None = None,
        public: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        container: str | None = None,
        account: str | None = None,
    ) -> tuple[str, dict[str, Any]]:
        headers = match_fields(if_etag_match, if_etag_not_match) | content_fields(
            content_type, None, None
        )
        headers |= {
            "Destination": place_field(destination),
            "Destination-Account": destination_account,
            "X-Source-Version": source_version,
        }
        headers |= self._about(
            content_encoding, content_disposition, permissions, public, metadata
        )
        params = {"format": format, "ignore_content_type": bare_key(ignore_content_type)}
        return self.object_path(obj, container, account), {"params": params, "headers": headers}

    def object_post(
        self,
        obj: str,
        format: str | None = "json",  # the service's word
        update: bool = True,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        content_length: int | None = None,
        content_type: str | None = None,
        content_range: str | None = None,
        transfer_encoding: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        source_object: str | None = None,
        source_account: str | None = None,
        source_version: int | str | None = None,
        object_bytes: int | None = None,
        manifest: str | None = None,
        permissions: Mapping[str, Iterable[str]] | None = None,
        public: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        data: Body = None,
        container: str | None = None,
        account: str | None = None,
        success: Success = (202, 204),
        timeout: float | None = None,
    ) -> Reply:
        """Change an object's metadata; or, with data or a source, a part of its bytes."""
        headers = match_fields(if_etag_match, if_etag_not_match)
        headers |= content_fields(content_type, content_length, transfer_encoding)
        headers |= {
            "Content-Range": content_range,
            "X-Source-Object": place_field(source_object),
            "X-Source-Account": source_account,
            "X-Source-Version": source_version,
            "X-Object-Bytes": object_bytes,
            "X-Object-Manifest": quote(manifest) if manifest else manifest,
        }
        headers |= self._about(
            content_encoding, content_disposition, permissions, public, metadata
        )
        return self.post(
            self.object_path(obj, container, account),
            params={"format": format, "update": bare_key(update)},
            headers=headers,
            data=b"" if data is None else data,
            success=success,
            timeout=timeout,
        )

    def object_delete(
        self,
        object: str,  # the ancestor's name
        until: int | None = None,
        delimiter: str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
        success: Success = 204,
    ) -> Reply:
        """Remove an object; with `until` for good, and its versions up to that time with it."""
        params = {"until": self._until(until), "delimiter": delimiter}
        return self.delete(
            self.object_path(object, container, account), params=params, success=success
        )

    def _about(
        self,
        encoding: str | None,
        disposition: str | None,
        permissions: Mapping[str, Iterable[str]] | None,
        public: bool | None,
        metadata: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        self._refuse(sharing=permissions, public=public is not None)
        return {
            "Content-Encoding": encoding,
            "Content-Disposition": disposition,
            "X-Object-Sharing": sharing_field(permissions),
            "X-Object-Public": None if public is None else "true" if public else "false",
            **self._meta("X-Object-Meta-", metadata),
        }
