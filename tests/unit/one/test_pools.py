"""Pools page by page while they change, answers piece by piece, batches, waiting."""

import itertools
import random
import re
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.clock import ManualClock
from pelagos.core.http import Request
from pelagos.one import errors
from pelagos.one.constants import LCM_STATE, VM_STATE
from pelagos.one.xmlrpc.values import decode_answer
from support.one_answers import sample, server, text_answer, value_answer


def arguments(request: Request) -> tuple[str, list[Any]]:
    """The method and what stands behind the session."""
    assert isinstance(request.body, bytes)
    text = request.body.decode()
    found = re.search("<methodName>(.*?)</methodName>", text)
    assert found is not None
    values = "".join(re.findall("<param>(.*?)</param>", text, re.DOTALL))
    array = f"<value><array><data>{values}</data></array></value>"
    answer = f"<methodResponse><params><param>{array}</param></params></methodResponse>"
    return found[1], decode_answer(answer.encode())[1:]


def vms(ids: Iterable[int]) -> bytes:
    return text_answer(
        "<VM_POOL>" + "".join(f"<VM><ID>{n}</ID><NAME>a</NAME></VM>" for n in ids) + "</VM_POOL>"
    )


class Pool:
    """A pool that answers ranges of ids, highest first, as the daemon does."""

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids = set(ids)
        self.asked: list[list[Any]] = []

    def __call__(self, request: Request) -> bytes:
        _, values = arguments(request)
        self.asked.append(values)
        start, end = values[1:3]
        return vms(
            sorted((n for n in self.ids if n >= start and (end < 0 or n <= end)), reverse=True)
        )


@given(st.sets(st.integers(0, 3_000), max_size=80), st.integers(1, 50))
def test_all_come_once_whatever_the_gaps(ids: set[int], page: int) -> None:
    one, _ = server(Pool(ids))
    assert [vm.ID for vm in one.vmpool.iter(page=page)] == sorted(ids)


def test_rare_ids_cost_few_requests() -> None:
    pool = Pool([0, 2_000_000, 2**31 - 2])
    one, _ = server(pool)
    assert [vm.ID for vm in one.vmpool.iter()] == [0, 2_000_000, 2**31 - 2]
    assert len(pool.asked) < 12


def test_pages_have_about_the_wanted_size() -> None:
    pool = Pool(range(0, 30_000, 3))
    one, _ = server(pool)
    assert len(list(one.vmpool.iter(page=100))) == 10_000
    assert 60 < len(pool.asked) < 160


@pytest.mark.parametrize("seed", range(5))
def test_what_stays_comes_once_while_others_come_and_go(seed: int) -> None:
    chance = random.Random(seed)
    pool = Pool(range(500))
    one, _ = server(pool)
    staying = set(pool.ids)
    seen = []
    for vm in one.vmpool.iter(page=20):
        seen.append(vm.ID)
        if chance.random() < 0.3:
            gone = chance.choice(sorted(pool.ids))
            pool.ids.discard(gone)
            staying.discard(gone)
        if chance.random() < 0.3 and len(pool.ids) < 600:
            pool.ids.add(max(pool.ids) + 1)
    assert len(seen) == len(set(seen)) and staying <= set(seen)


