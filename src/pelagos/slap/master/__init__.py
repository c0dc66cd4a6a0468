"""The master: keeps every wish, decides where it goes, tells agents, and explains the state.

    master = Master("sqlite:////var/lib/pelagos/plane.db")
    token = master.service.create_person("admin")
    server = pelagos.core.web.Server(master.app)

What is admitted here: use cases, their decisions, their store and their faces. It meets agents
and clients in `slap.protocol` only, and calls no other master.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Callable

from pelagos.core.certificate import Authority
from pelagos.core.clock import Clock, SystemClock
from pelagos.slap.master.agent_line import AgentLine
from pelagos.slap.master.announcing import Announcements
from pelagos.slap.master.app import build_app
from pelagos.slap.master.auth import Authenticator, Identity, Kind, computer, partition, person
from pelagos.slap.master.cache_store import CacheSettings, CacheStore
from pelagos.slap.master.capacity_line import Advice, CapacityLine
from pelagos.slap.master.demand import MachineFacts, WaitingWish, would_take
from pelagos.slap.master.desk import Desk, Presence
from pelagos.slap.master.errors import AgentUnreachable, StoreError
from pelagos.slap.master.events import EventHub, Notify
from pelagos.slap.master.faces.cache import CacheFace
from pelagos.slap.master.faces.capacity import CapacityFace
from pelagos.slap.master.faces.hateoas import HateoasFace
from pelagos.slap.master.faces.identity import IdentityFace
from pelagos.slap.master.faces.json import JsonFace
from pelagos.slap.master.faces.jsonrpc import JsonRpcFace
from pelagos.slap.master.faces.orders import OrderFace
from pelagos.slap.master.faces.remote import RemoteFace
from pelagos.slap.master.faces.slap import SlapFace
from pelagos.slap.master.faces.status import StatusFace
from pelagos.slap.master.faces.usage import UsageFace
from pelagos.slap.master.service import Service
from pelagos.slap.master.settings import MasterSettings
from pelagos.slap.master.store import CopiedTable, News, Store, copy_database

__all__ = [
    "Advice",
    "AgentLine",
    "AgentUnreachable",
    "Announcements",
    "CacheSettings",
    "CapacityLine",
    "CopiedTable",
    "Identity",
    "Kind",
    "MachineFacts",
    "Master",
    "MasterSettings",
    "Service",
    "WaitingWish",
    "computer",
    "copy_database",
    "partition",
    "person",
    "would_take",
]

log = logging.getLogger(__name__)


class Master:
    """A master on its database; safe to share between threads. Close it when done.

    Args:
        database_url: e.g. `sqlite:////var/lib/pelagos/plane.db`; the file gets the mode 0600.
            `postgresql://USER@HOST/DATABASE` may be shared by several masters.
        clock: tells the time.
        notify: told of the events of each transaction after its commit, from the thread of the
            call, and with no events when another master of the database has some; must return
            soon. What it raises is logged and goes no further.
        settings: sizes and times.
        cache: where built releases are kept for other computers; None: they are not.
        line: carries calls to agents; None: they cannot be asked.
        capacity: makes machines for those who wait; None: there are none to be made.
        authority: issues certificates; None: there are none, callers have tokens.
        new_id: makes the random part of guids.
        new_token: makes tokens.

    Attributes:
        app: the WSGI application (Flask).
        service: the use cases, for the program around.

    Raises:
        ConfigError: the URL cannot be used.
        StoreError: the database cannot be opened, or belongs to a newer Pelagos.
    """

    def __init__(  # noqa: PLR0913 - one for each thing around it, each with a default
        self,
        database_url: str,
        *,
        clock: Clock | None = None,
        notify: Notify | None = None,
        settings: MasterSettings | None = None,
        cache: CacheSettings | None = None,
        authority: Authority | None = None,
        line: AgentLine | None = None,
        capacity: CapacityLine | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        settings = MasterSettings() if settings is None else settings
        clock = SystemClock() if clock is None else clock
        self._store = Store(database_url, busy_timeout=settings.busy_timeout, new_id=new_id)
        self._hub = EventHub(
            notify, waiters_limit=settings.waiters_limit, crowded_wait=settings.crowded_wait
        )
        authenticator = Authenticator(
            self._store.holder_of_token, self._store.holder_of_certificate, clock
        )
        desk = Desk(
            store=self._store,
            clock=clock,
            settings=settings,
            hub=self._hub,
            authenticator=authenticator,
            new_id=new_id,
            new_token=new_token,
            presence=Presence(self._tell_delivered),
            authority=authority,
            line=line,
            capacity=capacity,
        )
        self._desk = desk
        self._store.listen(desk.hear)
        self.service = Service(desk)
        self._identities = IdentityFace(self.service)
        routes = [
            *SlapFace(self.service, desk.presence, settings).routes(),
            *StatusFace(self.service).routes(),
            *JsonRpcFace(self.service).routes(),
            *HateoasFace(self.service).routes(),
            *JsonFace(self.service).routes(),
            *OrderFace(self.service).routes(),
            *RemoteFace(self.service).routes(),
            *UsageFace(self.service).routes(),
            *self._identities.routes(),
        ]
        if capacity is not None:
            routes += CapacityFace(capacity).routes()
        if cache is not None:
            routes += CacheFace(CacheStore(cache), self.service.is_of_site).routes()
        self.app = build_app(routes, self.service, authenticator, settings.body_limit)

    def announce(self, url: str, *, is_own: bool) -> None:
        """Say where others reach this master: one-time tokens name it.

        Without, they name where the one who asked for the token reached it.

        Args:
            url: the address.
            is_own: whether a certificate of this master's own authority is shown there; tokens
                then name the authority. Without, those who join trust whom their system trusts.
        """
        self._identities.public_url = url
        self._identities.is_own = is_own

    def announcements(self) -> Announcements:
        """The events that are to be announced; one reader a master. Close it before the master."""
        return Announcements(self._desk)

    def end_waiting(self) -> None:
        """Answer those who wait for events, from now on at once: before the server is stopped."""
        self._hub.close()

    def close(self) -> None:
        """Answer those who wait for events, and release the database."""
        self.end_waiting()
        self._store.close()

    def _tell_delivered(self, computer_id: str, revision: int) -> None:
        """Say it to the other masters: an agent may report to any of them."""
        try:
            self._store.tell(News(computer_id=computer_id, revision=revision))
        except StoreError as error:
            log.warning("cannot say that the agent of %s has its news: %s", computer_id, error)
