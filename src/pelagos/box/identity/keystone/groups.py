"""Who is in which group, as Keystone v3 shows and changes it; the groups are in `resources`."""

from __future__ import annotations

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone.shapes import listed
from pelagos.box.web import Answer, Request, Router

_FORBIDDEN = "You are not authorized to perform the requested action: identity:{}."


class Members:
    """The resources /v3/groups/ID/users and /v3/users/ID/groups."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._people = identity.people
        self._groups = identity.groups

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("GET", "/v3/users/{key}/groups", self._of_user)
        router.add("GET", "/v3/groups/{key}/users", self._list)
        place = "/v3/groups/{key}/users/{user_id}"
        for method, work in (
            ("PUT", self._join),
            ("GET", self._check),
            ("HEAD", self._check),
            ("DELETE", self._leave),
        ):
            router.add(method, place, work)

    def _admin(self, request: Request, action: str) -> None:
        if not self._identity.caller(request).is_admin:
            raise Refused(403, _FORBIDDEN.format(action))

    def _both(self, key: str, user_id: str) -> None:
        self._people.require("groups", key)
        self._people.require("users", user_id)

    def _of_user(self, request: Request, key: str) -> Answer:
        token = self._identity.caller(request)
        if not (token.is_admin or key == token.user_id):
            raise Refused(403, _FORBIDDEN.format("list_groups_for_user"))
        self._people.require("users", key)
        return listed(request, "groups", self._groups.of(key))

    def _list(self, request: Request, key: str) -> Answer:
        self._admin(request, "list_users_in_group")
        self._people.require("groups", key)
        return listed(request, "users", self._groups.members(key))

    def _join(self, request: Request, key: str, user_id: str) -> Answer:
        self._admin(request, "add_user_to_group")
        self._both(key, user_id)
        self._groups.join(key, user_id)
        return Answer(204)

    def _check(self, request: Request, key: str, user_id: str) -> Answer:
        self._admin(request, "check_user_in_group")
        self._both(key, user_id)
        self._groups.check(key, user_id)
        return Answer(204)

    def _leave(self, request: Request, key: str, user_id: str) -> Answer:
        self._admin(request, "remove_user_from_group")
        self._both(key, user_id)
        self._groups.leave(key, user_id)
        return Answer(204)
