"""A plugin of SQLAlchemy that lets several services and threads share an SQLite database.

As OpenStack begins its transactions, one that reads and writes then fails at once when another
has written meanwhile: "database is locked". Here one that will write waits for its turn.
"""

from __future__ import annotations

import importlib
from typing import Any

engines: Any = importlib.import_module("sqlalchemy.engine")
event: Any = importlib.import_module("sqlalchemy.event")


class Sqlite(engines.CreateEnginePlugin):  # type: ignore[misc]  # of the services' Python
    """Named in the address of a database: `?plugin=turns`."""

    def update_url(self, url: Any) -> Any:
        """Nothing of the address is the plugin's but its name."""
        return url

    def engine_created(self, engine: Any) -> None:
        """Have readers not wait for a writer, nor anybody for the disk."""
        _mark_writers()

        @event.listens_for(engine, "connect")
        def connected(connection: Any, _record: Any) -> None:
            for pragma in ("journal_mode=wal", "synchronous=off"):
                connection.execute(f"pragma {pragma}")

        @event.listens_for(engine, "begin")
        def begun(connection: Any) -> None:
            if "in_transaction" not in connection.info:  # by which oslo.db knows, too
                writes = connection.get_execution_options().get("writes")
                connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
                connection.info["in_transaction"] = True


def _mark_writers() -> None:
    """Have oslo.db's sessions say that they will write."""
    facade: Any = importlib.import_module("oslo_db.sqlalchemy.enginefacade")
    factory = facade._TransactionFactory
    if hasattr(factory, "session_before"):
        return
    factory.session_before = factory._create_session

    def session(self: Any, mode: Any, bind: Any = None) -> Any:
        if mode is not facade._WRITER:
            return self.session_before(mode, bind)
        if not self._started:
            self._start()
        bind = (bind or self._writer_engine).execution_options(writes=True)
        return self.session_before(mode, bind)

    factory._create_session = session
