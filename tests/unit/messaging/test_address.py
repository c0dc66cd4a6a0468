"""The URLs of buses."""

from __future__ import annotations

import subprocess
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.messaging import BusUrlError, connect
from pelagos.messaging.transports.address import BrokerAddress, Tls


def test_the_address_of_a_broker_is_read_whole() -> None:
    address = BrokerAddress.from_url("amqp://ann:s%40fe%2F@[::1]:5673/my%2Fhost?heartbeat=30")
    assert (address.host, address.port, address.vhost) == ("::1", 5673, "my/host")
    assert (address.user, address.password, address.heartbeat) == ("ann", "s@fe/", 30)
    assert address.url == "amqp://ann@[::1]:5673/my%2Fhost"


@pytest.mark.parametrize(
    "url", ["amqp://", "amqp:///", "amqp://localhost", "AMQP://localhost:5672/"]
)
def test_what_is_left_out_is_the_custom(url: str) -> None:
    assert BrokerAddress.from_url(url) == BrokerAddress("localhost", 5672, "guest", "guest", "/")


def test_several_hosts_are_read_in_their_order() -> None:
    address = BrokerAddress.from_url("amqp://ann:pw@one,two:5673,[::1]/v")
    assert address.hosts == (("one", 5672), ("two", 5673), ("::1", 5672))
    assert address.url == "amqp://ann@one:5672,two:5673,[::1]:5672/v"


def test_encryption_has_its_own_scheme_port_and_options() -> None:
    address = BrokerAddress.from_url("amqps://h/?ca=/c.pem&cert=/m.pem&key=/k.pem&verify=no")
    assert (address.port, address.tls) == (5671, Tls("/c.pem", "/m.pem", "/k.pem", verify=False))
    assert address.url == "amqps://guest@h:5671/"
    assert BrokerAddress.from_url("amqps+pika://h").tls == Tls()


def test_the_scheme_chooses_the_implementation() -> None:
    kinds = [type(connect(f"{scheme}://h")).__name__ for scheme in ("amqp", "amqps", "amqp+pika")]
    assert kinds == ["AmqpTransport", "AmqpTransport", "PikaTransport"]


def test_the_password_is_never_shown() -> None:
    transport = connect("amqp://ann:topsecret@localhost/")
    shown = f"{transport!r} {transport.url} {BrokerAddress.from_url('amqp://a:topsecret@h')!r}"
    assert "topsecret" not in shown


@pytest.mark.parametrize(
    "url",
    [
        "amqp://ann:topsecret@host:port/",
        "amqp://ann:topsecret@host:99999/",
        "amqp://ann:topsecret@[::1/",
        "amqp://ann:topsecret@host/v?hartbeat=3",
        "amqp://ann:topsecret@host/v?heartbeat=0",
        "amqp://ann:topsecret@host/v?heartbeat=soon",
        "amqp://ann:topsecret@host/v#part",
        "amqp:ann:topsecret@host",
        "amqp://ann:12/topsecret@host/",
        "amqp://ann:12?topsecret@host/",
        "amqp://ann:topsecret/x@host/",
        "amqp://ann:topsecret?x@host/",
        "amqp://ann:topsecret#x@host/",
        "amqp://ann:topsecret@host,other:x/",
        "amqp://ann:topsecret@host?ca=/c.pem",
        "amqps://ann:topsecret@host?verify=maybe",
        "amqps://ann:topsecret@host?key=/k.pem",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BusUrlError) as refused:
        connect(url)
    said = "".join(traceback.format_exception(refused.value))
    assert "topsecret" not in f"{said} {refused.value.hint}"


@pytest.mark.parametrize("url", ["redis://h", "", "plane", "http:plane", "amqp+x://h"])
def test_an_unknown_scheme_is_refused_with_the_known_ones(url: str) -> None:
    with pytest.raises(BusUrlError) as refused:
        connect(url)
    assert refused.value.hint is not None
    assert "memory:NAME" in refused.value.hint and "amqp://" in refused.value.hint


@pytest.mark.parametrize("url", ["memory:", "memory://", "memory:a?x=1"])
def test_a_bus_in_memory_needs_a_name_and_nothing_else(url: str) -> None:
    with pytest.raises(BusUrlError):
        connect(url)


def test_one_name_is_one_bus() -> None:
    first, second = connect("memory:same"), connect("memory:same")
    assert first.url == second.url == "memory:same"
    link, other = first.open(), second.open()
    other.close()
    assert link.is_open
    link.close()


@given(st.text(max_size=40))
def test_any_text_is_a_bus_or_a_clear_refusal(text: str) -> None:
    for url in (text, "amqp://" + text):
        try:
            said = connect(url).url
        except BusUrlError as refused:
            said = str(refused)
        assert said


def test_a_bus_in_memory_does_not_pay_for_pika() -> None:
    code = (
        "import sys; from pelagos import messaging; messaging.connect('memory:x');"
        "sys.exit('pika' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
