"""The databases of OpenStack's services, with their tables; SQLite."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .openstack_settings import HOST, PEER, Site

NAMES = ("cinder", "glance", "neutron", "nova", "nova_api", "nova_cell0", "placement")


def fetch(programs: Path, site: Site, run: Callable[..., None]) -> None:
    """Databases with their tables; made once, and kept with the programs."""
    text = Path(__file__).read_bytes() + (PEER / "neutron_tables.py").read_bytes()
    kept = programs.parent / f"databases-{hashlib.sha256(text).hexdigest()[:12]}"
    if not kept.exists():
        _make(site, run)
        half = kept.with_name(f"{kept.name}-{os.getpid()}")
        half.mkdir()
        for name in NAMES:
            with sqlite3.connect(site.folder / f"{name}.sqlite") as database:
                database.execute("pragma wal_checkpoint(truncate)")
            database.close()
            shutil.copy(site.folder / f"{name}.sqlite", half)
        with contextlib.suppress(OSError):  # somebody else was faster
            half.rename(kept)
    else:
        for name in NAMES:
            shutil.copy(kept / f"{name}.sqlite", site.folder)
    with sqlite3.connect(site.folder / "nova_api.sqlite") as database:
        broker = site.broker.replace("amqp:", "rabbit:")
        change = (
            "update cell_mappings set database_connection = ?, transport_url = ? where name = ?"
        )
        database.execute(change, (site.database("nova_cell0"), "none:///", "cell0"))
        database.execute(change, (site.database("nova"), broker, "cell1"))
    database.close()


def _make(site: Site, run: Callable[..., None]) -> None:
    def nova() -> None:
        manage = ("nova-manage", "--config-file", str(site.file("nova")))
        run(*manage, "api_db", "sync")
        cell0 = site.database("nova_cell0")
        run(*manage, "cell_v2", "map_cell0", "--database_connection", cell0)
        run(*manage, "cell_v2", "create_cell", "--name", "cell1")
        run(*manage, "db", "sync")
        with sqlite3.connect(site.folder / "nova_api.sqlite") as database:
            database.execute(
                "insert into host_mappings (created_at, cell_id, host) select datetime('now'),"
                " id, ? from cell_mappings where name = 'cell1'", (HOST,),
            )  # fmt: skip
        database.close()

    def plain(name: str, *words: str) -> None:
        run(f"{name}-manage", "--config-file", str(site.file(name)), *words)

    tables = ("-P", str(PEER / "neutron_tables.py"), site.database("neutron"))
    with ThreadPoolExecutor(os.cpu_count()) as work:
        done = [
            work.submit(nova),
            work.submit(run, "python", *tables),
            work.submit(plain, "cinder", "db", "sync"),
            work.submit(plain, "glance", "db_sync"),
            work.submit(plain, "placement", "db", "sync"),
        ]
    for one in done:
        one.result()
