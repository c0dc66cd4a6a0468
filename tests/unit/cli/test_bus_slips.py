"""`pelagos bus …` where what a person names is not there, on the embedded broker."""

import json
import socket

import pytest

from pelagos.cli import failures
from pelagos.cli.failures import CommandError
from pelagos.cli.output import Output
from pelagos.messaging import DeadLetters, Exchange, MessageProcessor, connect
from pelagos.messaging.application import GenericApplication, GenericApplicationExchange
from pelagos.messaging.transports.base import Envelope, Properties, Queue


class Disks(Exchange):
    name = "disks"


class Lamp(GenericApplication):
    pass


@pytest.fixture
def url(embedded_broker):
    connection = connect(embedded_broker.url).open()
    connection.declare_exchange(Disks)
    connection.declare_exchange(GenericApplicationExchange)
    connection.declare_queue(Queue("empty"))
    connection.close()
    return embedded_broker.url


@pytest.mark.parametrize(
    ("where", "said", "hint"),
    [
        (
            "--exchange disks --key k",
            "no queue takes resize with the key 'k'",
            "bound to this key",
        ),
        ("--queue resizr", "there is no queue 'resizr' on this bus", "its receiver makes it"),
        ("--to resizr@sea", "nobody has the address 'resizr@sea'", "pelagos bus components"),
    ],
)
@pytest.mark.parametrize("command", ["send", "call"])
def test_what_no_queue_takes_is_told_as_it_was_addressed(world, url, command, where, said, hint):
    words = (command, "resize", *where.split(), "--timeout", "20")
    ran = world.run("bus", *words, "--bus", url)
    assert ran.code == failures.NOT_FOUND, ran.err
    assert said in ran.err and hint in ran.err
    assert ("--unheard" in ran.err) is (command == "send")


def test_the_exchange_without_a_name_is_one(world, url):
    to_default = ("bus", "send", "resize", "--exchange", "", "--bus", url)
    ran = world.run(*to_default, "--key", "empty")
    assert (ran.code, ran.err) == (0, "sent resize to the queue empty\n")
    ran = world.run(*to_default, "--to", "resizer")
    assert ran.code == failures.USAGE
    assert "give only one of --exchange, --to and --queue" in ran.err


def test_a_place_of_dead_letters_that_is_not_there_is_told(world, url):
    list_letters = ("bus", "dead", "list", "--bus", url)
    ran = world.run(*list_letters, "--dead-letters", "pelagos.ded")
    assert ran.code == failures.NOT_FOUND
    assert "there is no queue pelagos.ded on this bus" in ran.err
    for words in ((), ("--dead-letters", "empty")):
        ran = world.run(*list_letters, *words)
        assert (ran.code, ran.out) == (0, "there are no dead letters\n")


@pytest.mark.parametrize("words", ["retry --all", "drop --all", "drop --all -o json"])
def test_nothing_is_decided_in_a_place_that_is_not_there(world, url, words):
    place = ("--dead-letters", "pelagos.ded", "--bus", url)
    ran = world.run("bus", "dead", *words.split(), *place)
    assert ran.code == failures.NOT_FOUND
    assert "there is no queue pelagos.ded on this bus" in ran.err


def test_dead_letters_that_cannot_be_printed_a_last_time_stay(world, url, monkeypatch):
    bus = connect(url)
    connection = bus.open()
    connection.declare_queue(Queue("pelagos.dead"))
    connection.publish(Envelope("", "pelagos.dead", b"{}", Properties("m-1")), lambda _: None)
    drop = ("bus", "dead", "drop", "--all", "--yes", "--force", "-o", "json", "--bus", url)

    def full(*_, **__):
        raise CommandError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(Output, "show_list", full)
        assert world.run(*drop).code == failures.FAILED
    assert DeadLetters(bus).count() == 1
    ran = world.run(*drop)
    assert (ran.code, json.loads(ran.out)[0]["message_id"]) == (0, "m-1")
    assert DeadLetters(bus).count() == 0
    connection.close()


@pytest.mark.parametrize(
    "line",
    [
        "send x --to y",
        "call x --to y",
        "ping y",
        "components",
        "tail e",
        "doctor",
        "dead list",
        "dead drop --all",
        "run m:C",
        "asyncapi m:C",
    ],
)
def test_an_empty_bus_is_not_another_one(world, url, line):
    world.environ["PELAGOS_BUS"] = url
    ran = world.run("bus", *line.split(), "--bus", "")
    assert ran.code == failures.USAGE
    assert "--bus is empty" in ran.err


