"""Our own bindings at the OpenNebula of a box: many at once, batches, waiting, bad calls."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from pelagos.box import Box
from pelagos.box.chaos import Chaos
from pelagos.core.clock import ManualClock
from pelagos.one import OneException, OneServer
from pelagos.one.errors import OneTransportException

pytestmark = pytest.mark.integration
THREADS = 32


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def box(clock: ManualClock) -> Iterator[Box]:
    with Box(clock=clock) as box:
        yield box


@pytest.fixture(scope="module")
def one(box: Box, clock: ManualClock) -> Iterator[OneServer]:
    with OneServer(box.one_url, session=box.one.session(), clock=clock) as one:
        yield one


def test_many_threads_get_machines_and_addresses_of_their_own(one: OneServer) -> None:
    def make(number: int) -> tuple[int, str]:
        made: int = one.template.instantiate(0, f"vm-{number}", True)
        return made, one.vm.info(made).TEMPLATE.NIC[0]["IP"]

    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(make, range(4 * THREADS)))
    assert len({number for number, _ in made}) == len({ip for _, ip in made}) == 4 * THREADS
    listed = [vm.ID for vm in one.vmpool.iter(page=20)]
    assert len(listed) == len(set(listed)) and set(listed) >= {number for number, _ in made}
    with one.batch() as batch:
        ended = [batch.vm.action("terminate", number) for number, _ in made]
    assert [one.result() for one in ended] == [number for number, _ in made]


def test_a_machine_is_waited_for(one: OneServer, clock: ManualClock) -> None:
    number = one.template.instantiate(0, "web", False, {"MEMORY": 64, "NOTE": 'a "b" <c> & d'})
    before = clock.time()
    assert one.vm.wait(number, "RUNNING", 60).NAME == "web"
    passed = clock.time() - before
    assert passed < 60
    assert passed > 2
    assert one.vm.info(number).USER_TEMPLATE["NOTE"] == 'a "b" <c> & d'


def test_what_is_read_of_a_template_can_be_written_back(one: OneServer) -> None:
    written = one.template.info(0).TEMPLATE
    one.template.update(0, written)
    read = one.template.info(0).TEMPLATE
    assert read == written


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"\xff\xfe",
        b"<?xml version='1.0'?><!DOCTYPE m [<!ENTITY a 'b'>]><methodCall/>",
        "<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE m [<!ENTITY a 'x'>]><methodCall>"
        "<methodName>one.vm.info&a;</methodName><params/></methodCall>".encode("utf-16"),
        b"<methodCall><methodName>one.vm.info</methodName></methodCall>" + b"<" * 1000,
        "<methodCall><methodName>one.vm.allocate</methodName><params><param><value><string>"
        "\U0001f600</string></value></param></params></methodCall>".encode(),
    ],
)
def test_what_is_no_call_is_a_fault(box: Box, body: bytes) -> None:
    status, text = _posted(box, "/RPC2", body)
    assert status == 200 and re.search(r"<i4>-503</i4>", text)


def test_it_answers_at_one_address_only(box: Box) -> None:
    assert _posted(box, "/RPC2/", b"")[0] == 404
    assert _posted(box, "/RPC2", b"", "GET")[0] == 405


def _posted(box: Box, path: str, body: bytes, method: str = "POST") -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(box.url).netloc, timeout=20)
    connection.request(method, path, body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_on_bad_lines_reading_goes_on_and_writing_is_told() -> None:
    with Box(pace=0, chaos=Chaos(drop=0.3, cut=0.2, seed=5)) as box:
        clock = ManualClock()
        with OneServer(box.one_url, session=box.one.session(), clock=clock, retries=12) as one:
            assert {one.host.info(0).NAME for _ in range(20)} == {"node00.box"}
            outcomes = {_told(one) for _ in range(20)}
    assert len(outcomes) > 1 and outcomes <= {"made", "broken"}


def _told(one: OneServer) -> str:
    try:
        one.vm.allocate({"NAME": "x", "CPU": 1, "MEMORY": 1}, True)
    except OneTransportException:
        return "broken"
    except OneException:
        return "refused"
    return "made"
