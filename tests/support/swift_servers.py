"""Runs the servers of a Swift, with Swift's own Python: swift_servers.py FOLDER.

Its `swift.conf`, with the storage policies, is in the folder and not in /etc/swift. All servers
are forks of this process, which has loaded what they have in common; with one of them all end.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
from pathlib import Path

#: Of a ring: partitions are 2 to the power of this, and one copy of everything is kept.
POWER, COPIES, HOURS = 8, 1, 0
PR_SET_PDEATHSIG = 1
SERVERS = {
    "account": "swift.account.server",
    "container": "swift.container.server",
    "object": "swift.obj.server",
    "proxy": "swift.proxy.server",
    "updater": "swift.container.updater",
}


def make_ring(folder: Path, name: str, port: int) -> None:
    builder = importlib.import_module("swift.common.ring.builder").RingBuilder(
        POWER, COPIES, HOURS
    )
    place = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1"}
    builder.add_dev(
        {**place, "weight": 1, "replication_ip": "127.0.0.1", "replication_port": port}
    )
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{name}.ring.gz"))


def fork(name: str, folder: Path) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # however this process is ended
    if os.getppid() != parent:
        os._exit(1)
    kind = "container" if name == "updater" else name
    sys.argv = [f"swift-{name}", str(folder / f"{kind}.conf"), "-v"]
    try:
        importlib.import_module(SERVERS[name]).main()
    finally:
        os._exit(1)


def main(folder: Path) -> None:
    importlib.import_module("swift.common.utils").set_swift_dir(str(folder))
    ports = json.loads((folder / "ports.json").read_text())
    for name, server in (("account", "account"), ("container", "container"), ("object", "object"),
                         ("object-1", "object")):  # fmt: skip
        make_ring(folder, name, ports[server])
    for module in SERVERS.values():
        importlib.import_module(module)
    pids = [fork(name, folder) for name in SERVERS]
    ended, _ = os.wait()
    for pid in set(pids) - {ended}:
        os.kill(pid, signal.SIGKILL)
    sys.exit(f"a server ended: {list(SERVERS)[pids.index(ended)]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
