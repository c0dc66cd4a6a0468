import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest

from pelagos.core.json_schema import check
from pelagos.messaging import Exchange, GenericProducer, MessageCommand, RpcCommand
from pelagos.messaging.application import GenericApplication
from pelagos.messaging.asyncapi import describe
from pelagos.messaging.errors import BusUrlError, MessagingError
from pelagos.messaging.processor import (
    MessageHandler,
    MessageHandlerFullBody,
    MessageProcessor,
    RpcHandler,
)
from pelagos.messaging.processor.registry import Registry

STRUCTURE = json.loads((Path(__file__).parents[2] / "data" / "asyncapi-3.0.json").read_text())


class Unit(Enum):
    GIB = "GiB"
    TIB = "TiB"


@dataclass
class Amount:
    number: int
    unit: Unit = Unit.GIB


@dataclass
class Resize:
    disk: str
    to: Amount


class Disks(Exchange):
    name = "disks"
    exchange_type = "topic"


class Resizer:
    """Makes disks larger.

    Never smaller.
    """

    eqk = ((Disks, (("resizer", "disk.*.resize"), ("resizer", "all"))),)

    @classmethod
    def handlers(cls):
        return Registry(cls).handlers

    @MessageHandler("command", "resize")
    def resize(self, content: Resize) -> None:
        """Change the size of a disk."""

    @MessageHandler("command", "resize")
    def note(self, content):
        """Write it down."""

    @MessageHandlerFullBody("status", "disk_*")
    def heard(self, body):
        pass

    @RpcHandler("command", "free")
    def free(self, content: Amount, reply) -> None:
        """How much is free."""

    @MessageHandler("none")
    def anything(self, content):
        pass


class DisksProducer(GenericProducer):
    eks = ((Disks, "disk.x.resize"), (Disks, "all"))

    def build_message_resize(self, size):
        """Ask for a size."""
        return MessageCommand("resize", {"size": size})

    def build_rpc_free(self):
        return RpcCommand("free")


class Lamp(GenericApplication):
    """Shines."""


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def resolve(document, reference):
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


@pytest.mark.parametrize(
    "component", [Resizer, DisksProducer, GenericProducer, Lamp], ids=lambda one: one.__name__
)
def test_the_document_has_the_structure_of_the_specification(component):
    document = json.loads(
        json.dumps(describe(component, bus="amqp://ann:secret@h1,h2:1/sea?heartbeat=9"))
    )
    assert check(document, STRUCTURE, name="document") == ()
    for reference in references(document):
        assert resolve(document, reference) is not None
    for operation in document["operations"].values():
        channel = resolve(document, operation["channel"]["$ref"])
        for message in operation["messages"]:
            assert resolve(document, message["$ref"]) in channel["messages"].values()


def test_the_structure_refuses_what_is_no_asyncapi():
    document = describe(Resizer)
    broken = {**document, "operations": {"x": {"action": "read", "channel": "y"}}}
    assert check(json.loads(json.dumps(broken)), STRUCTURE) != ()
    assert check({"asyncapi": "2.6.0", "info": {"title": "x", "version": "1"}}, STRUCTURE) != ()


def test_queues_and_exchanges_are_channels():
    document = describe(Resizer)
    assert document["info"] == {
        "title": "Resizer",
        "version": "1.0.0",
        "description": "Makes disks larger.\n\nNever smaller.",
    }
    channels = document["channels"]
    assert set(channels) == {"queue.resizer", "disks.disk.any.resize", "disks.all", "replies"}
    assert channels["queue.resizer"]["bindings"]["amqp"]["queue"]["durable"] is True
    assert channels["queue.resizer"]["x-pelagos-bound-to"] == [
        {"exchange": "disks", "key": "disk.*.resize"},
        {"exchange": "disks", "key": "all"},
    ]
    amqp = channels["disks.disk.any.resize"]["bindings"]["amqp"]
    assert amqp["exchange"] == {
        "name": "disks",
        "type": "topic",
        "durable": True,
        "autoDelete": False,
    }
    assert channels["disks.disk.any.resize"]["address"] == "disk.*.resize"


