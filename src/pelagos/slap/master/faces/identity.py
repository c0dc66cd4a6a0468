"""The calls about people, certificates and joining: ours under /v1, and the ancestor's."""

from __future__ import annotations

import contextlib
from typing import TypedDict

from pelagos.core.certificate import Issued, text_dump
from pelagos.slap import calls, joining, marshal, protocol
from pelagos.slap.errors import BadRequest, NotFoundError, Unauthorized
from pelagos.slap.master.auth import Kind, Role
from pelagos.slap.master.faces.call import Answer, Call, Route
from pelagos.slap.master.service import Service
from pelagos.slap.model import Computer


class _Invitation(TypedDict, total=False):
    kind: str
    name: str | None
    role: str | None
    lifetime: float | None
    again: bool


class _Join(TypedDict, total=False):
    token: str
    name: str | None
    request: str | None


class _Holder(TypedDict, total=False):
    kind: str
    name: str
    request: str | None
    serial: str | None


class _Removal(TypedDict, total=False):
    destroy: bool


class _HandOver(TypedDict, total=False):
    to: str


class IdentityFace:
    """One method per call.

    Args:
        service: the use cases.

    Attributes:
        public_url: where others reach this master; empty: where the caller did.
        is_own: whether they meet there a certificate of this master's own authority.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.public_url = ""
        self.is_own = False

    def routes(self) -> list[Route]:
        """Where each call is answered."""
        token = "Base_getComputerToken"  # noqa: S105  # the name of a call
        return [
            Route("v1/invitations", "POST", "/v1/invitations", self.invite),
            Route("v1/join", "POST", "/v1/join", self.join),
            Route("v1/authority", "GET", "/v1/authority", self.authority),
            Route("v1/certificates", "GET", "/v1/certificates", self.certificates),
            Route("v1/certificate", "POST", "/v1/certificates", self.certificate),
            Route("v1/certificates/renew", "POST", "/v1/certificates/renew", self.renew),
            Route("v1/certificates/revoke", "POST", "/v1/certificates/revoke", self.revoke),
            Route("v1/people", "GET", "/v1/people", self.people),
            Route("v1/person/remove", "POST", "/v1/people/<path:name>/remove", self.remove),
            Route(
                "v1/person/hand-over", "POST", "/v1/people/<path:name>/hand-over", self.hand_over
            ),
            self._slap(calls.GENERATE_CERTIFICATE, self.generate),
            self._slap(calls.REVOKE_CERTIFICATE, self.revoke_computer),
            self._slap(calls.REQUEST_COMPUTER, self.request_computer),
            self._slap("Person_requestComputer", self.register_computer),
            self._slap("Person_getCertificate", self.certify_person),
            Route(token, "GET", f"/computer_module/{token}", self.computer_token),
            Route(token, "POST", f"/computer_module/{token}", self.computer_token),
        ]

    @staticmethod
    def _slap(name: str, work: object) -> Route:
        return Route(name, "POST", f"/{name}", work)  # type: ignore[arg-type]  # bound

    # ---- joining -----------------------------------------------------------------------------

    def invite(self, call: Call) -> Answer:
        """A one-time token, as one word for one command on the other machine."""
        wished: _Invitation = call.document(_Invitation)
        role = wished.get("role")
        secret, expires = self._service.invite(
            _kind(wished.get("kind")),
            call.identity,
            name=wished.get("name"),
            role=None if role is None else _role(role),
            lifetime=_lifetime(wished.get("lifetime")),
            again=wished.get("again", False),
        )
        token = self._token(call, secret, wished.get("kind") or "")
        return Answer.json({"token": token, "expires": expires})

    def join(self, call: Call) -> Answer:
        """Credentials in exchange for a one-time token."""
        wished: _Join = call.document(_Join)
        secret = joining.secret_of(wished.get("token") or "")
        joined = self._service.join(secret, name=wished.get("name"), request=wished.get("request"))
        found = {"kind": joined.kind, "name": joined.name, "token": joined.token}
        if joined.certificate is not None:
            found["certificate"] = joined.certificate
            found["authority"] = self._service.authority().certificate
        return Answer.json(found)

    def authority(self, call: Call) -> Answer:
        """The certificate that tells this master's certificates from others."""
        del call
        authority = self._service.authority()
        return Answer.json(
            {"certificate": authority.certificate, "fingerprint": authority.fingerprint}
        )

    # ---- certificates and people -------------------------------------------------------------

    def certificates(self, call: Call) -> Answer:
        """Those that the caller may revoke."""
        return Answer.json(self._service.certificates(call.identity))

    def certificate(self, call: Call) -> Answer:
        """A new certificate for a computer or person without an active one."""
        wished: _Holder = call.document(_Holder)
        return _issued(
            self._service.generate_certificate(
                _kind(wished.get("kind")),
                _text(wished.get("name"), "name"),
                call.identity,
                wished.get("request"),
            )
        )

    def renew(self, call: Call) -> Answer:
        """The caller's next certificate."""
        wished: _Holder = call.document(_Holder)
        return _issued(self._service.renew_certificate(call.identity, wished.get("request")))

    def revoke(self, call: Call) -> Answer:
        """The end of one certificate, or of all that lets a holder in."""
        wished: _Holder = call.document(_Holder)
        serial = wished.get("serial")
        if serial:
            self._service.revoke_serial(serial, call.identity)
            return Answer.json({"revoked": 1})
        kind, name = _kind(wished.get("kind")), _text(wished.get("name"), "name")
        return Answer.json(
            {"revoked": self._service.revoke_certificate(kind, name, call.identity)}
        )

    def people(self, call: Call) -> Answer:
        """All people, for an operator."""
        return Answer.json(self._service.people(call.identity))

    def remove(self, call: Call) -> Answer:
        """The end of a person who owns nothing, or whose services shall be destroyed."""
        wished: _Removal = call.document(_Removal)
        name = protocol.text_field(call.fields, "name")
        left = self._service.remove_person(
            name, call.identity, destroy=wished.get("destroy", False)
        )
        return Answer.json({"services": left})

    def hand_over(self, call: Call) -> Answer:
        """All that one person owns belongs to another."""
        wished: _HandOver = call.document(_HandOver)
        name = protocol.text_field(call.fields, "name")
        self._service.hand_over(name, _text(wished.get("to"), "to"), call.identity)
        return Answer.json({})

    # ---- as the ancestor does it -------------------------------------------------------------

    def generate(self, call: Call) -> Answer:
        """A computer's certificate and key; 404 while one is active."""
        computer_id = call.computer()
        issued = self._service.generate_certificate(Kind.COMPUTER, computer_id, call.identity)
        pair = {"certificate": issued.certificate, "key": issued.key or ""}
        return Answer.xml(marshal.dumps(pair))

    def revoke_computer(self, call: Call) -> Answer:
        """The end of all that lets a computer in; 404 when there is nothing."""
        self._service.revoke_certificate(Kind.COMPUTER, call.computer(), call.identity)
        return Answer.xml(marshal.dumps(None))

    def request_computer(self, call: Call) -> Answer:
        """A computer that belongs to the caller."""
        title = protocol.text_field(call.fields, "computer_title")
        computer_id = self._service.request_computer(title, call.identity)
        return Answer.xml(protocol.encode_computer(Computer(computer_id)))

    def register_computer(self, call: Call) -> Answer:
        """Certificate and key of a computer that registers itself with a one-time token."""
        self._service.authority()
        title = protocol.text_field(call.fields, "title")
        return _dumped(self._service.register_with(_access_token(call), title))

    def certify_person(self, call: Call) -> Answer:
        """Certificate and key of a person with a one-time token."""
        self._service.authority()
        return _dumped(self._service.certify_person_with(_access_token(call)))

    def computer_token(self, call: Call) -> Answer:
        """A one-time token for `register_computer`."""
        return Answer.json({"access_token": self._service.computer_token(call.identity)})

    def _token(self, call: Call, secret: str, kind: str) -> str:
        scheme = call.environ.get("wsgi.url_scheme", "http")
        url, is_own = self.public_url, self.is_own
        if not url:  # the scheme is the server's own word, not the caller's
            url, is_own = f"{scheme}://{call.environ.get('HTTP_HOST', '')}", scheme == "https"
        fingerprint = None
        if is_own and url.startswith("https:"):
            with contextlib.suppress(NotFoundError):
                fingerprint = self._service.authority().fingerprint
        return joining.encode(joining.JoinToken(url, secret, fingerprint, kind))


