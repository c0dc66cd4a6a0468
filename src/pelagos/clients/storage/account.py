"""Accounts and containers, as Swift speaks of them, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from pelagos.clients.base import Client, records
from pelagos.clients.errors import ClientError, NotFound
from pelagos.clients.storage.fields import as_written, filter_in, metadata
from pelagos.clients.storage.temporary import signed
from pelagos.clients.storage.types import Container, StoredObject

_WITH_ACCOUNT = re.compile(r"(?P<endpoint>.*/v\d+(\.\d+)*)/(?P<account>[^/]+)\Z")


class AccountClient(Client):
    """An account and its containers.

    Args:
        endpoint_url: of the service; the account may be in it, as catalogues of OpenStack say it.
        token: sent as X-Auth-Token.
        account: whose; without, the one in the address.
        container: where a call names none.
        more: as `Client` takes it.

    Attributes:
        account, container: of calls that name none. No method changes them.
    """

    service_type: ClassVar[str] = "object-store"
    DEFAULT_API_VERSION: ClassVar[str] = "1"

    def __init__(
        self,
        endpoint_url: str | None = None,
        token: str | None = None,
        account: str | None = None,
        container: str | None = None,
        *,
        base_url: str | None = None,
        **more: Any,
    ) -> None:
        url, own = _split_account((endpoint_url or base_url or "").rstrip("/"))
        super().__init__(url, token, **more)
        self.account = own if own and (not account or own.endswith(account)) else account
        self.container = container

    # ---- where things are

    def _account(self, account: str | None = None) -> str:
        found = account or self.account
        if not found:
            raise ClientError(
                "no account is named", hint="give account= to the client or to the call"
            )
        return found

    def _place(self, container: str | None = None, account: str | None = None) -> tuple[str, str]:
        found = container or self.container
        if not found:
            raise ClientError(
                "no container is named", hint="give container= to the client or to the call"
            )
        if "/" in found:
            raise ClientError(f"{found!r} is no name of a container: it has a slash")
        return self._account(account), found

    def container_path(self, container: str | None = None, account: str | None = None) -> str:
        """Where a container is, below the endpoint."""
        return "/{}/{}".format(*self._place(container, account))

    def object_path(
        self, obj: str, container: str | None = None, account: str | None = None
    ) -> str:
        """Where an object is, below the endpoint."""
        if not obj:
            raise ClientError("no object is named")
        return f"{self.container_path(container, account)}/{obj}"

    @property
    def _is_quoted(self) -> bool:
        """Whether the service wants text of people percent-encoded."""
        return self.dialect == "synnefo"

    def _read(self, headers: Mapping[str, str]) -> dict[str, str]:
        return as_written(headers, is_quoted=self._is_quoted)

    def _meta(self, prefix: str, pairs: Mapping[str, Any] | None) -> dict[str, str]:
        return metadata(prefix, pairs, is_quoted=self._is_quoted)

    def time_for(self, size: int) -> float:
        """Seconds that a request with so many bytes may take: a slow line is no failure."""
        return self.timeout + size / 50_000

    # ---- the account

    def get_account_info(self, *, account: str | None = None) -> dict[str, str]:
        """Its header fields: counts, bytes, quota, metadata."""
        return self._read(self.head(f"/{self._account(account)}", success=(200, 204)).headers)

    def replace_account_meta(
        self, metapairs: Mapping[str, Any], *, account: str | None = None
    ) -> None:
        """Set metadata; what else there is stays."""
        self._post_account(self._meta("X-Account-Meta-", metapairs), account)

    def del_account_meta(self, metakey: str, *, account: str | None = None) -> None:
        """Remove metadata.

        Raises:
            NotFound: the account has no such metadata.
        """
        if not filter_in(
            self.get_account_info(account=account), f"x-account-meta-{metakey}", exactMatch=True
        ):
            raise NotFound(f"the account has no metadata {metakey!r}", 404)
        self._post_account(self._meta("X-Account-Meta-", {metakey: ""}), account)

    def _post_account(self, headers: Mapping[str, str], account: str | None) -> None:
        self.post(
            f"/{self._account(account)}",
            params={"update": ""},
            headers=headers,
            success=(202, 204),
        )

    # ---- containers

    def create_container(self, container: str | None = None, *, account: str | None = None) -> Any:
        """Make a container.

        Raises:
            ClientError: there is one of that name already (status 202).
        """
        path = self.container_path(container, account)
        reply = self.put(path, success=(201, 202))
        if reply.status == 202:  # noqa: PLR2004
            raise ClientError(f"the container {path.rpartition('/')[2]!r} exists already", 202)
        return self._read(reply.headers)

    def get_container_info(
        self, container: str | None = None, *, account: str | None = None
    ) -> dict[str, str]:
        """Its header fields."""
        path = self.container_path(container, account)
        return self._read(self.head(path, success=(200, 204)).headers)

    def delete_container(
        self, container: str | None = None, *, account: str | None = None
    ) -> None:
        """Remove an empty container.

        Raises:
            NotFound: there is none.
            Conflict: something is in it.
        """
        self.delete(self.container_path(container, account), success=204)

    def list_containers(
        self,
        limit: int | None = None,
        marker: str | None = None,
        prefix: str | None = None,
        *,
        account: str | None = None,
    ) -> list[Container]:
        """The account's containers; all, unless a limit is given."""
        params = {"format": "json", "marker": marker, "prefix": prefix}
        path = f"/{self._account(account)}"
        return cast(
            "list[Container]", records(self, path, None, params, limit=limit, success=(200, 204))
        )

    def temp_url(  # what a signature covers
        self,
        obj: str,
        key: str,
        expires: int,
        *,
        method: str = "GET",
        filename: str | None = None,
        is_prefix: bool = False,
        container: str | None = None,
        account: str | None = None,
    ) -> str:
        """An address that needs no token, until a time; nothing is sent. Swift alone has them.

        Args:
            key: of the account or the container: their metadata `Temp-URL-Key`.
            expires: seconds since 1970.
            method: for which requests; GET allows HEAD, too.
            filename: under which browsers keep it.
            is_prefix: for all objects whose names begin with `obj`.
        """
        url = self.endpoint_url + self.container_path(container, account)
        return signed(
            url, obj, key, expires, method=method, filename=filename, is_prefix=is_prefix
        )

    # ---- objects: what is in a container

    def list_objects(  # the service's own choices
        self,
        limit: int | str | None = None,
        marker: str | None = None,
        prefix: str | None = None,
        format: str | None = None,  # noqa: ARG002  # old programs give it; the answer is a list
        delimiter: str | None = None,
        path: str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> list[StoredObject]:
        """The container's objects, from all pages; all, unless a limit is given.

        Args:
            limit: how many at the most; the name of a container will do, too.
            marker: begin behind this name.
            path: of a folder, whose objects alone are listed; prefix and delimiter are then left.

        Returns:
            the objects, and with a delimiter folders as `{"subdir": "a/"}`; none of a container
            that is not there.
        """
        if isinstance(limit, str):
            container, limit = (container, int(limit)) if limit.isdigit() else (limit, None)
        params: dict[str, Any] = {"format": "json", "marker": marker}
        params |= (
            {"path": path} if path is not None else {"prefix": prefix, "delimiter": delimiter}
        )
        where = self.container_path(container, account)
        try:
            found = records(self, where, None, params, limit=limit, success=(200, 204))
        except NotFound:
            return []
        return cast("list[StoredObject]", found)

    def list_objects_in_path(
        self, path_prefix: str, *, container: str | None = None, account: str | None = None
    ) -> list[StoredObject]:
        """The objects of a folder alone."""
        return self.list_objects(path=path_prefix, container=container, account=account)

    def set_container_acl(
        self,
        read: str | None = None,
        write: str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> None:
        """Say who may read and write a whole container, in Swift's words; "" removes, None leaves.

        `.r:*,.rlistings` is everybody; `PROJECT:USER`, `PROJECT:*` are those.
        """
        headers = {"X-Container-Read": read, "X-Container-Write": write}
        self.post(self.container_path(container, account), headers=headers, success=(202, 204))


def _split_account(url: str) -> tuple[str, str | None]:
    """A service's address, and the account that was in it."""
    if match := _WITH_ACCOUNT.match(urlsplit(url).path):
        return url[: len(url) - len(match["account"]) - 1], match["account"]
    return url, None
