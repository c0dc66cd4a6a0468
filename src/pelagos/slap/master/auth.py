"""Who asks, and what he may do: tokens, identities, and the table of rights.

A token is shown once, when it is made; the database keeps its SHA-256 only. Looking the digest up
compares nothing byte by byte with a secret, so its timing tells nothing. A certificate counts by
its serial number: that our authority signed it is for TLS to check.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from pelagos.core.certificate import describe
from pelagos.core.clock import Clock
from pelagos.slap import calls, protocol
from pelagos.slap.errors import AuthenticationError, Unauthorized
from pelagos.slap.master.store.identities import Holder


class Kind(StrEnum):
    """What can hold a token or a certificate; nobody holds ANYBODY's."""

    PERSON = "person"
    COMPUTER = "computer"
    PARTITION = "partition"
    ANYBODY = "anybody"  # makes the few calls that need no identity


class Role(StrEnum):
    """What a person is at this site."""

    OPERATOR = "operator"  # sees and may do everything
    TENANT = "tenant"  # own services and own computers only


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. A partition's name is COMPUTER/PARTITION; `role` is a person's."""

    kind: Kind
    name: str
    role: Role | None = None

    @property
    def actor(self) -> str:
        """As events name it, e.g. "person:admin"."""
        return f"{self.kind}:{self.name}"

    @property
    def witness(self) -> str:
        """As causes name it that it saw: an agent, an instance of itself, or a person."""
        match self.kind:
            case Kind.COMPUTER:
                return f"agent on {self.name}"
            case Kind.PARTITION:
                return f"instance in {self.name}"
            case _:
                return self.actor

    @property
    def is_operator(self) -> bool:
        """Whether it may see and do everything."""
        return self.role is Role.OPERATOR

    @property
    def computer_id(self) -> str | None:
        """The computer that it is, or sits on; None for a person."""
        match self.kind:
            case Kind.COMPUTER:
                return self.name
            case Kind.PARTITION:
                return self.name.rpartition("/")[0]
            case _:
                return None

    @property
    def partition_id(self) -> str | None:
        """The partition that it is; None for others."""
        return self.name.rpartition("/")[2] if self.kind is Kind.PARTITION else None


def person(name: str, role: Role = Role.OPERATOR) -> Identity:
    """A person."""
    return Identity(Kind.PERSON, name, role)


def computer(computer_id: str) -> Identity:
    """A computer's agent."""
    return Identity(Kind.COMPUTER, computer_id)


def partition(computer_id: str, partition_id: str) -> Identity:
    """The instance in a partition."""
    return Identity(Kind.PARTITION, f"{computer_id}/{partition_id}")


#: Who makes a call of OPEN: those who join have no other identity yet.
ANYBODY = Identity(Kind.ANYBODY, "")

_PEOPLE = frozenset({Kind.PERSON})
_ALL = frozenset({Kind.PERSON, Kind.COMPUTER, Kind.PARTITION})
_ANYBODY = frozenset({Kind.ANYBODY})
_AGENTS = frozenset({Kind.PERSON, Kind.COMPUTER})
_MACHINES = frozenset({Kind.COMPUTER})

