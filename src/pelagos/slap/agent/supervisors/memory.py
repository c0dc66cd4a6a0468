"""A supervisor without processes, for tests and simulations: programs exist as records only."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from pelagos.core.clock import Clock
from pelagos.slap.agent.errors import SupervisorError
from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.supervisors.base import Program


class MemorySupervisor:
    """Keeps records; `end` plays a program's death the way a real supervisor would treat it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._next_pid = 100
        self._groups: dict[str, dict[str, tuple[Program, ProgramStatus]]] = {}
        self.is_running = False
        self.is_broken = False

    def start(self) -> None:
        """From now on `observe` answers."""
        self._check_health()
        self.is_running = True

    def observe(self) -> Mapping[str, tuple[ProgramStatus, ...]]:
        """All programs by group."""
        self._check_health()
        with self._lock:
            return {
                group: tuple(status for _, status in members.values())
                for group, members in self._groups.items()
            }

    def run(self, group: str, programs: tuple[Program, ...]) -> None:
        """Make the group consist of exactly these programs."""
        self._check_health()
        with self._lock:
            former = self._groups.pop(group, {})
            is_same_set = {p.name for p in programs} == set(former)
            members = {}
            for program in programs:
                known = former.get(program.name)
                if is_same_set and known and known[0] == program and known[1].is_alive:
                    members[program.name] = known
                else:
                    members[program.name] = (program, self._started(program))
            if members:
                self._groups[group] = members

    def remove(self, group: str) -> None:
        """Forget the group."""
        self._check_health()
        with self._lock:
            self._groups.pop(group, None)

    def restart(self, group: str, name: str) -> None:
        """Start a program again."""
        self._check_health()
        with self._lock:
            program, status = self._member(group, name)
            if not status.is_alive:
                self._groups[group][name] = (program, self._started(program))

    def shutdown(self) -> None:
        """Forget everything."""
        with self._lock:
            self._groups.clear()
        self.is_running = False

    def end(self, group: str, name: str, *, status: int, state: ProgramState) -> None:
        """Let a program end; `state` is what a real supervisor would then say."""
        with self._lock:
            program, before = self._member(group, name)
            pid = None
            if state in {ProgramState.RUNNING, ProgramState.STARTING}:
                before = self._started(program)
                pid = before.pid
            after = replace(before, state=state, pid=pid, exit_status=status)
            self._groups[group][name] = (program, after)

    def _member(self, group: str, name: str) -> tuple[Program, ProgramStatus]:
        try:
            return self._groups[group][name]
        except KeyError:
            raise SupervisorError(f"There is no program {name} in {group}.") from None

    def _started(self, program: Program) -> ProgramStatus:
        self._next_pid += 1
        return ProgramStatus(
            name=program.name,
            state=ProgramState.RUNNING,
            is_kept=program.is_kept,
            pid=self._next_pid,
            started_at=self._clock.time(),
            log=str(program.log),
        )

    def _check_health(self) -> None:
        if self.is_broken:
            raise SupervisorError("The supervisor does not answer.")
