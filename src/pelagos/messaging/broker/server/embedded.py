"""A broker within this process that every program can reach over AMQP 0-9-1."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version as version_of
from typing import Final, Literal, Self, TypeVar
from urllib.parse import quote

from pelagos.core.clock import Clock, ManualClock, SystemClock
from pelagos.messaging.broker.core import QUEUE_LIMIT, Broker
from pelagos.messaging.broker.server.bounds import Bounds, Crowd
from pelagos.messaging.broker.server.connection import Connection
from pelagos.messaging.broker.server.content import Meter
from pelagos.messaging.broker.server.faults import Faults
from pelagos.messaging.broker.server.publishing import Room
from pelagos.messaging.errors import BrokerUnreachableError, MessagingError

log = logging.getLogger(__name__)

_CHECK_SECONDS: Final = 0.05
_WAIT_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0

_Result = TypeVar("_Result")


class EmbeddedBroker:
    """Serves AMQP 0-9-1 with the answers of RabbitMQ from a thread of its own.

    For tests, and for one computer: nothing is kept on disk, and what is durable lives as long as
    this object. Use it as a context, or call `start` and `stop`; between `stop` and `start` it
    keeps its port and what is durable.

    Args:
        host: an address or name of this computer.
        port: 0 is a free one.
        users: passwords by name; guest with the password guest unless given.
        vhosts: the virtual hosts that there are.
        version: whose rules hold where RabbitMQ has changed them: "3.10" or "4".
        bounds: what clients may take.
        queue_limit: messages that a queue without x-max-length holds; None is no limit.
        clock: a ManualClock stands still for time-to-live and expiry until `advance`.
        tls: a server's context, or None for plain connections.
        force: listen on an address that others can reach, too; it needs users.
    """

    def __init__(  # noqa: PLR0913 - each has a default that suits a test
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        users: Mapping[str, str] | None = None,
        vhosts: Iterable[str] = ("/",),
        version: Literal["3.10", "4"] = "3.10",
        bounds: Bounds | None = None,
        queue_limit: int | None = QUEUE_LIMIT,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        force: bool = False,
    ) -> None:
        _refuse_open(host, users, force=force)
        if isinstance(vhosts, str):
            raise TypeError(f"vhosts is {vhosts!r}, and no list of names")
        self.host = host
        self.port = port
        self.users = dict(users) if users is not None else {"guest": "guest"}
        self.bounds = bounds or Bounds()
        self.clock = clock or SystemClock()
        self.version = version_of("pelagos")
        self.blocked: str | None = None
        self.connections: set[Connection] = set()
        self.meter = Meter()
        self.faults = Faults(self._later)
        self.room = Room(
            self.meter,
            self.faults,
            self.bounds.message,
            self.bounds.transaction,
            Crowd(self.bounds.things, self.bounds.arguments),
        )
        self.brokers = {
            name: Broker(
                f"{host}{name}",
                clock=self.clock,
                queue_limit=queue_limit,
                strict=False,
                version=version,
                on_deadline=self._on_deadline,
            )
            for name in vhosts
        }
        self.loop: asyncio.AbstractEventLoop
        self._tls = tls
        self._numbers = itertools.count(1)
        self._thread: threading.Thread | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._told_reason: str | None = None
        self._stopping: asyncio.Event
        self._left: asyncio.Event

    # What a program does with it.

    def start(self) -> Self:
        """Listen; on return clients may come.

        Raises:
            BrokerUnreachableError: the address cannot be listened on.
        """
        if self._thread is not None:
            return self
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            listener = socket.create_server((self.host, self.port), family=family, backlog=128)
        except OSError as error:
            raise BrokerUnreachableError(
                f"cannot listen on {self.host}:{self.port}: {error.strerror}",
                hint="is it in use? port 0 is a free one",
            ) from error
        self.port = listener.getsockname()[1]
        # Its connections inherit this; else an answer may wait 40 ms for the client's next packet.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for broker in self.brokers.values():
            broker.start()
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, started)),
            name=f"broker-{self.port}",
            daemon=True,
        )
        self._thread.start()
        started.wait(_WAIT_SECONDS)
        return self

    def stop(self) -> None:
        """End all connections in order, and listen no more; again is harmless."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self.loop.call_soon_threadsafe(self._stopping.set)
        thread.join(_WAIT_SECONDS)
        for broker in self.brokers.values():
            broker.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether its thread lives, from `start` to `stop`."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.host, self.port

    @property
    def url(self) -> str:
        """Where and as whom to connect: the first user, with the password, in the first host."""
        name, password = next(iter(self.users.items()))
        host = f"[{self.host}]" if ":" in self.host else self.host
        vhost = next(iter(self.brokers))
        path = "" if vhost == "/" else quote(vhost, safe="")
        scheme = "amqps" if self._tls else "amqp"
        who = f"{quote(name, safe='')}:{quote(password, safe='')}"
        return f"{scheme}://{who}@{host}:{self.port}/{path}"

    def core(self, vhost: str = "/") -> Broker:
        """The queues and exchanges of a virtual host: to look at, and to break."""
        return self.brokers[vhost]

    # What a test does to it.

    def block(self, reason: str = "low on memory") -> None:
        """Let publishers wait, as a broker does that runs out of memory or disk."""
        self._told_reason = reason
        self._do(self.check_memory)

    def unblock(self) -> None:
        """Let them go on."""
        self._told_reason = None
        self._do(self.check_memory)

    def freeze(self) -> None:
        """Stay connected, and neither read nor write."""
        self.faults.frozen = True
        self._do(self._go_on)

    def thaw(self) -> None:
        """Read and write again."""
        self.faults.frozen = False
        self._do(self._go_on)

    def release(self) -> None:
        """Send the confirms that were withheld, and withhold no more."""
        self._do(self.faults.let_go)

    def cut(self) -> int:
        """End all connections as a failing network does; how many those were."""
        return self._do(self._cut)

    def cancel_consumers(self, queue: str, vhost: str = "/") -> int:
        """Cancel all consumers of a queue; how many those were."""
        return self._do(lambda: self.brokers[vhost].cancel_consumers(queue))

    def advance(self, seconds: float) -> None:
        """Let time pass for what waits in queues; needs a ManualClock.

        Raises:
            MessagingError: the clock goes by itself.
        """
        clock = self.clock
        if not isinstance(clock, ManualClock):
            raise MessagingError(
                "the time of this broker goes by itself", hint="give it clock=ManualClock()"
            )
        clock.advance(seconds)
        self._do(self._expire)

    # In its thread.

    async def _serve(self, listener: socket.socket, started: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._left = asyncio.Event()
        server = await self.loop.create_server(
            lambda: Connection(self, next(self._numbers)),
            sock=listener,
            ssl=self._tls,
            ssl_handshake_timeout=self.bounds.login if self._tls else None,
        )
        self._watch_memory()
        self._arm()
        started.set()
        await self._stopping.wait()
        server.close()
        self.faults.frozen = False
        for connection in list(self.connections):
            connection.go_on()
            connection.close("the broker was stopped")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty(), _STOP_SECONDS)
        self._cut()
        await asyncio.sleep(0)

    async def _empty(self) -> None:
        """Return when nobody is connected any more."""
        while self.connections:
            self._left.clear()
            await self._left.wait()

    def _do(self, what: Callable[[], _Result]) -> _Result:
        """Run it in the broker's thread, and wait for it."""
        if self._thread is None:
            raise BrokerUnreachableError("the embedded broker is stopped")

        async def run() -> _Result:
            return what()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(_WAIT_SECONDS)

    def _cut(self) -> int:
        connections = list(self.connections)
        for connection in connections:
            connection.cut()
        return len(connections)

    def _go_on(self) -> None:
        for connection in list(self.connections):
            connection.go_on()

    def _later(self, seconds: float, then: Callable[[], None]) -> None:
        self.loop.call_later(seconds, then)

    def _watch_memory(self) -> None:
        self.check_memory()
        self.loop.call_later(_CHECK_SECONDS, self._watch_memory)

    def left(self, connection: Connection) -> None:
        """A client has gone."""
        self.connections.discard(connection)
        self._left.set()

    def check_memory(self) -> None:
        """See whether there is still room for messages, and tell publishers."""
        reason, limit = self._told_reason, self.bounds.memory
        if self.meter.used > (limit if self.blocked is None else limit * 9 // 10):
            reason = reason or "low on memory"
        if reason == self.blocked:
            return
        log.warning("publishers are blocked: %s", reason) if reason else log.info("unblocked")
        self.blocked = reason
        self.loop.call_soon(self._go_on)  # it may be called in the midst of a client's frames

    def _on_deadline(self, _at: float) -> None:
        if self._thread is not None and not isinstance(self.clock, ManualClock):
            self.loop.call_soon_threadsafe(self._arm)

    def _arm(self) -> None:
        """Look at what is over when the first thing is."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if isinstance(self.clock, ManualClock):
            return
        deadlines = [broker.next_deadline() for broker in self.brokers.values()]
        known = [deadline for deadline in deadlines if deadline is not None]
        if known:
            wait = max(0.0, min(known) - self.clock.monotonic())
            self._alarm = self.loop.call_later(wait, self._expire)

    def _expire(self) -> None:
        self._alarm = None
        for broker in self.brokers.values():
            broker.expire()
        self._arm()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_open(host: str, users: Mapping[str, str] | None, *, force: bool) -> None:
    """Let others reach it only where that is wanted, and not by what everybody knows."""
    if _is_loopback(host):
        return
    if not force:
        raise MessagingError(
            f"the embedded broker does not listen on {host}: others could reach it",
            hint="listen on 127.0.0.1, or pass force=True and choose users and passwords",
        )
    if users is None:
        raise MessagingError(
            f"the embedded broker does not listen on {host} for guest alone: everybody knows "
            "the password",
            hint="pass users={name: password}",
        )
