"""One sample, in a process of its own: `measure.py SIDE WORK SOURCE`; prints one line of JSON.

Runs in the environment of its side. SOURCE is a file with the text of a pool, or an address.
"""

# ruff: noqa: PLC0415, PTH123  # each side pays for its own imports, and for no others

import json
import os
import sys
import time


def resident(mark: str) -> float:
    """MiB: VmRSS now, VmHWM the most since `forget`."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(mark)) / 1024


def forget() -> None:
    """Let the kernel's high-water mark begin again."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def checked(rows) -> int:
    count = 0
    for number, name, state, memory in rows:
        if not (name and memory and int(number) >= 0 and int(state) >= 0):
            raise SystemExit(f"a VM of another kind: {number!r} {name!r} {state!r} {memory!r}")
        count += 1
    return count


def typed(pool):
    return ((vm.ID, vm.NAME, vm.STATE, vm.TEMPLATE["MEMORY"]) for vm in pool)


def nodes(root):
    return (
        (
            vm.findtext("ID"),
            vm.findtext("NAME"),
            vm.findtext("STATE"),
            vm.findtext("TEMPLATE/MEMORY"),
        )
        for vm in root
    )


def dictionaries(found):
    pool = found["VM_POOL"]["VM"]
    return ((vm["ID"], vm["NAME"], vm["STATE"], vm["TEMPLATE"]["MEMORY"]) for vm in pool)


def pelagos(work: str, source: str):
    from pelagos.one import OneServer
    from pelagos.one.results import parse

    one = OneServer(source if "//" in source else None, "a:b", environment={})
    if work == "parse":
        text = read(source)
        return lambda: checked(typed(parse(text)))
    if work == "stream":
        return lambda: checked(typed(one.stream("one.vmpool.infoextended", -2, -1, -1, -1)))
    return lambda: checked(typed(one.vmpool.infoextended(-2, -1, -1, -1)))


def pyone(work: str, source: str):
    import pyone as library
    from pyone import bindings

    if work == "parse":
        text = read(source)
        return lambda: checked(typed(bindings.parseString(text).VM))
    one = library.OneServer(source, session="a:b")
    return lambda: checked(typed(one.vmpool.infoextended(-2, -1, -1, -1).VM))


def lxml(work: str, source: str):
    from lxml import etree

    huge = etree.XMLParser(huge_tree=True)
    if work == "parse":
        text = read(source)
        return lambda: checked(nodes(etree.fromstring(text)))

    def over_http() -> int:
        envelope = etree.fromstring(post(source), huge)
        return checked(nodes(etree.fromstring(envelope.findtext(".//string").encode())))

    return over_http


def xmltodict(work: str, source: str):
    import xmlrpc.client

    import xmltodict as library

    if work == "parse":
        text = read(source)
        return lambda: checked(dictionaries(library.parse(text)))
    one = xmlrpc.client.ServerProxy(source)
    return lambda: checked(dictionaries(library.parse(one.one.vmpool.infoextended("a:b")[1])))


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def post(url: str) -> bytes:
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    body = b"<methodCall><methodName>one.vmpool.infoextended</methodName></methodCall>"
    connection.request("POST", "/RPC2", body)
    return connection.getresponse().read()


def importing(side: str) -> None:
    began = time.process_time()
    __import__("pelagos.one" if side == "pelagos" else side)
    print(json.dumps({"cpu": time.process_time() - began}))


def encoding(side: str) -> None:
    """A template of a VM with two disks, a NIC and a context, 2,000 times."""
    template = {
        "TEMPLATE": {
            "NAME": "web",
            "CPU": "1",
            "MEMORY": "2048",
            "DISK": [{"IMAGE_ID": "1", "SIZE": "1024"}, {"IMAGE_ID": "2", "SIZE": "2048"}],
            "NIC": {"NETWORK": "lan", "NETWORK_UNAME": "oneadmin"},
            "CONTEXT": {"NETWORK": "YES", "SSH_PUBLIC_KEY": "ssh-ed25519 AAAA" * 5},
        }
    }
    if side == "pelagos":
        from pelagos.one.template import encode
    else:
        from pyone.util import cast2one as encode
    encode(template)
    began = time.process_time()
    for _ in range(2_000):
        encode(template)
    print(json.dumps({"cpu": time.process_time() - began}))


def main(side: str, work: str, source: str = "") -> None:
    if work in {"import", "encode"}:
        {"import": importing, "encode": encoding}[work](side)
        return
    act = globals()[side](work, source)
    forget()
    before = resident("VmRSS")
    cpu, wall = time.process_time(), time.monotonic()
    count = act()
    figures = {"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall, "vms": count}
    figures["mib"] = resident("VmHWM") - before
    print(json.dumps(figures))
    sys.stdout.flush()
    os._exit(0)  # giving everything back is not measured


if __name__ == "__main__":
    main(*sys.argv[1:])
