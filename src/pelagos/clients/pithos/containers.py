"""Accounts and containers of Pithos, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pelagos.clients.base import records
from pelagos.clients.errors import ClientError, NotFound, Unsupported
from pelagos.clients.pithos import swift
from pelagos.clients.pithos.files import FilesClient
from pelagos.clients.pithos.sharing import as_names
from pelagos.clients.storage.fields import filter_in
from pelagos.clients.storage.types import Container, SharingAccount, StoredObject


class ContainersClient(FilesClient):
    """Accounts and containers."""

    # ---- the account

    def get_account_info(
        self, until: int | None = None, *, account: str | None = None
    ) -> dict[str, str]:
        """Its header fields, as of a time."""
        return self._read(
            self.account_head(until=until, account=account, success=(200, 204)).headers
        )

    def get_account_quota(self, *, account: str | None = None) -> dict[str, str]:
        """Bytes that it may have: `{"x-account-policy-quota": …}`."""
        return filter_in(
            self.get_account_info(account=account), "X-Account-Policy-Quota", exactMatch=True
        )

    def get_account_versioning(self, *, account: str | None = None) -> dict[str, str]:
        """Its policy of versions, where the server has one for accounts."""
        return filter_in(
            self.get_account_info(account=account), "X-Account-Policy-Versioning", exactMatch=True
        )

    def get_account_meta(
        self, until: int | None = None, *, account: str | None = None
    ) -> dict[str, str]:
        """Its metadata, under the whole names of the fields."""
        return filter_in(self.get_account_info(until, account=account), "X-Account-Meta-")

    def get_account_group(self, *, account: str | None = None) -> dict[str, str]:
        """Its groups: `{"x-account-group-NAME": "user,user"}`."""
        self._refuse(groups=True)
        return filter_in(self.get_account_info(account=account), "X-Account-Group-")

    def set_account_meta(
        self, metapairs: Mapping[str, Any], *, account: str | None = None
    ) -> dict[str, str]:
        """Set metadata; what else there is stays."""
        reply = self.account_post(metadata=metapairs, account=account, success=(202, 204))
        return self._read(reply.headers)

    def del_account_meta(self, metakey: str, *, account: str | None = None) -> dict[str, str]:  # type: ignore[override]  # more than nothing
        """Remove metadata."""
        return self.set_account_meta({metakey: ""}, account=account)

    def set_account_group(
        self, group: str, usernames: Iterable[str], *, account: str | None = None
    ) -> dict[str, str]:
        """Give a group these members; a group without members is none.

        Raises:
            ClientError: the name has a sign that the server would not take.
        """
        if any(sign in group for sign in "-_,;= ") or not group:
            raise ClientError(
                f"{group!r} is no name of a group", hint="use letters and digits alone"
            )
        reply = self.account_post(groups={group: as_names(usernames)}, account=account)
        return self._read(reply.headers)

    def del_account_group(self, group: str, *, account: str | None = None) -> None:
        """Remove a group."""
        self.account_post(groups={group: []}, account=account)

    def get_sharing_accounts(
        self, limit: int | None = None, marker: str | None = None
    ) -> list[SharingAccount]:
        """The accounts that share something with this user; all, unless a limit is given."""
        self._refuse(shared=True)
        params = {"format": "json", "marker": marker}
        found = records(self, "/", None, params, limit=limit, success=(200, 204))
        return cast("list[SharingAccount]", found)

    # ---- containers

    def create_container(
        self,
        container: str | None = None,
        sizelimit: int | None = None,
        versioning: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        project_id: str | None = None,
        *,
        account: str | None = None,
    ) -> dict[str, str]:
        """Make a container; one that there is already gets the policy."""
        reply = self.container_put(
            quota=sizelimit,
            versioning=versioning,
            project_id=project_id,
            metadata=metadata,
            container=container,
            account=account,
        )
        return self._read(reply.headers)

    def purge_container(
        self, container: str | None = None, *, account: str | None = None
    ) -> dict[str, str]:
        """Remove an empty container, and the history of what was in it."""
        return self._read(self.container_delete(container=container, account=account).headers)

    def purge_versions(self, container: str | None = None, *, account: str | None = None) -> None:
        """Remove every version of every object for good, the present ones, too (Swift).

        Until then Swift keeps a container that has versions, even when it looks empty.
        """
        if not self._is_swift:
            raise Unsupported(
                "Pithos removes versions with their container", 501, hint="use purge_container"
            )
        swift.delete_versions(self, {"container": container, "account": account})

    def del_container(
        self,
        until: int | None = None,
        delimiter: str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Remove an empty container, or something of it.

        Args:
            until: seconds since 1970; removes only the history up to then, for good.
            delimiter: any; removes all objects and keeps the container.

        Raises:
            NotFound: there is none.
            Conflict: something is in it.
        """
        if self._is_swift and delimiter:
            swift.delete_all(self, "", {"container": container, "account": account})
            return {}
        reply = self.container_delete(
            until=until, delimiter=delimiter, container=container, account=account
        )
        return self._read(reply.headers)

    def get_container_info(
        self, container: str | None = None, until: int | None = None, *, account: str | None = None
    ) -> dict[str, str]:
        """Its header fields, as of a time."""
        where = self._place(container, account)[1]
        try:
            reply = self.container_head(
                until=until, container=container, account=account, success=(200, 204)
            )
        except NotFound as error:
            raise NotFound(
                f"there is no container {where!r}", error.status, error.details
            ) from error
        info = self._read(reply.headers)
        return swift.with_policy(info) if self._is_swift else info

    def get_container_versioning(
        self, container: str | None = None, *, account: str | None = None
    ) -> dict[str, str]:
        """Its policy of versions."""
        info = self.get_container_info(container, account=account)
        return filter_in(info, "X-Container-Policy-Versioning")

    def get_container_limit(
        self, container: str | None = None, *, account: str | None = None
    ) -> dict[str, str]:
        """Bytes that it may have; 0 is no limit."""
        return filter_in(
            self.get_container_info(container, account=account), "X-Container-Policy-Quota"
        )

    def get_container_meta(
        self, until: int | None = None, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Its metadata, under the whole names of the fields."""
        return filter_in(
            self.get_container_info(container, until, account=account), "X-Container-Meta-"
        )

    def get_container_object_meta(
        self, until: int | None = None, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Which keys of metadata its objects have: `{"x-container-object-meta": "Color,Size"}`."""
        return filter_in(
            self.get_container_info(container, until, account=account), "X-Container-Object-Meta"
        )

    def set_container_meta(
        self,
        metapairs: Mapping[str, Any],
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Set metadata; what else there is stays."""
        return self._change_container(container, account, metadata=metapairs)

    def del_container_meta(
        self, metakey: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Remove metadata."""
        return self._change_container(container, account, metadata={metakey: ""})

    def set_container_limit(
        self, limit: int, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Allow so many bytes; 0 is no limit."""
        return self._change_container(container, account, quota=limit)

    def set_container_versioning(
        self, versioning: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Keep former versions ("auto") or not ("none")."""
        return self._change_container(container, account, versioning=versioning)

    def reassign_container(
        self, project_id: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Charge it to another project."""
        return self._change_container(container, account, project_id=project_id)

    def _change_container(
        self, container: str | None, account: str | None, **what: Any
    ) -> dict[str, str]:
        reply = self.container_post(
            container=container, account=account, success=(202, 204), **what
        )
        return self._read(reply.headers)

    def list_containers(
        self,
        limit: int | None = None,
        marker: str | None = None,
        prefix: str | None = None,
        *,
        show_only_shared: bool = False,
        public: bool = False,
        until: int | None = None,
        account: str | None = None,
    ) -> list[Container]:
        """The account's containers; all, unless a limit is given."""
        self._refuse(shared=show_only_shared or public)
        params = {
            "format": "json",
            "marker": marker,
            "prefix": prefix,
            "shared": "" if show_only_shared else None,
            "public": "" if public else None,
            "until": self._until(until),
        }
        path = f"/{self._account(account)}"
        return cast(
            "list[Container]", records(self, path, None, params, limit=limit, success=(200, 204))
        )

    def list_objects(  # with more arguments
        self,
        limit: int | str | None = None,
        marker: str | None = None,
        prefix: str | None = None,
        format: str | None = None,  # noqa: ARG002  # old programs give it; the answer is a list
        delimiter: str | None = None,
        path: str | None = None,
        *,
        meta: Sequence[str] = (),
        show_only_shared: bool = False,
        public: bool = False,
        until: int | None = None,
        container: str | None = None,
        account: str | None = None,
    ) -> list[StoredObject]:
        """The container's objects, from all pages; more arguments than of `StorageClient`.

        Args:
            meta: those with any of these keys, `!KEY` without, `KEY=VALUE` with just that.
            until: as of a time, in seconds since 1970.
        """
        self._refuse(meta=meta, shared=show_only_shared or public)
        if isinstance(limit, str):
            container, limit = (container, int(limit)) if limit.isdigit() else (limit, None)
        params: dict[str, Any] = {
            "format": "json",
            "marker": marker,
            "meta": ",".join(meta) or None,
        }
        params |= (
            {"path": path} if path is not None else {"prefix": prefix, "delimiter": delimiter}
        )
        params |= {"shared": "" if show_only_shared else None, "public": "" if public else None}
        params |= {"until": self._until(until)}
        where = self.container_path(container, account)
        try:
            found = records(self, where, None, params, limit=limit, success=(200, 204))
        except NotFound:
            return []
        return cast("list[StoredObject]", found)
