"""Things as the XML that OpenNebula answers: its elements, their order, and what is CDATA."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pelagos.box.opennebula import addresses, quotas
from pelagos.box.opennebula.grammar import written
from pelagos.box.opennebula.kinds import (
    CLUSTER,
    DATASTORE,
    DOCUMENT,
    GROUP,
    HOST,
    IMAGE,
    MARKETAPP,
    NETWORK,
    SECGROUP,
    TEMPLATE,
    USER,
    VDC,
    VMGROUP,
    VNTEMPLATE,
    ZONE,
    Kind,
)
from pelagos.box.opennebula.markup import cdata, element, ids, lock, permissions
from pelagos.box.opennebula.more_shapes import MoreShapes
from pelagos.box.opennebula.rights import Rule
from pelagos.box.opennebula.world import Thing, World

_BUSY_LISTS = ("OUTDATED_VMS", "UPDATING_VMS", "ERROR_VMS")
#: Kinds that have nothing but a head, a time and a template.
_PLAIN = (TEMPLATE, VNTEMPLATE)


class Shapes:
    """Writes what a world holds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._of: dict[str, Callable[[Thing, bool], str]] = {
            HOST.word: self._host,
            IMAGE.word: self._image,
            NETWORK.word: self._network,
            USER.word: self._user,
            GROUP.word: self._group,
            DATASTORE.word: self._datastore,
            CLUSTER.word: self._cluster,
            SECGROUP.word: self._secgroup,
            ZONE.word: self._zone,
            VDC.word: self._vdc,
            DOCUMENT.word: self._document,
            VMGROUP.word: self._vmgroup,
            **{kind.word: self._plain for kind in _PLAIN},
            **MoreShapes(self).of,
        }

    def one(self, kind: Kind, thing: Thing) -> str:
        """What its info method answers."""
        return element(kind.root, self._of[kind.word](thing, True))

    def listed(self, kind: Kind, things: Iterable[Thing]) -> str:
        """What its list answers."""
        inside = self._of[kind.word]
        entries = []
        for thing in things:
            entries.append(element(kind.root, inside(thing, False)))
            if kind in {USER, GROUP}:
                entries.append(
                    element("QUOTAS", f"<ID>{thing.id}</ID>{quotas.written(thing.more)}")
                )
            if kind == GROUP:
                entries.append(_vlan_rules(thing))
        if kind in {USER, GROUP}:
            entries.append(quotas.defaults(kind, self._default_quotas(kind)))
        return element(kind.pool_root, "".join(entries))

    def head(self, thing: Thing, between: str = "") -> str:
        """What all things with an owner begin with."""
        return (
            f"<ID>{thing.id}</ID><UID>{thing.uid}</UID><GID>{thing.gid}</GID>"
            f"<UNAME>{self.name_of(USER, thing.uid)}</UNAME>"
            f"<GNAME>{self.name_of(GROUP, thing.gid)}</GNAME><NAME>{thing.name}</NAME>{between}"
            f"{permissions(thing)}"
        )

    @property
    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._world.now

    def apps_of(self, market: Thing) -> list[int]:
        """The ids of the apps of a marketplace."""
        return [one.id for one in self._world.all(MARKETAPP) if one.more["market"] == market.id]

    def name_of(self, kind: Kind, number: int) -> str:
        """Its name; empty when it is gone."""
        found = self._world.find(kind, number)
        return found.name if found else ""

    def _default_quotas(self, kind: Kind) -> dict[str, object]:
        zone = self._world.get(ZONE, 0)
        kept: dict[str, object] = zone.more.get(f"{kind.word}quota", {})
        return kept

    def default_quotas(self, kind: Kind) -> str:
        """What `one.userquota.info` answers, or that of groups."""
        return quotas.defaults(kind, self._default_quotas(kind))

    def _host(self, host: Thing, is_whole: bool) -> str:
        more = host.more
        share = (
            element("MEM_USAGE", more["mem_used"])
            + element("CPU_USAGE", more["cpu_used"])
            + element("TOTAL_MEM", more["mem"])
            + element("TOTAL_CPU", more["cpu"])
            + element("MAX_MEM", more["mem"])
            + element("MAX_CPU", more["cpu"])
            + element("RUNNING_VMS", len(more["vms"]))
            + element("VMS_THREAD", 1)
            + element(
                "DATASTORES",
                cdata("DISK_USAGE", 0)
                + cdata("FREE_DISK", 20480)
                + cdata("MAX_DISK", 20480)
                + cdata("USED_DISK", 0),
            )
            + "<PCI_DEVICES/><NUMA_NODES/>"
        )
        return (
            f"<ID>{host.id}</ID><NAME>{host.name}</NAME><STATE>{more['state']}</STATE>"
            f"<PREV_STATE>{more['state']}</PREV_STATE>"
            + cdata("IM_MAD", more["im_mad"])
            + cdata("VM_MAD", more["vm_mad"])
            + f"<CLUSTER_ID>{more['cluster']}</CLUSTER_ID>"
            + element("CLUSTER", self.name_of(CLUSTER, more["cluster"]))
            + element("HOST_SHARE", share)
            + ids("VMS", more["vms"])
            + host.template.xml()
            + element("MONITORING", self.host_sample(host) if is_whole else "")
        )

    def host_sample(self, host: Thing) -> str:
        """What the host says of itself now."""
        more = host.more
        if more["state"] != 2:  # noqa: PLR2004  # only a monitored host does
            return ""
        return (
            f"<TIMESTAMP>{int(self._world.now)}</TIMESTAMP><ID>{host.id}</ID>"
            + element(
                "CAPACITY",
                cdata("FREE_CPU", more["cpu"] - more["cpu_used"])
                + cdata("FREE_MEMORY", more["mem"] - more["mem_used"])
                + cdata("USED_CPU", more["cpu_used"])
                + cdata("USED_MEMORY", more["mem_used"]),
            )
            + element("SYSTEM", cdata("NETRX", 0) + cdata("NETTX", 0))
        )

    def _image(self, image: Thing, _: bool) -> str:
        more = image.more
        return (
            self.head(image) + lock(image) + f"<TYPE>{more['type']}</TYPE><DISK_TYPE>0</DISK_TYPE>"
            f"<PERSISTENT>{more['persistent']}</PERSISTENT><REGTIME>{more['time']}</REGTIME>"
            f"<MODTIME>{more['time']}</MODTIME>"
            + cdata("SOURCE", f"/var/lib/one/datastores/{more['datastore']}/{image.id}")
            + cdata("PATH", more["path"])
            + cdata("FORMAT", "raw")
            + cdata("FS", "")
            + f"<SIZE>{more['size']}</SIZE><STATE>{more['state']}</STATE>"
            f"<PREV_STATE>{more['state']}</PREV_STATE><RUNNING_VMS>{len(more['vms'])}</RUNNING_VMS>"
            "<CLONING_OPS>0</CLONING_OPS><CLONING_ID>-1</CLONING_ID>"
            "<TARGET_SNAPSHOT>-1</TARGET_SNAPSHOT>"
            f"<DATASTORE_ID>{more['datastore']}</DATASTORE_ID>"
            + element("DATASTORE", self.name_of(DATASTORE, more["datastore"]))
            + ids("VMS", more["vms"])
            + "<CLONES></CLONES><APP_CLONES></APP_CLONES>"
            + image.template.xml()
            + snapshots(more.get("snapshots", ()))
            + element(
                "BACKUP_INCREMENTS",
                "".join(written("INCREMENT", one) for one in more.get("increments", ())),
            )
            + ids("BACKUP_DISK_IDS", [int(one["DISK_ID"]) for one in more.get("disks", ())])
        )

    def _network(self, network: Thing, is_whole: bool) -> str:
        more, template = network.more, network.template
        parent = more.get("parent")
        return (
            self.head(network)
            + lock(network)
            + ids("CLUSTERS", more["clusters"])
            + cdata("BRIDGE", template.get("BRIDGE"))
            + cdata("BRIDGE_TYPE", template.get("BRIDGE_TYPE", "linux"))
            + cdata("STATE", 1)
            + cdata("PREV_STATE", 1)
            + ("<PARENT_NETWORK_ID/>" if parent is None else cdata("PARENT_NETWORK_ID", parent))
            + "<TEMPLATE_ID/>"
            + cdata("VN_MAD", template.get("VN_MAD"))
            + "<PHYDEV/><VLAN_ID/><OUTER_VLAN_ID/><VLAN_ID_AUTOMATIC>0</VLAN_ID_AUTOMATIC>"
            "<OUTER_VLAN_ID_AUTOMATIC>0</OUTER_VLAN_ID_AUTOMATIC>"
            f"<USED_LEASES>{addresses.used(more['ars'])}</USED_LEASES><VROUTERS></VROUTERS>"
            + ids("UPDATED_VMS", addresses.machines(more["ars"]))
            + "".join(map(element, _BUSY_LISTS))
            + template.xml()
            + element("AR_POOL", addresses.written(more["ars"], with_leases=is_whole))
        )

    def _user(self, user: Thing, is_whole: bool) -> str:
        more = user.more
        tokens = "".join(
            element(
                "LOGIN_TOKEN",
                cdata("TOKEN", token) + element("EXPIRATION_TIME", ends) + element("EGID", egid),
            )
            for token, ends, egid in more.get("tokens", ())
        )
        text = (
            f"<ID>{user.id}</ID><GID>{user.gid}</GID>"
            + ids("GROUPS", more["groups"])
            + f"<GNAME>{self.name_of(GROUP, user.gid)}</GNAME><NAME>{user.name}</NAME>"
            + cdata("PASSWORD", more["password"])
            + cdata("AUTH_DRIVER", more["driver"])
            + f"<ENABLED>{more['enabled']}</ENABLED>{tokens}"
            + user.template.xml()
        )
        if is_whole:
            text += quotas.written(more) + quotas.defaults(USER, self._default_quotas(USER))
        return text

    def _group(self, group: Thing, is_whole: bool) -> str:
        members = [one.id for one in self._world.all(USER) if group.id in one.more["groups"]]
        text = (
            f"<ID>{group.id}</ID><NAME>{group.name}</NAME>"
            + group.template.xml()
            + ids("USERS", members)
            + ids("ADMINS", group.more["admins"])
        )
        if is_whole:
            text += quotas.written(group.more) + _vlan_rules(group)
            text += quotas.defaults(GROUP, self._default_quotas(GROUP))
        return text

    def _datastore(self, datastore: Thing, _: bool) -> str:
        more, template = datastore.more, datastore.template
        images = [one for one in self._world.all(IMAGE) if one.more["datastore"] == datastore.id]
        used = sum(one.more["size"] for one in images)
        return (
            self.head(datastore)
            + cdata("DS_MAD", template.get("DS_MAD", "-"))
            + cdata("TM_MAD", template.get("TM_MAD"))
            + cdata("BASE_PATH", f"/var/lib/one//datastores/{datastore.id}")
            + f"<TYPE>{more['type']}</TYPE><DISK_TYPE>0</DISK_TYPE><STATE>{more['state']}</STATE>"
            + ids("CLUSTERS", more["clusters"])
            + f"<TOTAL_MB>{more['total']}</TOTAL_MB><FREE_MB>{more['total'] - used}</FREE_MB>"
            f"<USED_MB>{used}</USED_MB>"
            + ids("IMAGES", [one.id for one in images])
            + template.xml()
        )

    def _cluster(self, cluster: Thing, _: bool) -> str:
        world = self._world
        hosts = [one.id for one in world.all(HOST) if one.more["cluster"] == cluster.id]
        return (
            f"<ID>{cluster.id}</ID><NAME>{cluster.name}</NAME>"
            + ids("HOSTS", hosts)
            + "".join(
                ids(tag, [one.id for one in world.all(kind) if cluster.id in one.more["clusters"]])
                for tag, kind in (("DATASTORES", DATASTORE), ("VNETS", NETWORK))
            )
            + cluster.template.xml()
            + _plan(cluster.more.get("plan"))
        )

    def _secgroup(self, group: Thing, _: bool) -> str:
        return (
            self.head(group)
            + ids("UPDATED_VMS", group.more["vms"])
            + "".join(map(element, _BUSY_LISTS))
            + group.template.xml()
        )

    def _zone(self, zone: Thing, _: bool) -> str:
        return (
            f"<ID>{zone.id}</ID><NAME>{zone.name}</NAME>"
            + element("STATE", zone.more.get("state", 0))
            + zone.template.xml()
            + element(
                "SERVER_POOL",
                "".join(written("SERVER", one) for one in zone.more.get("servers", ())),
            )
        )

    def _vdc(self, vdc: Thing, _: bool) -> str:
        lists = "".join(
            element(
                f"{word}S",
                "".join(
                    element(word, f"<ZONE_ID>{zone}</ZONE_ID><{word}_ID>{one}</{word}_ID>")
                    for zone, one in vdc.more[word]
                ),
            )
            for word in ("CLUSTER", "HOST", "DATASTORE", "VNET")
        )
        groups = ids("GROUPS", vdc.more["groups"])
        return f"<ID>{vdc.id}</ID><NAME>{vdc.name}</NAME>{groups}{lists}{vdc.template.xml()}"

    def _document(self, document: Thing, _: bool) -> str:
        kind = element("TYPE", document.more["type"])
        return self.head(document, kind) + lock(document) + document.template.xml()

    def _vmgroup(self, group: Thing, _: bool) -> str:
        roles = "".join(written("ROLE", role) for role in group.more["roles"])
        return self.head(group) + lock(group) + element("ROLES", roles) + group.template.xml()

    def _plain(self, thing: Thing, _: bool) -> str:
        when = element("REGTIME", thing.more["time"])
        return self.head(thing) + lock(thing) + when + thing.template.xml()


