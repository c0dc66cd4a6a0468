"""Clouds' clients: long lists of servers, and commands, against openstacksdk and `openstack`.

    python -m benchmarks clients [--rounds 5] [--only list,start,transfer] [--servers 1000,10000]

Each sample is a process of its own; medians of its CPU (user and system, as wait4 tells), its wall
time and its largest resident memory are shown, in interleaved rounds. The cloud is our box with
its Keystone, and a small Nova that answers pages of 1,000 whole records of 1.9 kB as Nova does.

- list: all servers, typed, and three fields of each touched. `plain` is urllib3 with json.
- start: `server list` of 20 servers, and the imports alone, above a bare `python -c pass`.
- transfer: one file of 256 MiB and 1,000 of 10 KiB to a real Swift and back, against `swift` and
  rclone; and how many blocks go to the box's Pithos.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support import openstack_clients
from tests.support.nova import Nova, serving

PROGRAMS = Path(__file__).parent / "programs"
PELAGOS = str(Path(sys.executable).with_name("pelagos"))
#: CPU of ours over that of `plain`; MB of resident memory.
LIST_CPU, LIST_MB = 1.3, 110
#: Milliseconds of CPU above bare Python.
COMMAND_MS, IMPORT_MS = 100, 40


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process took: seconds, and bytes at the most."""

    cpu: float
    wall: float
    memory: int
    said: str


#: Runs a program and tells what it used. A process begins with the memory of who forks it as its
#: largest, so that one must be small.
_LAUNCH = """
import json, os, sys, time
mark = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
took = [used.ru_utime + used.ru_stime, time.perf_counter() - mark, 1024 * used.ru_maxrss]
print(json.dumps(took), file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def take(line: list[str], environ: Mapping[str, str]) -> Sample:
    """Run a program to its end.

    Raises:
        SystemExit: it fails.
    """
    launch = [sys.executable, "-S", "-c", _LAUNCH, *line]
    done = subprocess.run(launch, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{line}: {done.stderr[-2000:]}")
    cpu, wall, memory = json.loads(done.stderr.splitlines()[-1])
    return Sample(cpu, wall, memory, done.stdout.strip())


def rounds(
    lines: Mapping[str, list[str]], environ: Mapping[str, str], count: int
) -> dict[str, Sample]:
    """The medians of so many rounds; one more before them fills caches."""
    found: dict[str, list[Sample]] = {name: [] for name in lines}
    for number in range(count + 1):
        for name, line in lines.items():
            sample = take(line, environ)
            if number:
                found[name].append(sample)
    return {name: median(samples) for name, samples in found.items()}


def median(samples: list[Sample]) -> Sample:
    return Sample(
        statistics.median(one.cpu for one in samples),
        statistics.median(one.wall for one in samples),
        int(statistics.median(one.memory for one in samples)),
        samples[-1].said,
    )


def server(number: int) -> dict[str, object]:
    """A whole record, as large as Nova's."""
    one = f"{number:08x}-1f2e-4d3c-9b8a-0123456789ab"
    place = f"http://cloud.example.org/compute/v2.1/servers/{one}"
    return {
        "id": one, "name": f"web-{number:05d}", "status": "ACTIVE",
        "tenant_id": "5b1c62b0d3a74d8f9e1f7c4a2b3d4e5f",
        "user_id": "9a8b7c6d5e4f43210f1e2d3c4b5a6978",
        "metadata": {"role": "web", "owner": f"team-{number % 40}", "release": "2026.11"},
        "hostId": "e6bd9b4c2f5a4c8f9a1d3b7c6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b",
        "image": {"id": "70a599e0-31e7-49b7-b260-868f441e862b",
                  "links": [{"rel": "bookmark", "href": f"{place}/image"}]},
        "flavor": {"id": "2", "links": [{"rel": "bookmark", "href": f"{place}/flavor"}]},
        "created": "2026-11-02T09:15:27Z", "updated": "2026-11-02T09:16:03Z",
        "addresses": {"private": [
            {"version": 4, "addr": f"10.0.{number // 250}.{number % 250}",
             "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:1a:2b:3c"},
            {"version": 4, "addr": f"192.0.2.{number % 250}",
             "OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:1a:2b:3c"},
        ]},
        "accessIPv4": "", "accessIPv6": "", "links": [{"rel": "self", "href": place},
        {"rel": "bookmark", "href": f"http://cloud.example.org/compute/servers/{one}"}],
        "OS-DCF:diskConfig": "MANUAL", "progress": 0, "OS-EXT-AZ:availability_zone": "nova",
        "config_drive": "", "key_name": "work", "OS-SRV-USG:launched_at": "2026-11-02T09:16:03.0",
        "OS-SRV-USG:terminated_at": None, "security_groups": [{"name": "default"}],
        "OS-EXT-STS:task_state": None, "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:power_state": 1, "os-extended-volumes:volumes_attached": [],
    }  # fmt: skip


