"""The master's events on the bus: none gets lost, whoever is killed or away meanwhile."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.messaging import connect
from pelagos.messaging.transports.base import Connection, Queue
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.events import Announcer, PlaneEvents, Waker
from pelagos.plane.master import MasterProgram
from pelagos.plane.sections import MasterConfig
from pelagos.plane.settings import Part, PlaneSettings
from pelagos.slap.client import SlapClient
from support.plane import Plane, eventually

pytestmark = pytest.mark.integration

KILLS = 10


class Ledger:
    """A durable queue that keeps what is announced on a broker."""

    def __init__(self, url: str) -> None:
        self._connection: Connection = connect(url).open()
        self._queue = f"ledger-{uuid.uuid4().hex}"
        self._connection.declare_exchange(PlaneEvents)
        self._connection.declare_queue(Queue(self._queue))
        self._connection.bind(PlaneEvents.name, self._queue, "#")
        self.ids: list[int] = []
        self._databases: set[str] = set()

    def read(self, database: str | None = None) -> list[int]:
        """The events of one plane (others use the broker, too), in the order of their arrival."""
        while (delivery := self._connection.get(self._queue)) is not None:
            self._connection.ack(delivery)
            message_id = delivery.properties.message_id
            if database is None or message_id.startswith(f"event-{database}-"):
                self.ids.append(wire.decode(delivery.body)["content"]["kwds"]["id"])
        return self.ids

    def close(self) -> None:
        self._connection.delete_queue(self._queue)
        self._connection.close()


@contextlib.contextmanager
def kept(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url)
    try:
        yield ledger
    finally:
        ledger.close()


def logged(client: SlapClient) -> list[int]:
    found: list[int] = []
    while more := client.events(after=found[-1] if found else 0, limit=1000):
        found += [event.id for event in more]
    return found


def name_of(database: Path) -> str:
    with contextlib.closing(sqlite3.connect(database)) as file:
        return str(file.execute("SELECT value FROM facts WHERE name = 'name'").fetchone()[0])


def firsts(ids: list[int]) -> list[int]:
    return list(dict.fromkeys(ids))


def test_a_master_that_is_killed_at_any_point_loses_no_event(tmp_path: Path, rabbitmq_url: str):
    """Changes go on from several threads while the master is killed again and again."""
    plane = Plane(tmp_path)
    plane.configure(bus={"url": rabbitmq_url})
    with kept(rabbitmq_url) as ledger:
        try:
            plane.start(Part.MASTER)
            done = threading.Event()

            eventually(plane.data.token)
            database = name_of(plane.data.database)
            computer_id = eventually(lambda: plane.client().computers())[0].computer_id

            def work(name: str) -> None:
                number = 0
                while not done.is_set():
                    number += 1
                    try:
                        plane.client().supply(f"http://example.org/{name}/{number}", computer_id)
                    except PelagosError:  # it is being killed just now
                        time.sleep(0.02)

            threads = [
                threading.Thread(target=work, args=(name,), daemon=True) for name in ("a", "b")
            ]
            for thread in threads:
                thread.start()
            for number in range(KILLS):
                time.sleep(0.05 + 0.11 * (number % 5))
                plane.kill(Part.MASTER)
                plane.start(Part.MASTER)
            done.set()
            for thread in threads:
                thread.join(60)
            wanted = logged(plane.client())
            end = time.monotonic() + 60
            while firsts(ledger.read(database))[-1:] != wanted[-1:] and time.monotonic() < end:
                time.sleep(0.05)
            first = firsts(ledger.ids)
            assert first == wanted[wanted.index(first[0]) :]
            # All but what was written before the very first announcer: at the master's birth.
            assert wanted.index(first[0]) <= 2
            assert len(wanted) > KILLS
        finally:
            plane.stop()


def test_events_wait_for_a_broker_that_is_away(tmp_path: Path, own_rabbitmq):
    home = DataFolder(tmp_path / "home")
    home.create()
    with kept(own_rabbitmq.url) as ledger:
        announcer = Announcer(own_rabbitmq.url)
        master = MasterProgram(PlaneSettings(home.path), home, announcer)
        assert announcer.flush()
        ledger.read()
        own_rabbitmq.kill()
        service = master._master.service
        for number in range(20):
            service.register_computer(f"c{number}")
        own_rabbitmq.start()
        assert announcer.flush(60)
        database = service._desk.store.name
        wanted = [event.id for event in service.events(after=0, limit=1000)]
        master.stop()
        ledger._connection = connect(own_rabbitmq.url).open()
        assert firsts(ledger.read(database)) == wanted[-len(firsts(ledger.ids)) :]
        assert set(wanted[-20:]) <= set(ledger.ids)


def test_two_masters_of_one_database_announce_each_event_once(
    tmp_path: Path, postgresql_url: str, rabbitmq_url: str
):
    programs = []
    with kept(rabbitmq_url) as ledger:
        try:
            for name in ("one", "two"):
                home = DataFolder(tmp_path / name)
                home.create()
                settings = PlaneSettings(home.path, master=MasterConfig(database=postgresql_url))
                announcer = Announcer(rabbitmq_url)
                programs.append((MasterProgram(settings, home, announcer), announcer))
            services = [program._master.service for program, _ in programs]
            begun = max([0, *(event.id for event in services[0].events(after=-1))])

            def work(number: int) -> None:
                for count in range(30):
                    services[number].register_computer(f"c{number}-{count}")

            threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            database = services[0]._desk.store.name
            wanted = [event.id for event in services[0].events(after=begun, limit=1000)]
            end = time.monotonic() + 60
            while wanted[-1] not in ledger.read(database) and time.monotonic() < end:
                time.sleep(0.05)
            assert [one for one in ledger.ids if one > begun] == wanted
            # The one that announces goes; the other takes over, and says nothing twice but what
            # was said within the last second.
            leader = next(i for i, (_, announcer) in enumerate(programs) if announcer.flush(1.0))
            programs.pop(leader)[0].stop()
            other = programs[0]
            other[0]._master.service.register_computer("last")
            assert other[1].flush(60)
            last = other[0]._master.service.events(after=-1)[0].id
            assert last in ledger.read(database)
            assert firsts(ledger.ids) == sorted(firsts(ledger.ids))
        finally:
            for program, _ in programs:
                program.stop()


def test_an_agent_is_woken_at_once(tmp_path: Path):
    home = DataFolder(tmp_path / "home")
    home.create()
    url = f"memory:{uuid.uuid4().hex}"
    master = MasterProgram(PlaneSettings(home.path), home, Announcer(url))
    woken = threading.Event()
    waker = Waker(url, "c", woken.set)
    waker.wait_ready(30)
    try:
        service = master._master.service
        service.register_computer("c")
        person = SlapClient(master.url, token=home.token(), timeout=30.0)
        times = []
        for number in range(20):
            woken.clear()
            person.supply(f"http://example.org/{number}", "c")
            began = time.perf_counter()
            assert woken.wait(30)
            times.append(time.perf_counter() - began)
        person.close()
        assert sorted(times)[10] < 0.5  # far below the poll of 5 s, on a busy machine, too
    finally:
        waker.stop()
        master.stop()