#: call -> who may. A computer may so for itself and its partitions, a partition for itself.
RIGHTS: Mapping[str, frozenset[Kind]] = {
    protocol.FETCH_COMPUTER: _ALL,
    protocol.FETCH_COMPUTER_OLD: _ALL,
    protocol.FETCH_PARTITION: _ALL,
    protocol.HATEOAS_URL: _ALL,
    "getSoftwareReleaseListFromSoftwareProduct": _ALL,
    "getComputerPartitionCertificate": _ALL,
    protocol.REQUEST: _ALL,
    protocol.SUPPLY: _PEOPLE,
    protocol.FORMAT_COMPUTER: _AGENTS,
    protocol.RELEASE_BUILDING: _AGENTS,
    protocol.RELEASE_AVAILABLE: _AGENTS,
    protocol.RELEASE_DESTROYED: _AGENTS,
    protocol.RELEASE_ERROR: _AGENTS,
    protocol.PARTITION_STARTED: _AGENTS,
    protocol.PARTITION_STOPPED: _AGENTS,
    protocol.PARTITION_DESTROYED: _AGENTS,
    protocol.PARTITION_ERROR: _ALL,
    protocol.PARTITION_BANG: _ALL,
    protocol.PUBLISH: _ALL,
    "softwareInstanceRename": _ALL,
    "updateComputerPartitionRelatedInstanceList": _ALL,
    "computerBang": _AGENTS,
    "useComputer": _AGENTS,
    calls.COMPUTER_STATUS: _ALL,
    calls.PARTITION_STATUS: _ALL,
    calls.INSTALLATION_STATUS: _ALL,
    calls.TREE_ADDRESSES: _ALL,
    calls.RUN_ID: _ALL,
    calls.PARTITION_BUILDING: _ALL,
    calls.PARTITION_AVAILABLE: _ALL,
    "hateoas": _ALL,
    "slapos": _ALL,
    "v1/services": _PEOPLE,
    "v1/service": _PEOPLE,
    "v1/state": _PEOPLE,
    "v1/computers": _PEOPLE,
    "v1/computer": _AGENTS,
    "v1/releases": _PEOPLE,
    "v1/events": _PEOPLE,
    "v1/explain": _PEOPLE,
    "v1/parameter-schema": _PEOPLE,
    "v1/identity": _ALL,
    "v1/partition-token": _MACHINES,
    "v1/call-key": _MACHINES,
    "v1/invitations": _PEOPLE,
    "v1/join": _ANYBODY,
    "v1/authority": _ANYBODY,
    "v1/certificates": _PEOPLE,
    "v1/certificate": _PEOPLE,
    "v1/certificates/renew": _ALL,
    "v1/certificates/revoke": _PEOPLE,
    "v1/people": _PEOPLE,
    "v1/person/remove": _PEOPLE,
    "v1/person/hand-over": _PEOPLE,
    "generateComputerCertificate": _AGENTS,
    "revokeComputerCertificate": _AGENTS,
    "requestComputer": _PEOPLE,
    "Person_requestComputer": _ANYBODY,
    "Person_getCertificate": _ANYBODY,
    "Base_getComputerToken": _PEOPLE,
    "v1/plan": _PEOPLE,
    "v1/apply": _PEOPLE,
    "v1/tree": _PEOPLE,
    "v1/rename": _PEOPLE,
    "v1/bang": _PEOPLE,
    "v1/drain": _PEOPLE,
    "v1/computer-remove": _PEOPLE,
    "v1/ping": _PEOPLE,
    "v1/logs": _PEOPLE,
    "v1/exec": _PEOPLE,
    "v1/computer-bang": _PEOPLE,
    "v1/usage": _PEOPLE,
    "v1/capacity": _PEOPLE,
    "v1/capacity/check": _PEOPLE,
    "v1/capacity/make": _PEOPLE,
    "v1/machine/remove": _PEOPLE,
    "cache/read": _ALL,
    "cache/write": _AGENTS,
}

#: Calls for which a machine need not name itself.
_ABOUT_NOBODY = frozenset(
    {
        "getHateoasUrl",
        "getRunId",
        "getSoftwareReleaseListFromSoftwareProduct",
        "hateoas",
        "slapos",
        "v1/identity",
        "v1/certificates/renew",
        "v1/call-key",
    }
)


#: Calls that carry no identity, or whose secret is in the call itself.
OPEN = frozenset(call for call, kinds in RIGHTS.items() if kinds == _ANYBODY)


def check_kind(identity: Identity, call: str) -> None:
    """Pass, when identities of this kind make this call at all; about whom is for `permit`.

    Raises:
        Unauthorized: they do not.
    """
    if identity.kind not in RIGHTS[call]:
        raise Unauthorized(
            f"a {identity.kind} may not call {call}",
            status=403,
            hint=f"use the token of a {max(RIGHTS[call])}",
        )


