import threading
import time
from typing import Any

import pytest

from pelagos.clients.base import SilentEvent
from pelagos.clients.base.threads import Threads


def test_an_event_keeps_what_the_call_raised(capsys: pytest.CaptureFixture[str]):
    event = SilentEvent(int, "x", base=8)
    assert event.value is None and event.exception is False
    event.start()
    event.join()
    assert isinstance(event.exception, ValueError)
    assert (event.method, event.args, event.kwargs) == (int, ("x",), {"base": 8})
    assert not event.isAlive()
    assert capsys.readouterr().err == ""


def test_calls_are_answered_in_their_order_and_so_many_at_once():
    pool = Threads()
    pool.MAX_THREADS = 3
    lock, running, most = threading.Lock(), 0, 0

    def call(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number

    assert pool.async_run(call, [{"number": one} for one in range(12)]) == list(range(12))
    assert 1 < most <= 3


def test_the_first_failure_is_raised_and_the_rest_not_begun():
    begun = []

    def call(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise KeyError(number)

    pool = Threads()
    pool.MAX_THREADS = 1
    with pytest.raises(KeyError):
        pool.async_run(call, [{"number": one} for one in range(200)])
    assert len(begun) < 200


def test_nothing_to_call_is_no_thread():
    assert Threads().async_run(print, []) == []


def finished(seconds: float = 0.0) -> Any:
    thread = threading.Thread(target=time.sleep, args=(seconds,))
    thread.start()
    return thread


def test_a_batch_is_awaited_when_it_is_full():
    pool = Threads()
    pool._init_thread_limit(2)
    one = [finished()]
    assert pool._watch_thread_limit(one) is one or pool._thread_limit == 1
    assert pool._watch_thread_limit([finished(), finished()]) == []


def test_the_limit_grows_while_batches_do_not_slow_down_and_never_too_far():
    pool = Threads()
    pool.MAX_THREADS = 3
    pool._init_thread_limit()
    for old, new, limit in [(2.0, 1.0, 2), (1.0, 1.0, 3), (1.0, 0.5, 3), (0.5, 2.0, 2)]:
        pool._elapsed_old, pool._elapsed_new = old, new
        pool._watch_thread_limit([])
        assert pool._thread_limit == limit


@pytest.mark.parametrize("limit", [0, -1])
def test_no_thread_at_all_is_no_limit(limit: int):
    with pytest.raises(ValueError, match="one thread"):
        Threads()._init_thread_limit(limit)
