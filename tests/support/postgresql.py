"""Starts a real PostgreSQL that has nothing in common with any other on this machine.

Own port on loopback, own data folder. Root cannot run it, so root hands it to an ordinary user.
A database costs a copy of an empty one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg

from support.ports import free_ports
from support.rabbitmq import _end
from support.reach import open_to_others

_HOST = "127.0.0.1"
_START_TIMEOUT = 60.0
PASSWORD = "a-password-that-nobody-may-see"
# No more fsync than a test needs; the masters' own settings are left to them.
_SETTINGS = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "400",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
}


def program(name: str) -> Path | None:
    """Where a program of the newest server is; None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=_version)
    which = shutil.which(name)
    return found[-1] if found else Path(which) if which else None


def _version(path: Path) -> float:
    try:
        return float(path.parts[-3])
    except ValueError:
        return 0.0


def _as_ordinary_user() -> list[str]:
    """What goes before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    user = _ordinary_user()
    return [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
    ]


def _ordinary_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("there is neither a user postgres nor nobody to run PostgreSQL as")


class Server:
    """One server; it keeps its port and its data while it is stopped."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self.leaders: list[int] = []
        self._settings = {**_SETTINGS, "port": str(self.port), **settings}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            user = _ordinary_user()
            for path in (folder, folder / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)
            open_to_others(folder)
        self._run(
            *("initdb", "--username=pelagos", "--auth=scram-sha-256", "--pwfile=../password"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        )

    def _run(self, name: str, *words: str) -> None:
        data = self.folder / "data"
        data.mkdir(exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(data, _ordinary_user().pw_uid, _ordinary_user().pw_gid)
        done = subprocess.run(
            [*_as_ordinary_user(), str(program(name)), "--pgdata=.", *words],
            cwd=data,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stdout}{done.stderr}")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://pelagos:{PASSWORD}@{_HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self.folder / "server.log").open("ab") as output:
            process = subprocess.Popen(
                [
                    *_as_ordinary_user(),
                    str(program("postgres")),
                    *("-D", "."),
                    *(word for item in self._settings.items() for word in ("-c", "=".join(item))),
                ],
                cwd=self.folder / "data",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        process.returncode = 0  # we look after it ourselves, perhaps from another process
        self.leaders.append(process.pid)
        deadline = time.monotonic() + _START_TIMEOUT
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.03)
            else:
                return

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it at once and in order; SIGKILL as a power cut would."""
        while self.leaders:
            _end(self.leaders.pop(), number)
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def create_database(self) -> str:
        """The URL of a new empty database."""
        return create_database(self.url())


def create_database(server_url: str) -> str:
    """The URL of a new empty database on that server."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} STRATEGY wal_log".encode())
    return server_url.rpartition("/")[0] + f"/{name}"


def empty(url: str) -> None:
    """Make a master's database as good as new: nothing in it but its name and version."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> 'facts'"
        ).fetchall()
        if rows:
            tables = ", ".join(row[0] for row in rows)
            connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE".encode())
            connection.execute("DELETE FROM facts WHERE name NOT IN ('name', 'schema_version')")


def empty_directory(url: str) -> None:
    """Make a directory's database as good as new: nothing in it but its version."""
    with psycopg.connect(url, autocommit=True) as connection:
        made = connection.execute("SELECT to_regclass('directory_lists')").fetchone()
        if made is not None and made[0] is not None:
            connection.execute(
                "TRUNCATE directory_lists, directory_favorites RESTART IDENTITY CASCADE"
            )


def drop_database(url: str) -> None:
    """Remove a database and whoever still uses it."""
    server_url, _, name = url.rpartition("/")
    with psycopg.connect(f"{server_url}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "TZ": "UTC"}


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start_shared(folder: Path) -> str:
    """The URL of the server of this run; the first who asks starts it."""
    with _locked(folder):
        state = folder / "postgresql.json"
        if not state.exists():
            server = Server(folder / "postgresql")
            try:
                server.start()
            except BaseException:
                server.stop(signal.SIGKILL)
                raise
            state.write_text(json.dumps({"url": server.url(), "leaders": server.leaders}))
        return str(json.loads(state.read_text())["url"])


def stop_shared(folder: Path) -> None:
    """End it, if anybody started it."""
    state = folder / "postgresql.json"
    if state.exists():
        for leader in json.loads(state.read_text())["leaders"]:
            _end(leader, signal.SIGQUIT)
