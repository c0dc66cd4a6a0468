"""`pelagos person …` and `pelagos join`: who may use the plane."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pelagos.cli.argument import Argument, FlagArgument, Operand
from pelagos.cli.command_base import Command
from pelagos.cli.commands.credentials import (
    CERTIFICATE_ARGUMENTS,
    INVITATION_ARGUMENTS,
    check_known,
    invite,
    refuse_oneself,
    see_to_certificates,
)
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.moment import ago
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_person_commands = CommandTree("person", "People who may use the plane")
_join_commands = CommandTree("join")

_PERSON = Operand("name of the person", complete="person")


@contextlib.contextmanager
def _known(command: Command, *names: str) -> Iterator[None]:
    """When the master does not find somebody: say whom, and who may have been meant.

    Raises:
        CommandError: one of these is unknown.
    """
    from pelagos.slap.errors import NotFoundError

    try:
        yield
    except NotFoundError:
        for name in names:
            check_known(command, "person", name)
        raise


@command(_person_commands)
class PersonAdd(Command):
    """Let a person use the plane: prints the one command to run on that person's machine.

    The command carries a one-time token. Whoever has it joins, so hand it over in private.
    """

    shows = True
    operands = {"name": _PERSON}
    arguments: dict[str, Argument] = {
        "tenant": FlagArgument("sees and changes own services and computers only", "--tenant"),
        "operator": FlagArgument("sees and may change everything; the default", "--operator"),
        **INVITATION_ARGUMENTS,
    }
    examples = ("pelagos person add ann --tenant", "pelagos person add ann --again")

    def main(self, name: str) -> None:
        """Print the command."""
        if self["tenant"] and self["operator"]:
            raise UsageError("a person is a tenant or an operator, not both")
        role = "tenant" if self["tenant"] else "operator"
        if self["again"] and not (self["tenant"] or self["operator"]):
            role = ""  # as before
        invite(self, "person", name, "pelagos join", role=role or None)


@command(_person_commands)
class PersonList(Command):
    """List the people who may use the plane."""

    shows = True
    lists = True
    keys = ("pelagos.slap.identity_calls:PersonInfo",)

    def main(self) -> None:
        """Print them."""
        now = self.context.clock.time()
        columns = (
            Column("name"),
            Column("role"),
            Column("created", "known for", lambda at: ago(at, now)),
        )
        empty = "nobody has joined yet; invite somebody: pelagos person add NAME"
        self.context.output.show_list(self.context.master.people(), columns, empty=empty)


@command(_person_commands)
class PersonRemove(Command):
    """Forget a person who leaves; all credentials of the person are void at once.

    One who owns services or computers is not removed: hand them over first, or destroy them. With
    `--destroy` the person's computers are left to the site, drained and locked out, and nobody
    gets the name before the last service is gone.
    """

    operands = {"name": _PERSON}
    arguments = {
        "destroy": FlagArgument(
            "destroy the services of the person, and all their data", "--destroy"
        ),
        "yes": FlagArgument("even when it is you", "--yes"),
    }
    examples = ("pelagos person remove ann", "pelagos person remove ann --destroy")

    def main(self, name: str) -> None:
        """Remove the person."""
        if not self["yes"]:
            refuse_oneself(self.context, name, "removed")
        with _known(self, name):
            left = self.context.master.remove_person(name, destroy=self["destroy"])
        if left:
            self.context.say(f"{left} services of {name} are being destroyed")


@command(_person_commands, path="person hand-over")
class PersonHandOver(Command):
    """Give a person all that another owns: services, computers, invitations, and their past.

    Nothing is handed over where both have a service, or a computer, of one name.
    """

    operands = {
        "name": _PERSON,
        "to": Operand("name of the person who gets it all", complete="person"),
    }
    examples = ("pelagos person hand-over ann bob",)

    def main(self, name: str, to: str) -> None:
        """Tell the master."""
        with _known(self, name, to):
            self.context.master.hand_over(name, to)
        self.context.say(f"all that {name} owned belongs to {to} now")


@command(_person_commands)
class PersonCertificate(Command):
    """Show or issue certificates of a person, or lock the person out.

    Without an option the certificates are listed. `--revoke` voids the token and one-time tokens
    as well, from the next call on; the person stays known, and comes back with `pelagos person
    add NAME --again`.
    """

    shows = True
    lists = True
    keys = ("pelagos.slap.identity_calls:CertificateInfo",)
    operands = {"name": _PERSON}
    arguments = CERTIFICATE_ARGUMENTS
    examples = ("pelagos person certificate ann --issue .",)

    def main(self, name: str) -> None:
        """Do it."""
        see_to_certificates(self, "person", name)


@command(_join_commands)
class Join(Command):
    """Use a plane that runs on another machine: with the token of its `pelagos person add`.

    Writes the master's address, your token (readable for you alone) and the certificate of the
    plane's authority to the configuration file and beside it.
    """

    operands = {"token": Operand("the one-time token; - reads it from standard input")}
    arguments = {
        "force": FlagArgument("replace the plane that the configuration names", "--force"),
    }
    examples = ("pelagos join pelagos-join.eyJ1cmwi…",)

    def main(self, token: str) -> None:
        """Join."""
        config = self.context.config_path
        config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_new = not config.exists()
        config.touch(mode=0o600)  # a file that is named must be there, and this one shall be
        try:
            self._enter(config, token)
        finally:
            if is_new and not config.stat().st_size:  # refused: as if nothing had been
                config.unlink()

    def _enter(self, config: Path, token: str) -> None:
        from pelagos.core.config import set_value
        from pelagos.core.files import write_atomic
        from pelagos.plane.admission import enter
        from pelagos.plane.sections import SECTIONS

        known = self.context.plane.master_url
        if known and not self["force"]:
            raise CommandError(
                f"{config} names a plane already: {known}",
                hint="give another file with --config FILE, or replace it with --force",
            )
        text = self.context.stdin.readline() if token == "-" else token  # noqa: S105  # no secret
        authority = config.with_name(f"{config.stem}.ca.pem")
        entered = enter(text, authority=authority)
        token_file = config.with_name(f"{config.stem}.token")
        write_atomic(token_file, f"{entered.membership.token}\n", mode=0o600)
        set_value(SECTIONS, config, "plane.master_url", entered.url)
        set_value(SECTIONS, config, "plane.token_file", str(token_file))
        if entered.authority is not None:
            set_value(SECTIONS, config, "plane.authority", str(entered.authority))
        self.context.say(
            f"you are {entered.membership.name} at {entered.url}; see: pelagos --help"
        )
