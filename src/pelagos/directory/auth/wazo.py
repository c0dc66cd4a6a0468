"""Tokens of wazo-auth (xivo-auth before it): one question tells owner, rights and end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pelagos.core import logs, wire
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient, HttpError, HttpUnreachable, Response

#: What a token may look like. It becomes a part of a URL, so nothing that means more there.
_TOKEN = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,511}\Z")
_VALID = frozenset([200, 204])
_UNKNOWN = frozenset([403, 404])


class WazoTokens:
    """Asks wazo-auth whose a token is. Safe to share between threads.

    Args:
        http: the address of wazo-auth with the version, such as https://localhost:9497/0.1.
        timeout: seconds for an answer.
    """

    def __init__(
        self, http: HttpClient, *, timeout: float = 5.0, clock: Clock | None = None
    ) -> None:
        self._http = http
        self._timeout = timeout
        self._clock = clock or SystemClock()

    def __call__(self, token: str) -> Mapping[str, Any] | None:
        """The infos of a token, or None when there is no such one.

        Raises:
            PelagosError: wazo-auth does not say.
        """
        answer = self._send("GET", token)
        if answer is None:
            return None
        try:
            body = answer.json()
        except wire.WireError as error:
            raise _strange(self._http.base_url) from error
        data = body.get("data") if isinstance(body, Mapping) else None
        if not isinstance(data, Mapping) or not isinstance(data.get("auth_id"), str):
            raise _strange(self._http.base_url)
        return self._infos(token, data)

    def reaches(self, token: str, access: str, tenant: str | None) -> bool:
        """Whether the token has this right, in this tenant.

        Raises:
            PelagosError: wazo-auth does not say.
        """
        return self._send("HEAD", token, scope=access, tenant=tenant) is not None

    def _send(self, method: str, token: str, **params: str | None) -> Response | None:
        """The answer about a token; None when it is not valid, or not for this."""
        if not _TOKEN.match(token):
            return None
        try:
            answer = self._http.request(
                method, f"token/{token}", params=params, timeout=self._timeout
            )
        except HttpError as error:  # names the address, and so the token, which no log may have
            raise HttpUnreachable(
                logs.hide(error.message), url=self._http.base_url, hint=error.hint
            ) from None
        if answer.status in _VALID:
            return answer
        if answer.status in _UNKNOWN:
            return None
        raise PelagosError(
            f"wazo-auth at {self._http.base_url} cannot tell whose the token is "
            f"(status {answer.status})",
            hint="its log says why",
        )

    def _infos(self, token: str, data: Mapping[str, Any]) -> dict[str, Any]:
        said = data.get("metadata")
        metadata = dict(said) if isinstance(said, Mapping) else {}
        user = data.get("xivo_user_uuid") or metadata.get("pbx_user_uuid")
        rights = data.get("acl", data.get("acls"))
        infos = {
            **{key: value for key, value in data.items() if key not in {"acl", "acls"}},
            "token": token,
            "xivo_user_uuid": user if isinstance(user, str) else None,
            "metadata": metadata,
        }
        if rights is not None:  # else it is asked for each of them
            infos["acls"] = _texts(rights, self._http.base_url)
        end = data.get("utc_expires_at")
        if end is not None:
            infos["expires_in"] = _seconds_until(end, self._clock.time(), self._http.base_url)
        return infos


def _texts(value: Any, server: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _strange(server)
    return value


def _seconds_until(end: Any, now: float, server: str) -> float:
    """Seconds until a time of the wire, which is UTC whether it says so or not."""
    try:
        moment = datetime.fromisoformat(end)
    except (TypeError, ValueError) as error:
        raise _strange(server) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() - now


def _strange(server: str) -> PelagosError:
    return PelagosError(
        f"the answer of {server} about a token is not that of wazo-auth",
        hint="check the address of wazo-auth, and its version",
    )
