"""A box answers as real Cyclades and Plankton 0.21 did: servers, flavours, keys, images."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.core.clock import ManualClock
from support.box_site import Reply, ask
from support.synnefo_samples import Exchange, Replayed, exchanges, replay

OCTETS = "application/octet-stream"
IMAGE = "582eb210-3f8d-4a8f-a5f7-04ca806d3c54"
KEY = "k1795269143"
TOP = "50e3136f8e76648aa649c8b1b649289725f11eb7a7fb387d18d39680f27d0bb1"


class Stage:
    """A box in which the recorded requests are sent."""

    def __init__(self, box: Box, clock: ManualClock) -> None:
        self.box, self.clock = box, clock
        ids = ("a11ce000", "b0b00000", "ca501000")
        people = [box.person(f"{name}@example.org") for name in ("alice", "bob", "carol")]
        self.alice = people[0]
        self.translate = {}
        for letter, begin, person in zip("abc", ids, people, strict=True):
            self.translate[f"{begin}-0000-4000-8000-00000000000{letter}"] = person.user_id
            name = person.name.partition("@")[0].upper()
            self.translate[f"TOKEN-OF-{name}"] = person.token()
        for port in (21101, 21102, 21103):
            self.translate[f"127.0.0.1:{port}"] = box.url.removeprefix("http://")
        seeds = ask(box.url, "GET", "/image/v2/images", token=box.admin.token()).json["images"]
        for seed in seeds:
            gone = ask(box.url, "DELETE", f"/image{seed['self']}", token=box.admin.token())
            assert gone.status == 204

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        token = self.translate["TOKEN-OF-ALICE"]
        reply = ask(self.box.url, method, path, body, token=token, **headers)
        assert reply.status < 300, (method, path, reply)
        return reply

    def act(self, path: str, body: Any) -> Reply:
        return self.send("POST", f"/cyclades/compute/v2.0{path}", body)

    def upload(self) -> None:
        """The object of which the image is made."""
        here = f"/pithos/object-store/v1/{self.alice.user_id}/images"
        self.send("PUT", here)
        self.send("PUT", f"{here}/p.img", b"\x01" * 5000, Content_Type=OCTETS)
        told = self.send("HEAD", f"{here}/p.img").headers
        self.translate[IMAGE] = told["x-object-uuid"]
        self.translate[TOP] = told["x-object-hash"]

    def image(self) -> None:
        self.upload()
        registered = exchanges("60_image.http", self.translate)
        for number in (0, 4):
            assert replay(self.box.url, registered[number]).status == 200

    def server(self, name: str = "p1", **more: Any) -> int:
        """A server that is there, and nothing goes on with it."""
        told = {
            "name": name, "flavorRef": 1, "imageRef": self.translate[IMAGE], "networks": [],
            **more,
        }  # fmt: skip
        made = self.act("/servers", {"server": told}).json["server"]
        self.clock.advance(5)
        return int(made["id"])

    def until(self, recorded: str) -> None:
        wanted = parsedate_to_datetime(recorded).timestamp() + 0.25
        self.clock.jump(wanted - self.clock.time())

    def play(self, exchange: Exchange) -> Replayed:
        return replay(self.box.url, exchange)


def _key(stage: Stage) -> None:
    recorded = exchanges("61_compute.http", stage.translate)
    told = next(json.loads(one.body) for one in recorded if one.path.endswith(KEY) and one.body)
    key = {"name": KEY, "public_key": told["keypair"]["public_key"]}
    stage.act("/os-keypairs", {"keypair": key})


def _failing(stage: Stage) -> None:
    stage.server("FAIL_CREATE", metadata={"box:fault": "on demand"})
    ask(stage.box.url, "DELETE", "/cyclades/compute/v2.0/servers/2/metadata/box:fault",
        token=stage.translate["TOKEN-OF-ALICE"])  # fmt: skip


def _all_servers(stage: Stage) -> None:
    stage.box.limit(stage.alice.project_id, "cyclades.vm", 1)


Step = Callable[[Stage], Any]
#: What is made before the exchange with this label, or this path.
BEFORE: dict[tuple[str, str], Step] = {
    ("60_image", "register"): Stage.upload,
    ("61_compute", "/flavors"): Stage.image,
    ("61_compute", f"/os-keypairs/{KEY}"): _key,
    ("61_compute", "in ERROR"): _failing,
    ("61_compute", "quota of 10 servers reached"): _all_servers,
    ("64_errors", "/servers"): Stage.image,
}
#: Where the box does otherwise, and why.
OTHERWISE = {
    ("61_compute", "/os-floating-ips"): "floating addresses are the network service's",
    ("61_compute", "/servers/1/stats"): "the figures' addresses are the box's own",
    ("61_compute", "in ERROR"): "the box tells why a server failed",
}
_INVENTED = re.compile("|".join(f"(?<={told})\\w+" for told in (
    'Pass": "', 'Pass":"', 'word": "', 'word":"', "word=",
)))  # fmt: skip


@pytest.fixture
def stage() -> Iterator[Stage]:
    clock = ManualClock(start=1795268000.0)
    with Box(clock=clock, token_life=86_400, pace=0.05) as box:
        yield Stage(box, clock)


@pytest.mark.parametrize("name", ["60_image", "61_compute", "64_errors"])
def test_cyclades_answers_as_recorded(stage: Stage, name: str) -> None:
    wrong, done = [], set()
    for number in range(len(exchanges(f"{name}.http", stage.translate))):
        exchange = exchanges(f"{name}.http", stage.translate)[number]
        where = exchange.path.partition("/v2.0")[2]
        stage.until(exchange.headers["date"])
        for key in ((name, exchange.label), (name, where)):
            if key in BEFORE and key not in done:
                done.add(key)
                BEFORE[key](stage)
                stage.until(exchange.headers["date"])
        exchange = exchanges(f"{name}.http", stage.translate)[number]
        found = _comparable(stage.play(exchange)).differences()
        if found and not {(name, exchange.label), (name, where)} & set(OTHERWISE):
            wrong.append((number, exchange.label, exchange.method, exchange.path, *found))
    assert not wrong, "\n".join(str(one) for one in wrong)


#: What was recorded while a task went on elsewhere, and is otherwise in the box.
TOUR_OTHERWISE = {
    "stats": "the figures' addresses are the box's own",
    "DESTROYING": "a server that is removed leaves its networks at once",
    "/networks/detail": "a network is gone at once",
}
TOUR = "71_kamaki016_cli_cyclades_tour.http"
TOUR_IMAGE = "7af6abbf-ed39-4464-b712-ad824c9605e5"


def test_a_tour_of_the_ancestors_command_line(stage: Stage) -> None:
    """Images, servers, networks, addresses and volumes, one after the other."""
    here = f"/pithos/object-store/v1/{stage.alice.user_id}/images"
    stage.send("PUT", here)
    wrong = []
    for number in range(len(exchanges(TOUR, stage.translate))):
        exchange = exchanges(TOUR, stage.translate)[number]
        stage.until(exchange.headers["date"])
        if "x-image-meta-size" in exchange.headers and TOUR_IMAGE not in stage.translate:
            content = b"\x01" * int(exchange.headers["x-image-meta-size"])
            stage.send("PUT", f"{here}/disk.img", content, Content_Type=OCTETS)
            told = stage.send("HEAD", f"{here}/disk.img").headers
            stage.translate[TOUR_IMAGE] = told["x-object-uuid"]
            stage.translate[exchange.headers["x-image-meta-checksum"]] = told["x-object-hash"]
            exchange = exchanges(TOUR, stage.translate)[number]
        if not exchange.is_whole:
            continue
        found = _unnumbered(_comparable(stage.play(exchange))).differences()
        told_of = f"{exchange.path} {exchange.body}"
        if found and not any(word in told_of for word in TOUR_OTHERWISE):
            wrong.append((number, exchange.method, exchange.path, *found))
    assert not wrong, "\n".join(str(one) for one in wrong)


def _unnumbered(made: Replayed) -> Replayed:
    """Without the numbers of ports, which floating addresses have, too, and their hardware's."""
    if not made.exchange.has_body or not made.body:
        return made

    def without(text: str) -> str:
        return json.dumps(_without_ports(json.loads(text)))

    exchange = dataclasses.replace(made.exchange, body=without(made.exchange.body))
    return dataclasses.replace(made, exchange=exchange, body=without(made.body.decode()).encode())


def _without_ports(value: Any, *, is_port: bool = False) -> Any:
    if isinstance(value, list):
        return [_without_ports(one, is_port=is_port) for one in value]
    if not isinstance(value, dict):
        return value
    unwanted = {"mac_address", "port_id", *({"id", "links"} if is_port else ())}
    return {
        name: _without_ports(
            one, is_port=name in {"ports", "attachments"} and isinstance(one, list)
        )
        for name, one in value.items()
        if name not in unwanted
    }


def _comparable(made: Replayed) -> Replayed:
    """Without passwords, which are made up anew."""
    body = _INVENTED.sub("", made.exchange.body)
    exchange = dataclasses.replace(made.exchange, body=body)
    own = _INVENTED.sub("", made.body.decode("latin-1")).encode("latin-1")
    return dataclasses.replace(made, exchange=exchange, body=own)
