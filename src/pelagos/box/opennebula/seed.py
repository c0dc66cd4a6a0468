"""What a new OpenNebula has: its administrator, defaults, and something to work with."""

from __future__ import annotations

from pelagos.box.opennebula.calls.images import new_image
from pelagos.box.opennebula.calls.networks import new_network
from pelagos.box.opennebula.calls.others import new_thing
from pelagos.box.opennebula.calls.people import hashed, new_rule, new_user
from pelagos.box.opennebula.calls.places import new_host
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.grammar import Attributes, parse
from pelagos.box.opennebula.kinds import (
    CLUSTER,
    DATASTORE,
    GROUP,
    SECGROUP,
    TEMPLATE,
    VDC,
    ZONE,
)
from pelagos.box.opennebula.rights import Rule
from pelagos.box.opennebula.world import Thing, World

_EVERYBODY, _ALL_ZONES, _THIS_ZONE = 0x200000001, 0x400000000, 0x100000000
_RULES = (
    Rule(_EVERYBODY, 0x121429400000000, 8, _ALL_ZONES),
    Rule(0x400000000, 0x800400000000, 1, _ALL_ZONES),
    Rule(0x400000000, 0x18000400000000, 1, _ALL_ZONES),
    Rule(_EVERYBODY, 0x2400000000, 2, _THIS_ZONE),
    Rule(_EVERYBODY, 0x4400000000, 1, _THIS_ZONE),
    Rule(_EVERYBODY, 0x100400000000, 1, _THIS_ZONE),
)
_STORES = (("system", "SYSTEM_DS", 1), ("default", "IMAGE_DS", 0), ("files", "FILE_DS", 2))
_NETWORK = """
NAME="private"
VN_MAD="dummy"
BRIDGE="br0"
NETWORK_ADDRESS="10.10.0.0"
NETWORK_MASK="255.255.0.0"
GATEWAY="10.10.0.1"
DNS="10.10.0.2"
AR=[TYPE="IP4", IP="10.10.1.1", SIZE="4000"]
"""
_TEMPLATE = """
NAME="tiny"
CPU="1"
VCPU="1"
MEMORY="128"
DISK=[IMAGE_ID="0"]
NIC=[NETWORK_ID="0"]
GRAPHICS=[TYPE="VNC", LISTEN="127.0.0.1"]
CONTEXT=[NETWORK="YES", SSH_PUBLIC_KEY="$USER[SSH_PUBLIC_KEY]"]
"""
_HOSTS = 4


def plant(cloud: Cloud, secret: str) -> None:
    """Fill an empty world; `secret` is the password of oneadmin."""
    _defaults(cloud, secret)
    for number in range(_HOSTS):
        new_host(cloud, f"node{number:02}.box", ("dummy", "dummy"), 0)
    image = parse('NAME="debian-12"\nSIZE="1024"\nPATH="/var/tmp/debian-12.img"')
    new_image(cloud, 0, image, 1).mode = "110100100"
    new_network(cloud, 0, parse(_NETWORK), [0])
    new_thing(cloud, 0, TEMPLATE, parse(_TEMPLATE), {}).mode = "110100100"


def _defaults(cloud: Cloud, secret: str) -> None:
    world = cloud.world
    for name in ("oneadmin", "users"):
        _group(world, name)
    new_user(world, "oneadmin", hashed(secret), "core", [0])
    new_user(world, "serveradmin", hashed(secret), "server_cipher", [0])
    reserved = Attributes([("RESERVED_CPU", ""), ("RESERVED_MEM", "")])
    world.add(CLUSTER, lambda at: Thing(CLUSTER.word, at, "default", template=reserved))
    endpoint = Attributes([("ENDPOINT", "http://localhost:2633/RPC2")])
    world.add(ZONE, lambda at: Thing(ZONE.word, at, "OpenNebula", template=endpoint))
    everything: dict[str, object] = {"groups": [1], "HOST": [], "DATASTORE": [], "VNET": []}
    everything["CLUSTER"] = [[0, -10]]
    world.add(VDC, lambda at: Thing(VDC.word, at, "default", more=everything))
    for name, kind, number in _STORES:
        _datastore(world, name, kind, number)
    rules = parse(
        'RULE=[PROTOCOL="ALL", RULE_TYPE="OUTBOUND"]\nRULE=[PROTOCOL="ALL", RULE_TYPE="INBOUND"]'
    )
    world.add(
        SECGROUP,
        lambda at: Thing(
            SECGROUP.word, at, "default", mode="110100100", template=rules,
            more={"vms": [], "time": 0, "roles": []},
        ),
    )  # fmt: skip
    for rule in _RULES:
        new_rule(world, rule)


def _group(world: World, name: str) -> None:
    more: dict[str, object] = {"admins": [], "quotas": {}, "used": {}}
    world.add(GROUP, lambda at: Thing(GROUP.word, at, name, more=more))


def _datastore(world: World, name: str, kind: str, number: int) -> None:
    template = Attributes([("TYPE", kind), ("TM_MAD", "dummy")])
    if number != 1:
        template.add("DS_MAD", "dummy")
    kept = {"type": number, "state": 0, "total": 20_480, "clusters": [0]}
    world.add(
        DATASTORE,
        lambda at: Thing(DATASTORE.word, at, name, mode="110100000", template=template, more=kept),
    )
