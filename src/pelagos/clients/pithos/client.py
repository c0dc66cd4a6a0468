"""Pithos as programs use it: accounts, containers, sharing, versions; files in `files`."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from pelagos.clients.errors import ClientError, NotFound, WrongAnswer
from pelagos.clients.pithos import swift
from pelagos.clients.pithos.containers import ContainersClient
from pelagos.clients.pithos.files.up import Place
from pelagos.clients.pithos.sharing import as_names, parse_sharing
from pelagos.clients.storage.fields import filter_in


class PithosClient(ContainersClient):
    """An account of Pithos; on Swift what Swift can do.

    Every method takes `container` and `account` as keywords and changes neither of the client's.
    """

    # ---- objects

    def create_directory(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Make the mark of a folder."""
        reply = self.object_put(
            obj,
            format=None,
            content_length=0,
            content_type="application/directory",
            container=container,
            account=account,
        )
        return self._read(reply.headers)

    def del_object(
        self,
        obj: str,
        until: int | None = None,
        delimiter: str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Remove an object; its versions stay.

        Args:
            until: seconds since 1970; removes for good every version up to then, the present one
                among them when it is as old. `purge_object` leaves that one.
            delimiter: "/" removes what is below `obj/`, too; there must be an object `obj`.
        """
        if self._is_swift:
            self._refuse(until=until is not None)
            place: Place = {"container": container, "account": account}
            super().delete_object(obj, **place)
            if delimiter:
                swift.delete_all(self, f"{obj}{delimiter}", place)
            return {}
        reply = self.object_delete(
            obj, until=until, delimiter=delimiter, container=container, account=account
        )
        return self._read(reply.headers)

    def purge_object(
        self,
        obj: str,
        *,
        until: int | None = None,
        container: str | None = None,
        account: str | None = None,
    ) -> None:
        """Remove the former versions of an object for good, and leave the present one.

        Versions that were made within a second before it stay, too: the server counts in seconds.

        Args:
            until: seconds since 1970; only versions that were made up to then.
        """
        self._refuse(until=True)
        info = self.get_object_info(obj, container=container, account=account)
        now = info.get("x-object-version")
        versions = self.get_object_versionlist(obj, container=container, account=account)
        made = next((float(when) for number, when in versions if str(number) == now), None)
        if made is None:
            raise ClientError(f"{obj!r} changed meanwhile", hint="try again")
        last = math.ceil(made) - 1
        last = last if until is None else min(last, until)
        self.object_delete(obj, until=last, container=container, account=account)

    def delete_object(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> None:
        """Remove an object."""
        self.del_object(obj, container=container, account=account)

    def set_object_meta(
        self,
        obj: str,
        metapairs: Mapping[str, Any],
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Set metadata; what else there is stays."""
        if self._is_swift:
            return swift.merge_meta(
                self, obj, metapairs, {"container": container, "account": account}
            )
        reply = self.object_post(
            obj, update=True, metadata=metapairs, container=container, account=account
        )
        return self._read(reply.headers)

    def del_object_meta(  # type: ignore[override]  # more than nothing
        self, obj: str, metakey: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Remove metadata."""
        return self.set_object_meta(obj, {metakey: ""}, container=container, account=account)

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
        if self._is_swift:
            super().replace_object_meta(metapairs, obj, container=container, account=account)
            return
        self.object_post(
            obj, update=False, metadata=metapairs, container=container, account=account
        )

    def get_object_info(
        self,
        obj: str,
        version: int | str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Its header fields, or those of a version."""
        try:
            reply = self.object_head(obj, version=version, container=container, account=account)
        except NotFound as error:
            where = self._place(container, account)[1]
            what = f"version {version} of {obj!r}" if version is not None else f"object {obj!r}"
            raise NotFound(
                f"there is no {what} in {where!r}", error.status, error.details
            ) from error
        return self._read(reply.headers)

    def get_object_meta(
        self,
        obj: str,
        version: int | str | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Its metadata, under the whole names of the fields."""
        info = self.get_object_info(obj, version, container=container, account=account)
        return filter_in(info, "X-Object-Meta-")

    def get_object_versionlist(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> list[Any]:
        """Its versions, oldest first: `[[number, time as text], …]`; of a removed one, too."""
        if self._is_swift:
            return swift.versions(self, obj, {"container": container, "account": account})
        reply = self.object_get(obj, version="list", container=container, account=account)
        found = reply.member("versions")
        if not isinstance(found, list) or not all(_is_version(one) for one in found):
            raise WrongAnswer("the server did not answer with a list of versions", reply.status)
        return found

    def restore_object(
        self,
        obj: str,
        version: int | str,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> None:
        """Make a former version the present one again; the present one becomes a former one."""
        if self._is_swift:
            swift.restore(self, obj, version, {"container": container, "account": account})
            return
        where = self._place(container, account)[1]
        self.copy_object(where, obj, where, obj, source_version=version, account=account)

    # ---- sharing and publishing

    def get_object_sharing(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Who may read and write: `{"read": "u1,u2", "write": …}`, as far as anybody may."""
        self._refuse(sharing=True)
        info = self.get_object_info(obj, container=container, account=account)
        return parse_sharing(info.get("x-object-sharing"))

    def set_object_sharing(
        self,
        obj: str,
        read_permission: Iterable[str] | str | bool | None = None,
        write_permission: Iterable[str] | str | bool | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
        **older: Any,
    ) -> dict[str, str]:
        """Say who may read and write.

        Args:
            read_permission, write_permission: users, `ACCOUNT:GROUP` or `*`. What is not given
                (or is None or False) stays as it is; an empty list takes it from all.

        The server takes any text as a user, so that a name that nobody has shares with nobody.
        """
        read = older.pop("read_permition", read_permission)
        write = older.pop("write_permition", write_permission)
        if older:
            raise TypeError(f"set_object_sharing() has no argument {min(older)!r}")
        told = {
            right: names
            for right, names in (("read", read), ("write", write))
            if not _is_untold(names)
        }
        if len(told) < 2:  # both  # noqa: PLR2004
            told = {**self.get_object_sharing(obj, container=container, account=account), **told}
        rights = {right: as_names(cast("Any", names)) for right, names in told.items()}
        reply = self.object_post(
            obj, update=True, permissions=rights, container=container, account=account
        )
        return self._read(reply.headers)

    def del_object_sharing(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """Share with nobody any more."""
        return self.set_object_sharing(obj, [], [], container=container, account=account)

    def publish_object(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> str | None:
        """Let everybody read it who knows its URL.

        Returns:
            the URL; None for one who is not the owner.
        """
        self.object_post(obj, update=True, public=True, container=container, account=account)
        info = self.get_object_info(obj, container=container, account=account)
        return info.get("x-object-public")

    def unpublish_object(
        self, obj: str, *, container: str | None = None, account: str | None = None
    ) -> dict[str, str]:
        """End that."""
        reply = self.object_post(
            obj, update=True, public=False, container=container, account=account
        )
        return self._read(reply.headers)

    # ---- copying and moving

    def copy_object(
        self,
        src_container: str,
        src_object: str,
        dst_container: str,
        dst_object: str | None = None,
        source_version: int | str | None = None,
        source_account: str | None = None,
        public: bool | None = None,
        content_type: str | None = None,
        delimiter: str | None = None,
        *,
        account: str | None = None,
    ) -> dict[str, str]:
        """Copy on the server; also an older version, or from somebody else.

        Args:
            content_type: another one; None keeps it.
            delimiter: "/" copies what is below `src_object/`, too.
        """
        if self._is_swift:
            self._refuse(source=source_version or source_account or delimiter, public=public)
            found = super().copy_object(
                src_container,
                src_object,
                dst_container,
                dst_object,
                content_type=content_type,
                account=account,
            )
            return dict(found)
        return self._put_from(
            dst_object or src_object,
            copy_from=f"/{src_container}/{src_object}",
            source_version=source_version,
            source_account=source_account,
            public=public or None,
            content_type=content_type,
            delimiter=delimiter,
            container=dst_container,
            account=account,
        )

    def move_object(
        self,
        src_container: str,
        src_object: str,
        dst_container: str,
        dst_object: str | None = None,
        source_account: str | None = None,
        source_version: int | str | None = None,
        public: bool | None = None,
        content_type: str | None = None,
        delimiter: str | None = None,
        *,
        account: str | None = None,
    ) -> dict[str, str]:
        """Move on the server; arguments as of `copy_object`, in the ancestor's other order."""
        if self._is_swift:
            self._refuse(source=source_version or source_account or delimiter, public=public)
            found = super().move_object(
                src_container,
                src_object,
                dst_container,
                dst_object,
                content_type=content_type,
                account=account,
            )
            return dict(found)
        return self._put_from(
            dst_object or src_object,
            move_from=f"/{src_container}/{src_object}",
            source_version=source_version,
            source_account=source_account,
            public=public or None,
            content_type=content_type,
            delimiter=delimiter,
            container=dst_container,
            account=account,
        )

    def _put_from(self, target: str, **source: Any) -> dict[str, str]:
        """Make an object of one that the service has."""
        reply = self.object_put(target, format=None, content_length=0, **source)
        return self._read(reply.headers)

    # ---- somebody else's account

    def use_alternative_account(
        self,
        func: Callable[..., Any],
        *args: Any,
        alternative_account: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call a method of this client for another account; the client keeps its own."""
        if not alternative_account:
            return func(*args, **kwargs)
        if getattr(func, "__self__", None) is self:
            other = copy.copy(self)
            other.account = alternative_account
            return getattr(other, func.__name__)(*args, **kwargs)
        return func(*args, account=alternative_account, **kwargs)


def _is_untold(names: Any) -> bool:
    return names is None or names is False


def _is_version(one: Any) -> bool:
    """Whether it is a number and a time, which servers write as text."""
    try:
        return isinstance(one, list) and math.isfinite(float(one[1]))
    except (TypeError, ValueError, IndexError):
        return False
