"""`pelagos bus …` on a bus in memory that poses as one that several processes share."""

import csv
import io
import json
import logging
import pickle
import socket
import sys
import threading
import urllib.request
from dataclasses import replace

import pytest

from pelagos import messaging
from pelagos.cli import failures
from pelagos.cli.bus import read_stdin
from pelagos.core import logs
from pelagos.messaging import (
    BrokerUnreachableError,
    Exchange,
    GenericProducer,
    LoginError,
    connect,
    runner,
)
from pelagos.messaging.application import GenericApplication
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.dead.again import CAUSE, DEAD_QUEUE, DIED, HANDLER, QUEUE
from pelagos.messaging.observation.tap import Seen, Tap
from pelagos.messaging.observation.tracing import Tracing
from pelagos.messaging.processor import RpcHandler
from pelagos.messaging.transports.base import Envelope, Properties, Queue

BUS = "amqp://test/"


class Events(Exchange):
    name = "events"
    exchange_type = "topic"


class Shared:
    """A bus in memory that says of itself that others are on it."""

    def __init__(self):
        self.inner = connect("memory:bus-commands")
        self.url = BUS
        self.failure = None

    @property
    def capabilities(self):
        return replace(self.inner.capabilities, crosses_processes=True)

    def open(self, timeout=10.0):
        if self.failure is not None:
            raise self.failure
        return self.inner.open(timeout)


@pytest.fixture
def bus(monkeypatch, world):
    shared = Shared()
    shared.inner = connect(f"memory:{world.folder.name}")
    real = messaging.connect
    monkeypatch.setattr(messaging, "connect", lambda url: shared if url == BUS else real(url))
    connection = shared.open()
    connection.declare_exchange(Events)
    yield shared
    connection.close()


def put(bus, queue, body, **headers):
    """A message straight into a queue."""
    connection = bus.open()
    connection.declare_queue(Queue(queue))
    done = threading.Event()
    properties = Properties(message_id="m1", headers=headers)
    connection.publish(Envelope("", queue, body, properties), lambda _: done.set())
    assert done.wait(20)
    connection.close()


def take(bus, queue):
    connection = bus.open()
    try:
        delivery = connection.get(queue)
        if delivery is not None:
            connection.ack(delivery)
        return delivery
    finally:
        connection.close()


def bound(bus, queue, key):
    connection = bus.open()
    connection.declare_queue(Queue(queue))
    connection.bind("events", queue, key)
    connection.close()


# ---- which bus ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "bus send x --exchange e",
        "bus call x --to y",
        "bus tail e",
        "bus doctor",
        "bus dead list",
    ],
)
def test_a_bus_inside_one_process_is_refused(world, line):
    ran = world.run(*line.split())
    assert ran.code == failures.USAGE
    assert "memory:plane is inside one process: nobody else is on it" in ran.err
    assert "pelagos bus broker" in ran.err


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (BrokerUnreachableError("nobody answers at test:5672"), failures.UNREACHABLE),
        (LoginError("the broker refuses the user"), failures.NOT_ALLOWED),
    ],
)
@pytest.mark.parametrize("line", ["bus send x --exchange e", "bus tail e", "bus dead list"])
def test_a_broker_that_cannot_be_used_is_told_with_its_exit_code(world, bus, failure, code, line):
    bus.failure = failure
    ran = world.run(*line.split(), "--bus", BUS)
    assert ran.code == code
    assert failure.message in ran.err
    assert "pelagos up" not in ran.err  # the hint for a silent master


def test_the_bus_of_the_configuration_is_used(world, bus):
    world.run("config", "set", "bus.url", BUS)
    bound(bus, "q", "k")
    assert world.run("bus", "send", "x", "--exchange", "events", "--key", "k").code == 0


def test_the_bus_of_the_environment_and_of_the_plane_are_found(world, bus):
    bound(bus, "q", "k")
    words = ("bus", "send", "x", "--exchange", "events", "--key", "k")
    (world.data / "bus").write_text(f"{BUS}\n")
    world.run("config", "set", "bus.broker", "true")
    assert world.run(*words).code == 0
    world.environ["PELAGOS_BUS"] = "memory:other"
    assert world.run(*words).code == failures.USAGE
    assert world.run(*words, "--bus", BUS).code == 0


