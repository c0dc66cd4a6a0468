"""`pelagos bus doctor`: is the bus in order, and if not, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.argument import SecondsArgument, ValueArgument
from pelagos.cli.bus import BUS, find_bus
from pelagos.cli.command import Command
from pelagos.cli.failures import FAILED, OK
from pelagos.cli.output import Column
from pelagos.cli.terminal import clean, paint, wants_colour

if TYPE_CHECKING:  # not for a cycle: the help does not pay for messaging
    from pelagos.messaging.observation.checkup import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_COLUMNS = (Column("name"), Column("grade"), Column("message"), Column("mend"))


class BusDoctor(Command):
    """Check the bus: reach it, log in, send and receive; each fault comes with its mend.

    Ends with exit code 1 when a check fails.
    """

    shows = True
    arguments = {
        "bus": BUS,
        "timeout": SecondsArgument("for each step; default 5 s", "--timeout", default=5.0),
        "dead_letters": ValueArgument(
            "queue of the dead letters; default: pelagos.dead", "--dead-letters", metavar="QUEUE"
        ),
    }
    examples = ("pelagos bus doctor", "pelagos bus doctor --bus amqp://broker.example/sea")

    def main(self) -> int:
        """Check and print."""
        from pelagos.core import logs
        from pelagos.messaging.dead.again import DEAD_QUEUE
        from pelagos.messaging.observation.checkup import examine

        bus = find_bus(self)
        if not self["verbose"]:
            logs.mute()  # what the checks meet is their answer
        queue = self["dead_letters"] or DEAD_QUEUE
        findings = examine(
            bus, timeout=self["timeout"] or 0.1, dead_letters=queue, clock=self.context.clock
        )
        output = self.context.output
        if output.is_table and self["columns"] is None:
            self._print(findings)
        else:
            output.show_list(findings, _COLUMNS)
        return FAILED if any(one.grade == "fail" for one in findings) else OK

    def _print(self, findings: list[Finding]) -> None:
        colour = wants_colour(self.context.stdout, self.context.environ)
        margin = max(len(one.name) for one in findings)
        for one in findings:
            grade = f"{one.grade:4}"
            if colour:
                grade = paint(grade, _COLOURS[one.grade])
            line = f"{grade}  {clean(one.name):{margin}}  {clean(one.message)}"
            self.context.stdout.write(line.rstrip() + "\n")
            if one.mend:
                self.context.stdout.write(f"{'':{margin + 8}}mend: {clean(one.mend)}\n")
