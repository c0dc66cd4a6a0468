"""A real OpenStack that all tests of a run share, shaped like a box: a part, or all."""

from __future__ import annotations

import fcntl
import json
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from .keystone import PASSWORD, Keystone, KeystoneApi
from .peer_environment import PeerMissingError
from .rabbitmq import _end
from .swift import Swift
from .whole_openstack import WholeOpenStack

__all__ = ["OpenStack", "PeerMissingError", "start_shared", "start_whole", "stop_shared"]


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
    """The Keystone and Swift of this run; the first who asks starts them.

    Raises:
        PeerMissingError: they cannot be installed here.
    """
    return OpenStack(_once(folder, "openstack", lambda: _start_core(folder))["url"])


def start_whole(folder: Path) -> OpenStack:
    """The same, with Glance, Placement, Neutron, Nova and Cinder beside them.

    Raises:
        PeerMissingError: they cannot be installed here.
    """
    found = start_shared(folder)

    def start() -> dict[str, Any]:
        (folder / "whole").mkdir()
        whole = WholeOpenStack(folder / "whole", KeystoneApi(found.auth_url))
        return {"leaders": whole.leaders}

    _once(folder, "whole", start)
    return found


def _start_core(folder: Path) -> dict[str, Any]:
    for name in ("keystone", "swift"):
        (folder / name).mkdir()
    keystone = Keystone(folder / "keystone")
    try:
        swift = Swift(folder / "swift", keystone)
    except BaseException:
        keystone.stop()
        raise
    return {"url": keystone.url, "leaders": [keystone.leave(), *swift.leaders]}


def _once(folder: Path, name: str, start: Callable[[], dict[str, Any]]) -> Any:
    """What the first caller of the run started; the others hear, too, why it could not."""
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = folder / f"{name}.json"
        if not state.exists():
            try:
                started = start()
            except (AssertionError, OSError, RuntimeError) as error:
                started = {"failed": str(error), "leaders": []}
            state.write_text(json.dumps(started))
        found = json.loads(state.read_text())
    if "failed" in found:
        raise RuntimeError(f"OpenStack does not start here: {found['failed']}")
    return found


def stop_shared(folder: Path) -> None:
    """End them, if anybody started them."""
    for name in ("whole", "openstack"):
        state = folder / f"{name}.json"
        if state.exists():
            for leader in reversed(json.loads(state.read_text())["leaders"]):
                _end(leader, signal.SIGKILL)