def test_a_url_that_cannot_be_used_is_a_wrong_line(world):
    ran = world.run("bus", "doctor", "--bus", "http://x/")
    assert ran.code == failures.USAGE
    assert "'http'" in ran.err


# ---- send ---------------------------------------------------------------------------------------


def test_a_command_is_sent_with_its_parameters(world, bus):
    bound(bus, "q", "disk.*")
    ran = world.run(
        *("bus", "send", "resize", "--exchange", "events", "--key", "disk.7"),
        *("--param", "size=10", "--bus", BUS),
    )
    assert ran.code == 0, ran.err
    body = json.loads(take(bus, "q").body)
    assert (body["category"], body["type"], body["name"]) == ("message", "command", "resize")
    assert body["content"] == {"parameters": {"size": "10"}}
    assert body["fingerprint"]["name"] == "pelagos-cli"
    assert "sent resize to events disk.7" in ran.err


def test_verbose_tells_what_goes_over_the_bus_and_never_what_is_said(world, bus, caplog):
    bound(bus, "q", "disk.*")
    line = ("bus", "send", "resize", "--exchange", "events", "--key", "disk.7", "--bus", BUS)
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    try:
        ran = world.run(*line, "--param", "size=s3cret", "-v")
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
        logging.getLogger("pelagos").setLevel(logging.NOTSET)
    assert ran.code == 0, ran.err
    assert take(bus, "q")
    told = ran.err + caplog.text
    assert "AMQP connected to amqp://test/" in told
    assert "to exchange events, key disk.7" in told
    assert "s3cret" not in told


def test_parameters_may_be_json_from_stdin_and_a_queue_may_be_named(world, bus):
    put(bus, "q", b"first")
    take(bus, "q")
    world.stdin = '{"size": [1, null]}'
    assert world.run("bus", "send", "x", "--queue", "q", "--json", "-", "--bus", BUS).code == 0
    assert json.loads(take(bus, "q").body)["content"] == {"parameters": {"size": [1, None]}}


@pytest.mark.usefixtures("bus")
def test_what_stdin_holds_has_to_be_utf_8(world):
    world.stdin = '"\udcff"'
    ran = world.run("bus", "send", "x", "--queue", "q", "--json", "-", "--bus", BUS)
    assert ran.code == failures.USAGE
    assert "--json: what stdin holds is not UTF-8" in ran.err
    with pytest.raises(failures.UsageError, match="not UTF-8"):
        read_stdin(io.TextIOWrapper(io.BytesIO(b'"\xff"'), encoding="utf-8"))


def test_a_status_is_sent(world, bus):
    bound(bus, "q", "k")
    words = ("bus", "send", "online", "--status", "--exchange", "events", "--key", "k")
    assert world.run(*words, "--bus", BUS).code == 0
    body = json.loads(take(bus, "q").body)
    assert (body["type"], body["name"], body["content"]) == ("status", "online", {})


@pytest.mark.usefixtures("bus")
def test_what_no_queue_takes_is_an_error_unless_allowed(world):
    words = ("bus", "send", "x", "--exchange", "events", "--key", "k", "--bus", BUS)
    ran = world.run(*words)
    assert ran.code == failures.NOT_FOUND
    assert "no queue takes x with the key 'k'" in ran.err
    assert world.run(*words, "--unheard").code == 0


@pytest.mark.usefixtures("bus")
def test_an_exchange_that_is_not_there_is_told(world):
    for words in (("send", "x", "--exchange", "evnts"), ("tail", "evnts")):
        ran = world.run("bus", *words, "--bus", BUS)
        assert ran.code == failures.NOT_FOUND
        assert "there is no exchange evnts on this bus" in ran.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bus send x", "give --exchange or --to or --queue"),
        ("bus send x --exchange a --queue b", "give only one of"),
        ("bus send x --queue a --key b", "--key goes with --exchange"),
        ("bus send x --queue a --json {", "this is not JSON"),
        ("bus send x --queue a --json 1 --param a=b", "either --param or --json"),
        ("bus send x --queue a --json [NaN]", "no form for the number NaN"),
        ("bus send x --queue a --json [-Infinity]", "no form for the number -Infinity"),
        ("bus send x --queue a --json 1e999", "no form for the number 1e999"),
    ],
)
@pytest.mark.usefixtures("bus")
def test_a_wrong_destination_or_content_is_told(world, line, said):
    ran = world.run(*line.split(), "--bus", BUS)
    assert ran.code == failures.USAGE
    assert said in ran.err