def test_a_page_that_breaks_off_is_asked_for_again() -> None:
    pool = Pool(range(300))
    failures = iter([False, True, True, False, True])

    def respond(request: Request) -> bytes:
        whole = pool(request)
        return whole[: len(whole) // 2] if next(failures, False) else whole

    one, _ = server(respond)
    assert sorted(vm.ID for vm in one.vmpool.iter(page=100)) == list(range(300))
    one, _ = server(lambda request: pool(request)[:-50])
    with pytest.raises(errors.OneAnswerException, match="cut off"):
        list(one.vmpool.iter())


def test_what_is_asked_for() -> None:
    pool = Pool([1])
    one, _ = server(pool)
    list(one.vmpool.iter(-3, state=3, extended=True))
    assert pool.asked[0] == [-3, 0, 199, 3]
    with pytest.raises(errors.OneCallException, match="unknown argument 'stat'"):
        one.vmpool.iter(stat=3)
    one, transport = server(text_answer(sample("hostpool.xml")))
    assert [type(host).__name__ for host in one.hostpool.iter()] == ["Host"] * 4
    assert arguments(transport.requests[0]) == ("one.hostpool.info", [])


def test_siblings_of_members_are_not_members() -> None:
    one, _ = server(text_answer(sample("userpool.xml")))
    assert {type(user).__name__ for user in one.userpool.iter()} == {"User"}


def test_records_one_by_one() -> None:
    one, _ = server(text_answer(sample("vmpool_accounting.xml")))
    records = list(one.stream("one.vmpool.accounting", -2, -1, -1))
    assert len(records) > 50 and isinstance(records[0].SEQ, int)


def test_a_failure_comes_before_the_first_element() -> None:
    one, _ = server(value_answer(False, "no", 0x100))
    with pytest.raises(errors.OneAuthenticationException):
        next(one.vmpool.iter())
    one, _ = server(value_answer(True, 7, 0))
    with pytest.raises(errors.OneAnswerException, match="no elements"):
        next(one.vmpool.iter())


def test_an_answer_that_breaks_off_says_so_behind_its_last_element() -> None:
    one, _ = server(vms(range(1000))[:20_000])
    stream = one.stream("one.vmpool.info", -2, -1, -1, -1)
    with pytest.raises(errors.OneAnswerException):
        list(stream)


def test_a_batch_is_one_request() -> None:
    def respond(request: Request) -> bytes:
        assert isinstance(request.body, bytes) and b"system.multicall" in request.body
        return value_answer(
            [[True, sample("vm_info_running.xml"), 0]],
            [[False, "[one.host.info] no", 0x400, 9, -1]],
            {"faultCode": -501, "faultString": "bad"},
            [[True, 12, 0]],
        )

    one, transport = server(respond)
    with one.batch() as batch:
        vm, host = batch.vm.info(0), batch.host.info(9)
        bad, made = batch.vm.action("x", 1), batch.vm.allocate({"NAME": "a"})
    assert len(transport.requests) == 1
    assert vm.result().TEMPLATE["VMID"] == "0" and made.result() == 12
    with pytest.raises(errors.OneNoExistsException) as caught:
        host.result()
    assert (caught.value.object_id, caught.value.method) == (9, "one.host.info")
    with pytest.raises(errors.OneFaultException, match="bad"):
        bad.result()
    assert len(transport.requests) == 1


def test_a_batch_that_fails_as_a_whole_fails_each() -> None:
    one, _ = server(b"garbage")
    batch = one.batch()
    first, second = batch.vm.info(0), batch.vm.info(1)
    with pytest.raises(errors.OneAnswerException):
        first.result()
    with pytest.raises(errors.OneAnswerException):
        second.result()


def test_a_batch_of_many_is_several_requests() -> None:
    sizes = []

    def respond(request: Request) -> bytes:
        assert isinstance(request.body, bytes)
        sizes.append(request.body.count(b"one.vm.info"))
        return value_answer(*[[[True, number, 0]] for number in range(sizes[-1])])

    one, _ = server(respond)
    batch = one.batch()
    pending = [batch.vm.info(number) for number in range(250)]
    assert pending[-1].result() == 49 and sizes == [100, 100, 50]


def states(*pairs: tuple[int, int]) -> Any:
    left = itertools.chain(pairs, itertools.repeat(pairs[-1]))

    def respond(request: Request) -> bytes:
        method, values = arguments(request)
        assert (method, values) == ("one.vmpool.info", [-2, 7, 7, -2])
        state, lcm = next(left)
        facts = f"<ID>7</ID><STATE>{state}</STATE><LCM_STATE>{lcm}</LCM_STATE>"
        return text_answer(f"<VM_POOL><VM>{facts}</VM></VM_POOL>")

    return respond


@pytest.mark.parametrize(
    "wanted",
    ["RUNNING", "running", ["POWEROFF", "RUNNING"], 3, LCM_STATE.RUNNING, VM_STATE.ACTIVE],
)
def test_waiting_for_a_state(wanted: Any) -> None:
    one, _ = server(states((1, 0), (1, 0), (3, 3)))
    assert one.vm.wait(7, wanted).LCM_STATE == 3


def test_waiting_ends_in_time_and_says_where_it_is() -> None:
    clock = ManualClock()
    one, transport = server(states((3, 2)), clock=clock)
    with pytest.raises(
        errors.OneWaitException, match="7 is ACTIVE/BOOT and not RUNNING, after 60"
    ):
        one.vm.wait(7, "RUNNING", 60)
    assert clock.monotonic() == pytest.approx(60) and len(transport.requests) < 25


@pytest.mark.parametrize("now", [(6, 0), (3, 36), (11, 0)])
def test_waiting_ends_where_it_cannot_come(now: tuple[int, int]) -> None:
    one, transport = server(states((1, 0), now))
    with pytest.raises(errors.OneWaitException, match="does not leave by itself"):
        one.vm.wait(7)
    assert len(transport.requests) == 2


def test_waiting_for_nothing() -> None:
    one, transport = server(text_answer("<VM_POOL></VM_POOL>"))
    with pytest.raises(errors.OneNoExistsException):
        one.vm.wait(7)
    for wanted in ("RUNING", [], 99):
        with pytest.raises(errors.OneCallException):
            one.vm.wait(7, wanted)
    assert len(transport.requests) == 1


def test_going_through_a_large_pool_needs_little_memory() -> None:
    vm = sample("vmpool_infoextended_1.xml")[len("<VM_POOL>") : -len("</VM_POOL>")]
    body = text_answer(f"<VM_POOL>{vm * 3_000}</VM_POOL>")
    assert len(body) > 25_000_000
    one, _ = server(body)

    tracemalloc.start()
    try:
        found = one.stream("one.vmpool.infoextended", -2, -1, -1, -1)
        assert sum(vm.ID == 0 for vm in found) == 3_000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
