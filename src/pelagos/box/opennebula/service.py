"""OpenNebula as a service of a box, and the way in for its owner."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from pathlib import Path

from pelagos.box.database import Database
from pelagos.box.errors import BoxError, Refused
from pelagos.box.opennebula.calls import (
    backups,
    devices,
    generic,
    guests,
    images,
    machine_parts,
    machines,
    networks,
    operators,
    others,
    people,
    places,
    services,
)
from pelagos.box.opennebula.calls.people import ONEADMIN, USERS, hashed, new_user
from pelagos.box.opennebula.cloud import Cloud
from pelagos.box.opennebula.daemon import Daemon, Method
from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.guard import Guard
from pelagos.box.opennebula.kinds import USER
from pelagos.box.opennebula.life import Life
from pelagos.box.opennebula.seed import plant
from pelagos.box.opennebula.shapes import Shapes
from pelagos.box.opennebula.world import Thing, World
from pelagos.box.service import Service
from pelagos.box.web import Answer, Request
from pelagos.core.clock import Clock
from pelagos.core.files import write_atomic

#: Where it answers, below the address of the box.
PATH = "/RPC2"
_ONE_AUTH = "one_auth"
_USERS = "one_users.json"
_FOREVER = -1
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}", re.ASCII)


class OpenNebula:
    """The OpenNebula of a box.

    Args:
        folder: here `one_auth` tells its owner how oneadmin logs in.
        pace: seconds that a machine takes for each step, e.g. from PROLOG to BOOT.
    """

    def __init__(self, database: Database, folder: Path, clock: Clock, pace: float = 1.0) -> None:
        self._clock = clock
        self._folder = folder
        self._world = world = World(database, clock)
        life = Life(world, pace)
        world.ticks.append(life.tick)
        self._cloud = Cloud(world, Guard(world), life, Shapes(world))
        if world.find(USER, ONEADMIN) is None:
            secret = secrets.token_urlsafe(12)
            self._keep({"oneadmin": secret})
            world.run(lambda: plant(self._cloud, secret))
        self.daemon = Daemon(_Door(self), self.methods())

    @property
    def world(self) -> World:
        """What it keeps."""
        return self._world

    @property
    def one_auth(self) -> Path:
        """A file as `ONE_AUTH` names it: how oneadmin logs in."""
        return self._folder / _ONE_AUTH

    def methods(self) -> list[Method]:
        """All that can be called."""
        makers = [
            room.methods for room in (generic, machines, devices, machine_parts, guests, backups)
        ]
        makers += [room.methods for room in (images, networks, places, people)]
        makers += [room.methods for room in (others, services, operators)]
        return [method for make in makers for method in make(self._cloud)]

    def session(self, name: str = "oneadmin") -> str:
        """`NAME:SECRET` of a user, who is made when there is none.

        Raises:
            BoxError: it is no name, or somebody else gave that user a password.
        """
        known = self._known()
        if name in known:
            return f"{name}:{known[name]}"
        if not _NAME.fullmatch(name):
            raise BoxError(
                f"{name!r} is no name of a user", hint="letters, digits, '.', '_', '@' and '-'"
            )
        secret = secrets.token_urlsafe(12)

        def make() -> None:
            if next(self._world.named(USER, name), None) is not None:
                raise BoxError(f"the user {name} exists, and the box does not know his password")
            new_user(self._world, name, hashed(secret), "core", [USERS])

        self._world.run(make)
        self._keep({**known, name: secret})
        return f"{name}:{secret}"

    def user_of(self, session: str) -> int:
        """Id of the user of a session.

        Raises:
            Failure: there is none, or the secret is wrong.
        """
        name, colon, secret = session.partition(":")
        user = next(self._world.named(USER, name), None) if colon else None
        if user is None or not user.more["enabled"] or not self._is_his(user, secret):
            raise Failure(Code.AUTHENTICATION, "User couldn't be authenticated, aborting call.")
        return user.id

    def _is_his(self, user: Thing, secret: str) -> bool:
        if user.more["driver"] in {"core", "server_cipher"} and hmac.compare_digest(
            user.more["password"], hashed(secret)
        ):
            return True
        now = self._clock.time()
        return any(
            hmac.compare_digest(token.encode(), secret.encode())
            for token, ends, _ in user.more["tokens"]
            if ends == _FOREVER or ends > now
        )

    def _known(self) -> dict[str, str]:
        try:
            text = (self._folder / _USERS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        read: dict[str, str] = json.loads(text)
        return read

    def _keep(self, secrets_by_name: dict[str, str]) -> None:
        text = json.dumps(secrets_by_name, indent=2)
        write_atomic(self._folder / _USERS, text, mode=0o600, durable=False)
        session = f"oneadmin:{secrets_by_name['oneadmin']}\n"
        write_atomic(self.one_auth, session, mode=0o600, durable=False)


class _Door:
    """The world as the daemon sees it."""

    def __init__(self, opennebula: OpenNebula) -> None:
        self._opennebula = opennebula
        self.run = opennebula.world.run

    def caller(self, session: str) -> int:
        """Id of who calls."""
        return self._opennebula.user_of(session)


def opennebula(one: OpenNebula) -> Service:
    """The service for the box's address."""
    return Service((PATH,), one.daemon.answer, _shape)


def _shape(_: Request, refused: Refused) -> Answer:
    headers = {"Content-Type": "text/html", **refused.headers}
    return Answer(refused.status, headers, f"{refused.status} {refused.message}\n".encode())