def permit(
    identity: Identity, call: str, computer_id: str | None = None, partition_id: str | None = None
) -> None:
    """Pass, when the identity may make this call about this computer and partition.

    Raises:
        Unauthorized: it may not.
    """
    check_kind(identity, call)
    if identity.kind is Kind.PERSON or call in _ABOUT_NOBODY:
        return
    own = identity.computer_id == computer_id
    if identity.kind is Kind.PARTITION and call not in (
        protocol.FETCH_COMPUTER,
        protocol.FETCH_COMPUTER_OLD,
    ):
        own = own and identity.partition_id == partition_id
    if not own:
        raise Unauthorized(
            f"{identity.kind} {identity.name} may call {call} for itself only",
            status=403,
            hint="name it in the call, or ask as a person",
        )


def operators_only(identity: Identity) -> None:
    """Pass, when it is an operator.

    Raises:
        Unauthorized: it is not.
    """
    if not identity.is_operator:
        raise Unauthorized(
            "only an operator may do this", status=403, hint="ask an operator of this plane"
        )


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class Authenticator:
    """Finds the identity of a call by its Authorization header or its client certificate.

    It remembers nothing: what is revoked on one master is refused at once on every master of the
    database. A look-up costs less than the parsing of the call (see `Store.holder_of_token`).

    Args:
        tokens: digest -> who holds it, from the database.
        certificates: serial number -> who holds it, from the database.
        clock: tells whether a certificate has ended.
    """

    def __init__(
        self,
        tokens: Callable[[str], Holder | None],
        certificates: Callable[[str], Holder | None],
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._certificates = certificates
        self._clock = clock

    def identify(self, authorization: str | None, peer: bytes | None = None) -> Identity:
        """Who asks; a token goes before a certificate.

        Args:
            authorization: the header.
            peer: the client certificate (DER), which TLS has found to be from our authority.

        Raises:
            AuthenticationError: neither, or one that nobody holds (any more).
        """
        token = _token_of(authorization)
        if token:
            return self._by_token(token)
        if peer is not None:
            return self._by_certificate(peer)
        raise AuthenticationError(
            "this call needs a token",
            status=401,
            hint="send the header 'Authorization: Bearer TOKEN', or set PELAGOS_TOKEN; over "
            "HTTPS a client certificate will do",
        )

    def _by_token(self, token: str) -> Identity:
        holder = self._tokens(digest_of(token))
        if holder is None:
            raise AuthenticationError(
                "the master does not know this token",
                status=401,
                hint="it may be another plane's, or replaced; on the plane's machine its file "
                "'token' in the data folder has the right one",
            )
        return _identity(holder)

    def _by_certificate(self, peer: bytes) -> Identity:
        holder = self._certificates(_serial(peer))
        if holder is None:
            raise AuthenticationError(
                "the master has not issued this certificate",
                status=401,
                hint="it may be from another plane, or from before its database was restored",
            )
        ends = holder.expires or 0.0
        if holder.revoked is not None or ends <= self._clock.time():
            ended = "was revoked" if holder.revoked is not None else "has ended"
            raise AuthenticationError(
                f"the certificate of the {holder.kind} {holder.name} {ended}",
                status=401,
                hint=f"an operator lets it join again: pelagos {holder.kind} add "
                f"{holder.name} --again"
                if holder.kind in {Kind.PERSON, Kind.COMPUTER}
                else "fetch the one that holds now: getComputerPartitionCertificate",
            )
        return _identity(holder)


def _identity(holder: Holder) -> Identity:
    role = None if holder.role is None else Role(holder.role)
    return Identity(Kind(holder.kind), holder.name, role)


@lru_cache(maxsize=4096)
def _serial(certificate: bytes) -> str:
    return describe(certificate).serial


def _token_of(authorization: str | None) -> str | None:
    scheme, _, value = (authorization or "").strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip()
        case "basic":
            try:
                decoded = base64.b64decode(value.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
            return decoded.partition(":")[2]
        case _:
            return None
