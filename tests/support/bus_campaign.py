"""Loads a bus with programs of their own, lets things go wrong, and judges what became of it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from pelagos.core.backoff import Backoff
from pelagos.messaging import GenericProducer, PublishTimeoutError, connect
from pelagos.messaging.transports.base import Queue
from support import bus_load
from support.bus_load import HEARTBEAT, Place
from support.bus_verdict import Ledger, Verdict
from support.rabbitmq import Broker
from support.rough_proxy import Roughness

#: The programs, by role; a second one serves the calls, too.
ROLES = ("serve", "consume", "publish", "call", "serve+")
#: The word that a role's ledger has for a success.
SUCCESS = {"publish": "ok", "consume": "got", "call": "ok"}
#: Seconds that anything here may take on a busy machine.
PATIENCE = 120.0
_ENDING = 100.0


class Load:
    """Programs that publish, consume, call and serve, until it is left; then see `verdict`.

    Args:
        broker: where the queues are.
        folder: for ledgers, database and what the programs say.
        port: where the programs connect instead, such as a proxy's.
        kinds: of the queues: classic, quorum.
        scheme: which of our implementations is used.
    """

    def __init__(
        self,
        broker: Broker,
        folder: Path,
        *,
        port: int | None = None,
        kinds: tuple[str, ...] = ("classic", "quorum"),
        scheme: str = "amqp",
    ) -> None:
        self.broker = broker
        self.folder = folder / uuid.uuid4().hex[:8]
        self.folder.mkdir()
        self.place = Place(f"load-{self.folder.name}", kinds)
        self.verdict = Verdict()
        self.ledgers = {role: Ledger(self.folder / role) for role in (*ROLES, "nap")}
        self._url = broker.url.replace("amqp:", f"{scheme}:", 1).replace(
            f":{broker.port}/", f":{port or broker.port}/"
        )
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._count = 0

    def __enter__(self) -> Self:
        self.place.declare(self.broker.url)
        for role in ROLES:
            self.spawn(role)
        self.await_all(time.monotonic())
        return self

    def spawn(self, role: str) -> None:
        self._count += 1
        url = self._url if role == "nap" else f"{self._url}?heartbeat={HEARTBEAT}"
        work = role.rstrip("+")
        with (self.folder / f"{work}.said").open("ab") as said:
            self._programs[role] = subprocess.Popen(
                [
                    *(sys.executable, bus_load.__file__, work, url, self.place.exchange.name),
                    *(str(self.folder), f"{role[0]}{self._count}"),
                ],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def kill(self, role: str) -> None:
        """As the kernel does that is out of memory; another one takes its place."""
        self._programs[role].kill()
        self._programs[role].wait()
        self.spawn(role)

    def await_all(self, since: float, roles: Iterable[str] = SUCCESS) -> dict[str, float]:
        """Wait until each of the roles has had a success; seconds after `since`."""
        deadline = time.monotonic() + PATIENCE
        found: dict[str, float] = {}
        while len(found) < len(tuple(roles)):
            for role in roles:
                at = self.ledgers[role].first_after(SUCCESS[role], since)
                if at is not None:
                    found.setdefault(role, at - since)
            if time.monotonic() > deadline:
                raise AssertionError(f"only {sorted(found)} came back:\n{self.said()}")
            time.sleep(0.01)
        return found

    def came_back(self, since: float) -> None:
        for role, seconds in self.await_all(since).items():
            self.verdict.recovery[role].append(seconds)

    def said(self) -> str:
        """The last that the programs said."""
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-1500:]}"
            for path in sorted(self.folder.glob("*.said"))
        )

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                for role in ("call", "publish"):
                    self.finish(role)
                self._await_arrivals()
                for role in list(self._programs):
                    self.finish(role)
        finally:
            for program in self._programs.values():
                program.kill()
                program.wait()
        if kind is None:
            self._judge()
            self.place.delete(self.broker.url)

    def finish(self, role: str) -> None:
        program = self._programs.pop(role)
        with contextlib.suppress(ProcessLookupError):
            program.send_signal(signal.SIGTERM)
        try:
            program.wait(_ENDING)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            raise AssertionError(f"{role} did not end:\n{self.said()}") from None

    def _await_arrivals(self) -> None:
        """What was told safe has arrived, or nothing has come for a while."""
        told = set(self.ledgers["publish"].of("ok"))
        last, seen = time.monotonic(), 0
        while not told <= set(arrived := self.ledgers["consume"].of("got")):
            if len(arrived) > seen:
                last, seen = time.monotonic(), len(arrived)
            if time.monotonic() - last > 20.0:
                return
            time.sleep(0.1)

    def _judge(self) -> None:
        verdict = self.verdict
        told = set(self.ledgers["publish"].of("ok"))
        ids: dict[str, list[str]] = defaultdict(list)
        for line in self.ledgers["consume"].read():
            if line[1] == "got":
                ids[line[2]].append(line[3])
        verdict.told = len(told)
        verdict.lost = sorted(told - ids.keys())
        verdict.doubled = sum(len(copies) - 1 for copies in ids.values())
        verdict.two_ids = sorted(what for what, copies in ids.items() if len(set(copies)) > 1)
        users: dict[str, set[str]] = defaultdict(set)
        for what, copies in ids.items():
            for one in copies:
                users[one].add(what)
        verdict.one_id = sorted(one for one, known in users.items() if len(known) > 1)
        verdict.wrong = self.ledgers["call"].of("wrong")
        for role in ("publish", "call"):
            failed = [line for line in self.ledgers[role].read() if line[1] == "no"]
            verdict.failed.update(f"{role}: {line[3].split(' ')[0]}" for line in failed)
        answered = self.ledgers["call"].of("ok")
        with contextlib.closing(sqlite3.connect(self.folder / "effects.db")) as file:
            effects = Counter(row[0] for row in file.execute("SELECT what FROM effects"))
        verdict.answers = len(answered)
        verdict.effects_lost = sorted(set(answered) - effects.keys())
        verdict.effects_doubled = sorted(what for what, count in effects.items() if count > 1)

    # Faults.

    def restart_broker(self, *, work: float) -> None:
        """Work for so many seconds, then kill -9 of the broker, and a start."""
        time.sleep(work)
        self.broker.kill()
        self.broker.start()
        self.came_back(time.monotonic())

    def freeze_broker(self) -> None:
        """It is stopped for longer than its clients have patience, and goes on."""
        self.broker.freeze()
        try:
            time.sleep(2.0 * HEARTBEAT + 1.5)
        finally:
            back = time.monotonic()
            self.broker.thaw()
        self.came_back(back)

    def fill_disk(self, *, seconds: float) -> str:
        """The broker finds its disk full, and takes no messages for so long; what it tells us."""
        self.broker.control("set_disk_free_limit", "100000GB")
        try:
            said = self._publish_blocked(time.monotonic() + PATIENCE)
            time.sleep(seconds)
        finally:
            self.broker.control("set_disk_free_limit", "50MB")
        self.came_back(time.monotonic())
        return said

    def _publish_blocked(self, deadline: float) -> str:
        """A message that is not taken ends with an error, in its time."""
        options = {"_eks": [(self.place.exchange, "nobody")], "_timeout": 1.0}
        with GenericProducer(bus=connect(self._url), backoff=Backoff(first=0.1)) as producer:
            while time.monotonic() < deadline:
                began = time.monotonic()
                try:
                    producer.message_go(**options)
                except PublishTimeoutError as error:
                    if "takes no messages now" in str(error):
                        assert time.monotonic() - began < 20.0
                        return str(error)
        raise AssertionError("the broker's alarm did not come")

    def kill_workers(self, count: int, generator: random.Random, *, pause: float) -> None:
        """Kill -9 of one program after the other."""
        for number in range(count):
            time.sleep(generator.random() * pause)
            role = ROLES[number % len(ROLES)]
            since = time.monotonic()
            self.kill(role)
            if number % len(ROLES) == len(ROLES) - 1:
                self.await_all(since)

    def be_rough(
        self, rough: Roughness, seconds: float, enough: Callable[[], bool] = lambda: True
    ) -> None:
        """Let the proxy between be rough for so long and until it was enough, then smooth."""
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < seconds or not enough():
            assert passed < seconds + PATIENCE, "the proxy cuts too seldom"
            since = time.monotonic()
            time.sleep(0.2)
            self.await_all(since)  # work goes on meanwhile
        rough.is_smooth = True
        self.came_back(time.monotonic())


def await_nap(load: Load) -> None:
    """The program `nap` has begun once, slept, and settled its message."""
    nap, deadline = load.ledgers["nap"], time.monotonic() + PATIENCE
    while not nap.of_any("slept") and time.monotonic() < deadline:
        time.sleep(0.05)
    begun = [line for line in nap.read() if line[1] == "begun"]
    assert len(begun) == 1, begun
    queue = Queue(f"{load.place.exchange.name}.nap", passive=True)
    link = connect(load.broker.url).open()
    while link.declare_queue(queue).messages and time.monotonic() < deadline:
        time.sleep(0.05)
    load.finish("nap")
    left = link.declare_queue(queue)
    link.delete_queue(queue.name)
    link.close()
    assert (left.messages, left.consumers) == (0, 0)
    assert len([line for line in nap.read() if line[1] == "begun"]) == 1
