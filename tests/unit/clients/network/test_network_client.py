from __future__ import annotations

from typing import Any

import pytest

from pelagos.clients import ClientError
from pelagos.clients.network import NetworkClient
from pelagos.core.clock import ManualClock
from support.golden import ENDPOINT, Ask, Script


def client(*asks: Ask) -> NetworkClient:
    made = NetworkClient(ENDPOINT, "token", http=Script(asks))  # type: ignore[arg-type]
    made._clock = ManualClock()
    return made


@pytest.mark.parametrize(
    "networks", [None, 7, "net", {"name": "x"}, [], ["x"], [{}], [{"nam": "x"}]]
)
def test_what_is_no_list_of_networks_is_refused(networks: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # each in its own words
        client().create_networks(networks)


@pytest.mark.parametrize("subnets", [[{"network_id": "n"}], [{"cidr": "10.0.0.0/8"}], [{"x": 1}]])
def test_what_is_no_list_of_subnets_is_refused(subnets: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # each in its own words
        client().create_subnets(subnets)


def test_what_is_no_list_of_ports_is_refused() -> None:
    with pytest.raises(ValueError, match="network_id must be given"):
        client().create_ports([{"name": "x"}])


def port(status: str) -> Ask:
    return Ask("GET /ports/p", answer={"port": {"id": "p", "status": status}})


def test_a_port_is_waited_for_and_each_record_is_shown() -> None:
    seen: list[str] = []
    asked = client(port("BUILD"), port("BUILD"), port("ACTIVE"))
    last = asked.wait_port_until("p", wait_cb=lambda record: seen.append(record["status"]))
    assert last["status"] == "ACTIVE"
    assert seen == ["BUILD", "BUILD", "ACTIVE"]


def test_the_last_record_comes_also_when_the_time_is_over() -> None:
    assert client(port("BUILD"), port("BUILD")).wait_port("p", max_wait=2)["status"] == "BUILD"


def test_a_port_in_error_is_not_waited_for() -> None:
    assert client(port("BUILD"), port("ERROR")).wait_port_until("p")["status"] == "ERROR"


def test_a_port_that_goes_meanwhile_is_deleted() -> None:
    gone = Ask("GET /ports/p", answer={"itemNotFound": {"message": "gone"}}, ok=(404,))
    assert client(port("ACTIVE"), gone).wait_port_while("p", "ACTIVE")["status"] == "DELETED"


def test_a_port_that_never_was_is_an_error() -> None:
    with pytest.raises(ClientError):
        client(Ask("GET /ports/p", ok=(404,))).wait_port("p")
