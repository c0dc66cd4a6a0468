"""A walk through networks and volumes by openstacksdk, run with its own interpreter."""

from __future__ import annotations

import sys

import openstack
from openstack import exceptions


def networks(cloud: openstack.connection.Connection) -> None:
    """All kinds of things of Neutron: made, found, changed, refused, removed."""
    net = cloud.network
    public = next(iter(net.networks(is_router_external=True)))
    home = net.create_network(name="home", description="d", mtu=1400)
    assert home.status == "ACTIVE" and home.mtu == 1400 and not home.is_shared
    subnet = net.create_subnet(
        network_id=home.id, cidr="10.1.0.0/24", ip_version=4, name="sub",
        dns_nameservers=["192.0.2.1"],
        allocation_pools=[{"start": "10.1.0.10", "end": "10.1.0.20"}],
    )  # fmt: skip
    assert subnet.gateway_ip == "10.1.0.1"
    net.create_subnet(network_id=home.id, cidr="fd00:1::/64", ip_version=6)
    for bad in ({"cidr": "10.1.0.0/25"}, {"cidr": "10.9.0.1/24"}):
        _refused(400, net.create_subnet, network_id=home.id, ip_version=4, **bad)
    group = net.create_security_group(name="web")
    rule = net.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=80,
        port_range_max=80, remote_ip_prefix="0.0.0.0/0",
    )  # fmt: skip
    assert rule.id in {one["id"] for one in net.get_security_group(group).security_group_rules}
    port = net.create_port(
        network_id=home.id, name="p", security_groups=[group.id],
        fixed_ips=[{"subnet_id": subnet.id, "ip_address": "10.1.0.15"}],
    )  # fmt: skip
    assert [one["ip_address"] for one in port.fixed_ips] == ["10.1.0.15"]
    _refused(409, net.create_port, network_id=home.id, fixed_ips=[{"ip_address": "10.1.0.15"}])
    router = net.create_router(name="r", external_gateway_info={"network_id": public.id})
    net.add_interface_to_router(router, subnet_id=subnet.id)
    assert len(list(net.ports(device_id=router.id, device_owner="network:router_interface"))) == 1
    floating = net.create_ip(floating_network_id=public.id)
    floating = net.update_ip(floating, port_id=port.id)
    assert floating.status == "ACTIVE" and floating.fixed_ip_address == "10.1.0.15"
    _refused(409, net.delete_network, home)
    _refused(409, net.remove_interface_from_router, router, subnet_id=subnet.id)
    _refused(409, net.delete_security_group, group)
    net.set_tags(home, ["a", "b"])
    assert [one.id for one in net.networks(tags="a")] == [home.id]
    assert net.find_network("home").id == home.id
    assert len(list(net.ports(limit=1))) == len(list(net.ports()))
    assert net.get_quota(cloud.current_project_id, details=True).networks["used"] == 1
    net.update_network(home, name="home2", is_admin_state_up=False)
    net.update_ip(floating, port_id=None)
    net.delete_ip(floating)
    net.remove_interface_from_router(router, subnet_id=subnet.id)
    net.delete_router(router)
    net.delete_port(port)
    net.delete_security_group_rule(rule)
    net.delete_security_group(group)
    net.delete_network(home)
    _refused(404, net.get_network, home.id)


def volumes(cloud: openstack.connection.Connection) -> None:
    """Volumes, snapshots, transfers of Cinder."""
    store = cloud.block_storage
    volume = store.create_volume(size=1, name="v", metadata={"a": "b"})
    volume = store.wait_for_status(volume, "available", interval=0.1)
    store.extend_volume(volume, 2)
    volume = store.wait_for_status(store.get_volume(volume.id), "available", interval=0.1)
    assert volume.size == 2
    snapshot = store.create_snapshot(volume_id=volume.id, name="s")
    store.wait_for_status(snapshot, "available", interval=0.1)
    _refused(400, store.delete_volume, volume.id)
    copy = store.create_volume(snapshot_id=snapshot.id, name="copy")
    copy = store.wait_for_status(copy, "available", interval=0.1)
    assert copy.size == 2
    _refused(400, store.create_volume, snapshot_id=snapshot.id, size=1)
    store.set_volume_metadata(volume, color="red")
    assert store.get_volume_metadata(volume).metadata == {"a": "b", "color": "red"}
    assert {one.name for one in store.volumes()} == {"v", "copy"}
    assert store.find_volume("v").id == volume.id
    assert store.find_type("__DEFAULT__") is not None
    limits = store.get_limits().absolute
    assert limits.total_volumes_used == 2 and limits.total_gigabytes_used == 6
    transfer = store.create_transfer(volume_id=copy.id, name="t")
    assert store.get_volume(copy.id).status == "awaiting-transfer"
    store.accept_transfer(transfer.id, transfer.auth_key)
    store.set_volume_bootable_status(copy, True)
    assert store.get_volume(copy.id).is_bootable
    store.delete_volume(copy.id)
    store.delete_snapshot(snapshot.id)
    store.wait_for_delete(snapshot, interval=0.1)
    store.delete_volume(volume.id)
    store.wait_for_delete(volume, interval=0.1)


def _refused(status: int, work: object, *arguments: object, **named: object) -> None:
    try:
        work(*arguments, **named)  # type: ignore[operator]  # a method of the library
    except exceptions.HttpException as error:
        told = (error.status_code, error.details)
    else:
        told = (None, f"{work} {named} was not refused")
    assert told[0] == status, told


if __name__ == "__main__":
    connection = openstack.connect()
    {"networks": networks, "volumes": volumes}[sys.argv[1]](connection)
