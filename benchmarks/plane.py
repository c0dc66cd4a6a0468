"""How long a person waits for a service whose software is built, and what an idle plane costs.

    python -m benchmarks plane [--requests 50] [--tls]

Starts `pelagos up` in a temporary folder, supplies examples/hello, lets it be built, then asks for
one service after another. For each: the time from sending the request until the service's process
had started (as the kernel keeps it, so within 10 ms), and until the master knew that its promises
hold. First, the idle memory and CPU of the plane before anything was asked for. Memory is
proportional (PSS): of the plane's process, and at the end of what the agent started besides.

With `--tls` the master serves HTTPS, and person and agent come with client certificates.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from pelagos.core.http import ClientTls
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.membership import identity_file
from pelagos.plane.settings import Part
from pelagos.slap.client import SlapClient
from pelagos.slap.model import InstanceRequest, InstanceStatus, ReleaseStatus, SupplyState

PELAGOS = Path(sys.executable).with_name("pelagos")
HELLO = Path(__file__).parents[1] / "examples" / "hello" / "software.cfg"
TICKS = os.sysconf("SC_CLK_TCK")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks plane")
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--tls", action="store_true", help="HTTPS and client certificates")
    asked = parser.parse_args(argv)
    count = asked.requests
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as folder:
        os.environ["PELAGOS_DATA"] = f"{folder}/data"
        os.environ["XDG_CONFIG_HOME"] = folder
        os.environ["PELAGOS_MASTER_HTTPS"] = "true" if asked.tls else "auto"
        data = DataFolder(Path(folder) / "data")
        up = start(Path(folder), data, count)
        tls = None
        try:
            if asked.tls:
                tls = identify(Path(folder), data)
                end(up)
                up = start(Path(folder), data, count)  # the agent comes with its certificate now
            measure(data, tls, up.pid, count)
        finally:
            end(up)
            subprocess.run([PELAGOS, "down", "--stop-services"], check=True)


def start(folder: Path, data: DataFolder, count: int) -> subprocess.Popen[bytes]:
    with (folder / "up.log").open("ab") as log:
        words = [PELAGOS, "up", "--partitions", str(count + 1)]
        up = subprocess.Popen(words, stdout=log, stderr=log)
    wait(lambda: data.running(Part.MASTER) and data.endpoints().pid == up.pid)
    return up


def end(up: subprocess.Popen[bytes]) -> None:
    up.terminate()
    up.wait()


def identify(folder: Path, data: DataFolder) -> ClientTls:
    """Give the computer a certificate, and the person one to come with in place of the token."""
    trust = data.client_tls()
    assert trust is not None
    place = data.endpoints()
    client = SlapClient(place.master_url, token=data.token(), tls=trust)
    wait(client.computers)
    issued = client.issue_certificate("computer", place.computer_id)
    keep(identity_file(data), f"{issued.key}{issued.certificate}")
    me = next(item for item in client.people() if item.role == "operator")
    issued = client.issue_certificate("person", me.name)
    keep(folder / "person.pem", f"{issued.key}{issued.certificate}")
    client.close()
    return ClientTls(authority=trust.authority, certificate=folder / "person.pem")


def keep(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def measure(data: DataFolder, tls: ClientTls | None, pid: int, count: int) -> None:
    url = data.endpoints().master_url
    client = SlapClient(url, token=None if tls else data.token(), tls=tls)
    wait(lambda: client.computers()[0].partition_count == count + 1)
    time.sleep(2)
    before, mark = cpu(pid), time.monotonic()
    time.sleep(10)
    share = (cpu(pid) - before) / (time.monotonic() - mark)
    scheme = url.partition(":")[0]
    print(f"{scheme}; idle plane: {pss_mb(pid):.0f} MB, {100 * share:.2f} % of one CPU")

    client.supply(str(HELLO), data.endpoints().computer_id, SupplyState.AVAILABLE)
    mark = time.monotonic()
    wait(lambda: client.releases()[0].status is ReleaseStatus.AVAILABLE, 120)
    print(f"build of examples/hello: {time.monotonic() - mark:.1f} s")
    time.sleep(2)  # what the agent prepares after a build

    running, started = [], []
    for number in range(count):
        reference = f"bench-{number}"
        mark, boot = time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
        client.request(InstanceRequest(reference, str(HELLO)))
        wait(
            lambda name=reference: client.service(name).status is InstanceStatus.STARTED, 60, 0.02
        )
        started.append(time.monotonic() - mark)
        with urllib.request.urlopen(client.service(reference).connection["url"]) as answer:
            running.append(start_of(int(answer.read().split()[-1])) - boot)
    report("request -> process running", running)
    report("request -> promises hold, master knows", started)
    print(f"at the end: plane {pss_mb(pid):.0f} MB; its children: {pss_of_children(pid)}")


def report(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{name}: p50 {1000 * statistics.median(ordered):.0f} ms, p99 {1000 * p99:.0f} ms, "
        f"max {1000 * ordered[-1]:.0f} ms over {len(ordered)} requests"
    )


def start_of(pid: int) -> float:
    """Seconds after boot at which a process began."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / TICKS


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss_mb(pid: int) -> float:
    """Proportional: what is shared with other processes counts for its part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no Pss")


def pss_of_children(pid: int) -> str:
    """Prepared builders and the like; services belong to the supervisor, which is on its own."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            name = next((Path(word).name for word in words[1:] if word[:1] == "/"), words[0])
            found.append(f"{name} {pss_mb(int(child)):.0f} MB")
    return ", ".join(sorted(found)) or "none"


def wait(look: Callable[[], object], seconds: float = 30, every: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            sys.exit(f"benchmark: gave up after {seconds:g} s")
        time.sleep(every)
