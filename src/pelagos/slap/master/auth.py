"""Who asks, and what he may do: tokens, identities, and the table of rights.

A token is shown once, when it is made; the database keeps its SHA-256 only. Looking the digest up
compares nothing byte by byte with a secret, so its timing tells nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pelagos.core.clock import Clock
from pelagos.slap import protocol
from pelagos.slap.errors import AuthenticationError, Unauthorized

_REMEMBERED = 10_000


class Kind(StrEnum):
    """What can hold a token."""

    PERSON = "person"
    COMPUTER = "computer"
    PARTITION = "partition"


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
            case Kind.PERSON:
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


_PEOPLE = frozenset({Kind.PERSON})
_ALL = frozenset(Kind)
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
    "v1/services": _PEOPLE,
    "v1/service": _PEOPLE,
    "v1/state": _PEOPLE,
    "v1/computers": _PEOPLE,
    "v1/computer": _AGENTS,
    "v1/releases": _PEOPLE,
    "v1/events": _PEOPLE,
    "v1/explain": _PEOPLE,
    "v1/identity": _ALL,
    "v1/partition-token": _MACHINES,
    "v1/plan": _PEOPLE,
    "v1/apply": _PEOPLE,
    "v1/tree": _PEOPLE,
    "v1/rename": _PEOPLE,
    "v1/bang": _PEOPLE,
    "v1/drain": _PEOPLE,
    "v1/computer-bang": _PEOPLE,
    "v1/usage": _PEOPLE,
    "cache/read": _ALL,
    "cache/write": _AGENTS,
}

#: Calls for which a machine need not name itself.
_ABOUT_NOBODY = frozenset(
    {"getHateoasUrl", "getSoftwareReleaseListFromSoftwareProduct", "v1/identity"}
)


def permit(
    identity: Identity, call: str, computer_id: str | None = None, partition_id: str | None = None
) -> None:
    """Pass, when the identity may make this call about this computer and partition.

    Raises:
        Unauthorized: it may not.
    """
    if identity.kind not in RIGHTS[call]:
        raise Unauthorized(
            f"a {identity.kind} may not call {call}",
            status=403,
            hint=f"use the token of a {max(RIGHTS[call])}",
        )
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
            f"{identity.kind} {identity.name} may call {call} for itself only", status=403
        )


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class Authenticator:
    """Finds the identity of a call by its Authorization header, mostly from memory.

    Args:
        lookup: digest -> identity or None, from the database.
        clock: tells when to look again.
        lifetime: seconds that an answer of `lookup` is trusted.
    """

    def __init__(
        self, lookup: Callable[[str], Identity | None], clock: Clock, lifetime: float
    ) -> None:
        self._lookup = lookup
        self._clock = clock
        self._lifetime = lifetime
        self._known: dict[str, tuple[Identity, float]] = {}

    def identify(self, authorization: str | None) -> Identity:
        """The identity whose token the header carries.

        Raises:
            AuthenticationError: no token, or one that nobody holds.
        """
        token = _token_of(authorization)
        if not token:
            raise AuthenticationError(
                "this call needs a token",
                status=401,
                hint="send the header 'Authorization: Bearer TOKEN', or set PELAGOS_TOKEN",
            )
        digest = digest_of(token)
        known = self._known  # see `forget`
        entry = known.get(digest)
        now = self._clock.monotonic()
        if entry is not None and now < entry[1]:
            return entry[0]
        found = self._lookup(digest)
        if found is None:
            known.pop(digest, None)
            raise AuthenticationError(
                "the master does not know this token",
                status=401,
                hint="it may be another plane's, or replaced; on the plane's machine its file "
                "'token' in the data folder has the right one",
            )
        if len(known) >= _REMEMBERED:
            known.clear()
        known[digest] = (found, now + self._lifetime)
        return found

    def forget(self) -> None:
        """Look every token up again; called when one was made or withdrawn."""
        # A new mapping, not clear(): a call that looked up before the change stores into the old.
        self._known = {}


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
