"""`pelagos up`: the plane in the foreground."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeVar

from pelagos.cli.argument import IntArgument, RepeatableArgument, ValueArgument
from pelagos.cli.cloud.command import cloud_environ
from pelagos.cli.command_base import Command
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree
from pelagos.core.config import limits
from pelagos.core.section import changed
from pelagos.plane.sections import (
    BusConfig,
    CacheConfig,
    CapacityConfig,
    DirectoryConfig,
    MasterConfig,
    NodeCacheConfig,
    NodeConfig,
)

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.plane.endpoints import Endpoints
    from pelagos.plane.settings import PlaneSettings

_up_commands = CommandTree("up")

T = TypeVar("T")

PARTS = ("master", "agent", "directory")


@command(_up_commands)
class Up(Command):
    """Run the plane on this computer, in the foreground; Ctrl-C or SIGTERM end it.

    Master, agent and directory in one process, with all state in the data folder. Services keep
    running when it ends, and the next `up` carries on with them.
    """

    is_apart = True

    arguments = {
        "part": RepeatableArgument(
            "run only this part: master, agent or directory; may be repeated",
            "--part",
            metavar="PART",
            choices=PARTS,
        ),
        "master_port": IntArgument(
            "port of the master",
            "--master-port",
            metavar="PORT",
            **limits(MasterConfig, "port"),
        ),
        "directory_port": IntArgument(
            "port of the directory",
            "--directory-port",
            metavar="PORT",
            **limits(DirectoryConfig, "port"),
        ),
        "partitions": IntArgument(
            "instances that fit on this computer",
            "--partitions",
            **limits(NodeConfig, "partitions"),
        ),
        "computer_id": ValueArgument(
            "name of this computer in the plane", "--computer-id", metavar="NAME"
        ),
        "bus": ValueArgument("message bus: memory:NAME or amqp://…", "--bus", metavar="URL"),
    }
    examples = (
        "pelagos up",
        "pelagos up --part master --part agent",
    )

    def main(self) -> None:
        """Run it."""
        import logging

        from pelagos.core import logs
        from pelagos.plane import up

        if not self["verbose"]:
            logs.configure(logging.WARNING)
        settings = self.settings()
        up.run(settings, on_ready=functools.partial(self._greet, settings))

    def settings(self) -> PlaneSettings:
        """The options above the configuration."""
        from pelagos.plane.settings import Part, PlaneSettings

        config = self.context.config
        named = frozenset(Part(name) for name in self["part"]) or frozenset(Part)
        elsewhere = self.context.options.get("master_url") or self.context.plane.master_url
        return PlaneSettings(
            data=self.context.data,
            parts=named,
            master_url=None if Part.MASTER in named else elsewhere or None,
            master=self._over(config.of(MasterConfig), port="master_port"),
            node=self._over(
                config.of(NodeConfig), computer_id="computer_id", partitions="partitions"
            ),
            directory=self._over(config.of(DirectoryConfig), port="directory_port"),
            bus=self._over(config.of(BusConfig), url="bus"),
            cache=config.of(CacheConfig),
            node_cache=config.of(NodeCacheConfig),
            capacity=config.of(CapacityConfig),
            environ=cloud_environ(self.context),
        )

    def _over(self, section: T, **options: str) -> T:
        """A section with the options that were given: the name of an option for each key."""
        given = {key: self[name] for key, name in options.items() if self[name] not in (None, "")}
        return changed(section, **given)

    def _greet(self, settings: PlaneSettings, endpoints: Endpoints) -> None:
        from pelagos.plane.bus import address_file
        from pelagos.plane.settings import Part

        has_broker = settings.bus.broker and Part.MASTER in settings.parts
        bus = f"its URL is in {address_file(settings.data)}" if has_broker else ""
        say = self.context.say
        say(f"the plane runs; its data is in {self.context.data}")
        for title, url in (
            ("master", endpoints.master_url),
            ("directory", endpoints.directory_url),
            ("phones", endpoints.phone_urls if Part.DIRECTORY in settings.parts else ""),
            ("computer", endpoints.computer_id),
            ("bus", bus),
        ):
            if url:
                say(f"  {title:10} {url}")
        say("Ctrl-C ends it; services keep running. In another terminal: pelagos --help")
