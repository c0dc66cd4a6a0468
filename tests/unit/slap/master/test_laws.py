"""Laws that hold whatever people, instances and agents do, in any order."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pelagos.slap import master
from pelagos.slap.errors import SlapError
from pelagos.slap.master.errors import Conflict
from pelagos.slap.model import ComputerFormat, InstanceRequest, InstanceState, PartitionFormat
from support.slap_site import ADMIN, COMPUTER, URL, Site

OTHER = "/srv/b/software.cfg"
COMPUTERS = (COMPUTER, "COMP-2")

names = st.sampled_from(["a", "b", "c", "d"])
urls = st.sampled_from([URL, URL, URL, OTHER])
computers = st.sampled_from(COMPUTERS)
states = st.sampled_from(InstanceState)
filters = st.sampled_from(
    [
        {},
        {},
        {},
        {"computer_guid": "COMP-2"},
        {"region": "sea"},
        {"capability": "gpu"},
        {"mode": "unique_by_network"},
        {"nonsense": "1"},
    ]
)
wishes = st.fixed_dictionaries(
    {
        "reference": names,
        "release_url": urls,
        "parameters": st.sampled_from([{}, {"x": "1"}, {"x": ""}]),
        "filters": filters,
        "shared": st.sampled_from([False, False, True]),
        "state": st.none() | states,
    }
)


class Plane(RuleBasedStateMachine):
    """Everything that can be asked of a master, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.site = Site(self.folder)
        self.service = self.site.service
        self.site.add_computer("COMP-2", 2)
        self.site.supply()
        self.stamps: dict[str, int] = {}
        self.last: tuple[InstanceRequest, master.Identity] | None = None

    def teardown(self) -> None:
        self.site.close()
        shutil.rmtree(self.folder)

    # ---- what may happen ---------------------------------------------------------------------

    @rule(wish=wishes, by=st.integers(0, 5))
    def ask(self, wish: dict[str, Any], by: int) -> None:
        request, identity = InstanceRequest(**wish), ADMIN
        seats = self.seats()
        if by and seats:
            where = seats[by % len(seats)]
            request = InstanceRequest(**wish, requester=where)
            identity = master.partition(*where)
        self.last = (request, identity)
        self.attempt(self.service.request, request, identity)

    @rule(wish=wishes)
    def plan_and_apply(self, wish: dict[str, Any]) -> None:
        request = InstanceRequest(**wish)
        before = self.everything()
        plan = self.attempt(self.service.plan, request, ADMIN)
        assert self.everything() == before
        if plan is None:
            return
        try:
            self.service.apply(request, plan.basis, ADMIN)
        except Conflict as error:
            raise AssertionError("nothing moved in between") from error
        except SlapError:
            pass

    @rule(name=names, state=states)
    def wish_state(self, name: str, state: InstanceState) -> None:
        self.attempt(self.service.set_state, name, state, ADMIN)

    @rule(name=names, other=names)
    def rename(self, name: str, other: str) -> None:
        self.attempt(self.service.rename_service, name, other, ADMIN)

    @rule(name=names)
    def bang(self, name: str) -> None:
        self.attempt(self.service.bang_service, name, "look", ADMIN)

    @rule(computer=computers, draining=st.booleans())
    def drain(self, computer: str, draining: bool) -> None:
        self.service.drain(computer, draining, ADMIN)

    @rule(url=urls, computer=computers, state=st.sampled_from(["available", "destroyed"]))
    def supply(self, url: str, computer: str, state: str) -> None:
        self.attempt(self.site.supply, url, computer, state)

    @rule(
        url=urls,
        computer=computers,
        said=st.sampled_from(["building", "available", "destroyed", "error"]),
    )
    def report_release(self, url: str, computer: str, said: Any) -> None:
        agent = master.computer(computer)
        if said == "error":
            self.attempt(self.service.report_release_error, computer, url, "log", agent)
        else:
            self.attempt(self.service.report_release, computer, url, said, agent)

    @rule(at=st.integers(0, 9), said=st.sampled_from(["started", "stopped", "destroyed", "error"]))
    def report(self, at: int, said: Any) -> None:
        seats = self.seats()
        if not seats:
            return
        where = seats[at % len(seats)]
        agent = master.computer(where[0])
        if said == "error":
            self.attempt(self.service.report_partition_error, *where, "it failed", agent)
        else:
            self.attempt(self.service.report_partition, *where, said, agent)

    @rule(at=st.integers(0, 9), value=st.sampled_from(["1", "2"]), which=st.integers(0, 2))
    def publish(self, at: int, value: str, which: int) -> None:
        seats = self.seats()
        if not seats:
            return
        where = seats[at % len(seats)]
        shared = self.service.partition(*where).shared_instances
        to = str(shared[which % len(shared)]["slave_reference"]) if which and shared else None
        agent = master.computer(where[0])
        self.attempt(self.service.publish, *where, {"url": value}, agent, to)

    @rule(computer=computers, count=st.integers(0, 3), region=st.sampled_from(["sea", "land"]))
    def announce(self, computer: str, count: int, region: str) -> None:
        slots = tuple(PartitionFormat(f"slappart{number}") for number in range(count))
        slots = (*slots, PartitionFormat("special", (), ("gpu",)))
        form = ComputerFormat(computer, slots, properties={"region": region})
        self.service.format_computer(form, master.computer(computer))

    @rule(seconds=st.sampled_from([1, 30, 100]), computer=computers)
    def pass_time(self, seconds: int, computer: str) -> None:
        self.site.clock.advance(seconds)
        self.service.seen(computer)

    @rule(computer=computers)
    def bang_computer(self, computer: str) -> None:
        self.service.bang_computer(computer, "rebooted", master.computer(computer))

    # ---- what always holds -------------------------------------------------------------------

    @invariant()
    def everything_has_a_cause(self) -> None:
        things = [(item.guid, "service") for item in self.live()]
        things += [(computer, "computer") for computer in COMPUTERS]
        things += [(item.url, "release") for item in self.service.releases()]
        for name, kind in things:
            found = self.service.explain(name, kind)
            for cause in (found.cause, *found.chain):
                assert cause.code and cause.message and cause.seen_by, (name, cause)
            assert found.cause not in found.chain

    @invariant()
    def nobody_sits_in_anothers_place(self) -> None:
        kinds = {node.guid: node.shared for item in self.live() for node in self.tree(item.guid)}
        places = [
            (item.computer_id, item.partition_id)
            for item in self.live()
            if item.computer_id and not kinds[item.guid]
        ]
        assert len(places) == len(set(places))

    @invariant()
    def timestamps_only_grow(self) -> None:
        for item in self.live():
            if item.computer_id is None or item.partition_id is None:
                continue
            told = self.service.partition(item.computer_id, item.partition_id)
            if told.instance_guid == item.guid:
                assert (told.timestamp or 0) >= self.stamps.get(item.guid, 0)
                self.stamps[item.guid] = told.timestamp or 0

    @invariant()
    def free_partitions_are_counted(self) -> None:
        with self.service._desk.store.read() as reader:
            for computer in reader.computers():
                free = [
                    slot
                    for slot in reader.partitions(computer.key)
                    if slot.offered and not slot.capabilities and slot.instance_key is None
                ]
                assert computer.free == len(free)

    @invariant()
    def no_child_outlives_its_requester(self) -> None:
        guids = {item.guid for item in self.live()}
        for item in self.live():
            assert item.requester_guid is None or item.requester_guid in guids

    @invariant()
    def the_same_again_changes_nothing(self) -> None:
        if self.last is None:
            return
        self.attempt(self.service.request, *self.last)  # what happened since may have undone it
        before = self.everything()
        self.attempt(self.service.request, *self.last)
        assert self.everything() == before

    # ---- looking -----------------------------------------------------------------------------

    def attempt(self, work: Any, *arguments: Any) -> Any:
        """Do it; what is refused has to be refused in our words."""
        try:
            return work(*arguments)
        except SlapError as error:
            if not error.message or error.status is None or error.status >= 500:
                raise AssertionError("this is no refusal") from error
            return None

    def live(self) -> list[Any]:
        with self.service._desk.store.read() as reader:
            guids = [item.guid for item in reader.live_instances()]
        return [self.service.service(guid) for guid in guids]

    def tree(self, guid: str) -> list[Any]:
        return self.service.tree(guid)

    def seats(self) -> list[tuple[str, str]]:
        with self.service._desk.store.read() as reader:
            return [
                (item.computer_id or "", item.partition_id or "")
                for item in reader.live_instances()
                if item.is_allocated and not item.shared
            ]

    def everything(self) -> object:
        with self.service._desk.store.read() as reader:
            events = [event.id for event in reader.events(after=-1, limit=1)]
            return (events, reader.live_instances(), reader.computers(), reader.supplies())


Plane.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    # Shrinking plays the whole story again and again, each time on a database of its own.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestLaws = Plane.TestCase
