"""`recipe = pelagos:free-port`: a TCP port that no neighbour has."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pelagos.slap.kept_ports import EVERY_IP, FIRST_PORT, LAST_PORT, LIST
from pelagos.slap.recipes.base import Options, Recipe, Sections, write_file

#: Seconds to wait for neighbours that look for a port, where no agent of ours tells of them.
_PATIENCE = 5.0


class _Told(NamedTuple):
    """What the agent said: where to begin to look, and what the others keep."""

    first: int
    kept: tuple[tuple[str, int, str], ...]


class FreePort(Recipe):
    """Picks a TCP port that nobody listens on and keeps it from run to run, as the option port.

    Options: ip (default 127.0.0.1); port, when it is given and not empty, is kept instead, unless
    another partition of this computer keeps it.
    """

    allowed = ("ip", "port")

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        wished = options.get("port", "").strip()
        options["ip"] = ip = options.get("ip", "").strip() or "127.0.0.1"
        kept = self.folder / "var" / "port" / self.name
        self._told = _read_list(self.folder / ".slapgrid" / LIST)
        # Without the agent's list, neighbours are looked at; all of them belong to one user then.
        with _alone(self.folder.parent) if self._told is None else contextlib.nullcontext():
            port = self._take(self.port_of(wished, "port"), ip) if wished else _port_in(kept)
            port = port or self._pick(ip, kept)
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_file(kept, f"{port} {ip}\n", 0o640)
        options["port"] = str(port)

    def _neighbours(self) -> Iterable[tuple[str, int, str]]:
        """Partition, port and address of what the other partitions of this computer keep."""
        if self._told is not None:
            return self._told.kept
        return _ports_of_neighbours(self.folder)

    def _take(self, port: int, ip: str) -> int:
        """A wished port, unless a neighbour keeps it, whether or not that runs now."""
        for neighbour, its_port, its_ip in self._neighbours():
            if port == its_port and (ip == its_ip or {ip, its_ip} & EVERY_IP):
                raise self.fail(f"port {port} is taken: the partition {neighbour} keeps it.")
        return port

    def _pick(self, ip: str, kept: Path) -> int:
        """The first free port from one that depends on the place: neighbours do not meet."""
        taken = {port for _, port, _ in self._neighbours()}
        taken |= {port for path in kept.parent.glob("*") if (port := _port_in(path))}
        span = LAST_PORT - FIRST_PORT
        start = int.from_bytes(hashlib.sha256(os.fsencode(kept)).digest()[:4], "big") % span
        if self._told is not None:  # a place of its own: nobody else looks there now
            start = (self._told.first - FIRST_PORT) % span
        for step in range(span):
            port = FIRST_PORT + (start + step) % span
            if port not in taken and _is_free(ip, port):
                return port
        raise self.fail(f"no free port between {FIRST_PORT} and {LAST_PORT} on {ip}.")


def _port_in(kept: Path) -> int | None:
    """The port that was kept in a file; None when there is none."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(kept.read_text("ascii").split()[0])
    return None


def _ports_of_neighbours(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Partition, port and address of what the other partitions of this computer keep."""
    for kept in folder.parent.glob("*/var/port/*"):
        neighbour = kept.relative_to(folder.parent).parts[0]
        with contextlib.suppress(OSError, ValueError, IndexError):
            port, *ip = kept.read_text("ascii").split()
            if neighbour != folder.name:
                yield neighbour, int(port), ip[0] if ip else "127.0.0.1"


def _read_list(path: Path) -> _Told | None:
    """The agent's list; None where there is none: another agent than ours runs this."""
    try:
        lines = [line.split() for line in path.read_text("ascii").splitlines()]
        first = int(lines[0][1])
        return _Told(first, tuple((name, int(port), ip) for port, ip, name in lines[1:]))
    except (OSError, ValueError, IndexError):
        return None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no neighbour choose a port at the same time; one that holds on is not waited for."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _is_free(ip: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((ip, port))
        except OSError:
            return False
    return True
