"""Which of several handlers a call is for, and what they are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest

from pelagos.messaging import MessageHandler, MessageProcessor, MessagingError, RpcHandler
from pelagos.messaging.message import RpcCommand
from pelagos.messaging.processor import MessageHandlerFullBody
from pelagos.messaging.processor.registry import registry_of
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport
from support.bus_desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport("", broker=MemoryBroker("registry")))
    yield made
    made.close()


class Doors(MessageProcessor):
    @RpcHandler("comm*", "open")
    def by_pattern(self, _content: Any) -> str:
        return "pattern"

    @RpcHandler("command", "open")
    def exact(self, _content: Any) -> str:
        return "exact"

    @RpcHandler("command", "o*")
    def begins(self, _content: Any) -> str:
        return "begins"

    @RpcHandler("other*", "open")
    def of_others(self, _content: Any) -> str:
        return "others"


class Backwards(Doors):
    """The same, where what is exact was not defined last."""

    @RpcHandler("comm*", "open")
    def later(self, _content: Any) -> str:
        return "later"


@pytest.mark.parametrize("kind", [Doors, Backwards])
def test_a_call_goes_to_whom_names_it_most_exactly(kind: type[MessageProcessor]) -> None:
    found = registry_of(kind).find_one("command", "open")
    assert found is not None and found.attribute == "exact"


def test_a_handler_of_any_arguments_gets_the_way_to_answer(desk: Desk) -> None:
    class Any_(MessageProcessor):  # noqa: N801 - beside typing's
        @RpcHandler("command", "ask")
        def ask(self, *given: Any) -> None:
            given[1](len(given))

    desk.run(Any_)
    desk.send(RpcCommand("ask"), reply_to=desk.reply_queue, message_id="call")
    assert b'"value":2' in desk.answer().body.replace(b" ", b"")


@dataclass
class Body:
    type: int


def test_the_path_to_what_is_wrong_in_a_whole_body_begins_there() -> None:
    class Reader(MessageProcessor):
        @MessageHandlerFullBody("status", "x")
        def read(self, content: Body) -> None: ...

    (info,) = [one for one in registry_of(Reader).handlers if one.attribute == "read"]
    assert info.payload is not None
    body = {"type": "status", "name": "x"}
    with pytest.raises(MessagingError, match=r"`body\.type`"):
        info.payload.read(body, body, full_body=True)


def test_the_bounds_of_an_annotation_hold() -> None:
    class Reader(MessageProcessor):
        @MessageHandler("status", "x")
        def read(self, content: Annotated[int, msgspec.Meta(gt=0)]) -> None: ...

    (info,) = [one for one in registry_of(Reader).handlers if one.attribute == "read"]
    assert info.payload is not None
    assert info.payload.read({"type": "status", "name": "x"}, 1) == 1
    with pytest.raises(MessagingError, match="`content`"):
        info.payload.read({"type": "status", "name": "x"}, 0)


@dataclass
class Left:
    a: int


@dataclass
class Right:
    b: int


def test_types_that_cannot_be_told_apart_are_refused_before_any_message() -> None:
    class Reader(MessageProcessor):
        @MessageHandler("status", "x")
        def read(self, content: Left | Right) -> None: ...

    with pytest.raises(MessagingError, match="cannot be converted") as caught:
        registry_of(Reader)
    assert caught.value.hint
