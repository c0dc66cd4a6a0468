"""`pelagos computer add|certificate`: computers come into the plane, and how they prove it."""

from __future__ import annotations

from pelagos.cli.command_base import Command
from pelagos.cli.commands.computer import COMPUTER
from pelagos.cli.commands.credentials import (
    CERTIFICATE_ARGUMENTS,
    INVITATION_ARGUMENTS,
    invite,
    see_to_certificates,
)
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_computer_commands = CommandTree("computer")


@command(_computer_commands)
class ComputerAdd(Command):
    """Let a computer join the plane: prints the one command to run on it.

    The command carries a one-time token. Whoever has it joins, so hand it over in private. A
    computer that an operator adds is the site's; one that a tenant adds is that tenant's alone.
    """

    shows = True
    operands = {"name": COMPUTER}
    arguments = INVITATION_ARGUMENTS
    examples = ("pelagos computer add rack7", "pelagos computer add rack7 --again")

    def main(self, name: str) -> None:
        """Print the command."""
        invite(self, "computer", name, "pelagos node run")


@command(_computer_commands)
class ComputerCertificate(Command):
    """Show or issue certificates of a computer, or lock it out.

    Without an option the certificates are listed. `--revoke` is all that a stolen computer needs:
    it voids its certificates, its token, one-time tokens for it, and those of its partitions,
    from the next call on. It comes back with `pelagos computer add NAME --again`.
    """

    shows = True
    lists = True
    keys = ("pelagos.slap.identity_calls:CertificateInfo",)
    operands = {"name": COMPUTER}
    arguments = CERTIFICATE_ARGUMENTS
    examples = (
        "pelagos computer certificate rack7 --revoke",
        "pelagos computer certificate rack7 --issue .",
    )

    def main(self, name: str) -> None:
        """Do it."""
        see_to_certificates(self, "computer", name)
