"""The tables of inbox and outbox, made by several processes at once."""

import pytest
import sqlalchemy as sa

from pelagos.messaging import MessagingError
from pelagos.messaging.sql import OutboxRelay, SqlInbox, create_tables


def others(engine, taken):
    """Before each table is made, another process makes it, or one that is no table."""

    def first(_connection, _cursor, statement, *_):
        if statement.lstrip().startswith("CREATE TABLE"):
            with sa.create_engine(engine.url).begin() as other:
                other.exec_driver_sql(taken(statement))

    sa.event.listen(engine, "before_cursor_execute", first)


def test_another_process_may_be_in_the_midst_of_it(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/state.db")
    others(engine, lambda statement: statement)
    create_tables(engine)
    names = set(sa.inspect(engine).get_table_names())
    assert {"messaging_inbox", "messaging_outbox"} <= names
    create_tables(engine)
    assert set(sa.inspect(engine).get_table_names()) == names


def test_what_is_in_the_way_is_told(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/state.db")
    others(engine, lambda statement: f"CREATE VIEW {statement.split()[2]} AS SELECT 1")
    with pytest.raises(MessagingError, match="messaging_"):
        create_tables(engine)


@pytest.mark.parametrize(
    "use", [SqlInbox, create_tables, lambda engine: OutboxRelay(engine, "memory:x")]
)
def test_what_is_no_engine_is_said_without_its_password(use):
    with pytest.raises(TypeError, match="create_engine") as caught:
        use("postgresql://ann:s3cret@sea/shop")
    assert "s3cret" not in str(caught.value)


def test_a_relay_takes_a_bus_or_its_url(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/state.db")
    assert OutboxRelay(engine, "memory:relay")
    with pytest.raises(TypeError, match="bus is what connect"):
        OutboxRelay(engine, 5)
    engine.dispose()