def show(title: str, found: Mapping[str, Sample]) -> None:
    print(title)
    for name, one in found.items():
        print(
            f"  {name:28} {1000 * one.cpu:8.0f} ms CPU   {1000 * one.wall:8.0f} ms"
            f"   {one.memory / 1e6:6.0f} MB",
            flush=True,
        )


def judge(what: str, value: float, goal: float) -> None:
    print(f"  {what}: {value:.2f}, goal {goal:g}: {'reached' if value <= goal else 'MISSED'}")


def lists(nova: Nova, peers: Path, counts: list[int], count: int) -> None:
    for number in counts:
        nova.servers = [server(one) for one in range(number)]
        nova.link_base = nova.url
        words = [nova.url, nova.person.token(), nova.box.auth_url]
        found = rounds(
            {
                "pelagos.clients": [sys.executable, str(PROGRAMS / "ours.py"), *words],
                "urllib3 + json": [sys.executable, str(PROGRAMS / "plain.py"), *words],
                "openstacksdk": [str(peers / "python"), str(PROGRAMS / "sdk.py"), *words],
            },
            {"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
            count,
        )
        if len({one.said for one in found.values()}) > 1:
            raise SystemExit(f"they do not find the same: {[s.said for s in found.values()]}")
        show(f"{number:,} servers, typed", found)
        ours, plain = found["pelagos.clients"], found["urllib3 + json"]
        judge("CPU over plain", ours.cpu / plain.cpu, LIST_CPU)
        judge("MB", ours.memory / 1e6, LIST_MB)


def start(nova: Nova, peers: Path, folder: Path, count: int) -> None:
    nova.servers = [server(one) for one in range(20)]
    person, base = nova.person, {"PATH": os.environ["PATH"], "HOME": str(folder)}
    clouds = {"clouds": {"work": {
        "auth": {"auth_url": nova.box.auth_url, "username": person.name,
                 "password": person.password, "project_name": person.project,
                 "user_domain_name": "Default", "project_domain_name": "Default"},
        "compute_endpoint_override": nova.url,
    }}}  # fmt: skip
    path = folder / "clouds.yaml"
    path.write_text(json.dumps(clouds))
    environ = {**base, "OS_CLIENT_CONFIG_FILE": str(path), "OS_CLOUD": "work"}
    environ["PYTHONWARNINGS"] = "ignore"
    bare = [sys.executable, "-c", "pass"]
    found = rounds(
        {
            "python -c pass": bare,
            "import pelagos.clients": [sys.executable, "-c", "import pelagos.clients"],
            "pelagos server list": [PELAGOS, "server", "list"],
            "openstack server list": [
                str(peers / "openstack"), "server", "list", "--no-name-lookup",
            ],
        },
        environ,
        count,
    )  # fmt: skip
    show("server list of 20", found)
    nothing = found["python -c pass"].cpu
    over = {name: 1000 * (one.cpu - nothing) for name, one in found.items()}
    judge("ms of the command over bare Python", over["pelagos server list"], COMMAND_MS)
    judge("ms of the import", over["import pelagos.clients"], IMPORT_MS)


def transfer(peers: Path, folder: Path, count: int) -> None:
    from benchmarks.clients import carrying  # noqa: PLC0415  # one part needs it

    site = carrying.Site(folder)
    try:
        for job in (
            carrying.Job.make(folder / "one", 1, 256 * carrying.MIB, "1 x 256 MiB"),
            carrying.Job.make(folder / "many", 1000, 10 * carrying.KIB, "1,000 x 10 KiB"),
        ):
            samples: dict[str, dict[str, list[Sample]]] = {"up": {}, "down": {}}
            for number in range(count):
                for name, commands in carrying.lines(PELAGOS, peers).items():
                    container = f"{job.folder.name}-{name}-{number}"
                    site.cloud.object_store.create_container(container)
                    target = folder / "down"
                    for way, command in zip(("up", "down"), commands, strict=True):
                        sample = take(command(job, container, target), site.environ)
                        samples[way].setdefault(name, []).append(sample)
                    carrying.same(job, target)
                    shutil.rmtree(target)
            for way, found in samples.items():
                shown = {name: median(taken) for name, taken in found.items()}
                show(f"{job.title} {way}", shown)
                ours, others = shown.pop("pelagos"), shown.values()
                judge("wall over the faster", ours.wall / min(one.wall for one in others), 1)
                judge("CPU over the lesser", ours.cpu / min(one.cpu for one in others), 1)
    finally:
        site.close()
    carrying.blocks(folder)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks clients",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="list,start,transfer")
    parser.add_argument("--servers", default="1000,10000")
    asked = parser.parse_args(argv)
    parts = asked.only.split(",")
    if unknown := set(parts) - {"list", "start", "transfer"}:
        parser.error(f"there is no part {', '.join(unknown)}; there are list, start, transfer")
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    peers = openstack_clients.install()
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as name, serving() as nova:
        if "list" in parts:
            lists(nova, peers, [int(one) for one in asked.servers.split(",")], asked.rounds)
        if "start" in parts:
            start(nova, peers, Path(name), asked.rounds)
        if "transfer" in parts:
            transfer(peers, Path(name), asked.rounds)
