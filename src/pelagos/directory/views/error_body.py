"""What a refused request is told, in the two shapes that clients of the directory know.

`{"reason": [...], "timestamp": [...], "status_code": ...}` is xivo-dird's, with a bare number as
timestamp where a token was refused; `{"message", "error_id", "details", "timestamp", "resource"}`
is what wazo-dird says of the resources that it added. Neither ever holds a token. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pelagos.directory.errors import RequestError, TokenError, VerificationError

_ERROR_IDS = {
    400: "invalid-data",
    401: "unauthorized",
    404: "not-found",
    409: "conflict",
    413: "too-large",
    503: "unavailable",
}
_INVALID = "not_found_or_expired"
_INSUFFICIENT = "missing_permission_or_invalid_tenant"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was not served.

    Attributes:
        reasons: one line each.
        error_id: kebab-case name, for the newer shape; empty: that of the status.
        is_of_token: whether the token is what it was refused for.
    """

    status: int
    reasons: tuple[str, ...]
    error_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_of_token: bool = False

    @classmethod
    def of(cls, error: RequestError) -> Self:
        """That of an error."""
        headers: dict[str, str] = {}
        details: Mapping[str, Any] = {}
        error_id = ""
        if isinstance(error, TokenError):
            headers["WWW-Authenticate"] = 'X-Auth-Token realm="directory"'  # RFC 9110, 15.5.2
            if error.needs is not None:
                reason = _INSUFFICIENT if error.is_known else _INVALID
                details = {"required_access": error.needs, "reason": reason}
        elif isinstance(error, VerificationError):
            error_id = "authentication-server-unreachable"
        if error.retry_after is not None:
            headers["Retry-After"] = str(max(1, round(error.retry_after)))
        is_of_token = isinstance(error, TokenError | VerificationError)
        return cls(error.status, error.reasons, error_id, details, headers, is_of_token)

    def body(self, now: float, resource: str | None) -> dict[str, Any]:
        """The body.

        Args:
            now: seconds since the Unix epoch.
            resource: see `AuthResource.error_resource`; None for the older shape.
        """
        if resource is None:
            timestamp = now if self.is_of_token else [now]
            return {
                "reason": list(self.reasons),
                "timestamp": timestamp,
                "status_code": self.status,
            }
        error_id = self.error_id or _ERROR_IDS.get(self.status, "error")
        if error_id == "not-found":
            error_id = f"unknown-{resource.removesuffix('s')}"
        return {
            "message": "; ".join(self.reasons),
            "error_id": error_id,
            "details": dict(self.details),
            "timestamp": now,
            "resource": resource,
        }
