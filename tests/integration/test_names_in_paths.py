"""Whatever name a request accepts, exactly that service is shown, renamed and destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pelagos.core.web import Server
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import BadRequest, ResourceNotReady
from pelagos.slap.model import InstanceRequest, InstanceState
from support.slap_site import Site

pytestmark = pytest.mark.integration

_PIECES = [
    "/",
    "%",
    "%25",
    "%2F",
    "%2f",
    "%252F",
    "%252f",
    "..",
    ".",
    "?",
    "#",
    "+",
    "&",
    ";",
    "é",
    "ß",
    "日",
    "x",
    "\\",
    "~",
    "'",
    "//",
    "state",
    "/state",
    "rename",
    ":",
]
NAMES = st.one_of(
    st.lists(st.sampled_from([*_PIECES, " ", "\u00a0"]), min_size=1, max_size=6).map("".join),
    st.text(min_size=1, max_size=12),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapClient]:
    site = Site(Path(tmp_path_factory.mktemp("site")), partitions=0)
    server = Server(site.master.app, threads=4)
    server.start()
    found = SlapClient(server.url, token=site.person_token)
    yield found
    found.close()
    site.master.end_waiting()
    server.stop()
    site.close()


def _request(client: SlapClient, name: str) -> bool:
    """Whether the master accepts such a name."""
    try:
        client.request(InstanceRequest(name, "/r.cfg"))
    except ResourceNotReady:
        return True
    except BadRequest:
        return False
    return True


def _names(client: SlapClient) -> set[str]:
    return {one.reference for one in client.services()}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sets(NAMES, min_size=1, max_size=4), NAMES)
@example({"x%2Fy", "x/y", "x%252Fy", "x%2fy"}, "x%25y")
@example({"..", ".", "...", "a/.."}, "../..")
@example({"/", "//", "/x", "x/"}, " ")
@example({"x", "x/state", "state"}, "x/rename")
@example({"a?b", "a#b", "a;b", "a+b"}, "a b")
def test_each_name_means_one_service(client: SlapClient, names: set[str], other: str):
    held = {name for name in names if _request(client, name)}
    assert _names(client) == held
    for name in sorted(held):
        assert client.service(name).reference == name
        assert client.tree(name)[0].reference == name
        assert client.explain(name, "service").name == name
        assert client.set_state(name, InstanceState.STOPPED).reference == name
    for name in sorted(held):
        if other not in held and _request(client, other):
            client.set_state(other, InstanceState.DESTROYED)
            client.rename(name, other)
            assert _names(client) == (held - {name}) | {other}
            client.rename(other, name)
        client.set_state(name, InstanceState.DESTROYED)
        held.discard(name)
        assert _names(client) == held
