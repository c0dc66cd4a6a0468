"""Run a plane in the foreground: the chosen parts, started in order, stopped in reverse."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from pelagos.core.errors import PelagosError
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.endpoints import Endpoints
from pelagos.plane.events import Announcer, Waker
from pelagos.plane.settings import Part, PlaneSettings, default_computer_id

log = logging.getLogger(__name__)


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
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        for part in sorted(settings.parts):
            stack.enter_context(folder.hold(part))
        stack.enter_context(_signals(stop))
        alive = _start(settings, folder, stack)
        on_ready(folder.note(pid=os.getpid()))
        while not stop.wait(1.0):
            if not alive():
                raise PelagosError(
                    "the agent ended by itself",
                    hint=f"its log, with the reason, is in {folder.node}/log; start again",
                )
        log.info("stopping")


def _start(
    settings: PlaneSettings, folder: DataFolder, stack: contextlib.ExitStack
) -> Callable[[], bool]:
    """Start the chosen parts; `stack` stops them. Returns whether the agent still runs."""
    former = folder.endpoints()
    computer_id = settings.node.computer_id or former.computer_id or default_computer_id()
    master_url = settings.master_url or former.master_url
    if Part.MASTER in settings.parts:
        from pelagos.plane.master import MasterProgram

        announcer = Announcer(settings.bus.url)
        stack.callback(announcer.stop)
        master = MasterProgram(settings, folder, announcer.announce)
        stack.callback(master.stop)
        master_url = master.url
        master.node_token(computer_id, folder)
    if not master_url:
        raise PelagosError(
            "it is not known where the master is",
            hint="give its address with --master-url, or run the part master on this data first",
        )
    alive = _always
    if Part.AGENT in settings.parts:
        from pelagos.plane.node import NodeProgram

        folder.note(computer_id=computer_id, node_root=str(folder.node))
        node = NodeProgram(settings, folder, computer_id, master_url)
        stack.callback(node.stop)
        stack.callback(Waker(settings.bus.url, computer_id, node.agent.wake).stop)
        alive = node.alive
    if Part.DIRECTORY in settings.parts:
        from pelagos.plane.directory import DirectoryProgram

        stack.callback(DirectoryProgram(settings, folder, master_url).stop)
    return alive


def _always() -> bool:
    return True


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    def on_signal(number: int, _frame: FrameType | None) -> None:
        log.info("got %s", signal.Signals(number).name)
        stop.set()

    former = {number: signal.signal(number, on_signal) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
