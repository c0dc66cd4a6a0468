"""Users, groups, and the logins that programs of a user have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pelagos.clients.identity.things import Things
from pelagos.clients.identity.types import ApplicationCredential, Group, Project, User


class People(Things):
    """The part of the client that knows people."""

    def list_users(self, **filters: Any) -> list[User]:
        """Users, filtered by name, domain_id, enabled and so on."""
        return self._list(("users",), "users", **filters)

    def get_user(self, user_id: str) -> User:
        """A user by id."""
        return cast(User, self._get(("users", user_id), "user"))

    def find_user(self, name_or_id: str, *, domain_id: str | None = None) -> User:
        """The one user with this name, or else this id.

        Raises:
            NotFound: there is none.
            Conflict: several have the name, in different domains.
        """
        return cast(User, self._find("user", "users", "user", name_or_id, domain_id=domain_id))

    def create_user(
        self,
        name: str,
        *,
        password: str | None = None,
        domain_id: str | None = None,
        default_project_id: str | None = None,
        **fields: Any,
    ) -> User:
        """Make a user; `fields` are what else one has: email, enabled, description."""
        made = self._make(
            ("users",),
            "user",
            name=name,
            password=password,
            domain_id=domain_id,
            default_project_id=default_project_id,
            **fields,
        )
        return cast(User, made)

    def update_user(self, user_id: str, **fields: Any) -> User:
        """Change fields of a user."""
        return cast(User, self._change(("users", user_id), "user", **fields))

    def delete_user(self, user_id: str) -> None:
        """Remove a user."""
        self._remove(("users", user_id))

    def change_password(self, user_id: str, old: str, new: str) -> None:
        """Change one's own password; tokens of the user end.

        Raises:
            Unauthorized: the old one is wrong.
        """
        body = {"user": {"original_password": old, "password": new}}
        self.post(("users", user_id, "password"), json=body, success=(200, 204))

    def list_user_projects(self, user_id: str) -> list[Project]:
        """The projects in which a user has a role."""
        return self._list(("users", user_id, "projects"), "projects")

    def list_user_groups(self, user_id: str) -> list[Group]:
        """The groups of a user."""
        return self._list(("users", user_id, "groups"), "groups")

    # ---- groups

    def list_groups(self, **filters: Any) -> list[Group]:
        """Groups, filtered by name and domain_id."""
        return self._list(("groups",), "groups", **filters)

    def get_group(self, group_id: str) -> Group:
        """A group by id."""
        return cast(Group, self._get(("groups", group_id), "group"))

    def create_group(
        self, name: str, *, domain_id: str | None = None, description: str | None = None
    ) -> Group:
        """Make a group."""
        made = self._make(
            ("groups",), "group", name=name, domain_id=domain_id, description=description
        )
        return cast(Group, made)

    def update_group(self, group_id: str, **fields: Any) -> Group:
        """Change fields of a group."""
        return cast(Group, self._change(("groups", group_id), "group", **fields))

    def delete_group(self, group_id: str) -> None:
        """Remove a group; its users stay."""
        self._remove(("groups", group_id))

    def list_group_users(self, group_id: str) -> list[User]:
        """Who is in a group."""
        return self._list(("groups", group_id, "users"), "users")

    def add_group_user(self, group_id: str, user_id: str) -> None:
        """Put a user into a group."""
        self._put(("groups", group_id, "users", user_id))

    def remove_group_user(self, group_id: str, user_id: str) -> None:
        """Take a user out of a group."""
        self._remove(("groups", group_id, "users", user_id))

    def is_group_user(self, group_id: str, user_id: str) -> bool:
        """Whether a user is in a group."""
        return self._is_there(("groups", group_id, "users", user_id))

    # ---- logins of programs

    def list_application_credentials(
        self, user_id: str, **filters: Any
    ) -> list[ApplicationCredential]:
        """The logins that programs of a user have."""
        path = ("users", user_id, "application_credentials")
        return self._list(path, "application_credentials", **filters)

    def get_application_credential(
        self, user_id: str, credential_id: str
    ) -> ApplicationCredential:
        """One of them; without its secret."""
        path = ("users", user_id, "application_credentials", credential_id)
        return cast(ApplicationCredential, self._get(path, "application_credential"))

    def create_application_credential(
        self,
        user_id: str,
        name: str,
        *,
        roles: Iterable[Mapping[str, str]] | None = None,
        expires_at: str | None = None,
        **fields: Any,
    ) -> ApplicationCredential:
        """Make one for the project of the token; its `secret` is told only now.

        Args:
            user_id: the asker's own.
            name: of the login.
            roles: of the asker's, each by id or name; all of them unless told.
            expires_at: ISO 8601, UTC; never unless told.
            fields: description, secret, unrestricted, access_rules.
        """
        made = self._make(
            ("users", user_id, "application_credentials"),
            "application_credential",
            name=name,
            roles=list(roles) if roles is not None else None,
            expires_at=expires_at,
            **fields,
        )
        return cast(ApplicationCredential, made)

    def delete_application_credential(self, user_id: str, credential_id: str) -> None:
        """Remove one; its tokens end."""
        self._remove(("users", user_id, "application_credentials", credential_id))
