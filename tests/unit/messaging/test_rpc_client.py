"""What the calls of a process put on the wire: what is confirmed, sent again, and let go."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock, ManualClock, SystemClock
from pelagos.messaging import (
    BrokerUnreachableError,
    BufferFullError,
    ConnectionLostError,
    Exchange,
    LoginError,
    MessagingError,
    PublishRefusedError,
    TopologyError,
    UnroutableError,
)
from pelagos.messaging.rpc import Outcome, Request, RpcClient
from pelagos.messaging.rpc.call import Call, OpenCalls
from pelagos.messaging.rpc.gather import LIFE
from pelagos.messaging.transports.base import (
    Capabilities,
    Delivery,
    Done,
    Envelope,
    Properties,
    Queue,
)

WAIT = 60.0
SOON = 0.05


class Calls(Exchange):
    name = "calls"


class Wire:
    """A connection on which a test sees everything, and answers as it likes."""

    blocked: str | None = None

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.is_open = True
        self.queues: list[Queue] = []
        self.consumers: dict[str, tuple[Callable[[Delivery], None], Callable[[Any], None]]] = {}
        self.published: queue.SimpleQueue[tuple[Envelope, Done]] = queue.SimpleQueue()
        self.posted: queue.SimpleQueue[Envelope] = queue.SimpleQueue()
        self.at_once: list[bool] = []
        self.consumed = 0
        self.dropped: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.returned: Callable[[UnroutableError], None] = lambda _error: None

    def declare_exchange(self, exchange: type[Exchange]) -> None: ...

    def declare_queue(self, made: Queue) -> None:
        problem = self.bus.refusals.pop(0) if self.queues and self.bus.refusals else None
        if problem is not None:
            self.is_open = not isinstance(problem, ConnectionLostError)
            raise problem
        self.queues.append(made)

    def consume(self, name: str, take: Any, ended: Any, **_options: Any) -> str:
        self.consumed += 1
        self.consumers[f"of {name}"] = (take, ended)
        return f"of {name}"

    def on_return(self, tell: Callable[[UnroutableError], None]) -> None:
        self.returned = tell

    def publish(self, envelope: Envelope, done: Done) -> None:
        self.published.put((envelope, done))

    def post(self, envelope: Envelope, *, at_once: bool) -> bool:
        self.at_once.append(at_once)
        self.posted.put(envelope)
        return True

    def cancel(self, consumer: str) -> None:
        self.dropped.put(consumer)

    def delete_queue(self, name: str) -> None:
        self.dropped.put(name)

    def close(self) -> None:
        self.is_open = False

    def answer(self, request: Envelope) -> None:
        address = request.properties.reply_to or ""
        properties = Properties("", correlation_id=request.properties.correlation_id)
        self.consumers[f"of {address}"][0](
            Delivery(address, "", address, b"", properties, False, None)
        )

    def lose(self) -> None:
        next(iter(self.consumers.values()))[1](ConnectionLostError("gone"))
        self.is_open = False


class Bus:
    """Opens wires; `refusals`: what the next declarations of further queues end with."""

    url = "wires:"
    capabilities = Capabilities(crosses_processes=True)

    def __init__(self) -> None:
        self.wires: queue.SimpleQueue[Wire] = queue.SimpleQueue()
        self.refusals: list[MessagingError | None] = []
        self.away = False

    def open(self, _timeout: float = 10.0) -> Wire:
        if self.away:
            raise BrokerUnreachableError("it is away")
        wire = Wire(self)
        self.wires.put(wire)
        return wire

    def wire(self) -> Wire:
        return self.wires.get(timeout=WAIT)


class Asked:
    """A call for which no thread waits."""

    def __init__(self, client: Client, key: str = "work", **options: Any) -> None:
        self.client = client
        private = options.pop("private", False)
        self.news: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self.call = Call(request(key, **options), client.now(), self._tell, self)
        client.submit(self.call, private=private)

    def _tell(self, call: Call) -> None:
        self.news.put(call.outcome)

    def outcome(self) -> Outcome:
        while (found := self.news.get(timeout=WAIT)) is None:
            pass
        return found


_numbers = iter(range(1_000_000))


def request(key: str = "work", *, timeout: float = WAIT, retries: int = 0) -> Request:
    return Request(Calls, key, b"{}", f"id-{next(_numbers)}", "text/plain", timeout, retries)


@pytest.fixture
def bus() -> Bus:
    return Bus()


class Client(RpcClient):
    def __init__(self, bus: Bus, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        quick = Backoff(first=0.001, limit=0.01)
        super().__init__(bus, direct=False, clock=clock, backoff=quick)  # type: ignore[arg-type]  # as much of it as is used
        self.now = clock.monotonic


@pytest.fixture
def client(bus: Bus) -> Iterator[Client]:
    made = Client(bus)
    yield made
    made.close()


def proven(client: Client, bus: Bus) -> Wire:
    """A wire on which the first call was confirmed and answered."""
    asked = Asked(client)
    wire = bus.wire()
    envelope, done = wire.published.get(timeout=WAIT)
    done(None)
    wire.answer(envelope)
    assert asked.outcome().answer is not None
    return wire


def test_only_what_the_broker_has_taken_once_goes_unconfirmed(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    again = Asked(client)
    envelope = wire.posted.get(timeout=WAIT)
    assert envelope.mandatory and envelope.properties.message_id == again.call.request.call_id
    wire.answer(envelope)
    assert again.outcome().answer is not None
    elsewhere = Asked(client, "elsewhere")
    envelope, _ = wire.published.get(timeout=WAIT)
    assert envelope.properties.message_id == elsewhere.call.request.call_id
    wire.lose()
    other = bus.wire()
    envelope, _ = other.published.get(timeout=WAIT)
    assert envelope.properties.message_id == elsewhere.call.request.call_id
    assert envelope.properties.reply_to == other.queues[0].name != wire.queues[0].name
    assert wire.posted.empty() and wire.published.empty()


@pytest.mark.parametrize(("confirmed", "copies"), [(True, 3), (False, 1)])
def test_a_copy_is_confirmed_and_the_next_one_waits_for_that(
    client: Client, bus: Bus, confirmed: bool, copies: int
) -> None:
    wire = proven(client, bus)
    asked = Asked(client, timeout=SOON, retries=3)
    first = wire.posted.get(timeout=WAIT)
    lives = [first.properties.expiration or 0.0]
    for _ in range(copies):
        copy, done = wire.published.get(timeout=WAIT)
        lives.append(copy.properties.expiration or 0.0)
        assert copy.properties.message_id == first.properties.message_id
        assert copy.properties.reply_to == first.properties.reply_to
        if confirmed:
            done(None)
    assert asked.outcome() == Outcome()
    assert wire.published.empty() and wire.posted.empty()
    assert lives == sorted(lives, reverse=True)
    assert lives[0] <= 4 * SOON and 0 < lives[1] <= 3 * SOON
    assert not client.needs_connection()


def ask_in_a_thread(client: Client, asked: Request) -> queue.SimpleQueue[Outcome]:
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()

    def ask() -> None:
        outcomes.put(client.call(asked, private=False, owner=None))

    threading.Thread(target=ask, daemon=True).start()
    return outcomes


@pytest.mark.parametrize("how", ["waited for", "told", "forgotten"])
def test_a_call_that_is_over_is_not_asked_again(client: Client, bus: Bus, how: str) -> None:
    wire = proven(client, bus)
    seconds = WAIT if how == "forgotten" else SOON
    if how == "waited for":
        outcomes = ask_in_a_thread(client, request("other", timeout=seconds))
        wire.published.get(timeout=WAIT)
        assert outcomes.get(timeout=WAIT) == Outcome()
    else:
        asked = Asked(client, "other", timeout=seconds)
        wire.published.get(timeout=WAIT)
        if how == "told":
            assert asked.outcome() == Outcome()
        client.forget(asked.call)
    assert not client.needs_connection()
    kept = Asked(client)
    wire.posted.get(timeout=WAIT)
    wire.lose()
    other = bus.wire()
    envelope, done = other.published.get(timeout=WAIT)
    assert envelope.properties.message_id == kept.call.request.call_id
    done(None)
    last = Asked(client)
    assert other.posted.get(timeout=WAIT).properties.message_id == last.call.request.call_id
    assert other.published.empty()


def test_a_posted_request_that_no_queue_takes_ends_its_call(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    asked, other = Asked(client), Asked(client)
    envelope = wire.posted.get(timeout=WAIT)
    problem = UnroutableError("nobody", message_id=envelope.properties.message_id)
    wire.returned(problem)
    assert asked.outcome().problem is problem
    wire.returned(UnroutableError("nobody", message_id="of another"))
    wire.answer(wire.posted.get(timeout=WAIT))
    assert other.outcome().answer is not None


def test_what_came_back_of_an_earlier_copy_is_no_news_while_the_next_is_on_its_way(
    client: Client, bus: Bus
) -> None:
    wire = proven(client, bus)
    asked = Asked(client, timeout=SOON, retries=1000)
    envelope = wire.posted.get(timeout=WAIT)
    wire.published.get(timeout=WAIT)
    wire.returned(UnroutableError("nobody", message_id=envelope.properties.message_id))
    wire.answer(envelope)
    assert asked.outcome().answer is not None


@pytest.mark.parametrize("waits", [True, False])
def test_servers_that_come_back_later_than_the_broker_are_asked_again(
    client: Client, bus: Bus, waits: bool
) -> None:
    wire = proven(client, bus)
    if waits:
        outcomes = ask_in_a_thread(client, request("other"))
    else:
        asked = Asked(client, "other")
    wire.published.get(timeout=WAIT)
    wire.lose()
    wire = bus.wire()
    for _ in range(3):
        envelope, done = wire.published.get(timeout=WAIT)
        done(UnroutableError("nobody", message_id=envelope.properties.message_id))
    envelope, done = wire.published.get(timeout=WAIT)
    done(None)
    wire.answer(envelope)
    found = outcomes.get(timeout=WAIT) if waits else asked.outcome()
    assert found.answer is not None


def test_a_private_queue_is_ones_own_and_goes_with_its_call(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    asked = Asked(client, private=True)
    envelope, done = wire.published.get(timeout=WAIT)
    done(None)
    address = envelope.properties.reply_to or ""
    assert len(wire.queues) == 2 and address == wire.queues[1].name != wire.queues[0].name
    assert all(made.exclusive and not made.durable for made in wire.queues)
    wire.answer(envelope)
    assert asked.outcome().answer is not None
    client.forget(asked.call)
    gone = [wire.dropped.get(timeout=WAIT) for _ in range(2)]
    assert gone == [f"of {address}", address]
    assert wire.posted.empty(), "its answer would go to another queue"


def test_a_private_queue_is_read_once_however_often_is_asked(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    asked = Asked(client, timeout=SOON, retries=1, private=True)
    for _ in range(2):
        _, done = wire.published.get(timeout=WAIT)
        done(None)
    assert asked.outcome() == Outcome()
    assert len(wire.queues) == wire.consumed == 2


def test_a_private_queue_that_is_refused_ends_the_call(client: Client, bus: Bus) -> None:
    proven(client, bus)
    bus.refusals.append(TopologyError("no", code=403, name="q"))
    assert isinstance(Asked(client, private=True).outcome().problem, TopologyError)
    assert not client.needs_connection()


def test_a_private_queue_that_was_lost_is_made_on_the_next_connection(
    client: Client, bus: Bus
) -> None:
    wire = proven(client, bus)
    bus.refusals.append(ConnectionLostError("gone"))
    asked = Asked(client, private=True)
    wire.lose()
    wire = bus.wire()
    envelope, _ = wire.published.get(timeout=WAIT)
    wire.answer(envelope)
    assert asked.outcome().answer is not None
    assert envelope.properties.reply_to == wire.queues[1].name


def test_after_a_cut_a_call_is_sent_again_as_often_as_before(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    asked = Asked(client, timeout=2 * SOON, retries=1000)
    wire.posted.get(timeout=WAIT)
    wire.lose()
    wire = bus.wire()
    for _ in range(3):
        envelope, done = wire.published.get(timeout=WAIT)
        done(None)
    wire.answer(envelope)
    assert asked.outcome().answer is not None


def test_callers_who_got_their_answers_together_ask_again_together(bus: Bus) -> None:
    clock = ManualClock()
    client = Client(bus, clock)
    wire = proven(client, bus)
    clock.advance(1)
    for rounds in (3, 3):
        asked = [Asked(client) for _ in range(rounds)]
        for one in asked:
            wire.answer(wire.posted.get(timeout=WAIT))
            assert one.outcome().answer is not None
    assert wire.at_once == [True] * 3 + [False, False, True]
    clock.advance(1)
    Asked(client)
    assert wire.at_once[-1], "the others found something else to do"
    client.close()


# Scatter and gather.


def test_what_is_asked_of_many_has_a_queue_that_goes_with_the_last_answer(
    client: Client, bus: Bus
) -> None:
    wire = proven(client, bus)
    name = client.scatter.ask([request(), request("other")], client.now() + WAIT)
    (first, done), (second, _) = (wire.published.get(timeout=WAIT) for _ in range(2))
    assert {first.properties.reply_to, second.properties.reply_to} == {name}
    assert not first.mandatory
    assert wire.queues[-1].name == name
    assert wire.queues[-1].exclusive and not wire.queues[-1].durable
    done(None)
    wire.answer(first)
    assert len(client.scatter.gather(name, 1, WAIT)) == 1
    assert [wire.dropped.get(timeout=WAIT) for _ in range(2)] == [f"of {name}", name]
    kept = Asked(client)
    wire.lose()
    wire = bus.wire()
    envelope, _ = wire.published.get(timeout=WAIT)
    assert envelope.properties.message_id == kept.call.request.call_id
    with pytest.raises(MessagingError, match="no answers are collected"):
        client.scatter.gather(name, 1, WAIT)


def test_closing_ends_the_connection_and_who_waits_for_answers(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    name = client.scatter.ask([request()], client.now() + WAIT)
    asked = Asked(client)
    client.close()
    assert not wire.is_open
    assert "closed" in str(asked.outcome().problem)
    with pytest.raises(MessagingError, match="closed"):
        client.scatter.gather(name, 1, WAIT)


def test_a_question_to_many_that_is_refused_says_so(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    name = client.scatter.ask([request()], client.now() + WAIT)
    _, done = wire.published.get(timeout=WAIT)
    done(PublishRefusedError("full", message_id="id"))
    with pytest.raises(PublishRefusedError):
        client.scatter.gather(name, 1, WAIT)


def test_many_cannot_be_asked_while_the_broker_is_away(client: Client, bus: Bus) -> None:
    bus.away = True
    with pytest.raises(ConnectionLostError, match="away"):
        client.scatter.ask([request()], client.now() + SOON)
    assert not client.needs_connection()


def test_many_are_asked_on_the_next_connection_where_one_was_lost(
    client: Client, bus: Bus
) -> None:
    wire = proven(client, bus)
    bus.refusals.append(ConnectionLostError("gone"))
    threading.Timer(SOON, wire.lose).start()
    name = client.scatter.ask([request()], client.now() + WAIT)
    wire = bus.wire()
    envelope, _ = wire.published.get(timeout=WAIT)
    wire.answer(envelope)
    assert len(client.scatter.gather(name, 1, WAIT)) == 1
    assert wire.published.empty()


def test_many_are_never_asked_to_answer_to_a_queue_that_is_gone(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    consume = wire.consume

    def consume_and_be_lost(*args: Any, **options: Any) -> str:
        consumer = consume(*args, **options)
        wire.lose()
        while (keeper := client._sender._keeper) is not None:
            keeper.join(WAIT)
        return consumer

    wire.consume = consume_and_be_lost  # type: ignore[method-assign]
    name = client.scatter.ask([request()], client.now() + WAIT)
    wire = bus.wire()
    envelope, _ = wire.published.get(timeout=WAIT)
    assert envelope.properties.reply_to == name == wire.queues[-1].name
    wire.answer(envelope)
    assert len(client.scatter.gather(name, 1, WAIT)) == 1


def test_many_are_asked_once_more_after_a_cut_and_counted_once(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    name = client.scatter.ask([request()], client.now() + WAIT)
    envelope, _ = wire.published.get(timeout=WAIT)
    wire.answer(envelope)
    wire.lose()
    wire = bus.wire()
    envelope, _ = wire.published.get(timeout=WAIT)
    wire.answer(envelope)
    kept = Asked(client)
    envelope, _ = wire.published.get(timeout=WAIT)
    assert envelope.properties.message_id == kept.call.request.call_id
    assert len(client.scatter.gather(name, 2, SOON)) == 1


def test_a_queue_of_answers_that_is_refused_after_a_cut_is_told(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    name = client.scatter.ask([request()], client.now() + WAIT)
    bus.refusals.append(TopologyError("no", code=403, name=name))
    wire.lose()
    with pytest.raises(TopologyError):
        client.scatter.gather(name, 1, WAIT)


def test_answers_that_nobody_fetched_are_forgotten_at_last(bus: Bus) -> None:
    clock = ManualClock()
    client = Client(bus, clock)
    wire = proven(client, bus)
    old = client.scatter.ask([request()], client.now() + WAIT)
    clock.advance(LIFE + 1)
    new = client.scatter.ask([request()], client.now() + WAIT)
    assert wire.dropped.get(timeout=WAIT) == f"of {old}"
    assert wire.dropped.get(timeout=WAIT) == old
    with pytest.raises(MessagingError, match="no answers are collected"):
        client.scatter.gather(old, 1, 0)
    assert client.scatter.gather(new, 1, 0) == []
    client.close()


# What ends, and for whom.


def test_nothing_begins_when_all_is_closed(client: Client, bus: Bus) -> None:
    proven(client, bus)
    client.close()
    with pytest.raises(MessagingError, match="closed"):
        client.call(request(), private=False, owner=None)
    with pytest.raises(MessagingError, match="closed"):
        client.scatter.ask([request()], client.now() + WAIT)


def test_only_its_own_questions_end_with_one_of_several_users(client: Client, bus: Bus) -> None:
    mine, other = object(), object()
    wire = proven(client, bus)
    kept = client.scatter.ask([request()], client.now() + WAIT, other)
    waited = client.scatter.ask([request()], client.now() + WAIT, mine)
    left = client.scatter.ask([request()], client.now() + WAIT, mine)
    errors: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def wait() -> None:
        try:
            client.scatter.gather(waited, 1, WAIT)
        except MessagingError as error:
            errors.put(error)

    thread = threading.Thread(target=wait)
    thread.start()
    client.abandon(mine)
    thread.join(WAIT)
    assert errors.qsize() == 1
    gone = {wire.dropped.get(timeout=WAIT) for _ in range(4)}
    assert gone == {waited, left, f"of {waited}", f"of {left}"}
    wire.consumers[f"of {kept}"][0](Delivery(kept, "", kept, b"1", Properties(""), False, None))
    assert [one.body for one in client.scatter.gather(kept, 1, WAIT)] == [b"1"]


def test_who_waits_to_ask_many_is_told_when_its_producer_ends(client: Client, bus: Bus) -> None:
    bus.away = True
    mine = object()
    errors: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def ask() -> None:
        try:
            client.scatter.ask([request()], client.now() + WAIT, mine)
        except MessagingError as error:
            errors.put(error)

    thread = threading.Thread(target=ask)
    thread.start()
    until = client.now() + WAIT
    while not client.needs_connection() and client.now() < until:
        pass
    client.abandon(mine)
    thread.join(WAIT)
    assert "closed" in str(errors.get(timeout=1.0)) and client.now() < until


def test_a_question_that_cannot_be_asked_leaves_no_queue(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    asked = [request("first"), request("k" * 256)]
    with pytest.raises(MessagingError, match="256 bytes"):
        client.scatter.ask(asked, client.now() + WAIT)
    queue_name = wire.queues[-1].name
    assert {wire.dropped.get(timeout=WAIT) for _ in range(2)} == {queue_name, f"of {queue_name}"}
    assert not client.scatter and client._sender._pending.all() == []


def test_no_connection_is_kept_for_answers_that_will_not_come(bus: Bus) -> None:
    clock = ManualClock()
    client = Client(bus, clock)
    client.scatter.ask([request()], WAIT)
    assert client.needs_connection()
    clock.advance(LIFE)
    assert client.needs_connection()
    clock.advance(1.0)
    assert not client.needs_connection()
    client.scatter.ask([request()], clock.monotonic() + WAIT)
    wire = bus.wire()
    client.give_up(LoginError("never"))
    assert not client.needs_connection()
    before = wire.published.qsize()
    client.scatter.ask_again(wire)  # type: ignore[arg-type]  # as much of it as is used
    assert wire.published.qsize() == before
    client.close()


def test_a_call_that_cannot_be_written_ends_no_other_that_waits_with_it(
    client: Client, bus: Bus
) -> None:
    bus.away = True
    wrong, right = Asked(client, "k" * 256), Asked(client)
    bus.away = False
    wire = bus.wire()
    assert "256 bytes" in str(wrong.outcome().problem)
    envelope, done = wire.published.get(timeout=WAIT)
    done(None)
    wire.answer(envelope)
    assert right.outcome().answer is not None


def test_a_call_that_ends_while_its_queue_is_made_leaves_none(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    made = wire.consume

    def consume(name: str, *args: Any, **options: Any) -> str:
        for call in client._calls.all():
            client.forget(call)
        return made(name, *args, **options)

    wire.consume = consume  # type: ignore[method-assign]
    asked = Asked(client, private=True)
    assert asked.news.empty() and not client.needs_connection()
    queue_name = wire.queues[-1].name
    assert {wire.dropped.get(timeout=WAIT) for _ in range(2)} == {queue_name, f"of {queue_name}"}
    assert wire.published.empty()


def test_while_there_is_no_connection_nothing_is_sent_over_the_last_one(bus: Bus) -> None:
    client = Client(bus)
    wire = proven(client, bus)
    bus.away = True
    wire.lose()
    asked = Asked(client)
    private = Asked(client, private=True)
    with pytest.raises(ConnectionLostError):
        client.scatter.ask([request()], client.now())
    assert client._sender._pending.all() == [] and wire.posted.empty()
    assert not list(client._queues._readers)
    bus.away = False
    other = bus.wire()
    for one in (asked, private):
        envelope, _ = other.published.get(timeout=WAIT)
        assert envelope.properties.message_id == one.call.request.call_id
        other.answer(envelope)
        assert one.outcome().answer is not None
    client.close()


def test_a_request_that_the_connection_was_lost_with_is_asked_again(
    client: Client, bus: Bus
) -> None:
    wire = proven(client, bus)

    def post(_envelope: Envelope, *, at_once: bool) -> bool:
        wire.lose()
        raise ConnectionLostError(f"gone {at_once}")

    wire.post = post  # type: ignore[method-assign]
    asked = Asked(client)
    other = bus.wire()
    envelope, _ = other.published.get(timeout=WAIT)
    other.answer(envelope)
    assert asked.outcome().answer is not None


@pytest.mark.parametrize("seconds", [4.9, 5.1])
def test_servers_are_waited_for_as_long_as_it_takes_them_to_come_back(
    bus: Bus, seconds: float
) -> None:
    clock = ManualClock()
    client = Client(bus, clock)
    wire = proven(client, bus)
    asked = Asked(client, "other")
    wire.published.get(timeout=WAIT)
    wire.lose()
    wire = bus.wire()
    _, done = wire.published.get(timeout=WAIT)
    clock.advance(seconds)
    problem = UnroutableError("nobody", message_id="")
    done(problem)
    outcome = asked.news.get(timeout=WAIT)
    assert outcome == (Outcome(problem=problem) if seconds > 5.0 else None)
    assert (asked.call.due - clock.monotonic() < 1.0) == (seconds < 5.0)
    client.close()


def test_a_call_that_cannot_be_sent_again_ends(client: Client, bus: Bus) -> None:
    wire = proven(client, bus)
    asked = Asked(client, timeout=SOON, retries=1000)
    full = BufferFullError("full")

    def put(*_: Any, **__: Any) -> Any:
        raise full

    client._sender.put = put  # type: ignore[method-assign]
    assert asked.outcome().problem is full
    assert wire.posted.qsize() == 1


def test_open_calls_are_bounded_and_what_is_over_makes_room() -> None:
    calls = OpenCalls(3, 10)

    def call(size: int) -> Call:
        made = request()
        made.body = bytes(size)
        return Call(made, 0.0, lambda _: None, None)

    first, second = call(6), call(4)
    calls.add(first)
    calls.add(second)
    with pytest.raises(BufferFullError):
        calls.add(call(1))
    assert calls.take(first.request.call_id) is first
    assert calls.take(first.request.call_id) is None
    large = call(6)
    calls.add(large)
    assert calls.take(second.request.call_id) is second
    calls.add(call(0))
    calls.add(call(0))
    with pytest.raises(BufferFullError):
        calls.add(call(0))
    assert len(calls) == 3 and large.request.call_id in calls


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("changed while it was read")])
def test_a_call_that_is_interrupted_where_it_begins_is_forgotten(
    client: Client, bus: Bus, error: BaseException
) -> None:
    wire = proven(client, bus)

    def post(_envelope: Envelope, *, at_once: bool) -> bool:
        raise error if at_once else ValueError

    wire.post = post  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        client.call(request(), private=False, owner=None)
    with pytest.raises(type(error)):
        Asked(client)
    assert not client.needs_connection()


def test_a_connection_that_is_lost_while_it_is_prepared_is_no_way_for_later_calls(
    client: Client, bus: Bus
) -> None:
    asked: list[Asked] = []
    lost = threading.Event()
    opened = bus.open

    def refuse(*_: Any) -> None:
        raise ConnectionLostError("gone")

    def open_lost(timeout: float = 10.0) -> Wire:
        wire = opened(timeout)

        def consume(_name: str, _take: Any, ended: Any, **_options: Any) -> str:
            client.forget(asked[0].call)
            wire.is_open, wire.declare_queue = False, refuse  # type: ignore[method-assign]
            ended(ConnectionLostError("gone"))
            bus.open = opened  # type: ignore[method-assign]
            lost.set()
            return "tag"

        wire.consume = consume  # type: ignore[method-assign]
        return wire

    bus.open = open_lost  # type: ignore[method-assign]
    bus.away = True
    asked.append(Asked(client))
    bus.away = False
    assert lost.wait(WAIT) and not bus.wire().is_open
    until = client.now() + WAIT
    while client._sender._keeper is not None and client.now() < until:
        pass
    second = Asked(client, private=True)
    envelope, _ = bus.wire().published.get(timeout=WAIT)
    assert envelope.properties.message_id == second.call.request.call_id


@pytest.fixture
def slow(client: Client, bus: Bus) -> Iterator[tuple[Wire, threading.Event]]:
    """A connection that makes queues only when this is set."""
    wire = proven(client, bus)
    make, goes_on = wire.declare_queue, threading.Event()

    def declare_queue(made: Queue) -> None:
        assert goes_on.wait(WAIT)
        make(made)

    wire.declare_queue = declare_queue  # type: ignore[method-assign]
    yield wire, goes_on
    goes_on.set()


def test_a_question_whose_queue_takes_too_long_ends_in_its_time_and_leaves_none(
    client: Client, slow: tuple[Wire, threading.Event]
) -> None:
    wire, goes_on = slow
    with pytest.raises(ConnectionLostError, match="no queue for the answers in time"):
        client.scatter.ask([request()], client.now())
    goes_on.set()
    made = {wire.dropped.get(timeout=WAIT) for _ in range(2)}
    queue_name = wire.queues[-1].name
    assert made == {queue_name, f"of {queue_name}"} and wire.published.empty()


def test_a_call_whose_queue_takes_too_long_ends_in_its_time_and_leaves_none(
    client: Client, slow: tuple[Wire, threading.Event]
) -> None:
    wire, goes_on = slow
    asked = Asked(client, timeout=SOON, private=True)
    outcome = asked.outcome()
    assert outcome.answer is None and outcome.problem is None
    goes_on.set()
    made = {wire.dropped.get(timeout=WAIT) for _ in range(2)}
    queue_name = wire.queues[-1].name
    assert made == {queue_name, f"of {queue_name}"} and wire.published.empty()


def test_a_call_whose_queue_is_being_made_is_asked_once(
    client: Client, slow: tuple[Wire, threading.Event]
) -> None:
    wire, goes_on = slow
    asked = Asked(client, timeout=SOON, retries=1000, private=True)
    assert wire.published.empty() and client.needs_connection()
    goes_on.set()
    envelope, done = wire.published.get(timeout=WAIT)
    done(None)
    wire.answer(envelope)
    assert asked.outcome().answer is not None
    assert sum(one.name == envelope.properties.reply_to for one in wire.queues) == 1
