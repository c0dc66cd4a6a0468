"""Processors whose effects stand in SQL: once for each message and call, if it comes again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pelagos.core import wire
from pelagos.messaging import (
    Exchange,
    GenericProducer,
    MessageHandler,
    MessageProcessor,
    Retry,
    RpcHandler,
    connect,
)
from pelagos.messaging.sql import SqlInbox, create_tables
from pelagos.messaging.transports.base import Envelope, Properties, Queue
from support.plane import eventually

pytestmark = pytest.mark.integration


class Shop(Exchange):
    name = "shop"
    exchange_type = "topic"


class Shopkeeper(MessageProcessor):
    eqk = ((Shop, [("orders", "#")]),)
    retry = Retry(first=0.05, limit=0.05)
    failures = 0

    @MessageHandler("command", "order")
    def msg_order(self, content: dict[str, Any]) -> None:
        self.note(content["parameters"])

    @RpcHandler("command", "buy")
    def rpc_buy(self, content: dict[str, Any], reply_func: Any) -> None:
        self.note(content["parameters"])
        reply_func("bought")

    def note(self, what: str) -> None:
        effect = sa.text("INSERT INTO effects VALUES (:what)")
        self.current.transaction.execute(effect, {"what": what})
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/state.db")
    create_tables(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE effects (what TEXT)")
    yield engine
    engine.dispose()


@pytest.fixture
def keeper(engine: sa.Engine) -> Iterator[Shopkeeper]:
    bus = connect(f"memory:{uuid.uuid4().hex}")
    keeper = Shopkeeper({"name": "keeper"}, bus=bus, inbox=SqlInbox(engine))
    keeper.start()
    keeper.consumer.wait_ready(30)
    yield keeper
    keeper.stop()


def effects(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT what FROM effects").scalars())


def send_again(keeper: Shopkeeper, name: str, category: str, message_id: str, times: int) -> int:
    """The same message several times; how many answers came."""
    connection = keeper.consumer.bus.open()
    answers = connection.declare_queue(Queue(exclusive=True)).name
    facts = {"type": "command", "name": name, "category": category, "version": "2"}
    body = wire.encode({**facts, "content": {"parameters": message_id}})
    properties = Properties(message_id=message_id, reply_to=answers, correlation_id="c")
    for _ in range(times):
        connection.publish(Envelope("shop", "k", body, properties), lambda _problem: None)
    found = 0
    if category == "rpc":
        while found < times:
            delivery = eventually(lambda: connection.get(answers))
            assert b'"bought"' in delivery.body
            connection.ack(delivery)
            found += 1
    connection.close()
    return found


def test_a_message_that_comes_again_has_one_effect(engine, keeper):
    send_again(keeper, "order", "message", "m1", 5)
    send_again(keeper, "order", "message", "m2", 1)
    eventually(lambda: "m2" in effects(engine))
    assert effects(engine) == ["m1", "m2"]


def test_a_call_that_is_sent_again_has_one_effect_and_is_answered_each_time(engine, keeper):
    assert send_again(keeper, "buy", "rpc", "call-1", 4) == 4
    assert effects(engine) == ["call-1"]


def test_what_a_handler_did_before_it_failed_is_undone_and_tried_again(engine, keeper):
    keeper.failures = 2
    with GenericProducer(bus=keeper.consumer.bus) as producer:
        producer.message_order("late", _eks=[(Shop, "k")])
    eventually(lambda: effects(engine))
    assert effects(engine) == ["late"] and keeper.failures == 0
