"""Names and ids of users, and what they say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pelagos.clients.astakos.calls import Calls
from pelagos.clients.errors import NotFound


class NoUserName(NotFound):
    """No user has this id."""

    def __init__(self, uuid: str) -> None:
        super().__init__(f"no user has the id {uuid}", 404, hint="check the id")


class NoUUID(NotFound):
    """No user has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no user is called {name}", 404, hint="names are e-mail addresses here")


class Users(Calls):
    """The part of the client that knows users."""

    def get_usernames(self, uuids: Iterable[str]) -> dict[str, str]:
        """Names by id; ids that nobody has are left out."""
        return self._catalogue("user_catalogs", "uuids", list(uuids), "uuid_catalog")

    def get_username(self, uuid: str) -> str:
        """The name of a user.

        Raises:
            NoUserName: there is none.
        """
        found = self.get_usernames([uuid])
        if uuid not in found:
            raise NoUserName(uuid)
        return found[uuid]

    def get_uuids(self, display_names: Iterable[str]) -> dict[str, str]:
        """Ids by name; names that nobody has are left out."""
        names = list(display_names)
        return self._catalogue("user_catalogs", "displaynames", names, "displayname_catalog")

    def get_uuid(self, display_name: str) -> str:
        """The id of a user.

        Raises:
            NoUUID: nobody has that name.
        """
        found = self.get_uuids([display_name])
        if display_name not in found:
            raise NoUUID(display_name)
        return found[display_name]

    def service_get_usernames(self, uuids: Iterable[str] | None) -> dict[str, str]:
        """Names by id, for a service; None asks for everybody."""
        wanted = None if uuids is None else list(uuids)
        return self._catalogue("service/user_catalogs", "uuids", wanted, "uuid_catalog")

    def service_get_username(self, uuid: str) -> str:
        """The name of a user, for a service.

        Raises:
            NoUserName: there is none.
        """
        found = self.service_get_usernames([uuid])
        if uuid not in found:
            raise NoUserName(uuid)
        return found[uuid]

    def service_get_uuids(self, display_names: Iterable[str] | None) -> dict[str, str]:
        """Ids by name, for a service; None asks for everybody."""
        wanted = None if display_names is None else list(display_names)
        return self._catalogue(
            "service/user_catalogs", "displaynames", wanted, "displayname_catalog"
        )

    def service_get_uuid(self, display_name: str) -> str:
        """The id of a user, for a service.

        Raises:
            NoUUID: nobody has that name.
        """
        found = self.service_get_uuids([display_name])
        if display_name not in found:
            raise NoUUID(display_name)
        return found[display_name]

    def post_user_catalogs(
        self, uuids: Iterable[str] | None = None, displaynames: Iterable[str] | None = None
    ) -> Any:
        """Both catalogues, as the service answers: `uuid_catalog` and `displayname_catalog`."""
        body = {
            name: list(value)
            for name, value in (("uuids", uuids), ("displaynames", displaynames))
            if value is not None
        }
        return self._call("POST", "/user_catalogs", json=body).json

    def send_feedback(self, feedback_msg: str, feedback_data: str = "") -> None:
        """Send a word to those who run the cloud."""
        from urllib.parse import urlencode  # noqa: PLC0415  # beside its one use

        form = urlencode({"feedback_msg": feedback_msg, "feedback_data": feedback_data})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._call("POST", "/feedback", data=form, headers=headers)

    def set_default_project(self, project_id: str) -> None:
        """Let this project be charged where a request names none."""
        self._call("POST", "/myaccount/default_project", json={"project_id": project_id})

    def _catalogue(
        self, path: str, key: str, wanted: list[str] | None, answer: str
    ) -> dict[str, str]:
        body = {key: wanted} if wanted is not None else {key: None}
        return self._call("POST", f"/{path}", json=body).record(answer)
