"""What instances use of this computer: the only door to psutil.

A sample is a look at all processes once; a partition's are those that its programs started, found
by their ancestors, and as root all of its user. Processor time is counted between samples, so that
what ended in between is lost at most for one interval. Disk is walked slowly: a bounded number of
entries for each look, going on where the last one ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from pelagos.slap.agent.process import read_stat
from pelagos.slap.tio import Movement

#: Entries of folders that one look at the disk reads at the most.
ENTRIES = 20_000
_PSS_FOR = 300


@dataclass(frozen=True, slots=True)
class Use:
    """What was used by one partition, or by the computer.

    Attributes:
        cpu: seconds of processor time since the last report.
        memory: bytes; the share of shared pages where the kernel tells it.
        processes: their number.
        disk: bytes; None before the first whole walk.
    """

    cpu: float = 0.0
    memory: int = 0
    processes: int = 0
    disk: int | None = None


@dataclass(slots=True)
class _Walk:
    """A walk over a folder that goes on from look to look."""

    entries: Iterator[int]
    size: int = 0


@dataclass(slots=True)
class _Known:
    """What is remembered of one partition since the last report."""

    cpu: float = 0.0
    memory_sum: int = 0
    samples: int = 0
    processes: int = 0
    disk: int | None = None
    walk: _Walk | None = None
    times: dict[tuple[int, int], float] = field(default_factory=dict)


class Meter:
    """Adds up what partitions use. Belongs to one thread.

    Args:
        folders: partition id -> its folder.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)
        self._known: dict[str, _Known] = {}
        self._boot_cpu = _computer_cpu()
        self._began = int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))

    def sample(self, programs: Mapping[str, Iterable[int]]) -> None:
        """Look once.

        Args:
            programs: partition id -> pids of its programs.
        """
        for name, processes in _by_partition(programs, self._owners()).items():
            self._add(name, processes)
        self._look_at_disks(programs)

    def _owners(self) -> dict[int, str]:
        """User id -> partition, as far as a user has one only and is not the agent's own."""
        found: dict[int, list[str]] = {}
        for name, folder in self._folders.items():
            try:
                found.setdefault(folder.stat().st_uid, []).append(name)
            except OSError:
                continue
        own = os.getuid()
        return {uid: names[0] for uid, names in found.items() if uid != own and len(names) == 1}

    def _add(self, name: str, processes: list[psutil.Process]) -> None:
        known = self._known.setdefault(name, _Known())
        times: dict[tuple[int, int], float] = {}
        memory = 0
        use_pss = len(processes) <= _PSS_FOR
        for process in processes:
            try:
                with process.oneshot():
                    spent = process.cpu_times()
                    key = (process.pid, _start(process.pid))
                    memory += _memory(process, use_pss=use_pss)
            except psutil.Error:
                continue
            times[key] = spent.user + spent.system
            is_ours = key[1] >= self._began  # of others, an earlier agent told
            before = known.times.get(key, 0.0 if is_ours else times[key])
            known.cpu += max(0.0, times[key] - before)
        known.times = times
        known.memory_sum += memory
        known.samples += 1
        known.processes = len(times)

    def _look_at_disks(self, programs: Mapping[str, Iterable[int]]) -> None:
        left = ENTRIES
        for name in programs:
            known = self._known.setdefault(name, _Known())
            if known.walk is None:
                known.walk = _Walk(_sizes(self._folders[name]))
            for size in known.walk.entries:
                known.walk.size += size
                left -= 1
                if left <= 0:
                    return
            known.disk, known.walk = known.walk.size, None

    def take(self) -> dict[str, Use]:
        """What each partition has used since the last time, and begin anew."""
        found = {}
        for name, known in self._known.items():
            memory = known.memory_sum // known.samples if known.samples else 0
            found[name] = Use(known.cpu, memory, known.processes, known.disk)
        for known in self._known.values():
            known.cpu, known.memory_sum, known.samples = 0.0, 0, 0
        return found

    def forget(self, names: Iterable[str]) -> None:
        """Those have no instance any more."""
        for name in names:
            self._known.pop(name, None)

    def computer(self, root: Path) -> Use:
        """The same of the whole computer; its disk is the one below `root`."""
        now = _computer_cpu()
        cpu, self._boot_cpu = max(0.0, now - self._boot_cpu), now
        memory = psutil.virtual_memory()
        return Use(
            cpu=cpu,
            memory=memory.total - memory.available,
            processes=len(psutil.pids()),
            disk=psutil.disk_usage(str(root)).used,
        )


def movements(use: Use, partition_id: str = "") -> tuple[Movement, ...]:
    """What is reported of a use."""
    whose = Movement("", 0.0, reference=partition_id)
    found = (
        replace(whose, resource="cpu", title="processor time, seconds", quantity=use.cpu),
        replace(whose, resource="memory", title="memory, bytes", quantity=float(use.memory)),
        replace(whose, resource="processes", title="processes", quantity=float(use.processes)),
    )
    if use.disk is None:
        return found
    return (*found, replace(whose, resource="disk", title="disk, bytes", quantity=float(use.disk)))


def _by_partition(
    programs: Mapping[str, Iterable[int]], owners: Mapping[int, str]
) -> dict[str, list[psutil.Process]]:
    """The living processes of each partition."""
    home = {pid: name for name, pids in programs.items() for pid in pids}
    seen: dict[int, tuple[psutil.Process, int, int]] = {}
    for process in psutil.process_iter(["ppid", "uids"]):
        uids = process.info["uids"]
        seen[process.pid] = (process, process.info["ppid"] or 0, uids.real if uids else -1)
    found: dict[str, list[psutil.Process]] = {name: [] for name in programs}
    for pid, (process, _, uid) in seen.items():
        name = _home_of(pid, home, seen) or owners.get(uid)
        if name in found:
            found[name].append(process)
    return found


def _home_of(
    pid: int, home: dict[int, str], seen: Mapping[int, tuple[psutil.Process, int, int]]
) -> str | None:
    """The partition whose program is an ancestor of a process, or itself."""
    path = []
    here = pid
    while here not in home:
        if here not in seen or here in path:
            return None
        path.append(here)
        here = seen[here][1]
    return home[here]


def _start(pid: int) -> int:
    """When a process began, in ticks since the boot: the wall clock may be set meanwhile."""
    fields = read_stat(pid)
    if fields is None:
        raise psutil.NoSuchProcess(pid)
    return int(fields[19])


def _memory(process: psutil.Process, *, use_pss: bool) -> int:
    if use_pss:
        try:
            return int(process.memory_full_info().pss)
        except (psutil.Error, AttributeError):
            pass
    return int(process.memory_info().rss)


def _computer_cpu() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


def _sizes(folder: Path) -> Iterator[int]:
    """Bytes on disk of each entry below a folder, hard links once; no link is followed."""
    seen: set[tuple[int, int]] = set()
    left = [str(folder)]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    try:
                        known = entry.stat(follow_symlinks=False)
                        is_folder = entry.is_dir(follow_symlinks=False)
                    except OSError:
                        continue
                    if is_folder:
                        left.append(entry.path)
                    if known.st_nlink > 1 and not is_folder:
                        if (known.st_dev, known.st_ino) in seen:
                            continue
                        seen.add((known.st_dev, known.st_ino))
                    yield known.st_blocks * 512
        except OSError:
            continue
