"""CPU that a command takes before and while it does its work, above a bare `python -c pass`.

    python -m benchmarks cli_start [--rounds 20]

Starts a master with a few services in this process and runs each command in one round after the
other, bare Python among them; the figures are medians of user and system CPU of the whole process
(as wait4 tells), in milliseconds. Commands run through the installed `pelagos`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from pelagos.core.web import Server
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master import Master
from pelagos.slap.model import InstanceRequest

PELAGOS = str(Path(sys.executable).with_name("pelagos"))
BARE = "python -c pass"
#: Commands and the milliseconds above bare Python that they may take.
GOALS = {
    ("--version",): 40,
    ("--help",): 40,
    ("service", "list", "--help"): 60,
    ("__complete", "service", "info", ""): 60,
    ("service", "list"): 100,
}
SERVICES = 10


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks cli_start")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args(argv).rounds
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as folder:
        master = Master(f"sqlite:///{folder}/plane.db")
        server = Server(master.app)
        server.start()
        try:
            environment = plane(master, server.url, folder)
            report(measure(environment, rounds))
        finally:
            server.stop()
            master.close()


def plane(master: Master, url: str, folder: str) -> dict[str, str]:
    """Give the master some services; the environment of commands that use it."""
    token = master.service.create_person("admin")
    client = SlapClient(url, token=token)
    for number in range(SERVICES):
        try:
            client.request(InstanceRequest(f"service-{number}", "http://example.org/s.cfg"))
        except ResourceNotReady:
            continue  # kept, as wished
    return {
        **os.environ,
        "PELAGOS_DATA": folder,
        "XDG_CONFIG_HOME": folder,
        "PELAGOS_MASTER_URL": url,
        "PELAGOS_TOKEN": token,
    }


def measure(environment: dict[str, str], rounds: int) -> dict[str, list[float]]:
    lines = {BARE: [sys.executable, "-c", "pass"]}
    lines |= {f"pelagos {' '.join(words)}": [PELAGOS, *words] for words in GOALS}
    found: dict[str, list[float]] = {name: [] for name in lines}
    for number in range(rounds + 1):
        for name, line in lines.items():
            took = cpu_ms(line, environment)
            if number:  # the first round fills caches
                found[name].append(took)
    return found


def cpu_ms(line: list[str], environment: dict[str, str]) -> float:
    child = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{line} ended with {child.returncode}"
    return 1000 * (usage.ru_utime + usage.ru_stime)


def report(found: dict[str, list[float]]) -> None:
    bare = statistics.median(found[BARE])
    print(f"{BARE:36} {bare:6.1f} ms CPU")
    for words, goal in GOALS.items():
        name = f"pelagos {' '.join(words)}"
        median = statistics.median(found[name])
        print(f"{name:36} {median:6.1f} ms CPU, {median - bare:+6.1f} over it (goal {goal})")
