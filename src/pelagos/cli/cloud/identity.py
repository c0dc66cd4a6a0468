"""Commands on people and projects of a cloud: who is meant, and which clouds have such a thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import Argument, FlagArgument, ValueArgument
from pelagos.cli.cloud.command import CloudCommand, Kind, Record
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from pelagos.clients.cloud import Cloud


def _projects(cloud: Cloud) -> Sequence[Record]:
    """All that the asker may see: all there are, for an administrator."""
    from pelagos.clients.errors import Forbidden

    try:
        return cloud.identity.list_projects()
    except Forbidden:
        return cloud.identity.list_my_projects()


USER = Kind(
    "user",
    lambda cloud: cloud.identity.list_users(),
    lambda cloud, which: cloud.identity.get_user(which),
    is_whole=True,
)
PROJECT = Kind(
    "project",
    _projects,
    lambda cloud, which: cloud.identity.get_project(which),
    is_whole=True,
)
SYNNEFO_PROJECT = Kind(
    "project",
    lambda cloud: cloud.astakos.get_projects(),
    lambda cloud, which: cloud.astakos.get_project(which),
    is_whole=True,
)


def project_kind(cloud: Cloud) -> Kind:
    """The kind that a project is in this cloud."""
    return SYNNEFO_PROJECT if cloud.dialect == "synnefo" else PROJECT


GROUP = Kind(
    "group",
    lambda cloud: cloud.identity.list_groups(),
    lambda cloud, which: cloud.identity.get_group(which),
    is_whole=True,
)
ROLE = Kind(
    "role",
    lambda cloud: cloud.identity.list_roles(),
    lambda cloud, which: cloud.identity.get_role(which),
    is_whole=True,
)
DOMAIN = Kind(
    "domain",
    lambda cloud: cloud.identity.list_domains(),
    lambda cloud, which: cloud.identity.get_domain(which),
    is_whole=True,
)

CREDENTIAL = Kind(
    "login",
    lambda cloud: cloud.identity.list_application_credentials(cloud.access.user_id),
    lambda cloud, which: cloud.identity.get_application_credential(cloud.access.user_id, which),
    is_whole=True,
    list_command="user credential list",
)
MEMBERSHIP = Kind(
    "membership",
    lambda cloud: cloud.astakos.get_memberships(),
    lambda cloud, which: cloud.astakos.get_membership(which),
    is_whole=True,
    keys=("id",),
)

DESCRIPTION = ValueArgument("what it is for", "--description", metavar="TEXT", may_be_empty=True)
DOMAIN_OPTION = ValueArgument(
    "name or id of the domain (OpenStack); yours unless told",
    "--domain",
    metavar="DOMAIN",
    complete="cloud:domain",
)
SWITCHES: Mapping[str, Argument] = {
    "enable": FlagArgument("let it be used", "--enable"),
    "disable": FlagArgument("let it not be used", "--disable"),
}


class IdentityCommand(CloudCommand):
    """A command on people and projects; its `arguments` must have `CLOUD`."""

    @property
    def is_synnefo(self) -> bool:
        """Whether the cloud has Astakos; else it has Keystone."""
        return self.cloud.dialect == "synnefo"

    def only_openstack(self, what: str, instead: str | None = None) -> None:
        """Refuse what only Keystone has, when this is a Synnefo.

        Raises:
            CommandError: says what to do instead.
        """
        if self.is_synnefo:
            raise CommandError(
                f"{what}: the cloud {self.cloud.name} is a Synnefo, which has no such thing",
                hint=instead or "its administrator sees to it",
            )

    def only_synnefo(self, what: str, instead: str | None = None) -> None:
        """Refuse what only Astakos has, when this is an OpenStack.

        Raises:
            CommandError: says what to do instead.
        """
        if not self.is_synnefo:
            raise CommandError(
                f"{what}: the cloud {self.cloud.name} is an OpenStack, which has no such thing",
                hint=instead or "see: pelagos project --help",
            )

    def project(self, wanted: str) -> Record:
        """A project by its name or id, in either family."""
        return self.find(project_kind(self.cloud), wanted)

    def domain_id(self) -> str | None:
        """The domain that --domain names."""
        return self.find_id(DOMAIN, self["domain"]) if self["domain"] else None

    def enabled(self) -> dict[str, bool]:
        """What --enable and --disable say.

        Raises:
            UsageError: both are given.
        """
        if self["enable"] and self["disable"]:
            raise UsageError("--enable and --disable exclude each other")
        return {"enabled": self["enable"]} if self["enable"] or self["disable"] else {}

    def astakos_user(self, wanted: str) -> str:
        """The id of a user of Synnefo, by name or id.

        Raises:
            CommandError: there is none.
        """
        from pelagos.clients.errors import NotFound

        astakos = self.cloud.astakos
        if wanted in astakos.get_usernames([wanted]):
            return wanted
        try:
            return astakos.get_uuid(wanted)
        except NotFound as error:
            raise CommandError(
                f"there is no user {wanted} in the cloud {self.cloud.name}",
                hint="names are e-mail addresses there",
                code=NOT_FOUND,
            ) from error


def moment(option: str, text: str) -> str:
    """A date or time as Astakos takes it, with its offset; a date alone is that day's midnight.

    >>> moment("--end-date", "2030-01-01")
    '2030-01-01T00:00:00+00:00'

    Raises:
        UsageError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is no date", hint=f"write for example: {option} 2030-01-31"
        ) from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def given(**fields: Any) -> dict[str, Any]:
    """Those fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}
