"""Where the servers of a box seem to run: zones, services, hypervisors; all of it made up."""

from __future__ import annotations

import uuid
from typing import Any

from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.groups import HOSTS
from pelagos.box.compute.nova.call import Call, Routes, exact
from pelagos.box.compute.nova.views import ZONE
from pelagos.box.compute.server import Server
from pelagos.box.errors import Refused
from pelagos.box.web import Answer, json_answer

_VCPUS, _RAM_MIB, _DISK_GIB = 64, 262_144, 4096
_UUIDS_SINCE = 53
_NAMES = uuid.UUID("0b0c5a6e-3a55-4d0e-9f5e-6e1a5f0b0c5a")


class Hosts:
    """os-availability-zone, os-services, os-hypervisors, extensions."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("GET", "/os-availability-zone", self._zones)
        routes.add("GET", "/os-availability-zone/detail", self._zones_detail)
        routes.add("GET", "/os-services", self._services)
        routes.add("GET", "/os-hypervisors", self._hypervisors)
        routes.add("GET", "/os-hypervisors/detail", self._hypervisors_detail)
        routes.add("GET", "/os-hypervisors/statistics", self._statistics, until=87)
        routes.add("GET", "/os-hypervisors/{key}", self._hypervisor)
        routes.add("GET", "/extensions", self._extensions)

    @staticmethod
    def _zones(_call: Call) -> Answer:
        shown = {"zoneName": ZONE, "zoneState": {"available": True}, "hosts": None}
        return json_answer({"availabilityZoneInfo": [shown]})

    def _zones_detail(self, call: Call) -> Answer:
        call.need_admin("os_compute_api:os-availability-zone:detail")
        state = {"available": True, "active": True, "updated_at": self._now()}
        hosts = {host: {"nova-compute": state} for host in HOSTS}
        shown = {"zoneName": ZONE, "zoneState": {"available": True}, "hosts": hosts}
        return json_answer({"availabilityZoneInfo": [shown]})

    def _now(self) -> str:
        return exact(self._fleet.clock.time())

    def _services(self, call: Call) -> Answer:
        call.need_admin("os_compute_api:os-services:list")
        query = call.request.query
        named = [("nova-scheduler", "box-0", "internal"), ("nova-conductor", "box-0", "internal")]
        named += [("nova-compute", host, ZONE) for host in HOSTS]
        shown = []
        for number, (binary, host, zone) in enumerate(named, 1):
            if query.get("binary", binary) != binary or query.get("host", host) != host:
                continue
            one = {
                "id": _key(f"{binary}/{host}") if call.since(_UUIDS_SINCE) else number,
                "binary": binary, "host": host, "zone": zone, "status": "enabled", "state": "up",
                "updated_at": self._now(), "disabled_reason": None,
            }  # fmt: skip
            shown.append(one | ({"forced_down": False} if call.since(11) else {}))
        return json_answer({"services": shown})

    # hypervisors

    def _by_host(self) -> dict[str, list[Server]]:
        found: dict[str, list[Server]] = {host: [] for host in HOSTS}
        for one in self._fleet.store.walk(None):
            found.get(one.facts.get("host", ""), []).append(one)
        return found

    @staticmethod
    def _brief(call: Call, host: str) -> dict[str, Any]:
        number = HOSTS.index(host) + 1
        return {
            "id": _key(host) if call.since(_UUIDS_SINCE) else number,
            "hypervisor_hostname": host,
            "state": "up",
            "status": "enabled",
        }

    def _whole(self, call: Call, host: str, servers: list[Server]) -> dict[str, Any]:
        number = HOSTS.index(host) + 1
        service = _key(f"nova-compute/{host}") if call.since(_UUIDS_SINCE) else number
        shown: dict[str, Any] = {
            **self._brief(call, host), "host_ip": f"192.0.2.{number}",
            "hypervisor_type": "QEMU", "hypervisor_version": 8_002_000,
            "service": {"id": service, "host": host, "disabled_reason": None},
        }  # fmt: skip
        if not call.since(88):
            shown |= {
                "cpu_info": {"arch": "x86_64"} if call.since(28) else '{"arch": "x86_64"}',
                **_figures(servers),
                "current_workload": 0, "disk_available_least": _DISK_GIB,
            }  # fmt: skip
        elif call.since(88):
            shown["uptime"] = "up"
        return shown

    def _hypervisors(self, call: Call) -> Answer:
        call.need_admin("os_compute_api:os-hypervisors:list")
        wanted = call.request.query.get("hypervisor_hostname_pattern", "")
        shown = [self._brief(call, host) for host in HOSTS if wanted in host]
        return json_answer({"hypervisors": shown})

    def _hypervisors_detail(self, call: Call) -> Answer:
        call.need_admin("os_compute_api:os-hypervisors:list-detail")
        shown = [self._whole(call, host, found) for host, found in self._by_host().items()]
        return json_answer({"hypervisors": shown})

    def _hypervisor(self, call: Call, key: str) -> Answer:
        call.need_admin("os_compute_api:os-hypervisors:show")
        for host, servers in self._by_host().items():
            if key == str(self._brief(call, host)["id"]):
                shown = self._whole(call, host, servers)
                if call.request.query.get("with_servers") and call.since(_UUIDS_SINCE):
                    shown["servers"] = [{"uuid": one.id, "name": one.name} for one in servers]
                return json_answer({"hypervisor": shown})
        raise Refused(404, f"Compute host {key} could not be found.")

    def _statistics(self, call: Call) -> Answer:
        call.need_admin("os_compute_api:os-hypervisors:statistics")
        each = [_figures(servers) for servers in self._by_host().values()]
        sums = {name: sum(one[name] for one in each) for name in each[0]}
        shown = {**sums, "count": len(each), "current_workload": 0, "disk_available_least": 0}
        return json_answer({"hypervisor_statistics": shown})

    @staticmethod
    def _extensions(_call: Call) -> Answer:
        return json_answer({"extensions": []})


def _key(name: str) -> str:
    return str(uuid.uuid5(_NAMES, name))


def _figures(servers: list[Server]) -> dict[str, int]:
    ram = sum(one.ram_mib for one in servers)
    disk = sum(one.disk_gib for one in servers)
    return {
        "vcpus": _VCPUS, "vcpus_used": sum(one.vcpus for one in servers),
        "memory_mb": _RAM_MIB, "memory_mb_used": ram, "free_ram_mb": _RAM_MIB - ram,
        "local_gb": _DISK_GIB, "local_gb_used": disk, "free_disk_gb": _DISK_GIB - disk,
        "running_vms": sum(one.state == "active" for one in servers),
    }  # fmt: skip
