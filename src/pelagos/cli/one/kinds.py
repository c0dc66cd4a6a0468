"""The kinds of things of an OpenNebula that have commands, and what a table shows of each."""

from __future__ import annotations

from typing import Any

from pelagos.cli.one.command import Kind, address, host_of, machine_state, owner, state


def _vm(vm: Any) -> dict[str, Any]:
    return {
        **owner(vm),
        "state": machine_state(vm),
        "cpu": vm.TEMPLATE.get("CPU"),
        "memory": vm.TEMPLATE.get("MEMORY"),
        "host": host_of(vm),
        "address": address(vm),
    }


def _host(host: Any) -> dict[str, Any]:
    share = host.HOST_SHARE
    return {
        "state": state("HOST_STATES", host.STATE),
        "cluster": host.CLUSTER,
        "vms": share.RUNNING_VMS,
        "cpu": f"{share.CPU_USAGE}/{share.MAX_CPU}",
        "memory": f"{share.MEM_USAGE // 1024}/{share.MAX_MEM // 1024} MiB",
    }


def _image(image: Any) -> dict[str, Any]:
    return {
        **owner(image),
        "type": state("IMAGE_TYPES", image.TYPE),
        "size": f"{image.SIZE} MiB",
        "state": state("IMAGE_STATES", image.STATE),
        "vms": image.RUNNING_VMS,
        "datastore": image.DATASTORE,
    }


def _vnet(network: Any) -> dict[str, Any]:
    return {**owner(network), "bridge": network.BRIDGE, "leases": network.USED_LEASES}


def _datastore(datastore: Any) -> dict[str, Any]:
    return {
        **owner(datastore),
        "type": state("DATASTORE_TYPES", datastore.TYPE),
        "free": f"{datastore.FREE_MB} MiB",
        "total": f"{datastore.TOTAL_MB} MiB",
    }


def _user(user: Any) -> dict[str, Any]:
    return {"group": user.GNAME, "driver": user.AUTH_DRIVER, "enabled": bool(user.ENABLED)}


def _group(group: Any) -> dict[str, Any]:
    return {"users": len(group.USERS.ID)}


def _cluster(cluster: Any) -> dict[str, Any]:
    return {
        "hosts": len(cluster.HOSTS.ID),
        "datastores": len(cluster.DATASTORES.ID),
        "vnets": len(cluster.VNETS.ID),
    }


def _nothing(_: Any) -> dict[str, Any]:
    return {}


_OWNER = ("user", "group")
_VM = (*_OWNER, "state", "cpu", "memory", "host", "address")
_HOST = ("state", "cluster", "vms", "cpu", "memory")
_IMAGE = (*_OWNER, "type", "size", "state", "vms", "datastore")
_VNET = (*_OWNER, "bridge", "leases")
_DATASTORE = (*_OWNER, "type", "free", "total")
_USER = ("group", "driver", "enabled")
_CLUSTER = ("hosts", "datastores", "vnets")

VM = Kind("vm", "machine", "vm", _vm, _VM, "VM")
HOST = Kind("host", "host", "host", _host, _HOST, "HOST", None, is_owned=False)
IMAGE = Kind("image", "image", "image", _image, _IMAGE, "IMAGE", ("datastore",))
VNET = Kind("vnet", "network", "vn", _vnet, _VNET, "VNET", ("cluster",))
TEMPLATE = Kind("template", "template", "template", owner, _OWNER, "VMTEMPLATE")
DATASTORE = Kind(
    "datastore", "datastore", "datastore", _datastore, _DATASTORE, "DATASTORE", ("cluster",)
)
USER = Kind("user", "user", "user", _user, _USER, "USER", None, is_owned=False)
GROUP = Kind("group", "group", "group", _group, ("users",), "GROUP", None, is_owned=False)
CLUSTER = Kind(
    "cluster", "cluster", "cluster", _cluster, _CLUSTER, "CLUSTER", None, is_owned=False
)
SECGROUP = Kind("secgroup", "security group", "secgroup", owner, _OWNER, "SECURITY_GROUP")
VNTEMPLATE = Kind("vntemplate", "network template", "vntemplate", owner, _OWNER, "VNTEMPLATE")
VMGROUP = Kind("vmgroup", "machine group", "vmgroup", owner, _OWNER, "VM_GROUP")
VROUTER = Kind("vrouter", "router", "vrouter", owner, _OWNER, "VROUTER")
VDC = Kind("vdc", "data centre", "vdc", _nothing, (), "VDC", is_owned=False)
ZONE = Kind("zone", "zone", "zone", _nothing, (), "ZONE", is_owned=False)
MARKET = Kind("market", "marketplace", "market", owner, _OWNER, "MARKETPLACE")
MARKETAPP = Kind("marketapp", "app", "marketapp", owner, _OWNER, "MARKETPLACEAPP", None)
HOOK = Kind("hook", "hook", "hook", _nothing, (), "HOOK", is_owned=False)
BACKUPJOB = Kind("backupjob", "backup job", "backupjob", owner, _OWNER, "BACKUPJOB")

KINDS = (
    VM, HOST, IMAGE, VNET, TEMPLATE, DATASTORE, USER, GROUP, CLUSTER, SECGROUP, VNTEMPLATE,
    VMGROUP, VROUTER, VDC, ZONE, MARKET, MARKETAPP, HOOK, BACKUPJOB,
)  # fmt: skip
