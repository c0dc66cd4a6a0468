"""A real OpenStack of Keystone and Swift that all tests of a run share, shaped like a box."""

from __future__ import annotations

import fcntl
import json
import secrets
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .keystone import PASSWORD, Keystone, KeystoneApi
from .peer_environment import PeerMissingError
from .rabbitmq import _end
from .swift import Swift

__all__ = ["OpenStack", "PeerMissingError", "start_shared", "stop_shared"]


@dataclass(frozen=True)
class Login:
    """Somebody who uses it; attributes as of `pelagos.box.Person`."""

    name: str
    project: str
    user_id: str
    project_id: str
    _keystone: KeystoneApi = field(repr=False)
    password: str = field(default=PASSWORD, repr=False)

    def token(self) -> str:
        """A new token for the project."""
        return self._keystone.token(self.name)


class OpenStack:
    """Knows persons as a box does: who is asked for is made.

    Args:
        auth_url: of Keystone, with the version.
    """

    def __init__(self, auth_url: str) -> None:
        self.auth_url = auth_url
        self.astakos_url = "http://127.0.0.1:9/v2.0"  # there is none
        self._keystone = KeystoneApi(auth_url)
        self._token = self._keystone.token()
        self._known: dict[str, Login] = {}
        self._member = self._id("roles", "member")
        admin = (self._id("users", "admin"), self._id("projects", "admin"))
        self.admin = Login("admin", "admin", *admin, self._keystone)

    def _id(self, kind: str, name: str) -> str:
        found = self._keystone.call("GET", f"{kind}?name={name}", token=self._token)[kind]
        return str(found[0]["id"])

    def person(self, name: str) -> Login:
        """Somebody whose name begins so, with a project of that name; the same one every time."""
        if name not in self._known:
            self._known[name] = self._make(f"{name}-{secrets.token_hex(4)}")
        return self._known[name]

    def _make(self, name: str) -> Login:
        def add(kind: str, **what: str) -> str:
            body = {kind: {"name": name, "domain_id": "default", **what}}
            return str(
                self._keystone.call("POST", f"{kind}s", body, token=self._token)[kind]["id"]
            )

        project, user = add("project"), add("user", password=PASSWORD)
        role = f"projects/{project}/users/{user}/roles/{self._member}"
        self._keystone.call("PUT", role, token=self._token)
        return Login(name, name, user, project, self._keystone)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """It goes on for the others."""


def start_shared(folder: Path) -> OpenStack:
    """The one of this run; the first who asks starts it.

    Raises:
        PeerMissingError: it cannot be installed here.
    """
    with (folder / "openstack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = folder / "openstack.json"
        if not state.exists():
            for name in ("keystone", "swift"):
                (folder / name).mkdir()
            keystone = Keystone(folder / "keystone")
            try:
                swift = Swift(folder / "swift", keystone)
            except BaseException:
                keystone.stop()
                raise
            leaders = [keystone.leave(), *swift.leaders]
            state.write_text(json.dumps({"url": keystone.url, "leaders": leaders}))
        return OpenStack(json.loads(state.read_text())["url"])


def stop_shared(folder: Path) -> None:
    """End it, if anybody started it."""
    state = folder / "openstack.json"
    if state.exists():
        for leader in reversed(json.loads(state.read_text())["leaders"]):
            _end(leader, signal.SIGKILL)
