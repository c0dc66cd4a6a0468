"""The box: its services on one port, its folder, and the persons who use it."""

from __future__ import annotations

import fcntl
import json
import logging
import secrets
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pelagos.box.application import Application
from pelagos.box.chaos import Chaos
from pelagos.box.compute.cyclades.service import cyclades_compute
from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.nova import nova
from pelagos.box.compute.tables import TABLES as COMPUTE_TABLES
from pelagos.box.database import Database
from pelagos.box.errors import BoxError
from pelagos.box.identity.astakos import astakos
from pelagos.box.identity.astakos.callers import Callers
from pelagos.box.identity.astakos.oauth import Programs
from pelagos.box.identity.astakos.tables import TABLES as ASTAKOS_TABLES
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone import keystone
from pelagos.box.identity.people import SYSTEM
from pelagos.box.identity.quotas import TABLES as QUOTA_TABLES
from pelagos.box.identity.quotas import Quotas
from pelagos.box.identity.tables import TABLES as IDENTITY_TABLES
from pelagos.box.identity.tokens import LIFE
from pelagos.box.image.glance import glance
from pelagos.box.image.plankton.service import plankton
from pelagos.box.image.sources import Sources
from pelagos.box.image.store import ImagesOfServers, ImageStore
from pelagos.box.image.tables import TABLES as IMAGE_TABLES
from pelagos.box.neighbours import Neighbours
from pelagos.box.network.services import networks
from pelagos.box.network.tables import TABLES as NETWORK_TABLES
from pelagos.box.objects.pithos import pithos
from pelagos.box.objects.pithos.tables import TABLES as PITHOS_TABLES
from pelagos.box.objects.store import ObjectStore
from pelagos.box.objects.swift import swift
from pelagos.box.objects.tables import TABLES as OBJECT_TABLES
from pelagos.box.opennebula.service import PATH as ONE_PATH
from pelagos.box.opennebula.service import OpenNebula, opennebula
from pelagos.box.opennebula.world import TABLES as ONE_TABLES
from pelagos.box.volume.services import volumes
from pelagos.box.volume.tables import TABLES as VOLUME_TABLES
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.files import write_atomic
from pelagos.core.loopback import is_loopback
from pelagos.core.web import Server

log = logging.getLogger(__name__)

