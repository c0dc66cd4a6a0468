"""`pelagos user …`: people who use a cloud."""

from __future__ import annotations

import secrets
from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, MORE, like
from pelagos.cli.cloud.identity import (
    CREDENTIAL,
    DESCRIPTION,
    DOMAIN_OPTION,
    PROJECT,
    SWITCHES,
    USER,
    IdentityCommand,
    given,
)
from pelagos.cli.cloud.service_token import SERVICE, ServiceCommand
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.failures import NOT_FOUND, USAGE, CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.secrets import ask_secret
from pelagos.cli.tree import CommandTree

_user_commands = CommandTree("user", "People who use a cloud")
_user_commands.add_command("user_credential", "Logins of programs (OpenStack)")

_USER = Operand("name or id of the user", complete="cloud:user")
_EMAIL = ValueArgument("address", "--email", metavar="ADDRESS", may_be_empty=True)
_PASSWORD = FlagArgument("ask for a password; without a terminal, the first line of stdin",
                         "--password")  # fmt: skip
_GENERATE = FlagArgument("make a password, and print it this once", "--generate-password")
_COLUMNS = (Column("name"), Column("id"), Column("email"), Column("enabled"))


@command(_user_commands)
class UserList(IdentityCommand):
    """List the users of an OpenStack."""

    shows = True
    lists = True
    keys = ("pelagos.clients.identity.types:User",)
    arguments = {
        **CLOUD,
        "domain": DOMAIN_OPTION,
        "name": ValueArgument("only those of this name; * stands for anything", "--name",
                              metavar="PATTERN"),
    }  # fmt: skip

    def main(self) -> None:
        """Print them."""
        self.only_openstack("a list of users", "ask for one: pelagos user find NAME")
        found: list[Any] = list(
            self.cloud.identity.list_users(**given(domain_id=self.domain_id()))
        )
        if self["name"]:
            found = like(found, "name", self["name"])
        self.context.output.show_list(found, _COLUMNS, empty="no users")


@command(_user_commands)
class UserInfo(IdentityCommand):
    """Show a user; without a name yourself, your projects and your roles."""

    shows = True
    arguments = CLOUD
    operands = {"user": _USER}

    def main(self, user: str = "") -> None:
        """Print it."""
        if user and self.is_synnefo:
            which = self.astakos_user(user)
            name = self.cloud.astakos.get_username(which)
            self.context.output.show_one({"name": name, "id": which})
        elif user:
            found = self.find(USER, user)
            show_record(self, found, {key: found.get(key) for key in _SHOWN})
        else:
            record = self._me()
            show_record(self, record, record)

    def _me(self) -> dict[str, Any]:
        access = self.cloud.access
        found: dict[str, Any] = {
            "name": access.user_name,
            "id": access.user_id,
            "project": access.project_name,
            "project_id": access.project_id,
            "roles": list(access.roles),
        }
        if self.is_synnefo:
            found["projects"] = self.cloud.astakos.user_info.get("projects") or []
        else:
            found["projects"] = [one["name"] for one in self.cloud.identity.list_my_projects()]
        return found


_SHOWN = ("name", "id", "email", "description", "enabled", "domain_id", "default_project_id",
          "password_expires_at")  # fmt: skip


@command(_user_commands)
class UserFind(ServiceCommand):
    """Print names and ids of users who are named by either.

    A service of a Synnefo, which has a token of its own, finds them, too.
    """

    shows = True
    lists = True
    keys = ()
    arguments = SERVICE
    operands = {"user": _USER, "more": MORE}

    def main(self, user: str, *more: str) -> int | None:
        """Print them; those that nobody is are said on stderr."""
        rows, missing = [], []
        for word in (user, *more):
            try:
                rows.append(self._one(word))
            except CommandError as error:
                if error.code != NOT_FOUND:
                    raise
                missing.append(word)
        self.context.output.show_list(rows, (Column("name"), Column("id")))
        for word in missing:
            self.context.say(f"nobody is called {word}, and nobody has that id")
        return NOT_FOUND if missing else None

    def _one(self, word: str) -> dict[str, Any]:
        if self.is_synnefo:
            return self._by_service(word) if self.has_service_token() else self._by_name(word)
        found = self.find(USER, word)
        return {"name": found["name"], "id": found["id"]}

    def _by_name(self, word: str) -> dict[str, Any]:
        which = self.astakos_user(word)
        return {"name": self.cloud.astakos.get_username(which), "id": which}

    def _by_service(self, word: str) -> dict[str, Any]:
        if name := self.service.service_get_usernames([word]).get(word):
            return {"name": name, "id": word}
        if which := self.service.service_get_uuids([word]).get(word):
            return {"name": word, "id": which}
        raise CommandError(f"there is no user {word}", code=NOT_FOUND)


def _password(command: IdentityCommand) -> str | None:
    if command["password"] and command["generate"]:
        raise UsageError("--password and --generate-password exclude each other")
    if command["generate"]:
        return secrets.token_urlsafe(15)
    return ask_secret(command.context, "Password: ") if command["password"] else None


