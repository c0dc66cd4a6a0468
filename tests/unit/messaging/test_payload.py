"""Content as the type that a handler asks for."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

import pytest

from pelagos.messaging import MessageCommand, MessageResult, MessageStatus, MessagingError
from pelagos.messaging.processor import (
    Handler,
    MessageHandler,
    MessageHandlerFullBody,
    MessageProcessor,
    RpcHandler,
)
from pelagos.messaging.transports.memory import MemoryTransport
from support.bus_desk import Desk

_names = itertools.count()


class Unit(enum.Enum):
    GIB = "GiB"


@dataclass
class Disk:
    name: str
    size: int


@dataclass
class Resize:
    disks: list[Disk]
    unit: Unit = Unit.GIB
    at: datetime | None = None
    labels: dict[str, str] = field(default_factory=dict)


class Pair(NamedTuple):
    left: int
    right: int


class Whole(TypedDict):
    parameters: dict[str, int]


class Outcome(TypedDict):
    type: str
    value: int


class Plain:
    def __init__(self, size: int) -> None:
        self.size = size


class Typed(MessageProcessor):
    desk: Desk

    @MessageHandler("command", "resize")
    def resize(self, content: Resize) -> None:
        self.desk.got.put(content)

    @MessageHandler("command", "whole")
    def whole(self, content: Whole) -> None:
        self.desk.got.put(content)

    @MessageHandler("command", "plain")
    def plain(self, content: dict[str, Any]) -> None:
        self.desk.got.put(content)

    @MessageHandler("command", "mapping")
    def mapping(self, content: Mapping[str, Any]) -> None:
        self.desk.got.put(content)

    @MessageHandler("command", "pair")
    def pair(self, content: Pair) -> None:
        self.desk.got.put(content)

    @MessageHandler("result")
    def result(self, content: Outcome) -> None:
        self.desk.got.put(content)

    @MessageHandlerFullBody("status", "up")
    def up(self, body: dict[str, Any]) -> None:
        self.desk.got.put(body["name"])

    @RpcHandler("command", "add")
    def add(self, content: list[int], reply_func: Any) -> None:
        reply_func(sum(content))

    @RpcHandler("command", "double")
    class Double(Handler):
        data: int

        def call(self) -> int:
            return self.data * 2


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport(f"payload-{next(_names)}"))
    made.run(Typed)
    yield made
    made.close()


def test_a_handler_gets_the_type_that_it_asks_for(desk: Desk) -> None:
    disk = {"name": "a", "size": 1}
    for name, parameters in (
        ("resize", {"disks": [disk], "unit": "GiB", "at": "2026-01-02T03:04:05Z", "more": 1}),
        ("whole", {"x": 1}),
        ("plain", 5),
        ("mapping", None),
        ("pair", [1, 2]),
    ):
        desk.tell(name, parameters)
    resize = desk.take()
    assert resize.disks == [Disk("a", 1)] and resize.unit is Unit.GIB
    assert resize.at and resize.at.year == 2026
    assert [desk.take() for _ in range(4)] == [
        {"parameters": {"x": 1}},
        {"parameters": 5},
        {"parameters": None},
        Pair(1, 2),
    ]
    desk.send(MessageResult(7))
    desk.send(MessageStatus("up"))
    assert desk.take() == {"type": "success", "value": 7}
    assert desk.take() == "up"
    assert desk.ask("add", [1, 2])["value"] == 3
    assert desk.ask("double", 4)["value"] == 8


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({}, "`disks` - at `content.parameters`"),
        ({"disks": [{"name": "a", "size": "big"}]}, "`content.parameters.disks[0].size`"),
        ({"disks": [{"name": "a"}]}, "`size` - at `content.parameters.disks[0]`"),
        ({"disks": [], "unit": "MB"}, "`content.parameters.unit`"),
        (5, "`content.parameters`"),
    ],
)
def test_wrong_content_is_dead_at_once_and_its_field_is_named(
    desk: Desk, parameters: Any, path: str
) -> None:
    desk.tell("resize", parameters)
    (letter,) = desk.letters()
    assert path in letter.cause
    assert letter.cause.startswith("PayloadError: the command 'resize' is no Resize: ")
    assert letter.attempts == 1


def test_a_command_without_parameters_is_told_so(desk: Desk) -> None:
    body = MessageCommand("resize")
    body.body["content"] = {}
    desk.send(body)
    assert "`content.parameters` is missing" in desk.letters()[0].cause


def test_a_caller_hears_which_field_is_wrong(desk: Desk) -> None:
    answer = desk.ask("add", [1, "2"])
    assert (answer["type"], answer["value"]) == ("exception", "PayloadError")
    assert "`content.parameters[1]`" in answer["message"]


def test_a_type_that_cannot_be_used_is_refused_when_the_handlers_are_read() -> None:
    class Wrong(MessageProcessor):
        @MessageHandler("command", "x")
        def msg(self, content: Plain) -> None: ...

    with pytest.raises(MessagingError, match=r"Wrong\.msg cannot be converted") as refused:
        Wrong.handlers()
    assert refused.value.hint

    class Local: ...

    class Unknown(MessageProcessor):
        @MessageHandler("command", "x")
        def msg(self, content: Local) -> None: ...

    with pytest.raises(MessagingError, match=r"annotation 'Local' of 'content'"):
        Unknown.handlers()
