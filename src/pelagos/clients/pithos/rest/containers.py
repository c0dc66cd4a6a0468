"""Calls of Pithos for accounts and containers, one request each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pelagos.clients.base import Reply, Success
from pelagos.clients.pithos import swift
from pelagos.clients.pithos.rest.fields import (
    Body,
    bare_key,
    content_fields,
    since_fields,
    whole_seconds,
)
from pelagos.clients.pithos.sharing import as_names
from pelagos.clients.storage.client import StorageClient


class ContainersRestClient(StorageClient):
    """Accounts and containers."""

    @property
    def _is_quoted(self) -> bool:
        return not self._is_swift

    @property
    def _is_swift(self) -> bool:
        return self.dialect == "openstack"

    @property
    def _version_key(self) -> str:
        return "version-id" if self._is_swift else "version"

    def _refuse(self, **given: Any) -> None:
        """Refuse what is given and Swift has nothing for, when this is Swift."""
        if self._is_swift:
            swift.refuse(**given)

    def _until(self, until: Any) -> int | None:
        self._refuse(until=until is not None)
        return whole_seconds(until)

    # ---- the account

    def account_head(
        self,
        until: int | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        *,
        account: str | None = None,
        success: Success = 204,
    ) -> Reply:
        """HEAD of the account, as of a time."""
        return self.head(
            f"/{self._account(account)}",
            params={"until": self._until(until)},
            headers=since_fields(if_modified_since, if_unmodified_since),
            success=success,
        )

    def account_get(
        self,
        limit: int | None = None,
        marker: str | None = None,
        format: str = "json",  # the service's word
        show_only_shared: bool = False,
        public: bool = False,
        until: int | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        *,
        account: str | None = None,
        success: Success = (200, 204),
    ) -> Reply:
        """One page of the account's containers."""
        params = {
            "limit": limit,
            "marker": marker,
            "format": format,
            "shared": bare_key(show_only_shared),
            "public": bare_key(public),
            "until": self._until(until),
        }
        headers = since_fields(if_modified_since, if_unmodified_since)
        return self.get(
            f"/{self._account(account)}", params=params, headers=headers, success=success
        )

    def account_post(
        self,
        update: bool = True,
        groups: Mapping[str, Iterable[str]] | None = None,
        metadata: Mapping[str, Any] | None = None,
        quota: int | None = None,
        versioning: str | None = None,
        *,
        account: str | None = None,
        success: Success = 202,
    ) -> Reply:
        """Change groups and metadata of the account; without `update` all others are removed."""
        self._refuse(groups=groups)
        headers = {
            **self._meta(
                "X-Account-Group-",
                {name: ",".join(as_names(who)) for name, who in (groups or {}).items()},
            ),
            **self._meta("X-Account-Meta-", metadata),
            "X-Account-Policy-Quota": quota,
            "X-Account-Policy-Versioning": versioning,
        }
        path = f"/{self._account(account)}"
        return self.post(
            path, params={"update": bare_key(update)}, headers=headers, success=success
        )

    # ---- containers

    def container_head(
        self,
        until: int | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        *,
        container: str | None = None,
        account: str | None = None,
        success: Success = 204,
    ) -> Reply:
        """HEAD of a container, as of a time."""
        return self.head(
            self.container_path(container, account),
            params={"until": self._until(until)},
            headers=since_fields(if_modified_since, if_unmodified_since),
            success=success,
        )

    def container_get(
        self,
        limit: int | None = None,
        marker: str | None = None,
        prefix: str | None = None,
        delimiter: str | None = None,
        path: str | None = None,
        format: str = "json",  # the service's word
        meta: Sequence[str] = (),
        show_only_shared: bool = False,
        public: bool = False,
        until: int | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        *,
        container: str | None = None,
        account: str | None = None,
        success: Success = 200,
    ) -> Reply:
        """One page of a container's objects."""
        params = {
            "limit": limit,
            "marker": marker,
            "format": format,
            "meta": ",".join(meta) or None,
        }
        params |= (
            {"path": path} if path is not None else {"prefix": prefix, "delimiter": delimiter}
        )
        params |= {
            "shared": bare_key(show_only_shared),
            "public": bare_key(public),
            "until": self._until(until),
        }
        headers = since_fields(if_modified_since, if_unmodified_since)
        where = self.container_path(container, account)
        return self.get(where, params=params, headers=headers, success=success)

    def container_put(
        self,
        quota: int | None = None,
        versioning: str | None = None,
        project_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
        success: Success = (201, 202),
    ) -> Reply:
        """Make a container, or give the one that there is a policy."""
        headers = self._policy(quota, versioning, project_id, metadata)
        return self.put(self.container_path(container, account), headers=headers, success=success)

    def container_post(
        self,
        update: bool = True,
        format: str = "json",  # the service's word
        quota: int | None = None,
        versioning: str | None = None,
        project_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        content_type: str | None = None,
        content_length: int | None = None,
        transfer_encoding: str | None = None,
        *,
        data: Body = None,
        container: str | None = None,
        account: str | None = None,
        success: Success = 202,
        timeout: float | None = None,
    ) -> Reply:
        """Change a container; or, with data of type application/octet-stream, store blocks."""
        headers = self._policy(quota, versioning, project_id, metadata)
        headers |= content_fields(content_type, content_length, transfer_encoding)
        return self.post(
            self.container_path(container, account),
            params={"update": bare_key(update), "format": format},
            headers=headers,
            data=data,
            success=success,
            timeout=timeout,
        )

    def container_delete(
        self,
        until: int | None = None,
        delimiter: str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
        success: Success = 204,
    ) -> Reply:
        """Remove an empty container; by `until` only history, by a delimiter only its objects."""
        params = {"until": self._until(until), "delimiter": delimiter}
        return self.delete(self.container_path(container, account), params=params, success=success)

    def _policy(
        self,
        quota: int | None,
        versioning: str | None,
        project_id: str | None,
        metadata: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        if self._is_swift:
            swift.refuse(project=project_id)
            meta = self._meta("X-Container-Meta-", metadata)
            return {**swift.policy_fields(quota, versioning), **meta}
        return {
            "X-Container-Policy-Quota": quota,
            "X-Container-Policy-Versioning": versioning,
            "X-Container-Policy-Project": project_id,
            **self._meta("X-Container-Meta-", metadata),
        }
