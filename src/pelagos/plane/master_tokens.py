"""Whose a token of the plane is, as the directory's plugins are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient
from pelagos.directory.auth.rights import PLANE, rights_of

#: Seconds that the master may take.
_PATIENCE = 5.0
_OK = 200
_REFUSED = frozenset([401, 403])
#: The role of a person of whom a master of before there were roles in its answer tells none.
_LEAST = "tenant"


class MasterTokens:
    """Asks the master whose a token is; a verifier as `pelagos.directory.auth` has them.

    Args:
        http: the master, asked as nobody in particular.
        rights: patterns of rights by role ("operator", "tenant").
    """

    def __init__(
        self, http: HttpClient, *, rights: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._http = http
        self._rights = PLANE if rights is None else rights

    def __call__(self, token: str) -> Mapping[str, Any] | None:
        """The facts of a person's token, None of any other.

        The directory is for people; a computer or a partition has nothing to look up in it.

        Raises:
            PelagosError: the master does not say.
        """
        answer = self._http.request(
            "GET",
            "v1/identity",
            headers={"Authorization": f"Bearer {token}"},
            timeout=_PATIENCE,
        )
        if answer.status in _REFUSED:
            return None
        if answer.status != _OK:
            raise PelagosError(
                f"the master cannot tell whose the token is ({answer.status})",
                hint="its log says why",
            )
        found = answer.json()
        kind = found.get("kind") if isinstance(found, Mapping) else None
        name = found.get("name") if isinstance(found, Mapping) else None
        if not isinstance(kind, str) or not isinstance(name, str):
            raise wire.WireError(
                "the answer about a token is not that of a master",
                hint="check the address of the master",
            )
        if kind != "person":
            return None
        role = str(found.get("role") or _LEAST)
        return {
            "token": token,
            "auth_id": name,
            "xivo_user_uuid": name,
            "acls": rights_of([role], self._rights),
            "metadata": {"uuid": name, "pbx_user_uuid": name, "role": role},
        }