def snapshots(taken: Sequence[Mapping[str, str]], disk: str = "") -> str:
    """The snapshots of an image, or of a disk."""
    highest = max((int(one["ID"]) for one in taken), default=-1)
    return element(
        "SNAPSHOTS",
        cdata("ALLOW_ORPHANS", "NO")
        + cdata("CURRENT_BASE", -1)
        + (cdata("DISK_ID", disk) if disk else "")
        + cdata("NEXT_SNAPSHOT", highest + 1)
        + "".join(written("SNAPSHOT", dict(one)) for one in taken),
    )


def _plan(plan: Mapping[str, Any] | None) -> str:
    if plan is None:
        return ""
    actions = "".join(
        element("ACTION", "".join(element(key, value) for key, value in one.items()))
        for one in plan["ACTIONS"]
    )
    return element("PLAN", f"<ID>{plan['ID']}</ID><STATE>{plan['STATE']}</STATE>{actions}")


def _vlan_rules(group: Thing) -> str:
    rules = "".join(written("RULE", one) for one in group.more.get("vlan_rules", ()))
    return element("VLAN_RULES", cdata("ID", group.id) + rules)


def rule(number: int, one: Rule) -> str:
    """An access rule."""
    return element(
        "ACL",
        f"<ID>{number}</ID><USER>{one.user:x}</USER><RESOURCE>{one.resource:x}</RESOURCE>"
        f"<RIGHTS>{one.rights:x}</RIGHTS><ZONE>{one.zone:x}</ZONE><STRING>{one.text}</STRING>",
    )
