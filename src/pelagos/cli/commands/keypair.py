"""`pelagos keypair …`: the keys with which people log in to servers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import FlagArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, CloudCommand, Record, like, no_such
from pelagos.cli.cloud.showing import show_record, when
from pelagos.cli.cloud.things import KEYPAIR
from pelagos.cli.commands.server_create import read_bytes
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from pelagos.clients.cloud import Cloud

_keypair_commands = CommandTree("keypair", "Keys with which you log in to servers")

_KEY = Operand("name of the key", complete="cloud:keypair")


@command(_keypair_commands)
class KeypairList(CloudCommand):
    """List your keys."""

    shows = True
    lists = True
    keys = ("pelagos.clients.compute.types:Keypair",)
    arguments = {
        **CLOUD,
        "name": ValueArgument(
            "only those of this name; * stands for anything", "--name", metavar="PATTERN"
        ),
    }

    def main(self) -> None:
        """Print them."""
        found = list(KEYPAIR.listing(self.cloud))
        if self["name"]:
            found = like(found, "name", self["name"])
        columns = (Column("name"), Column("fingerprint"))
        empty = "there are no keys; make one: pelagos keypair create NAME --save FILE"
        self.context.output.show_list(found, columns, empty=empty)


@command(_keypair_commands)
class KeypairInfo(CloudCommand):
    """Show a key: its fingerprint and its public half."""

    shows = True
    arguments = CLOUD
    operands = {"name": _KEY}

    def main(self, name: str) -> None:
        """Print it."""
        show_key(self, find_key(self.cloud, name))


@command(_keypair_commands)
class KeypairCreate(CloudCommand):
    """Register your public key, or have the cloud make a pair.

    The private half of a pair that the cloud made is only in this answer: --save keeps it in a
    file that only you can read.
    """

    shows = True
    arguments = {
        **CLOUD,
        "public": ValueArgument(
            "file with your public key; - reads it from standard input",
            "--public-key",
            metavar="FILE",
            complete="file",
        ),
        "save": ValueArgument(
            "file for the private half that the cloud makes; must not be there yet",
            "--save",
            metavar="FILE",
            complete="file",
        ),
        "force": FlagArgument("replace the key of this name", "-f", "--force"),
    }
    operands = {"name": Operand("name of the new key")}
    examples = (
        "pelagos keypair create ada --public-key ~/.ssh/id_ed25519.pub",
        "pelagos keypair create robot --save robot.pem",
    )

    def main(self, name: str) -> None:
        """Make and print it."""
        if self["public"] and self["save"]:
            raise UsageError("--save keeps what the cloud makes: not with --public-key")
        path = Path(self["save"]).expanduser() if self["save"] else None
        if path is not None:
            _make_empty(path)
        try:
            made = dict(self._made(name))
        except BaseException:
            if path is not None:
                path.unlink()
            raise
        if path is not None:
            path.write_text(str(made.pop("private_key", "")))
            self.context.say(f"its private half is in {path}")
        show_key(self, made)
        if made.get("private_key") and self.context.output.is_table and not self["columns"]:
            self.context.output.block(f"\n{made['private_key']}")
            self.context.say(
                "keep its private half: it is told this once (next time: --save FILE)"
            )

    def _made(self, name: str) -> Record:
        from pelagos.clients.errors import Conflict, NotFound

        compute = self.cloud.compute
        text = self._public_key()
        try:
            return compute.create_key(name, text)
        except Conflict as error:
            if not self["force"]:
                raise CommandError(
                    f"there is a key {name} already", hint="replace it with --force"
                ) from error
        try:
            compute.delete_keypair(name)
        except NotFound:  # somebody was faster
            self.context.say(f"the key {name} was gone")
        return compute.create_key(name, text)

    def _public_key(self) -> str | None:
        if not self["public"]:
            return None
        if self["public"] == "-":
            return self.context.stdin.read().strip()
        text = read_bytes(self["public"], "--public-key").decode("utf-8", "replace").strip()
        if "PRIVATE KEY" in text:
            raise UsageError(
                f"--public-key: {self['public']} holds a private key",
                hint="nothing was sent; the public half is usually beside it, in a file .pub",
            )
        return text


@command(_keypair_commands)
class KeypairDelete(CloudCommand):
    """Delete keys; servers that have them keep them."""

    arguments = CLOUD
    operands = {"names": Operand("names of keys", complete="cloud:keypair")}

    def main(self, *names: str) -> None:
        """Delete them."""
        if not names:
            raise UsageError("no key is named", hint="see: pelagos keypair list")
        for one in names:
            find_key(self.cloud, one)
        for one in names:
            self.cloud.compute.delete_keypair(one)
            self.context.say(f"the key {one} is gone")


def find_key(cloud: Cloud, name: str) -> Record:
    """A key by its name.

    Raises:
        CommandError: there is none.
    """
    from pelagos.clients.errors import NotFound

    try:
        return KEYPAIR.record(cloud, name)
    except NotFound as error:
        known = KEYPAIR.listing(cloud)
        raise no_such("key", name, cloud, known, "see: pelagos keypair list") from error


def show_key(command: CloudCommand, key: Record) -> None:
    """Print a key."""
    names = ("name", "type", "fingerprint", "created_at", "public_key")
    head: dict[str, Any] = {one.replace("_", " "): key.get(one) for one in names}
    head["created at"] = when(command, head["created at"])
    show_record(command, key, head)


def _make_empty(path: Path) -> None:
    """Make the file before the pair, so that no private half is lost for want of a place."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError as error:
        raise UsageError(f"--save: {path} is there already", hint="name another file") from error
    except OSError as error:
        raise UsageError(f"--save: cannot write {path}: {error.strerror}") from error
