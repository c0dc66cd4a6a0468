"""`pelagos node …`: this machine as a computer of a plane."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, IntArgument, Operand, ValueArgument
from pelagos.cli.cloud.command import cloud_environ
from pelagos.cli.command_base import Command
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.config import limits
from pelagos.core.section import changed
from pelagos.plane.sections import NodeConfig

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.plane.data_folder import DataFolder
    from pelagos.plane.endpoints import Endpoints
    from pelagos.plane.settings import PlaneSettings
    from pelagos.slap.agent.format import FormatPlan

_computer_commands = CommandTree("computer")
_node_commands = CommandTree("node", "This machine as a computer of a plane")


@command(_computer_commands, path="computer format")
@command(_node_commands)
class NodeFormat(Command):
    """Cut this computer into partitions: folders, and users and addresses where asked for.

    What is wished stands in the section [node] of the configuration, or in the definition file of
    a SlapOS node. Prints what it did; a second run finds nothing to do. Users and addresses need
    root. An agent that runs here announces the new partitions to its master by itself.
    """

    shows = True
    arguments = {
        "dry_run": FlagArgument("only print what would be done", "--dry-run"),
        "definition": ValueArgument(
            "definition file with the sections [computer] and [partition_0] …",
            "-i",
            "--input",
            metavar="FILE",
            complete="file",
        ),
        "partitions": IntArgument(
            "number of partitions", "--partitions", **limits(NodeConfig, "partitions")
        ),
    }
    examples = (
        "pelagos node format --dry-run",
        "pelagos node format -i definition.cfg -o json",
    )

    def main(self) -> None:
        """Do it and print the steps."""
        from pelagos.plane.data_folder import DataFolder
        from pelagos.plane.formatting import format_node, node_root

        config = self.context.config.of(NodeConfig)
        folder = DataFolder(self.context.data)
        if self["partitions"] is not None:
            self._check_count(node_root(config, folder))
            config = changed(config, partitions=self["partitions"])
        plan = format_node(
            config,
            node_root(config, folder),
            definition=Path(self["definition"]) if self["definition"] else None,
            is_trial=self["dry_run"],
        )
        self.context.output.show_list(
            plan.steps,
            (Column("kind", "step"), Column("subject"), Column("owner")),
            empty="nothing to do; this computer is as wished",
        )
        if not self["dry_run"]:
            self._announce(folder, plan)

    def _check_count(self, root: Path) -> None:
        """Refuse a number of partitions where a definition file says which there are."""
        from pelagos.slap.agent.formatter import read_format
        from pelagos.slap.agent.layout import Layout

        former = read_format(Layout(root))
        source = self["definition"] or (former.source if former else "")
        if source:
            raise UsageError(
                f"the definition file {source} says which partitions there are, so --partitions "
                "says nothing"
            )

    def _announce(self, folder: DataFolder, plan: FormatPlan) -> None:
        from pelagos.plane.settings import Part
        from pelagos.slap.client import SlapClient
        from pelagos.slap.errors import SlapError

        token, known = folder.node_token(), folder.endpoints()
        if folder.running(Part.AGENT) or token is None or not known.master_url:
            return  # the agent that runs, or the next one, tells the master
        client = SlapClient(known.master_url, token=token, timeout=10.0)
        try:
            client.format_computer(plan.result.announcement(known.computer_id))
        except SlapError as error:
            self.context.say(f"the master will hear of it when the agent runs: {error}")
        finally:
            client.close()


@command(_node_commands)
class NodeUnformat(Command):
    """Remove the users and addresses of partitions: those that `node format` made here.

    Refused while a partition holds an instance, or while the agent runs. Folders stay, and belong
    to whoever runs this.
    """

    def main(self) -> None:
        """Remove them."""
        from pelagos.plane.data_folder import DataFolder
        from pelagos.plane.formatting import node_root, unformat_node
        from pelagos.plane.settings import Part

        folder = DataFolder(self.context.data)
        folder.create()
        config = self.context.config.of(NodeConfig)
        with folder.hold(Part.AGENT):
            removed = unformat_node(node_root(config, folder))
        for name in removed:
            self.context.say(f"removed {name}")
        if not removed:
            self.context.say("nothing to remove")


@command(_node_commands)
class NodeRun(Command):
    """Run this machine as a computer of a plane elsewhere; Ctrl-C or SIGTERM end it.

    The first time it needs a one-time token, which `pelagos computer add NAME` prints at the
    plane. Joining makes the key of this computer here; it never leaves this machine. Later starts
    need no token. Services keep running when it ends, as with `up`.

    A computer that has a certificate of the plane's, and no token, brings it the first time:
    --certificate and --key, and --master-url with the master's address. With the same certificate
    again it runs as it is, because the one that it was renewed with counts.
    """

    is_apart = True

    arguments = {
        "name": ValueArgument(
            "name of this computer, when the token does not say one", "--name", metavar="NAME"
        ),
        "partitions": IntArgument(
            "instances that fit on this computer",
            "--partitions",
            **limits(NodeConfig, "partitions"),
        ),
        "certificate": ValueArgument(
            "instead of a one-time token: file with the certificate of this computer",
            "--certificate",
            metavar="FILE",
            complete="file",
        ),
        "key": ValueArgument(
            "with --certificate: file with its key",
            "--key",
            metavar="FILE",
            complete="file",
        ),
        "authority": ValueArgument(
            "with --certificate: file with the authority of the master; default: those that this "
            "system trusts",
            "--authority",
            metavar="FILE",
            complete="file",
        ),
    }
    operands = {"token": Operand("one-time token; only the first time")}
    examples = (
        "pelagos node run pelagos-join.eyJ1cmwi…",
        "pelagos node run",
        "pelagos node run --certificate c.pem --key c.key --master-url https://sea:8443",
    )

    def main(self, token: str | None = None) -> None:
        """Join if told to, then run."""
        import logging

        from pelagos.core import logs
        from pelagos.plane import up
        from pelagos.plane.data_folder import DataFolder
        from pelagos.plane.membership import has_credentials

        self._check(token)
        if not self["verbose"]:
            logs.configure(logging.WARNING)
        folder = DataFolder(self.context.data)
        folder.create()
        self._look_ahead(folder)
        if token is not None:
            self._join(folder, token)
        elif self["certificate"]:
            self._bring(folder)
        elif not has_credentials(folder):
            raise CommandError(
                "this computer has not joined a plane yet, so a token is missing",
                hint="get one at the plane: pelagos computer add NAME\n"
                "then: pelagos node run TOKEN",
            )
        if self["partitions"] is not None:
            folder.note(partitions=self["partitions"])
        up.run(self._settings(), on_ready=self._greet)

    def _look_ahead(self, folder: DataFolder) -> None:
        """Find what is wrong here before a token is used, which is good only once."""
        from pelagos.plane.formatting import format_node, node_root

        if (folder.path / "token").exists():
            raise CommandError(
                f"{folder.path} is the data of a plane of its own, so this computer cannot join "
                "another one there",
                hint="give another folder with --data, or run that plane: pelagos up",
            )
        node = self._settings().node
        format_node(node, node_root(node, folder), is_trial=True)

    def _join(self, folder: DataFolder, token: str) -> None:
        from pelagos.plane import membership
        from pelagos.plane.settings import Part, default_computer_id

        text = self.context.stdin.read(8192).strip() if token == "-" else token  # noqa: S105
        if membership.has_used(folder, text):
            self.context.say("this computer has joined with this token already; it runs as it is")
            return
        with folder.hold(Part.AGENT):
            name = membership.join(folder, text, self["name"], default_computer_id())
        self.context.say(f"{name} has joined the plane at {folder.endpoints().master_url}")

    def _check(self, token: str | None) -> None:
        if token is not None and self["certificate"]:
            raise UsageError("give either a one-time token or --certificate")
        if bool(self["certificate"]) != bool(self["key"]):
            raise UsageError("give --certificate and --key, or neither")
        if self["authority"] and not self["certificate"]:
            raise UsageError("--authority goes with --certificate and --key")
        if self["certificate"] and self["name"]:
            raise UsageError("--certificate says the name already, so --name says nothing")

    def _bring(self, folder: DataFolder) -> None:
        from pelagos.plane import bringing
        from pelagos.plane.settings import Part

        url = self.context.master_url
        certificate, key = (Path(self[name]).expanduser() for name in ("certificate", "key"))
        trust = Path(self["authority"]).expanduser() if self["authority"] else None
        with folder.hold(Part.AGENT):
            if name := bringing.brought_before(folder, url, certificate, trust):
                self.context.say(f"{name} came with this certificate already; it runs as it is")
                return
            name = bringing.bring(folder, url, certificate, key, trust)
        self.context.say(f"{name} works for the plane at {url}")

    def _settings(self) -> PlaneSettings:
        from pelagos.plane.sections import BusConfig, NodeCacheConfig
        from pelagos.plane.settings import Part, PlaneSettings

        config = self.context.config
        node = config.of(NodeConfig)
        if self["partitions"] is not None:
            node = changed(node, partitions=self["partitions"])
        elif "node.partitions" not in config.origins and self.context.endpoints.partitions:
            node = changed(node, partitions=self.context.endpoints.partitions)  # as at first
        # Its name is the one that it joined with, which stands in the data folder.
        return PlaneSettings(
            data=self.context.data,
            parts=frozenset({Part.AGENT}),
            node=changed(node, computer_id=""),
            bus=config.of(BusConfig),
            node_cache=config.of(NodeCacheConfig),
            environ=cloud_environ(self.context),
        )

    def _greet(self, endpoints: Endpoints) -> None:
        self.context.say(
            f"{endpoints.computer_id} works for the plane at {endpoints.master_url}; its data is "
            f"in {self.context.data}\nCtrl-C ends it; services keep running"
        )