# ---- tail ---------------------------------------------------------------------------------------


class Watched:
    """A tail that runs in a thread while messages are sent."""

    def __init__(self, world, monkeypatch, *words):
        self.ran = None
        self.ready = threading.Event()
        opened = Tap.open

        def open_(tap, timeout=10.0):
            opened(tap, timeout)
            self.ready.set()

        monkeypatch.setattr(Tap, "open", open_)
        self.thread = threading.Thread(target=self.run, args=(world, words))

    def run(self, world, words):
        self.ran = world.run("bus", "tail", "events", *words, "--bus", BUS, "--timeout", "60")

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(20)
        return self

    def __exit__(self, *_):
        self.thread.join(60)
        assert not self.thread.is_alive()


def send(bus, name, key, *, status=False, **parameters):
    with GenericProducer({"name": "sender", "host": "sea", "pid": "7"}, bus=bus.inner) as producer:
        if status:
            body = messaging.MessageStatus(name).body
            producer.forward(body, _eks=[(Events, key)])
        else:
            getattr(producer, f"message_{name}")(parameters, _eks=[(Events, key)])


def test_what_passes_is_printed_in_one_line_each(world, bus, monkeypatch):
    with Watched(world, monkeypatch, "-n", "2") as watched:
        send(bus, "resize", "disk.7", size="\x1b[31m")
        send(bus, "online", "x", status=True)
    assert watched.ran.code == 0, watched.ran.err
    first, second = watched.ran.out.splitlines()
    assert first.endswith('events disk.7 command resize {"size":"\\u001b[31m"} sender@sea/7')
    assert second.endswith("events x status online {}")


def test_messages_are_filtered_by_key_type_and_name(world, bus, monkeypatch):
    words = ("--key", "disk.*", "--type", "command", "--name", "re*", "-n", "1", "-o", "json")
    with Watched(world, monkeypatch, *words) as watched:
        send(bus, "resize", "other")
        send(bus, "format", "disk.1")
        send(bus, "ready", "disk.1", status=True)
        send(bus, "rename", "disk.1", to="x")
    [line] = watched.ran.out.splitlines()
    seen = json.loads(line)
    assert (seen["key"], seen["body"]["name"]) == ("disk.1", "rename")
    assert seen["body"]["content"] == {"parameters": {"to": "x"}}
    assert seen["message_id"] and seen["problem"] is None


def test_what_is_no_message_is_shown_as_such(world, bus, monkeypatch):
    with Watched(world, monkeypatch, "-n", "1") as watched:
        connection = bus.open()
        connection.publish(
            Envelope("events", "k", b"{", Properties(message_id="x")), lambda _: None
        )
        connection.close()
    assert "events k (1 bytes, no message: the body is not JSON" in watched.ran.out


@pytest.mark.usefixtures("bus")
def test_a_tail_that_hears_nothing_ends_with_3(world):
    ran = world.run("bus", "tail", "events", "--timeout", "0.01", "--bus", BUS)
    assert ran.code == failures.NOT_READY
    assert "no message came within 0.01 s" in ran.err


@pytest.mark.usefixtures("bus")
def test_what_is_not_looked_for_does_not_prolong_a_tail(world, monkeypatch):
    body = messaging.MessageCommand("chatter").body
    waits = []

    def chatter(_tap, timeout):
        waits.append(timeout)
        world.clock.advance(1.0)
        return Seen("events", "k", body, "", 2, Properties("x")) if timeout else None

    monkeypatch.setattr(Tap, "next", chatter)
    ran = world.run("bus", "tail", "events", "--name", "rare", "--timeout", "3", "--bus", BUS)
    assert ran.code == failures.NOT_READY
    assert "no message came within 3 s" in ran.err
    assert waits == [3.0, 2.0, 1.0, 0.0]


def seen_through_an_outage(world, bus, monkeypatch):
    """A tail whose broker goes away and comes back, and that then sees one message: "again"."""
    with Watched(world, monkeypatch, "-n", "1") as watched:
        watched.ready.clear()
        bus.inner.broker.cut()
        assert watched.ready.wait(60)
        send(bus, "again", "k")
    assert watched.ran.code == 0, watched.ran.err
    return watched.ran


