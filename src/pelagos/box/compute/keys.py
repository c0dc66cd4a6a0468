"""Public keys of persons, with which they log in to their servers.

Private halves are never kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from pelagos.box.database import Database
from pelagos.box.errors import Refused
from pelagos.core.clock import Clock

_KINDS = frozenset({
    "ssh-rsa", "ssh-ed25519", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keypair:
    """A key of a person.

    Attributes:
        kind: "ssh" or "x509".
        fingerprint: MD5 of the key as SSH shows it, or SHA-1 of a certificate.
    """

    number: int
    user_id: str
    name: str
    kind: str
    public_key: str
    fingerprint: str
    created: float


class Keys:
    """Keeps keys; safe to share between threads."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def all(self, user_id: str) -> list[Keypair]:
        """Those of a person, by name."""
        rows = self._database.read().execute(
            "SELECT * FROM keypairs WHERE user_id = ? ORDER BY name", (user_id,)
        )
        return [Keypair(*row) for row in rows]

    def named(self, user_id: str, name: str) -> Keypair | None:
        """One of a person's."""
        row = (
            self._database.read()
            .execute("SELECT * FROM keypairs WHERE user_id = ? AND name = ?", (user_id, name))
            .fetchone()
        )
        return Keypair(*row) if row else None

    def add(self, user_id: str, name: str, public_key: str, kind: str = "ssh") -> Keypair:
        """Keep a key; see that there is none of its name before.

        Raises:
            Refused: 400, it is no key.
        """
        fingerprint = _fingerprint(public_key, kind)
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO keypairs (user_id, name, kind, public_key, fingerprint, created)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (user_id, name, kind, public_key, fingerprint, self._clock.time()),
            )
        found = self.named(user_id, name)
        assert found is not None  # noqa: S101  # it was just written
        return found

    def remove(self, keypair: Keypair) -> None:
        """Forget one; servers keep it."""
        with self._database.change() as connection:
            connection.execute("DELETE FROM keypairs WHERE number = ?", (keypair.number,))


def _fingerprint(public_key: str, kind: str) -> str:
    if kind == "x509":
        return _pairs(hashlib.sha1(_certificate(public_key), usedforsecurity=False).hexdigest())
    parts = public_key.split(maxsplit=2)
    try:
        blob = base64.b64decode(parts[1], validate=True)
        (length,) = struct.unpack(">I", blob[:4])
        told = blob[4 : 4 + length].decode("ascii")
    except (IndexError, ValueError, struct.error, binascii.Error) as error:
        raise _no_key("Keypair data is invalid: failed to generate fingerprint") from error
    if parts[0] not in _KINDS or told != parts[0] or len(blob) <= 4 + length:
        raise _no_key("Keypair data is invalid: failed to generate fingerprint")
    return _pairs(hashlib.md5(blob, usedforsecurity=False).hexdigest())


def _certificate(text: str) -> bytes:
    lines = [line for line in text.split("\n") if line and not line.startswith("-----")]
    try:
        return base64.b64decode("".join(lines), validate=True)
    except binascii.Error as error:
        raise _no_key("Keypair data is invalid: failed to generate X509 fingerprint") from error


def _no_key(message: str) -> Refused:
    return Refused(400, message)


def _pairs(digest: str) -> str:
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