def _issued(issued: Issued) -> Answer:
    return Answer.json(
        {
            "certificate": issued.certificate,
            "key": issued.key,
            "serial": issued.serial,
            "expires": issued.expires,
        }
    )


def _dumped(issued: Issued) -> Answer:
    return Answer.json({"certificate": text_dump(issued.certificate), "key": issued.key})


def _access_token(call: Call) -> str:
    secret = str(call.environ.get("HTTP_X_ACCESS_TOKEN", "")).strip()
    if not secret:
        raise Unauthorized(
            "this call needs a one-time token",
            status=403,
            hint="send it as the header X-Access-Token",
        )
    return joining.secret_of(secret)


def _kind(text: str | None) -> Kind:
    try:
        return Kind(_text(text, "kind"))
    except ValueError as error:
        raise BadRequest(
            f"{(text or '')[:40]!r} is not a kind of holder",
            status=400,
            hint="use person or computer",
        ) from error


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise BadRequest(
            f"{text[:40]!r} is not a role", status=400, hint="use operator or tenant"
        ) from error


def _lifetime(value: float | None) -> float | None:
    if value is not None and not 0 < value < float("inf"):
        raise BadRequest(
            f"a token cannot last {value} seconds", status=400, hint="send a number above 0"
        )
    return value


def _text(value: str | None, name: str) -> str:
    if not value:
        raise BadRequest(
            f"the field {name} is missing", status=400, hint=f"send a text as `{name}`"
        )
    return value
