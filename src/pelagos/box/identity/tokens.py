"""Tokens: who showed which secret, for what, until when."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pelagos.box.database import Database
from pelagos.box.identity import secret
from pelagos.box.identity.people import SYSTEM, People
from pelagos.core.clock import Clock

#: Seconds that a token holds.
LIFE = 3600.0
_SWEEP_EVERY = 256


@dataclass(frozen=True, slots=True)
class Token:
    """One token, without its text.

    Attributes:
        target: what it is for: "project:ID", "domain:ID", "system"; None for nothing.
        roles: id and name of each role that the user has there now.
        credential_id: the application credential it was got with.
        expires: seconds since the epoch.
    """

    user: dict[str, Any]
    target: str | None
    roles: tuple[dict[str, str], ...]
    methods: tuple[str, ...]
    audit_ids: tuple[str, ...]
    credential_id: str | None
    issued: float
    expires: float

    @property
    def user_id(self) -> str:
        """Whose it is."""
        return str(self.user["id"])

    @property
    def project_id(self) -> str | None:
        """The project it is for."""
        kind, _, key = (self.target or "").partition(":")
        return key if kind == "project" else None

    @property
    def role_names(self) -> frozenset[str]:
        """The names of its roles."""
        return frozenset(role["name"] for role in self.roles)

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything."""
        return "admin" in self.role_names


class Tokens:
    """Gives tokens and knows them again; safe to share between threads."""

    def __init__(self, database: Database, people: People, clock: Clock, life: float) -> None:
        self._database = database
        self._people = people
        self._clock = clock
        self._life = life
        self._given = 0

    def give(
        self,
        user_id: str,
        target: str | None,
        methods: Sequence[str],
        *,
        former: Token | None = None,
        credential_id: str | None = None,
    ) -> str:
        """A new token's text. One got for another, or by a credential, ends when that does."""
        text = secret.new_token()
        now = self._clock.time()
        expires = min(now + self._life, self._end(credential_id))
        if former is not None:
            expires = min(expires, former.expires)
        audit = (secrets.token_urlsafe(16), *(former.audit_ids[-1:] if former else ()))
        with self._database.change() as connection:
            self._given += 1
            if self._given % _SWEEP_EVERY == 0:
                connection.execute("DELETE FROM tokens WHERE expires < ?", (now,))
            connection.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    secret.token_hash(text),
                    user_id,
                    target,
                    json.dumps(list(methods)),
                    json.dumps(audit),
                    credential_id,
                    now,
                    expires,
                ),
            )
        return text

    def _end(self, credential_id: str | None) -> float:
        """When an application credential ends; infinite when it does not."""
        row = (
            self._database.read()
            .execute("SELECT expires FROM application_credentials WHERE id = ?", (credential_id,))
            .fetchone()
        )
        return math.inf if row is None or row["expires"] is None else float(row["expires"])

    def known(self, text: str) -> Token | None:
        """The token, when it holds: its user and project are enabled, and a role is there."""
        row = (
            self._database.read()
            .execute("SELECT * FROM tokens WHERE hash = ?", (secret.token_hash(text),))
            .fetchone()
        )
        if row is None or row["expires"] <= self._clock.time():
            return None
        user = self._people.get("users", row["user_id"])
        if user is None or not user["enabled"]:
            return None
        roles = self._roles(row)
        if row["target"] is not None and not roles:
            return None
        return Token(
            user,
            row["target"],
            roles,
            tuple(json.loads(row["methods"])),
            tuple(json.loads(row["audit_ids"])),
            row["credential_id"],
            row["issued"],
            row["expires"],
        )

    def end(self, text: str) -> None:
        """Let it hold no longer."""
        with self._database.change() as connection:
            connection.execute("DELETE FROM tokens WHERE hash = ?", (secret.token_hash(text),))

    def _roles(self, row: Any) -> tuple[dict[str, str], ...]:
        target = row["target"]
        if target is None:
            return ()
        if target != SYSTEM:
            kind, _, key = target.partition(":")
            thing = self._people.get(f"{kind}s", key)
            if thing is None or not thing["enabled"]:
                return ()
        roles = self._people.roles_of(row["user_id"], target)
        if row["credential_id"] is not None:
            kept = (
                self._database.read()
                .execute(
                    "SELECT roles FROM application_credentials WHERE id = ?",
                    (row["credential_id"],),
                )
                .fetchone()
            )
            allowed = set(json.loads(kept["roles"])) if kept else set()
            roles = [role for role in roles if role["id"] in allowed]
        return tuple(roles)
