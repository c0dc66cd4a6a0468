"""A master and a computer whose agent has one service, for tests of calls to agents."""

from __future__ import annotations

from pathlib import Path

from pelagos.core import wire
from pelagos.plane.agent_line import AgentEar, BusLine
from pelagos.plane.master import MasterProgram
from pelagos.slap.agent.seats import FILE, Seat
from pelagos.slap.client import SlapClient
from pelagos.slap.model import ComputerFormat, InstanceRequest, PartitionFormat

RELEASE = "http://example.org/software.cfg"


class CalledSite:
    """What every such site has; who derives from it makes these.

    Attributes:
        root: the agent's folder.
        person: the operator.
        ears: the agent's, ended with the site.
    """

    root: Path
    master: MasterProgram
    person: SlapClient
    line: BusLine
    ears: list[AgentEar]

    def fill_with_a_service(self, agent: SlapClient, computer_id: str) -> None:
        """Let `web` be there, with a log."""
        partition = PartitionFormat("slappart0")
        agent.format_computer(ComputerFormat(computer_id, partitions=(partition,)))
        self.person.supply(RELEASE, computer_id)
        agent.report_release(computer_id, RELEASE, "available")
        agent.close()
        self.person.request(InstanceRequest("web", RELEASE))
        log = self.root / "instance" / "slappart0" / "var" / "log"
        log.mkdir(parents=True)
        (log / "web.log").write_text("first\nsecond\n")
        seats = (Seat("slappart0", "web", self.person.service("web").guid),)
        (self.root / FILE).write_bytes(wire.encode(seats))

    def close(self) -> None:
        """Leave nothing behind."""
        for ear in self.ears:
            ear.stop()
        self.person.close()
        self.line.close()
        self.master.stop()
