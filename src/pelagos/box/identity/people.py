"""Users, projects, roles and who has which role where."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from pelagos.box.database import Database
from pelagos.box.errors import Refused
from pelagos.box.identity import secret

DEFAULT_DOMAIN = "default"
#: The roles of Keystone itself, and the one that Swift's configuration names by custom.
ROLES = ("admin", "manager", "member", "reader", "service", "swiftoperator")
SYSTEM = "system"
Row = Mapping[str, Any]

#: Columns of each kind of thing that are columns; all else that is said of it is kept beside.
COLUMNS = {
    "domains": ("id", "name", "description", "enabled"),
    "projects": ("id", "name", "domain_id", "description", "enabled", "parent_id"),
    "users": ("id", "name", "domain_id", "enabled", "default_project_id"),
    "roles": ("id", "name", "description"),
    "groups": ("id", "name", "domain_id", "description"),
}
_FLAGS = ("enabled",)


class People:
    """The persons of a box, and what they may do; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        if self.get("domains", DEFAULT_DOMAIN) is None:
            with database.change():
                self.add("domains", {"id": DEFAULT_DOMAIN, "name": "Default"})
                for name in ROLES:
                    self.add("roles", {"name": name})

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """One thing by its id."""
        row = self._database.read().execute(f"SELECT * FROM {kind} WHERE id = ?", (key,))
        return _thing(kind, row.fetchone())

    def named(self, kind: str, name: str, domain_id: str = "") -> dict[str, Any] | None:
        """One thing by its name; of users and projects in its domain."""
        found = self.every(kind, {"name": name, **({"domain_id": domain_id} if domain_id else {})})
        return found[0] if found else None

    def every(self, kind: str, equal: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """All things of a kind whose columns have these values, by name."""
        told = {key: value for key, value in (equal or {}).items() if key in COLUMNS[kind]}
        where = " AND ".join(f"{key} = ?" for key in told) or "1"
        rows = self._database.read().execute(
            f"SELECT * FROM {kind} WHERE {where} ORDER BY name, id", tuple(told.values())
        )
        return [thing for row in rows if (thing := _thing(kind, row))]

    def add(self, kind: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Make one.

        Raises:
            Refused: there is one of that name.
        """
        thing: dict[str, Any] = {"id": _new_id(), "enabled": True, "description": "", **told}
        if kind in {"users", "projects", "groups"}:
            thing.setdefault("domain_id", DEFAULT_DOMAIN)
        if kind == "projects":
            thing["parent_id"] = thing.get("parent_id") or thing["domain_id"]
        self._keep(kind, thing, "INSERT INTO {kind} ({names}) VALUES ({marks})")
        if kind == "users" and told.get("password") is not None:
            self.set_password(thing["id"], str(told["password"]))
        return self.require(kind, thing["id"])

    def change(self, kind: str, key: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Change what is told; None takes something away.

        Raises:
            Refused: it is not there, or the name is taken.
        """
        with self._database.change():
            thing = {**self.require(kind, key), **told, "id": key}
            keep = "UPDATE {kind} SET ({names}) = ({marks}) WHERE id = :id"
            self._keep(kind, {name: it for name, it in thing.items() if it is not None}, keep)
            if kind == "users" and told.get("password") is not None:
                self.set_password(key, str(told["password"]))
            if told.get("enabled") is False:
                self.end_tokens(kind, key)
            return self.require(kind, key)

    def remove(self, kind: str, key: str) -> None:
        """Remove one, with its roles and tokens.

        Raises:
            Refused: it is not there, or others need it.
        """
        with self._database.change() as connection:
            self.require(kind, key)
            self.end_tokens(kind, key)
            target = f"{kind[:-1]}:{key}"
            connection.execute("DELETE FROM grants WHERE target = ?", (target,))
            connection.execute("DELETE FROM group_grants WHERE target = ?", (target,))
            try:
                connection.execute(f"DELETE FROM {kind} WHERE id = ?", (key,))
            except sqlite3.IntegrityError as error:
                raise Refused(409, f"{key} is in use") from error

    def require(self, kind: str, key: str) -> dict[str, Any]:
        """One thing by its id.

        Raises:
            Refused: it is not there.
        """
        thing = self.get(kind, key)
        if thing is None:
            raise Refused(404, f"Could not find {kind[:-1]}: {key}.")
        return thing

    def password_fits(self, user_id: str | None, password: str) -> bool:
        """Whether it is the user's; takes as long when there is no such user."""
        row = self._database.read().execute(
            "SELECT password_hash FROM users WHERE id = ?", (user_id or "",)
        )
        kept = row.fetchone()
        return secret.fits(password, kept["password_hash"] if kept else None)

    def set_password(self, user_id: str, password: str) -> None:
        """Give a user a password; tokens that were got with another one end."""
        made = secret.hashed(password)
        with self._database.change() as connection:
            connection.execute("UPDATE users SET password_hash = ? WHERE id = ?", (made, user_id))
            connection.execute("DELETE FROM tokens WHERE user_id = ?", (user_id,))

    def end_tokens(self, kind: str, key: str) -> None:
        """End the tokens of a user, or for a project or domain."""
        what = "user_id = ?" if kind == "users" else "target = ?"
        about = key if kind == "users" else f"{kind[:-1]}:{key}"
        with self._database.change() as connection:
            connection.execute(f"DELETE FROM tokens WHERE {what}", (about,))

    def grant(self, user_id: str, target: str, role_id: str) -> None:
        """Give a user a role; again is harmless."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO grants VALUES (?, ?, ?)", (user_id, target, role_id)
            )

    def revoke(self, user_id: str, target: str, role_id: str) -> bool:
        """Take a role away, and the tokens that rest on it; whether the user had it."""
        with self._database.change() as connection:
            gone = connection.execute(
                "DELETE FROM grants WHERE user_id = ? AND target = ? AND role_id = ?",
                (user_id, target, role_id),
            )
            connection.execute(
                "DELETE FROM tokens WHERE user_id = ? AND target = ?", (user_id, target)
            )
            return gone.rowcount > 0

    def roles_of(self, user_id: str, target: str) -> list[dict[str, str]]:
        """The roles that a user has there, by himself or a group: id and name of each."""
        rows = self._database.read().execute(
            "SELECT roles.id, roles.name FROM held JOIN roles ON roles.id = role_id"
            " WHERE user_id = ? AND target = ? ORDER BY roles.name",
            (user_id, target),
        )
        return [{"id": row["id"], "name": row["name"]} for row in rows]

    def grants(self, **equal: str) -> list[dict[str, str]]:
        """All grants with these values of user_id, target, role_id."""
        where = " AND ".join(f"{key} = ?" for key in equal) or "1"
        rows = self._database.read().execute(
            f"SELECT user_id, target, role_id FROM grants WHERE {where}", tuple(equal.values())
        )
        return [dict(row) for row in rows]

    def projects_of(self, user_id: str) -> list[dict[str, Any]]:
        """The projects in which a user has a role."""
        rows = self._database.read().execute(
            "SELECT DISTINCT projects.* FROM held"
            " JOIN projects ON target = 'project:' || projects.id"
            " WHERE user_id = ? ORDER BY name, projects.id",
            (user_id,),
        )
        return [thing for row in rows if (thing := _thing("projects", row))]

    def _keep(self, kind: str, thing: Mapping[str, Any], statement: str) -> None:
        names = COLUMNS[kind]
        values: dict[str, Any] = {name: thing.get(name) for name in names}
        for name in _FLAGS:
            if name in values:
                values[name] = int(bool(values[name]))
        if kind != "roles" and "description" in values:
            values["description"] = values["description"] or ""
        aside = (*names, "more", "password", "original_password", "links")
        if kind in {"roles", "groups"}:
            aside += _FLAGS
        if kind == "users":
            values["more"] = _json(thing, (*aside, "password_expires_at"), drop=("description",))
        else:
            values["more"] = _json(thing, aside)
        text = statement.format(
            kind=kind, names=", ".join(values), marks=", ".join(f":{name}" for name in values)
        )
        try:
            with self._database.change() as connection:
                connection.execute(text, values)
        except sqlite3.IntegrityError as error:
            raise Refused(
                409,
                f"Conflict occurred attempting to store {kind[:-1]} - Duplicate entry found with "
                f"name {thing.get('name')}.",
            ) from error


def _json(thing: Mapping[str, Any], aside: Iterable[str], drop: Iterable[str] = ()) -> str:
    out = set(aside)
    empty = {name for name in drop if not thing.get(name)}
    return json.dumps({key: value for key, value in thing.items() if key not in out | empty})


def _thing(kind: str, row: sqlite3.Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    thing = {**json.loads(row["more"]), **{name: row[name] for name in COLUMNS[kind]}}
    for name in _FLAGS:
        if name in thing:
            thing[name] = bool(thing[name])
    return thing


def _new_id() -> str:
    return str(uuid.uuid4())