def test_typed_content_becomes_a_schema():
    document = describe(Resizer)
    message = document["channels"]["queue.resizer"]["messages"]["command.resize"]
    content = message["payload"]["properties"]["content"]
    assert content["properties"]["parameters"] == {"$ref": "#/components/schemas/Resize"}
    schemas = document["components"]["schemas"]
    assert schemas["Amount"]["required"] == ["number"]
    assert schemas["Unit"]["enum"] == ["GiB", "TiB"]
    good = {
        "type": "command",
        "name": "resize",
        "category": "message",
        "content": {"parameters": {"disk": "d", "to": {"number": 1}}},
    }
    schema = {**message["payload"], "components": {"schemas": schemas}}
    assert check(good, schema) == ()
    bad = {**good, "content": {"parameters": {"disk": 1, "to": {}}}}
    assert len(check(bad, schema)) == 2


def test_each_handler_is_an_operation_and_a_call_has_its_reply():
    operations = describe(Resizer)["operations"]
    assert set(operations) == {
        "receive.command.resize",
        "receive.status.disk_any",
        "receive.rpc.free",
        "receive.none.any",
    }
    resize = operations["receive.command.resize"]
    assert resize["summary"] == "Change the size of a disk."
    assert resize["x-pelagos-handlers"] == ["Resizer.resize", "Resizer.note"]
    reply = operations["receive.rpc.free"]["reply"]
    assert reply["messages"] == [{"$ref": "#/channels/replies/messages/result"}]


def test_patterns_of_names_are_patterns_of_the_schema():
    messages = describe(Resizer)["channels"]["queue.resizer"]["messages"]
    names = messages["status.disk_any"]["payload"]["properties"]["name"]
    assert names == {"type": "string", "pattern": "^disk_.*$"}
    assert messages["none.any"]["payload"]["properties"]["name"] == {"type": "string"}


def test_what_a_producer_sends_comes_from_its_builders():
    document = describe(DisksProducer, title="Disks", version="2.0")
    assert document["operations"]["send.command.resize.disks.all"]["action"] == "send"
    assert document["operations"]["send.command.resize.disks.all"]["summary"] == "Ask for a size."
    assert "reply" in document["operations"]["send.rpc.free.disks.all"]


def test_the_servers_have_no_password():
    document = describe(Resizer, bus="amqps://ann:s3cret@h1,h2:99/sea?heartbeat=5")
    assert "s3cret" not in json.dumps(document)
    assert document["servers"]["broker"]["host"] == "h1:5671"
    assert document["servers"]["broker2"] == {
        "host": "h2:99",
        "protocol": "amqps",
        "protocolVersion": "0-9-1",
        "pathname": "/sea",
    }


@pytest.mark.parametrize("bus", ["memory:x", ""])
def test_a_bus_that_no_other_program_reaches_is_no_server(bus: str) -> None:
    assert "servers" not in describe(Resizer, bus=bus)


def test_a_bus_that_is_no_url_is_refused():
    with pytest.raises(BusUrlError, match="wrong form"):
        describe(Resizer, bus="sea")


def test_a_class_without_words_of_its_own_has_no_description():
    class Plain(MessageProcessor):
        eqk = ()

    assert describe(Plain)["info"] == {"title": "Plain", "version": "1.0.0"}


def test_the_addresses_of_a_component_are_channels_with_parameters():
    document = describe(Lamp)
    channel = document["channels"]["generic-application-exchange._name_host_rr"]
    assert channel["address"] == "{name}@{host}/rr"
    assert set(channel["parameters"]) == {"name", "host"}
    pings = [name for name in document["operations"] if name.startswith("receive.rpc.ping")]
    assert len(pings) == 3  # one for each of its queues
    made = Lamp({"name": "lamp", "host": "sea", "pid": "7"}, bus="memory:lamp")
    assert "lamp@sea/rr" in {one["address"] for one in describe(made)["channels"].values()}


def test_what_is_no_component_is_refused():
    with pytest.raises(MessagingError, match="no component"):
        describe(int)