def test_a_tail_goes_on_after_an_outage(world, bus, monkeypatch):
    ran = seen_through_an_outage(world, bus, monkeypatch)
    assert "again" in ran.out
    assert "trying again" in ran.err and "looking again" in ran.err


def test_a_tail_waits_for_an_exchange_that_its_broker_forgot(world, bus, monkeypatch):
    opened, opens = Tap.open, []

    def open_(tap, timeout=10.0):
        opens.append(timeout)
        if len(opens) == 2:
            raise messaging.TopologyError("there is no exchange", code=404, name="events")
        opened(tap, timeout)

    monkeypatch.setattr(Tap, "open", open_)
    ran = seen_through_an_outage(world, bus, monkeypatch)
    assert "again" in ran.out and len(opens) == 3


@pytest.mark.parametrize(
    "error",
    [
        messaging.TopologyError("there is no exchange", code=404, name="events"),
        BrokerUnreachableError("nobody answers at test:5672"),
    ],
)
@pytest.mark.usefixtures("bus")
def test_a_tail_whose_exchange_or_broker_stays_away_ends_in_time(world, monkeypatch, error):
    opened, patiences = Tap.open, []

    def open_(tap, timeout=10.0):
        patiences.append(timeout)
        if len(patiences) > 9:
            raise AssertionError("it goes on for ever")
        if len(patiences) > 1:
            raise error
        opened(tap, timeout)

    def lost(_tap, _timeout):
        raise messaging.ConnectionLostError("the connection is lost")

    monkeypatch.setattr(Tap, "open", open_)
    monkeypatch.setattr(Tap, "next", lost)
    ran = world.run("bus", "tail", "events", "--timeout", "3", "--bus", BUS)
    assert ran.code == failures.NOT_READY
    assert "no message came within 3 s" in ran.err
    assert patiences == [3.0, 2.0, 1.0]


# ---- dead letters -------------------------------------------------------------------------------


@pytest.fixture
def dead(bus):
    headers = {QUEUE: "work", CAUSE: "disk full", HANDLER: "Resizer.resize", DIED: 1_799_999_000}
    put(bus, DEAD_QUEUE, b'{"type": "command", "name": "resize"}', **headers)
    put(bus, DEAD_QUEUE, b"\xffno json", **headers)
    put(bus, "work", b"")
    take(bus, "work")
    return bus


@pytest.mark.usefixtures("dead")
def test_dead_letters_are_listed_and_shown(world):
    ran = world.run("bus", "dead", "list", "--bus", BUS)
    assert ran.code == 0, ran.err
    assert "disk full" in ran.out and "resize" in ran.out and "work" in ran.out
    first, second = world.run("bus", "dead", "list", "-o", "json", "--bus", BUS).data
    assert first["body"]["name"] == "resize" and second["body"] == "\\xffno json"
    chosen = ("-n", "1", "--filter", f"id={second['id']}", "-o", "json", "--bus", BUS)
    assert world.run("bus", "dead", "list", *chosen).data == [second]
    shown = world.run("bus", "dead", "show", first["id"][:6], "-o", "json", "--bus", BUS).data
    assert shown["handler"] == "Resizer.resize"
    assert "disk full" in world.run("bus", "dead", "show", first["id"], "--bus", BUS).out


def test_dead_letters_are_sent_back_or_forgotten(world, dead):
    letters = world.run("bus", "dead", "list", "-o", "json", "--bus", BUS).data
    ran = world.run("bus", "dead", "retry", letters[0]["id"], "--bus", BUS)
    assert (ran.code, ran.out) == (0, "sent back: 1\n")
    assert json.loads(take(dead, "work").body)["name"] == "resize"
    for which in (letters[1]["id"], "--all"):
        ran = world.run("bus", "dead", "drop", which, "--bus", BUS)
        assert (ran.code, ran.out) == (failures.USAGE, "")
        assert f"1 message would be forgotten for good: {letters[1]['id']}" in ran.err
        assert "with --yes it is done" in ran.err
    ran = world.run("bus", "dead", "drop", "--all", "--yes", "-o", "json", "--bus", BUS)
    assert [one["id"] for one in ran.data] == [letters[1]["id"]]
    assert world.run("bus", "dead", "list", "--bus", BUS).out == "there are no dead letters\n"


