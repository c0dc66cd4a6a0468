"""The embedded broker: who may come in, and what a test may do to it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pika
import pika.exceptions
import pytest
from pamqp import commands

from pelagos.core.certificate import Authority, save_pair
from pelagos.core.clock import ManualClock
from pelagos.messaging import connect
from pelagos.messaging.broker.server import Bounds, EmbeddedBroker
from pelagos.messaging.errors import BrokerUnreachableError, MessagingError
from support.amqp_desk import Desk, bodies, depth, eventually, put, take
from support.amqp_raw import RawLink

pytestmark = pytest.mark.integration

Basic, Confirm, Connection, Queue = (
    commands.Basic,
    commands.Confirm,
    commands.Connection,
    commands.Queue,
)


@pytest.fixture
def desk(embedded_broker: EmbeddedBroker) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(embedded_broker.url, stack)


# Where it listens, and who may come in.


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.invalid"])
def test_it_does_not_listen_where_others_could_reach_it(host: str) -> None:
    with pytest.raises(MessagingError, match="others could reach it"):
        EmbeddedBroker(host)


def test_it_can_be_forced_to() -> None:
    with EmbeddedBroker("0.0.0.0", force=True, users={"ann": "secret"}) as broker:
        assert broker.port > 0


def test_guest_with_the_password_that_everybody_knows_is_not_enough_for_others() -> None:
    with pytest.raises(MessagingError, match="everybody knows"):
        EmbeddedBroker("0.0.0.0", force=True)


def test_a_port_that_is_in_use_is_told(embedded_broker: EmbeddedBroker) -> None:
    with pytest.raises(BrokerUnreachableError, match="cannot listen"):
        EmbeddedBroker(port=embedded_broker.port).start()


def test_users_and_virtual_hosts_are_its_own() -> None:
    with (
        EmbeddedBroker(users={"ann": "p/w:d"}, vhosts=("a b", "c")) as broker,
        ExitStack() as stack,
    ):
        desk = Desk(broker.url, stack)
        channel = desk.confirming()
        put(channel, desk.queue(channel), "x", user_id="ann")
        other = Desk(broker.url.replace("a%20b", "c"), stack).channel()
        assert broker.core("a b").queues() and not broker.core("c").queues()
        assert other.is_open
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            Desk(f"amqp://guest:guest@127.0.0.1:{broker.port}/c", stack).connect()


def test_what_is_durable_outlives_a_stop(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    channel = desk.confirming()
    channel.queue_declare("durable", durable=True)
    put(channel, "durable", "kept", delivery_mode=2)
    put(channel, "durable", "lost", delivery_mode=1)
    desk.queue(channel)
    port = embedded_broker.port
    embedded_broker.stop()
    with pytest.raises(pika.exceptions.AMQPError):
        channel.connection.process_data_events(5)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1)
    embedded_broker.start()
    assert embedded_broker.port == port
    assert list(embedded_broker.core().queues()) == ["durable"]
    assert bodies(desk.channel(), "durable", 1) == ["kept"]


def test_stopping_twice_and_starting_twice_are_harmless() -> None:
    broker = EmbeddedBroker()
    broker.start().start()
    broker.stop(), broker.stop()
    with pytest.raises(BrokerUnreachableError):
        broker.cut()


def test_its_answers_do_not_wait_for_the_next_packet(embedded_broker: EmbeddedBroker) -> None:
    link = connect(embedded_broker.url).open()
    (connection,) = embedded_broker.connections
    end = connection._transport.get_extra_info("socket")
    assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    link.close()


def test_clients_in_its_thread_and_program_leave_nothing_behind() -> None:
    before = threading.active_count()
    with EmbeddedBroker() as broker, RawLink(broker.url) as link:
        link.open()
    assert eventually(lambda: threading.active_count() <= before)


def test_it_speaks_tls(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, name="tests", now=time.time())
    issued = authority.issue_server(["localhost"], now=time.time(), lifetime=86_400)
    save_pair(issued, tmp_path / "server.pem", tmp_path / "server.key")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with EmbeddedBroker(tls=server) as broker:
        parameters = pika.ConnectionParameters(
            "127.0.0.1", broker.port, ssl_options=pika.SSLOptions(client, "localhost")
        )
        with closing(pika.BlockingConnection(parameters)) as connection:
            channel = connection.channel()
            channel.queue_declare("q", durable=True)
            channel.basic_publish("", "q", bytes(1_000_000))
            assert len(take(channel, "q")[2]) == 1_000_000


def test_who_does_not_begin_with_tls_is_cut_off(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, name="tests", now=time.time())
    issued = authority.issue_server(["localhost"], now=time.time(), lifetime=86_400)
    save_pair(issued, tmp_path / "server.pem", tmp_path / "server.key")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    with (
        EmbeddedBroker(tls=server, bounds=Bounds(login=0.2)) as broker,
        socket.create_connection(broker.address, 20) as silent,
        suppress(ConnectionError),
    ):
        assert silent.recv(1) == b""


# Powers that only a test has.


def test_a_connection_can_be_cut_at_a_method(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    link = desk.raw()  # four methods
    embedded_broker.faults.drop_at = 6
    queue = link.call(Queue.Declare(queue="", exclusive=True)).queue
    link.publish(b"x", queue)
    assert link.read() is None and embedded_broker.faults.drop_at is None


def test_confirms_can_be_withheld_and_let_go(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    link = desk.raw()
    link.call(Queue.Declare(queue="q", durable=True))
    link.call(Confirm.Select())
    link.publish(b"first", "q")
    assert link.read().delivery_tag == 1
    embedded_broker.faults.confirms = "withhold"
    for _ in range(3):
        link.publish(b"x", "q")
    eventually(lambda: embedded_broker.core().depth("q") == 4)
    assert isinstance(link.call(Basic.Qos()), Basic.QosOk)  # not a confirm
    embedded_broker.release()
    assert [link.read().delivery_tag for _ in range(3)] == [2, 3, 4]


def test_confirms_can_come_late(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    embedded_broker.faults.confirm_delay = 0.05
    channel = desk.confirming()
    queue = desk.queue(channel)
    begin = time.monotonic()
    put(channel, queue, "a")
    assert time.monotonic() - begin >= 0.05


def test_every_message_can_be_refused(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    embedded_broker.faults.confirms = "refuse"
    channel = desk.confirming()
    queue = desk.queue(channel)
    with pytest.raises(pika.exceptions.NackError):
        put(channel, queue, "a")
    assert depth(channel, queue) == 0


def test_it_can_freeze_and_thaw(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    link = desk.raw()
    embedded_broker.freeze()
    link.send(Basic.Qos(), 1)
    link.settimeout(0.2)
    with pytest.raises(TimeoutError):
        link.read()
    link.settimeout(20)
    embedded_broker.thaw()
    assert isinstance(link.read(), Basic.QosOk)


def test_publishers_can_be_blocked(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    link = desk.raw()
    link.call(Queue.Declare(queue="q", durable=True))
    embedded_broker.block("out of disk")
    link.publish(b"x", "q")
    told = link.read()
    assert isinstance(told, Connection.Blocked) and told.reason == "out of disk"
    assert embedded_broker.core().depth("q") == 0
    embedded_broker.unblock()
    assert isinstance(link.read(), Connection.Unblocked)
    eventually(lambda: embedded_broker.core().depth("q") == 1)


def test_who_only_consumes_is_not_blocked(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    embedded_broker.block()
    link = desk.raw()
    assert isinstance(link.call(Queue.Declare(queue="", exclusive=True)), Queue.DeclareOk)


def test_consumers_can_be_cancelled(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    link = desk.raw()
    link.call(Queue.Declare(queue="q", durable=True))
    link.call(Basic.Consume(queue="q", consumer_tag="mine"))
    assert embedded_broker.cancel_consumers("q") == 1
    told = link.read()
    assert isinstance(told, Basic.Cancel) and told.consumer_tag == "mine"


def test_all_connections_can_be_cut(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    links = [desk.raw() for _ in range(3)]
    assert embedded_broker.cut() == 3
    assert [link.read() for link in links] == [None] * 3


def test_time_can_be_let_pass() -> None:
    clock = ManualClock()
    with EmbeddedBroker(clock=clock) as broker, ExitStack() as stack:
        desk = Desk(broker.url, stack)
        channel = desk.confirming()
        dead = desk.queue(channel)
        arguments = {
            "x-message-ttl": 3_600_000,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
        }
        queue = desk.queue(channel, arguments=arguments)
        put(channel, queue, "a")
        broker.advance(3599)
        assert depth(channel, dead) == 0
        broker.advance(1)
        assert depth(channel, dead) == 1


def test_time_that_goes_by_itself_cannot_be_advanced(embedded_broker: EmbeddedBroker) -> None:
    with pytest.raises(MessagingError, match="goes by itself"):
        embedded_broker.advance(1)


def test_what_goes_over_the_wire_can_be_seen(embedded_broker: EmbeddedBroker, desk: Desk) -> None:
    embedded_broker.faults.record()
    link = desk.raw()
    queue = link.call(Queue.Declare(queue="", exclusive=True)).queue
    link.publish(b"x" * 300_000, queue)
    link.send(Basic.Get(queue=queue), 1)
    link.read_message()
    seen = [(frame.sender, frame.method) for frame in embedded_broker.faults.frames or ()]
    assert seen[:3] == [
        ("broker", "ConnectionStart"),
        ("client", "ConnectionStartOk"),
        ("broker", "ConnectionTune"),
    ]
    assert seen[-3:] == [
        ("client", "BasicPublish"),
        ("client", "BasicGet"),
        ("broker", "BasicGetOk"),
    ]
