"""Work on many pieces at once, in memory that does not depend on how many there are.

At most `workers` pieces exist at any time, those that wait for their turn included: the bound is
workers times the size of a piece.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def as_done(
    work: Callable[[Job], Result], jobs: Iterable[Job], workers: int
) -> Iterator[tuple[Job, Result]]:
    """Each job with what came of it, as they are done.

    The first error ends it: no further job begins, those under way are waited for, and it is
    raised. Closing the iterator early does the same without an error.

    >>> sorted(as_done(abs, [-1, 2], workers=2))
    [(-1, 1), (2, 2)]
    """
    waiting = iter(jobs)
    with _pool(workers) as pool:
        running: dict[Future[Result], Job] = {}
        while True:
            for job in islice(waiting, workers - len(running)):
                running[pool.submit(work, job)] = job
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(future)
                yield job, future.result()
                del future


def in_order(
    work: Callable[[Job], Result], jobs: Iterable[Job], workers: int
) -> Iterator[tuple[Job, Result]]:
    """Each job with what came of it, in the order of the jobs; errors as of `as_done`.

    >>> list(in_order(abs, [-1, 2, -3], workers=2))
    [(-1, 1), (2, 2), (-3, 3)]
    """
    waiting = iter(jobs)
    with _pool(workers) as pool:
        running: deque[tuple[Job, Future[Result]]] = deque()
        while True:
            for job in islice(waiting, workers - len(running)):
                running.append((job, pool.submit(work, job)))
            if not running:
                return
            job, future = running[0]
            result = future.result()
            yield job, result
            running.popleft()
            del future, result


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="transfer")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