def test_a_dead_letter_is_shown_with_what_is_empty_in_it(world, bus):
    body = {"name": "resize", "content": {"parameters": {}, "a.b": 1, "c": None}}
    put(bus, DEAD_QUEUE, json.dumps(body).encode(), **{CAUSE: "size is missing"})
    [letter] = world.run("bus", "dead", "list", "-o", "json", "--bus", BUS).data
    shown = world.run("bus", "dead", "show", letter["id"], "--bus", BUS).out
    words = [line.split() for line in shown.splitlines()]
    assert ["body.content.parameters", "{}"] in words
    assert ["body.content.a.b", "1"] in words
    assert ["body.content.c", "null"] in words
    assert not any(line[:1] == ["exchange"] for line in words)


@pytest.mark.usefixtures("dead")
def test_an_unknown_dead_letter_is_told(world):
    for words in (("show", "zz"), ("retry", "zz"), ("drop", "zz")):
        ran = world.run("bus", "dead", *words, "--bus", BUS)
        assert ran.code == failures.NOT_FOUND
        assert "there is no dead letter 'zz'" in ran.err


@pytest.mark.usefixtures("dead")
def test_all_dead_letters_are_only_meant_when_it_is_said(world):
    for words in (("drop",), ("retry",), ("drop", "x", "--all")):
        assert world.run("bus", "dead", *words, "--bus", BUS).code == failures.USAGE


# ---- doctor -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bus")
def test_the_doctor_tries_everything(world):
    ran = world.run("bus", "doctor", "--bus", BUS, "-o", "json")
    assert ran.code == 0, ran.out
    grades = {one["name"]: one["grade"] for one in ran.data}
    assert set(grades.values()) == {"ok"}
    assert {"reachable", "login", "blocked", "publish", "consume", "dead letters"} <= set(grades)


def test_the_doctor_tells_what_is_wrong_and_how_to_mend_it(world, dead):
    ran = world.run("bus", "doctor", "--bus", BUS)
    assert ran.code == 0
    assert "2 wait in pelagos.dead" in ran.out
    assert "mend: look at them: pelagos bus dead list" in ran.out
    dead.failure = BrokerUnreachableError("nobody answers")
    ran = world.run("bus", "doctor", "--bus", BUS)
    assert ran.code == failures.FAILED
    assert "fail  reachable  nobody answers" in ran.out


def test_the_doctor_sees_a_blocked_bus(world, bus):
    bus.inner.broker.faults.block("low on disk")
    ran = world.run("bus", "doctor", "--bus", BUS)
    assert ran.code == failures.FAILED
    assert "it takes no messages: low on disk" in ran.out


# ---- call, ping, components ---------------------------------------------------------------------


class Sums(GenericApplication):
    """Adds up."""

    @RpcHandler("command", "sum")
    def rpc_sum(self, content, reply):
        reply(sum(content["parameters"]))

    @RpcHandler("command", "facts")
    def rpc_facts(self, content, reply):
        reply({"who": "Sums", "asked": content["parameters"]})

    @RpcHandler("command", "table")
    def rpc_table(self, _content, reply):
        reply([{"a": 1, "b": 2}, {"a": 3, "b": 4}])

    @RpcHandler("command", "fail")
    def rpc_fail(self, _content, _reply):
        raise ZeroDivisionError("of course")


@pytest.fixture
def sums(bus):
    made = [
        Sums({"name": "sums", "host": host, "pid": "7"}, bus=bus.inner) for host in ("sea", "land")
    ]
    for one in made:
        one.start()
    for one in made:
        one.wait_ready(30)
    yield made
    for one in made:
        one.stop()


@pytest.mark.usefixtures("sums")
def test_a_component_is_called_and_its_answer_printed(world):
    call = ("bus", "call", "--to", "sums@sea", "--bus", BUS)
    ran = world.run(*call, "sum", "--json", "[1, 2]")
    assert (ran.code, ran.out) == (0, "3\n"), ran.err
    assert world.run(*call, "sum", "--json", "[1, 2]", "-o", "json").data == {"value": 3}
    ran = world.run(*call, "facts", "--param", "x=y", "-o", "json")
    assert ran.data == {"who": "Sums", "asked": {"x": "y"}}
    assert world.run(*call, "table").out.splitlines() == ["A  B", "1  2", "3  4"]


