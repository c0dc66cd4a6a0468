"""An inbox whose server knows no such user, password or database, until somebody mends it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa

from pelagos.messaging import Exchange, GenericConsumer, GenericProducer, ReceivedMessage
from pelagos.messaging.errors import InboxAwayError
from pelagos.messaging.sql import SqlInbox, create_tables
from pelagos.messaging.transports.memory import MemoryTransport
from support.postgresql import Server

pytestmark = pytest.mark.integration

WAIT = 60.0
Mend = Callable[[], None]


class Town(Exchange):
    name = "town"


class Sender(GenericProducer):
    eks = ((Town, "a"),)


def refusing(server: Server, fault: str) -> tuple[sa.Engine, Mend]:
    """An engine that may not in, and how that is mended."""
    name = f"t{uuid.uuid4().hex}"
    url = sa.make_url(server.create_database()).set(drivername="postgresql+psycopg")

    def do(*statements: str) -> None:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    make = f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD 'right'"
    if fault == "user":
        return sa.create_engine(url.set(username=name, password="right")), lambda: do(make)
    if fault == "password":
        do(make.replace("right", "other"))
        mend = f"ALTER ROLE {name} PASSWORD 'right'"
        return sa.create_engine(url.set(username=name, password="right")), lambda: do(mend)
    mend = f"ALTER DATABASE {url.database} RENAME TO {name}"
    return sa.create_engine(url.set(database=name)), lambda: do(mend)


@pytest.fixture
def bus() -> MemoryTransport:
    return MemoryTransport("refused")


@pytest.mark.parametrize("fault", ["user", "password", "database"])
def test_messages_wait_until_the_login_is_mended(
    own_postgresql: Server,
    bus: MemoryTransport,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    engine, mend = refusing(own_postgresql, fault)
    inbox = SqlInbox(engine)
    with pytest.raises(InboxAwayError, match="refuses the login"), inbox.receive("m", "c"):
        pass
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    firsts: list[bool] = []

    def callback(message: ReceivedMessage) -> None:
        with inbox.receive(message.message_id, "c") as receipt:
            firsts.append(receipt.first)

    consumer = GenericConsumer([(Town, [("inbox", "a")])], bus=bus)
    with consumer, Sender(bus=bus) as sender:
        consumer.start(callback)
        consumer.wait_ready(WAIT)
        sender.message_go(_mandatory=True)
        mend()
        create_tables(engine)
        bus.drain("inbox", timeout=WAIT)
    assert firsts == [True]
    engine.dispose()
