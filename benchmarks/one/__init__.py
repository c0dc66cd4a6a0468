"""Pools of OpenNebula VMs, against pyone, lxml and xmltodict, on the same bytes.

    python -m benchmarks one [--rounds 3] [--vms 100,1000,10000] [--only parse,call]
                             [--sides pelagos,lxml]

The VMs are recorded ones of about 5 kB (the context's empty values and all but one rule of the
security group left out). Four fields of each are read: ID, NAME, STATE, and MEMORY in the
TEMPLATE. Each sample is a process of its own; the sides are shuffled in each round; medians are
shown. CPU is that of the client's process after its imports, memory what it grew by at the most.

- parse: from the text of the pool.
- call: through HTTP on loopback, XML-RPC and all. lxml reads both layers; xmltodict is fed by the
  standard library's xmlrpc.client.
- stream: the same call, one VM after the other.
- import: of the library. encode: a template of a VM, 2,000 times.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

from tests.support import peer_environment
from tests.support.one_answers import sample, text_answer

HERE = Path(__file__).parent
SIDES = ("pelagos", "pyone", "lxml", "xmltodict")
WORKS = {
    "parse": SIDES,
    "call": SIDES,
    "stream": ("pelagos",),
    "import": ("pelagos", "pyone"),
    "encode": ("pelagos", "pyone"),
}
WITHOUT_POOL = ("import", "encode")
_SERVER = """
import socket, sys
body = open(sys.argv[1], "rb").read()
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
head = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n"
while True:
    connection, _ = listener.accept()
    with connection:
        received = b""
        while b"</methodCall>" not in received:
            received += connection.recv(65536)
        connection.sendall(head % len(body) + body)
"""


def pool(count: int) -> str:
    """The text of a pool of so many VMs."""
    vms = re.findall("<VM><ID>.*?</VM>", sample("vmpool_infoextended_100.xml"), re.DOTALL)
    lean = [_lean(vm) for vm in vms if "<STATE>3</STATE>" in vm]
    return "<VM_POOL>" + "".join(lean[n % len(lean)] for n in range(count)) + "</VM_POOL>"


def _lean(vm: str) -> str:
    vm = re.sub(r"<(ETH\w+|\w+)><!\[CDATA\[\]\]></\1>", "", vm)
    rules = re.findall("<SECURITY_GROUP_RULE>.*?</SECURITY_GROUP_RULE>", vm, re.DOTALL)
    for rule in rules[1:]:
        vm = vm.replace(rule, "", 1)
    return vm


@contextmanager
def serving(path: Path) -> Iterator[str]:
    """A server that answers each call with this file."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/RPC2"
    finally:
        process.kill()
        process.wait()


def measured(peers: Path, side: str, work: str, source: str) -> dict[str, float]:
    program = sys.executable if side == "pelagos" else str(peers / "python")
    environ = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")}
    if side != "pelagos":
        del environ["PYTHONPATH"]
    done = subprocess.run(
        [program, str(HERE / "measure.py"), side, work, source],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{side} {work}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def rounds(
    peers: Path, work: str, source: str, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Medians per side."""
    sides = [side for side in WORKS[work] if side in options.sides.split(",")]
    samples: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side in random.sample(sides, len(sides)):
            samples[side].append(measured(peers, side, work, source))
    return {
        side: {key: statistics.median(one[key] for one in found) for key in found[0]}
        for side, found in samples.items()
    }


def show(work: str, what: str, figures: dict[str, dict[str, float]]) -> None:
    base = figures.get("lxml") or figures["pelagos"]
    for side, figure in figures.items():
        more = ""
        if "mib" in figure:
            more = f"  wall {figure['wall']:7.3f} s  memory {figure['mib']:+7.1f} MiB"
        ratio = figure["cpu"] / base["cpu"] if base["cpu"] else 0
        print(
            f"{work:7} {what:>10} {side:10} CPU {figure['cpu']:7.3f} s  x {ratio:5.2f}{more}",
            flush=True,
        )


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks one", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vms", default="100,1000,10000")
    parser.add_argument("--only", default=",".join(WORKS))
    parser.add_argument("--sides", default=",".join(SIDES))
    options = parser.parse_args(argv)
    names = [line.partition("==")[0] for line in (HERE / "peers.txt").read_text().split()]
    peers = peer_environment.install("one-peers", names, {"--constraints": HERE / "peers.txt"})
    works = options.only.split(",")
    for work in [work for work in WITHOUT_POOL if work in works]:
        show(work, "", rounds(peers, work, "", options))
    for count in map(int, options.vms.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            text = pool(count)
            inner, whole = Path(folder) / "pool.xml", Path(folder) / "answer.xml"
            inner.write_text(text)
            whole.write_bytes(text_answer(text))
            print(
                f"{count} VMs: {len(text):,} bytes, as XML-RPC {len(escape(text)):,}", flush=True
            )
            with serving(whole) as url:
                for work in [work for work in WORKS if work in works and work not in WITHOUT_POOL]:
                    source = str(inner) if work == "parse" else url
                    show(work, f"{count} VMs", rounds(peers, work, source, options))