_THREADS = 32
_ADMIN = "admin"
_LOCK = "box.lock"
_DATABASE = "box.db"
_PASSWORDS = "passwords.json"
_BLOCKS = "blocks"
_IMAGES = "images"
_TABLES = (
    *IDENTITY_TABLES, *QUOTA_TABLES, *OBJECT_TABLES, *PITHOS_TABLES,
    *COMPUTE_TABLES, *IMAGE_TABLES, *NETWORK_TABLES, *ASTAKOS_TABLES, *VOLUME_TABLES,
    *ONE_TABLES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses a box.

    Attributes:
        project: name of the project that is this person's own.
        user_id: also the account of Pithos.
    """

    name: str
    password: str = field(repr=False)
    project: str
    user_id: str
    project_id: str
    _give: Callable[[], str] = field(repr=False)

    def token(self) -> str:
        """A new token for the project; Keystone, Astakos and all services know it."""
        return self._give()


class Box:
    """A cloud in one process, on one port. Close it when done, or use it as a context manager.

    Args:
        folder: where everything is kept, for the next time, too; made when it is missing. None:
            a temporary folder that is gone afterwards.
        chaos: faults on demand.
        clock: tells when tokens end, and all other times.
        host: address to listen on; of others than this computer's own, it fetches no images.
        port: 0 chooses a free one.
        token_life: seconds that a token holds.
        pace: by what the seconds are multiplied that work on servers takes; 0: it is done at once.
        keep_deleted: seconds for which a server that was removed can be restored (Nova).

    Raises:
        BoxError: the folder cannot be used, or another box uses it.
        PelagosError: the address cannot be had.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        chaos: Chaos | None = None,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        token_life: float = LIFE,
        pace: float = 1.0,
        keep_deleted: float = 0.0,
    ) -> None:
        self._is_temporary = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="pelagos-box-"))
        self._lock = _locked(self.folder)
        self._clock = clock or SystemClock()
        try:
            self._database = Database(
                self.folder / _DATABASE, is_durable=not self._is_temporary, tables=_TABLES
            )
        except BoxError:
            self._lock.close()
            raise
        self._identity = Identity(self._database, self._clock, token_life)
        self._application = Application(chaos)
        self._quotas = Quotas(self._database)
        self._programs = Programs(self._clock)
        images = self._furnish(pace, keep_deleted, fetches=is_loopback(host))
        #: The OpenNebula of this box; it has users of its own.
        self.one = OpenNebula(self._database, self.folder, self._clock, pace)
        self._application.mount(opennebula(self.one))
        self._server = Server(self._application, host, port, threads=_THREADS, takes_chunks=True)
        try:
            self._server.start()
        except BaseException:
            self.close()
            raise
        is_new = self._identity.people.named("users", _ADMIN, "default") is None
        admin = self.person(_ADMIN, roles=("admin", "member", "reader"))
        if is_new:
            images.seed(admin.project_id, admin.user_id)

    def _furnish(self, pace: float, keep_deleted: float, *, fetches: bool) -> ImageStore:
        """Open all services of OpenStack and Synnefo; the images, for the first ones."""
        quotas = self._quotas
        objects = ObjectStore(
            self._database,
            self.folder / _BLOCKS,
            self._clock,
            is_durable=not self._is_temporary,
        )
        neighbours = Neighbours()
        fleet = Fleet(self._identity, quotas, neighbours, pace, keep_deleted)
        images = ImageStore(self._database, quotas, self.folder / _IMAGES, self._clock)
        neighbours.images = ImagesOfServers(images)
        sources = Sources(images, objects)
        for service in (
            keystone(self._identity),
            astakos(self._identity, quotas, self._programs),
            swift(self._identity, objects),
            pithos(self._identity, objects, quotas),
            nova(fleet, images),
            *networks(self._identity, quotas, neighbours, pace),
            *volumes(self._identity, quotas, neighbours, pace),
            glance(self._identity, images, sources, fetches=fetches),
            cyclades_compute(fleet, images, sources),
            plankton(self._identity, images, sources, objects),
        ):
            self._identity.enlist(service)
            self._application.mount(service)
        return images

    @property
    def url(self) -> str:
        """`http://HOST:PORT` of the box."""
        return self._server.url

    @property
    def auth_url(self) -> str:
        """Where Keystone v3 answers: the `auth_url` of clouds.yaml."""
        return f"{self.url}/identity/v3"

    @property
    def astakos_url(self) -> str:
        """Where Astakos answers."""
        return f"{self.url}/astakos/identity/v2.0"

    @property
    def one_url(self) -> str:
        """Where OpenNebula's XML-RPC answers; `self.one.session()` logs in there."""
        return f"{self.url}{ONE_PATH}"

    @property
    def admin(self) -> Person:
        """Who may do everything."""
        return self.person(_ADMIN)

    def person(
        self,
        name: str,
        *,
        password: str | None = None,
        project: str | None = None,
        full_name: str = "",
        roles: Iterable[str] = ("member", "reader"),
    ) -> Person:
        """A person with a password and a project; the same one when there is one of that name.

        Args:
            password: made up when it is not given.
            project: name of the project, by default that of the person.
            full_name: what the person is called, where that is not the name to log in with.
        """
        people, passwords = self._identity.people, self._passwords()
        user = people.named("users", name, "default")
        kept = passwords.get(name)
        if user is None or kept is None or password not in {None, kept}:
            kept = password or secrets.token_urlsafe(12)
            self._keep_password(name, kept)
        if user is None:
            key = str(uuid.uuid4())
            with self._database.change():
                own = people.named("projects", project or name, "default") or people.add(
                    "projects", {"id": key, "name": project or name}
                )
                user = people.add(
                    "users",
                    {
                        "id": key,
                        "name": name,
                        "password": kept,
                        "default_project_id": own["id"],
                        **({"full_name": full_name} if full_name else {}),
                    },
                )
                self._grant(user["id"], f"project:{own['id']}", roles)
                if name == _ADMIN:
                    self._grant(user["id"], SYSTEM, ("admin",))
        elif passwords.get(name) != kept:
            people.set_password(user["id"], kept)
        home = people.require("projects", user["default_project_id"])
        return Person(
            name,
            kept,
            home["name"],
            user["id"],
            home["id"],
            lambda: self._identity.tokens.give(user["id"], f"project:{home['id']}", ("password",)),
        )

    def limit(self, project_id: str, resource: str, amount: int) -> None:
        """Let a project have so much of a resource, e.g. "pithos.diskspace" in bytes."""
        self._quotas.set_limit(project_id, resource, amount)

    def service_token(self, service: str) -> str:
        """A new token by which a service asks Astakos, e.g. "pithos" or "cyclades"."""
        return Callers(self._identity).give(service)

    def let_ask(self, client_id: str, secret: str, *addresses: str) -> None:
        """Let a program ask by OAuth 2 of Astakos who a person is, until the box is closed.

        From then on OAuth 2 is spoken over plain HTTP, which a real Astakos never does.

        Args:
            addresses: where persons are sent back to with a code.

        Raises:
            ValueError: no address, or one that is no http URL without a fragment.
        """
        self._programs.add(client_id, secret, addresses)

    def close(self) -> None:
        """Stop answering and release the folder."""
        self._server.stop()
        self._database.close()
        self._lock.close()
        if self._is_temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _grant(self, user_id: str, target: str, roles: Iterable[str]) -> None:
        people = self._identity.people
        for name in roles:
            role = people.named("roles", name) or people.add("roles", {"name": name})
            people.grant(user_id, target, role["id"])

    def _passwords(self) -> dict[str, str]:
        try:
            text = (self.folder / _PASSWORDS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        read: dict[str, str] = json.loads(text)
        return read

    def _keep_password(self, name: str, password: str) -> None:
        kept = {**self._passwords(), name: password}
        write_atomic(
            self.folder / _PASSWORDS, json.dumps(kept, indent=2), mode=0o600, durable=False
        )


def _locked(folder: Path) -> Any:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("a")
    except OSError as error:
        raise BoxError(
            f"the folder {folder} of the box cannot be used: {error.strerror}",
            hint="name a folder in which you may write",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise BoxError(
            f"another box uses the folder {folder}",
            hint="end it, or name another folder",
        ) from error
    return lock
