"""`pelagos cloud …`: the clouds that are configured."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import (
    CLOUD,
    CloudCommand,
    carrier,
    cloud_environ,
    cloud_name,
    open_cloud,
)
from pelagos.cli.cloud.showing import show_record
from pelagos.cli.failures import FAILED, CommandError, UsageError
from pelagos.cli.moment import length
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.errors import PelagosError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from pelagos.clients.cloud import Access, Cloud, CloudSettings

_cloud_commands = CommandTree("cloud", "The clouds that are configured")

_SHOWN = Operand("its name; the same as --cloud", complete="cloud")
_NAME = re.compile(r"[\w.-]+")
_SECRETS = ("password", "token", "application_credential_secret")
_WAYS = {
    "username": "password",
    "token": "token",
    "credential": "application_credential_secret",
}
"""The options that say how to log in, and what the secret of each is called."""
_ONE = {"limit": 1}


class _OnClouds(CloudCommand):
    """Is about how clouds are configured; has no --cloud."""


class _OnCloud(CloudCommand):
    """Is about one cloud, which is its operand or that of --cloud."""

    shows = True
    arguments = CLOUD
    operands = {"cloud": _SHOWN}

    def opened(self, named: str) -> Cloud:
        """The cloud that is meant; nothing is sent yet."""
        if named and self["cloud"] and named != self["cloud"]:
            raise UsageError(f"these are two clouds: {named} and {self['cloud']}")
        return open_cloud(self.context, named or self["cloud"])


@command(_cloud_commands)
class CloudList(_OnClouds):
    """List the clouds that are configured, in whichever file; nothing is sent."""

    shows = True
    lists = True
    keys = ()
    examples = ("pelagos cloud list",)

    def main(self) -> None:
        """Print them."""
        from pelagos.clients.cloud import KnownClouds

        known = KnownClouds(cloud_environ(self.context))
        default = self._default()
        rows = [_row(known, name, default) for name in known.names()]
        columns = (
            Column("name"),
            Column("is_default", "default", lambda one: "*" if one else ""),
            Column("kind"),
            Column("user"),
            Column("project"),
            Column("auth_url", "at"),
            Column("origin", "in"),
        )
        empty = "no cloud is configured; add one: pelagos cloud add NAME URL --username USER"
        self.context.output.show_list(rows, columns, empty=empty)

    def _default(self) -> str:
        from pelagos.clients.errors import CloudNotConfigured

        try:
            return cloud_name(self.context)
        except CloudNotConfigured:  # several, and none of them is
            return ""


@command(_cloud_commands)
class CloudInfo(_OnCloud):
    """Show how a cloud is configured, without its secrets; nothing is sent."""

    def main(self, cloud: str = "") -> None:
        """Print it."""
        opened = self.opened(cloud)
        self.context.output.show_one({"name": opened.name, **_told(opened.settings)})


@command(_cloud_commands)
class CloudCheck(_OnCloud):
    """Log in to a cloud, and ask each of its services for a little.

    Ends with 1 when one of them does not answer as it should.
    """

    lists = True
    keys = ()
    examples = ("pelagos cloud check work",)
    advice = ""

    def main(self, cloud: str = "") -> int | None:
        """Check it."""
        self.cloud = self.opened(cloud)
        begin = self.context.clock.monotonic()
        access = self.cloud.access
        passed = self.context.clock.monotonic() - begin
        rows = [_checked("login", _at_login(self.cloud), passed, _who(access))]
        rows += [self._asked(name, ask) for name, ask in _services(self.cloud)]
        columns = (
            Column("service"),
            Column("verdict"),
            Column("elapsed_ms"),
            Column("said"),
            Column("url", "at"),
        )
        self.context.output.show_list(rows, columns)
        return FAILED if any(one["verdict"] == "fail" for one in rows) else None

    def _asked(self, name: str, ask: Callable[[], Any]) -> dict[str, Any]:
        from pelagos.clients.errors import ClientError, CloudNotConfigured

        clock = self.context.clock
        begin, url = clock.monotonic(), ""
        try:
            url = self.cloud.endpoint(name)
            said = ask()
        except CloudNotConfigured as error:  # not every cloud has every service
            told = self.explained(error)
            return {**_checked(name, url, 0, told.message), "verdict": "none"}
        except ClientError as error:
            told = self.explained(error)
            passed = clock.monotonic() - begin
            return {**_checked(name, url, passed, told.message), "verdict": "fail"}
        return _checked(name, url, clock.monotonic() - begin, said)


@command(_cloud_commands)
class CloudAdd(_OnClouds):
    """Log in to a cloud, and keep how that is done: in the configuration.

    The secret is asked for, or read from standard input: the password, with --token the token,
    with --application-credential its secret. It is kept in a file of its own that only you can
    read. Nothing is kept when the cloud refuses it.
    """

    shows = True
    arguments = {
        "username": ValueArgument("your name there", "--username", metavar="USER"),
        "project": ValueArgument("name of your project", "--project", metavar="NAME"),
        "domain": ValueArgument(
            "domain of user and project, by name; default: the domain whose id is default",
            "--domain",
            metavar="NAME",
        ),
        "token": FlagArgument("log in with a token, as to a Synnefo", "--token"),
        "credential": ValueArgument(
            "log in with this application credential", "--application-credential", metavar="ID"
        ),
        "region": ValueArgument("whose endpoints are used", "--region"),
        "cacert": ValueArgument(
            "PEM file with the authority of its certificate", "--cacert", metavar="FILE",
            complete="file",
        ),
        "default": FlagArgument("the cloud that is meant when none is named", "--default"),
        "replace": FlagArgument("in the place of the one that is configured", "--replace"),
    }  # fmt: skip
    operands = {
        "name": Operand("what to call it here"),
        "url": Operand("address of its Keystone, or of its Astakos (it ends in v2.0)"),
    }
    advice = ""
    examples = (
        "pelagos cloud add work https://cloud.example.org/v3 --username ada",
        "pelagos cloud add okeanos https://example.org/identity/v2.0 --token",
    )

    def main(self, name: str, url: str) -> None:
        """Log in, and keep it."""
        from pelagos.clients.cloud import Cloud
        from pelagos.clients.cloud.own_file import add_cloud
        from pelagos.clients.login.settings import from_table

        table, key = self._table(name, url)
        path = self.context.config_path
        self._check_free(name)
        from pelagos.cli.secrets import ask_secret

        secret = ask_secret(self.context, f"{key.replace('_', ' ')} for {name}: ")
        settings = from_table(name, {**table, key: secret}, "what you gave")
        transport = carrier(self.context, settings)
        self.cloud = Cloud(name, settings=settings, http=transport)
        access = self.cloud.access
        add_cloud(path, name, table, {key: secret}, is_default=self["default"])
        self.context.say(f"{name} is kept in {path}")
        show_record(self, _access(access), {"cloud": name, **_access(access)})

    def explained(self, error: PelagosError) -> PelagosError:
        """What the cloud said, and that it is not known now."""
        told = super().explained(error)
        if told is not error:
            kept = "nothing was kept: look at the address, too, and add it again"
            told.hint = f"{told.hint}\n{kept}" if told.hint else kept
        return told

    def _table(self, name: str, url: str) -> tuple[dict[str, Any], str]:
        """What the configuration shall say, without the secret, and what that is called."""
        ways = [one for one in _WAYS if self[one]]
        if len(ways) != 1:
            raise UsageError(
                "say how to log in: --username USER, --token, or --application-credential ID",
                hint=f"pelagos cloud add {name} {url} --username USER --project NAME",
            )
        table: dict[str, Any] = {
            "auth_url": url,
            "username": self["username"],
            "application_credential_id": self["credential"],
            "project_name": self["project"],
            "user_domain_name": self["domain"] if self["username"] else None,
            "project_domain_name": self["domain"] if self["project"] else None,
            "region": self["region"],
            "cacert": self["cacert"] and str(Path(self["cacert"]).expanduser().absolute()),
        }
        return {key: value for key, value in table.items() if value}, _WAYS[ways[0]]

    def _check_free(self, name: str) -> None:
        from pelagos.clients.cloud import KnownClouds

        if not _NAME.fullmatch(name):
            hint = "letters, digits, dot, dash and underscore will do"
            raise UsageError(f"{name!r} is no name for a cloud", hint=hint)
        if not self.context.config_path.exists():
            return
        known = KnownClouds(cloud_environ(self.context))
        if name in known.names() and not self["replace"]:
            raise CommandError(
                f"a cloud {name} is configured already, in {known.get(name).origin}",
                hint="choose another name, or give --replace",
            )


@command(_cloud_commands)
class CloudUse(_OnClouds):
    """Let a cloud be the one that is meant when none is named."""

    operands = {"name": Operand("name of the cloud", complete="cloud")}
    examples = ("pelagos cloud use work",)

    def main(self, name: str) -> None:
        """Keep that."""
        from pelagos.clients.cloud import KnownClouds
        from pelagos.clients.cloud.own_file import choose_cloud

        KnownClouds(cloud_environ(self.context)).get(name)
        choose_cloud(self.context.config_path, name)
        self.context.say(f"{name} is meant when none is named")
        for variable in ("PELAGOS_CLOUD", "PELAGOS_CLOUD_DEFAULT", "OS_CLOUD"):
            if self.context.environ.get(variable) not in (None, "", name):
                said = self.context.environ[variable]
                self.context.say(f"but here {variable} says {said}, which goes before")


@command(_cloud_commands)
class CloudRemove(_OnClouds):
    """Forget a cloud that `pelagos cloud add` keeps: its secret, too; nothing is sent."""

    operands = {"name": Operand("name of the cloud", complete="cloud")}

    def main(self, name: str) -> None:
        """Forget it."""
        from pelagos.clients.cloud.own_file import remove_cloud

        path = self.context.config_path
        if not remove_cloud(path, name):
            from pelagos.clients.cloud import KnownClouds

            origin = KnownClouds(cloud_environ(self.context)).get(name).origin
            raise CommandError(
                f"the cloud {name} is configured in {origin}", hint="remove it there"
            )
        self.context.say(f"{name} is forgotten")


# ---- how clouds are worded


def _row(known: Any, name: str, default: str) -> dict[str, Any]:
    from pelagos.clients.errors import CloudNotConfigured

    try:
        settings: CloudSettings = known.get(name)
    except CloudNotConfigured as error:
        return {
            "name": name,
            "is_default": name == default,
            "origin": " ".join(error.message.split()),
        }
    return {
        "name": name,
        "is_default": name == default,
        "kind": _family(settings),
        "user": settings.username or settings.user_id or settings.application_credential_id,
        "project": settings.project_name or settings.project_id,
        "auth_url": settings.auth_url,
        "origin": settings.origin,
    }


def _family(settings: CloudSettings) -> str:
    return "Synnefo" if settings.is_synnefo else "OpenStack"


def _told(settings: CloudSettings) -> dict[str, Any]:
    """All settings, secrets masked, those that say nothing left out."""
    values = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    said = {name: value for name, value in values.items() if value not in (None, "", {})}
    masked = {name: "***" for name in _SECRETS if name in said}
    return {"kind": _family(settings), **said, **masked}


def _checked(service: str, url: str, seconds: float, said: str) -> dict[str, Any]:
    return {
        "service": service,
        "verdict": "ok",
        "elapsed_ms": round(seconds * 1000),
        "said": said,
        "url": url,
    }


def _at_login(cloud: Cloud) -> str:
    return cloud.settings.auth_url


def _who(access: Access) -> str:
    found = _access(access)
    parts = [f"{key} {found[key]}" for key in ("user", "project", "good for") if found[key]]
    return ", ".join(parts)


def _access(access: Access) -> dict[str, Any]:
    return {
        "user": access.user_name or access.user_id,
        "project": access.project_name or access.project_id,
        "roles": list(access.roles),
        "good for": None if access.lifetime is None else length(max(0, access.lifetime)),
    }


def _services(cloud: Cloud) -> list[tuple[str, Callable[[], str]]]:
    """Each service, and a small question to it."""

    def compute() -> str:
        cloud.compute.get(("flavors",), params=_ONE)
        return ""

    def network() -> str:
        cloud.network.get(("networks",), params=_ONE)
        return ""

    def volume() -> str:
        cloud.volume.get(("types",))
        return ""

    def image() -> str:
        path = ("images", "") if cloud.dialect == "synnefo" else ("images",)
        cloud.image.get(path, params=_ONE)
        return ""

    def objects() -> str:
        cloud.object_store.get_account_info()
        return ""

    return [
        ("compute", compute),
        ("network", network),
        ("volume", volume),
        ("image", image),
        ("object-store", objects),
    ]
