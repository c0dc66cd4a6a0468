"""`pelagos directory run`: the directory alone, in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.argument import IntArgument, ValueArgument
from pelagos.cli.cloud.command import cloud_environ
from pelagos.cli.command_base import Command
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.config import limits
from pelagos.core.section import changed
from pelagos.plane.sections import BusConfig, DirectoryConfig

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.plane.endpoints import Endpoints

_directory_commands = CommandTree("directory", "The directory")


@command(_directory_commands)
class DirectoryRun(Command):
    """Run the directory on this computer, in the foreground; Ctrl-C or SIGTERM end it.

    It serves the people of the plane that is known here or named by --master-url. Without a
    plane its settings say who knows the tokens: [directory.settings.auth].
    """

    is_apart = True

    arguments = {
        "host": ValueArgument("address to listen on", "--host", metavar="ADDRESS"),
        "port": IntArgument("port", "--port", metavar="PORT", **limits(DirectoryConfig, "port")),
        "bus": ValueArgument("message bus: memory:NAME or amqp://…", "--bus", metavar="URL"),
    }
    examples = ("pelagos directory run --port 9489", "pelagos directory run --data /var/lib/dird")

    def main(self) -> None:
        """Run it."""
        import logging

        from pelagos.core import logs
        from pelagos.plane import up
        from pelagos.plane.settings import Part, PlaneSettings

        if not self["verbose"]:
            logs.configure(logging.WARNING)
        config = self.context.config
        own, bus = config.of(DirectoryConfig), config.of(BusConfig)
        given = {key: self[key] for key in ("host", "port") if self[key] not in (None, "")}
        settings = PlaneSettings(
            data=self.context.data,
            parts=frozenset({Part.DIRECTORY}),
            master_url=self.context.options.get("master_url") or self.context.plane.master_url,
            directory=changed(own, **given),
            bus=changed(bus, url=self["bus"]) if self["bus"] else bus,
            environ=cloud_environ(self.context),
        )
        up.run(settings, on_ready=self._greet)

    def _greet(self, endpoints: Endpoints) -> None:
        say = self.context.say
        say(f"the directory runs; its data is in {self.context.data}")
        say(f"  asked by programs   {endpoints.directory_url}/0.1")
        say(f"  asked by browsers   {endpoints.directory_url}/search")
        if endpoints.phone_urls:
            say(f"  asked by phones     {endpoints.phone_urls}")
        say("Ctrl-C ends it. In another terminal: pelagos lookup --help")
