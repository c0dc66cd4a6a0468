"""Who may read or write an object that is not theirs; what anybody may read."""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.objects.store import Container, ObjectStore
from pelagos.box.objects.tables import CURRENT

DIRECTORY_TYPES = frozenset({"application/directory", "application/folder"})
_ALPHABET = string.digits + string.ascii_letters
_PUBLIC_LENGTH = 22


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may do what with an object, and whence.

    Attributes:
        name: the object that gives it: the same, or a folder above.
        read, write: ids of users, `ACCOUNT:GROUP`, or `*`; whoever writes may read, too.
    """

    container: Container
    name: str
    read: tuple[str, ...]
    write: tuple[str, ...]

    @property
    def text(self) -> str:
        """As the header says it."""
        kinds = (("read", self.read), ("write", self.write))
        return "; ".join(f"{kind}={','.join(who)}" for kind, who in kinds if who)

    @property
    def path(self) -> str:
        """Where it is given."""
        return f"{self.container.account}/{self.container.name}/{self.name}"


class Sharing:
    """The grants and publications of all accounts; safe to share between threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._database = store.database

    def grant(self, container: Container, name: str) -> Grant | None:
        """What holds for an object: its own, or that of the nearest folder above."""
        rows = {
            row["name"]: row
            for row in self._database.read().execute(
                "SELECT * FROM pithos_sharing WHERE container_id = ?"
                " AND (name = ? OR substr(?, 1, length(name) + 1) = name || '/')",
                (container.id, name, name),
            )
        }
        for path in sorted(rows, key=len, reverse=True):
            if path != name and not self._is_folder(container, path):
                continue
            row = rows[path]
            return Grant(
                container, path, tuple(json.loads(row["read"])), tuple(json.loads(row["write"]))
            )
        return None

    def _is_folder(self, container: Container, name: str) -> bool:
        version = self._store.current(container, name)
        kind = version.type.partition(";")[0].strip() if version else ""
        return kind in DIRECTORY_TYPES

    def allows(self, user_id: str, container: Container, name: str) -> str:
        """What a user may do with an object: "", "read" or "write"."""
        if user_id == container.account:
            return "write"
        grant = self.grant(container, name)
        if grant is None:
            return ""
        if self._is_among(user_id, grant.write):
            return "write"
        return "read" if self._is_among(user_id, grant.read) else ""

    def _is_among(self, user_id: str, members: tuple[str, ...]) -> bool:
        if user_id in members or "*" in members:
            return True
        for member in members:
            account, is_group, group = member.partition(":")
            if is_group:
                groups = self._store.account_meta(account).get("groups", {})
                if user_id in groups.get(group, ()):
                    return True
        return False

    def share(self, container: Container, name: str, read: list[str], write: list[str]) -> None:
        """Let this hold for an object, and nothing else; nobody: nothing is shared."""
        with self._database.change() as connection:
            connection.execute(
                "DELETE FROM pithos_sharing WHERE container_id = ? AND name = ?",
                (container.id, name),
            )
            if read or write:
                connection.execute(
                    "INSERT INTO pithos_sharing VALUES (?, ?, ?, ?)",
                    (container.id, name, json.dumps(read), json.dumps(write)),
                )

    def publish(self, container: Container, name: str) -> None:
        """Let anybody read an object who knows its public address."""
        text = "".join(secrets.choice(_ALPHABET) for _ in range(_PUBLIC_LENGTH))
        with self._database.change() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO pithos_public VALUES (?, ?, ?)", (container.id, name, text)
            )

    def withdraw(self, container: Container, name: str) -> None:
        """Let the public address end."""
        with self._database.change() as connection:
            connection.execute(
                "DELETE FROM pithos_public WHERE container_id = ? AND name = ?",
                (container.id, name),
            )

    def public_id(self, container: Container, name: str) -> str:
        """What the public address of an object ends with; empty without one."""
        row = (
            self._database.read()
            .execute(
                "SELECT id FROM pithos_public WHERE container_id = ? AND name = ?",
                (container.id, name),
            )
            .fetchone()
        )
        return str(row["id"]) if row else ""

    def published(self, public_id: str) -> tuple[Container, str] | None:
        """Container and name of what has this public address."""
        row = (
            self._database.read()
            .execute(
                "SELECT account, containers.name AS container, pithos_public.name AS name"
                " FROM pithos_public JOIN containers ON containers.id = container_id"
                " WHERE pithos_public.id = ?",
                (public_id,),
            )
            .fetchone()
        )
        container = self._store.container(row["account"], row["container"]) if row else None
        return (container, row["name"]) if container else None

    def forget(self, container: Container, name: str) -> None:
        """An object was deleted: nothing of it is shared or public."""
        self.share(container, name, [], [])
        self.withdraw(container, name)

    def containers(self, user_id: str, account: str = "") -> list[Container]:
        """The containers of others in which something is shared with a user."""
        rows = self._database.read().execute(
            "SELECT DISTINCT account, containers.name AS name FROM pithos_sharing"
            " JOIN containers ON containers.id = container_id"
            " WHERE account != ? AND (? = '' OR account = ?) ORDER BY account, containers.name",
            (user_id, account, account),
        )
        found = [self._store.container(row["account"], row["name"]) for row in rows.fetchall()]
        return [one for one in found if one and self.names(user_id, one)]

    def names(self, user_id: str, container: Container) -> list[str]:
        """The names of objects and folders in a container that are shared with a user."""
        rows = self._database.read().execute(
            "SELECT name FROM pithos_sharing WHERE container_id = ?"
            " AND EXISTS (SELECT 1 FROM versions WHERE versions.container_id ="
            " pithos_sharing.container_id AND versions.name = pithos_sharing.name"
            f" AND place = {CURRENT})",
            (container.id,),
        )
        return [
            row["name"] for row in rows.fetchall() if self.allows(user_id, container, row["name"])
        ]


def parse_sharing(text: str) -> tuple[list[str], list[str]]:
    """Who may read and write, from the header.

    Raises:
        Refused: it says something else.

    >>> parse_sharing("read=a,b; write=c")
    (['a', 'b'], ['c'])
    """
    told: dict[str, list[str]] = {"read": [], "write": []}
    for word in text.replace(" ", "").split(";"):
        kind, found, who = word.partition("=")
        if not word:
            continue
        if not found or kind not in told:
            raise Refused(400, "Bad X-Object-Sharing header value: missing prefix")
        if not who:
            raise Refused(400, "Bad X-Object-Sharing header value: invalid length")
        told[kind] += [_member(one) for one in who.split(",") if one]
    write = list(dict.fromkeys(told["write"]))
    return [one for one in dict.fromkeys(told["read"]) if one not in write], write


def _member(text: str) -> str:
    account, is_group, group = text.partition(":")
    return f"{account}:{group.lower()}" if is_group else account


def shown(grant: Grant | None, name: str) -> dict[str, Any]:
    """What a listing says of a grant."""
    if grant is None:
        return {}
    told = {"x_object_sharing": grant.text}
    return {**told, "x_object_shared_by": grant.path} if grant.name != name else told
