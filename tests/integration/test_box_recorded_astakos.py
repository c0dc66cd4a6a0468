"""A box's Astakos answers as a real one: what services ask, commissions, projects, OAuth 2."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.core.clock import ManualClock
from support.box_site import ask
from support.synnefo_samples import Replayed, exchanges, replay

PEOPLE = {"alice": "a11ce000", "bob": "b0b00000", "carol": "ca501000"}
ACCOUNT = "/astakos/account/v1.0"
#: Where the box does otherwise, or what is compared elsewhere, and why.
OTHERWISE: dict[tuple[str, int], str] = {
    ("51_account", 3): "the box has an administrator",
    ("53_projects", 20): "the recorded person had objects",
}


@pytest.fixture
def box() -> Iterator[Box]:
    with Box(clock=ManualClock(start=1795269100.0), token_life=86_400) as box:
        yield box


@pytest.fixture
def translate(box: Box) -> dict[str, str]:
    found = {
        "SERVICE-TOKEN-OF-PITHOS": box.service_token("pithos"),
        "127.0.0.1:21101": box.url.removeprefix("http://"),
        "127.0.0.1:21102": box.url.removeprefix("http://"),
    }
    for letter, (name, begin) in zip("abc", PEOPLE.items(), strict=True):
        person = box.person(f"{name}@example.org", full_name=f"{name.capitalize()} Tester")
        found[f"{begin}-0000-4000-8000-00000000000{letter}"] = person.user_id
        found[f"TOKEN-OF-{name.upper()}"] = person.token()
    return found


@pytest.mark.parametrize("name", ["51_account", "52_commissions", "53_projects", "54_oauth2"])
def test_astakos_answers_as_recorded(box: Box, translate: dict[str, str], name: str) -> None:
    wrong: list[Any] = []
    for number, recorded in enumerate(exchanges(f"{name}.http", translate)):
        if name == "51_account" and "service" not in recorded.path.partition("/v1.0/")[2]:
            continue  # these are compared elsewhere
        if recorded.label == "approved":
            _approve(box, translate)
        if recorded.label == "over the member capacity":
            path = f"{recorded.path.rsplit('/', 1)[0]}/small"
            octets = {"Content_Type": "application/octet-stream"}
            token = translate["TOKEN-OF-BOB"]
            assert ask(box.url, "PUT", path, b"x" * 1000, token=token, **octets).status == 201
        exchange = exchanges(f"{name}.http", translate)[number]
        if not exchange.is_whole:  # one MiB, of which the beginning is recorded
            exchange = dataclasses.replace(exchange, request_body=b"x" * 1024**2)
        made = _comparable(replay(box.url, exchange))
        _learn(translate, made)
        found = _comparable(dataclasses.replace(
            made, exchange=exchanges(f"{name}.http", translate)[number]
        )).differences()  # fmt: skip
        if found and (name, number) not in OTHERWISE:
            wrong.append((number, exchange.label, exchange.method, exchange.path, *found))
    assert not wrong, "\n".join(str(one) for one in wrong)


def _approve(box: Box, translate: dict[str, str]) -> None:
    key = translate["4bf8f7e0-fc5e-4162-b25c-519175355387"]
    body = {"approve": {"reason": "r", "app_id": 1}}
    path = f"{ACCOUNT}/projects/{key}/action"
    reply = ask(box.url, "POST", path, body, token=box.admin.token())
    assert reply.status == 200, reply


def _learn(translate: dict[str, str], made: Replayed) -> None:
    """Ids and numbers that the box gives otherwise."""
    if made.exchange.method != "POST" or made.status not in {200, 201}:
        return
    answered, recorded = (_read(one) for one in (made.body.decode(), made.exchange.body))
    if "application" in answered:
        translate[recorded["id"]] = answered["id"]
    elif "serial" in answered and answered["serial"] != recorded["serial"]:
        old, new = recorded["serial"], answered["serial"]
        for form in ('"serial": {}', "/commissions/{}", "[{}]", "[{}, 9"):
            translate[form.format(old)] = form.format(new)
    elif set(answered) == {"id"}:
        old, new = recorded["id"], answered["id"]
        for form in ('"id": {}', "memberships/{}"):
            translate[form.format(old)] = form.format(new)


def _read(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else {}


def _comparable(made: Replayed) -> Replayed:
    """Without the figures of what recorded persons had, and the end of their own projects."""
    body, own = made.exchange.body, made.body.decode()
    if "usage" in body:
        body, own = (re.sub(r'usage": ?\d+', 'usage": 0', one) for one in (body, own))
    exchange = dataclasses.replace(made.exchange, body=body)
    return dataclasses.replace(made, exchange=exchange, body=own.encode())
