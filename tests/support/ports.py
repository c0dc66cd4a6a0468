"""Ports of this machine for servers that must be told theirs before they listen."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections import deque
from pathlib import Path

_LOWEST = 10_000
_DEALT_BY_KERNEL = Path("/proc/sys/net/ipv4/ip_local_port_range")
#: Workers of one run share the ports by their remainders: none deals another one's.
_SHARES = 32
#: The last ones: whoever got them may not listen yet, or start again.
_dealt: deque[int] = deque(maxlen=200)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nobody listens.

    A server may take a minute until it listens. None of them is one that the kernel would deal
    meanwhile to whoever connects, or listens on any port.
    """
    ports: list[int] = []
    highest = int(_DEALT_BY_KERNEL.read_text().split()[0])
    worker = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", ""))
    share = range(_LOWEST + int(worker or "0") % _SHARES, max(highest, 2 * _LOWEST), _SHARES)
    while len(ports) < count:
        port = secrets.choice(share)  # `random` is seeded alike in all workers
        if port not in _dealt and _is_free(port):
            _dealt.append(port)
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
