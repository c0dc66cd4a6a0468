"""A walk through the whole API with the original library; run by its own interpreter.

    python slapos_walk.py ADDRESS [RUN]

Prints JSON: step -> what came of it, with the exception's name in place of a result. Everything
that a master makes up itself (ids, times) is left out or given a name of its own. The steps are
the same at every master, so that what two of them answer can be compared.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from slapos.slap import slap  # type: ignore[import-not-found]  # in the original's environment
from slapos.util import dumps  # type: ignore[import-not-found]

COMPUTER = "local_computer"
RELEASE = "/srv/a/software.cfg"
OTHER = "/srv/b/software.cfg"
RESERVED = (
    "full_address_list", "full_ip_list", "instance_title", "ip_list", "root_instance_short_title",
    "root_instance_title", "slap_computer_id", "slap_computer_partition_id",
    "slap_software_release_url", "slap_software_type", "slave_instance_list", "timestamp",
)  # fmt: skip
#: Those that each of the ancestor's masters has, and whose value it does not make up.
EVERYWHERE = (
    "instance_title", "ip_list", "root_instance_title", "slap_computer_id",
    "slap_computer_partition_id", "slap_software_release_url", "slap_software_type",
)  # fmt: skip


class Walk:
    """The steps and what came of them."""

    def __init__(self, address: str) -> None:
        self.plane = slap()
        self.plane.initializeConnection(address, timeout=20)
        self.order = self.plane.registerOpenOrder()
        self.supply = self.plane.registerSupply()
        self.results: dict[str, Any] = {}
        self.names: dict[str, str] = {}

    def step(self, name: str, work: Any) -> Any:
        """One call: its result is kept, and returned for further steps."""
        found = failure = None
        try:
            found = work()
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is the answer
            failure = type(error).__name__
        self.results[name] = {"error": failure} if failure else self.plain(found)
        return found

    def plain(self, value: Any) -> Any:
        """A value as JSON, with names for what the master made up."""
        if isinstance(value, dict):
            return {str(key): self.plain(item) for key, item in sorted(value.items())}
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if isinstance(value, str):
            return self.names.get(value, value)
        if value is None or isinstance(value, (int, float, bool)):
            return value
        return type(value).__name__

    def part(self, number: int) -> Any:
        return self.plane.registerComputerPartition(COMPUTER, f"slappart{number}")

    def requested(self, reference: str, by: Any = None, **more: Any) -> Any:
        """What a request is answered with, as a requester reads it."""
        release = more.pop("release", RELEASE)
        if by is None:
            found = self.order.request(release, reference, **more)
        else:
            kind = more.pop("software_type", "default")
            found = by.request(release, kind, reference, **more)
        slot = found.getId()  # raises while nothing is allocated
        given, published = dict(found._parameter_dict), found.getConnectionParameterDict()
        guid = found.getInstanceGuid()  # of a shared instance it may fetch the host's data
        self.names.setdefault(guid, f"guid of {slot}")
        return {
            "id": slot,
            "state": found.getState(),
            "parameters": {key: value for key, value in given.items() if key not in RESERVED},
            "connection": published,
            "guid": guid,
            "release": found.slap_software_release_url,
            "type": found.slap_software_type,
        }

    def seen(self, number: int) -> Any:
        """What an instance reads of itself."""
        slot = self.part(number)
        known = slot.getInstanceParameterDict()
        reserved = {key: known[key] for key in EVERYWHERE}
        return {
            "state": slot.getState(),
            "own": {key: value for key, value in known.items() if key not in RESERVED},
            "reserved": reserved,
            "has timestamp": "timestamp" in known,
            "connection": slot.getConnectionParameterDict(),
            "release": slot.getSoftwareRelease().getURI(),
            "type": slot.getType(),
        }

    def served(self, number: int) -> Any:
        """The shared instances that an instance serves, by the domain that they ask for."""
        found = self.part(number).getInstanceParameterDict()["slave_instance_list"]
        return sorted(
            [item.get("domain"), item["slap_software_type"], bool(item["slave_reference"])]
            for item in found
        )

    def reference_of(self, number: int, domain: str) -> str:
        found = self.part(number).getInstanceParameterDict()["slave_instance_list"]
        return next(item["slave_reference"] for item in found if item.get("domain") == domain)

    def stamp(self, number: int) -> str:
        return str(self.part(number).getInstanceParameterDict()["timestamp"])

    def computer(self) -> Any:
        """The computer, asked anew: the original keeps its first answer."""
        return self.plane.registerComputer(COMPUTER)

    def states(self) -> Any:
        return [
            [slot.getId(), slot.getState(), slot._software_release_document is not None]
            for slot in self.computer().getComputerPartitionList()
        ]

    def releases(self) -> Any:
        return sorted(
            [each.getURI(), each.getState()] for each in self.computer().getSoftwareReleaseList()
        )


def announce(walk: Walk, count: int) -> None:
    slots = [
        {
            "reference": f"slappart{number}",
            "address_list": [{"addr": "127.0.0.1", "netmask": "255.0.0.0"}],
            "tap": {"name": "lo"},
        }
        for number in range(count)
    ]
    document = {
        "reference": COMPUTER, "address": "127.0.0.1", "netmask": "255.0.0.0",
        "partition_list": slots,
    }  # fmt: skip
    walk.step("format", lambda: walk.computer().updateConfiguration(dumps(document)) and None)


def reads(walk: Walk) -> None:
    step, plane = walk.step, walk.plane
    step("full", walk.states)
    step("full unknown", lambda: plane.registerComputer("nope").getComputerPartitionList())
    step("full unnamed", lambda: plane.registerComputer("").getComputerPartitionList())
    old = plane._connection_helper.getComputerInformation
    step("full by its old name", lambda: len(old(COMPUTER)._computer_partition_list))
    step("free", lambda: [walk.part(5).getState(), walk.part(5).getInstanceParameterDict()])
    gone = plane.registerComputerPartition(COMPUTER, "nopart")
    step("register unknown", gone.getInstanceParameterDict)


def roots(walk: Walk) -> None:
    def first(**more: Any) -> Any:
        more.setdefault("partition_parameter_kw", {"greeting": "hello", "port": "8000"})
        return walk.requested("inst1", software_type="default", **more)

    step = walk.step
    step("request", first)
    step("seen", lambda: walk.seen(0))
    before = walk.stamp(0)
    step("request again", first)
    step("unchanged", lambda: walk.stamp(0) == before)
    changed = {"greeting": "hello2", "port": "8000"}
    step("parameters", lambda: first(partition_parameter_kw=changed))
    step("changed", lambda: walk.stamp(0) == before)
    step("state none", lambda: first(partition_parameter_kw=changed, state=None))
    step("stopped", lambda: first(partition_parameter_kw=changed, state="stopped"))
    step("state kept", lambda: first(partition_parameter_kw=changed))
    step("stopped is seen", lambda: walk.part(0).getState())
    step("started", lambda: first(state="started"))
    types = {
        "i": 1, "f": 1.5, "b": True, "n": None, "u": 'é<&>"', "l": [1, 2], "d": {"a": 1},
        "empty": "",
    }  # fmt: skip
    step("types", lambda: walk.requested("types", partition_parameter_kw=types))
    one = {"partition_parameter_kw": {"i": 1}, "software_type": "other"}
    step("type changed", lambda: walk.requested("types", **one))
    step("release changed", lambda: walk.requested("types", release=OTHER, **one))
    elsewhere = {"computer_guid": "COMP-404"}
    step("other computer", lambda: walk.requested("x1", filter_kw=elsewhere))
    step("no dictionary", lambda: walk.requested("x2", partition_parameter_kw="x"))


def trees(walk: Walk) -> None:
    step, root = walk.step, walk.part(0)
    given = {"by": root, "software_type": "child", "partition_parameter_kw": {"a": "1"}}
    step("child", lambda: walk.requested("db1", **given))
    step("child again", lambda: walk.requested("db1", **given))
    child = walk.part(2)
    below = {"by": child, "software_type": "gchild"}
    step("grandchild", lambda: walk.requested("cache1", **below))
    namesake = {"by": root, "software_type": "child"}
    step("child named as its root", lambda: walk.requested("inst1", **namesake))
    before = walk.stamp(0)
    step("child publishes", lambda: child.setConnectionDict({"url": "db://1"}))
    step("its requester wakes", lambda: walk.stamp(0) != before)
    after = walk.stamp(0)
    step("child publishes the same", lambda: child.setConnectionDict({"url": "db://1"}))
    step("its requester sleeps on", lambda: walk.stamp(0) == after)
    step("child is read", lambda: walk.requested("db1", **given))
    step("child is seen", lambda: walk.seen(2))


def shared(walk: Walk) -> None:
    step, host = walk.step, walk.part(0)

    def ask(reference: str, domain: str = "", **more: Any) -> Any:
        if domain:
            more["partition_parameter_kw"] = {"domain": domain}
        more.setdefault("software_type", "default")
        return walk.requested(reference, shared=True, **more)

    step("shared without host", lambda: ask("sl0", release="/nohost.cfg"))
    before = walk.stamp(0)
    step("shared", lambda: ask("sl1", "a.example"))
    step("its host wakes", lambda: walk.stamp(0) != before)
    step("shared 2", lambda: ask("sl2", "b.example"))
    step("shared by a child", lambda: ask("sl3", "c", by=walk.part(2)))
    guid = host.getInstanceGuid()
    step("shared by guid", lambda: ask("sl4", filter_kw={"instance_guid": guid}))
    step("host sees", lambda: walk.served(0))
    name = walk.reference_of(0, "a.example")
    site = {"site": "http://a"}
    step("host publishes", lambda: host.setConnectionDict(site, slave_reference=name))
    step("shared is read", lambda: ask("sl1", "a.example"))
    step("shared error", lambda: host.error("bad", slave_reference=name))
    step("shared destroyed", lambda: ask("sl2", "b.example", state="destroyed"))
    step("host sees less", lambda: walk.served(0))
    step("shared renamed", lambda: host.rename("sl1b", slave_reference=name))
    step("after the renaming", lambda: ask("sl1b", "a.example"))
    if host.getInstanceParameterDict() and walk.seen(0)["reserved"]["instance_title"] != "inst1":
        host.rename("inst1")  # one of them renames the host instead


def reports(walk: Walk) -> None:
    step, slot, plane = walk.step, walk.part(0), walk.plane
    for name in ("started", "stopped"):
        step(f"report {name}", getattr(slot, name))
    step("report error", lambda: slot.error("a traceback"))
    before = walk.stamp(0)
    step("bang", lambda: slot.bang("wake up"))
    step("bang wakes", lambda: walk.stamp(0) != before)
    computer = walk.computer()
    step("computer bang", lambda: computer.bang("reboot"))
    step("rename", lambda: walk.part(2).rename("db1-renamed"))
    step("certificate", lambda: sorted(slot.getCertificate()))
    step("addresses", slot.getFullHostingIpAddressList)
    step("related", lambda: slot.setComputerPartitionRelatedInstanceList(["db1-renamed"]))
    step("computer status", lambda: "text" in computer.getStatus())
    step("certificate of the computer", lambda: sorted(computer.generateCertificate()))
    step("certificate revoked", computer.revokeCertificate)
    journal = '<?xml version="1.0" encoding="utf-8"?><journal/>'
    step("usage", lambda: computer.reportUsage(journal))
    listed = plane.getSoftwareReleaseListFromSoftwareProduct
    step("product", lambda: listed("hello"))
    step("product unknown", lambda: listed("zzz"))
    step("product by url", lambda: listed(software_release_url=RELEASE))
    step("request computer", lambda: type(walk.order.requestComputer("my node")).__name__)


def releases(walk: Walk) -> None:
    step, supply = walk.step, walk.supply.supply
    step("supply bad state", lambda: supply("/c.cfg", COMPUTER, "weird"))
    step("supply unknown computer", lambda: supply("/c.cfg", "COMP-404"))
    step("supply", lambda: supply("/d.cfg", COMPUTER))
    step("supplied", walk.releases)
    step("unsupply", lambda: supply("/d.cfg", COMPUTER, "destroyed"))
    step("unsupplied", walk.releases)
    (found,) = [
        each for each in walk.computer().getSoftwareReleaseList() if each.getURI() == "/d.cfg"
    ]
    for name in ("building", "available"):
        step(f"release {name}", getattr(found, name))
    step("release error", lambda: found.error("no"))
    step("release destroyed", found.destroyed)
    step("release gone", walk.releases)


def end(walk: Walk) -> None:
    step = walk.step
    for number in range(4):
        step(f"fill {number}", lambda: walk.requested(f"fill{number}"))  # noqa: B023  # at once
    step("full house", walk.states)
    gone = {"software_type": "default", "state": "destroyed"}
    step("destroy", lambda: walk.requested("inst1", **gone))
    step("destroying", walk.states)
    root = walk.part(0)
    again = {"by": root, "software_type": "child", "state": "started"}
    step("child under an end", lambda: walk.requested("db1-renamed", **again))
    step("root wiped first", root.destroyed)
    step("root waits", walk.states)
    for number in (4, 3, 2):
        step(f"wiped {number}", walk.part(number).destroyed)
    step("root wiped again", root.destroyed)
    step("freed", walk.states)


def main() -> None:
    walk = Walk(sys.argv[1])
    announce(walk, 8)
    for url in (RELEASE, OTHER):
        walk.supply.supply(url, COMPUTER)
    for part in (reads, roots, trees, shared, reports, releases, end):
        part(walk)
    sys.stdout.write(json.dumps(walk.results))


if __name__ == "__main__":
    main()
