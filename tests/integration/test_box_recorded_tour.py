"""A tour of the ancestor's command line through a real Pithos, replayed in a box."""

from __future__ import annotations

import ast
import dataclasses
import json
import random
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from pelagos.box import Box
from pelagos.box.objects.hashmap import block_digest, top_hash
from pelagos.core.clock import ManualClock
from support.synnefo_samples import Exchange, exchanges, replay

TOUR = "70_kamaki016_cli_pithos_tour.http"
#: Of the file of random bytes: its blocks were not kept, so others take their place.
TOP = "b96cc735730c01f9ee8d107bb9c0d253abb0374bef0fd925f922ecbdf8cb9fc1"
_CUT = re.compile(r"<(\d+) bytes, starts (b'.*'|b\".*\")>$")
#: When the file is cut off, its hash stays for Pithos; the box names it after what is left.
CUT_OFF = 76
CLOCK = ManualClock(start=1795268910.0)


@pytest.fixture
def box() -> Iterator[Box]:
    with Box(clock=CLOCK, token_life=86_400) as box:
        yield box


def content_of(exchange: Exchange) -> bytes:
    """What was sent: as recorded, or as long and with the same beginning."""
    sent = exchange.request_body
    found = _CUT.match(sent.decode("latin-1"))
    if found is None:
        length = int(exchange.request_headers.get("Content-Length", len(sent)))
        return sent.ljust(length, b"\n") if length - len(sent) == 1 else sent
    length, begin = int(found[1]), ast.literal_eval(found[2])
    if begin == bytes(range(16)):
        return (bytes(range(256)) * (length // 256 + 1))[:length]
    if length == len(begin):
        return bytes(begin)
    return bytes(begin) + random.Random(begin).randbytes(length - len(begin))


def translation(box: Box) -> dict[str, str]:
    """People, addresses and hashes of the recording, and what they are in the box."""
    found = {"127.0.0.1:21102": box.url.removeprefix("http://")}
    for letter, name, begin in (("a", "alice", "a11ce000"), ("b", "bob", "b0b00000")):
        person = box.person(f"{name}@example.org", full_name=f"{name.capitalize()} Tester")
        recorded = f"{begin}-0000-4000-8000-00000000000{letter}"
        found[recorded] = person.user_id
        found[recorded.capitalize()] = person.user_id.capitalize()
        found[f"TOKEN-OF-{name.upper()}"] = person.token()
    made = []
    for one in exchanges(TOUR, {}):
        content = content_of(one)
        if one.request_body.startswith(b"<"):
            [recorded] = json.loads(one.body)
            digest = block_digest(content)
            if digest.hex() != recorded:
                found[recorded] = digest.hex()
                made.append(digest)
    assert len(made) == 3
    found[TOP] = top_hash(made)
    return found


def test_a_tour_of_the_ancestors_command_line(box: Box) -> None:
    """Files up and down, changed in place, shared, published, copied, moved, removed."""
    translate = translation(box)
    wrong = []
    for number, recorded in enumerate(exchanges(TOUR, {})):
        if number == CUT_OFF:
            left = exchanges(TOUR, {})[number + 2].body.encode()
            translate[recorded.headers["etag"]] = block_digest(left).hex()
        exchange = exchanges(TOUR, translate)[number]
        wanted = parsedate_to_datetime(exchange.headers["date"]).timestamp() + 0.25
        CLOCK.jump(wanted - CLOCK.time())
        sent = dataclasses.replace(exchange, request_body=content_of(exchange))
        made = replay(box.url, sent)
        if (public := made.headers.get("x-object-public")) and "/public/" in public:
            told = exchange.headers["x-object-public"].rsplit("/", 1)[1]
            translate[told] = public.rsplit("/", 1)[1]
        found = made.differences()
        if found:
            wrong.append((number, exchange.method, exchange.path, *found))
    assert not wrong, "\n".join(str(one) for one in wrong)
