"""End the plane of a data folder, and its services when asked."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import Part


@dataclass(frozen=True, slots=True)
class Ended:
    """What `down` did: the processes that it ended, and whether the services were stopped too."""

    pids: tuple[int, ...]
    services_stopped: bool


def run(
    folder: DataFolder,
    *,
    stop_services: bool = False,
    timeout: float = 40.0,
    clock: Clock | None = None,
    kill: Callable[[int, int], None] = os.kill,
) -> Ended:
    """Ask each process that runs a part of this folder to end, and wait until it has.

    Args:
        stop_services: also stop the running services of this computer and their supervisor; the
            next `up` starts them again.
        timeout: seconds to wait.

    Raises:
        PelagosError: a process did not end in time, or may not be signalled.
    """
    clock = clock or SystemClock()
    pids = folder.pids()
    for pid in pids:
        try:
            kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
        except PermissionError as error:
            raise PelagosError(
                f"process {pid} runs the plane of {folder.path}, but belongs to somebody else",
                hint="run `pelagos down` as the user who started it",
            ) from error
    end = clock.monotonic() + timeout
    while left := folder.pids():
        if clock.monotonic() > end:
            raise PelagosError(
                f"process {', '.join(map(str, left))} did not end within {timeout:g} s",
                hint=f"its log is in {folder.node}/log; `kill -9` loses nothing that was accepted",
            )
        clock.sleep(0.05)
    if stop_services:
        _stop_services(folder)
    return Ended(tuple(pids), stop_services)


def _stop_services(folder: DataFolder) -> None:
    from pelagos.slap.agent import Agent, AgentSettings
    from pelagos.slap.client import SlapClient

    endpoints = folder.endpoints()
    if not endpoints.computer_id:
        return  # no agent ever ran here
    with folder.hold(Part.AGENT):  # nobody may start them again meanwhile
        root = Path(endpoints.node_root or folder.node)
        settings = AgentSettings(computer_id=endpoints.computer_id, root=root)
        Agent(settings, SlapClient(endpoints.master_url)).shutdown_services()
