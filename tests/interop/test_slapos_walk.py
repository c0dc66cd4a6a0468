"""One walk through the whole API with the original library, at the original master and at ours.

What the two answer is the same up to what a master makes up itself, and up to the differences
that are listed here, each with its reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import slapos_peer
from support.slapos_peer import Node, PeerMissingError, Proxy
from support.slapos_place import our_place

pytestmark = [pytest.mark.interop, pytest.mark.timeout(400)]

#: Run by the original's own interpreter.
WALK = Path(slapos_peer.__file__).with_name("slapos_walk.py")


@dataclass(frozen=True)
class Difference:
    """What each master answers at one step, and why ours answers otherwise."""

    theirs: Any
    ours: Any
    reason: str


def error(name: str) -> dict[str, str]:
    return {"error": name}


def inst1(**changes: Any) -> dict[str, Any]:
    found = {
        "id": "slappart0",
        "guid": "guid of slappart0",
        "parameters": {"greeting": "hello2", "port": "8000"},
        "connection": {},
        "release": "/srv/a/software.cfg",
        "type": "default",
    }
    return found | changes


def house(*ending: int, free: tuple[int, ...] = ()) -> list[list[Any]]:
    return [
        [f"slappart{n}", "destroyed" if n in (*ending, *free) else "started", n not in free]
        for n in range(8)
    ]


_ABSENT = "the original's stand-alone master has no such call; its production master has"
_SERVER_ERROR = "what the original's stand-alone master fails at is the caller's mistake"

DIFFERENCES = {
    "full unknown": Difference(error("ServerError"), error("NotFoundError"), _SERVER_ERROR),
    "register unknown": Difference(error("ServerError"), error("NotFoundError"), _SERVER_ERROR),
    "supply bad state": Difference(error("ServerError"), error("HTTPError"), _SERVER_ERROR),
    "state kept": Difference(
        inst1(state="started"),
        inst1(state="stopped"),
        "without a state the stored one stays: the original keeps it and answers another",
    ),
    "its requester wakes": Difference(
        False, True, "a child that publishes wakes its requester, in the original from 1.26 on"
    ),
    "shared destroyed": Difference(
        inst1(state="started", parameters={"domain": "b.example"}),
        error("ResourceNotReady"),
        "a destroyed shared instance is gone at once, and nothing is left to show",
    ),
    "after the renaming": Difference(
        inst1(state="started", parameters={"domain": "a.example"}),
        inst1(
            state="started",
            parameters={"domain": "a.example"},
            connection={"site": "http://a"},
        ),
        "the renamed shared instance is the same; the original renames its host instead",
    ),
    "addresses": Difference(error("NotFoundError"), [["lo", "127.0.0.1"]] * 4, _ABSENT),
    "related": Difference(error("NotFoundError"), None, _ABSENT),
    "computer status": Difference(error("NotFoundError"), True, _ABSENT),
    "certificate of the computer": Difference(
        error("NotFoundError"), ["certificate", "key"], _ABSENT
    ),
    "certificate revoked": Difference(error("NotFoundError"), None, _ABSENT),
    "request computer": Difference(error("NotFoundError"), "Computer", _ABSENT),
    "product by url": Difference(
        error("ServerError"), ["/srv/a/software.cfg"], "a URL stands for itself"
    ),
    "supply unknown computer": Difference(
        None,
        error("NotFoundError"),
        "a supply to a computer that nobody knows is a mistake, as at the production master",
    ),
    "fill 3": Difference(
        error("NotFoundError"),
        error("ResourceNotReady"),
        "a request without a free partition is kept and waits, as at the production master",
    ),
    "destroying": Difference(
        house(0),
        house(0, 2, 3, 4),
        "the end of a tree is told to all its members at once, not after its root's wiping",
    ),
    "child under an end": Difference(
        inst1(
            id="slappart2",
            guid="guid of slappart2",
            parameters={},
            connection={"url": "db://1"},
            type="child",
            state="destroyed",
        ),
        error("ResourceNotReady"),
        "what is being destroyed cannot be requested until it is gone",
    ),
    "freed": Difference(
        house(free=(0, 2, 3, 4)),
        house(free=(0, 2, 3)),
        "the request that waited (fill 3) got the first partition that was freed",
    ),
}


@pytest.fixture(scope="module")
def programs(require: Any) -> Path:
    try:
        return slapos_peer.install()
    except PeerMissingError as failure:
        require.missing(str(failure))
        raise


def walked(node: Node) -> dict[str, Any]:
    """step -> what came of it."""
    out = node.python(WALK.read_text(), node.master_url)
    found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return found


def test_both_masters_answer_the_whole_api_alike(programs: Path, tmp_path: Path):
    with Proxy(programs, tmp_path / "proxy", "local_computer") as proxy:
        theirs = walked(Node(programs, tmp_path / "walker", proxy.url))
    (tmp_path / "ours").mkdir()
    with our_place(programs, tmp_path / "ours") as place:
        ours = walked(place.person)
    assert list(theirs) == list(ours)
    assert len(theirs) > 90
    differing = {name: (theirs[name], ours[name]) for name in theirs if theirs[name] != ours[name]}
    assert differing == {name: (each.theirs, each.ours) for name, each in DIFFERENCES.items()}
