"""The calls about people, certificates and joining, as methods of `SlapClient`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from pelagos.core.http import Response

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time token, one word; `expires` is Unix seconds."""

    token: str = field(repr=False)
    expires: float


@dataclass(frozen=True, slots=True)
class Membership:
    """What one has who has joined.

    Attributes:
        kind: person or computer.
        token: good until it is replaced.
        certificate: PEM, when a signing request was sent.
        authority: PEM of the master's authority, beside a certificate.
    """

    kind: str
    name: str
    token: str = field(repr=False)
    certificate: str | None = None
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorityFacts:
    """The certificate (PEM) of a master's authority, and its SHA-256 in hexadecimal."""

    certificate: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A new certificate (PEM); `key` is None when a signing request was sent."""

    certificate: str
    serial: str
    expires: float
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CertificateInfo:
    """A certificate in a listing; times are Unix seconds."""

    serial: str
    kind: str
    name: str
    created: float
    expires: float
    revoked: float | None = None


@dataclass(frozen=True, slots=True)
class PersonInfo:
    """A person in a listing; `role` is operator or tenant."""

    name: str
    role: str
    created: float


class _Calls(Protocol):
    def _call(self, method: str, path: str, **arguments: Any) -> Response: ...
    def _json(self, response: Response, into: type[T]) -> T: ...


class IdentityCalls:
    """One method per call; each is one exchange and raises as those of `SlapClient`."""

    def invite(
        self: _Calls,
        kind: str,
        name: str | None = None,
        *,
        role: str | None = None,
        lifetime: float | None = None,
        again: bool = False,
    ) -> Invitation:
        """A one-time token for a computer or person; `again` for one that is known already."""
        wished = {"kind": kind, "name": name, "role": role, "lifetime": lifetime, "again": again}
        return self._json(self._call("POST", "v1/invitations", json=wished), Invitation)

    def join(
        self: _Calls, token: str, *, name: str | None = None, request: str | None = None
    ) -> Membership:
        """Credentials in exchange for a one-time token, or its secret; needs no identity."""
        wished = {"token": token, "name": name, "request": request}
        return self._json(self._call("POST", "v1/join", json=wished), Membership)

    def authority(self: _Calls) -> AuthorityFacts:
        """The master's certificate authority; needs no identity."""
        return self._json(self._call("GET", "v1/authority"), AuthorityFacts)

    def issue_certificate(
        self: _Calls, kind: str, name: str, request: str | None = None
    ) -> IssuedCertificate:
        """A certificate for a person or computer that has no active one."""
        wished = {"kind": kind, "name": name, "request": request}
        return self._json(self._call("POST", "v1/certificates", json=wished), IssuedCertificate)

    def renew_certificate(self: _Calls, request: str | None = None) -> IssuedCertificate:
        """The caller's own next certificate; the former ends a day later at the latest."""
        wished = {"request": request}
        return self._json(
            self._call("POST", "v1/certificates/renew", json=wished), IssuedCertificate
        )

    def revoke_certificate(
        self: _Calls, kind: str | None = None, name: str | None = None, serial: str | None = None
    ) -> int:
        """End all that lets a person or computer in, or one certificate; tells how many."""
        wished = {"serial": serial} if serial else {"kind": kind, "name": name}
        answer = self._call("POST", "v1/certificates/revoke", json=wished)
        return self._json(answer, dict[str, int]).get("revoked", 0)

    def certificates(self: _Calls) -> list[CertificateInfo]:
        """Those that the caller may revoke, the newest first."""
        return self._json(self._call("GET", "v1/certificates"), list[CertificateInfo])

    def people(self: _Calls) -> list[PersonInfo]:
        """All people, for an operator; a tenant finds himself."""
        return self._json(self._call("GET", "v1/people"), list[PersonInfo])

    def remove_person(self: _Calls, name: str, *, destroy: bool = False) -> int:
        """Forget a person who owns nothing, or whose services shall be destroyed.

        Returns:
            How many services are still being destroyed.
        """
        path = f"v1/people/{quote(name, safe='')}/remove"
        answer = self._call("POST", path, json={"destroy": destroy})
        return self._json(answer, dict[str, int]).get("services", 0)

    def hand_over(self: _Calls, former: str, later: str) -> None:
        """Give one person all that another owns."""
        path = f"v1/people/{quote(former, safe='')}/hand-over"
        self._call("POST", path, json={"to": later})
