"""The client of object storage as Swift has it."""

from __future__ import annotations

from typing import Any

from pelagos.clients.errors import ClientError
from pelagos.clients.storage import StorageClient as _Ours
from pelagos.compat.kamaki.former import Client, take_former_names

__all__ = ["ClientError", "StorageClient"]


class StorageClient(Client, _Ours):
    """An account's containers and objects."""

    def assert_account(self) -> None:
        """See whether an account is named.

        Raises:
            ClientError: none is.
        """
        self._account()

    def assert_container(self) -> None:
        """See whether account and container are named.

        Raises:
            ClientError: one of them is not.
        """
        self._place()

    _assert_account = assert_account
    _assert_container = assert_container

    def get_object(self, obj: str = "", **how: Any) -> Any:
        """An object's bytes, all of them, and how many there are."""
        pieces, size = super().get_object(how.pop("object", obj), **how)
        return b"".join(pieces), size


take_former_names(StorageClient, object="obj")