@pytest.mark.usefixtures("sums")
def test_an_answer_that_is_an_error_ends_with_1(world):
    call = ("bus", "call", "--to", "sums@sea", "--bus", BUS, "--timeout", "20")
    ran = world.run(*call, "fail")
    assert ran.code == failures.FAILED
    assert "fail raised ZeroDivisionError: of course" in ran.err
    ran = world.run(*call, "unknown")
    assert ran.code == failures.FAILED
    assert "unknown" in ran.err


def test_a_server_that_repeats_no_correlation_id_may_answer(world, bus):
    link = bus.open()

    def answer(message):
        body = messaging.MessageResult("there").body
        to = message.properties.reply_to
        link.publish(Envelope("", to, json.dumps(body).encode(), Properties("")), lambda _: None)

    server = messaging.GenericConsumer([(messaging.Exchange, [("old", "k")])], bus=bus)
    server.start(answer)
    server.wait_ready()
    ran = world.run("bus", "call", "ping", "--queue", "old", "--bus", BUS)
    server.stop()
    assert (ran.code, ran.out) == (0, "there\n"), ran.err


@pytest.mark.usefixtures("sums")
def test_all_who_hear_a_call_may_answer(world):
    call = ("bus", "call", "sum", "--to", "sums", "--json", "[5]", "--bus", BUS)
    ran = world.run(*call, "--answers", "2", "-o", "json")
    assert ran.code == 0, ran.err
    assert [one["value"] for one in ran.data] == [5, 5]
    ran = world.run(*call, "--answers", "3", "--timeout", "0.5", "-o", "json")
    assert ran.code == failures.NOT_READY
    assert "2 of 3 answered within 0.5 s" in ran.err


def test_a_call_without_an_answer_ends_with_3(world, bus):
    put(bus, "nobody", b"")
    ran = world.run("bus", "call", "x", "--queue", "nobody", "--timeout", "0.1", "--bus", BUS)
    assert ran.code == failures.NOT_READY
    assert "x was not answered within 0.1 s" in ran.err


def test_what_a_component_does_not_know_of_itself_is_left_out(world, bus):
    with Sums({"name": "sums"}, bus=bus.inner) as made:
        made.start()
        made.wait_ready(30)
        ran = world.run("bus", "ping", "sums", "--timeout", "30", "--bus", BUS)
    assert ran.code == 0, ran.err
    assert "sums" in ran.out and "None" not in ran.out


@pytest.mark.usefixtures("sums")
def test_who_is_there_is_listed_by_fingerprint(world):
    ran = world.run("bus", "components", "--timeout", "1", "-o", "json", "--bus", BUS)
    assert [(one["name"], one["host"]) for one in ran.data] == [("sums", "land"), ("sums", "sea")]
    ran = world.run("bus", "components", "@sea", "--timeout", "1", "--bus", BUS)
    assert "sea" in ran.out and "land" not in ran.out


@pytest.mark.usefixtures("sums")
def test_a_component_answers_a_ping(world):
    ran = world.run("bus", "ping", "sums@land", "--timeout", "30", "--bus", BUS)
    assert ran.code == 0, ran.err
    assert "land" in ran.out and "1 answered within" in ran.err
    ran = world.run("bus", "ping", "nobody", "--timeout", "0.2", "--bus", BUS)
    assert ran.code == failures.NOT_READY
    assert "nobody answers at nobody within 0.2 s" in ran.err


@pytest.mark.usefixtures("bus")
def test_a_bus_without_components_says_so(world):
    ran = world.run("bus", "components", "--timeout", "1", "--bus", BUS)
    assert ran.code == failures.NOT_FOUND
    assert "there are no components on this bus" in ran.err


# ---- run, asyncapi ------------------------------------------------------------------------------

MODULE = '''
from pelagos.messaging import Exchange
from pelagos.messaging.processor import MessageHandler, MessageProcessor

class Disks(Exchange):
    name = "disks"

class Resizer(MessageProcessor):
    """Makes disks larger."""
    eqk = [(Disks, [("resizer", "resize")])]

    @MessageHandler("command", "resize")
    def msg_resize(self, content: int):
        """Change a size."""

def make():
    return Resizer()
'''


