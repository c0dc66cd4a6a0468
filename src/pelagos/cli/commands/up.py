"""`pelagos up`: the plane in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import IntArgument, RepeatableArgument, ValueArgument
from pelagos.cli.command import Command

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the plane
    from pelagos.plane.data_folder import Endpoints
    from pelagos.plane.settings import PlaneSettings

PARTS = ("master", "agent", "directory")


class Up(Command):
    """Run the plane on this computer, in the foreground, until Ctrl-C or SIGTERM.

    Master, agent and directory in one process, with all state in the data folder. Services keep
    running when it ends, and the next `up` carries on with them.
    """

    arguments = {
        "part": RepeatableArgument(
            "run only this part: master, agent or directory; may be repeated",
            "--part",
            metavar="PART",
            choices=PARTS,
        ),
        "master_port": IntArgument(
            "port of the master", "--master-port", most=65535, metavar="PORT"
        ),
        "directory_port": IntArgument(
            "port of the directory", "--directory-port", most=65535, metavar="PORT"
        ),
        "partitions": IntArgument(
            "instances that fit on this computer", "--partitions", least=1, most=10000
        ),
        "computer_id": ValueArgument(
            "name of this computer in the plane", "--computer-id", metavar="NAME"
        ),
        "bus": ValueArgument("message bus: memory:NAME or amqp://…", "--bus", metavar="URL"),
    }
    examples = (
        "pelagos up",
        "pelagos up --part agent --master-url https://master.example.org:4443",
    )

    def main(self) -> None:
        """Run it."""
        import logging

        from pelagos.core import logs
        from pelagos.plane import up

        if not self["verbose"]:
            logs.configure(logging.WARNING)
        up.run(self.settings(), on_ready=self._greet)

    def settings(self) -> PlaneSettings:
        """The options above the configuration."""
        from pelagos.plane.settings import Part, PlaneSettings

        config = self.context.config
        named = frozenset(Part(name) for name in self["part"]) or frozenset(Part)
        elsewhere = self.context.options.get("master_url") or config.plane.master_url
        return PlaneSettings(
            data=self.context.data,
            parts=named,
            master_host=config.master.host,
            master_port=self._or("master_port", config.master.port),
            directory_port=self._or("directory_port", config.directory.port),
            master_url=None if Part.MASTER in named else elsewhere or None,
            computer_id=self["computer_id"] or config.node.computer_id or None,
            partitions=self._or("partitions", config.node.partitions),
            poll_interval=config.node.poll_interval,
            bus_url=self["bus"] or config.bus.url,
            directory_config=dict(config.directory.settings) or None,
        )

    def _or(self, name: str, configured: Any) -> Any:
        return configured if self[name] is None else self[name]

    def _greet(self, endpoints: Endpoints) -> None:
        say = self.context.say
        say(f"the plane runs; its data is in {self.context.data}")
        for title, url in (
            ("master", endpoints.master_url),
            ("directory", endpoints.directory_url),
            ("computer", endpoints.computer_id),
        ):
            if url:
                say(f"  {title:10} {url}")
        say("Ctrl-C ends it; services keep running. In another terminal: pelagos --help")
