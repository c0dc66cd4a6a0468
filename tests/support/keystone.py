"""A real Keystone of the identity API v3: installed once into the cache, run apart from us.

It keeps its state in one folder (SQLite, fernet keys) and is asked with the standard library, so
that a test does not hold our client to itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from . import peer_environment
from .peer_environment import PROJECT, PeerMissingError
from .ports import free_ports

__all__ = ["Keystone", "PeerMissingError"]

CONSTRAINTS = PROJECT / "tests" / "interop" / "keystone-constraints.txt"
PASSWORD = "secret"
SECONDS = 300

_CONFIG = """
[DEFAULT]
log_dir =
use_stderr = true
[database]
connection = sqlite:///{folder}/keystone.sqlite
[token]
provider = fernet
expiration = 3600
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[oslo_messaging_notifications]
driver = noop
[identity]
password_hash_rounds = 4
[oslo_policy]
enforce_scope = true
"""

_RUN = """
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

port, sys.argv = int(sys.argv[1]), ["keystone-api"]
from keystone.common import sql

# Else the roles of a removed login stay, in the way of the next one of its number.
sql.enable_sqlite_foreign_key()
from keystone.wsgi.api import application

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass

turn = threading.Lock()

def one_by_one(environ, start_response):  # several at once find their SQLite locked
    with turn:
        return list(application(environ, start_response))

make_server("127.0.0.1", port, one_by_one, Server, Quiet).serve_forever()
"""


class KeystoneApi:
    """One that runs somewhere, asked by its administrator.

    Args:
        url: with the version.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def token(self, name: str = "admin", *, scope: Any = None) -> str:
        """A token of a user, for the project of the same name unless told; "unscoped" for none."""
        user = {"name": name, "domain": {"id": "default"}, "password": PASSWORD}
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
        auth["scope"] = scope or {"project": {"name": name, "domain": {"id": "default"}}}
        answer = self.call("POST", "auth/tokens", {"auth": auth}, token=None)
        return str(answer["token-id"])

    def add(self, kind: str, **what: Any) -> str:
        """Make a user, project or role; its id."""
        made = self.call("POST", f"{kind}s", {kind: what})
        return str(made[kind]["id"])

    def call(self, method: str, path: str, body: Any = None, *, token: Any = "admin") -> Any:
        """One call of its API, as the administrator; the answer's JSON and `token-id`."""
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["X-Auth-Token"] = self.token() if token == "admin" else token
        if path == "auth/tokens" and method == "DELETE":
            headers["X-Subject-Token"] = body
            body = None
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                text = answer.read()
                known = json.loads(text) if text else {}
                return {**known, "token-id": answer.headers.get("X-Subject-Token")}
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise AssertionError(f"{method} {path}: {error.code} {said}") from error


class Keystone(KeystoneApi):
    """One that runs, with its administrator.

    Args:
        folder: where its files go.

    Raises:
        PeerMissingError: it cannot be installed here.
    """

    def __init__(self, folder: Path) -> None:
        pins = {"--constraints": CONSTRAINTS}
        self._programs = peer_environment.install("keystone", ("keystone",), pins)
        [self.port] = free_ports(1)
        super().__init__(f"http://127.0.0.1:{self.port}/v3")
        self._log = folder / "log"
        text = _CONFIG.format(folder=folder)
        self._config = folder / "keystone.conf"  # else it uses, and writes to, /etc/keystone
        self._config.write_text(text, encoding="utf-8")
        self._environ = {"PATH": os.environ["PATH"], "OS_KEYSTONE_CONFIG_DIR": str(folder)}
        for name in ("fernet", "credential"):
            (folder / name).mkdir(mode=0o700)
        own = ("--keystone-user", "root", "--keystone-group", "root") if os.getuid() == 0 else ()
        self._manage("db_sync")
        self._manage("fernet_setup", *own)
        self._manage("credential_setup", *own)
        self._manage(
            "bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", "RegionOne",
            "--bootstrap-public-url", self.url,
        )  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def _manage(self, *words: str) -> None:
        with self._log.open("ab") as log:
            done = subprocess.run(
                [self._programs / "keystone-manage", "--config-file", self._config, *words],
                cwd=self._config.parent, env=self._environ, stdout=log, stderr=log,
                timeout=SECONDS, check=False,
            )  # fmt: skip
        assert done.returncode == 0, self._log.read_text(errors="replace")[-3000:]

    def start(self) -> None:
        """Run it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "python", "-c", _RUN, str(self.port)],
                cwd=self._config.parent, env=self._environ, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + SECONDS
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.url, timeout=10).close()
                return
            alive = self._process.poll() is None
            assert alive and time.monotonic() < deadline, self._log.read_text(errors="replace")
            time.sleep(0.1)

    def leave(self) -> int:
        """Let it run when this process is gone; the id of its session, by which to end it."""
        assert self._process is not None
        self._process.returncode = 0
        return self._process.pid

    def stop(self) -> None:
        """End it at once; its state stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(SECONDS)
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
