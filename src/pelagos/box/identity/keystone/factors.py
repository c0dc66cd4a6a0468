"""Second factors of Keystone: the secrets of devices that show passcodes, and who needs them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone.shapes import linked, listed, text, told
from pelagos.box.identity.passcodes import fitting_step, read_secret
from pelagos.box.identity.tokens import Token
from pelagos.box.web import Answer, Request, Router, json_answer

_TABLE = "credentials"
_TOTP = "totp"
_FORBIDDEN = "You are not authorized to perform the requested action: identity:{}_credential."


class Factors:
    """The resources below /v3/credentials, and what logging in asks of them."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._database = identity.database

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("GET", "/v3/credentials", self._list)
        router.add("POST", "/v3/credentials", self._add)
        router.add("GET", "/v3/credentials/{key}", self._show)
        router.add("PATCH", "/v3/credentials/{key}", self._change)
        router.add("DELETE", "/v3/credentials/{key}", self._remove)

    # ---- logging in

    def passcode_fits(self, user_id: str, passcode: str) -> bool:
        """Whether one of a user's devices shows this passcode; each is good once."""
        now = self._identity.clock.time()
        for one in self._every(user_id=user_id, type=_TOTP):
            step = fitting_step(read_secret(one["blob"]), passcode, now)
            if step is None:
                continue
            with self._database.change() as connection:
                used = connection.execute(
                    f"UPDATE {_TABLE} SET used = ? WHERE id = ? AND used < ?",
                    (step, one["id"], step),
                )
                return used.rowcount == 1
        return False

    def check(self, user: Mapping[str, Any], methods: Collection[str]) -> None:
        """See that a user has shown all that one of his rules asks for.

        Raises:
            Refused: 401.
        """
        options = user.get("options")
        options = options if isinstance(options, dict) else {}
        rules = options.get("multi_factor_auth_rules") or []
        if not options.get("multi_factor_auth_enabled") or not rules:
            return
        if not any(set(rule) <= set(methods) for rule in rules):
            raise Refused(
                401,
                f"Insufficient auth methods received for {user['id']}. "
                f"Auth Methods Provided: {', '.join(methods)}.",
            )

    # ---- the secrets

    def _every(self, **equal: Any) -> list[dict[str, Any]]:
        where = " AND ".join(f"{name} = ?" for name in equal) or "1"
        rows = self._database.read().execute(
            f"SELECT * FROM {_TABLE} WHERE {where} ORDER BY rowid", tuple(equal.values())
        )
        return [dict(row) for row in rows]

    def _list(self, request: Request) -> Answer:
        token = self._identity.caller(request)
        equal = {
            name: request.query[name] for name in ("user_id", "type") if name in request.query
        }
        shown = [
            _shown(one)
            for one in self._every(**equal)
            if token.is_admin or one["user_id"] == token.user_id
        ]
        return listed(request, _TABLE, shown)

    def _add(self, request: Request) -> Answer:
        token = self._identity.caller(request)
        body = told(request, "credential")
        made: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "user_id": str(body.get("user_id") or token.user_id),
            "type": text(body, "type"),
            "blob": _blob(body),
            "project_id": body.get("project_id"),
        }
        self._check_owner(token, made, "create")
        self._identity.people.require("users", made["user_id"])
        if made["type"] == _TOTP:
            _check_secret(made["blob"])
        if made["project_id"] is not None:
            self._identity.people.require("projects", str(made["project_id"]))
        with self._database.change() as connection:
            connection.execute(
                f"INSERT INTO {_TABLE} (id, user_id, type, blob, project_id, used) "
                "VALUES (:id, :user_id, :type, :blob, :project_id, -1)",
                made,
            )
        return json_answer({"credential": linked(request, _TABLE, made)}, 201)

    def _find(self, request: Request, key: str, action: str) -> dict[str, Any]:
        token = self._identity.caller(request)
        found = self._every(id=key)
        if not found:
            raise Refused(404, f"Could not find credential: {key}.")
        self._check_owner(token, found[0], action)
        return _shown(found[0])

    def _check_owner(self, token: Token, one: Mapping[str, Any], action: str) -> None:
        if not token.is_admin and one["user_id"] != token.user_id:
            raise Refused(403, _FORBIDDEN.format(action))

    def _show(self, request: Request, key: str) -> Answer:
        found = self._find(request, key, "get")
        return json_answer({"credential": linked(request, _TABLE, found)})

    def _change(self, request: Request, key: str) -> Answer:
        found = self._find(request, key, "update")
        body = told(request, "credential")
        if "blob" in body:
            found["blob"] = _blob(body)
        if found["type"] == _TOTP:
            _check_secret(found["blob"])
        with self._database.change() as connection:
            connection.execute(f"UPDATE {_TABLE} SET blob = ? WHERE id = ?", (found["blob"], key))
        return json_answer({"credential": linked(request, _TABLE, found)})

    def _remove(self, request: Request, key: str) -> Answer:
        self._find(request, key, "delete")
        with self._database.change() as connection:
            connection.execute(f"DELETE FROM {_TABLE} WHERE id = ?", (key,))
        return Answer(204)


def check_rules(body: Mapping[str, Any]) -> None:
    """See that the options of a user that are about factors are right.

    Raises:
        Refused: 400.
    """
    options = body.get("options")
    if options is None:
        return
    if not isinstance(options, dict):
        raise Refused(400, "Invalid input for field 'options': it is not of type object")
    rules = options.get("multi_factor_auth_rules")
    if rules is not None and not _are_rules(rules):
        raise Refused(
            400,
            "Invalid input for field 'multi_factor_auth_rules': it is not a list of lists of "
            "methods",
        )
    if not isinstance(options.get("multi_factor_auth_enabled", False), bool | None):
        raise Refused(400, "Invalid input for field 'multi_factor_auth_enabled': not a boolean")


def _are_rules(rules: Any) -> bool:
    return isinstance(rules, list) and all(
        isinstance(rule, list) and rule and all(isinstance(one, str) for one in rule)
        for rule in rules
    )


def _blob(body: Mapping[str, Any]) -> str:
    blob = body.get("blob")
    if not isinstance(blob, str):
        raise Refused(400, "'blob' is a required property")
    return blob


def _check_secret(blob: str) -> None:
    try:
        read_secret(blob)
    except ValueError as error:
        raise Refused(400, f"Invalid input for field 'blob': {error}") from error


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "used"}
