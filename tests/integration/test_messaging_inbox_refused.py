"""An inbox whose server knows no such user, password or database, until somebody mends it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
import sqlalchemy as sa

from pelagos.messaging import Exchange, GenericConsumer, GenericProducer, ReceivedMessage
from pelagos.messaging.errors import InboxAwayError
from pelagos.messaging.sql import SqlInbox, create_tables
from pelagos.messaging.transports.memory import MemoryTransport
from support.postgresql import create_database

pytestmark = pytest.mark.integration

WAIT = 60.0
Mend = Callable[[], None]


class Town(Exchange):
    name = "town"


class Sender(GenericProducer):
    eks = ((Town, "a"),)


@dataclass(frozen=True)
class Case:
    """An engine that may not in, and how that is mended."""

    engine: sa.Engine
    mend: Mend


@pytest.fixture(params=["user", "password", "database"])
def case(request: pytest.FixtureRequest, postgresql_server: str) -> Iterator[Case]:
    url = sa.make_url(create_database(postgresql_server)).set(drivername="postgresql+psycopg")
    name = f"t{uuid.uuid4().hex}"
    rightful = sa.create_engine(url)
    create_tables(rightful)
    rightful.dispose()

    def do(*statements: str) -> None:
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    make = f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD 'right'"
    wish = url.set(username=name, password="right")
    if request.param == "user":
        mend = make
    elif request.param == "password":
        do(make.replace("right", "other"))
        mend = f"ALTER ROLE {name} PASSWORD 'right'"
    else:
        wish, mend = url.set(database=name), f"ALTER DATABASE {url.database} RENAME TO {name}"
    engine = sa.create_engine(wish)
    yield Case(engine, lambda: do(mend))
    engine.dispose()
    do(*(f"DROP DATABASE IF EXISTS {one} WITH (FORCE)" for one in (url.database, name)))
    do(f"DROP ROLE IF EXISTS {name}")


@pytest.fixture
def bus() -> MemoryTransport:
    return MemoryTransport("refused")


def test_messages_wait_until_the_login_is_mended(
    case: Case, bus: MemoryTransport, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = SqlInbox(case.engine)
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
        case.mend()
        bus.drain("inbox", timeout=WAIT)
    assert firsts == [True]
