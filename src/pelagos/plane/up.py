"""Run a plane in the foreground: the chosen parts, started in order, stopped in reverse."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Self

from pelagos.core.errors import PelagosError
from pelagos.plane.agent_line import AgentEar, BusLine
from pelagos.plane.bus import PlaneBroker, bus_url
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.endpoints import Endpoints
from pelagos.plane.events import Announcer, Waker
from pelagos.plane.membership import has_joined, how_to_start
from pelagos.plane.settings import Part, PlaneSettings, default_computer_id

if TYPE_CHECKING:  # a plane without this part does not pay for it
    from pelagos.plane.master import MasterProgram

log = logging.getLogger(__name__)

#: Whether each thing that was started still runs, by its name for a person.
Alive = dict[str, Callable[[], bool]]


def run(settings: PlaneSettings, *, on_ready: Callable[[Endpoints], None]) -> None:
    """Start the parts, say so, and serve until SIGTERM or SIGINT.

    Everything that was accepted is on disk before it is answered; ending this process, even by
    force, leaves the services of this computer running under their supervisor.

    Args:
        on_ready: called once, when all parts answer.

    Raises:
        AlreadyRunning: another process runs one of the parts on this data.
        PelagosError: a part cannot start; those that had started are stopped again.
    """
    folder = DataFolder(settings.data)
    folder.create()
    if Part.MASTER in settings.parts:
        _refuse_joined(folder)
    with contextlib.ExitStack() as stack:
        for part in sorted(settings.parts):
            stack.enter_context(folder.hold(part))
        signals = stack.enter_context(_Signals())
        alive = _start(settings, folder, stack)
        on_ready(folder.note(pid=os.getpid()))
        while (number := signals.wait(1.0)) is None:
            _check(alive, folder)
        log.info("got %s, stopping", signal.Signals(number).name)


def _refuse_joined(folder: DataFolder) -> None:
    """Pass, unless this computer works for a plane elsewhere: a master here would cut it off."""
    if not has_joined(folder):
        return
    known = folder.endpoints()
    raise PelagosError(
        f"{folder.path} is the data of the computer {known.computer_id}, which joined the plane "
        f"at {known.master_url}; no plane of its own starts there",
        hint="run it for that plane: pelagos node run\n"
        "or start a plane on another folder: pelagos up --data DIR",
    )


def _check(alive: Alive, folder: DataFolder) -> None:
    """Pass, when everything runs that was started.

    Raises:
        PelagosError: a thread ended by itself; a plane that only seems to run helps nobody.
    """
    ended = [name for name, is_alive in alive.items() if not is_alive()]
    if ended:
        raise PelagosError(
            f"the {' and the '.join(ended)} ended by itself",
            hint=f"this log and those in {folder.node}/log say why; start again: "
            f"{how_to_start(folder)}",
        )


def _start(settings: PlaneSettings, folder: DataFolder, stack: contextlib.ExitStack) -> Alive:
    """Start the chosen parts; `stack` stops them. Returns what tells whether each still runs."""
    former = folder.endpoints()
    computer_id = settings.node.computer_id or former.computer_id or default_computer_id()
    master_url = settings.master_url or former.master_url
    alive: Alive = {}
    if Part.MASTER in settings.parts:
        master = _start_master(settings, folder, stack, alive)
        master_url = master.url
        master.node_token(computer_id, folder)
    if not master_url and settings.parts != {Part.DIRECTORY}:  # which may do without a plane
        raise PelagosError(
            "it is not known where the master is",
            hint="give its address with --master-url, or run the part master on this data first",
        )
    if Part.AGENT in settings.parts:
        from pelagos.plane.formatting import node_root
        from pelagos.plane.node import NodeProgram

        folder.note(computer_id=computer_id, node_root=str(node_root(settings.node, folder)))
        node = NodeProgram(settings, folder, computer_id, master_url or "")
        stack.callback(node.stop)
        bus = bus_url(settings.bus, folder.path)
        waker = Waker(bus, computer_id, node.agent.wake)
        stack.callback(waker.stop)
        ear = AgentEar(bus, computer_id, node.attendant.answer)
        stack.callback(ear.stop)
        alive |= {"agent": node.alive, "listener to events": waker.alive}
        alive["listener to calls"] = ear.alive
    if Part.DIRECTORY in settings.parts:
        from pelagos.plane.directory import DirectoryProgram

        directory = DirectoryProgram(
            settings, folder, master_url or "", bus_url(settings.bus, folder.path)
        )
        stack.callback(directory.stop)
        alive["directory"] = directory.alive
    return alive


def _start_master(
    settings: PlaneSettings, folder: DataFolder, stack: contextlib.ExitStack, alive: Alive
) -> MasterProgram:
    """The master with what belongs to it: its broker, its way to agents, its machines."""
    from pelagos.plane.master import MasterProgram

    if settings.bus.broker:
        broker = PlaneBroker(settings.bus, folder.path)
        stack.callback(broker.stop)
        alive["broker"] = broker.alive
    bus = bus_url(settings.bus, folder.path)
    machines = None
    if settings.capacity.named:
        from pelagos.plane.capacity.program import CapacityProgram

        machines = CapacityProgram(settings.capacity, folder, bus, environ=settings.environ)
        alive["maker of machines"] = machines.alive
    announcer, line = Announcer(bus), BusLine(bus)
    stack.callback(line.close)
    master = MasterProgram(settings, folder, announcer, line, machines)
    stack.callback(master.stop)
    alive |= {"announcer of events": announcer.alive, "master": master.alive}
    return master


class _Signals:
    """Whether a signal asks for the end, from within its `with` block.

    A handler runs in the middle of whatever the main thread does, so it takes no lock: a locked
    event or a log line could wait for itself. It writes one byte, which the main thread reads.
    """

    _ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._former = {number: signal.signal(number, self._note) for number in self._ENDING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        os.close(self._write)
        os.close(self._read)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):  # full of signals: one is enough
            os.write(self._write, bytes([number]))

    def wait(self, seconds: float) -> int | None:
        """The first signal that came, waited for at most so long; None without one."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        return os.read(self._read, 1)[0] if ready else None