@command(_user_commands)
class UserCreate(IdentityCommand):
    """Make a user of an OpenStack; give him a role in a project with `pelagos role assign`."""

    shows = True
    arguments = {
        **CLOUD,
        "email": _EMAIL,
        "password": _PASSWORD,
        "generate": _GENERATE,
        "description": DESCRIPTION,
        "project": ValueArgument("where he is logged in by default", "--project",
                                 metavar="PROJECT", complete="cloud:project"),
        "domain": DOMAIN_OPTION,
    }  # fmt: skip
    operands = {"user": Operand("name to log in with")}
    examples = ("pelagos user create ann --email ann@example.org --generate-password",)

    def main(self, user: str) -> None:
        """Make and print him."""
        self.only_openstack("users", "they register themselves, on the web page")
        password = _password(self)
        made: dict[str, Any] = dict(
            self.cloud.identity.create_user(
                user,
                password=password,
                domain_id=self.domain_id(),
                default_project_id=(
                    self.find_id(PROJECT, self["project"]) if self["project"] else None
                ),
                **given(email=self["email"], description=self["description"]),
            )
        )
        if self["generate"]:
            made["password"] = password
        show_record(self, made, {key: made.get(key) for key in (*_SHOWN, "password")})


@command(_user_commands)
class UserModify(IdentityCommand):
    """Change a user of an OpenStack."""

    arguments = {
        **CLOUD,
        **SWITCHES,
        "rename": ValueArgument("another name", "--name", metavar="NAME"),
        "email": _EMAIL,
        "description": DESCRIPTION,
        "password": _PASSWORD,
        "generate": _GENERATE,
    }
    required = [name for name in arguments if name != "cloud"]
    operands = {"user": _USER}

    def main(self, user: str) -> None:
        """Change him."""
        self.only_openstack("users", "they change themselves, on the web page")
        which = self.find_id(USER, user)
        password = _password(self)
        fields = given(
            name=self["rename"],
            email=self["email"],
            description=self["description"],
            password=password,
        )
        self.cloud.identity.update_user(which, **fields, **self.enabled())
        if self["generate"]:
            self.context.output.line(str(password))
        self.context.say(f"{user} is changed")


@command(_user_commands)
class UserPassword(IdentityCommand):
    """Change your own password; every token of yours ends."""

    arguments = CLOUD

    def main(self) -> None:
        """Change it."""
        self.only_openstack("passwords", "change it on the web page")
        old = ask_secret(self.context, "Present password: ")
        new = ask_secret(self.context, "New password: ")
        self.cloud.identity.change_password(self.cloud.access.user_id, old, new)
        self.context.say(f"it is changed; put it into {self.cloud.settings.origin}")


@command(_user_commands)
class UserDelete(IdentityCommand):
    """Remove users from an OpenStack; what they own in projects stays."""

    arguments = {**CLOUD, "yes": FlagArgument("really", "--yes")}
    operands = {"user": _USER, "more": MORE}

    def main(self, user: str, *more: str) -> int | None:
        """Remove them."""
        self.only_openstack("users")
        found = [self.find(USER, one) for one in (user, *more)]
        if not self["yes"]:
            names = ", ".join(str(one["name"]) for one in found)
            self.context.say(f"{names}: with --yes removed for good")
            return USAGE
        for one in found:
            self.cloud.identity.delete_user(str(one["id"]))
            self.context.say(f"{one['name']} is gone")
        return None


@command(_user_commands, path="user credential list")
class CredentialList(IdentityCommand):
    """List the logins that programs of yours have (OpenStack)."""

    shows = True
    lists = True
    keys = ("pelagos.clients.identity.types:ApplicationCredential",)
    arguments = CLOUD

    def main(self) -> None:
        """Print them."""
        self.only_openstack("logins of programs", "give them your token")
        identity, me = self.cloud.identity, self.cloud.access.user_id
        columns = (Column("name"), Column("id"), Column("expires_at", "until"),
                   Column("description"))  # fmt: skip
        self.context.output.show_list(
            identity.list_application_credentials(me), columns, empty="no logins of programs"
        )


@command(_user_commands, path="user credential create")
class CredentialCreate(IdentityCommand):
    """Make a login for a program: it has your roles in your project and no password.

    Its secret is printed this once. In clouds.yaml: `auth_type: v3applicationcredential`.
    """

    shows = True
    arguments = {
        **CLOUD,
        "description": DESCRIPTION,
        "until": ValueArgument("when it ends, UTC, as 2030-01-31T00:00", "--until",
                               metavar="TIME"),
    }  # fmt: skip
    operands = {"name": Operand("its name")}

    def main(self, name: str) -> None:
        """Make and print it."""
        self.only_openstack("logins of programs", "give them your token")
        made = self.cloud.identity.create_application_credential(
            self.cloud.access.user_id,
            name,
            expires_at=self["until"],
            **given(description=self["description"]),
        )
        shown = ("name", "id", "secret", "expires_at", "description")
        record = dict(made)
        show_record(self, record, {key: record.get(key) for key in shown})


@command(_user_commands, path="user credential delete")
class CredentialDelete(IdentityCommand):
    """Remove logins of programs; their tokens end."""

    arguments = CLOUD
    operands = {
        "name": Operand("name or id of the login", complete="cloud:credential"),
        "more": MORE,
    }

    def main(self, name: str, *more: str) -> None:
        """Remove them."""
        self.only_openstack("logins of programs")
        identity, me = self.cloud.identity, self.cloud.access.user_id
        for word in (name, *more):
            identity.delete_application_credential(me, self.find_id(CREDENTIAL, word))
            self.context.say(f"the login {word} is gone")
