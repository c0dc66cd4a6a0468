"""A box's networks and volumes answer as real Synnefo 0.21 servers answered.

What real servers took seconds for was asked for again and again; only the last answer of such a
row is compared, with the clock a minute later.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

import pytest

from pelagos.box import Box
from pelagos.core.clock import ManualClock
from support.box_site import ask
from support.synnefo_samples import Exchange, Replayed, exchanges, replay

RECORDED_ID = "a11ce000-0000-4000-8000-00000000000a"
RECORDED_IMAGE = "582eb210-3f8d-4a8f-a5f7-04ca806d3c54"
_MAC = re.compile("aa:00:[0-9a-f]{2}(?::[0-9a-f]{2}){3}")

#: Numbers that the box gives otherwise: floating IPs have a row of their own, and hold ports.
NUMBERS: Mapping[str, Mapping[str, str]] = {
    "62_network": {
        '"port_id": null, "id": "2"': '"port_id": null, "id": "1"',
        "/floatingips/2": "/floatingips/1",
        "IP '2'": "IP '1'",
        "/ports/2": "/ports/3",
        '"id": "2", "security_groups"': '"id": "3", "security_groups"',
        "Port '2'": "Port '3'",
        '"nic": "2"': '"nic": "3"',
    },
    "63_volume": {},
    "64_errors": {},
}
#: Where the box does otherwise, and why.
OTHERWISE = {
    ("63_volume", 15): "the box can remove volumes that are at no server",
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=1795268000.0)


@pytest.fixture
def box(clock: ManualClock) -> Iterator[Box]:
    with Box(clock=clock, token_life=86_400) as box:
        yield box


@pytest.fixture
def translate(box: Box, clock: ManualClock) -> dict[str, str]:
    """What is recorded, and what it is in the box: a person with one server."""
    alice = box.person("alice@example.org", full_name="Alice Tester")
    token = alice.token()

    def send(method: str, path: str, body: object = None, **headers: str) -> dict[str, object]:
        reply = ask(box.url, method, path, body, token=token, **headers)
        assert reply.status < 300, reply
        return reply.json if reply.content else {}

    made = send(
        "POST", "/image/v2/images",
        {"name": "image", "disk_format": "raw", "container_format": "bare"},
    )  # fmt: skip
    octets = "application/octet-stream"
    send("PUT", f"/image/v2/images/{made['id']}/file", b"disk", Content_Type=octets)
    wanted = {"name": "p1", "flavorRef": 1, "imageRef": made["id"], "networks": []}
    send("POST", "/cyclades/compute/v2.0/servers", {"server": wanted})
    clock.advance(600)
    return {
        RECORDED_ID: alice.user_id,
        RECORDED_IMAGE: str(made["id"]),
        "TOKEN-OF-ALICE": token,
        "127.0.0.1:21103": box.url.removeprefix("http://"),
    }


@pytest.mark.parametrize("name", NUMBERS)
def test_networks_and_volumes_answer_as_recorded(
    box: Box, clock: ManualClock, translate: dict[str, str], name: str
) -> None:
    wrong = []
    found = exchanges(f"{name}.http", {**translate, **NUMBERS[name]})
    for number, exchange in enumerate(found):
        if _is_asked_again(exchange, found[number + 1 :]):
            continue
        if number and _is_asked_again(found[number - 1], [exchange]):
            clock.advance(60)
        made = _comparable(replay(box.url, exchange))
        differences = made.differences()
        if differences and (name, number) not in OTHERWISE:
            wrong.append((number, exchange.label, exchange.method, exchange.path, *differences))
    assert not wrong, "\n".join(str(one) for one in wrong)


def _is_asked_again(exchange: Exchange, later: list[Exchange]) -> bool:
    return bool(
        later
        and exchange.method == "GET"
        and (later[0].method, later[0].path) == ("GET", exchange.path)
        and exchange.request_headers == later[0].request_headers
    )


def _comparable(made: Replayed) -> Replayed:
    exchange = dataclasses.replace(made.exchange, body=_MAC.sub("MAC", made.exchange.body))
    own = _MAC.sub("MAC", made.body.decode()).encode()
    return dataclasses.replace(made, exchange=exchange, body=own)
