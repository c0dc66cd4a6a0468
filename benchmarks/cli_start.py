"""CPU that a command takes to start and to answer, above a bare `python -c pass`; with peers.

    python -m benchmarks cli_start [--rounds 20] [--without-peers]

Each sample is a process of its own, one round after the other, bare Python among them; the
figures are medians of user and system CPU (as wait4 tells), in milliseconds. `pelagos` is asked of
a plane with 10 services, a cloud with 20 servers (our Keystone and a small Nova) and an OpenNebula
with 20 machines, that all run here; `openstack` of the same cloud. What is compiled is kept, as
after any first start.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support import openstack_clients, slapos_peer
from tests.support.nova import Nova, serving

from benchmarks.clients import Sample, rounds, server
from pelagos.core.web import Server
from pelagos.one import OneServer
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master import Master
from pelagos.slap.model import InstanceRequest

PELAGOS = str(Path(sys.executable).with_name("pelagos"))
BARE = "python -c pass"
#: Commands, the milliseconds above bare Python that they may take, and what a peer calls the same.
GOALS = {
    "--version": (40, "--version"),
    "--help": (60, "--help"),
    "server list --help": (60, "server list --help"),
    "__complete service info ": (60, ""),
    "service list": (100, ""),
    "server list": (100, "server list --no-name-lookup"),
    "one vm list": (100, ""),
}
SERVICES = 10
SERVERS = 20


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks cli_start")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--without-peers", action="store_true")
    said = parser.parse_args(argv)
    lines = {BARE: [sys.executable, "-c", "pass"]}
    lines |= {f"pelagos {words}".rstrip(): [PELAGOS, *words.split(" ")] for words in GOALS}
    if not said.without_peers:
        lines |= peers()
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as folder, site(folder) as environ:
        report(rounds(lines, environ, said.rounds))


def peers() -> dict[str, list[str]]:
    """What `openstack` and `slapos` are asked."""
    openstack = str(openstack_clients.install() / "openstack")
    slapos = str(slapos_peer.install() / "slapos")
    asked = [words for _, words in GOALS.values() if words]
    return {
        **{f"openstack {words}": [openstack, *words.split()] for words in asked},
        **{f"slapos {words}": [slapos, words] for words in ("--version", "--help")},
    }


@contextlib.contextmanager
def site(folder: str) -> Iterator[dict[str, str]]:
    """A plane, a cloud and an OpenNebula; the environment of commands that use them."""
    with serving() as nova:
        nova.servers = [server(one) for one in range(SERVERS)]
        master = Master(f"sqlite:///{folder}/plane.db")
        web = Server(master.app)
        web.start()
        try:
            environ = {
                "PATH": os.environ["PATH"],
                "HOME": folder,
                "PELAGOS_DATA": folder,
                "PYTHONWARNINGS": "ignore",
                **plane(master, web.url),
                **cloud(nova, Path(folder)),
            }
            yield environ
        finally:
            web.stop()
            master.close()


def plane(master: Master, url: str) -> dict[str, str]:
    """Give the master some services; the variables that lead to it."""
    token = master.service.create_person("admin")
    client = SlapClient(url, token=token)
    for number in range(SERVICES):
        try:
            client.request(InstanceRequest(f"service-{number}", "http://example.org/s.cfg"))
        except ResourceNotReady:
            continue  # kept, as wished
    return {"PELAGOS_MASTER_URL": url, "PELAGOS_TOKEN": token}


def cloud(nova: Nova, folder: Path) -> dict[str, str]:
    """Configure the cloud and the OpenNebula; the variables that lead to both."""
    person, box = nova.person, nova.box
    clouds = {"clouds": {"work": {
        "auth": {"auth_url": box.auth_url, "username": person.name,
                 "password": person.password, "project_name": person.project,
                 "user_domain_name": "Default", "project_domain_name": "Default"},
        "compute_endpoint_override": nova.url,
    }}}  # fmt: skip
    path = folder / "clouds.yaml"
    path.write_text(json.dumps(clouds))
    one = {"ONE_XMLRPC": box.one_url, "ONE_AUTH": str(box.one.one_auth)}
    with OneServer(environment=one) as nebula:
        [tiny] = [one.ID for one in nebula.templatepool.iter() if one.NAME == "tiny"]
        for number in range(SERVERS):
            nebula.template.instantiate(tiny, f"web-{number}")
    return {"OS_CLIENT_CONFIG_FILE": str(path), "OS_CLOUD": "work", **one}


def report(found: Mapping[str, Sample]) -> None:
    bare = 1000 * found[BARE].cpu
    print(f"{BARE:45} {bare:7.1f} ms CPU")
    goals = {f"pelagos {words}".rstrip(): goal for words, (goal, _) in GOALS.items()}
    for name, sample in found.items():
        if name == BARE:
            continue
        over = 1000 * sample.cpu - bare
        goal = goals.get(name)
        verdict = ""
        if goal is not None:
            verdict = f" (goal {goal}: {'reached' if over <= goal else 'MISSED'})"
        print(f"{name:45} {1000 * sample.cpu:7.1f} ms CPU, {over:+7.1f} over it{verdict}")
