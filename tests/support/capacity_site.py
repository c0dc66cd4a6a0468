"""A master with a keeper of machines on a fake cloud; a killed plane begins again on its files."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from pelagos.core.clock import ManualClock
from pelagos.plane.capacity.base import Capacity
from pelagos.plane.capacity.fake import FakeCapacity
from pelagos.plane.capacity.program import CapacityProgram
from pelagos.plane.capacity.steps import Guarded
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.sections import CapacityConfig
from pelagos.slap import joining, master
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.model import (
    ComputerFormat,
    Explanation,
    Instance,
    InstanceRequest,
    InstanceState,
    PartitionFormat,
)

URL = "/srv/a/software.cfg"
ADMIN = master.person("admin")


class Killed(BaseException):
    """The plane ends here by force: nothing after it is done."""


def token_of(user_data: str) -> str:
    """The one-time token that cloud-init would write on the machine."""
    config = yaml.safe_load(user_data)
    [file] = [one for one in config["write_files"] if one["path"] == "/etc/pelagos/token"]
    return base64.b64decode(file["content"]).decode().strip()


class CapacitySite:
    """One plane with one or several capacities, each on a fake cloud that outlives it.

    Attributes:
        clouds: by the name of the capacity.
        database_url: of its master; empty: a file of its own.
    """

    def __init__(
        self, folder: Path, *, database_url: str = "", **named: Mapping[str, Any]
    ) -> None:
        self.folder = DataFolder(folder / "data")
        self.folder.create()
        self.database_url = database_url or f"sqlite:///{self.folder.database}"
        self.clock, self.clock_of_clouds = ManualClock(), ManualClock()
        self.named = {
            name: {"driver": "fake", "releases": "*", "patience": 0.0, "partitions": 2, **terms}
            for name, terms in (named or {"north": {}}).items()
        }
        self.clouds = {
            name: FakeCapacity({"quota": terms.pop("quota", 100)}, clock=self.clock_of_clouds)
            for name, terms in self.named.items()
        }
        self.cloud = next(iter(self.clouds.values()))
        self.watch: Callable[[str], None] = lambda _point: None
        self.begin()

    def begin(self) -> None:
        """Start the plane on what there is."""
        config = CapacityConfig(named=self.named)
        program = CapacityProgram(config, self.folder, clock=self.clock)
        for name, work in program.keeper.workplaces.items():
            work.driver = self._watched(name)
        self.program, self.keeper = program, program.keeper
        self.master = master.Master(
            self.database_url, clock=self.clock, capacity=program.line, notify=program.wake
        )
        self.service = self.master.service
        program.know(self.service, "https://plane.example.org:8443", "ab" * 32)
        if self.service.restore_operator("admin") is None:
            raise AssertionError("there is an operator already")

    def _watched(self, name: str) -> Capacity:
        cloud = self.clouds[name]
        cloud.before = lambda method, _about: self.watch(method)
        cloud.after = lambda method, _about: self.watch(f"answer of {method}")
        return Guarded(cloud)

    def close(self) -> None:
        self.master.close()

    def begin_again(self) -> None:
        """End the plane by force, and start it."""
        self.master.close()
        self.begin()

    # ---- moves

    def round(self, seconds: float = 0.0) -> None:
        """One round in each capacity, after some time."""
        self.clock.advance(seconds)
        self.clock_of_clouds.advance(seconds)
        for name in self.keeper.workplaces:
            self.keeper.round(name)

    def request(self, reference: str = "db", **kw: Any) -> Instance | None:
        """Ask for a service; None while it has to wait."""
        try:
            return self.service.request(
                InstanceRequest(reference, kw.pop("url", URL), **kw), ADMIN
            )
        except ResourceNotReady:
            return None

    def destroy(self, reference: str = "db") -> None:
        """Destroy a service, as its agent reports it."""
        found = self.service.service(reference, ADMIN)
        self.service.set_state(reference, InstanceState.DESTROYED, ADMIN)
        if found.computer_id and found.partition_id:
            agent = master.computer(found.computer_id)
            self.service.report_partition(
                found.computer_id, found.partition_id, "destroyed", agent
            )

    def join(self, name: str, cloud: FakeCapacity | None = None) -> None:
        """What the agent of a machine does: join with the token of its user data, announce."""
        joins = joining.decode(token_of((cloud or self.cloud).user_data(name)))
        joined = self.service.join(joins.secret)
        assert joined.name == name
        self.call(name)

    def call(self, name: str) -> None:
        """A call of an agent that has joined."""
        slots = tuple(PartitionFormat(f"slappart{number}") for number in range(2))
        self.service.format_computer(ComputerFormat(name, slots), master.computer(name))
        self.service.seen(name)

    def machine(self) -> str:
        """The name of the only machine in the first cloud."""
        [name] = {one.name for one in self.cloud.list("")}
        return name

    def why(self, name: str) -> Explanation:
        return self.service.explain(name, None, ADMIN)

    def where(self, reference: str = "db") -> str | None:
        return self.service.service(reference, ADMIN).computer_id

    def phases(self) -> dict[str, str]:
        return {one.name: str(one.phase) for one in self.keeper.ledger.book.machines}