@pytest.fixture
def module(world, monkeypatch):
    """The name of a module in the folder where the person is."""
    name = f"disks_{world.folder.name}".replace("-", "_")
    (world.folder / f"{name}.py").write_text(MODULE)
    (world.folder / f"{name}_broken.py").write_text("1 / 0\n")
    monkeypatch.chdir(world.folder)
    monkeypatch.setattr(sys, "path", [str(world.folder), *sys.path])
    return name


@pytest.fixture
def started(monkeypatch):
    """What each run was given."""
    seen = []

    def run(make, crew, *, prepare, **_):
        seen.append((make, crew, prepare))
        return 0

    monkeypatch.setattr(runner, "run", run)
    monkeypatch.setattr(logs, "configure", lambda *_, **__: None)
    return seen


def test_a_processor_is_run_as_told(world, module, started):
    words = ("--processes", "2", "--threads", "3", "--grace", "1m", "--bus", "amqp://h/")
    ran = world.run("bus", "run", f"{module}:Resizer", *words)
    assert ran.code == 0, ran.err
    [(target, crew, prepare)] = started
    assert (target.path, target.bus) == (f"{module}:Resizer", "amqp://h/")
    assert (crew.processes, crew.threads, crew.concurrency, crew.grace) == (2, 3, 0, 60.0)
    pickle.dumps((target, prepare))  # they are sent to the processes
    assert [type(one) for one in target.watch()] == [Tracing]


def test_an_event_loop_is_used_when_asked_for(world, module, started):
    world.run("bus", "run", f"{module}:Resizer", "--asyncio")
    world.run("bus", "run", f"{module}:Resizer", "--asyncio", "--concurrency", "7")
    assert [crew.concurrency for _, crew, _ in started] == [100, 7]


def test_each_process_serves_its_metrics_at_a_port_of_its_own(world, module, started):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("bus", "run", f"{module}:Resizer", "--metrics", str(port), "--processes", "20")
        assert world.run(*words).code == 0
        [(target, _, _)] = started
        _, metrics = target.watch()
        metrics.on_connected("memory:x")
        for number in range(port + 1, port + 20):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{number}/", timeout=20) as page:
                    assert b"pelagos_bus_connected" in page.read()
                    break
            except OSError:
                continue
        else:
            pytest.fail("no port serves the metrics")
        world.run("bus", "run", f"{module}:Resizer", "--metrics", str(port))
        with pytest.raises(messaging.MessagingError, match="cannot serve metrics on"):
            started[1][0].watch()


@pytest.mark.usefixtures("started")
def test_what_cannot_be_run_is_told(world, module):
    for name, said in (
        (f"{module}:Nope", "has no Nope"),
        (f"{module}_nope:X", f"there is no module {module}_nope"),
        (f"{module}_broken:X", "cannot be loaded: ZeroDivisionError"),
        ("nothing", "does not name a processor"),
    ):
        for command in ("run", "asyncapi"):
            ran = world.run("bus", command, name)
            assert ran.code == failures.USAGE, ran.err
            assert said in ran.err
    ran = world.run("bus", "run", f"{module}:make", "--metrics", "9100")
    assert ran.code == failures.USAGE
    assert "--metrics needs a class" in ran.err