@pytest.mark.parametrize("timeout", ["0", "0.001"])
def test_who_is_given_no_time_has_the_least(world, url, timeout):
    with Lamp({"name": "lamp"}, bus=url) as lamp:
        lamp.start()
        lamp.wait_ready()
        words = ("lamp", "--timeout", timeout, "--bus", url)
        assert world.run("bus", "ping", *words).code == 0
        assert world.run("bus", "call", "ping", "--to", *words).code == 0
        assert world.run("bus", "send", "ping", "--to", *words).code == 0
        assert world.run("bus", "components", *words[1:]).out.count("lamp") == 1
    ran = world.run("bus", "ping", *words)
    assert ran.code == failures.NOT_READY
    assert "nobody answers at lamp within 0.1 s" in ran.err
    ran = world.run("bus", "tail", "disks", *words[1:])
    assert ran.code == failures.NOT_READY, ran.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("send x --exchange disks --key {}", "--key: 300 bytes are too many"),
        ("call x --exchange disks --key {}", "--key: 300 bytes are too many"),
        ("send x --exchange {}", "--exchange: 300 bytes"),
        ("send x --queue {}", "--queue: 300 bytes"),
        ("send x --to {}", "--to: 300 bytes"),
        ("ping {}", "ADDRESS: 300 bytes"),
    ],
)
def test_a_word_that_amqp_has_no_room_for_is_a_wrong_line(world, url, line, said):
    ran = world.run("bus", *line.format("é" * 150).split(), "--bus", url)
    assert ran.code == failures.USAGE
    assert said in ran.err and "AMQP has room for 255" in ran.err


@pytest.mark.parametrize("command", ["send", "call"])
def test_a_component_that_nobody_ever_was_is_told_without_our_exchange(
    world, embedded_broker, command
):
    ran = world.run("bus", command, "x", "--to", "nobody", "--bus", embedded_broker.url)
    assert ran.code == failures.NOT_FOUND
    assert "nobody has the address 'nobody': no component was ever on this bus" in ran.err
    assert "generic-application-exchange" not in ran.err


def test_too_few_answers_are_not_said_to_come_later(world, url):
    processor = MessageProcessor({"name": "one"}, [(Disks, [("one", "one")])], bus=url)
    with processor:
        processor.start()
        processor.wait_ready()
        words = ("--exchange", "disks", "--key", "one", "--answers", "2", "--timeout", "0.5")
        ran = world.run("bus", "call", "size", *words, "--bus", url)
    assert ran.code == failures.NOT_READY
    assert "1 of 2 answered" in ran.err and "pelagos bus components" in ran.err


@pytest.fixture
def work(url):
    """A queue with a message that waits for somebody."""
    bus = connect(url)
    connection = bus.open()
    connection.publish(Envelope("", "empty", b"{}", Properties("m-1")), lambda _: None)
    connection.close()
    return DeadLetters(bus, "empty")


def test_work_that_did_not_die_is_not_dropped_by_mistake(world, url, work):
    drop = ("bus", "dead", "drop", "--dead-letters", "empty", "--bus", url)
    for which in ("--all", work.list()[0].id):
        for more, said in (
            ((), "1 of 1 message did not die"),
            (("--yes",), "did not die"),
            (("--force",), "1 message would be forgotten for good"),
        ):
            ran = world.run(*drop, which, *more)
            assert ran.code == failures.USAGE
            assert said in ran.err and "--yes" in ran.err
            assert work.count() == 1
    assert world.run(*drop, "--all", "--yes", "--force").out == "dropped: 1\n"
    assert work.count() == 0


def test_work_that_did_not_die_is_not_sent_elsewhere_by_mistake(world, url, work):
    other = DeadLetters(work.bus, "other")
    connection = work.bus.open()
    connection.declare_queue(Queue("other"))
    connection.close()
    retry = ("bus", "dead", "retry", "--dead-letters", "empty", "--to", "other", "--bus", url)
    for which in ("--all", work.list()[0].id):
        ran = world.run(*retry, which)
        assert ran.code == failures.USAGE
        assert "1 of 1 message did not die" in ran.err and "--force" in ran.err
        assert (work.count(), other.count()) == (1, 0)
    assert world.run(*retry, "--all", "--force").out == "sent back: 1\n"
    assert (work.count(), other.count()) == (0, 1)


@pytest.mark.parametrize(
    ("words", "times"), [("list", 2), ("show x", 1), ("retry --all", 2), ("drop --all", 2)]
)
def test_dead_letters_are_waited_for_as_long_as_is_said(world, url, monkeypatch, words, times):
    given, bus = [], type(connect(url))
    opened = bus.open

    def keep(self, timeout=10.0):
        given.append(timeout)
        return opened(self, timeout)

    monkeypatch.setattr(bus, "open", keep)
    place = ("--dead-letters", "empty", "--bus", url)
    for more, patience in ((("--timeout", "1m"), 60.0), ((), 10.0), (("--timeout", "0"), 0.1)):
        world.run("bus", "dead", *words.split(), *place, *more)
        assert given == [patience] * times
        given.clear()


def test_a_broker_that_says_nothing_is_told_in_time(world):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"amqp://guest:guest@127.0.0.1:{silent.getsockname()[1]}/"
        ran = world.run("bus", "dead", "list", "--timeout", "0.1", "--bus", url)
    assert ran.code == failures.UNREACHABLE
    assert "it did not answer in time" in ran.err
