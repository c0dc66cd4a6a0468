"""The client of Pithos."""

from __future__ import annotations

from pelagos.clients.errors import ClientError
from pelagos.clients.pithos import PithosClient as _Ours
from pelagos.compat.kamaki.clients.pithos.rest_api import PithosRestClient
from pelagos.compat.kamaki.former import take_former_names

__all__ = ["ClientError", "PithosClient"]


class PithosClient(PithosRestClient, _Ours):
    """An account of Pithos: containers, files, sharing, versions."""

    def get_container_quota(self, container: str | None = None) -> dict[str, str]:
        """Bytes that a container may have; 0 is no limit."""
        return self.get_container_limit(container)

    def set_container_quota(self, quota: int) -> dict[str, str]:
        """Allow so many bytes; 0 is no limit."""
        return self.set_container_limit(quota)

    def set_account_quota(self, quota: int) -> dict[str, str]:
        """Ask for so many bytes; only early servers heed it."""
        return self._read(self.account_post(update=True, quota=quota).headers)

    def set_account_versioning(self, versioning: str) -> dict[str, str]:
        """Ask for a policy of versions; only early servers heed it."""
        return self._read(self.account_post(update=True, versioning=versioning).headers)


take_former_names(PithosClient, object="obj", range="range_str")
