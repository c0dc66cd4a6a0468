"""The bus of a plane: which one it is, and the plane's own broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.core.errors import ConfigError, PelagosError
from pelagos.messaging import LoginError, connect
from pelagos.plane.bus import PlaneBroker, _hosts, bus_url, trouble
from pelagos.plane.sections import BusConfig

OWN = BusConfig(broker=True)


def test_without_a_broker_of_its_own_it_is_the_one_of_the_settings(tmp_path: Path):
    assert bus_url(BusConfig(), tmp_path) == "memory:plane"
    assert bus_url(BusConfig(url="amqp://h/"), tmp_path) == "amqp://h/"


def test_a_url_and_a_broker_of_its_own_contradict_each_other(tmp_path: Path):
    with pytest.raises(ConfigError, match="asks for another"):
        bus_url(BusConfig(url="amqp://h/", broker=True), tmp_path)


def test_a_broker_that_was_never_started_is_told_so(tmp_path: Path):
    with pytest.raises(PelagosError, match="not started yet") as caught:
        bus_url(OWN, tmp_path)
    assert "pelagos up" in str(caught.value.hint)


def test_the_broker_keeps_its_address_and_password_and_lets_nobody_else_in(tmp_path: Path):
    broker = PlaneBroker(OWN, tmp_path)
    url = bus_url(OWN, tmp_path)
    try:
        connect(url).open().close()
        with pytest.raises(LoginError):
            connect(f"amqp://guest:guest@127.0.0.1:{url.rpartition(':')[2]}").open()
        assert (tmp_path / "bus").stat().st_mode & 0o777 == 0o600
    finally:
        broker.stop()
    again = PlaneBroker(OWN, tmp_path)
    again.stop()
    assert again.url == url


def test_a_broker_that_ended_by_itself_is_noticed(tmp_path: Path):
    broker = PlaneBroker(OWN, tmp_path)
    assert broker.alive()
    own, thread = broker._broker, broker._broker._thread
    own.loop.call_soon_threadsafe(own._stopping.set)
    thread.join(30)
    assert not broker.alive()
    broker.stop()


def test_when_its_port_is_taken_it_takes_another(tmp_path: Path):
    first = PlaneBroker(OWN, tmp_path)
    second = PlaneBroker(OWN, tmp_path)
    try:
        assert second.url != first.url
        assert bus_url(OWN, tmp_path) == second.url
    finally:
        second.stop()
        first.stop()


def test_a_port_that_was_asked_for_and_is_taken_names_its_setting(tmp_path: Path):
    first = PlaneBroker(OWN, tmp_path)
    asked = BusConfig(broker=True, port=first._broker.port)
    with pytest.raises(PelagosError, match="cannot listen") as caught:
        PlaneBroker(asked, tmp_path / "other")
    first.stop()
    assert "pelagos config set bus.port" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("memory:plane", []),
        ("amqp://u:p@h/v", [("h", 5672)]),
        ("amqps://u:p@h:7,[::1]:8/v?heartbeat=3", [("h", 7), ("::1", 8)]),
    ],
)
def test_the_hosts_of_a_bus(url: str, hosts: list[tuple[str, int]]):
    assert _hosts(url) == hosts


def test_a_broker_that_is_away_is_told_without_its_password(tmp_path: Path):
    away = BusConfig(url="amqp://u:secret-word@127.0.0.1:1/")
    said = trouble(away, tmp_path, timeout=5)
    assert said is not None and "127.0.0.1:1" in said.message and "secret-word" not in said.message
    assert trouble(BusConfig(), tmp_path, timeout=5) is None
    assert trouble(OWN, tmp_path, timeout=5) is not None
