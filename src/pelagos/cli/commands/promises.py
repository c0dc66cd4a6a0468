"""`pelagos service promises`: what the promises of a service say, and since when."""

from __future__ import annotations

from pelagos.cli.command_base import Command
from pelagos.cli.commands.service import SERVICE
from pelagos.cli.here import partition_folder
from pelagos.cli.moment import clock_and_ago
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_service_commands = CommandTree("service")


@command(_service_commands)
class ServicePromises(Command):
    """Show what the promises of a service say; its computer is this one.

    Those that do not hold come first. With --output json each has its history, too.
    """

    shows = True
    lists = True
    keys = ("pelagos.slap.agent.promise_record:PromiseRecord",)
    operands = {"service": SERVICE}
    examples = ("pelagos service promises hello",)

    def main(self, service: str) -> None:
        """Print them."""
        from pelagos.slap.agent.promise import not_executable
        from pelagos.slap.agent.promise_record import read

        folder = partition_folder(
            self.context, service, what="the promises", command="service promises"
        )
        now = self.context.clock.time()

        def moment(at: float) -> str:
            return clock_and_ago(at, now) if at else ""

        columns = (
            Column("name"),
            Column("is_held", "held", show=lambda held: "yes" if held else "no"),
            Column("since", show=moment),
            Column(
                "message", show=lambda text: text.strip().splitlines()[0] if text.strip() else ""
            ),
            Column("next_run", "next run", show=lambda at: _next(at, now)),
        )
        self.context.output.show_list(
            read(folder), columns, empty=f"{service} has no promise that was asked yet"
        )
        for path in not_executable(folder):
            self.context.say(f"{path} is no promise: it is not executable (chmod +x makes it one)")


def _next(at: float, now: float) -> str:
    left = at - now
    return "soon" if left < 1 else f"in {left:.0f} s" if left < 120 else f"in {left / 60:.0f} min"  # noqa: PLR2004  # as read