@pytest.mark.usefixtures("started")
def test_metrics_without_their_library_are_told(world, module, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    ran = world.run("bus", "run", f"{module}:Resizer", "--metrics", "9100")
    assert ran.code == failures.FAILED
    assert "pip install 'pelagos[metrics]'" in ran.err


def test_the_asyncapi_document_is_printed(world, module):
    words = ("bus", "asyncapi", f"{module}:Resizer", "--release", "2.1")
    document = world.run(*words).data
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["version"] == "2.1"
    message = document["channels"]["queue.resizer"]["messages"]["command.resize"]
    content = message["payload"]["properties"]["content"]
    assert content["properties"]["parameters"] == {"type": "integer"}
    assert world.run(*words, "-o", "yaml").out.startswith("asyncapi: ")
    [keys, cells] = csv.reader(io.StringIO(world.run(*words, "-o", "csv").out))
    told = dict(zip(keys, cells, strict=True))
    assert told["channels.queue.resizer.address"] == "resizer"
    assert told["channels.queue.resizer.bindings.amqp.queue.durable"] == "yes"
    assert all(cells)
    chosen = ("--columns", "channels.queue.resizer.address,info")
    assert world.run(*words, *chosen, "-o", "value").out.splitlines()[0] == "resizer"
    assert world.run(*words, *chosen).data["channels.queue.resizer.address"] == "resizer"
    ran = world.run("bus", "asyncapi", f"{module}:make")
    assert ran.code == failures.USAGE
    assert "no component" in ran.err


def test_the_broker_of_the_asyncapi_document_is_one_that_others_reach(world, module):
    words = ("bus", "asyncapi", f"{module}:Resizer", "--bus")
    servers = world.run(*words, "amqps://ann:s3cret@sea,lake:99/v?ca=/ca.pem").data["servers"]
    assert [one["host"] for one in servers.values()] == ["sea:5671", "lake:99"]
    for bus, said in (
        ("amqp://sea:port/", "the port or host of the bus URL"),
        ("sea", "no transport is known"),
        ("memory:x", "nobody else is on it"),
    ):
        ran = world.run(*words, bus)
        assert ran.code == failures.USAGE
        assert said in ran.err


# ---- broker -------------------------------------------------------------------------------------


class Interrupted(threading.Event):
    """Whoever waits is interrupted, as by Ctrl-C."""

    def wait(self, timeout=None):
        if threading.current_thread() is threading.main_thread() and timeout is None:
            raise KeyboardInterrupt
        return super().wait(timeout)


@pytest.fixture
def served(monkeypatch):
    """The brokers that were started; each is asked to end at once."""
    seen = []
    start = EmbeddedBroker.start

    def started(broker):
        seen.append(start(broker))
        monkeypatch.setattr(threading, "Event", Interrupted)
        return broker

    monkeypatch.setattr(EmbeddedBroker, "start", started)
    monkeypatch.setattr(logs, "configure", lambda *_, **__: None)
    return seen


def test_a_broker_runs_until_ctrl_c_and_prints_its_bus(world, served):
    ran = world.run("bus", "broker", "--port", "0", "--vhost", "sea")
    assert ran.code == 0, ran.err
    [broker] = served
    assert ran.out == f"amqp://guest:guest@127.0.0.1:{broker.port}/sea\n"
    assert "in memory alone" in ran.err


def test_a_broker_has_no_virtual_host_without_a_name(world):
    ran = world.run("bus", "broker", "--port", "0", "--vhost", "sea", "--vhost", "")
    assert ran.code == failures.USAGE
    assert "--vhost is empty" in ran.err


def test_the_users_of_a_broker_come_from_a_file(world, served):
    users = world.folder / "users"
    users.write_text("ann:s3cret\n\nbob:other:word\n")
    ran = world.run("bus", "broker", "--port", "0", "--users", str(users))
    [broker] = served
    assert broker.users == {"ann": "s3cret", "bob": "other:word"}
    assert ran.out == f"amqp://ann@127.0.0.1:{broker.port}/\n"
    for text, said in (("ann\n", "line 1 of"), ("", "there is nobody in")):
        users.write_text(text)
        ran = world.run("bus", "broker", "--port", "0", "--users", str(users))
        assert ran.code == failures.USAGE
        assert said in ran.err
    ran = world.run("bus", "broker", "--users", "/nowhere")
    assert ran.code == failures.USAGE
    assert "cannot read /nowhere" in ran.err


def test_a_broker_listens_to_others_only_when_forced(world, served):
    ran = world.run("bus", "broker", "--host", "0.0.0.0", "--port", "0")
    assert ran.code == failures.USAGE
    assert "others could reach it" in ran.err and "--force with --users" in ran.err
    ran = world.run("bus", "broker", "--force", "--port", "0")
    assert ran.code == failures.USAGE
    assert "--force needs --users" in ran.err
    assert served == []


@pytest.mark.usefixtures("served")
def test_a_port_that_is_taken_is_told(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = world.run("bus", "broker", "--port", str(taken.getsockname()[1]))
    assert ran.code == failures.FAILED
    assert "cannot listen on 127.0.0.1" in ran.err
