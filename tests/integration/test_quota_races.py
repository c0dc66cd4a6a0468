"""Sixteen ask at once for what a quota allows a few of: never one too many, never one too few."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pelagos.box import Box, Person
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.astakos import AstakosClient
from pelagos.clients.errors import Conflict, Forbidden, OverLimit

MANY = 16
FEW = 5


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0) as running:
        yield running


@pytest.fixture
def person(box: Box, request: pytest.FixtureRequest) -> Person:
    return box.person(request.node.name)


def openstack(box: Box, person: Person) -> Cloud:
    settings = CloudSettings(
        box.auth_url,
        username=person.name,
        password=person.password,
        project_name=person.project,
    )
    return Cloud(settings=settings)


def synnefo(box: Box, person: Person) -> Cloud:
    return Cloud(settings=CloudSettings(box.astakos_url, token=person.token()))


def race(ask: Callable[[int], Any]) -> list[Any]:
    """What each of many got who asked at the same moment; refusals are left out.

    Raises:
        ClientError: one failed for another reason than a quota.
    """
    begin = threading.Barrier(MANY)

    def one(number: int) -> Any:
        begin.wait(60)
        try:
            return ask(number)
        except (OverLimit, Forbidden):
            return None

    with ThreadPoolExecutor(MANY) as pool:
        return [found for found in pool.map(one, range(MANY)) if found is not None]


@pytest.mark.parametrize("family", [openstack, synnefo])
def test_servers(box: Box, person: Person, family: Callable[..., Cloud]) -> None:
    compute = family(box, person).compute
    box.limit(person.project_id, "cyclades.vm", FEW)
    flavor = min(compute.list_flavors(detail=True), key=lambda one: one["ram"])["id"]
    image = family(box, person).image.list_public()[0]["id"]
    made = race(lambda number: compute.create_server(f"s{number}", flavor, image, networks=[]))
    assert len(made) == FEW == len(compute.list_servers())


def test_floating_addresses(box: Box, person: Person) -> None:
    network: Any = synnefo(box, person).network
    box.limit(person.project_id, "cyclades.floating_ip", FEW)
    outside = [one for one in network.list_networks(detail=True) if one["router:external"]]
    got = race(lambda _: network.create_floatingip(outside[0]["id"]))
    assert len({one["floating_ip_address"] for one in got}) == FEW
    assert len(network.list_floatingips()) == FEW


def test_volumes(box: Box, person: Person) -> None:
    volume = openstack(box, person).volume
    quotas = {"quota_set": {"volumes": FEW}}
    openstack(box, box.admin).volume.put(("os-quota-sets", person.project_id), json=quotas)
    made = race(lambda number: volume.create_volume(1, display_name=f"v{number}"))
    assert len(made) == FEW == len(volume.list_volumes())


@pytest.mark.parametrize("kind", ["network", "security_group_rule"])
def test_things_of_neutron(box: Box, person: Person, kind: str) -> None:
    network = openstack(box, person).network
    [group] = network.list_security_groups()  # with rules of its own
    had = len(network.list_security_group_rules()) if kind == "security_group_rule" else 0
    quotas = {"quota": {kind: had + FEW}}
    openstack(box, box.admin).network.put(("quotas", person.project_id), json=quotas)

    def make(number: int) -> Any:
        try:
            if kind == "network":
                return network.create_network(f"n{number}")
            ports = {"port_range_min": 1000 + number, "port_range_max": 1000 + number}
            return network.create_security_group_rule(group["id"], protocol="tcp", **ports)
        except Conflict as error:
            assert "Quota exceeded" in error.message  # noqa: PT017  # of many, each on its own
            return None

    assert len(race(make)) == FEW


def test_ports_of_servers_count_as_well(box: Box, person: Person) -> None:
    cloud = openstack(box, person)
    lan = cloud.network.create_network("lan")["id"]
    cloud.network.create_subnet(lan, "10.0.0.0/24")
    quotas = {"quota": {"port": FEW}}
    openstack(box, box.admin).network.put(("quotas", person.project_id), json=quotas)
    image = cloud.image.list_public()[0]["id"]
    nets = [{"uuid": lan}]
    compute = cloud.compute
    made = race(lambda number: compute.create_server(f"s{number}", "1", image, networks=nets))
    assert len(made) == FEW == len(cloud.network.list_ports()) == len(compute.list_servers())
    with pytest.raises(Forbidden, match="ports exceeded"):
        compute.create_server("more", "1", image, networks=nets)


def test_bytes_of_objects(box: Box, person: Person) -> None:
    store = synnefo(box, person).object_store
    store.create_container("c")
    size = 100_000
    box.limit(person.project_id, "pithos.diskspace", FEW * size + size // 2)

    def put(number: int) -> bool:
        body = number.to_bytes(1, "big") * size
        store.upload_object_unchunked(f"o{number}", body, container="c")
        return True

    assert len(race(put)) == FEW
    listed = store.list_objects(container="c")
    assert (len(listed), sum(one["bytes"] for one in listed)) == (FEW, FEW * size)


def test_the_limit_of_one_container(box: Box, person: Person) -> None:
    store = synnefo(box, person).object_store
    store.create_container("c", sizelimit=FEW * 1000)

    def put(number: int) -> bool:
        store.upload_object_unchunked(f"o{number}", bytes([65 + number]) * 1000, container="c")
        return True

    assert len(race(put)) == FEW


def test_commissions_of_services(box: Box, person: Person) -> None:
    service = AstakosClient(box.astakos_url, box.service_token("cyclades"), dialect="synnefo")
    project = person.project_id
    box.limit(project, "cyclades.vm", FEW)
    wish = {(project, "cyclades.vm"): 1}
    serials = race(lambda _: service.issue_one_commission(person.user_id, wish))
    assert len(set(serials)) == FEW
    resolved = service.resolve_commissions(serials[:2], serials[2:])
    assert len(resolved["accepted"]) + len(resolved["rejected"]) == FEW
    assert len(race(lambda _: service.issue_one_commission(person.user_id, wish))) == FEW - 2


def test_whoever_frees_something_lets_just_as_much_in(box: Box, person: Person) -> None:
    compute = openstack(box, person).compute
    box.limit(person.project_id, "cyclades.vm", FEW)
    image = openstack(box, person).image.list_public()[0]["id"]

    def turn(number: int) -> int:
        """How often one of them got a server; each is given back."""
        got = 0
        for _ in range(4):
            try:
                server = compute.create_server(f"s{number}", "1", image, networks=[])
            except (OverLimit, Forbidden):
                continue
            assert len(compute.list_servers()) <= FEW
            compute.delete_server(server["id"])
            got += 1
        return got

    with ThreadPoolExecutor(MANY) as pool:
        assert sum(pool.map(turn, range(MANY))) >= FEW
    assert compute.list_servers() == []
    made = race(lambda number: compute.create_server(f"t{number}", "1", image, networks=[]))
    assert len(made) == FEW
