from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pelagos.clients import ClientError
from pelagos.clients.cyclades import (
    CycladesBlockStorageClient,
    CycladesComputeClient,
    CycladesNetworkClient,
)
from pelagos.clients.errors import Conflict, NotFound, Unsupported
from support.golden import ENDPOINT, Ask, Script


def compute(*asks: Ask, dialect: str = "synnefo") -> CycladesComputeClient:
    return CycladesComputeClient(ENDPOINT, "token", http=Script(asks), dialect=dialect)  # type: ignore[arg-type]


def network(*asks: Ask, dialect: str = "openstack", **more: Any) -> CycladesNetworkClient:
    return CycladesNetworkClient(ENDPOINT, "token", http=Script(asks), dialect=dialect, **more)


def volumes() -> CycladesBlockStorageClient:
    return CycladesBlockStorageClient(ENDPOINT, "token", http=Script([]), dialect="openstack")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "call",
    [
        lambda: compute(dialect="openstack").set_firewall_profile(1, "ENABLED", 7),
        lambda: compute(dialect="openstack").get_firewall_profile(1),
        lambda: compute(dialect="openstack").reassign_server(1, "p"),
        lambda: compute(dialect="openstack").get_server_stats(1),
        lambda: compute(dialect="openstack").list_flavors(project_id="p"),
        lambda: compute(dialect="openstack").create_server("x", 1, "i", project_id="p"),
        lambda: compute(dialect="openstack").create_server("x", 1, "i", key_names=["a", "b"]),
        lambda: network().reassign_network("n", "p"),
        lambda: network().reassign_floating_ip("f", "p"),
        lambda: network().create_port("n", "server"),
        lambda: volumes().reassign_volume("v", "p"),
        lambda: volumes().create_volume(1, "v", server_id=7),
        lambda: volumes().create_volume(1, "v", project="p"),
    ],
)
def test_what_openstack_has_no_word_for_is_refused_before_it_is_sent(
    call: Callable[[], Any],
) -> None:
    with pytest.raises(Unsupported) as caught:
        call()
    assert caught.value.hint


def test_metadata_of_the_caller_stay_as_they_are() -> None:
    image = Ask("GET /images/i", answer={"image": {"metadata": {"os": "debian"}}})
    wanted = {"name": "x", "flavorRef": 1, "imageRef": "i", "metadata": {"os": "debian", "a": "b"}}
    made = Ask("POST /servers", {"server": wanted}, answer={"server": {}}, ok=(202,))
    metadata = {"a": "b"}
    compute(image, made).create_server("x", 1, "i", metadata=metadata)
    assert metadata == {"a": "b"}


@pytest.mark.parametrize("server", [{}, {"attachments": []}, {"attachments": [{"id": "7"}]}])
def test_a_server_without_a_firewall_profile_is_an_error(server: object) -> None:
    with pytest.raises(ClientError) as caught:
        compute(Ask("GET /servers/1", answer={"server": server})).get_firewall_profile(1)
    assert caught.value.status == 520


def test_an_address_of_a_port_must_be_said() -> None:
    with pytest.raises(ValueError, match="ip_address"):
        network().create_port("n", fixed_ips=[{"subnet_id": "s"}])


PORT = Ask("POST /ports", {"port": {"network_id": "n"}}, answer={"port": {"id": "p"}}, ok=(201,))


def plugged(ok: tuple[int, ...]) -> Ask:
    body = {"interfaceAttachment": {"port_id": "p"}}
    answer = {"interfaceAttachment": {"port_id": "p"}}
    return Ask("POST /servers/7/os-interface", body, answer=answer, ok=ok)


def test_a_port_is_plugged_into_a_server_of_openstack() -> None:
    asked = network(PORT, plugged((200,)), compute_url=ENDPOINT)
    assert asked.create_port("n", 7) == {"id": "p", "device_id": "7"}


def test_a_port_that_could_not_be_plugged_in_does_not_stay() -> None:
    gone = Ask("DELETE /ports/p", ok=(204,))
    with pytest.raises(Conflict):
        network(PORT, plugged((409,)), gone, compute_url=ENDPOINT).create_port("n", 7)


def test_openstack_without_an_external_network_has_no_floating_ips() -> None:
    asked = network(Ask("GET /networks?router:external=true", answer={"networks": []}))
    with pytest.raises(NotFound):
        asked.create_floatingip()


def test_a_tag_that_a_server_has_not_is_an_error() -> None:
    with pytest.raises(NotFound):
        compute(Ask("GET /servers/1/tags/t", ok=(404,))).get_tag_status(1, "t")


def test_nova_by_its_version_is_told_so() -> None:
    assert not CycladesComputeClient("http://c/compute/v2.1", "t").is_synnefo
