"""What the environment says about the bus, and who hears it."""

from __future__ import annotations

import gc
import logging
from types import MappingProxyType
from typing import Any

import pytest

from pelagos.messaging import (
    BusUrlError,
    Exchange,
    Fingerprint,
    GenericProducer,
    MessageProcessor,
    default_bus,
)
from pelagos.messaging.environment import bus_url, debug_mode, hup, open_bus, traffic
from pelagos.messaging.rpc import registry

NAMES = (
    "PELAGOS_BUS",
    "POSTAGE_VHOST",
    "POSTAGE_USER",
    "POSTAGE_PASSWORD",
    "POSTAGE_RMQ_USER",
    "POSTAGE_RMQ_PASSWORD",
    "POSTAGE_DEBUG_MODE",
)


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "amqp://guest:guest@localhost/"),
        ({"POSTAGE_RMQ_USER": "old", "POSTAGE_RMQ_PASSWORD": "o"}, "amqp://old:o@localhost/"),
        (
            {"POSTAGE_USER": "new", "POSTAGE_RMQ_USER": "old", "POSTAGE_PASSWORD": "p@/"},
            "amqp://new:p%40%2F@localhost/",
        ),
        ({"POSTAGE_VHOST": "/sea"}, "amqp://guest:guest@localhost/%2Fsea"),
        ({"POSTAGE_VHOST": "", "POSTAGE_USER": ""}, "amqp://guest:guest@localhost/"),
        ({"PELAGOS_BUS": "memory:own", "POSTAGE_USER": "x"}, "memory:own"),
    ],
)
def test_the_environment_names_the_default_bus(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert bus_url() == url


def test_what_is_given_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELAGOS_BUS", "memory:own")
    monkeypatch.setenv("POSTAGE_PASSWORD", "secret")
    assert bus_url({"host": "::1", "user": "u"}) == "amqp://u:secret@[::1]/"
    assert bus_url({"host": "h", "port": 99}, "v") == "amqp://guest:secret@h:99/v"
    with pytest.raises(BusUrlError, match="'hots'"):
        bus_url({"hots": "h"})


@pytest.mark.parametrize(
    ("url", "vhost", "meant"),
    [
        (
            "amqps://ann:s%2Ft@sea,[::1]:5671/work?ca=/ca.pem",
            "/x",
            "amqps://ann:s%2Ft@sea,[::1]:5671/%2Fx?ca=/ca.pem",
        ),
        ("amqp+pika://sea", "v", "amqp+pika://sea/v"),
        ("amqp://sea/v", "/", "amqp://sea/"),
        ("memory:own", "v", "memory:own"),
        ("", "v", "amqp://guest:secret@localhost/v"),
    ],
)
def test_a_vhost_is_one_of_the_bus_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, vhost: str, meant: str
) -> None:
    monkeypatch.setenv("PELAGOS_BUS", url)
    monkeypatch.setenv("POSTAGE_PASSWORD", "secret")
    assert bus_url(None, vhost) == meant


def test_each_variable_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hup() == {"host": "localhost", "user": "guest", "password": "guest"}
    monkeypatch.setenv("POSTAGE_USER", "later")
    assert hup()["user"] == "later"
    monkeypatch.setenv("POSTAGE_VHOST", "/later")
    assert Fingerprint().as_dict()["vhost"] == "/later"


def test_producers_of_one_broker_share_its_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_bus() is default_bus({"host": "localhost"})
    assert default_bus(None, "/x") is not default_bus()
    monkeypatch.setenv("PELAGOS_BUS", "memory:shared")
    assert GenericProducer().bus.url == "memory:shared"
    assert GenericProducer(bus="memory:other").bus.url == "memory:other"


def test_hup_and_virtual_host_come_from_the_class_or_the_call() -> None:
    class Own(GenericProducer):
        hup = MappingProxyType({"host": "sea", "user": "ann", "password": "x"})
        vhost = "/own"

    own = Own({"name": "n"})
    assert own.bus.url == "amqp://ann@sea:5672/%2Fown"
    assert own.fingerprint["vhost"] == "/own"
    assert Own(None, {"host": "lake"}, "/call").bus.url == "amqp://guest@lake:5672/%2Fcall"


def test_a_component_says_in_which_virtual_host_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTAGE_VHOST", "/other")
    for make in (GenericProducer, MessageProcessor):
        assert make({"name": "n"}, bus="amqp://sea/%2Fown").fingerprint["vhost"] == "/own"
        assert make({"name": "n"}, vhost="/call").fingerprint["vhost"] == "/call"
        assert make({"name": "n"}, bus="memory:own").fingerprint["vhost"] == "/other"
        given = make({"name": "n", "vhost": "said"}, bus="amqp://sea/own")
        assert given.fingerprint["vhost"] == "said"


@pytest.mark.parametrize(
    ("word", "on"), [("true", True), ("TRUE", True), ("1", False), ("", False)]
)
def test_only_the_word_true_switches_the_debug_mode_on(
    monkeypatch: pytest.MonkeyPatch, word: str, on: bool
) -> None:
    monkeypatch.setenv("POSTAGE_DEBUG_MODE", word)
    assert debug_mode() is on


class Jobs(Exchange):
    name = "jobs"


def test_the_debug_mode_shows_what_is_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(traffic, "handlers", [logging.NullHandler()])
    caplog.set_level(logging.DEBUG, logger=traffic.name)
    quiet = GenericProducer(bus="memory:debug")
    quiet.message_go(_eks=[(Jobs, "quiet")])
    monkeypatch.setenv("POSTAGE_DEBUG_MODE", "true")
    loud = GenericProducer(bus="memory:debug")
    loud.message_go(_eks=[(Jobs, "loud")])
    loud.rpc_go(_eks=[(Jobs, "loud")])
    assert [record.args[1] for record in caplog.records if record.args] == ["loud", "loud"]  # type: ignore[index]


def test_a_producer_that_is_forgotten_gives_its_connections_back() -> None:
    bus: Any = open_bus("memory:forgotten")
    producer = GenericProducer(bus=bus)
    producer.rpc_go(_eks=[(Jobs, "nobody")])
    assert any(key[0] is bus for key in registry._clients)
    del producer
    gc.collect()
    assert not any(key[0] is bus for key in registry._clients)
