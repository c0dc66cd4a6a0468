from __future__ import annotations

import pytest

from pelagos.clients.blockstorage import BlockStorageClient
from pelagos.clients.errors import Unsupported
from pelagos.core.clock import ManualClock
from support.golden import ENDPOINT, Ask, Script


def client(*asks: Ask, dialect: str = "openstack") -> BlockStorageClient:
    made = BlockStorageClient(ENDPOINT, "token", http=Script(asks), dialect=dialect)  # type: ignore[arg-type]
    made._clock = ManualClock()
    return made


def volume(status: str) -> Ask:
    return Ask("GET /volumes/1", answer={"volume": {"id": "1", "status": status}})


def test_openstack_is_not_asked_for_what_it_keeps_elsewhere() -> None:
    with pytest.raises(Unsupported):
        client().update_volume("1", delete_on_termination=True)


def test_a_volume_is_waited_for_in_either_familys_words() -> None:
    asked = client(volume("creating"), volume("attaching"), volume("in-use"))
    assert asked.wait_volume_until("1", "in_use")["status"] == "in-use"


def test_a_volume_of_synnefo_that_is_available_is_not_in_use() -> None:
    asked = client(volume("available"), volume("in_use"), dialect="synnefo")
    assert asked.wait_volume_until("1")["status"] == "in_use"


def test_a_volume_that_failed_is_not_waited_for() -> None:
    asked = client(volume("deleting"), volume("error_deleting"))
    assert asked.wait_volume_while("1", "deleting")["status"] == "error_deleting"


def test_who_waits_may_say_himself_when_it_is_enough() -> None:
    asked = client(volume("available"), volume("in-use"))
    last = asked.wait_volume("1", stop=lambda record: record["status"] == "in-use")
    assert last["status"] == "in-use"


@pytest.mark.parametrize(
    ("url", "is_synnefo"), [("http://c/v3/p", False), ("http://c/volume/v2.0", True)]
)
def test_the_version_in_the_address_tells_the_family(url: str, is_synnefo: bool) -> None:
    assert BlockStorageClient(url, "t").is_synnefo is is_synnefo
