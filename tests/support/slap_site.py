"""A master in a folder with the moves that tests make: announce, supply, request, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pelagos.core.clock import ManualClock
from pelagos.slap import master
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.model import (
    Address,
    Cause,
    ComputerFormat,
    Event,
    Instance,
    InstanceRequest,
    InstanceState,
    PartitionFormat,
    SupplyState,
)

URL = "/srv/a/software.cfg"
COMPUTER = "COMP-1"
ADMIN = master.person("admin")

#: The database of each new site; a file of its own when None. Set by the fixture `database`.
shared_url: str | None = None


def announcement(count: int, computer_id: str = COMPUTER) -> ComputerFormat:
    """A computer with that many partitions."""
    return ComputerFormat(
        computer_id,
        tuple(
            PartitionFormat(f"slappart{number}", (Address("lo", "127.0.0.1", "255.0.0.0"),))
            for number in range(count)
        ),
    )


class Site:
    """One master on a ManualClock, by default with one computer of three partitions."""

    def __init__(
        self,
        folder: Path,
        *,
        partitions: int = 3,
        settings: master.MasterSettings | None = None,
        notify: Callable[[tuple[Event, ...]], None] | None = None,
    ) -> None:
        self.path = folder / "master.db"
        self.clock = ManualClock()
        self.url = shared_url or f"sqlite:///{self.path}"
        self.master = master.Master(self.url, clock=self.clock, settings=settings, notify=notify)
        self.service = self.master.service
        self.person_token = self.service.create_person("admin")
        self.computer_token = ""
        if partitions:
            self.computer_token = self.add_computer(COMPUTER, partitions)

    def close(self) -> None:
        self.master.close()

    def add_computer(self, computer_id: str, partitions: int) -> str:
        token = self.service.register_computer(computer_id)
        self.service.format_computer(
            announcement(partitions, computer_id), master.computer(computer_id)
        )
        return token

    def supply(
        self, url: str = URL, computer_id: str = COMPUTER, state: str = "available"
    ) -> None:
        self.service.supply(url, computer_id, SupplyState(state), ADMIN)

    def request(self, reference: str = "hello", **kw: Any) -> Instance:
        identity = ADMIN if kw.get("requester") is None else master.partition(*kw["requester"])
        wish = InstanceRequest(reference, kw.pop("url", URL), **kw)
        return self.service.request(wish, identity)

    def refusal(self, reference: str = "hello", **kw: Any) -> Cause:
        """The cause of a request that has to wait."""
        try:
            found = self.request(reference, **kw)
        except ResourceNotReady as error:
            return error.cause or Cause("none", "the refusal has no cause")
        raise AssertionError(f"it was allocated: {found}")

    def child(self, parent: Instance, reference: str, **kw: Any) -> Instance:
        return self.request(reference, requester=(parent.computer_id, parent.partition_id), **kw)

    def report(
        self,
        instance: Instance,
        state: str = "started",
        cause: Cause | None = None,
        timestamp: int | None = None,
    ) -> str:
        return self.service.report_partition(
            instance.computer_id,
            instance.partition_id,
            state,  # type: ignore[arg-type]  # a test may say what it likes
            master.computer(instance.computer_id),
            cause,
            timestamp,
        )

    def fail(self, instance: Instance, text: str, cause: Cause | None = None) -> str:
        return self.service.report_partition_error(
            instance.computer_id,
            instance.partition_id,
            text,
            master.computer(instance.computer_id),
            cause,
        )

    def publish(
        self, instance: Instance, connection: Mapping[str, Any], shared: str | None = None
    ) -> None:
        self.service.publish(
            instance.computer_id,
            instance.partition_id,
            connection,
            master.computer(instance.computer_id),
            shared,
        )

    def set_state(self, name: str, state: str) -> None:
        self.service.set_state(name, InstanceState(state), ADMIN)

    def timestamp(self, instance: Instance) -> int | None:
        return self.service.partition(instance.computer_id, instance.partition_id).timestamp

    def kinds(self, subject: str | None = None) -> list[str]:
        return [event.kind for event in self.service.events(subject=subject, limit=1000)]
