"""What workers have in hand, and what they died of."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from dataclasses import replace
from typing import Any

import pytest

from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageHandler,
    MessageProcessor,
    MessagingError,
    RpcHandler,
    connect,
)
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.runner import Crew
from pelagos.messaging.runner.hands import Guarded, Hands, Notes, mark_of
from pelagos.messaging.transports.base import Delivery, Properties, Queue

CONTEXT = multiprocessing.get_context("spawn")
WAIT = 60.0


class Connection:
    """Settles nothing."""

    def ack(self, _delivery: Delivery) -> None:
        """It is done."""

    def reject(self, _delivery: Delivery, *, requeue: bool) -> None:
        """It is not."""
        assert not requeue


def message(
    name: str, *, redelivered: bool = True, category: str = "message", queue: str = "q"
) -> ReceivedMessage:
    delivery = Delivery(queue, "", "q", b"", Properties(name), redelivered, receipt=1)
    return ReceivedMessage({"category": category}, delivery, Connection())  # type: ignore[arg-type]


def died_with(hands: Hands, *names: str, seat: int = 1, queue: str = "q") -> None:
    """A worker died with these in hand."""
    notes = Notes(hands.post(seat))
    for name in names:
        notes.begin(mark_of(message(name, queue=queue)))
    assert hands.count(seat) == len(names)


def guarded(hands: Hands, dispatch: Any, *, in_loop: bool = False) -> Guarded:
    consumer = GenericConsumer([], bus="memory:hands")
    return Guarded(Notes(hands.post(9)), consumer, dispatch, in_loop=in_loop)


def test_only_what_was_in_hand_is_counted():
    hands = Hands(CONTEXT, slots=2, limit=3)
    notes = Notes(hands.post(1))
    first = notes.begin(mark_of(message("a")))
    notes.begin(mark_of(message("b")))
    notes.end(first)
    assert hands.count(1) == 1
    assert notes.deaths(message("a"), mark_of(message("a"))) == 0
    assert notes.deaths(message("b"), mark_of(message("b"))) == 1


def test_a_message_in_two_queues_is_counted_in_each():
    hands = Hands(CONTEXT, slots=4, limit=3)
    notes = Notes(hands.post(1))
    both = [message("a", queue=queue) for queue in ("q", "r")]
    for given in (*both, both[0]):
        notes.begin(mark_of(given))
    assert hands.count(1) == 3
    assert [notes.deaths(given, mark_of(given)) for given in both] == [1, 1]
    died_with(hands, "a", queue="r")
    assert [notes.deaths(given, mark_of(given)) for given in both] == [1, 2]


def test_what_is_sent_back_on_purpose_begins_anew_and_a_call_that_is_sent_again_does_not():
    hands = Hands(CONTEXT, slots=1, limit=3)
    died_with(hands, "a")
    notes = Notes(hands.post(1))
    for given, deaths in (
        (message("a", redelivered=False), 0),
        (message("a", redelivered=False, category="rpc"), 1),
        (message("a"), 1),
    ):
        assert notes.deaths(given, mark_of(given)) == deaths


def test_a_message_that_enough_died_of_is_refused():
    hands = Hands(CONTEXT, slots=1, limit=2)
    handled: list[str] = []
    guard = guarded(hands, lambda given: handled.append(given.message_id))
    for _ in range(2):
        guard(message("deadly"))
        died_with(hands, "deadly")
    refused = message("deadly")
    guard(refused)
    guard(message("harmless"))
    assert handled == ["deadly", "deadly", "harmless"]
    assert refused.outcome == "reject"


def test_one_death_is_no_limit_as_neighbours_would_share_it():
    with pytest.raises(MessagingError, match="deaths is 1") as refused:
        Crew(processes=1, deaths=1)
    assert refused.value.hint == "make it 2 or more, or 0 for any number"
    assert [Crew(processes=1, deaths=deaths).deaths for deaths in (0, 2)] == [0, 2]


def test_no_limit_is_no_limit():
    hands = Hands(CONTEXT, slots=1, limit=0)
    for _ in range(300):
        died_with(hands, "deadly")
    handled: list[str] = []
    guarded(hands, lambda given: handled.append(given.message_id))(message("deadly"))
    assert handled == ["deadly"]


def test_the_oldest_deaths_are_forgotten_first():
    hands = Hands(CONTEXT, slots=1, limit=3)
    for number in range(300):
        died_with(hands, f"m{number}")
    notes = Notes(hands.post(1))
    assert notes.deaths(message("m0"), mark_of(message("m0"))) == 0
    assert notes.deaths(message("m299"), mark_of(message("m299"))) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_handled_is_not_in_hand_any_more(fails: bool):
    hands = Hands(CONTEXT, slots=1, limit=3)

    def dispatch(_given: Any) -> None:
        assert hands.count(9) == 1
        if fails:
            raise ValueError("no")

    guard = guarded(hands, dispatch)
    for _ in range(3):
        if fails:
            with pytest.raises(ValueError, match="no"):
                guard(message("a", redelivered=False))
        else:
            guard(message("a", redelivered=False))
        assert hands.count(9) == 0


def test_before_its_last_chance_a_message_is_handled_alone():
    hands = Hands(CONTEXT, slots=2, limit=2)
    died_with(hands, "a", "b")
    began, go_on = threading.Semaphore(0), threading.Semaphore(0)
    now, most = [0], [0]

    def dispatch(_given: Any) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        began.release()
        assert go_on.acquire(timeout=WAIT)
        now[0] -= 1

    guard = guarded(hands, dispatch)
    threads = [threading.Thread(target=guard, args=(message(name),)) for name in "ab"]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert began.acquire(timeout=WAIT)
        go_on.release()
    for thread in threads:
        thread.join(WAIT)
    assert most == [1]


def test_in_an_event_loop_others_go_on_meanwhile():
    hands = Hands(CONTEXT, slots=4, limit=2)
    died_with(hands, "a", "b")
    log: list[str] = []

    async def run() -> None:
        release = asyncio.Event()

        async def handle(given: ReceivedMessage) -> None:
            log.append(f"begin {given.message_id}")
            if given.message_id == "c":
                release.set()
            await release.wait()
            log.append(f"end {given.message_id}")

        guard = guarded(hands, handle, in_loop=True)
        given = [message("a"), message("b"), message("c", redelivered=False)]
        async with asyncio.timeout(WAIT):
            await asyncio.gather(*(guard(one) for one in given))  # type: ignore[arg-type]

    asyncio.run(run())
    assert log.index("end a") < log.index("begin b")
    assert log.index("begin c") < log.index("end a")
    assert hands.count(9) == 0


@pytest.mark.parametrize("fails", [False, True])
def test_event_loops_of_one_process_take_turns(fails: bool):
    hands = Hands(CONTEXT, slots=2, limit=2)
    died_with(hands, "a")
    notes = Notes(hands.post(9))
    log: list[bool] = []

    async def handle(_given: ReceivedMessage) -> None:
        log.append(notes.alone.locked())
        if fails:
            raise ValueError("the next one has its turn all the same")

    async def run() -> None:
        guard = Guarded(notes, GenericConsumer([], bus="memory:hands"), handle, in_loop=True)
        with notes.alone:  # it is the turn of another thread
            task = asyncio.ensure_future(guard(message("a")))  # type: ignore[call-overload]
            for _ in range(10):
                await asyncio.sleep(0)
            assert log == []
        async with asyncio.timeout(WAIT):
            await asyncio.wait([task])
        assert (task.exception() is not None) == fails

    asyncio.run(run())
    assert log == [True]
    assert not notes.alone.locked()


class Town(Exchange):
    name = "town"


class Mill(MessageProcessor):
    eqk = ((Town, [("mill", "mill")]),)

    @MessageHandler("command", "grind")
    def msg_grind(self, _content: Any) -> None:
        raise AssertionError("it is not to be handled")

    @RpcHandler("command", "weigh")
    def rpc_weigh(self, _content: Any) -> None:
        raise AssertionError("it is not to be handled")


def test_it_goes_to_the_dead_letters_and_a_caller_is_answered():
    hands = Hands(CONTEXT, slots=1, limit=2)
    bus = connect("memory:hands-of-a-mill")
    mill = Mill(bus=bus)
    notes = Notes(hands.post(1))

    def dispatch(given: ReceivedMessage) -> object:
        given.delivery = replace(given.delivery, redelivered=True)
        notes.end(notes.begin(mark_of(given)))
        for seat in (2, 3):
            died_with(hands, given.message_id, seat=seat, queue="mill")
        return Guarded(notes, mill.consumer, mill.dispatch, in_loop=False)(given)

    mill.consumer.start(dispatch)
    mill.wait_ready()
    try:
        with GenericProducer(bus=bus) as producer:
            producer.message_grind(_eks=[(Town, "mill")])
            answer = producer.rpc_weigh(_eks=[(Town, "mill")], _timeout=WAIT)
        assert "2 worker processes died while they had it" in answer.body["content"]["message"]
        bus.drain("mill")
    finally:
        mill.stop()
        mill.consumer.stop()
    assert bus.open().declare_queue(Queue("pelagos.dead", passive=True)).messages == 2


@pytest.mark.parametrize("in_loop", [False, True])
def test_a_handler_that_leaves_the_program_is_what_its_worker_died_of(in_loop: bool) -> None:
    hands = Hands(CONTEXT, slots=1, limit=3)
    died_with(hands, "a")
    died_with(hands, "a")

    def leave(_message: ReceivedMessage) -> object:
        async def later() -> None:
            raise SystemExit(3)

        if in_loop:
            return later()
        raise SystemExit(3)

    async def in_a_loop(result: Any) -> None:
        try:
            await result
        except SystemExit:
            left.append(True)

    left: list[bool] = []
    work = guarded(hands, leave, in_loop=in_loop)
    if in_loop:
        asyncio.run(in_a_loop(work(message("a"))))
        assert left
    else:
        with pytest.raises(SystemExit):
            work(message("a"))
    assert hands.count(9) == 1
    assert not work._notes.alone.locked()
